package webapi

import (
	"net/http"
	"net/textproto"

	"github.com/dop251/goja"
)

// Headers is the class of that name. What came over the network stays a map until
// the function does more than look up names in it.
type Headers struct {
	instance
	list      fieldList
	sorted    fieldList // cache of list.combined()
	wire      http.Header
	immutable bool
	decoded   bool // they came with a body that is decompressed as it is read
}

// fields returns the list, reading the map if that has not been done.
func (h *Headers) fields() fieldList {
	if h.wire != nil {
		h.list, h.wire = fieldsFromWire(h.wire), nil
	}
	return h.list
}

func (h *Headers) get(name string) (string, bool) {
	if h.wire == nil {
		return h.list.get(name)
	}
	values := h.wire[textproto.CanonicalMIMEHeaderKey(name)]
	switch len(values) {
	case 0:
		return "", false
	case 1:
		return textFromWire(values[0]), true
	}
	return h.fields().get(name)
}

func (h *Headers) change(do func(l *fieldList)) {
	h.fields()
	do(&h.list)
	h.sorted = nil
}

func (h *Headers) at(i int) (name, value string, ok bool) {
	if h.sorted == nil {
		h.sorted = h.fields().combined()
	}
	if i >= len(h.sorted) {
		return "", "", false
	}
	return h.sorted[i].name, h.sorted[i].value, true
}

func (r *Realm) headerName(v goja.Value) string {
	name, err := headerName(r.latin(v))
	if err != nil {
		panic(r.vm.NewTypeError("%s", err.Error()))
	}
	return name
}

func (r *Realm) headerValue(v goja.Value) string {
	value, err := headerValue(r.latin(v))
	if err != nil {
		panic(r.vm.NewTypeError("%s", err.Error()))
	}
	return value
}

// mutable checks that a field can be changed.
func (r *Realm) mutable(h *Headers, name string) {
	if h.immutable {
		panic(r.vm.NewTypeError("these headers cannot be changed; copy them with new Headers(…)"))
	}
	if name == "content-encoding" {
		h.decoded = false // from here on it is the function's word
	}
}

// fillHeaders adds what a HeadersInit holds.
func (r *Realm) fillHeaders(h *Headers, init goja.Value) {
	if absent(init) {
		return
	}
	o, ok := init.(*goja.Object)
	if !ok {
		panic(r.vm.NewTypeError("headers are made from an object, a list of pairs or other headers"))
	}
	if other, ok := unwrap[*Headers](o); ok && r.use("Headers").pristine(o) {
		list := other.fields()
		h.decoded = other.decoded
		h.change(func(l *fieldList) { *l = append(*l, list...) })
		return
	}
	if fn := o.GetSymbol(goja.SymIterator); !nullish(fn) {
		r.forOf(o, func(v goja.Value) {
			pair := r.sequence(v, "a header")
			if len(pair) != 2 {
				panic(r.vm.NewTypeError("a header is a pair of name and value; here stand %d values", len(pair)))
			}
			r.append(h, pair[0], pair[1])
		})
		return
	}
	var list []field
	r.record(o, func(key string, value goja.Value) {
		list = append(list, field{r.latin(r.vm.ToValue(key)), r.latin(value)})
	})
	for _, f := range list {
		r.append(h, r.vm.ToValue(f.name), r.vm.ToValue(f.value))
	}
}

func (r *Realm) append(h *Headers, name, value goja.Value) {
	n, v := r.headerName(name), r.headerValue(value)
	if n == "content-encoding" {
		h.decoded = false
	}
	h.change(func(l *fieldList) { l.add(n, v) })
}

// headersFrom makes a list from a HeadersInit.
func (r *Realm) headersFrom(init goja.Value) *Headers {
	h := &Headers{}
	r.fillHeaders(h, init)
	return h
}

func newHeadersClass(r *Realm) *class {
	c := r.class("Headers", 0, nil, func(args []goja.Value) object { return r.headersFrom(arg(args, 0)) })
	method(c, "append", 2, func(h *Headers, args []goja.Value) goja.Value {
		n, v := r.headerName(args[0]), r.headerValue(args[1])
		r.mutable(h, n)
		h.change(func(l *fieldList) { l.add(n, v) })
		return goja.Undefined()
	})
	method(c, "set", 2, func(h *Headers, args []goja.Value) goja.Value {
		n, v := r.headerName(args[0]), r.headerValue(args[1])
		r.mutable(h, n)
		h.change(func(l *fieldList) { l.set(n, v) })
		return goja.Undefined()
	})
	method(c, "delete", 1, func(h *Headers, args []goja.Value) goja.Value {
		n := r.headerName(args[0])
		r.mutable(h, n)
		h.change(func(l *fieldList) { l.remove(n) })
		return goja.Undefined()
	})
	method(c, "get", 1, func(h *Headers, args []goja.Value) goja.Value {
		if v, ok := h.get(r.headerName(args[0])); ok {
			return r.vm.ToValue(v)
		}
		return goja.Null()
	})
	method(c, "has", 1, func(h *Headers, args []goja.Value) goja.Value {
		_, ok := h.get(r.headerName(args[0]))
		return r.vm.ToValue(ok)
	})
	method(c, "getSetCookie", 0, func(h *Headers, _ []goja.Value) goja.Value {
		out := []any{}
		for _, f := range h.fields() {
			if f.name == "set-cookie" {
				out = append(out, f.value)
			}
		}
		return r.vm.NewArray(out...)
	})
	pairs(c, (*Headers).at)
	return c
}
