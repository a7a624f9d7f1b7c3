package engine

import (
	"strconv"

	"github.com/dop251/goja"
)

// longMethods are the methods of arrays that natively go through all elements, of
// those that are called on long arrays by mistake. A guard costs each VM half a
// microsecond and half a kilobyte: the other methods end with their worker when a
// function tells them of an endless length.
var longMethods = []string{"concat", "fill", "flat", "includes", "indexOf", "join", "slice", "sort", "toSorted"}

// maxPlainSort is how many elements are sorted natively as text, which takes about a
// tenth of a second.
const maxPlainSort = 10_000

// arrays bounds the methods of arrays and what makes long ones.
func (h *hardener) arrays(class *goja.Object) {
	proto := class.Get("prototype").(*goja.Object)
	for _, name := range longMethods {
		stand := h.method(name)
		switch name {
		case "join":
			stand = h.join
		case "concat":
			stand = h.concat
		case "flat":
			stand = h.flat
		case "sort", "toSorted":
			stand = h.sort(name, maxPlainSort)
		}
		h.guard(proto, name, stand)
	}
	h.array = h.arrayClass(class, proto)
}

// like calls the method of what looks like an array, which is code that an interrupt
// ends.
func (h *hardener) like(name string, call goja.FunctionCall) goja.Value {
	if h.likes == nil {
		methods := h.load(arrayLikes(), h.array, h.rt.Get("Object"), h.rt.ToValue(h.elements), h.rt.ToValue(func(goja.FunctionCall) goja.Value {
			h.refuseElements("this method")
			return nil
		}))
		h.likes = map[string]native{}
		for _, key := range methods.Keys() {
			if fn, ok := inner(methods.Get(key)); ok {
				h.likes[key] = fn
			}
		}
	}
	return h.likes[name](call)
}

func (h *hardener) method(name string) func(native, goja.FunctionCall) goja.Value {
	return func(native native, call goja.FunctionCall) goja.Value {
		n, array := elementsOf(call.This)
		if !array {
			if _, object := call.This.(*goja.Object); object {
				return h.like(name, call)
			}
		}
		if n > h.elements {
			h.refuseElements(name)
		}
		return native(call)
	}
}

// flat goes into nested arrays, which natively is recursion that nothing bounds.
func (h *hardener) flat(native native, call goja.FunctionCall) goja.Value {
	if v := call.Argument(0); !goja.IsUndefined(v) && !isSmall(v) {
		return h.like("flat", call)
	}
	return h.method("flat")(native, call)
}

func isSmall(v goja.Value) bool {
	n, ok := v.Export().(int64)
	return ok && n < maxDepth
}

// join bounds the text and how deep joins go: an array within an array is joined
// natively.
func (h *hardener) join(native native, call goja.FunctionCall) goja.Value {
	n, array := elementsOf(call.This)
	if o, object := call.This.(*goja.Object); object && !array && o.ClassName() != "String" {
		return h.like("join", call)
	}
	if n > h.elements {
		h.refuseElements("join")
	}
	between := int64(1)
	if v := call.Argument(0); !goja.IsUndefined(v) {
		var s goja.Value
		s, between = text(v) // not to be compared: a string beyond ASCII is a slice
		if _, object := v.(*goja.Object); object {
			call = with(call, 0, s)
		}
	}
	if n > 0 && between*(n-1)+h.textIn(call.This.(*goja.Object), n) > h.most {
		h.refuseText("join")
	}
	if h.joining >= maxDepth {
		h.throw("RangeError", "Maximum call stack size exceeded: arrays within arrays go too deep")
	}
	h.joining++
	defer func() { h.joining-- }()
	return native(call)
}

// textIn is how much text an array's strings hold.
func (h *hardener) textIn(array *goja.Object, n int64) (size int64) {
	add := func(v goja.Value) {
		if s, ok := v.(goja.String); ok {
			size += int64(s.Length())
		}
	}
	if n <= 4 {
		for i := range n {
			add(array.Get(strconv.FormatInt(i, 10)))
		}
		return size
	}
	var values []goja.Value
	if h.rt.ExportTo(array, &values) != nil {
		return 0 // what reading it throws, joining it does
	}
	for _, v := range values {
		add(v)
	}
	return size
}

// concat bounds what arrays hold together.
func (h *hardener) concat(native native, call goja.FunctionCall) goja.Value {
	total, plain := elementsOf(call.This)
	for _, arg := range call.Arguments {
		n, array := elementsOf(arg)
		if o, object := arg.(*goja.Object); object && !array && isSpreadable(o) {
			plain = false
		}
		total += n
	}
	switch _, object := call.This.(*goja.Object); {
	case !plain && object:
		return h.like("concat", call)
	case total > h.elements:
		h.refuseElements("concat")
	}
	return native(call)
}

func isSpreadable(o *goja.Object) bool {
	v := o.GetSymbol(goja.SymIsConcatSpreadable)
	if v == nil || goja.IsUndefined(v) {
		_, proxy := o.Export().(goja.Proxy)
		return proxy
	}
	return v.ToBoolean()
}

// sort gives a long array a comparator, so that sorting it can be interrupted.
func (h *hardener) sort(name string, plain int64) func(native, goja.FunctionCall) goja.Value {
	stand := h.method(name)
	return func(native native, call goja.FunctionCall) goja.Value {
		if n, array := elementsOf(call.This); array && n > plain && goja.IsUndefined(call.Argument(0)) {
			call = with(call, 0, h.like("texts", goja.FunctionCall{This: goja.Undefined()}))
		}
		return stand(native, call)
	}
}

// arrayClass stands for Array: a length is bounded there, before anything goes
// through so many elements that are none.
func (h *hardener) arrayClass(class, proto *goja.Object) *goja.Object {
	construct, _ := goja.AssertConstructor(class)
	var stand *goja.Object
	stand = h.rt.ToValue(func(call goja.ConstructorCall) *goja.Object {
		if len(call.Arguments) == 1 {
			if n, ok := lengthOf(call.Argument(0)); ok && n > h.elements && n < 1<<32 {
				h.refuseElements("Array")
			}
		}
		target := call.NewTarget
		if target == stand {
			target = nil
		}
		o, err := construct(target, call.Arguments...)
		if err != nil {
			panic(err)
		}
		return o
	}).(*goja.Object)
	h.name(stand, "Array", 1)
	h.fail(stand.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
	h.define(proto, "constructor", stand)
	// What methods make of an array they make by goja's own class, without a detour.
	species := h.native("get [Symbol.species]", 0, func(call goja.FunctionCall) goja.Value {
		if call.This == goja.Value(stand) {
			return class
		}
		return call.This
	})
	h.fail(stand.DefineAccessorPropertySymbol(goja.SymSpecies, species, nil, goja.FLAG_TRUE, goja.FLAG_FALSE))
	h.define(stand, "isArray", class.Get("isArray"))
	own := func(call goja.FunctionCall) goja.FunctionCall {
		if call.This == goja.Value(stand) {
			call.This = class
		}
		return call
	}
	h.guard(class, "of", func(native native, call goja.FunctionCall) goja.Value { return native(own(call)) })
	h.guard(class, "from", func(native native, call goja.FunctionCall) goja.Value {
		if h.isLike(call.Argument(0), "Array.from") {
			return h.like("from", call)
		}
		return native(own(call))
	})
	h.define(stand, "of", class.Get("of"))
	h.define(stand, "from", class.Get("from"))
	return stand
}

func lengthOf(v goja.Value) (int64, bool) {
	switch n := v.Export().(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

// isLike reports whether a value that elements are taken from only looks like an
// array, and refuses what has too many.
func (h *hardener) isLike(v goja.Value, name string) bool {
	n, array := elementsOf(v)
	if s, ok := v.(goja.String); ok {
		n = int64(s.Length())
	}
	if n > h.elements {
		h.refuseElements(name)
	}
	o, object := v.(*goja.Object)
	if !object || array {
		return false
	}
	method := o.GetSymbol(goja.SymIterator)
	return method == nil || goja.IsUndefined(method) || goja.IsNull(method)
}
