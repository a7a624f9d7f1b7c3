package invocation

import (
	"math"
	"slices"
)

// Histogram counts observations in buckets whose bounds grow by 2^(2^-Schema), as
// Prometheus's native histograms do: the bucket of index i holds what is over
// 2^((i-1)·2^-Schema) and at most 2^(i·2^-Schema). Where values spread over more
// than MaxBuckets, the resolution halves. Its zero value is ready for use.
type Histogram struct {
	Coarser int32  // steps that the schema lies below FinestSchema
	Zero    uint64 // observations of at most ZeroLimit
	Count   uint64 // all observations, Zero's among them
	Sum     float64
	Buckets []Bucket // ascending by Index, none empty
}

// Bucket is a bucket's index and what it counted.
type Bucket struct {
	Index int32
	Count uint64
}

// The layout of every Histogram.
const (
	FinestSchema = 3   // eight buckets to each doubling: each at most 9.1 % wide
	MaxBuckets   = 160 // so many hold six decades at the finest schema
	lowestExp    = -30
	highestExp   = 50
	ZeroLimit    = 1.0 / (1 << -lowestExp) // what is at most this counts as zero; about 1e-9
	coarsest     = 2                       // at which the whole range has MaxBuckets
)

// Schema is Prometheus's number for the resolution.
func (h *Histogram) Schema() int32 { return FinestSchema - h.Coarser }

// Observe counts a value. It reports false, and counts nothing, where the value is
// negative or not finite; what is over 2^50 counts in the last bucket.
func (h *Histogram) Observe(v float64) bool {
	if !finite(v) || v < 0 {
		return false
	}
	h.Count++
	h.Sum += v
	if v <= ZeroLimit {
		h.Zero++
		return true
	}
	h.add(bucketOf(v)>>h.Coarser, 1) // see coarsen: an arithmetic shift of what is counted from 0
	return true
}

// Bound is the upper bound of the bucket of an index.
func (h *Histogram) Bound(index int32) float64 {
	return math.Exp2(float64(index) / float64(int32(1)<<h.Schema()))
}

// bucketOf is the value's index at the finest schema, less one: so that halving an
// index is a shift.
func bucketOf(v float64) int32 {
	const perOctave = 1 << FinestSchema
	i := int32(math.Ceil(math.Log2(min(v, 1<<highestExp))*perOctave)) - 1
	return max(i, lowestExp*perOctave)
}

// add counts n in the bucket at an index less one.
func (h *Histogram) add(at int32, n uint64) {
	i, found := slices.BinarySearchFunc(h.Buckets, at+1, func(b Bucket, index int32) int { return int(b.Index - index) })
	if found {
		h.Buckets[i].Count += n
		return
	}
	h.Buckets = slices.Insert(h.Buckets, i, Bucket{at + 1, n})
	if len(h.Buckets) > MaxBuckets {
		h.coarsen()
	}
}

// coarsen halves the resolution: two neighbours become one bucket.
func (h *Histogram) coarsen() {
	h.Coarser++
	out := h.Buckets[:0]
	for _, b := range h.Buckets {
		index := (b.Index-1)>>1 + 1
		if n := len(out); n > 0 && out[n-1].Index == index {
			out[n-1].Count += b.Count
			continue
		}
		out = append(out, Bucket{index, b.Count})
	}
	h.Buckets = out
}

// Merge counts what another one counted, at the coarser resolution of the two.
func (h *Histogram) Merge(o *Histogram) {
	for h.Coarser < o.Coarser {
		h.coarsen()
	}
	h.Count += o.Count
	h.Zero += o.Zero
	h.Sum += o.Sum
	coarser := o.Coarser
	for _, b := range o.Buckets {
		h.add((b.Index-1)>>(h.Coarser-coarser), b.Count)
	}
}

// Clone is a copy that shares nothing.
func (h *Histogram) Clone() *Histogram {
	out := *h
	out.Buckets = slices.Clone(h.Buckets)
	return &out
}

// Validate says whether the histogram holds together: it may come from a process
// that is not trusted.
func (h *Histogram) Validate() error {
	if h.Coarser < 0 || h.Coarser > coarsest || len(h.Buckets) > MaxBuckets || !finite(h.Sum) || h.Sum < 0 {
		return errMeasure
	}
	const most = 1 << 40 // of one bucket: more than a process counts in hours
	sum := h.Zero
	if h.Zero > most {
		return errMeasure
	}
	perOctave := int32(1) << (FinestSchema - h.Coarser)
	for i, b := range h.Buckets {
		if b.Count == 0 || b.Count > most || i > 0 && h.Buckets[i-1].Index >= b.Index ||
			b.Index <= lowestExp*perOctave || b.Index > highestExp*perOctave {
			return errMeasure
		}
		sum += b.Count
	}
	if sum != h.Count {
		return errMeasure
	}
	return nil
}
