package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"hadron/runtime/pattern"
	"hadron/runtime/webapi"
)

// authored is where an expression that was translated keeps what its author wrote.
type authored struct{ source, flags string }

// maxPatterns bounds the translated expressions that a VM keeps: code that is
// lowered makes one anew each time it passes.
const maxPatterns = 200

// expressions stands before RegExp: it reads what goja would misread.
type expressions struct {
	h     *hardener
	class *goja.Object // goja's own
	stand *goja.Object // what functions call RegExp
	mark  *goja.Symbol // under which an instance keeps its authored
	made  map[authored]*goja.Object
}

// regexps puts a proxy before the class, so that its statics, subclasses and
// instanceof stay as they are.
func (h *hardener) regexps(class *goja.Object) *goja.Object {
	x := &expressions{h: h, class: class, mark: goja.NewSymbol("hadron.pattern"), made: map[authored]*goja.Object{}}
	proxy := h.rt.NewProxy(class, &goja.ProxyTrapConfig{
		Construct: func(_ *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
			return x.construct(args, newTarget)
		},
		Apply: func(_ *goja.Object, _ goja.Value, args []goja.Value) goja.Value {
			if len(args) > 0 && (len(args) < 2 || goja.IsUndefined(args[1])) {
				if o, ok := args[0].(*goja.Object); ok && isRegExp(o) && o.Get("constructor") == goja.Value(x.stand) {
					return o
				}
			}
			return x.construct(args, nil)
		},
		// Splitting makes an instance of the species. It takes goja's own class as it
		// is without a detour.
		GetSym: func(class *goja.Object, symbol *goja.Symbol, receiver goja.Value) goja.Value {
			if symbol != goja.SymSpecies {
				return class.GetSymbol(symbol)
			}
			if receiver == goja.Value(x.stand) {
				return class
			}
			return receiver
		},
	})
	x.stand = h.rt.ToValue(proxy).(*goja.Object)
	h.recognise(class, x.stand)
	proto, ok := class.Get("prototype").(*goja.Object)
	if !ok {
		return class
	}
	h.define(proto, "constructor", x.stand)
	x.describe(proto)
	return x.stand
}

func isRegExp(o *goja.Object) bool { return o.ClassName() == "RegExp" }

// authored is what the author of an instance wrote, where it was translated.
func (x *expressions) authored(v goja.Value) (authored, bool) {
	o, ok := v.(*goja.Object)
	if !ok {
		return authored{}, false
	}
	held := o.GetSymbol(x.mark)
	if held == nil {
		return authored{}, false
	}
	a, ok := held.Export().(authored)
	return a, ok
}

func (x *expressions) construct(args []goja.Value, newTarget *goja.Object) *goja.Object {
	args, wanted := x.read(args)
	x.h.boundPattern(wanted.source)
	if !pattern.Foreign(wanted.source, wanted.flags) {
		if newTarget == nil || newTarget == x.stand {
			return x.native(args...)
		}
		return x.h.constructAs(x.class, args, newTarget)
	}
	var o *goja.Object
	if newTarget == nil || newTarget == x.stand {
		o = x.native(x.translated(wanted)) // a copy, which shares what was compiled
	} else {
		source, flags := x.translate(wanted)
		o = x.h.constructAs(x.class, []goja.Value{x.h.rt.ToValue(source), x.h.rt.ToValue(flags)}, newTarget)
	}
	_ = o.DefineDataPropertySymbol(x.mark, x.h.rt.ToValue(wanted), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	return o
}

// read takes the arguments of the constructor to what they mean. What it converted
// is handed on converted, so that a function sees each conversion once.
func (x *expressions) read(args []goja.Value) ([]goja.Value, authored) {
	var a authored
	call := goja.FunctionCall{Arguments: args}
	source, flags := call.Argument(0), call.Argument(1)
	if o, ok := source.(*goja.Object); ok && isRegExp(o) {
		if known, ok := x.authored(o); ok {
			a = known
			source = x.h.rt.ToValue(a.source)
			args = []goja.Value{source, x.h.rt.ToValue(a.flags)}
		} else if goja.IsUndefined(flags) {
			return args, authored{} // a copy
		} else {
			a.source = o.Get("source").String()
		}
	} else if !goja.IsUndefined(source) {
		source = x.string(source)
		a.source = plainSource(source)
		args = []goja.Value{source, flags}
	}
	if !goja.IsUndefined(flags) {
		flags = x.string(flags)
		a.flags = flags.String()
		args = []goja.Value{source, flags}
	}
	return args, a
}

func (x *expressions) string(v goja.Value) goja.Value {
	if _, symbol := v.(*goja.Symbol); symbol {
		x.h.throw("TypeError", "Cannot convert a Symbol value to a string")
	}
	if s, ok := v.(goja.String); ok {
		return s
	}
	return x.h.rt.ToValue(v.String())
}

// plainSource is an expression as UTF-8, half pairs as escapes.
func plainSource(v goja.Value) string {
	s, ok := v.(goja.String)
	if !ok || loneSurrogate(s, 0) < 0 {
		return v.String()
	}
	var b strings.Builder
	from := 0
	for at := loneSurrogate(s, 0); at >= 0; at = loneSurrogate(s, from) {
		b.WriteString(s.Substring(from, at).String())
		fmt.Fprintf(&b, `\u%04x`, s.CharAt(at))
		from = at + 1
	}
	b.WriteString(s.Substring(from, s.Length()).String())
	return b.String()
}

// native is new RegExp as goja has it.
func (x *expressions) native(args ...goja.Value) *goja.Object {
	o, err := x.h.rt.New(x.class, args...)
	if err != nil {
		panic(err)
	}
	return o
}

func (x *expressions) translate(a authored) (source, flags string) {
	source, flags, err := pattern.Translate(a.source, a.flags)
	if err != nil {
		var bad *pattern.Error
		if errors.As(err, &bad) {
			x.h.throw("SyntaxError", bad.Error())
		}
		panic(err)
	}
	return source, flags
}

// translated is an instance to copy.
func (x *expressions) translated(a authored) *goja.Object {
	if o, ok := x.made[a]; ok {
		return o
	}
	source, flags := x.translate(a)
	o := x.native(x.h.rt.ToValue(source), x.h.rt.ToValue(flags))
	if len(x.made) >= maxPatterns {
		clear(x.made)
	}
	x.made[a] = o
	return o
}

// describe lets instances tell of themselves what their authors wrote.
func (x *expressions) describe(proto *goja.Object) {
	rt := x.h.rt
	wrap := func(name string, of func(a authored) any, method bool) {
		native := x.h.getter(proto, name)
		if method {
			native, _ = webapi.Function(rt, proto.Get(name))
		}
		title := "get " + name
		if method {
			title = name
		}
		fn := x.h.native(title, 0, func(call goja.FunctionCall) goja.Value {
			if a, ok := x.authored(call.This); ok {
				return rt.ToValue(of(a))
			}
			if native == nil {
				return rt.ToValue(false)
			}
			v, err := native(call.This)
			if err != nil {
				panic(err)
			}
			return v
		})
		if method {
			x.h.define(proto, name, fn)
			return
		}
		_ = proto.DefineAccessorProperty(name, fn, nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	wrap("source", func(a authored) any { return literalSource(a.source) }, false)
	wrap("flags", func(a authored) any { return sorted(a.flags) }, false)
	wrap("toString", func(a authored) any { return "/" + literalSource(a.source) + "/" + sorted(a.flags) }, true)
	wrap("unicodeSets", func(a authored) any { return strings.Contains(a.flags, "v") }, false)
	wrap("hasIndices", func(authored) any { return false }, false)
}

// getter is an accessor's function, or nil.
func (h *hardener) getter(o *goja.Object, name string) goja.Callable {
	describe, ok := webapi.Function(h.rt, h.object("Object").Get("getOwnPropertyDescriptor"))
	if !ok {
		return nil
	}
	v, err := describe(goja.Undefined(), o, h.rt.ToValue(name))
	if err != nil {
		panic(err)
	}
	descriptor, ok := v.(*goja.Object)
	if !ok {
		return nil
	}
	fn, _ := webapi.Function(h.rt, descriptor.Get("get"))
	return fn
}

// literalSource writes an expression as it may stand between slashes.
func literalSource(source string) string {
	if source == "" {
		return "(?:)"
	}
	var b strings.Builder
	escaped, class := false, false
	for _, c := range source {
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			b.WriteByte('\\')
		}
		switch c {
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\u2028', '\u2029':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// sorted puts flags in the language's order.
func sorted(flags string) string {
	var b strings.Builder
	for _, c := range "dgimsuvy" {
		if strings.ContainsRune(flags, c) {
			b.WriteRune(c)
		}
	}
	return b.String()
}
