package webapi

import (
	"reflect"
	"slices"

	"github.com/dop251/goja"
)

// object is the Go side of an instance of a web class.
type object interface {
	goja.DynamicObject
	base() *instance
}

// instance is what every web object embeds: the properties that a function put on
// it, and the object it is to the function.
type instance struct {
	self  *goja.Object
	keys  []string
	extra map[string]goja.Value
}

func (i *instance) base() *instance { return i }

// Get returns a property that the function put there, or nil.
func (i *instance) Get(key string) goja.Value { return i.extra[key] }

// Set keeps a property.
func (i *instance) Set(key string, v goja.Value) bool {
	if i.extra == nil {
		i.extra = make(map[string]goja.Value, 1)
	}
	if _, known := i.extra[key]; !known {
		i.keys = append(i.keys, key)
	}
	i.extra[key] = v
	return true
}

// Has reports whether the function put such a property there.
func (i *instance) Has(key string) bool {
	_, ok := i.extra[key]
	return ok
}

// Delete forgets a property.
func (i *instance) Delete(key string) bool {
	if i.Has(key) {
		delete(i.extra, key)
		i.keys = slices.DeleteFunc(i.keys, func(k string) bool { return k == key })
	}
	return true
}

// Keys lists the properties in the order they came.
func (i *instance) Keys() []string { return i.keys }

// carrier holds the Go side of an instance of a subclass: such an instance is an
// ordinary object, since goja's dynamic ones take no private fields, accessors or
// symbols.
var carrier = goja.NewSymbol("hadron")

// class is a constructor and its prototype.
type class struct {
	realm *Realm
	name  string
	ctor  *goja.Object
	proto *goja.Object
	plain bool // instances are ordinary objects, as those of subclasses are
}

// class builds a class whose instances construct makes; without construct functions
// cannot make one.
func (r *Realm) class(name string, length int, parent *class, construct func(args []goja.Value) object) *class {
	c := &class{realm: r, name: name}
	c.ctor = r.vm.ToValue(func(call goja.ConstructorCall) *goja.Object {
		c.constructed(call)
		if construct == nil {
			panic(r.vm.NewTypeError("Illegal constructor"))
		}
		if len(call.Arguments) < length {
			panic(r.vm.NewTypeError("%s takes %d argument(s), and got %d", name, length, len(call.Arguments)))
		}
		made := construct(call.Arguments)
		if !c.plain && (call.NewTarget == nil || call.NewTarget == c.ctor) {
			return c.wrap(made)
		}
		return r.carry(call.This, made)
	}).(*goja.Object)
	c.proto = c.ctor.Get("prototype").(*goja.Object)
	r.label(c.ctor, name, length)
	_ = c.ctor.DefineDataProperty("prototype", c.proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	if parent != nil {
		c.plain = parent.plain
		_ = c.proto.SetPrototype(parent.proto)
		_ = c.ctor.SetPrototype(parent.ctor)
	}
	c.tag(c.proto, name)
	return c
}

// constructed throws unless the class is called with new. goja gives a native
// constructor no new target in "new C()", as in "C()"; but a call stands on the
// stack as a native frame, where new leaves the code that says it on top.
func (c *class) constructed(call goja.ConstructorCall) {
	if call.NewTarget != nil {
		return
	}
	r := c.realm
	top := r.vm.CaptureCallStack(1, r.frame[:0])
	if len(top) == 0 || top[0].SrcName() == "<native>" {
		panic(r.vm.NewTypeError("Class constructor %s cannot be invoked without 'new'", c.name))
	}
}

func (c *class) tag(o *goja.Object, name string) {
	_ = o.DefineDataPropertySymbol(goja.SymToStringTag, c.realm.vm.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// carry makes an ordinary object the function's side of a Go object.
func (r *Realm) carry(js *goja.Object, o object) *goja.Object {
	_ = js.DefineDataPropertySymbol(carrier, r.vm.NewDynamicObject(o), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	o.base().self = js
	return js
}

// wrap makes the function's side of a Go object.
func (c *class) wrap(o object) *goja.Object {
	if c.plain {
		return c.realm.carry(c.realm.vm.CreateObject(c.proto), o)
	}
	js := c.realm.vm.NewDynamicObject(o)
	_ = js.SetPrototype(c.proto)
	o.base().self = js
	return js
}

// label gives a native function the name and length that functions see.
func (r *Realm) label(fn *goja.Object, name string, length int) {
	_ = fn.DefineDataProperty("name", r.vm.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	if length != 0 {
		_ = fn.DefineDataProperty("length", r.vm.ToValue(length), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

// function makes a native function.
func (r *Realm) function(name string, length int, fn func(args []goja.Value) goja.Value) *goja.Object {
	o := r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		if len(call.Arguments) < length {
			panic(r.vm.NewTypeError("%s takes %d argument(s), and got %d", name, length, len(call.Arguments)))
		}
		return fn(call.Arguments)
	}).(*goja.Object)
	r.label(o, name, length)
	return o
}

// unwrap returns the Go side of v if it is a T, which may be an interface.
func unwrap[T object](v goja.Value) (T, bool) {
	var none T
	o, ok := v.(*goja.Object)
	if !ok {
		return none, false
	}
	// Only pointers are asked for their Go side: goja exports arrays and maps by
	// copying all of them.
	if t := o.ExportType(); t.Kind() == reflect.Pointer {
		made, ok := o.Export().(T)
		return made, ok
	} else if t != ordinary {
		return none, false
	}
	held, ok := o.GetSymbol(carrier).(*goja.Object)
	if !ok {
		return none, false
	}
	made, ok := held.Export().(T)
	return made, ok
}

// ordinary is what goja says of plain objects, which instances of subclasses are.
var ordinary = reflect.TypeFor[map[string]any]()

func receiver[T object](c *class, this goja.Value, member string) T {
	self, ok := unwrap[T](this)
	if !ok {
		panic(c.realm.vm.NewTypeError("%s.%s was called on an object that is no %s", c.name, member, c.name))
	}
	return self
}

// method adds a method to a class.
func method[T object](c *class, name string, length int, fn func(self T, args []goja.Value) goja.Value) *goja.Object {
	vm := c.realm.vm
	o := vm.ToValue(func(call goja.FunctionCall) goja.Value {
		self := receiver[T](c, call.This, name)
		if len(call.Arguments) < length {
			panic(vm.NewTypeError("%s.%s takes %d argument(s), and got %d", c.name, name, length, len(call.Arguments)))
		}
		return fn(self, call.Arguments)
	}).(*goja.Object)
	c.realm.label(o, name, length)
	_ = c.proto.DefineDataProperty(name, o, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	return o
}

// promised adds a method that answers with a promise: what it throws rejects it.
func promised[T object](c *class, name string, length int, fn func(self T, args []goja.Value) goja.Value) {
	r := c.realm
	o := r.vm.ToValue(func(call goja.FunctionCall) (result goja.Value) {
		ex := r.vm.Try(func() {
			self := receiver[T](c, call.This, name)
			if len(call.Arguments) < length {
				panic(r.vm.NewTypeError("%s.%s takes %d argument(s), and got %d", c.name, name, length, len(call.Arguments)))
			}
			result = fn(self, call.Arguments)
		})
		if ex != nil {
			return r.rejected(ex.Value())
		}
		return result
	}).(*goja.Object)
	r.label(o, name, length)
	_ = c.proto.DefineDataProperty(name, o, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

// attribute adds an accessor; set may be nil.
func attribute[T object](c *class, name string, get func(self T) goja.Value, set func(self T, v goja.Value)) {
	vm := c.realm.vm
	getter := vm.ToValue(func(call goja.FunctionCall) goja.Value {
		return get(receiver[T](c, call.This, name))
	}).(*goja.Object)
	c.realm.label(getter, "get "+name, 0)
	var setter goja.Value
	if set != nil {
		fn := vm.ToValue(func(call goja.FunctionCall) goja.Value {
			set(receiver[T](c, call.This, name), call.Argument(0))
			return goja.Undefined()
		}).(*goja.Object)
		c.realm.label(fn, "set "+name, 1)
		setter = fn
	}
	_ = c.proto.DefineAccessorProperty(name, getter, setter, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

// static adds a function to the constructor.
func (c *class) static(name string, length int, fn func(args []goja.Value) goja.Value) {
	_ = c.ctor.DefineDataProperty(name, c.realm.function(name, length, fn), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

// constant adds a number to constructor and prototype.
func (c *class) constant(name string, value int) {
	v := c.realm.vm.ToValue(value)
	_ = c.ctor.DefineDataProperty(name, v, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
	_ = c.proto.DefineDataProperty(name, v, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE)
}
