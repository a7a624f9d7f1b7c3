package webapi

import (
	"errors"
	"math"
	"time"

	"github.com/dop251/goja"
)

// Timers that timers set wait a little from a depth on, as the HTML standard says,
// so that a loop of them leaves room for others.
const (
	nestedTimers = 5
	nestedDelay  = 4 * time.Millisecond
)

func newTimer(r *Realm, name string, every bool) goja.Value {
	return r.function(name, 1, func(args []goja.Value) goja.Value {
		fn := r.callable(args[0], "the callback of "+name)
		if r.host.Context() == nil {
			panic(r.typeError("%s cannot be called while the module loads; call it in the handler", name))
		}
		delay := timeout(arg(args, 1))
		depth := r.nested + 1
		switch {
		case depth > nestedTimers:
			delay = max(delay, nestedDelay)
		case every:
			delay = max(delay, time.Millisecond)
		}
		var rest []goja.Value
		if len(args) > 2 {
			rest = append(rest, args[2:]...)
		}
		id, err := r.host.After(delay, every, func() {
			r.nested = depth
			_, err := fn(r.vm.GlobalObject(), rest...)
			r.nested = 0
			r.failed(err)
		})
		if err != nil {
			panic(r.rangeError("%s: %v", name, err))
		}
		return r.vm.ToValue(id)
	})
}

// timeout converts a delay as WebIDL's long: what is out of bounds wraps around.
func timeout(v goja.Value) time.Duration {
	f := v.ToFloat()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	ms := int32(uint32(int64(math.Mod(math.Trunc(f), 1<<32))))
	return time.Duration(max(ms, 0)) * time.Millisecond
}

func newClear(r *Realm, name string) goja.Value {
	return r.function(name, 0, func(args []goja.Value) goja.Value {
		if v := arg(args, 0); !nullish(v) {
			r.host.Clear(int(whole(v, 0, 1<<53)))
		}
		return goja.Undefined()
	})
}

func newQueueMicrotask(r *Realm) goja.Value {
	return r.function("queueMicrotask", 1, func(args []goja.Value) goja.Value {
		fn := r.callable(args[0], "the callback of queueMicrotask")
		r.then(goja.Undefined(), func(goja.Value) {
			if _, ex := r.guarded(fn, goja.Undefined()); ex != nil {
				r.uncaught(ex)
			}
		}, nil)
		return goja.Undefined()
	})
}

func newReportError(r *Realm) goja.Value {
	return r.function("reportError", 1, func(args []goja.Value) goja.Value {
		if ex := r.vm.Try(func() { panic(args[0]) }); ex != nil {
			r.uncaught(ex)
		}
		return goja.Undefined()
	})
}

// failed takes what a call from the loop came to.
func (r *Realm) failed(err error) {
	var ex *goja.Exception
	switch {
	case err == nil:
	case errors.As(err, &ex):
		r.uncaught(ex)
	default:
		r.host.Report(err)
	}
}
