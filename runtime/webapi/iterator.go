package webapi

import "github.com/dop251/goja"

// iterator walks over a live list: next answers false at the end.
type iterator struct {
	instance
	next func() (goja.Value, bool)
	done bool
}

// pairs gives a class that maps names to values its keys, values, entries, forEach
// and Symbol.iterator. at returns the pair at an index of the list as it is now.
func pairs[T object](c *class, at func(self T, i int) (name, value string, ok bool)) {
	pairsOf(c, func(self T, i int) (string, goja.Value, bool) {
		name, value, ok := at(self, i)
		if !ok {
			return "", nil, false
		}
		return name, c.realm.vm.ToValue(value), true
	})
}

// pairsOf is pairs for values of any kind.
func pairsOf[T object](c *class, at func(self T, i int) (name string, value goja.Value, ok bool)) {
	r := c.realm
	var proto *goja.Object // one for all iterators of the class, made at first use
	walk := func(self T, pick func(name string, value goja.Value) goja.Value) goja.Value {
		if proto == nil {
			proto = r.iteratorPrototype(c.name + " Iterator")
		}
		i := 0
		return r.house(&iterator{next: func() (goja.Value, bool) {
			name, value, ok := at(self, i)
			if !ok {
				return nil, false
			}
			i++
			return pick(name, value), true
		}}, proto)
	}
	entry := func(name string, value goja.Value) goja.Value { return r.vm.NewArray(name, value) }
	entries := method(c, "entries", 0, func(self T, _ []goja.Value) goja.Value { return walk(self, entry) })
	c.pairs = entries
	_ = c.proto.DefineDataPropertySymbol(goja.SymIterator, entries, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	method(c, "keys", 0, func(self T, _ []goja.Value) goja.Value {
		return walk(self, func(name string, _ goja.Value) goja.Value { return r.vm.ToValue(name) })
	})
	method(c, "values", 0, func(self T, _ []goja.Value) goja.Value {
		return walk(self, func(_ string, value goja.Value) goja.Value { return value })
	})
	method(c, "forEach", 1, func(self T, args []goja.Value) goja.Value {
		fn := r.callable(args[0], "the callback of forEach")
		for i := 0; ; i++ {
			name, value, ok := at(self, i)
			if !ok {
				return goja.Undefined()
			}
			r.must(fn(arg(args, 1), value, r.vm.ToValue(name), self.base().self))
		}
	})
}

// iteratorPrototype makes the prototype that iterators of one kind share.
func (r *Realm) iteratorPrototype(name string) *goja.Object {
	if r.iter == nil {
		arr := r.vm.NewArray()
		values, _ := Function(r.vm, arr.GetSymbol(goja.SymIterator))
		it := r.must(values(arr)).(*goja.Object)
		r.iter = it.Prototype().Prototype()
	}
	proto := r.vm.CreateObject(r.iter)
	c := &class{realm: r, name: name, proto: proto}
	method(c, "next", 0, func(it *iterator, _ []goja.Value) goja.Value {
		var v goja.Value
		ok := !it.done
		if ok {
			v, ok = it.next()
		}
		it.done = !ok
		return r.iterResult(v, !ok)
	})
	c.tag(proto, name)
	return proto
}

func (r *Realm) iterResult(value goja.Value, done bool) *goja.Object {
	if value == nil {
		value = goja.Undefined()
	}
	o := r.vm.NewObject()
	_ = o.Set("value", value)
	_ = o.Set("done", done)
	return o
}
