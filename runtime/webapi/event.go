package webapi

import (
	"slices"
	"time"

	"github.com/dop251/goja"
)

// Event is the class of that name, and CustomEvent.
type Event struct {
	instance
	kind       string
	bubbles    bool
	cancelable bool
	composed   bool
	canceled   bool
	passive    bool // a passive listener is running
	stopped    bool
	stoppedNow bool
	dispatched bool
	target     goja.Value
	current    goja.Value
	detail     goja.Value
	at         time.Time
}

func (r *Realm) event(args []goja.Value, class string) *Event {
	options := r.options(arg(args, 1), class)
	e := &Event{
		kind: r.text(args[0]), at: time.Now(), target: goja.Null(), current: goja.Null(),
		bubbles:    r.member(options, "bubbles").ToBoolean(),
		cancelable: r.member(options, "cancelable").ToBoolean(),
		composed:   r.member(options, "composed").ToBoolean(),
		detail:     goja.Null(),
	}
	if v := r.member(options, "detail"); !absent(v) {
		e.detail = v
	}
	return e
}

func newEventClass(r *Realm) *class {
	c := r.class("Event", 1, nil, func(args []goja.Value) object { return r.event(args, "Event") })
	flag := func(name string, get func(*Event) bool) {
		attribute(c, name, func(e *Event) goja.Value { return r.vm.ToValue(get(e)) }, nil)
	}
	attribute(c, "type", func(e *Event) goja.Value { return r.vm.ToValue(e.kind) }, nil)
	attribute(c, "target", func(e *Event) goja.Value { return e.target }, nil)
	attribute(c, "srcElement", func(e *Event) goja.Value { return e.target }, nil)
	attribute(c, "currentTarget", func(e *Event) goja.Value { return e.current }, nil)
	attribute(c, "eventPhase", func(e *Event) goja.Value {
		if goja.IsNull(e.current) {
			return r.vm.ToValue(0)
		}
		return r.vm.ToValue(2)
	}, nil)
	attribute(c, "timeStamp", func(e *Event) goja.Value {
		return r.vm.ToValue(float64(e.at.Sub(r.started).Microseconds()) / 1000)
	}, nil)
	flag("bubbles", func(e *Event) bool { return e.bubbles })
	flag("cancelable", func(e *Event) bool { return e.cancelable })
	flag("composed", func(e *Event) bool { return e.composed })
	flag("defaultPrevented", func(e *Event) bool { return e.canceled })
	flag("isTrusted", func(*Event) bool { return false })
	cancel := func(e *Event) {
		if e.cancelable && !e.passive {
			e.canceled = true
		}
	}
	attribute(c, "returnValue", func(e *Event) goja.Value { return r.vm.ToValue(!e.canceled) }, func(e *Event, v goja.Value) {
		if !v.ToBoolean() {
			cancel(e)
		}
	})
	attribute(c, "cancelBubble", func(e *Event) goja.Value { return r.vm.ToValue(e.stopped) }, func(e *Event, v goja.Value) {
		e.stopped = e.stopped || v.ToBoolean()
	})
	does := func(name string, do func(*Event)) {
		method(c, name, 0, func(e *Event, _ []goja.Value) goja.Value {
			do(e)
			return goja.Undefined()
		})
	}
	does("preventDefault", cancel)
	does("stopPropagation", func(e *Event) { e.stopped = true })
	does("stopImmediatePropagation", func(e *Event) { e.stopped, e.stoppedNow = true, true })
	method(c, "composedPath", 0, func(e *Event, _ []goja.Value) goja.Value {
		if goja.IsNull(e.current) {
			return r.vm.NewArray()
		}
		return r.vm.NewArray(e.current)
	})
	for name, value := range map[string]int{"NONE": 0, "CAPTURING_PHASE": 1, "AT_TARGET": 2, "BUBBLING_PHASE": 3} {
		c.constant(name, value)
	}
	return c
}

func newCustomEventClass(r *Realm) *class {
	c := r.class("CustomEvent", 1, r.use("Event"), func(args []goja.Value) object { return r.event(args, "CustomEvent") })
	attribute(c, "detail", func(e *Event) goja.Value { return e.detail }, nil)
	return c
}

// listener is one entry of an EventTarget. Its callback is a function or an object
// with handleEvent.
type listener struct {
	kind     string
	callback *goja.Object
	capture  bool
	once     bool
	passive  bool
	removed  bool
}

// EventTarget is the class of that name; AbortSignal embeds it.
type EventTarget struct {
	instance
	listeners []*listener
}

func (t *EventTarget) eventTarget() *EventTarget { return t }

func newEventTargetClass(r *Realm) *class {
	c := r.class("EventTarget", 0, nil, func([]goja.Value) object { return &EventTarget{} })
	r.targetMethods(c, func(v goja.Value) *EventTarget { return receiver[*EventTarget](c, v, "EventTarget") })
	return c
}

// maxListeners bounds the listeners of one target.
const maxListeners = 10_000

// targetMethods adds what every EventTarget has to a class.
func (r *Realm) targetMethods(c *class, of func(goja.Value) *EventTarget) {
	add := func(name string, length int, fn func(t *EventTarget, args []goja.Value) goja.Value) {
		o := r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
			t := of(call.This)
			if len(call.Arguments) < length {
				panic(r.typeError("%s takes %d arguments, and got %d", name, length, len(call.Arguments)))
			}
			return fn(t, call.Arguments)
		}).(*goja.Object)
		r.label(o, name, length)
		_ = c.proto.DefineDataProperty(name, o, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	add("addEventListener", 2, func(t *EventTarget, args []goja.Value) goja.Value {
		l := r.listener(args)
		if l == nil {
			return goja.Undefined()
		}
		if s := r.member(arg(args, 2), "signal"); !absent(s) {
			signal, ok := unwrap[*AbortSignal](s)
			if !ok {
				panic(r.typeError("the signal of addEventListener is no AbortSignal"))
			}
			if signal.aborted {
				return goja.Undefined()
			}
			signal.onAbort(func() { t.remove(l) })
		}
		for _, have := range t.listeners {
			if have.kind == l.kind && have.callback.SameAs(l.callback) && have.capture == l.capture {
				return goja.Undefined()
			}
		}
		if len(t.listeners) >= maxListeners {
			panic(r.rangeError("more than %d listeners on one target", maxListeners))
		}
		t.listeners = append(t.listeners, l)
		return goja.Undefined()
	})
	add("removeEventListener", 2, func(t *EventTarget, args []goja.Value) goja.Value {
		l := r.listener(args)
		if l == nil {
			return goja.Undefined()
		}
		for _, have := range t.listeners {
			if have.kind == l.kind && have.callback.SameAs(l.callback) && have.capture == l.capture {
				t.remove(have)
				break
			}
		}
		return goja.Undefined()
	})
	add("dispatchEvent", 1, func(t *EventTarget, args []goja.Value) goja.Value {
		e, ok := unwrap[*Event](args[0])
		if !ok {
			panic(r.typeError("dispatchEvent takes an Event"))
		}
		if e.dispatched {
			panic(r.domException("InvalidStateError", "the event is being dispatched already"))
		}
		r.dispatch(t, e)
		return r.vm.ToValue(!e.canceled)
	})
}

// listener reads the arguments of addEventListener; nil for a null callback.
func (r *Realm) listener(args []goja.Value) *listener {
	l := &listener{kind: r.text(args[0])}
	options := arg(args, 2)
	if o, ok := options.(*goja.Object); ok {
		l.capture = r.member(o, "capture").ToBoolean()
		l.once = r.member(o, "once").ToBoolean()
		l.passive = r.member(o, "passive").ToBoolean()
	} else {
		l.capture = options.ToBoolean()
	}
	if nullish(args[1]) {
		return nil
	}
	callback, ok := args[1].(*goja.Object)
	if !ok {
		panic(r.typeError("a listener is a function or an object with handleEvent"))
	}
	l.callback = callback
	return l
}

func (t *EventTarget) remove(l *listener) {
	l.removed = true
	t.listeners = slices.DeleteFunc(slices.Clone(t.listeners), func(have *listener) bool { return have == l })
}

// dispatch calls the listeners; what they throw is reported, as the DOM does.
func (r *Realm) dispatch(t *EventTarget, e *Event) {
	e.dispatched, e.target, e.current = true, t.self, t.self
	for _, l := range t.listeners {
		if l.kind != e.kind || l.removed {
			continue
		}
		if l.once {
			t.remove(l)
		}
		e.passive = l.passive
		r.notify(l.callback, t.self, e)
		e.passive = false
		if e.stoppedNow {
			break
		}
	}
	e.dispatched, e.current = false, goja.Null()
	e.stopped, e.stoppedNow = false, false
}

func (r *Realm) notify(callback *goja.Object, this goja.Value, e *Event) {
	ex := r.vm.Try(func() {
		fn, ok := goja.AssertFunction(callback)
		if !ok {
			fn, this = r.callable(callback.Get("handleEvent"), "handleEvent"), callback
		}
		r.must(fn(this, e.self))
	})
	if ex != nil {
		r.host.Report(ex)
	}
}
