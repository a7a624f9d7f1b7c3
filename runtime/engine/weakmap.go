package engine

import (
	"weak"

	"github.com/dop251/goja"
)

// weakly is a WeakMap or WeakSet: what it holds is in the tables of its keys.
type weakly struct{ self weak.Pointer[weakly] }

// keyTable is what the WeakMaps of a VM keep for one key. It lives as long as the
// key does; of maps that are gone, something is left until the table next grows.
type keyTable struct {
	by   map[weak.Pointer[weakly]]goja.Value
	most int // how many are in it before those of maps that are gone are looked for
}

// hidden holds a Go value where only language/weakmap.js sees it.
type hidden[T any] struct{ value T }

func (hidden[T]) Get(string) goja.Value       { return nil }
func (hidden[T]) Set(string, goja.Value) bool { return false }
func (hidden[T]) Has(string) bool             { return false }
func (hidden[T]) Delete(string) bool          { return true }
func (hidden[T]) Keys() []string              { return nil }

// fewMaps is how many maps a key may be in before the dead among them are sought.
const fewMaps = 16

// weak makes WeakMap and WeakSet, once for the VM.
func (h *hardener) weak(name string, native goja.Value) goja.Value {
	if h.weaks == nil {
		if name != "WeakMap" {
			native = h.plain.Get("WeakMap")
		}
		args := func(call goja.FunctionCall) (*weakly, *keyTable) {
			return exported[*weakly](call.Argument(0)), exported[*keyTable](call.Argument(1))
		}
		h.weaks = h.run("WeakMap", native,
			h.native("", 0, func(goja.FunctionCall) goja.Value {
				m := &weakly{}
				m.self = weak.Make(m)
				return h.rt.NewDynamicObject(&hidden[*weakly]{m})
			}),
			h.native("", 0, func(goja.FunctionCall) goja.Value {
				return h.rt.NewDynamicObject(&hidden[*keyTable]{&keyTable{most: fewMaps}})
			}),
			h.native("", 0, func(call goja.FunctionCall) goja.Value {
				m, t := args(call)
				if v, ok := t.by[m.self]; ok {
					return v
				}
				return goja.Undefined()
			}),
			h.native("", 0, func(call goja.FunctionCall) goja.Value {
				m, t := args(call)
				t.set(m, call.Argument(2))
				return goja.Undefined()
			}),
			h.native("", 0, func(call goja.FunctionCall) goja.Value {
				m, t := args(call)
				_, had := t.by[m.self]
				delete(t.by, m.self)
				return h.rt.ToValue(had)
			}))
	}
	return h.weaks.Get(name)
}

// set keeps a value; of maps that are gone, it lets go where there are many.
func (t *keyTable) set(m *weakly, v goja.Value) {
	if t.by == nil {
		t.by = make(map[weak.Pointer[weakly]]goja.Value, 1)
	}
	if len(t.by) >= t.most {
		for p := range t.by {
			if p.Value() == nil {
				delete(t.by, p)
			}
		}
		t.most = max(fewMaps, 2*len(t.by))
	}
	t.by[m.self] = v
}

func exported[T any](v goja.Value) T {
	return v.(*goja.Object).Export().(*hidden[T]).value
}
