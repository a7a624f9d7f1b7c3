package metric

import (
	"math"
	"slices"
	"strings"
	"sync/atomic"
)

// Label is one name and value of a series.
type Label struct{ Name, Value string }

// Labels name a series: sorted by name, each name once, __name__ among them.
type Labels []Label

// NewLabels makes labels from a metric name and name/value pairs; pairs with an
// empty value are left out, as Prometheus does.
func NewLabels(name string, pairs ...string) Labels {
	out := make(Labels, 0, 1+len(pairs)/2)
	if name != "" {
		out = append(out, Label{Name, name})
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, Label{pairs[i], pairs[i+1]})
		}
	}
	slices.SortFunc(out, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Get returns the value of a label, empty where there is none.
func (l Labels) Get(name string) string {
	for _, pair := range l {
		if pair.Name == name {
			return pair.Value
		}
	}
	return ""
}

// Series is one time series as its writer holds it. The store keeps its own
// reference to it in Ref, so that a second append finds it without hashing.
type Series struct {
	Labels Labels
	Ref    atomic.Uint64 // the store's; 0 until first appended
}

// Sample is one value of a series: a float, or a histogram where H is not nil.
type Sample struct {
	Series   *Series
	T        int64 // Unix milliseconds
	V        float64
	H        *Histogram
	Exemplar *Exemplar
}

// Point is one element of an instant query's answer.
type Point struct {
	Labels Labels
	T      int64 // Unix milliseconds
	V      float64
}

// Distribution is one element of an instant query's answer that is a native histogram.
type Distribution struct {
	Labels    Labels
	Schema    int32
	ZeroCount float64
	Buckets   []Bucket // positive ones that count something, lowest first
}

// Bucket counts what is over 2^((Index-1)·2^-Schema) and at most 2^(Index·2^-Schema).
type Bucket struct {
	Index int32
	Count float64
}

// Range is one series of a range query's answer.
type Range struct {
	Labels Labels
	T      []int64 // Unix milliseconds
	V      []float64
}

// Exemplar is one observation that stands for its neighbours.
type Exemplar struct {
	Labels Labels
	V      float64
	T      int64 // Unix milliseconds
}

// Histogram is a Prometheus native histogram with integer counts: sparse buckets
// whose bounds grow by 2^(2^-Schema); see prometheus.io/docs/specs/native_histograms.
type Histogram struct {
	Schema        int32
	ZeroThreshold float64
	ZeroCount     uint64
	Count         uint64
	Sum           float64
	Spans         []Span
	Deltas        []int64 // of positive buckets; durations are never negative
}

// Span is a run of buckets: Offset from the end of the last one, Length buckets.
type Span struct {
	Offset int32
	Length uint32
}

// Stale is the value that ends a series (Prometheus's staleness marker: a NaN of
// these very bits).
var Stale = math.Float64frombits(0x7ff0000000000002)

// IsStale reports whether v is the staleness marker.
func IsStale(v float64) bool { return math.Float64bits(v) == 0x7ff0000000000002 }
