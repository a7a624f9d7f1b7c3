package collector

import (
	"math"
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
	sum     atomic.Int64 // nanoseconds
	octaves [octaveCount]atomic.Pointer[octave]
}

type octave [perOctave]atomic.Uint64

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
		}
		o[at%perOctave].Add(1)
	}
	if d > 0 {
		h.sum.Add(int64(d))
	}
}

// reset empties the histogram; nobody observes meanwhile.
func (h *histogram) reset() {
	h.zero.Store(0)
	h.sum.Store(0)
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
	for i := range h.octaves {
		o := h.octaves[i].Load()
		if o == nil {
			continue
		}
		for j := range o {
			if n := o[j].Load(); n > 0 {
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

// quantile estimates the q-quantile in seconds of total observations counted in
// buckets, for a q of a half and more, as PromQL's histogram_quantile does: from the
// largest down, exponentially within a bucket.
func quantile(q float64, total uint64, buckets *[bucketCount + 1]uint32) float64 {
	rank := (1 - q) * float64(total)
	above := 0.0
	for at := bucketCount - 1; at >= 0; at-- {
		n := float64(buckets[at])
		if n == 0 {
			continue
		}
		if above += n; above >= rank {
			return bounds[at] / fractionStep * math.Pow(fractionStep, (above-rank)/n)
		}
	}
	if n := float64(buckets[zeroAt]); n > 0 {
		return zeroLimit * (above + n - rank) / n
	}
	return 0
}

var fractionStep = math.Exp2(1.0 / perOctave)

// changed reports whether h counted since the snapshot was taken.
func (h *histogram) changed(s *metric.Histogram) bool {
	var n uint64
	h.each(func(_ int, count uint64) { n += count })
	return n != s.Count
}
