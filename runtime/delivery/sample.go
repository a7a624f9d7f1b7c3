package delivery

import (
	"sort"
	"time"
)

// Sample is what both sides of a comparison have counted since a moment. The sides
// are of the same size: of each call that is compared, chance said on which it is.
type Sample struct {
	Since    time.Time
	Canary   Arm
	Baseline Arm
}

// Arm is one side: cumulative counts.
type Arm struct {
	Calls   uint64
	Errors  uint64
	Took    Histogram         // seconds, of the calls that found a warm VM
	Metrics map[string]Metric // the function's own, by name, over all their labels
}

// Metric is one of the function's own metrics.
type Metric struct {
	Events    float64    // of a counter
	Histogram *Histogram // nil: it is a counter
	Gauge     bool       // says nothing of a share of calls
}

// Histogram counts observations in buckets of rising bounds.
type Histogram struct {
	Buckets []Bucket
	Count   uint64
}

// Bucket holds what is over Over and at most UpTo.
type Bucket struct {
	Over, UpTo float64
	Count      uint64
}

// Bound is from where on an observation counts as high.
type Bound struct {
	Name string  `json:"name"` // "p90", "latency-p99"
	Over float64 `json:"over"`
}

// over is how many observations lie over the bound: those of a bucket that it cuts
// count as under it, on both sides alike.
func (h Histogram) over(bound float64) uint64 {
	at := sort.Search(len(h.Buckets), func(i int) bool { return h.Buckets[i].Over >= bound })
	var n uint64
	for _, b := range h.Buckets[at:] {
		n += b.Count
	}
	return n
}

// quantile is the upper bound of the bucket that holds the q-quantile.
func (h Histogram) quantile(q float64) float64 {
	rank := q * float64(h.Count)
	var below float64
	for _, b := range h.Buckets {
		if below += float64(b.Count); below >= rank && b.Count > 0 {
			return b.UpTo
		}
	}
	return 0
}

// add joins the counts of both.
func (h Histogram) add(o Histogram) Histogram {
	out := Histogram{Count: h.Count + o.Count}
	i, j := 0, 0
	for i < len(h.Buckets) || j < len(o.Buckets) {
		switch {
		case j == len(o.Buckets) || i < len(h.Buckets) && h.Buckets[i].UpTo < o.Buckets[j].UpTo:
			out.Buckets = append(out.Buckets, h.Buckets[i])
			i++
		case i == len(h.Buckets) || o.Buckets[j].UpTo < h.Buckets[i].UpTo:
			out.Buckets = append(out.Buckets, o.Buckets[j])
			j++
		default:
			both := h.Buckets[i]
			both.Count += o.Buckets[j].Count
			out.Buckets = append(out.Buckets, both)
			i, j = i+1, j+1
		}
	}
	return out
}

// quantiles of what a side counted that become bounds.
var quantiles = []struct {
	name string
	q    float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}

// boundsOf picks bounds from what was counted before, or by both sides together: a
// choice that does not know which side an observation is of favours neither.
func boundsOf(h Histogram) []Bound {
	var out []Bound
	for _, q := range quantiles {
		at := h.quantile(q.q)
		if at > 0 && (len(out) == 0 || out[len(out)-1].Over < at) {
			out = append(out, Bound{q.name, at})
		}
	}
	return out
}

// Mark is how many calls each side had when a step began.
type Mark struct {
	Canary   uint64 `json:"canary"`
	Baseline uint64 `json:"baseline"`
}

// since is how many calls each side had since the mark.
func (s Sample) since(m Mark) (canary, baseline uint64) {
	return s.Canary.Calls - min(m.Canary, s.Canary.Calls), s.Baseline.Calls - min(m.Baseline, s.Baseline.Calls)
}
