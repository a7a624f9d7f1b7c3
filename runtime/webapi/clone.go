package webapi

import (
	"bytes"

	"github.com/dop251/goja"
)

// maxCloneDepth bounds recursion in native code.
const maxCloneDepth = 500

type cloner struct {
	r    *Realm
	seen map[*goja.Object]*goja.Object
}

func newStructuredClone(r *Realm) goja.Value {
	return r.function("structuredClone", 1, func(args []goja.Value) goja.Value {
		c := cloner{r: r, seen: map[*goja.Object]*goja.Object{}}
		transfer := r.member(r.options(arg(args, 1), "structuredClone"), "transfer")
		var moved []goja.ArrayBuffer
		if !absent(transfer) {
			for _, v := range r.sequence(transfer, "the transfer list") {
				o, ok := v.(*goja.Object)
				if !ok || o.ExportType() != bufferType {
					panic(r.domException("DataCloneError", "only an ArrayBuffer can be transferred"))
				}
				moved = append(moved, o.Export().(goja.ArrayBuffer))
			}
		}
		out := c.clone(args[0], 0)
		for _, b := range moved {
			b.Detach()
		}
		return out
	})
}

func (c *cloner) clone(v goja.Value, depth int) goja.Value {
	o, ok := v.(*goja.Object)
	if !ok {
		if _, symbol := v.(*goja.Symbol); symbol {
			panic(c.refuse("a symbol"))
		}
		return v
	}
	if done, ok := c.seen[o]; ok {
		return done
	}
	if depth > maxCloneDepth {
		panic(c.r.rangeError("structuredClone: the value is nested more than %d deep", maxCloneDepth))
	}
	if _, is := goja.AssertFunction(o); is {
		panic(c.refuse("a function"))
	}
	t := o.ExportType()
	if t == bufferType {
		return c.keep(o, c.r.arrayBuffer(bytes.Clone(o.Export().(goja.ArrayBuffer).Bytes())))
	}
	if typedArray(t) || t == ordinary && c.r.dataView(o) {
		return c.view(o, depth)
	}
	switch o.ClassName() {
	case "Array":
		return c.array(o, depth)
	case "Date":
		return c.keep(o, c.construct("Date", c.r.vm.ToValue(o.ToFloat())))
	case "RegExp":
		return c.keep(o, c.construct("RegExp", o.Get("source"), o.Get("flags")))
	case "Boolean", "Number", "String":
		return c.keep(o, c.primitive(o).ToObject(c.r.vm))
	case "Error":
		return c.failure(o, depth)
	}
	if kind := collection(o); kind != "" {
		return c.entries(o, kind, depth)
	}
	if t != ordinary {
		panic(c.refuse("a " + o.ClassName() + " of the platform"))
	}
	twin := c.r.vm.NewObject()
	c.seen[o] = twin
	for _, key := range o.Keys() {
		_ = twin.Set(key, c.clone(o.Get(key), depth+1))
	}
	return twin
}

func (c *cloner) refuse(what string) *goja.Object {
	return c.r.domException("DataCloneError", "%s cannot be cloned", what)
}

func (c *cloner) keep(from *goja.Object, twin goja.Value) goja.Value {
	c.seen[from] = twin.(*goja.Object)
	return twin
}

func (c *cloner) construct(class string, args ...goja.Value) goja.Value {
	o, err := c.r.vm.New(c.r.vm.Get(class), args...)
	if err != nil {
		panic(err)
	}
	return o
}

func (c *cloner) primitive(o *goja.Object) goja.Value {
	valueOf, ok := goja.AssertFunction(c.r.vm.Get(o.ClassName()).ToObject(c.r.vm).Get("prototype").ToObject(c.r.vm).Get("valueOf"))
	if !ok {
		panic(c.refuse("the value"))
	}
	return c.r.must(valueOf(o))
}

func (c *cloner) array(o *goja.Object, depth int) goja.Value {
	twin := c.r.vm.NewArray()
	c.seen[o] = twin
	_ = twin.Set("length", o.Get("length"))
	for _, key := range o.Keys() {
		_ = twin.Set(key, c.clone(o.Get(key), depth+1))
	}
	return twin
}

func (c *cloner) view(o *goja.Object, depth int) goja.Value {
	buffer := c.clone(o.Get("buffer"), depth+1)
	name := o.GetSymbol(goja.SymToStringTag).String()
	length := o.Get("length")
	if name == "DataView" {
		length = o.Get("byteLength")
	}
	return c.keep(o, c.construct(name, buffer, o.Get("byteOffset"), length))
}

func (c *cloner) entries(o *goja.Object, class string, depth int) goja.Value {
	var items []goja.Value
	c.r.forOf(o, func(v goja.Value) { items = append(items, v) })
	twin := c.construct(class).(*goja.Object)
	c.seen[o] = twin
	add, key := "add", false
	if class == "Map" {
		add, key = "set", true
	}
	put := c.r.callable(twin.Get(add), class+"."+add)
	for _, item := range items {
		if key {
			pair := item.ToObject(c.r.vm)
			c.r.must(put(twin, c.clone(pair.Get("0"), depth+1), c.clone(pair.Get("1"), depth+1)))
			continue
		}
		c.r.must(put(twin, c.clone(item, depth+1)))
	}
	return twin
}

func (c *cloner) failure(o *goja.Object, depth int) goja.Value {
	name := "Error"
	if v := o.Get("name"); v != nil {
		switch s := v.String(); s {
		case "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError":
			name = s
		}
	}
	message := goja.Undefined()
	if v := o.Get("message"); !absent(v) {
		message = c.r.vm.ToValue(c.r.text(v))
	}
	twin := c.construct(name, message).(*goja.Object)
	c.seen[o] = twin
	for _, key := range []string{"stack", "cause"} {
		if v := o.Get(key); !absent(v) {
			_ = twin.DefineDataProperty(key, c.clone(v, depth+1), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	return twin
}
