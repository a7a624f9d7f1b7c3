package webapi

import (
	"math"
	"time"

	"github.com/dop251/goja"
)

// Performance is the class of the object performance.
type Performance struct {
	EventTarget
	entries []*PerformanceEntry
}

// PerformanceEntry is the class of that name, and those of marks and measures.
type PerformanceEntry struct {
	instance
	name     string
	kind     string // mark or measure
	start    float64
	duration float64
	detail   goja.Value
}

// maxEntries bounds the marks and measures that are kept; the oldest go first.
const maxEntries = 1000

// since is a moment in milliseconds of performance.now.
func (r *Realm) since(at time.Time) float64 { return float64(at.Sub(r.started).Microseconds()) / 1000 }

func newPerformanceClass(r *Realm) *class {
	c := r.class("Performance", 0, r.use("EventTarget"), nil)
	origin := float64(r.started.UnixMicro()) / 1000
	attribute(c, "timeOrigin", func(*Performance) goja.Value { return r.vm.ToValue(origin) }, nil)
	method(c, "now", 0, func(*Performance, []goja.Value) goja.Value { return r.vm.ToValue(r.since(time.Now())) })
	method(c, "toJSON", 0, func(*Performance, []goja.Value) goja.Value {
		o := r.vm.NewObject()
		_ = o.Set("timeOrigin", origin)
		return o
	})
	method(c, "mark", 1, func(p *Performance, args []goja.Value) goja.Value {
		e := r.newMark(args)
		p.keep(e)
		return e.self
	})
	method(c, "measure", 1, func(p *Performance, args []goja.Value) goja.Value {
		e := r.newMeasure(p, args)
		p.keep(e)
		return e.self
	})
	list := func(name string, length int, fits func(e *PerformanceEntry, args []string) bool) {
		method(c, name, length, func(p *Performance, args []goja.Value) goja.Value {
			given := make([]string, len(args))
			for i, v := range args {
				given[i] = r.text(v)
			}
			out := []any{}
			for _, e := range p.entries {
				if fits(e, given) {
					out = append(out, e.self)
				}
			}
			return r.vm.NewArray(out...)
		})
	}
	list("getEntries", 0, func(*PerformanceEntry, []string) bool { return true })
	list("getEntriesByType", 1, func(e *PerformanceEntry, args []string) bool { return e.kind == args[0] })
	list("getEntriesByName", 1, func(e *PerformanceEntry, args []string) bool {
		return e.name == args[0] && (len(args) < 2 || e.kind == args[1])
	})
	forget := func(name, kind string) {
		method(c, name, 0, func(p *Performance, args []goja.Value) goja.Value {
			kept := []*PerformanceEntry{}
			for _, e := range p.entries {
				if e.kind != kind || len(args) > 0 && !absent(args[0]) && e.name != r.text(args[0]) {
					kept = append(kept, e)
				}
			}
			p.entries = kept
			return goja.Undefined()
		})
	}
	forget("clearMarks", "mark")
	forget("clearMeasures", "measure")
	return c
}

// keep adds an entry in the order of when it started.
func (p *Performance) keep(e *PerformanceEntry) {
	at := len(p.entries)
	for at > 0 && p.entries[at-1].start > e.start {
		at--
	}
	p.entries = append(p.entries, nil)
	copy(p.entries[at+1:], p.entries[at:])
	p.entries[at] = e
	if len(p.entries) > maxEntries {
		p.entries = p.entries[1:]
	}
}

func newPerformanceEntryClass(r *Realm) *class {
	c := r.class("PerformanceEntry", 0, nil, nil)
	attribute(c, "name", func(e *PerformanceEntry) goja.Value { return r.vm.ToValue(e.name) }, nil)
	attribute(c, "entryType", func(e *PerformanceEntry) goja.Value { return r.vm.ToValue(e.kind) }, nil)
	attribute(c, "startTime", func(e *PerformanceEntry) goja.Value { return r.vm.ToValue(e.start) }, nil)
	attribute(c, "duration", func(e *PerformanceEntry) goja.Value { return r.vm.ToValue(e.duration) }, nil)
	method(c, "toJSON", 0, func(e *PerformanceEntry, _ []goja.Value) goja.Value {
		o := r.vm.NewObject()
		for _, m := range []struct {
			name  string
			value any
		}{{"name", e.name}, {"entryType", e.kind}, {"startTime", e.start}, {"duration", e.duration}, {"detail", e.detail}} {
			_ = o.Set(m.name, m.value)
		}
		return o
	})
	return c
}

func newPerformanceMarkClass(r *Realm) *class {
	c := r.class("PerformanceMark", 1, r.use("PerformanceEntry"), func(args []goja.Value) object { return r.entryOf(args) })
	attribute(c, "detail", func(e *PerformanceEntry) goja.Value { return e.detail }, nil)
	return c
}

func newPerformanceMeasureClass(r *Realm) *class {
	c := r.class("PerformanceMeasure", 0, r.use("PerformanceEntry"), nil)
	attribute(c, "detail", func(e *PerformanceEntry) goja.Value { return e.detail }, nil)
	return c
}

func (r *Realm) newMark(args []goja.Value) *PerformanceEntry {
	e := r.entryOf(args)
	r.use("PerformanceMark").wrap(e)
	return e
}

func (r *Realm) entryOf(args []goja.Value) *PerformanceEntry {
	options := r.options(arg(args, 1), "mark")
	e := &PerformanceEntry{name: r.text(args[0]), kind: "mark", start: r.since(time.Now()), detail: r.detail(options)}
	if v := r.member(options, "startTime"); !absent(v) {
		if e.start = finite(r, v); e.start < 0 {
			panic(r.typeError("a mark cannot stand before the start"))
		}
	}
	return e
}

func (r *Realm) detail(options goja.Value) goja.Value {
	v := r.member(options, "detail")
	if nullish(v) {
		return goja.Null()
	}
	return r.clone(v)
}

// finite converts as WebIDL's double does.
func finite(r *Realm, v goja.Value) float64 {
	f := v.ToFloat()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		panic(r.typeError("a time is a finite number"))
	}
	return f
}

// moment finds a time that is a number, or the name of a mark.
func (r *Realm) moment(p *Performance, v goja.Value) float64 {
	if goja.IsNumber(v) {
		f := finite(r, v)
		if f < 0 {
			panic(r.typeError("a time cannot stand before the start"))
		}
		return f
	}
	name := r.text(v)
	for i := len(p.entries) - 1; i >= 0; i-- {
		if e := p.entries[i]; e.kind == "mark" && e.name == name {
			return e.start
		}
	}
	panic(r.domException("SyntaxError", "there is no mark %q", clip(name)))
}

func (r *Realm) newMeasure(p *Performance, args []goja.Value) *PerformanceEntry {
	e := &PerformanceEntry{name: r.text(args[0]), kind: "measure", detail: goja.Null()}
	from, to := arg(args, 1), arg(args, 2)
	if goja.IsNull(from) {
		from = goja.Undefined() // options that say nothing
	}
	end, length := to, goja.Undefined()
	if o, ok := from.(*goja.Object); ok {
		from, end, length = r.member(o, "start"), r.member(o, "end"), r.member(o, "duration")
		given := !absent(from) || !absent(end)
		said := given || !absent(length) || !absent(r.member(o, "detail"))
		if said && (!given || !absent(to) || !absent(from) && !absent(end) && !absent(length)) {
			panic(r.typeError("measure takes a start, an end or a duration, of which two say all"))
		}
		if !said {
			end = to
		}
		e.detail = r.detail(o)
	}
	until := r.since(time.Now())
	switch {
	case !absent(end):
		until = r.moment(p, end)
	case !absent(from) && !absent(length):
		until = r.moment(p, from) + finite(r, length)
	}
	switch {
	case !absent(from):
		e.start = r.moment(p, from)
	case !absent(length):
		e.start = until - finite(r, length)
	}
	e.duration = until - e.start
	r.use("PerformanceMeasure").wrap(e)
	return e
}

// Navigator is the class of the object navigator.
type Navigator struct{ instance }

func newNavigatorClass(r *Realm) *class {
	c := r.class("Navigator", 0, nil, nil)
	attribute(c, "userAgent", func(*Navigator) goja.Value { return r.vm.ToValue("Hadron") }, nil)
	return c
}
