package webapi

import "github.com/dop251/goja"

// promises keeps what the platform asks of promises, as it was before the function
// could change it.
func (r *Realm) promises() {
	if r.promiseThen != nil {
		return
	}
	p, _, _ := r.vm.NewPromise()
	proto := r.vm.ToValue(p).(*goja.Object).Prototype()
	r.promise = proto.Get("constructor").(*goja.Object)
	r.promiseThen, _ = Function(r.vm, proto.Get("then"))
	r.promiseResolve, _ = Function(r.vm, r.promise.Get("resolve"))
	r.executor = r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		r.settlers = [2]goja.Value{call.Argument(0), call.Argument(1)}
		return goja.Undefined()
	})
	r.nothing = r.vm.ToValue(func(goja.FunctionCall) goja.Value { return goja.Undefined() })
}

// newPromise makes a promise and what settles it. Those of goja's NewPromise would
// run microtasks in the middle of native code, as AssertFunction's do.
func (r *Realm) newPromise() (p goja.Value, resolve, reject goja.Callable) {
	r.promises()
	o, err := r.vm.New(r.promise, r.executor)
	if err != nil {
		panic(err)
	}
	resolve, _ = Function(r.vm, r.settlers[0])
	reject, _ = Function(r.vm, r.settlers[1])
	r.settlers = [2]goja.Value{}
	return o, resolve, reject
}

// promiseOf makes a promise of a value: itself where it is one already.
func (r *Realm) promiseOf(v goja.Value) goja.Value {
	r.promises()
	p, ex := r.guarded(r.promiseResolve, r.promise, v)
	if ex != nil {
		return r.rejected(ex.Value())
	}
	return p
}

// settledAs is promiseOf for what the function never sees: undefined, which is most
// of what algorithms answer, has one promise for all.
func (r *Realm) settledAs(v goja.Value) goja.Value {
	if !goja.IsUndefined(v) {
		return r.promiseOf(v)
	}
	if r.fulfilled == nil {
		r.fulfilled = r.resolved(nil)
	}
	return r.fulfilled
}

// when is then for functions that handler made: what reacts again and again is made
// once.
func (r *Realm) when(v, fulfilled, rejected goja.Value) {
	r.promises()
	if fulfilled == nil {
		fulfilled = r.nothing
	}
	if rejected == nil {
		rejected = r.nothing
	}
	r.must(r.promiseThen(r.settledAs(v), fulfilled, rejected))
}

// handler makes a reaction; nil stays nil.
func (r *Realm) handler(fn func(goja.Value)) goja.Value {
	if fn == nil {
		return nil
	}
	return r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		fn(call.Argument(0))
		return goja.Undefined()
	})
}

// chain is p.then of the standards: a promise of what the function that was called
// returns. Where one is nil, that outcome goes on unchanged.
func (r *Realm) chain(v goja.Value, fulfilled, rejected func(goja.Value) goja.Value) goja.Value {
	r.promises()
	return r.must(r.promiseThen(r.settledAs(v), r.reaction(fulfilled), r.reaction(rejected)))
}

func (r *Realm) reaction(fn func(goja.Value) goja.Value) goja.Value {
	if fn == nil {
		return goja.Undefined()
	}
	return r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		if v := fn(call.Argument(0)); v != nil {
			return v
		}
		return goja.Undefined()
	})
}

// quiet says that nobody has to watch a promise: its rejection is not reported.
func (r *Realm) quiet(p goja.Value) goja.Value {
	r.promises()
	r.must(r.promiseThen(p, goja.Undefined(), r.nothing))
	return p
}

// soon runs fn as a microtask.
func (r *Realm) soon(fn func()) { r.then(goja.Undefined(), func(goja.Value) { fn() }, nil) }

// ask calls a function that answers with a promise, or with what stands for one:
// what it throws rejects it.
func (r *Realm) ask(fn goja.Callable, this goja.Value, args ...goja.Value) goja.Value {
	v, ex := r.guarded(fn, this, args...)
	if ex != nil {
		return r.rejected(ex.Value())
	}
	return v
}

// attempt runs native code that may throw: then it is a promise that was rejected.
func (r *Realm) attempt(fn func() goja.Value) goja.Value {
	var v goja.Value
	if ex := r.vm.Try(func() { v = fn() }); ex != nil {
		return r.rejected(ex.Value())
	}
	if v == nil {
		return goja.Undefined()
	}
	return v
}

// outcome is a promise of a stream's: closed, ready or that of a write. The object is made when
// somebody first asks for it, since mostly nobody does.
type outcome struct {
	settled bool
	reason  goja.Value // of its rejection; nil: fulfilled, or pending
	promise goja.Value
	resolve goja.Callable
	reject  goja.Callable
	loud    bool // a rejection that nobody watches is reported
}

func fulfilledOutcome() outcome { return outcome{settled: true} }

func rejectedOutcome(reason goja.Value) outcome { return outcome{settled: true, reason: reason} }

func (o *outcome) pending() bool { return !o.settled }

// fulfil settles the promise; once it is settled, nothing changes it.
func (o *outcome) fulfil(r *Realm) {
	if o.settled {
		return
	}
	o.settled = true
	if o.promise != nil {
		r.settle(o.resolve, goja.Undefined())
	}
}

func (o *outcome) fail(r *Realm, reason goja.Value) {
	if o.settled {
		return
	}
	o.settled, o.reason = true, reason
	if o.promise != nil {
		r.settle(o.reject, reason)
	}
}

// when runs one of two reactions once the promise has settled.
func (o *outcome) when(r *Realm, fulfilled, rejected goja.Value) {
	if o.settled && o.reason == nil {
		r.when(goja.Undefined(), fulfilled, rejected)
		return
	}
	r.when(o.get(r), fulfilled, rejected)
}

// get returns the promise.
func (o *outcome) get(r *Realm) goja.Value {
	if o.promise == nil {
		o.promise, o.resolve, o.reject = r.newPromise()
		if !o.loud {
			r.quiet(o.promise)
		}
		switch {
		case !o.settled:
		case o.reason == nil:
			r.settle(o.resolve, goja.Undefined())
		default:
			r.settle(o.reject, o.reason)
		}
	}
	return o.promise
}

// deferred is a promise with what settles it.
type deferred struct {
	promise goja.Value
	resolve goja.Callable
	reject  goja.Callable
}

func (r *Realm) deferred() *deferred {
	p, resolve, reject := r.newPromise()
	return &deferred{p, resolve, reject}
}

func (d *deferred) fulfil(r *Realm, v goja.Value) {
	if v == nil {
		v = goja.Undefined()
	}
	r.settle(d.resolve, v)
}

func (d *deferred) fail(r *Realm, reason goja.Value) { r.settle(d.reject, reason) }

// promisedAttribute adds an accessor whose value is a promise: it rejects where the
// receiver is wrong.
func promisedAttribute[T object](c *class, name string, get func(self T) goja.Value) {
	r := c.realm
	getter := r.vm.ToValue(func(call goja.FunctionCall) (result goja.Value) {
		if ex := r.vm.Try(func() { result = get(receiver[T](c, call.This, name)) }); ex != nil {
			return r.rejected(ex.Value())
		}
		return result
	}).(*goja.Object)
	r.label(getter, "get "+name, 0)
	_ = c.proto.DefineAccessorProperty(name, getter, nil, goja.FLAG_TRUE, goja.FLAG_TRUE)
}
