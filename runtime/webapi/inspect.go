package webapi

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// Bounds of what the console shows of one value.
const (
	inspectDepth = 4
	inspectItems = 100
)

type inspector struct {
	r     *Realm
	b     strings.Builder
	above []*goja.Object
}

// inspect shows a value on one line, as far as the bounds reach. It reads
// properties of the function's objects, and what those throw is shown, not thrown.
func (r *Realm) inspect(v goja.Value) string {
	i := inspector{r: r}
	if ex := r.vm.Try(func() { i.value(v, true) }); ex != nil {
		i.b.WriteString("[could not be shown]")
	}
	return i.b.String()
}

func (i *inspector) full() bool { return i.b.Len() > maxLine }

func (i *inspector) value(v goja.Value, top bool) {
	switch {
	case v == nil:
		i.b.WriteString("undefined")
	case goja.IsString(v):
		i.b.WriteString(strconv.Quote(cut(v.String(), maxLine)))
	case goja.IsBigInt(v):
		i.b.WriteString(v.String() + "n")
	default:
		switch v := v.(type) {
		case *goja.Symbol:
			i.b.WriteString("Symbol(" + v.String() + ")")
		case *goja.Object:
			i.object(v, top)
		default:
			if goja.IsNumber(v) && v.ToFloat() == 0 && math.Signbit(v.ToFloat()) {
				i.b.WriteByte('-')
			}
			i.b.WriteString(v.String())
		}
	}
}

func (i *inspector) object(o *goja.Object, top bool) {
	i.r.touched(o)
	if slices.Contains(i.above, o) {
		i.b.WriteString("[Circular]")
		return
	}
	if _, is := goja.AssertFunction(o); is {
		name := "(anonymous)"
		if v := o.Get("name"); !absent(v) && v.String() != "" {
			name = v.String()
		}
		kind := "Function"
		if strings.HasPrefix(o.String(), "class") {
			kind = "class"
		}
		if name != "(anonymous)" {
			name = ": " + clip(name)
		} else {
			name = " " + name
		}
		i.b.WriteString("[" + kind + name + "]")
		return
	}
	if o.ClassName() == "Error" {
		i.failure(o, top)
		return
	}
	if len(i.above) >= inspectDepth {
		i.b.WriteString("[" + i.name(o) + "]")
		return
	}
	i.above = append(i.above, o)
	defer func() { i.above = i.above[:len(i.above)-1] }()
	t := o.ExportType()
	switch {
	case t == bufferType:
		fmt.Fprintf(&i.b, "ArrayBuffer { byteLength: %d }", len(o.Export().(goja.ArrayBuffer).Bytes()))
	case o.ClassName() == "Array" || typedArray(t):
		i.list(o)
	case o.ClassName() == "Date":
		i.date(o)
	case o.ClassName() == "RegExp":
		i.b.WriteString(o.String())
	case o.ClassName() == "Number" || o.ClassName() == "String" || o.ClassName() == "Boolean":
		c := cloner{r: i.r}
		i.b.WriteString("[" + o.ClassName() + ": ")
		i.value(c.primitive(o), false)
		i.b.WriteByte(']')
	case collection(o) != "":
		i.collection(o)
	case t == promiseType:
		i.promise(o.Export().(*goja.Promise))
	default:
		i.properties(o)
	}
}

func (i *inspector) date(o *goja.Object) {
	if at, ok := o.Export().(time.Time); ok {
		i.b.WriteString(at.UTC().Format("2006-01-02T15:04:05.000Z"))
		return
	}
	i.b.WriteString("Invalid Date")
}

func (i *inspector) promise(p *goja.Promise) {
	i.b.WriteString("Promise { ")
	switch p.State() {
	case goja.PromiseStatePending:
		i.b.WriteString("<pending>")
	case goja.PromiseStateRejected:
		i.b.WriteString("<rejected> ")
		fallthrough
	default:
		i.value(p.Result(), false)
	}
	i.b.WriteString(" }")
}

func (i *inspector) name(o *goja.Object) string {
	if tag := o.GetSymbol(goja.SymToStringTag); tag != nil && goja.IsString(tag) {
		return clip(tag.String())
	}
	if ctor, ok := o.Get("constructor").(*goja.Object); ok {
		if name := ctor.Get("name"); name != nil && goja.IsString(name) {
			return clip(name.String())
		}
	}
	if o.Prototype() == nil {
		return "[Object: null prototype]"
	}
	return "Object"
}

func (i *inspector) failure(o *goja.Object, top bool) {
	text := o.String()
	if top {
		if stack := o.Get("stack"); !absent(stack) {
			text = cleanStack(stack.String())
		}
	}
	i.b.WriteString(cut(text, maxLine))
	if cause := o.Get("cause"); !absent(cause) && len(i.above) < inspectDepth {
		i.above = append(i.above, o)
		i.b.WriteString(" [cause: ")
		i.value(cause, false)
		i.b.WriteByte(']')
		i.above = i.above[:len(i.above)-1]
	}
}

// cleanStack takes goja's instruction counters, "index.ts:3:9(21)", off a stack.
func cleanStack(stack string) string {
	lines := strings.Split(stack, "\n")
	out := lines[:0]
	for _, line := range lines {
		if strings.HasPrefix(line, "\tat ") || strings.HasPrefix(line, "    at ") {
			if strings.HasSuffix(line, "(native)") || strings.HasSuffix(line, "at native") {
				continue
			}
			tail := ""
			if strings.HasSuffix(line, "))") {
				line, tail = line[:len(line)-1], ")"
			}
			if open := strings.LastIndexByte(line, '('); open > 0 && strings.HasSuffix(line, ")") {
				if _, err := strconv.Atoi(line[open+1 : len(line)-1]); err == nil {
					line = line[:open]
				}
			}
			line = "    at " + strings.TrimSpace(line)[3:] + tail
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func (i *inspector) more(n int) {
	if n > 0 {
		fmt.Fprintf(&i.b, ", … %d more", n)
	}
}

func (i *inspector) list(o *goja.Object) {
	length := int(whole(o.Get("length"), 0, 1<<53))
	if name := i.name(o); o.ClassName() != "Array" {
		fmt.Fprintf(&i.b, "%s(%d) ", name, length)
	}
	i.b.WriteByte('[')
	shown := min(length, inspectItems)
	for n := range shown {
		if i.full() {
			shown = n
			break
		}
		if n > 0 {
			i.b.WriteString(", ")
		}
		v := o.Get(strconv.Itoa(n))
		if v == nil {
			i.b.WriteString("<empty>")
			continue
		}
		i.value(v, false)
	}
	i.more(length - shown)
	i.b.WriteByte(']')
}

func (i *inspector) collection(o *goja.Object) {
	size := int(whole(o.Get("size"), 0, 1<<53))
	kind := collection(o)
	fmt.Fprintf(&i.b, "%s(%d) {", kind, size)
	n := 0
	i.r.vm.ForOf(o, func(v goja.Value) bool {
		if n == inspectItems || i.full() {
			return false
		}
		if n > 0 {
			i.b.WriteByte(',')
		}
		i.b.WriteByte(' ')
		if pair, ok := v.(*goja.Object); ok && kind == "Map" {
			i.value(pair.Get("0"), false)
			i.b.WriteString(" => ")
			i.value(pair.Get("1"), false)
		} else {
			i.value(v, false)
		}
		n++
		return true
	})
	i.more(size - n)
	i.b.WriteString(" }")
}

func (i *inspector) properties(o *goja.Object) {
	name := i.name(o)
	if name != "Object" {
		i.b.WriteString(name + " ")
	}
	keys := o.Keys()
	if len(keys) == 0 {
		i.b.WriteString(i.known(o))
		return
	}
	i.b.WriteString("{ ")
	for n, key := range keys {
		if n == inspectItems || i.full() {
			i.more(len(keys) - n)
			break
		}
		if n > 0 {
			i.b.WriteString(", ")
		}
		if !token(key) {
			key = strconv.Quote(key)
		}
		i.b.WriteString(key + ": ")
		i.value(o.Get(keys[n]), false)
	}
	i.b.WriteString(" }")
}

// known shows what matters of the platform's own objects.
func (i *inspector) known(o *goja.Object) string {
	if h, ok := unwrap[*Headers](o); ok {
		var parts []string
		for _, f := range h.fields().combined() {
			parts = append(parts, fmt.Sprintf("%s: %q", f.name, f.value))
		}
		return braces(parts)
	}
	if u, ok := unwrap[*URL](o); ok {
		return braces([]string{strconv.Quote(u.u.Href(false))})
	}
	if p, ok := unwrap[*SearchParams](o); ok {
		return braces([]string{strconv.Quote(encodeQuery(p.list))})
	}
	if q, ok := unwrap[*Request](o); ok {
		return braces([]string{"method: " + q.method, "url: " + strconv.Quote(q.url)})
	}
	if p, ok := unwrap[*Response](o); ok {
		return braces([]string{"status: " + strconv.Itoa(p.status), "type: " + strconv.Quote(p.contentType())})
	}
	return "{}"
}

func braces(parts []string) string {
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// Inspect shows a value as the console does.
func (r *Realm) Inspect(v goja.Value) string { return r.inspect(v) }

// Clip shortens a text to at most so many bytes, and says so.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return cut(s, most-40)
}
