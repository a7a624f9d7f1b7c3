package webapi

import (
	"slices"

	"github.com/dop251/goja"
)

// listener is one entry of an EventTarget. Its callback is a function or an object
// with handleEvent.
type listener struct {
	kind     string
	callback *goja.Object
	capture  bool
	once     bool
	passive  bool
	removed  bool
	handler  bool // it is an attribute such as onabort
}

// EventTarget is the class of that name; what else is one embeds it.
type EventTarget struct {
	instance
	listeners []*listener
}

func (t *EventTarget) eventTarget() *EventTarget { return t }

// anyTarget is an EventTarget or what embeds one.
type anyTarget interface {
	object
	eventTarget() *EventTarget
}

// maxListeners bounds the listeners of one target.
const maxListeners = 10_000

func newEventTargetClass(r *Realm) *class {
	c := r.class("EventTarget", 0, nil, func([]goja.Value) object { return &EventTarget{} })
	method(c, "addEventListener", 2, func(t anyTarget, args []goja.Value) goja.Value { return r.addListener(t.eventTarget(), args) })
	method(c, "removeEventListener", 2, func(t anyTarget, args []goja.Value) goja.Value {
		return r.removeListener(t.eventTarget(), args)
	})
	method(c, "dispatchEvent", 1, func(t anyTarget, args []goja.Value) goja.Value {
		return r.dispatchEvent(t.eventTarget(), args)
	})
	return c
}

// newGlobalTarget makes one of the methods that the global object has of EventTarget.
func newGlobalTarget(r *Realm, name string) goja.Value {
	if r.target == nil {
		r.target = &EventTarget{}
		r.target.self = r.vm.GlobalObject()
	}
	switch name {
	case "addEventListener":
		return r.function(name, 2, func(args []goja.Value) goja.Value { return r.addListener(r.target, args) })
	case "removeEventListener":
		return r.function(name, 2, func(args []goja.Value) goja.Value { return r.removeListener(r.target, args) })
	}
	return r.function(name, 1, func(args []goja.Value) goja.Value { return r.dispatchEvent(r.target, args) })
}

func (r *Realm) addListener(t *EventTarget, args []goja.Value) goja.Value {
	l, signal := r.listener(args, true)
	if l == nil || signal != nil && signal.aborted {
		return goja.Undefined()
	}
	if t.find(l) != nil {
		return goja.Undefined()
	}
	t.add(r, l)
	if signal != nil {
		signal.onAbort(func() { t.remove(l) })
	}
	return goja.Undefined()
}

func (r *Realm) removeListener(t *EventTarget, args []goja.Value) goja.Value {
	if l, _ := r.listener(args, false); l != nil {
		if have := t.find(l); have != nil {
			t.remove(have)
		}
	}
	return goja.Undefined()
}

func (r *Realm) dispatchEvent(t *EventTarget, args []goja.Value) goja.Value {
	e, ok := unwrap[*Event](args[0])
	if !ok {
		panic(r.typeError("dispatchEvent takes an Event"))
	}
	if e.dispatched {
		panic(r.domException("InvalidStateError", "the event is being dispatched already"))
	}
	e.trusted = false
	r.dispatch(t, e)
	return r.vm.ToValue(!e.canceled)
}

// listener reads the arguments of addEventListener; nil for a null callback.
func (r *Realm) listener(args []goja.Value, adds bool) (*listener, *AbortSignal) {
	l, signal := &listener{kind: r.text(args[0])}, (*AbortSignal)(nil)
	callback, ok := args[1].(*goja.Object)
	if !ok && !nullish(args[1]) {
		panic(r.typeError("a listener is a function or an object with handleEvent"))
	}
	options := arg(args, 2)
	if o, ok := options.(*goja.Object); ok {
		l.capture = r.member(o, "capture").ToBoolean()
		if adds {
			l.once = r.member(o, "once").ToBoolean()
			l.passive = r.member(o, "passive").ToBoolean()
			if v := r.member(o, "signal"); !absent(v) {
				signal = r.signal(v, "addEventListener")
			}
		}
	} else {
		l.capture = options.ToBoolean()
	}
	if callback == nil {
		return nil, nil
	}
	l.callback = callback
	return l, signal
}

// find returns the entry that is the same listener.
func (t *EventTarget) find(l *listener) *listener {
	for _, have := range t.listeners {
		if have.kind == l.kind && have.capture == l.capture && !have.handler && have.callback.SameAs(l.callback) {
			return have
		}
	}
	return nil
}

func (t *EventTarget) add(r *Realm, l *listener) {
	if len(t.listeners) >= maxListeners {
		panic(r.rangeError("more than %d listeners on one target", maxListeners))
	}
	t.listeners = append(t.listeners, l)
}

func (t *EventTarget) remove(l *listener) {
	l.removed = true
	t.listeners = slices.DeleteFunc(slices.Clone(t.listeners), func(have *listener) bool { return have == l })
}

// handler returns the function of an attribute such as onabort, or null.
func (t *EventTarget) handler(kind string) goja.Value {
	for _, l := range t.listeners {
		if l.handler && l.kind == kind {
			return l.callback
		}
	}
	return goja.Null()
}

// handle sets such an attribute. It keeps the place that it had among the listeners.
func (t *EventTarget) handle(r *Realm, kind string, v goja.Value) {
	callback, ok := v.(*goja.Object)
	for _, l := range t.listeners {
		if l.handler && l.kind == kind {
			if ok {
				l.callback = callback
			} else {
				t.remove(l)
			}
			return
		}
	}
	if ok {
		t.add(r, &listener{kind: kind, callback: callback, handler: true})
	}
}

// handles adds such an attribute to a class.
func handles(c *class, kind string) {
	attribute(c, "on"+kind, func(t anyTarget) goja.Value { return t.eventTarget().handler(kind) },
		func(t anyTarget, v goja.Value) { t.eventTarget().handle(c.realm, kind, v) })
}

// hears reports whether an event of that kind would reach anybody.
func (t *EventTarget) hears(kind string) bool {
	return slices.ContainsFunc(t.listeners, func(l *listener) bool { return l.kind == kind })
}

// dispatch calls the listeners, those that capture first; what they throw is
// reported, as the DOM does.
func (r *Realm) dispatch(t *EventTarget, e *Event) {
	e.dispatched, e.target, e.current = true, t.self, t.self
	listeners := t.listeners
	for _, capture := range []bool{true, false} {
		if e.stopped {
			break
		}
		for _, l := range listeners {
			if l.kind != e.kind || l.capture != capture || l.removed {
				continue
			}
			if l.once {
				t.remove(l)
			}
			e.passive = l.passive
			r.notify(l, t.self, e)
			e.passive = false
			if e.stoppedNow {
				break
			}
		}
	}
	e.dispatched, e.current = false, goja.Null()
	e.stopped, e.stoppedNow = false, false
}

func (r *Realm) notify(l *listener, this goja.Value, e *Event) {
	ex := r.vm.Try(func() {
		fn, ok := Function(r.vm, l.callback)
		switch {
		case ok:
		case l.handler:
			return // an object that cannot be called is kept, and does nothing
		default:
			fn, this = r.callable(l.callback.Get("handleEvent"), "handleEvent"), l.callback
		}
		out := r.must(fn(this, e.self))
		if l.handler && out.StrictEquals(r.vm.ToValue(false)) {
			e.cancel()
		}
	})
	if ex != nil {
		r.uncaught(ex)
	}
}

// uncaught reports what nobody caught: to the listeners of the global object first,
// which may say that they dealt with it, then to the host.
func (r *Realm) uncaught(ex *goja.Exception) {
	if t := r.target; t != nil && !r.reporting && t.hears("error") {
		r.reporting = true
		e := r.fired("error")
		e.cancelable = true
		_ = e.self.SetPrototype(r.use("ErrorEvent").proto)
		message := ""
		if r.vm.Try(func() { message = "Uncaught " + ex.Value().String() }) != nil {
			message = "Uncaught exception"
		}
		file, line, column := "", 0, 0
		if stack := ex.Stack(); len(stack) > 0 {
			at := stack[0].Position()
			file, line, column = at.Filename, at.Line, at.Column
		}
		e.members = map[string]goja.Value{
			"message": r.vm.ToValue(message), "filename": r.vm.ToValue(file), "lineno": r.vm.ToValue(line),
			"colno": r.vm.ToValue(column), "error": ex.Value(),
		}
		r.dispatch(t, e)
		r.reporting = false
		if e.canceled {
			return
		}
	}
	r.host.Report(ex)
}
