package webapi

import "github.com/dop251/goja"

// class is a constructor and its prototype.
type class struct {
	realm *Realm
	name  string
	ctor  *goja.Object
	proto *goja.Object
	pairs *goja.Object // what Symbol.iterator is, where instances are lists of pairs
}

// pristine reports whether an instance is walked over as the platform made it, so
// that its Go side may be read instead.
func (c *class) pristine(o *goja.Object) bool {
	fn, ok := o.GetSymbol(goja.SymIterator).(*goja.Object)
	return ok && fn == c.pairs
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
		if call.NewTarget == nil || call.NewTarget == c.ctor {
			return c.wrap(made)
		}
		return r.house(made, call.This.Prototype())
	}).(*goja.Object)
	c.proto = c.ctor.Get("prototype").(*goja.Object)
	r.label(c.ctor, name, length)
	_ = c.ctor.DefineDataProperty("prototype", c.proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	if parent != nil {
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

// wrap makes the function's side of a Go object.
func (c *class) wrap(o object) *goja.Object { return c.realm.house(o, c.proto) }

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
	var setter goja.Value
	if set != nil {
		fn := vm.ToValue(func(call goja.FunctionCall) goja.Value {
			set(receiver[T](c, call.This, name), call.Argument(0))
			return goja.Undefined()
		}).(*goja.Object)
		c.realm.label(fn, "set "+name, 1)
		setter = fn
	}
	_ = c.proto.DefineAccessorProperty(name, getter(c, name, get), setter, goja.FLAG_TRUE, goja.FLAG_TRUE)
}

// getter makes the reading side of an accessor.
func getter[T object](c *class, name string, get func(self T) goja.Value) *goja.Object {
	fn := c.realm.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		return get(receiver[T](c, call.This, name))
	}).(*goja.Object)
	c.realm.label(fn, "get "+name, 0)
	return fn
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
