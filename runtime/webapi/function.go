package webapi

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
)

// Function returns v as what native code calls, or false where it is no function. It
// stands for goja.AssertFunction wherever code runs already: that one takes a call
// from a microtask, below which there is no frame, for one from outside, and runs
// the microtasks that wait in the middle of the native code that called.
func Function(rt *goja.Runtime, v goja.Value) (goja.Callable, bool) {
	outside, ok := goja.AssertFunction(v)
	if !ok {
		return nil, false
	}
	fn, plain := v.Export().(func(goja.FunctionCall) goja.Value)
	if !plain { // a proxy, or a class, which throws
		if fn = through(rt, v); fn == nil {
			return outside, true
		}
	}
	return func(this goja.Value, args ...goja.Value) (result goja.Value, err error) {
		if this == nil {
			this = goja.Undefined()
		}
		if ex := rt.Try(func() { result = fn(goja.FunctionCall{This: this, Arguments: args}) }); ex != nil {
			return nil, ex
		}
		return result, nil
	}, true
}

// through calls what goja does not hand out as a Go function by way of
// Function.prototype.call; nil where that was taken away.
func through(rt *goja.Runtime, v goja.Value) func(goja.FunctionCall) goja.Value {
	some := rt.ToValue(func(goja.FunctionCall) goja.Value { return goja.Undefined() }).(*goja.Object)
	method := some.Get("call")
	if method == nil {
		return nil
	}
	call, ok := method.Export().(func(goja.FunctionCall) goja.Value)
	if !ok {
		return nil
	}
	return func(c goja.FunctionCall) goja.Value {
		return call(goja.FunctionCall{This: v, Arguments: append([]goja.Value{c.This}, c.Arguments...)})
	}
}

// natives says where goja's native functions keep the Go function that they are. Like
// layout it is found by reflection, and a goja that differs is refused.
type natives struct {
	kind unsafe.Pointer // of the interface that implements one
	fn   uintptr
}

var nativeLayout = sync.OnceValue(func() natives {
	type native = func(goja.FunctionCall) goja.Value
	o := goja.New().ToValue(func(goja.FunctionCall) goja.Value { return nil }).(*goja.Object)
	var n natives
	n.kind, _ = objectLayout().word(o)
	impl := reflect.ValueOf(o).Elem().FieldByName("self").Elem().Type().Elem()
	_, n.fn = fieldOf(impl, "f", reflect.TypeFor[native]())
	return n
})

// Guard puts a guard before a native function, in place: the object stays the same, and
// with it its name, its length and who holds it, and a VM need not make another. It
// reports false where v is no native function, a class among them.
func Guard(v goja.Value, guard func(native func(goja.FunctionCall) goja.Value) func(goja.FunctionCall) goja.Value) bool {
	o, ok := v.(*goja.Object)
	if !ok {
		return false
	}
	n := nativeLayout()
	kind, at := objectLayout().word(o)
	if kind != n.kind {
		return false
	}
	fn := (*func(goja.FunctionCall) goja.Value)(unsafe.Add(at, n.fn))
	if *fn == nil {
		return false
	}
	*fn = guard(*fn)
	return true
}
