package webapi

import (
	"reflect"
	"slices"

	"github.com/dop251/goja"
)

// lazyJSON is an object or array that nobody has looked at. To the function it is
// the object self from the start: a proxy stands in its place until the first
// operation on it, whatever that is; then the object itself does, filled, and the
// operation goes to it. So nothing can tell it from one that was made at once, but
// for one thing: a private field that a class puts on it before anything else
// looks at it is lost.
//
// It keeps the text it came from until then.
type lazyJSON struct {
	of   *jsonText // nil once it was touched
	node int32
	self *goja.Object
	real goja.Object // self as it was made: empty
	// target is what the proxy stands before by its own lights; it is what is known
	// of the two, and becomes the object as well.
	target *goja.Object
}

// lazyObject and lazyArray are targets of such proxies. Nothing reaches their
// methods: every operation is trapped.
type lazyObject struct{ lazyJSON }

type lazyArray struct{ lazyJSON }

func (*lazyObject) Get(string) goja.Value       { return nil }
func (*lazyObject) Set(string, goja.Value) bool { return false }
func (*lazyObject) Has(string) bool             { return false }
func (*lazyObject) Delete(string) bool          { return false }
func (*lazyObject) Keys() []string              { return nil }

func (*lazyArray) Len() int                 { return 0 }
func (*lazyArray) Get(int) goja.Value       { return nil }
func (*lazyArray) Set(int, goja.Value) bool { return false }
func (*lazyArray) SetLen(int) bool          { return false }

// lazy makes the stand-in for a node.
func (j *jsonRealm) lazy(of *jsonText, node int32) *goja.Object {
	var l *lazyJSON
	if of.text[of.nodes[node].start] == '[' {
		a := &lazyArray{}
		l = &a.lazyJSON
		l.self, l.target = j.vm.NewArray(), j.vm.NewDynamicArray(a)
	} else {
		o := &lazyObject{}
		l = &o.lazyJSON
		l.self, l.target = j.vm.NewObject(), j.vm.NewDynamicObject(o)
	}
	l.of, l.node, l.real = of, node, *l.self
	if j.handler == nil {
		j.prepare()
		j.handler = j.traps()
	}
	face, err := j.proxy(nil, l.target, j.handler)
	if err != nil {
		panic(err)
	}
	*l.self = *face
	return l.self
}

// lazyOf returns what o stands in for, if it still does.
func lazyOf(o *goja.Object) *lazyJSON {
	if !objectLayout().isProxy(o) {
		return nil
	}
	if target := o.Export().(goja.Proxy).Target(); target != nil {
		return lazyTarget(target)
	}
	return nil // it was revoked
}

var (
	lazyObjectType = reflect.TypeFor[*lazyObject]()
	lazyArrayType  = reflect.TypeFor[*lazyArray]()
)

func lazyTarget(target *goja.Object) *lazyJSON {
	switch target.ExportType() {
	case lazyObjectType:
		return &target.Export().(*lazyObject).lazyJSON
	case lazyArrayType:
		return &target.Export().(*lazyArray).lazyJSON
	}
	return nil
}

// touch puts the object itself in its place, if that was not done.
func (j *jsonRealm) touch(l *lazyJSON) {
	of := l.of
	if of == nil {
		return
	}
	n := of.nodes[l.node]
	p := j.take()
	defer p.release()
	p.text, p.pos, p.of, p.next = of.text[:n.end], int(n.start), of, l.node+1
	if of.text[n.start] == '[' {
		p.array(&l.real)
	} else {
		p.object(&l.real)
	}
	l.of = nil // not before: memory may not suffice
	*l.self, *l.target = l.real, l.real
}

// touched makes sure that o is no stand-in: what looks at the type of a function's
// objects asks this first.
func (r *Realm) touched(o *goja.Object) *goja.Object {
	if l := lazyOf(o); l != nil {
		r.json.touch(l)
	}
	return o
}

// traps makes the handler of all stand-ins: each operation is done anew, on the
// object itself.
func (j *jsonRealm) traps() *goja.Object {
	handler := j.vm.CreateObject(nil)
	for name, native := range j.reflected {
		_ = handler.Set(name, j.vm.ToValue(func(call goja.FunctionCall) goja.Value {
			target := call.Argument(0).(*goja.Object)
			args := slices.Clone(call.Arguments)
			if l := lazyTarget(target); l != nil {
				j.touch(l)
			}
			self := objectLayout().itself(target)
			args[0] = self
			// The receiver is the proxy where the function named none.
			if last, ok := args[len(args)-1].(*goja.Object); ok && objectLayout().isProxy(last) && last.Export().(goja.Proxy).Target() == target {
				args[len(args)-1] = self
			}
			v, err := native(goja.Undefined(), args...)
			if err != nil {
				panic(err)
			}
			return v
		}))
	}
	return handler
}
