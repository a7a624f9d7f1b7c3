package engine

import (
	"github.com/dop251/goja"
)

// Bounds of whole numbers of any size.
const (
	maxBits   = 1 << 24 // of what a power or a shift makes
	maxDigits = 1 << 20 // of text that a number is made of
)

func (h *hardener) refuseBits() { h.refuse("Maximum BigInt size exceeded: at most %d bits", maxBits) }

// bigints bounds what BigInt and its statics make.
func (h *hardener) bigints(class *goja.Object) *goja.Object {
	make, ok := inner(class)
	if !ok {
		return class
	}
	stand := h.native("BigInt", 1, func(call goja.FunctionCall) goja.Value {
		v := call.Argument(0)
		if _, object := v.(*goja.Object); !object {
			if s, ok := v.(goja.String); ok && s.Length() > maxDigits {
				h.refuse("Maximum BigInt size exceeded: text of at most %d digits", maxDigits)
			}
		}
		return make(call)
	})
	for _, name := range []string{"asIntN", "asUintN"} {
		h.guard(class, name, func(native native, call goja.FunctionCall) goja.Value {
			var bits float64
			if bits, call = h.number(call, 0); bits > maxBits {
				h.refuseBits()
			}
			return native(call)
		})
		h.define(stand, name, class.Get(name))
	}
	if proto, ok := class.Get("prototype").(*goja.Object); ok {
		h.fail(stand.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
		h.define(proto, "constructor", stand)
	}
	return stand
}

// operators are the functions that stand for ** and << where operands may be BigInt.
func (h *hardener) operators() (power, shift goja.Value) {
	if h.powers[0] == nil {
		made := h.load(powers(), h.rt.ToValue(maxBits), h.rt.ToValue(func(goja.FunctionCall) goja.Value {
			h.refuseBits()
			return nil
		}))
		h.powers = [2]goja.Value{made.Get("power"), made.Get("shift")}
	}
	return h.powers[0], h.powers[1]
}
