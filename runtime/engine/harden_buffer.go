package engine

import (
	"reflect"

	"github.com/dop251/goja"
)

var bufferClasses = map[string]int{
	"ArrayBuffer": 1, "Uint8Array": 1, "Uint8ClampedArray": 1, "Int8Array": 1, "Uint16Array": 2, "Int16Array": 2,
	"Uint32Array": 4, "Int32Array": 4, "Float32Array": 4, "Float64Array": 8, "BigInt64Array": 8, "BigUint64Array": 8,
}

// maxNumberSort is how many numbers of a view are sorted natively, which takes about
// a second.
const maxNumberSort = 2_000_000

var bufferType = reflect.TypeFor[goja.ArrayBuffer]()

// buffer bounds what one buffer holds. A proxy stands before the constructor, so
// that its statics, subclasses and instanceof stay as they are.
func (h *hardener) buffer(name string, target *goja.Object, width int) *goja.Object {
	if name != "ArrayBuffer" {
		h.rt.Get("ArrayBuffer") // each view has one, whose constructor is in reach
		h.shared(target)
	}
	construct, _ := goja.AssertConstructor(target)
	var stand *goja.Object
	proxy := h.rt.NewProxy(target, &goja.ProxyTrapConfig{
		Construct: func(_ *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
			h.resizing(args)
			if len(args) > 0 {
				args = h.sized(name, width, args)
			}
			if newTarget == stand {
				newTarget = nil
			}
			o, err := construct(newTarget, args...)
			if err != nil {
				panic(err)
			}
			return o
		},
	})
	stand = h.rt.ToValue(proxy).(*goja.Object)
	h.recognise(target, stand)
	if proto, ok := target.Get("prototype").(*goja.Object); ok {
		h.define(proto, "constructor", stand)
	}
	return stand
}

// sized checks how many elements a constructor's first argument asks for, and reads
// once what only looks like an array.
func (h *hardener) sized(name string, width int, args []goja.Value) []goja.Value {
	call := goja.FunctionCall{Arguments: args}
	var n float64
	switch v := args[0].(type) {
	case *goja.Symbol:
		return args
	case *goja.Object:
		switch {
		case name == "ArrayBuffer":
			n, call = h.number(call, 0)
		case v.ExportType() == bufferType:
			return args // a view on what is there
		case h.isLike(v, name):
			call = with(call, 0, h.like("from", goja.FunctionCall{This: h.array, Arguments: args[:1]}))
			fallthrough
		default:
			if count := call.Arguments[0].(*goja.Object).Get("length"); count != nil {
				n = count.ToFloat()
			}
		}
	default:
		n = v.ToFloat()
	}
	if n*float64(width) > float64(h.most) {
		h.refuse("Array buffer allocation failed: %s takes at most %d bytes (limits.memory)", name, h.most)
	}
	return call.Arguments
}

// shared bounds what all views inherit, once.
func (h *hardener) shared(view *goja.Object) {
	if h.views {
		return
	}
	h.views = true
	class := view.Prototype()
	proto, ok := class.Get("prototype").(*goja.Object)
	if !ok {
		return
	}
	h.guard(class, "from", func(native native, call goja.FunctionCall) goja.Value {
		if h.isLike(call.Argument(0), "from") {
			call = with(call, 0, h.like("from", goja.FunctionCall{This: h.array, Arguments: []goja.Value{call.Argument(0)}}))
		}
		return native(call)
	})
	long := func(v goja.Value) bool {
		o, ok := v.(*goja.Object)
		return ok && o.ExportType().Kind() == reflect.Slice && o.Get("length").ToInteger() > maxNumberSort
	}
	for _, name := range []string{"sort", "toSorted"} {
		h.guard(proto, name, func(native native, call goja.FunctionCall) goja.Value {
			if goja.IsUndefined(call.Argument(0)) && long(call.This) {
				call = with(call, 0, h.like("numbers", goja.FunctionCall{This: goja.Undefined()}))
			}
			return native(call)
		})
	}
}

func (h *hardener) constructAs(target *goja.Object, args []goja.Value, newTarget *goja.Object) *goja.Object {
	construct, ok := goja.AssertConstructor(target)
	if !ok {
		panic(h.rt.NewTypeError("what is extended is no class"))
	}
	o, err := construct(newTarget, args...)
	if err != nil {
		panic(err)
	}
	return o
}
