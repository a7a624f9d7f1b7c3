package webapi

import "github.com/dop251/goja"

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
