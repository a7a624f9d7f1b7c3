package webapi

import (
	"slices"
	"strings"

	"github.com/dop251/goja"

	"hadron/runtime/invocation"
)

// meter is a metric with labels, as a function holds it: a Counter, a Gauge or a
// Histogram, which functions cannot construct.
type meter struct {
	instance
	kind   invocation.MeasureKind
	name   string
	labels []invocation.Label // sorted by name
	record func(float64)
}

// newMetrics makes the global metrics: counter, gauge and histogram, each of
// (name, labels).
func newMetrics(r *Realm) goja.Value {
	o := r.vm.NewObject()
	for method, kind := range map[string]invocation.MeasureKind{
		"counter": invocation.MeasureCounter, "gauge": invocation.MeasureGauge, "histogram": invocation.MeasureHistogram,
	} {
		_ = o.Set(method, r.function(method, 1, func(args []goja.Value) goja.Value {
			name := r.text(args[0])
			if kind == invocation.MeasureCounter && !strings.HasSuffix(name, "_total") {
				name += "_total" // as OpenTelemetry's exporter does: one name is of one kind
			}
			if err := invocation.CheckMetric(kind, name); err != nil {
				panic(r.typeError("metrics.%s: %v", method, err))
			}
			return r.use(meterClasses[kind]).wrap(r.meter(kind, name, nil, arg(args, 1)))
		}))
	}
	(&class{realm: r}).tag(o, "metrics")
	return o
}

// meterClasses are the classes by kind.
var meterClasses = map[invocation.MeasureKind]string{
	invocation.MeasureCounter: "Counter", invocation.MeasureGauge: "Gauge", invocation.MeasureHistogram: "Histogram",
}

// meter makes one, whose labels are those of base and more.
func (r *Realm) meter(kind invocation.MeasureKind, name string, base []invocation.Label, more goja.Value) *meter {
	labels := r.labels(base, more)
	record, err := r.host.Meter(kind, name, labels)
	if err != nil {
		panic(r.typeError("metrics: %v", err))
	}
	return &meter{kind: kind, name: name, labels: labels, record: record}
}

// labels reads an object of names and values. A value that is null, undefined or
// empty is no label, as in Prometheus.
func (r *Realm) labels(base []invocation.Label, v goja.Value) []invocation.Label {
	if nullish(v) {
		return base
	}
	o, ok := r.options(v, "a metric").(*goja.Object)
	if !ok {
		return base
	}
	out := slices.Clone(base)
	for _, name := range o.Keys() {
		if err := invocation.CheckLabel(name); err != nil {
			panic(r.typeError("metrics: %v", err))
		}
		at, found := slices.BinarySearchFunc(out, name, func(l invocation.Label, name string) int { return strings.Compare(l.Name, name) })
		value := ""
		if v := o.Get(name); !nullish(v) {
			value = cutClean(r.text(v), invocation.MaxLabelValue)
		}
		switch {
		case found && value == "":
			out = slices.Delete(out, at, at+1)
		case found:
			out[at].Value = value
		case value != "":
			out = slices.Insert(out, at, invocation.Label{Name: name, Value: value})
		}
		if len(out) > invocation.MaxLabels {
			panic(r.typeError("metrics: a series can have %d labels", invocation.MaxLabels))
		}
	}
	return out
}

// cutClean shortens a text at a character's boundary.
func cutClean(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// countIn counts a value in the meter's series, or in that of more labels.
func (r *Realm) countIn(m *meter, v float64, more goja.Value) {
	if nullish(more) {
		m.record(v)
		return
	}
	r.meter(m.kind, m.name, m.labels, more).record(v)
}

func newCounterClass(r *Realm) *class {
	c := r.class("Counter", 0, nil, nil)
	add := func(m *meter, args []goja.Value) goja.Value {
		v := 1.0
		if n := arg(args, 0); !absent(n) {
			v = n.ToFloat()
		}
		r.countIn(m, v, arg(args, 1))
		return goja.Undefined()
	}
	method(c, "add", 0, add)
	return c
}

func newGaugeClass(r *Realm) *class {
	c := r.class("Gauge", 0, nil, nil)
	method(c, "set", 1, func(m *meter, args []goja.Value) goja.Value {
		r.countIn(m, args[0].ToFloat(), arg(args, 1))
		return goja.Undefined()
	})
	return c
}

func newHistogramClass(r *Realm) *class {
	c := r.class("Histogram", 0, nil, nil)
	method(c, "record", 1, func(m *meter, args []goja.Value) goja.Value {
		r.countIn(m, args[0].ToFloat(), arg(args, 1))
		return goja.Undefined()
	})
	return c
}
