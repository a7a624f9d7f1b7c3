package webapi

import (
	"time"

	"github.com/dop251/goja"
)

// Event is the class of that name, and all that inherit from it.
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
	trusted    bool // the platform fired it
	target     goja.Value
	current    goja.Value
	members    map[string]goja.Value // what a class that inherits adds
	at         time.Time
}

// fired makes an event of the platform's own.
func (r *Realm) fired(kind string) *Event {
	e := &Event{kind: kind, at: time.Now(), target: goja.Null(), current: goja.Null(), trusted: true}
	r.use("Event").wrap(e)
	return e
}

func (r *Realm) event(args []goja.Value, class string, members []eventMember) *Event {
	kind := r.text(args[0])
	options := r.options(arg(args, 1), class)
	e := &Event{
		kind: kind, at: time.Now(), target: goja.Null(), current: goja.Null(),
		bubbles:    r.member(options, "bubbles").ToBoolean(),
		cancelable: r.member(options, "cancelable").ToBoolean(),
		composed:   r.member(options, "composed").ToBoolean(),
	}
	if len(members) > 0 {
		e.members = make(map[string]goja.Value, len(members))
	}
	for _, m := range members {
		v := r.member(options, m.name)
		switch {
		case !absent(v) && m.convert != nil:
			v = m.convert(v)
		case absent(v) && m.missing == nil:
			panic(r.typeError("%s needs the member %s", class, m.name))
		case absent(v):
			v = m.missing
		}
		e.members[m.name] = v
	}
	return e
}

func (e *Event) cancel() {
	if e.cancelable && !e.passive {
		e.canceled = true
	}
}

// trust gives an event its isTrusted, which every event has as its own.
func (r *Realm) trust(js *goja.Object) {
	if r.trusts == nil {
		c := r.use("Event")
		r.trusts = getter(c, "isTrusted", func(e *Event) goja.Value { return r.vm.ToValue(e.trusted) })
	}
	_ = js.DefineAccessorProperty("isTrusted", r.trusts, nil, goja.FLAG_FALSE, goja.FLAG_TRUE)
}

func newEventClass(r *Realm) *class {
	c := r.class("Event", 1, nil, func(args []goja.Value) object { return r.event(args, "Event", nil) })
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
	attribute(c, "timeStamp", func(e *Event) goja.Value { return r.vm.ToValue(r.since(e.at)) }, nil)
	flag("bubbles", func(e *Event) bool { return e.bubbles })
	flag("cancelable", func(e *Event) bool { return e.cancelable })
	flag("composed", func(e *Event) bool { return e.composed })
	flag("defaultPrevented", func(e *Event) bool { return e.canceled })
	attribute(c, "returnValue", func(e *Event) goja.Value { return r.vm.ToValue(!e.canceled) }, func(e *Event, v goja.Value) {
		if !v.ToBoolean() {
			e.cancel()
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
	does("preventDefault", (*Event).cancel)
	does("stopPropagation", func(e *Event) { e.stopped = true })
	does("stopImmediatePropagation", func(e *Event) { e.stopped, e.stoppedNow = true, true })
	method(c, "initEvent", 1, func(e *Event, args []goja.Value) goja.Value {
		r.initEvent(e, args)
		return goja.Undefined()
	})
	method(c, "composedPath", 0, func(e *Event, _ []goja.Value) goja.Value {
		if goja.IsNull(e.current) {
			return r.vm.NewArray()
		}
		return r.vm.NewArray(e.current)
	})
	for _, phase := range []struct {
		name  string
		value int
	}{{"NONE", 0}, {"CAPTURING_PHASE", 1}, {"AT_TARGET", 2}, {"BUBBLING_PHASE", 3}} {
		c.constant(phase.name, phase.value)
	}
	return c
}

// initEvent makes an event anew, unless listeners are seeing it.
func (r *Realm) initEvent(e *Event, args []goja.Value) bool {
	kind := r.text(args[0])
	if e.dispatched {
		return false
	}
	e.kind, e.bubbles, e.cancelable = kind, arg(args, 1).ToBoolean(), arg(args, 2).ToBoolean()
	e.stopped, e.stoppedNow, e.canceled, e.trusted, e.target = false, false, false, false, goja.Null()
	return true
}

// eventMember is an attribute that a class adds to Event, and the member of its
// options that sets it. Without convert it takes any value; without missing it must
// be given.
type eventMember struct {
	name    string
	convert func(goja.Value) goja.Value
	missing goja.Value
}

func (r *Realm) eventClass(name string, length int, members ...eventMember) *class {
	c := r.class(name, length, r.use("Event"), func(args []goja.Value) object { return r.event(args, name, members) })
	for _, m := range members {
		attribute(c, m.name, func(e *Event) goja.Value {
			v, ok := e.members[m.name]
			if !ok {
				panic(r.typeError("%s.%s was called on an object that is no %s", name, m.name, name))
			}
			return v
		}, nil)
	}
	return c
}

func newCustomEventClass(r *Realm) *class {
	c := r.eventClass("CustomEvent", 1, eventMember{name: "detail", missing: goja.Null()})
	method(c, "initCustomEvent", 1, func(e *Event, args []goja.Value) goja.Value {
		if r.initEvent(e, args) && e.members != nil {
			e.members["detail"] = goja.Null()
			if v := arg(args, 3); !absent(v) {
				e.members["detail"] = v
			}
		}
		return goja.Undefined()
	})
	return c
}

func newErrorEventClass(r *Realm) *class {
	text := func(v goja.Value) goja.Value { return r.vm.ToValue(r.text(v)) }
	number := func(v goja.Value) goja.Value { return r.vm.ToValue(uint32(v.ToInteger())) }
	none, zero := r.vm.ToValue(""), r.vm.ToValue(0)
	return r.eventClass("ErrorEvent", 1,
		eventMember{"colno", number, zero}, eventMember{"error", nil, goja.Undefined()}, eventMember{"filename", text, none},
		eventMember{"lineno", number, zero}, eventMember{"message", text, none})
}

func newRejectionEventClass(r *Realm) *class {
	return r.eventClass("PromiseRejectionEvent", 2,
		eventMember{"promise", func(v goja.Value) goja.Value { return r.promiseOf(v) }, nil}, eventMember{"reason", nil, goja.Undefined()})
}

func newMessageEventClass(r *Realm) *class {
	text := func(v goja.Value) goja.Value { return r.vm.ToValue(r.text(v)) }
	none := r.vm.ToValue("")
	list := func(v goja.Value) goja.Value {
		items := r.sequence(v, "the ports")
		out := make([]any, len(items))
		for i, item := range items {
			out[i] = item
		}
		return r.vm.NewArray(out...)
	}
	return r.eventClass("MessageEvent", 1,
		eventMember{"data", nil, goja.Null()}, eventMember{"lastEventId", text, none}, eventMember{"origin", text, none},
		eventMember{"ports", list, r.vm.NewArray()}, eventMember{"source", nil, goja.Null()})
}
