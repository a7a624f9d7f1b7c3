package engine

import (
	"bytes"
	"embed"
	"fmt"
	"sync"

	"github.com/dop251/goja"

	"hadron/runtime/webapi"
)

// What the language has and goja lacks is written in JavaScript, where it can be
// interrupted as a function's own code can, and put in place when a function first
// names what it belongs to. What is reached without a name, as a method of a string
// is, is put in place where the module's text mentions it.
//
//go:embed language/*.js
var languageFiles embed.FS

// languageProgram compiles one of the files, once for the process: each is an
// expression whose value is an object of what to add.
func languageProgram(name string) func() *goja.Program {
	return sync.OnceValue(func() *goja.Program {
		text, err := languageFiles.ReadFile("language/" + name + ".js")
		if err != nil {
			panic(err) // embedded: a test loads each
		}
		return goja.MustCompile("hadron:"+name, string(text), true)
	})
}

var languagePrograms = map[string]func() *goja.Program{
	"Array":                languageProgram("array"),
	"Error":                languageProgram("error"),
	"FinalizationRegistry": languageProgram("finalization"),
	"Intl":                 languageProgram("intl"),
	"Iterator":             languageProgram("iterator"),
	"Map":                  languageProgram("map"),
	"Object":               languageProgram("object"),
	"Promise":              languageProgram("promise"),
	"WeakMap":              languageProgram("weakmap"),
	"WeakRef":              languageProgram("weakref"),
}

// mentions says which parts, reached without a name of their own, a module's text
// has words of. Text that is made code later may have any.
type mentions struct{ iterators, locales, wellFormed, expressions, receivers, stacks bool }

func mentionsOf(code []byte, evals bool) (m mentions) {
	if evals {
		return mentions{true, true, true, true, true, true}
	}
	any := func(words ...string) bool {
		for _, w := range words {
			if bytes.Contains(code, []byte(w)) {
				return true
			}
		}
		return false
	}
	m.iterators = any("values", "keys", "entries", "matchAll", "terator", "function*", "*") &&
		any("map", "flatMap", "filter", "take", "drop", "reduce", "toArray", "forEach", "some", "every", "find")
	m.locales = any("toLocale", "localeCompare")
	m.wellFormed = any("WellFormed")
	m.expressions = any("RegExp")
	m.receivers = any("RegExp", "Symbol", "Reflect") // without these words nobody calls a method of theirs on something else
	m.stacks = any("captureStackTrace", "stackTraceLimit")
	return m
}

// language puts in place what the module mentions.
func (h *hardener) language(m mentions) {
	if m.iterators {
		h.rt.Get("Iterator")
	}
	if m.locales {
		h.locales()
	}
	if m.receivers {
		h.receivers(h.object("RegExp", "prototype"))
	}
	if m.expressions {
		h.rt.Get("RegExp")
	}
	if m.stacks {
		h.rt.Get("Error")
	}
	if m.wellFormed {
		h.wellFormed(h.object("String", "prototype"))
	}
}

// fill adds to a global that a function names for the first time what goja's lacks,
// and makes the ones that it has not.
func (h *hardener) fill(name string, v goja.Value) goja.Value {
	o, _ := v.(*goja.Object)
	switch name {
	case "Object", "Map", "Promise", "Array", "Error":
		h.add(o, h.run(name))
	case "ArrayBuffer":
		h.transferable(o)
	case "Symbol":
		h.symbols(o)
	case "RegExp":
		return h.regexps(o)
	case "Iterator", "WeakRef", "FinalizationRegistry":
		return h.run(name)
	case "Intl":
		return h.intl()
	case "WeakMap", "WeakSet":
		return h.weak(name, v)
	}
	return v
}

// run evaluates one of the files; args are what it takes, where it is a function.
func (h *hardener) run(name string, args ...goja.Value) *goja.Object {
	v, err := h.rt.RunProgram(languagePrograms[name]())
	if err == nil && len(args) > 0 {
		fn, ok := webapi.Function(h.rt, v)
		if !ok {
			panic(fmt.Errorf("language file %s is no function", name))
		}
		v, err = fn(goja.Undefined(), args...)
	}
	if err != nil {
		panic(err) // what ends the VM, or what a function broke before
	}
	return v.(*goja.Object)
}

// add defines an object's members on another as the language does: not enumerable.
func (h *hardener) add(to, members *goja.Object) {
	for _, name := range members.Keys() {
		_ = to.DefineDataProperty(name, members.Get(name), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

// symbols adds the well-known symbols that code lowered by the bundler looks for
// under these names in the registry.
func (h *hardener) symbols(symbol *goja.Object) {
	of, ok := webapi.Function(h.rt, symbol.Get("for"))
	if !ok {
		return
	}
	for _, name := range []string{"asyncIterator", "asyncDispose", "dispose", "metadata"} {
		if v, err := of(symbol, h.rt.ToValue("Symbol."+name)); err == nil {
			_ = symbol.DefineDataProperty(name, v, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		}
	}
}

// recognise makes instanceof work for what stands before a class: goja refuses
// proxies there.
func (h *hardener) recognise(class, stand *goja.Object) {
	native, ok := webapi.Function(h.rt, class.GetSymbol(goja.SymHasInstance))
	if !ok {
		return
	}
	fn := h.native("[Symbol.hasInstance]", 1, func(call goja.FunctionCall) goja.Value {
		of := call.This
		if of == goja.Value(stand) {
			of = class
		}
		v, err := native(of, call.Argument(0))
		if err != nil {
			panic(err)
		}
		return v
	})
	_ = class.DefineDataPropertySymbol(goja.SymHasInstance, fn, goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// native makes a function of the platform.
func (h *hardener) native(name string, length int, fn func(call goja.FunctionCall) goja.Value) *goja.Object {
	o := h.rt.ToValue(fn).(*goja.Object)
	_ = o.DefineDataProperty("name", h.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = o.DefineDataProperty("length", h.rt.ToValue(length), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return o
}

// throw ends native code with an error of one of the language's classes.
func (h *hardener) throw(class, message string) {
	o, err := h.rt.New(h.rt.Get(class), h.rt.ToValue(message))
	if err != nil {
		o = h.rt.NewTypeError("%s", message)
	}
	panic(o)
}

const highSurrogate, lowSurrogate, surrogateEnd = 0xd800, 0xdc00, 0xe000

// wellFormed adds the string methods that look after lone surrogates.
func (h *hardener) wellFormed(proto *goja.Object) {
	text := func(this goja.Value, method string) goja.String {
		if goja.IsUndefined(this) || goja.IsNull(this) {
			h.throw("TypeError", "String.prototype."+method+" called on null or undefined")
		}
		if _, symbol := this.(*goja.Symbol); symbol {
			h.throw("TypeError", "Cannot convert a Symbol value to a string")
		}
		if s, ok := this.(goja.String); ok {
			return s
		}
		return h.rt.ToValue(this.String()).(goja.String)
	}
	h.define(proto, "isWellFormed", h.native("isWellFormed", 0, func(call goja.FunctionCall) goja.Value {
		return h.rt.ToValue(loneSurrogate(text(call.This, "isWellFormed"), 0) < 0)
	}))
	h.define(proto, "toWellFormed", h.native("toWellFormed", 0, func(call goja.FunctionCall) goja.Value {
		s := text(call.This, "toWellFormed")
		at := loneSurrogate(s, 0)
		if at < 0 {
			return s
		}
		units := make([]uint16, s.Length())
		for i := range units {
			units[i] = s.CharAt(i)
		}
		for ; at >= 0; at = loneSurrogate(s, at+1) {
			units[at] = 0xfffd
		}
		return goja.StringFromUTF16(units)
	}))
}

// loneSurrogate is where, from a place on, half a pair stands alone; -1 for nowhere.
func loneSurrogate(s goja.String, from int) int {
	for i, n := from, s.Length(); i < n; i++ {
		switch c := s.CharAt(i); {
		case c < highSurrogate || c >= surrogateEnd:
		case c < lowSurrogate && i+1 < n && s.CharAt(i+1) >= lowSurrogate && s.CharAt(i+1) < surrogateEnd:
			i++
		default:
			return i
		}
	}
	return -1
}

// transferable adds what moves a buffer's bytes to another.
func (h *hardener) transferable(class *goja.Object) {
	buffer := func(v goja.Value, method string) goja.ArrayBuffer {
		if o, ok := v.(*goja.Object); ok {
			if b, ok := o.Export().(goja.ArrayBuffer); ok {
				return b
			}
		}
		h.throw("TypeError", "ArrayBuffer.prototype."+method+" called on what is no ArrayBuffer")
		return goja.ArrayBuffer{}
	}
	move := func(name string) *goja.Object {
		return h.native(name, 0, func(call goja.FunctionCall) goja.Value {
			b := buffer(call.This, name)
			size := int64(len(b.Bytes()))
			if v := call.Argument(0); !goja.IsUndefined(v) {
				if size = v.ToInteger(); size < 0 || size > h.most {
					h.refuse("Array buffer allocation failed: %s takes at most %d bytes", name, h.most)
				}
			}
			if b.Detached() {
				h.throw("TypeError", "Cannot perform "+name+" on a detached ArrayBuffer")
			}
			moved := b.Bytes()
			if size != int64(len(moved)) {
				moved = make([]byte, size)
				copy(moved, b.Bytes())
			}
			b.Detach()
			return h.rt.ToValue(h.rt.NewArrayBuffer(moved))
		})
	}
	proto, ok := class.Get("prototype").(*goja.Object)
	if !ok {
		return
	}
	h.define(proto, "transfer", move("transfer"))
	h.define(proto, "transferToFixedLength", move("transferToFixedLength"))
	getter := func(name string, get func(b goja.ArrayBuffer) any) {
		fn := h.native("get "+name, 0, func(call goja.FunctionCall) goja.Value { return h.rt.ToValue(get(buffer(call.This, name))) })
		_ = proto.DefineAccessorProperty(name, fn, nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	getter("detached", func(b goja.ArrayBuffer) any { return b.Detached() })
	getter("resizable", func(goja.ArrayBuffer) any { return false })
	getter("maxByteLength", func(b goja.ArrayBuffer) any { return len(b.Bytes()) })
}

// resizing refuses a buffer that is to change its size: goja's would silently not.
func (h *hardener) resizing(args []goja.Value) {
	if len(args) < 2 {
		return
	}
	if o, ok := args[1].(*goja.Object); ok {
		if most := o.Get("maxByteLength"); most != nil && !goja.IsUndefined(most) {
			h.throw("TypeError", "resizable ArrayBuffers are not supported here: make a larger one and copy, or use transfer(length)")
		}
	}
}
