package webapi

import (
	"bytes"
	"slices"

	"github.com/dop251/goja"
)

// maxCloneDepth bounds recursion in native code.
const maxCloneDepth = 500

// maxCloned bounds the values of one clone.
const maxCloned = 1 << 20

// cloneable is an object of the platform's that can be cloned.
type cloneable interface {
	object
	structuredClone(r *Realm) *goja.Object
}

type cloner struct {
	r     *Realm
	seen  map[*goja.Object]*goja.Object
	moved map[*goja.Object]bool // buffers that are handed over, not copied
	bytes int64
	count int
}

func newStructuredClone(r *Realm) goja.Value {
	return r.function("structuredClone", 1, func(args []goja.Value) goja.Value {
		transfer := r.member(r.options(arg(args, 1), "structuredClone"), "transfer")
		if absent(transfer) {
			return r.clone(args[0])
		}
		return r.cloneWith(args[0], r.sequence(transfer, "the transfer list"))
	})
}

// clone copies a value as structuredClone does.
func (r *Realm) clone(v goja.Value) goja.Value {
	if _, ok := v.(*goja.Object); !ok {
		if _, symbol := v.(*goja.Symbol); !symbol {
			return v
		}
	}
	return r.cloneWith(v, nil)
}

func (r *Realm) cloneWith(v goja.Value, transfer []goja.Value) goja.Value {
	c := cloner{r: r, seen: map[*goja.Object]*goja.Object{}}
	for _, item := range transfer {
		o, ok := item.(*goja.Object)
		if !ok || o.ExportType() != bufferType || c.moved[o] || o.Export().(goja.ArrayBuffer).Detached() {
			panic(c.refuse("what is in the transfer list"))
		}
		if c.moved == nil {
			c.moved = map[*goja.Object]bool{}
		}
		c.moved[o] = true
	}
	out := c.clone(v, 0)
	for o := range c.moved {
		o.Export().(goja.ArrayBuffer).Detach()
	}
	return out
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
	if c.count++; c.count > maxCloned {
		panic(c.r.rangeError("structuredClone: the value holds more than %d objects", maxCloned))
	}
	if _, is := goja.AssertFunction(o); is {
		panic(c.refuse("a function"))
	}
	if own, ok := unwrap[cloneable](o); ok {
		twin := own.structuredClone(c.r)
		c.seen[o] = twin
		return twin
	}
	if _, ok := unwrap[object](o); ok {
		panic(c.refuse("a " + c.name(o)))
	}
	return c.ordinary(o, depth)
}

func (c *cloner) name(o *goja.Object) string {
	if tag := tagOf(o); tag != "" {
		return clip(tag)
	}
	return "host object"
}

// ordinary copies an object of the language.
func (c *cloner) ordinary(o *goja.Object, depth int) goja.Value {
	t := c.r.touched(o).ExportType()
	if t == bufferType {
		return c.buffer(o)
	}
	if typedArray(t) || t == ordinary && c.r.dataView(o) {
		return c.view(o, depth)
	}
	switch class := o.ClassName(); class {
	case "Array":
		twin := c.r.vm.NewArray()
		_ = twin.Set("length", o.Get("length"))
		return c.properties(o, twin, depth)
	case "Date":
		return c.keep(o, c.construct("Date", c.primitive(o)))
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
	if boxed, ok := c.bigInt(o); ok {
		return c.keep(o, boxed.ToObject(c.r.vm))
	}
	if t != ordinary || unclonable[tagOf(o)] && len(o.Symbols()) == 0 {
		panic(c.refuse("a " + c.name(o)))
	}
	return c.properties(o, c.r.vm.NewObject(), depth)
}

// unclonable are the tags of the language's objects that cannot be cloned, and that
// goja exports as it does plain ones.
var unclonable = map[string]bool{
	"WeakMap": true, "WeakSet": true, "Generator": true, "Array Iterator": true, "Map Iterator": true, "Set Iterator": true,
	"String Iterator": true, "RegExp String Iterator": true,
}

// properties copies what an object holds under strings.
func (c *cloner) properties(o, twin *goja.Object, depth int) goja.Value {
	c.seen[o] = twin
	keys := o.Keys()
	if odd(keys) {
		return c.reflected(o, twin, depth)
	}
	for _, key := range keys {
		v := o.Get(key)
		if v == nil { // a getter before took it away
			continue
		}
		_ = twin.DefineDataProperty(key, c.clone(v, depth+1), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return twin
}

// reflected is properties where a name is no text.
func (c *cloner) reflected(o, twin *goja.Object, depth int) goja.Value {
	define := c.r.callable(c.r.lazy.language.Get("Reflect").ToObject(c.r.vm).Get("defineProperty"), "Reflect.defineProperty")
	c.r.reflected(o, func(key goja.Value, get func() goja.Value) {
		if _, symbol := key.(*goja.Symbol); symbol {
			return
		}
		desc := c.r.vm.CreateObject(nil)
		for _, flag := range []string{"writable", "enumerable", "configurable"} {
			_ = desc.Set(flag, true)
		}
		_ = desc.Set("value", c.clone(get(), depth+1))
		c.r.must(define(goja.Undefined(), twin, key, desc))
	})
	return twin
}

func (c *cloner) refuse(what string) *goja.Object {
	return c.r.domException("DataCloneError", "%s cannot be cloned", what)
}

func (c *cloner) keep(from *goja.Object, twin goja.Value) goja.Value {
	c.seen[from] = twin.(*goja.Object)
	return twin
}

func (c *cloner) buffer(o *goja.Object) goja.Value {
	b := o.Export().(goja.ArrayBuffer)
	if b.Detached() {
		panic(c.refuse("a detached ArrayBuffer"))
	}
	data := b.Bytes()
	if !c.moved[o] {
		if c.bytes += int64(len(data)); c.bytes > c.r.host.Limits().Bytes {
			panic(c.r.rangeError("structuredClone: the buffers hold more than %d bytes", c.r.host.Limits().Bytes))
		}
		data = bytes.Clone(data)
	}
	return c.keep(o, c.r.arrayBuffer(data))
}

func (c *cloner) construct(class string, args ...goja.Value) goja.Value {
	o, err := c.r.vm.New(c.r.vm.Get(class), args...)
	if err != nil {
		panic(err)
	}
	return o
}

// primitive is what a Date or a boxed value holds, however the function changed its
// methods.
func (c *cloner) primitive(o *goja.Object) goja.Value {
	return c.method(o.ClassName(), "valueOf", o)
}

func (c *cloner) method(class, name string, o *goja.Object) goja.Value {
	fn, ok := Function(c.r.vm, c.r.vm.Get(class).ToObject(c.r.vm).Get("prototype").ToObject(c.r.vm).Get(name))
	if !ok {
		panic(c.refuse("the value"))
	}
	return c.r.must(fn(o))
}

// bigInt is what a boxed BigInt holds; goja gives such an object no class of its own.
func (c *cloner) bigInt(o *goja.Object) (v goja.Value, ok bool) {
	if tagOf(o) != "BigInt" {
		return nil, false
	}
	ex := c.r.vm.Try(func() { v = c.method("BigInt", "valueOf", o) })
	return v, ex == nil
}

func (c *cloner) view(o *goja.Object, depth int) goja.Value {
	source, ok := o.Get("buffer").(*goja.Object)
	if !ok {
		panic(c.refuse("a view"))
	}
	buffer := c.clone(source, depth+1)
	name := o.GetSymbol(goja.SymToStringTag).String()
	length := o.Get("length")
	if name == "DataView" {
		length = o.Get("byteLength")
	}
	return c.keep(o, c.construct(name, buffer, o.Get("byteOffset"), length))
}

func (c *cloner) entries(o *goja.Object, class string, depth int) goja.Value {
	var items []goja.Value
	// forEach of the class itself: the function may have given the object an
	// iterator of its own.
	each, ok := Function(c.r.vm, c.r.vm.Get(class).ToObject(c.r.vm).Get("prototype").ToObject(c.r.vm).Get("forEach"))
	if !ok {
		panic(c.refuse("the value"))
	}
	collect := c.r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		items = append(items, call.Argument(1), call.Argument(0))
		return goja.Undefined()
	})
	c.r.must(each(o, collect))
	twin := c.construct(class).(*goja.Object)
	c.seen[o] = twin
	add := "add"
	if class == "Map" {
		add = "set"
	}
	put := c.r.callable(twin.Get(add), class+"."+add)
	for pair := range slices.Chunk(items, 2) {
		key := c.clone(pair[0], depth+1)
		if class == "Set" {
			c.r.must(put(twin, key))
			continue
		}
		c.r.must(put(twin, key, c.clone(pair[1], depth+1)))
	}
	return twin
}

func (c *cloner) failure(o *goja.Object, depth int) goja.Value {
	name := "Error"
	if v := o.Get("name"); v != nil {
		switch s := c.r.text(v); s {
		case "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError":
			name = s
		}
	}
	var message []goja.Value
	if slices.Contains(o.GetOwnPropertyNames(), "message") {
		message = append(message, c.r.vm.ToValue(c.r.text(o.Get("message"))))
	}
	twin := c.construct(name, message...).(*goja.Object)
	c.seen[o] = twin
	for _, key := range []string{"stack", "cause"} {
		if v := o.Get(key); !absent(v) {
			_ = twin.DefineDataProperty(key, c.clone(v, depth+1), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	return twin
}

// structuredClone makes another object of the same key.
func (k *CryptoKey) structuredClone(r *Realm) *goja.Object {
	return r.cryptoKey(&CryptoKey{kind: k.kind, extractable: k.extractable, algorithm: k.algorithm, usages: k.usages, material: k.material})
}

// structuredClone makes another Blob of the same bytes, which are never changed.
func (b *Blob) structuredClone(r *Realm) *goja.Object { return r.newBlob(b.data, b.kind) }

// structuredClone makes another File of the same bytes.
func (f *File) structuredClone(r *Realm) *goja.Object {
	return r.use("File").wrap(&File{Blob: Blob{data: f.data, kind: f.kind}, name: f.name, modified: f.modified})
}

// structuredClone makes another exception of the same name, with the same stack.
func (e *DOMException) structuredClone(r *Realm) *goja.Object {
	twin := r.makeDOMException(e.message, e.name, r.use("DOMException").proto)
	if stack := e.self.Get("stack"); stack != nil && goja.IsString(stack) {
		_ = twin.DefineDataProperty("stack", stack, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	return twin
}
