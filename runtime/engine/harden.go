package engine

import (
	"fmt"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// Bounds inside a VM. Natives cannot be interrupted, so the ones that can hold a
// processor or fill memory in one call have bounds of their own. They make the
// death of a process rare; what makes it harmless is the worker around it.
const (
	maxCallStack = 1000
	maxElements  = 1 << 24 // of an array that a native fills or joins
	maxArguments = 1 << 16 // of one call through apply
	maxJSONDepth = 2000
)

// harden takes code generation away and bounds the natives that are worst. What can
// be reached without naming a global is done here; the rest when it is named.
func harden(rt *goja.Runtime, asyncProto, generatorProto *goja.Object, mostBytes int64) (*hardener, error) {
	rt.SetParserOptions(parser.WithDisableSourceMaps)
	h := &hardener{rt: rt, most: mostBytes}
	h.codeGeneration(asyncProto, generatorProto)
	h.strings()
	h.arrays()
	return h, h.err
}

type hardener struct {
	rt       *goja.Runtime
	most     int64
	function *goja.Object // what stands for Function
	err      error
}

// global sees each global of the language when a function first names it.
func (h *hardener) global(name string, v goja.Value) goja.Value {
	o, ok := v.(*goja.Object)
	if !ok {
		return v
	}
	switch name {
	case "Function":
		return h.function
	case "eval":
		return h.eval()
	case "JSON":
		h.json(o)
	case "Reflect":
		h.reflect(o)
	case "Symbol":
		h.asyncIterator(o)
	}
	if width, buffer := bufferClasses[name]; buffer {
		return h.buffer(name, o, width)
	}
	return v
}

// asyncIterator adds the symbol that code lowered by the bundler looks for.
func (h *hardener) asyncIterator(symbol *goja.Object) {
	of, ok := goja.AssertFunction(symbol.Get("for"))
	if !ok {
		return
	}
	if v, err := of(symbol, h.rt.ToValue("Symbol.asyncIterator")); err == nil {
		_ = symbol.DefineDataProperty("asyncIterator", v, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
}

func (h *hardener) object(path ...string) *goja.Object {
	var v goja.Value = h.rt.GlobalObject()
	for _, name := range path {
		o, ok := v.(*goja.Object)
		if !ok {
			break
		}
		v = o.Get(name)
	}
	o, ok := v.(*goja.Object)
	if !ok {
		h.fail(fmt.Errorf("harden VM: %v is no object", path))
		return h.rt.NewObject()
	}
	return o
}

func (h *hardener) fail(err error) {
	if h.err == nil && err != nil {
		h.err = err
	}
}

func (h *hardener) define(o *goja.Object, name string, v goja.Value) {
	h.fail(o.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}

// guard replaces a native by one that checks first.
func (h *hardener) guard(o *goja.Object, name string, length int, check func(call goja.FunctionCall)) {
	native, ok := goja.AssertFunction(o.Get(name))
	if !ok {
		h.fail(fmt.Errorf("harden VM: no function %s", name))
		return
	}
	fn := h.rt.ToValue(func(call goja.FunctionCall) goja.Value {
		check(call)
		v, err := native(call.This, call.Arguments...)
		if err != nil {
			panic(err)
		}
		return v
	}).(*goja.Object)
	h.name(fn, name, length)
	h.define(o, name, fn)
}

func (h *hardener) name(fn *goja.Object, name string, length int) {
	h.fail(fn.DefineDataProperty("name", h.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	h.fail(fn.DefineDataProperty("length", h.rt.ToValue(length), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}

func (h *hardener) refuse(format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	o, err := h.rt.New(h.rt.Get("RangeError"), h.rt.ToValue(message))
	if err != nil {
		o = h.rt.NewTypeError("%s", message)
	}
	panic(o)
}

// codeGeneration replaces eval and the constructors that compile text. What many
// libraries ask of Function, the global object, is still answered.
func (h *hardener) codeGeneration(asyncProto, generatorProto *goja.Object) {
	global := h.rt.ToValue(func(goja.FunctionCall) goja.Value { return h.rt.GlobalObject() }).(*goja.Object)
	stub := func(name string, proto *goja.Object) *goja.Object {
		fn := h.rt.ToValue(func(call goja.ConstructorCall) *goja.Object {
			if name == "Function" && len(call.Arguments) == 1 && call.Argument(0).String() == "return this" {
				return global
			}
			h.refuseCode()
			return nil
		}).(*goja.Object)
		h.name(fn, name, 1)
		h.fail(fn.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
		h.fail(proto.DefineDataProperty("constructor", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
		return fn
	}
	h.function = stub("Function", asyncProto.Prototype())
	stub("AsyncFunction", asyncProto)
	stub("GeneratorFunction", generatorProto)
}

func (h *hardener) refuseCode() {
	o, err := h.rt.New(h.rt.Get("EvalError"), h.rt.ToValue("making code from text is not allowed here"))
	if err != nil {
		o = h.rt.NewTypeError("making code from text is not allowed here")
	}
	panic(o)
}

func (h *hardener) eval() *goja.Object {
	eval := h.rt.ToValue(func(goja.FunctionCall) goja.Value {
		h.refuseCode()
		return nil
	}).(*goja.Object)
	h.name(eval, "eval", 1)
	return eval
}

// length reads an array-like's length; what the function throws goes up.
func length(v goja.Value) float64 {
	o, ok := v.(*goja.Object)
	if !ok {
		return 0
	}
	n := o.Get("length")
	if n == nil {
		return 0
	}
	return n.ToFloat()
}

func (h *hardener) strings() {
	proto := h.object("String", "prototype")
	size := func(v goja.Value) float64 {
		if s, ok := v.(goja.String); ok {
			return float64(s.Length())
		}
		return float64(len(v.String()))
	}
	h.guard(proto, "repeat", 1, func(call goja.FunctionCall) {
		if n := call.Argument(0).ToFloat(); n*size(call.This) > float64(h.most) {
			h.refuse("Invalid string length: repeat would make more than %d characters", h.most)
		}
	})
	for _, name := range []string{"padStart", "padEnd"} {
		h.guard(proto, name, 1, func(call goja.FunctionCall) {
			if call.Argument(0).ToFloat() > float64(h.most) {
				h.refuse("Invalid string length: %s would make more than %d characters", name, h.most)
			}
		})
	}
}

func (h *hardener) arrays() {
	proto := h.object("Array", "prototype")
	bounded := func(name string, n float64) {
		if n > maxElements {
			h.refuse("Invalid array length: %s takes at most %d elements", name, maxElements)
		}
	}
	h.guard(proto, "fill", 1, func(call goja.FunctionCall) { bounded("fill", length(call.This)) })
	h.guard(proto, "join", 1, func(call goja.FunctionCall) {
		n := length(call.This)
		bounded("join", n)
		if s, ok := call.Argument(0).(goja.String); ok && n*float64(s.Length()) > float64(h.most) {
			h.refuse("Invalid string length: join would make more than %d characters", h.most)
		}
	})
	h.guard(h.object("Array"), "from", 1, func(call goja.FunctionCall) { bounded("Array.from", length(call.Argument(0))) })
	h.guard(h.function.Get("prototype").(*goja.Object), "apply", 2, func(call goja.FunctionCall) { h.arguments(call.Argument(1)) })
}

func (h *hardener) arguments(v goja.Value) {
	if length(v) > maxArguments {
		h.refuse("too many arguments: a call takes at most %d", maxArguments)
	}
}

func (h *hardener) reflect(o *goja.Object) {
	h.guard(o, "apply", 3, func(call goja.FunctionCall) { h.arguments(call.Argument(2)) })
	h.guard(o, "construct", 2, func(call goja.FunctionCall) { h.arguments(call.Argument(1)) })
}

var bufferClasses = map[string]int{
	"ArrayBuffer": 1, "Uint8Array": 1, "Uint8ClampedArray": 1, "Int8Array": 1, "Uint16Array": 2, "Int16Array": 2,
	"Uint32Array": 4, "Int32Array": 4, "Float32Array": 4, "Float64Array": 8, "BigInt64Array": 8, "BigUint64Array": 8,
}

// buffer bounds what one buffer holds. A proxy stands before the constructor, so
// that its statics, subclasses and instanceof stay as they are.
func (h *hardener) buffer(name string, target *goja.Object, width int) *goja.Object {
	if name != "ArrayBuffer" {
		h.rt.Get("ArrayBuffer") // each view has one, whose constructor is in reach
	}
	var stand *goja.Object
	proxy := h.rt.NewProxy(target, &goja.ProxyTrapConfig{
		Construct: func(target *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
			if len(args) > 0 && h.elements(args[0])*float64(width) > float64(h.most) {
				h.refuse("Array buffer allocation failed: %s takes at most %d bytes", name, h.most)
			}
			if newTarget == nil || newTarget == stand {
				o, err := h.rt.New(target, args...)
				if err != nil {
					panic(err)
				}
				return o
			}
			return h.constructAs(target, args, newTarget)
		},
	})
	stand = h.rt.ToValue(proxy).(*goja.Object)
	if proto, ok := target.Get("prototype").(*goja.Object); ok {
		h.define(proto, "constructor", stand)
	}
	return stand
}

// elements is how many elements a constructor's first argument asks for.
func (h *hardener) elements(v goja.Value) float64 {
	if _, symbol := v.(*goja.Symbol); symbol {
		return 0
	}
	if o, object := v.(*goja.Object); object {
		return length(o)
	}
	return v.ToFloat()
}

func (h *hardener) constructAs(target *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
	construct, ok := goja.AssertFunction(h.object("Reflect").Get("construct"))
	if !ok {
		panic(h.rt.NewTypeError("Reflect.construct was taken away"))
	}
	v, err := construct(goja.Undefined(), target, h.rt.NewArray(toAny(args)...), newTarget)
	if err != nil {
		panic(err)
	}
	return v.(*goja.Object)
}

func toAny(values []goja.Value) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// json refuses text that would recurse too deep in native code, where neither the
// call stack's bound nor an interrupt helps.
func (h *hardener) json(object *goja.Object) {
	native, ok := goja.AssertFunction(object.Get("parse"))
	if !ok {
		return
	}
	fn := h.rt.ToValue(func(call goja.FunctionCall) goja.Value {
		args := append([]goja.Value{goja.Undefined()}, call.Arguments...)
		if len(call.Arguments) > 0 {
			args = args[1:]
		}
		s, ok := args[0].(goja.String)
		if !ok {
			if _, symbol := args[0].(*goja.Symbol); symbol {
				panic(h.rt.NewTypeError("a Symbol cannot be made a string"))
			}
			// Made a string here, once: what is checked is what is parsed.
			v := args[0].ToString()
			args = append([]goja.Value{v}, args[1:]...)
			s, ok = v.(goja.String)
		}
		if ok && jsonDepth(s) > maxJSONDepth {
			syntax, err := h.rt.New(h.rt.Get("SyntaxError"), h.rt.ToValue(fmt.Sprintf("JSON is nested more than %d deep", maxJSONDepth)))
			if err != nil {
				syntax = h.rt.NewTypeError("JSON is nested too deep")
			}
			panic(syntax)
		}
		v, err := native(call.This, args...)
		if err != nil {
			panic(err)
		}
		return v
	}).(*goja.Object)
	h.name(fn, "parse", 2)
	h.define(object, "parse", fn)
}

// jsonDepth is how deep brackets outside of strings go.
func jsonDepth(s goja.String) int {
	depth, most, quoted := 0, 0, false
	for i, n := 0, s.Length(); i < n; i++ {
		switch c := s.CharAt(i); {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > most {
				most = depth
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return most
}
