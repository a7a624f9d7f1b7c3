package contract

import (
	"slices"
	"strings"

	"hadron/collector/metric"
)

// Other is the value of a label in the series that stands for those past a budget.
const Other = "other"

// Fold returns the labels under which a series past a budget is counted: those that say
// what is measured and whose budget it is, and Other for each other label.
func Fold(series metric.Labels, past Owner) metric.Labels {
	out := make(metric.Labels, len(series))
	for i, l := range series {
		switch {
		case slices.Contains(kept, l.Name), l.Name == metric.Function && past.Function != "":
			out[i] = l
		default:
			out[i] = metric.Label{Name: l.Name, Value: Other}
		}
	}
	return out
}

var kept = []string{metric.Name, metric.Team, metric.Project, "le", "quantile"}

// Cumulative reports whether a metric only ever rises, so that what several series
// count together is the sum of their increases. The type is what the sender said of
// it, as Prometheus names types; where it said nothing, the name tells.
func Cumulative(name, kind string) bool {
	switch kind {
	case "counter", "histogram", "summary":
		return !strings.HasSuffix(name, "_created")
	case "gauge", "gaugehistogram", "info", "stateset":
		return false
	}
	for _, suffix := range []string{"_total", "_count", "_sum", "_bucket"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// Sum adds up what the series of one folded series count. It is a plain value; the
// zero Sum is that of a gauge.
type Sum struct {
	Cumulative bool
	Value      float64
}

// Last is what a folded series had before. The zero Last has seen nothing.
type Last struct {
	T    int64 // Unix milliseconds
	V    float64
	seen bool
}

// Add moves the sum on by a value at a time. A counter's first value adds nothing, as rate()
// takes a series that begins; a gauge's adds itself. Ended says that the value
// is the marker of the series' end. It reports false, and changes nothing, where
// the value is not newer than the last.
func (s *Sum) Add(last *Last, t int64, v float64, ended bool) bool {
	if last.T != 0 && t <= last.T {
		return false
	}
	before := 0.
	if last.seen {
		before = last.V
	}
	switch {
	case ended:
		s.Drop(last)
		last.T = t
		return true
	case !s.Cumulative:
		s.Value += v - before
	case last.seen && v >= before:
		s.Value += v - before
	case last.seen: // it began again
		s.Value += v
	}
	*last = Last{T: t, V: v, seen: true}
	return true
}

// Drop takes a series out of the sum: what it counted stays, what it measured goes.
func (s *Sum) Drop(last *Last) {
	if last.seen && !s.Cumulative {
		s.Value -= last.V
	}
	last.seen = false
}
