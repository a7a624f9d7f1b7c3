package engine

import (
	"github.com/dop251/goja"
)

// functions bounds what calls a function with many arguments, or through many others.
func (h *hardener) functions(proto *goja.Object) {
	h.guard(proto, "apply", func(native native, call goja.FunctionCall) goja.Value {
		return native(h.arguments(call, 1))
	})
	h.bound = goja.NewSymbol("hadron.bound")
	h.guard(proto, "bind", func(native native, call goja.FunctionCall) goja.Value {
		depth := int64(1)
		if fn, ok := call.This.(*goja.Object); ok {
			if in := fn.GetSymbol(h.bound); in != nil {
				depth += in.ToInteger()
			}
		}
		if depth > maxDepth {
			h.throw("RangeError", "Maximum call stack size exceeded: a function is bound too often")
		}
		v := native(call)
		if fn, ok := v.(*goja.Object); ok {
			h.fail(fn.DefineDataPropertySymbol(h.bound, h.rt.ToValue(depth), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
		}
		return v
	})
}

// arguments bounds the list that a call's arguments are taken from, and reads it
// once where its length may change.
func (h *hardener) arguments(call goja.FunctionCall, at int) goja.FunctionCall {
	o, ok := call.Argument(at).(*goja.Object)
	if !ok {
		return call
	}
	n, plain := elementsOf(o)
	if !plain && o.ClassName() == "Arguments" {
		n, plain = o.Get("length").ToInteger(), true
	}
	if n > maxArguments {
		h.refuse("too many arguments: a call takes at most %d", maxArguments)
	}
	if plain {
		return call
	}
	return with(call, at, h.like("list", goja.FunctionCall{This: goja.Undefined(), Arguments: []goja.Value{o}}))
}

func (h *hardener) reflect(o *goja.Object) {
	h.guard(o, "apply", func(native native, call goja.FunctionCall) goja.Value { return native(h.arguments(call, 2)) })
	h.guard(o, "construct", func(native native, call goja.FunctionCall) goja.Value { return native(h.arguments(call, 1)) })
	h.guard(o, "ownKeys", h.keys("Reflect.ownKeys"))
}

// objects bounds what makes a list of a text's characters.
func (h *hardener) objects(o *goja.Object) {
	for _, name := range []string{"keys", "values", "entries", "getOwnPropertyNames", "getOwnPropertyDescriptors"} {
		h.guard(o, name, h.keys("Object."+name))
	}
}

func (h *hardener) keys(name string) func(native, goja.FunctionCall) goja.Value {
	return func(native native, call goja.FunctionCall) goja.Value {
		v := call.Argument(0)
		if o, ok := v.(*goja.Object); ok && o.ClassName() == "String" {
			v = o.ToString()
		}
		if s, ok := v.(goja.String); ok && int64(s.Length()) > h.elements {
			h.refuseElements(name)
		}
		return native(call)
	}
}

// proxies bounds how many proxies may stand before one another: what reaches through
// them does so natively.
func (h *hardener) proxies(class *goja.Object) *goja.Object {
	construct, _ := goja.AssertConstructor(class)
	check := func(v goja.Value) {
		for depth := 0; ; depth++ {
			o, ok := v.(*goja.Object)
			if !ok {
				return
			}
			p, ok := o.Export().(goja.Proxy)
			if !ok {
				return
			}
			if depth >= maxDepth/10 {
				h.throw("RangeError", "Maximum call stack size exceeded: proxies stand before one another too often")
			}
			v = p.Target()
		}
	}
	stand := h.rt.ToValue(h.rt.NewProxy(class, &goja.ProxyTrapConfig{
		Construct: func(_ *goja.Object, args []goja.Value, _ *goja.Object) *goja.Object {
			check(goja.FunctionCall{Arguments: args}.Argument(0))
			o, err := construct(nil, args...)
			if err != nil {
				panic(err)
			}
			return o
		},
	})).(*goja.Object)
	h.guard(class, "revocable", func(native native, call goja.FunctionCall) goja.Value {
		check(call.Argument(0))
		return native(call)
	})
	return stand
}
