package webapi

import (
	"slices"
	"time"

	"github.com/dop251/goja"
)

// AbortSignal is the class of that name.
type AbortSignal struct {
	EventTarget
	aborted    bool
	reason     goja.Value
	watchers   []func()       // run once, before the event
	sources    []*AbortSignal // those that abort it, none of which depends on another
	dependents []*AbortSignal // those that it aborts
}

// AbortController is the class of that name.
type AbortController struct {
	instance
	signal *AbortSignal
}

func (r *Realm) newSignal() *AbortSignal {
	s := &AbortSignal{reason: goja.Undefined()}
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

// watched reports whether anybody would hear of the signal's abort.
func (s *AbortSignal) watched() bool {
	return !s.aborted && (len(s.listeners) > 0 || slices.ContainsFunc(s.watchers, func(fn func()) bool { return fn != nil }) ||
		slices.ContainsFunc(s.dependents, (*AbortSignal).watched))
}

// abort ends what the signal was given to. Without reason it is an AbortError. All
// signals that depend on it are aborted before anybody hears of one.
func (r *Realm) abort(s *AbortSignal, reason goja.Value) {
	if s.aborted {
		return
	}
	if absent(reason) {
		reason = r.domException("AbortError", "This operation was aborted")
	}
	s.aborted, s.reason = true, reason
	var also []*AbortSignal
	for _, d := range s.dependents {
		if !d.aborted {
			d.aborted, d.reason = true, reason
			also = append(also, d)
		}
	}
	s.dependents = nil
	r.aborted(s)
	for _, d := range also {
		r.aborted(d)
	}
}

// aborted tells whoever waits for a signal.
func (r *Realm) aborted(s *AbortSignal) {
	watchers := s.watchers
	s.watchers = nil
	for _, fn := range watchers {
		if fn != nil {
			fn()
		}
	}
	if s.hears("abort") {
		r.dispatch(&s.EventTarget, r.fired("abort"))
	}
}

func (r *Realm) signal(v goja.Value, what string) *AbortSignal {
	s, ok := unwrap[*AbortSignal](v)
	if !ok {
		panic(r.typeError("the signal of %s is no AbortSignal", what))
	}
	return s
}

// follow aborts a signal when one of others does.
func (r *Realm) follow(s *AbortSignal, others ...*AbortSignal) {
	for _, other := range others {
		if other.aborted {
			s.aborted, s.reason = true, other.reason
			return
		}
	}
	add := func(source *AbortSignal) {
		if !slices.Contains(s.sources, source) {
			s.sources = append(s.sources, source)
			source.dependents = append(source.dependents, s)
		}
	}
	for _, other := range others {
		if len(other.sources) == 0 {
			add(other)
		}
		for _, source := range other.sources {
			add(source)
		}
	}
}

func newAbortSignalClass(r *Realm) *class {
	c := r.class("AbortSignal", 0, r.use("EventTarget"), nil)
	attribute(c, "aborted", func(s *AbortSignal) goja.Value { return r.vm.ToValue(s.aborted) }, nil)
	attribute(c, "reason", func(s *AbortSignal) goja.Value { return s.reason }, nil)
	handles(c, "abort")
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
		ms := r.enforce(args[0], 1<<53-1, "the time of AbortSignal.timeout")
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
		var sources []*AbortSignal
		for _, v := range r.sequence(args[0], "the list of AbortSignal.any") {
			sources = append(sources, r.signal(v, "AbortSignal.any"))
		}
		if len(sources) > maxListeners {
			panic(r.rangeError("AbortSignal.any takes at most %d signals", maxListeners))
		}
		result := r.newSignal()
		r.follow(result, sources...)
		return result.self
	})
	return c
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
