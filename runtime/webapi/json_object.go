package webapi

import (
	"reflect"
	"strconv"

	"github.com/dop251/goja"
)

// look notes whether all objects have a toJSON method; asked again after each run of
// the function's code.
func (w *jsonWriter) look() {
	w.hooked = !absent(w.j.bare.Get("toJSON")) || !absent(w.j.bareList.Get("toJSON"))
}

// call runs the function's code.
func (w *jsonWriter) call(fn goja.Callable, this goja.Value, args ...goja.Value) goja.Value {
	v, err := fn(this, args...)
	if err != nil {
		panic(err)
	}
	w.ran++
	w.look()
	if v == nil { // what some of goja's natives say for undefined
		return goja.Undefined()
	}
	return v
}

// method is an object's toJSON, if it has one.
func (w *jsonWriter) method(o *goja.Object) goja.Callable {
	if !w.hooked {
		switch {
		case w.l.isPlain(o):
			if m := w.l.object(o); m.proto == w.j.objectProto && m.values["toJSON"] == nil {
				return nil
			}
		case w.l.isArray(o):
			if m := w.l.object(o); m.proto == w.j.arrayProto && m.values["toJSON"] == nil {
				return nil
			}
		}
	}
	v := o.Get("toJSON")
	w.ran++ // it may be an accessor
	to, _ := Function(w.j.vm, v)
	return to
}

func (w *jsonWriter) isArray(o *goja.Object) bool {
	for w.l.isProxy(o) {
		if o = o.Export().(goja.Proxy).Target(); o == nil {
			panic(w.j.vm.NewTypeError("Cannot perform 'IsArray' on a proxy that has been revoked"))
		}
	}
	return o.ClassName() == "Array"
}

// lengthOf reads an array-like's length.
func (w *jsonWriter) lengthOf(o *goja.Object) int {
	if w.l.isArray(o) {
		_, n := w.l.list(o)
		return n
	}
	v := o.Get("length")
	w.ran++
	if v == nil {
		return 0
	}
	return int(whole(v, 0, 1<<53-1))
}

// hollow reports whether an array has nothing where an element is missing: no
// prototype has elements.
func (w *jsonWriter) hollow(o *goja.Object) bool {
	if w.l.prototype(o) != w.j.arrayProto {
		return false
	}
	if w.asked != w.ran+1 {
		w.asked, w.inherits = w.ran+1, false
		for _, proto := range []*goja.Object{w.j.arrayProto, w.j.objectProto} {
			for _, name := range proto.GetOwnPropertyNames() {
				w.inherits = w.inherits || name != "" && name[0]-'0' < 10
			}
		}
	}
	return !w.inherits
}

func (w *jsonWriter) element(o *goja.Object, i int) goja.Value {
	if w.l.isArray(o) {
		if list, _ := w.l.list(o); i < len(list) {
			if v := list[i]; v != nil && reflect.TypeOf(v) != w.l.property {
				return v
			} else if v == nil && w.hollow(o) {
				return goja.Undefined()
			}
		} else if w.hollow(o) {
			return goja.Undefined()
		}
	}
	v := o.Get(strconv.Itoa(i))
	w.ran++
	if v == nil {
		return goja.Undefined()
	}
	return v
}

// keys are an object's own enumerable ones.
func (w *jsonWriter) keys(o *goja.Object) []goja.Value {
	list := w.call(w.j.keysOf, goja.Undefined(), o).(*goja.Object)
	elements, n := w.l.list(list)
	return elements[:n]
}

func (w *jsonWriter) get(o *goja.Object, key goja.Value) goja.Value {
	w.j.prepare()
	return w.call(w.j.reflected["get"], goja.Undefined(), o, key)
}
