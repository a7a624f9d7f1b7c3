package collector

import (
	"math"
	"math/bits"
	"sort"
	"sync/atomic"
	"time"

	"hadron/collector/metric"
)

// The layout of every duration histogram: eight buckets to each doubling, so that
// a bucket is at most 9.1 % wide. The bounds are those of a Prometheus native
// histogram of this schema.
const (
	schema       = 3
	perOctave    = 1 << schema
	lowestExp    = -20 // 2^-20 s, just under a microsecond: what is shorter counts as zero
	highestExp   = 14  // 2^14 s, 4.5 hours: what is longer counts in the last bucket
	octaveCount  = highestExp - lowestExp
	bucketCount  = octaveCount * perOctave
	zeroAt       = bucketCount // the zero bucket's position behind the others
	zeroLimit    = 1.0 / (1 << -lowestExp)
	firstBucket  = lowestExp*perOctave + 1 // native index of position 0
	mostGapInRun = 2                       // empty buckets that a span swallows rather than ends at
)

var (
	// fractions are the bucket bounds between a half and one.
	fractions = func() (f [perOctave]float64) {
		for i := range f {
			f[i] = math.Exp2(float64(i)/perOctave - 1)
		}
		return f
	}()
	// bounds[i] is the upper bound of the bucket at position i, in seconds.
	bounds = func() (b [bucketCount]float64) {
		for i := range b {
			b[i] = math.Exp2(float64(firstBucket+i) / perOctave)
		}
		return b
	}()
)

// histogram counts durations without locks. It is lean where client_golang's is
// general: one fixed schema, octaves made at first use (a function's durations
// span few), and a read is a walk over what is there, with no allocation, which
// live health needs each second for every function.
type histogram struct {
	zero    atomic.Uint64
	sum     atomic.Int64  // nanoseconds
	used    atomic.Uint64 // a bit for each octave that there is, so that a reader passes over the others
	octaves [octaveCount]atomic.Pointer[octave]
}

// octave is a doubling's counts, and, in a line of memory of its own beside them, what
// the health loop had counted by its last tick.
type octave struct {
	counts [perOctave]atomic.Uint64
	seen   [perOctave]uint64 // under the lock of the function
}

// observe counts one duration; a negative one is a clock's fault and counts as zero.
func (h *histogram) observe(d time.Duration) {
	at := position(d)
	if at == zeroAt {
		h.zero.Add(1)
	} else {
		slot := &h.octaves[at/perOctave]
		o := slot.Load()
		if o == nil {
			slot.CompareAndSwap(nil, new(octave))
			o = slot.Load()
			h.used.Or(1 << (at / perOctave))
		}
		o.counts[at%perOctave].Add(1)
	}
	if d > 0 {
		h.sum.Add(int64(d))
	}
}

// reset empties the histogram; nobody observes meanwhile.
func (h *histogram) reset() {
	h.zero.Store(0)
	h.sum.Store(0)
	h.used.Store(0)
	for i := range h.octaves {
		h.octaves[i].Store(nil)
	}
}

// position is the bucket that d falls into, zeroAt for the zero bucket.
func position(d time.Duration) int {
	v := d.Seconds()
	if v <= zeroLimit {
		return zeroAt
	}
	frac, exp := math.Frexp(v)
	at := (exp-1)*perOctave + sort.SearchFloat64s(fractions[:], frac) - firstBucket
	return min(at, bucketCount-1)
}

// each calls f for every bucket that ever counted, lowest first, the zero bucket
// first of all.
func (h *histogram) each(f func(at int, count uint64)) {
	if n := h.zero.Load(); n > 0 {
		f(zeroAt, n)
	}
	for used := h.used.Load(); used != 0; used &= used - 1 {
		i := bits.TrailingZeros64(used)
		o := h.octaves[i].Load()
		for j := range o.counts {
			if n := o.counts[j].Load(); n > 0 {
				f(i*perOctave+j, n)
			}
		}
	}
}

// snapshot is the histogram as the store takes it. Its count is the sum of the
// buckets as read, so that it holds together while others observe.
func (h *histogram) snapshot() *metric.Histogram {
	out := &metric.Histogram{Schema: schema, ZeroThreshold: zeroLimit}
	var before int64
	next := 0 // position behind the last bucket written
	h.each(func(at int, n uint64) {
		out.Count += n
		if at == zeroAt {
			out.ZeroCount = n
			return
		}
		gap := at - next
		switch {
		case len(out.Spans) == 0:
			out.Spans = append(out.Spans, metric.Span{Offset: int32(firstBucket + at)})
		case gap > mostGapInRun:
			out.Spans = append(out.Spans, metric.Span{Offset: int32(gap)})
		default:
			for range gap {
				out.Deltas = append(out.Deltas, -before)
				before = 0
				out.Spans[len(out.Spans)-1].Length++
			}
		}
		out.Spans[len(out.Spans)-1].Length++
		out.Deltas = append(out.Deltas, int64(n)-before)
		before = int64(n)
		next = at + 1
	})
	out.Sum = time.Duration(h.sum.Load()).Seconds()
	return out
}

// changed reports whether h counted since the snapshot was taken.
func (h *histogram) changed(s *metric.Histogram) bool {
	var n uint64
	h.each(func(_ int, count uint64) { n += count })
	return n != s.Count
}
