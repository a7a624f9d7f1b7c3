package webapi

import (
	"time"

	"github.com/dop251/goja"
)

func newTimer(r *Realm, name string, every bool) goja.Value {
	return r.function(name, 1, func(args []goja.Value) goja.Value {
		fn := r.callable(args[0], "the callback of "+name)
		if r.host.Context() == nil {
			panic(r.typeError("%s cannot be called while the module loads; call it in the handler", name))
		}
		delay := time.Duration(whole(arg(args, 1), 0, 1<<31-1)) * time.Millisecond
		var rest []goja.Value
		if len(args) > 2 {
			rest = append(rest, args[2:]...)
		}
		id, err := r.host.After(delay, every, func() {
			_, err := fn(goja.Undefined(), rest...)
			r.report(err)
		})
		if err != nil {
			panic(r.rangeError("%s: %v", name, err))
		}
		return r.vm.ToValue(id)
	})
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
				r.host.Report(ex)
			}
		}, nil)
		return goja.Undefined()
	})
}

func newReportError(r *Realm) goja.Value {
	return r.function("reportError", 1, func(args []goja.Value) goja.Value {
		if ex := r.vm.Try(func() { panic(args[0]) }); ex != nil {
			r.host.Report(ex)
		}
		return goja.Undefined()
	})
}
