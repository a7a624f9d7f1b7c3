package webapi

import "github.com/dop251/goja"

// Execution is the third argument of a handler, ctx. It is of the class
// ExecutionContext, which functions cannot construct.
type Execution struct {
	instance
	wait func(goja.Value)
}

// NewExecution makes one; wait takes what waitUntil is given.
func (r *Realm) NewExecution(wait func(goja.Value)) *goja.Object {
	return r.use("ExecutionContext").wrap(&Execution{wait: wait})
}

func newExecutionClass(r *Realm) *class {
	c := r.class("ExecutionContext", 0, nil, nil)
	method(c, "waitUntil", 1, func(e *Execution, args []goja.Value) goja.Value {
		e.wait(args[0])
		return goja.Undefined()
	})
	method(c, "passThroughOnException", 0, func(*Execution, []goja.Value) goja.Value { return goja.Undefined() })
	attribute(c, "log", func(*Execution) goja.Value {
		if r.log == nil {
			r.log = newLog(r)
		}
		return r.log
	}, nil)
	return c
}
