package webapi

import (
	"math"
	"math/big"
	"reflect"
	"strconv"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// jsonWriter is one run of JSON.stringify.
type jsonWriter struct {
	j        *jsonRealm
	l        *layout
	b        []byte
	open     []*goja.Object // what is being written
	scratch  []property
	ran      int // how often code of the function's was called
	hooked   bool
	asked    int // ran and one, when inherits was found out
	inherits bool
	replacer goja.Callable
	only     []goja.Value // the keys of a list of names; nil: all
	gap      string
}

type property struct {
	name  unistring.String
	value goja.Value
}

// jsonKey is a property's key, made a value when that is asked for.
type jsonKey struct {
	value goja.Value
	name  unistring.String
	index int // -1: name
}

// stringify writes v; nil where there is nothing to write. The bytes are valid until
// the next call.
func (j *jsonRealm) stringify(v, replacer, space goja.Value) []byte {
	w := j.writer
	if j.writer = nil; w == nil { // the first, or one within another
		w = &jsonWriter{j: j, l: objectLayout()}
	}
	defer w.release()
	w.look()
	var holder *goja.Object
	if !absent(replacer) {
		w.replace(replacer)
	}
	if !absent(space) {
		w.gap = w.gapOf(space)
	}
	if w.replacer != nil {
		holder = j.vm.NewObject()
		_ = holder.DefineDataProperty("", v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	if !w.write(v, jsonKey{index: -1}, holder) {
		return nil
	}
	return w.b
}

// release lets go of everything but a little memory for the next.
func (w *jsonWriter) release() {
	const most = 64 << 10
	clear(w.open[:cap(w.open)])
	clear(w.scratch[:cap(w.scratch)])
	if cap(w.b) > most || cap(w.scratch) > most/16 {
		return
	}
	*w = jsonWriter{j: w.j, l: w.l, b: w.b[:0], open: w.open[:0], scratch: w.scratch[:0]}
	w.j.writer = w
}

// write writes one value; false means that nothing stands for it.
func (w *jsonWriter) write(v goja.Value, key jsonKey, holder *goja.Object) bool {
	if o, ok := v.(*goja.Object); ok {
		if l := lazyOf(o); l != nil {
			if n := &l.of.nodes[l.node]; n.canonical && w.plain() {
				w.b = append(w.b, l.of.text[n.start:n.end]...)
				w.check()
				return true
			}
			w.j.touch(l)
		}
		if to := w.method(o); to != nil {
			v = w.call(to, o, w.value(key))
		}
	} else if v.ExportType() == bigIntType {
		if to, ok := Function(w.j.vm, v.ToObject(w.j.vm).Get("toJSON")); ok {
			v = w.call(to, v, w.value(key))
		}
	}
	if w.replacer != nil {
		v = w.call(w.replacer, holder, w.value(key), v)
	}
	if o, ok := v.(*goja.Object); ok {
		return w.object(o)
	}
	return w.primitive(v)
}

var bigIntType = reflect.TypeFor[*big.Int]()

// plain reports whether objects are written as they are, without whitespace.
func (w *jsonWriter) plain() bool {
	return !w.hooked && w.replacer == nil && w.only == nil && w.gap == ""
}

// value is a key as the function sees it.
func (w *jsonWriter) value(k jsonKey) goja.Value {
	switch {
	case k.value != nil:
		return k.value
	case k.index >= 0:
		return w.j.vm.ToValue(strconv.Itoa(k.index))
	}
	if units := k.name.AsUtf16(); units != nil {
		return goja.StringFromUTF16(units[1:])
	}
	return w.j.vm.ToValue(string(k.name))
}

func (w *jsonWriter) primitive(v goja.Value) bool {
	switch t := reflect.TypeOf(v); t {
	case w.l.whole:
		w.b = strconv.AppendInt(w.b, v.ToInteger(), 10)
	case w.l.float:
		f := v.ToFloat()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			w.b = append(w.b, "null"...)
		} else {
			w.b = appendNumber(w.b, f)
		}
	case w.l.boolean:
		w.b = strconv.AppendBool(w.b, v.ToBoolean())
	case w.l.null:
		w.b = append(w.b, "null"...)
	case w.l.undef:
		return false
	default:
		s, ok := v.(goja.String)
		if !ok {
			if v.ExportType() == bigIntType {
				panic(w.j.vm.NewTypeError("Do not know how to serialize a BigInt"))
			}
			return false // a symbol
		}
		w.quote(s)
		w.check()
	}
	return true
}

func (w *jsonWriter) quote(s goja.String) {
	if w.l.isWide(s) {
		w.b = appendQuotedUnits(w.b, s.Length(), s.CharAt)
		return
	}
	w.b = appendQuoted(w.b, s.String())
}

func (w *jsonWriter) name(n unistring.String) {
	if units := n.AsUtf16(); units != nil {
		w.b = appendQuotedUnits(w.b, len(units)-1, func(i int) uint16 { return units[i+1] })
		return
	}
	w.b = appendQuoted(w.b, string(n))
}

// check bounds the text.
func (w *jsonWriter) check() {
	if len(w.b) > w.j.most {
		w.tooLong()
	}
}

func (w *jsonWriter) tooLong() {
	w.j.throw("RangeError", "Invalid string length: JSON.stringify would make more than this function may hold")
}

func (w *jsonWriter) object(o *goja.Object) bool {
	if l := lazyOf(o); l != nil { // what toJSON or the replacer gave instead
		w.j.touch(l)
	}
	array := w.l.isArray(o)
	if !array && !w.l.isPlain(o) {
		switch o.ClassName() {
		case "Number":
			return w.primitive(o.ToNumber())
		case "String":
			return w.primitive(w.j.string(o))
		case "Boolean":
			return w.primitive(w.j.vm.ToValue(o.Export()))
		case "RawJSON":
			w.b = append(w.b, o.Get("rawJSON").String()...)
			return true
		}
		if o.ExportType() == bigIntType {
			return w.primitive(w.j.vm.ToValue(o.Export()))
		}
		if _, callable := goja.AssertFunction(o); callable {
			return false
		}
		array = w.isArray(o)
	}
	for _, outer := range w.open {
		if outer == o {
			panic(w.j.vm.NewTypeError("Converting circular structure to JSON"))
		}
	}
	if len(w.open) >= maxJSONDepth {
		w.j.throw("RangeError", "JSON.stringify: the value is nested more than "+strconv.Itoa(maxJSONDepth)+" deep")
	}
	w.open = append(w.open, o)
	switch {
	case array:
		w.array(o)
	case w.only != nil:
		w.listed(o, w.only)
	case w.l.isPlain(o):
		w.members(o)
	default:
		w.listed(o, w.keys(o))
	}
	w.open = w.open[:len(w.open)-1]
	w.check()
	return true
}

// newline begins a line, where there are any.
func (w *jsonWriter) newline(depth int) {
	if w.gap == "" {
		return
	}
	w.b = append(w.b, '\n')
	for range depth {
		w.b = append(w.b, w.gap...)
	}
}

func (w *jsonWriter) array(o *goja.Object) {
	n := w.lengthOf(o)
	if n > w.j.most/2 {
		w.tooLong()
	}
	w.b = append(w.b, '[')
	for i := range n {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.newline(len(w.open))
		if !w.write(w.element(o, i), jsonKey{index: i}, o) {
			w.b = append(w.b, "null"...)
			w.check()
		}
	}
	if n > 0 {
		w.newline(len(w.open) - 1)
	}
	w.b = append(w.b, ']')
}

// members writes a plain object, as long as no code of the function's has a say in
// what its properties are.
func (w *jsonWriter) members(o *goja.Object) {
	m := w.l.object(o)
	first := len(w.scratch)
	for _, name := range m.names {
		v := m.values[name]
		if reflect.TypeOf(v) == w.l.property || name != "" && name[0]-'0' < 10 {
			w.scratch = w.scratch[:first]
			w.listed(o, w.keys(o))
			return
		}
		w.scratch = append(w.scratch, property{name, v})
	}
	last, ran := len(w.scratch), w.ran
	w.b = append(w.b, '{')
	empty := true
	for i := first; i < last; i++ {
		p := w.scratch[i]
		key := jsonKey{name: p.name, index: -1}
		if w.ran != ran { // code of the function's ran meanwhile
			key.value = w.value(key)
			p.value = w.get(o, key.value)
		}
		mark := len(w.b)
		w.before(empty)
		w.name(p.name)
		w.colon()
		if w.write(p.value, key, o) {
			empty = false
		} else {
			w.b = w.b[:mark]
		}
	}
	w.scratch = w.scratch[:first]
	w.close(empty)
}

// listed writes the properties of the names given.
func (w *jsonWriter) listed(o *goja.Object, names []goja.Value) {
	w.b = append(w.b, '{')
	empty := true
	for _, name := range names {
		v := w.get(o, name)
		mark := len(w.b)
		w.before(empty)
		w.quote(name.(goja.String))
		w.colon()
		if w.write(v, jsonKey{value: name, index: -1}, o) {
			empty = false
		} else {
			w.b = w.b[:mark]
		}
	}
	w.close(empty)
}

func (w *jsonWriter) before(first bool) {
	if !first {
		w.b = append(w.b, ',')
	}
	w.newline(len(w.open))
}

func (w *jsonWriter) colon() {
	w.b = append(w.b, ':')
	if w.gap != "" {
		w.b = append(w.b, ' ')
	}
}

func (w *jsonWriter) close(empty bool) {
	if !empty {
		w.newline(len(w.open) - 1)
	}
	w.b = append(w.b, '}')
}
