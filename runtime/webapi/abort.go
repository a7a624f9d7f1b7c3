package webapi

import (
	"time"

	"github.com/dop251/goja"
)

// AbortSignal is the class of that name.
type AbortSignal struct {
	EventTarget
	aborted  bool
	reason   goja.Value
	handler  goja.Value // onabort
	watchers []func()   // run once, before the event
}

// AbortController is the class of that name.
type AbortController struct {
	instance
	signal *AbortSignal
}

func (r *Realm) newSignal() *AbortSignal {
	s := &AbortSignal{reason: goja.Undefined(), handler: goja.Null()}
	r.use("AbortSignal").wrap(s)
	return s
}

// onAbort runs fn when the signal aborts; the returned function forgets it.
func (s *AbortSignal) onAbort(fn func()) (forget func()) {
	s.watchers = append(s.watchers, fn)
	at := len(s.watchers) - 1
	return func() {
		if at < len(s.watchers) {
			s.watchers[at] = nil
		}
	}
}

// abort ends what the signal was given to. Without reason it is an AbortError.
func (r *Realm) abort(s *AbortSignal, reason goja.Value) {
	if s.aborted {
		return
	}
	if absent(reason) {
		reason = r.domException("AbortError", "This operation was aborted")
	}
	s.aborted, s.reason = true, reason
	watchers := s.watchers
	s.watchers = nil
	for _, fn := range watchers {
		if fn != nil {
			fn()
		}
	}
	r.use("Event")
	e := &Event{kind: "abort", at: time.Now(), target: goja.Null(), current: goja.Null(), detail: goja.Null()}
	r.use("Event").wrap(e)
	if fn, ok := s.handler.(*goja.Object); ok {
		e.target, e.current = s.self, s.self
		r.notify(fn, s.self, e)
	}
	r.dispatch(&s.EventTarget, e)
}

func (r *Realm) signal(v goja.Value, what string) *AbortSignal {
	s, ok := unwrap[*AbortSignal](v)
	if !ok {
		panic(r.typeError("the signal of %s is no AbortSignal", what))
	}
	return s
}

func newAbortSignalClass(r *Realm) *class {
	c := r.class("AbortSignal", 0, r.use("EventTarget"), nil)
	r.targetMethods(c, func(v goja.Value) *EventTarget {
		return receiver[*AbortSignal](c, v, "EventTarget").eventTarget()
	})
	attribute(c, "aborted", func(s *AbortSignal) goja.Value { return r.vm.ToValue(s.aborted) }, nil)
	attribute(c, "reason", func(s *AbortSignal) goja.Value { return s.reason }, nil)
	attribute(c, "onabort", func(s *AbortSignal) goja.Value { return s.handler }, func(s *AbortSignal, v goja.Value) {
		s.handler = goja.Null()
		if _, ok := goja.AssertFunction(v); ok {
			s.handler = v
		}
	})
	method(c, "throwIfAborted", 0, func(s *AbortSignal, _ []goja.Value) goja.Value {
		if s.aborted {
			panic(s.reason)
		}
		return goja.Undefined()
	})
	c.static("abort", 0, func(args []goja.Value) goja.Value {
		s := r.newSignal()
		r.abort(s, arg(args, 0))
		return s.self
	})
	c.static("timeout", 1, func(args []goja.Value) goja.Value {
		if r.host.Context() == nil {
			panic(r.typeError("AbortSignal.timeout cannot be called while the module loads; call it in the handler"))
		}
		ms := number(args[0])
		if !(ms >= 0 && ms <= 1<<53) {
			panic(r.typeError("AbortSignal.timeout takes milliseconds from 0"))
		}
		s := r.newSignal()
		delay := time.Duration(min(ms, 1<<31)) * time.Millisecond
		_, err := r.host.After(delay, false, func() {
			if ex := r.vm.Try(func() {
				r.abort(s, r.domException("TimeoutError", "The operation was aborted due to timeout"))
			}); ex != nil {
				r.host.Report(ex)
			}
		})
		if err != nil {
			panic(r.rangeError("AbortSignal.timeout: %v", err))
		}
		return s.self
	})
	c.static("any", 1, func(args []goja.Value) goja.Value {
		result := r.newSignal()
		var sources []*AbortSignal
		for _, v := range r.sequence(args[0], "the list of AbortSignal.any") {
			sources = append(sources, r.signal(v, "AbortSignal.any"))
		}
		r.follow(result, sources...)
		return result.self
	})
	return c
}

// follow aborts a signal when one of others does.
func (r *Realm) follow(s *AbortSignal, others ...*AbortSignal) {
	for _, other := range others {
		if other.aborted {
			r.abort(s, other.reason)
			return
		}
	}
	for _, other := range others {
		other.onAbort(func() { r.abort(s, other.reason) })
	}
}

func newAbortControllerClass(r *Realm) *class {
	c := r.class("AbortController", 0, nil, func([]goja.Value) object {
		return &AbortController{signal: r.newSignal()}
	})
	attribute(c, "signal", func(a *AbortController) goja.Value { return a.signal.self }, nil)
	method(c, "abort", 0, func(a *AbortController, args []goja.Value) goja.Value {
		r.abort(a.signal, arg(args, 0))
		return goja.Undefined()
	})
	return c
}
