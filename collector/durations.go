package collector

import (
	"math"
	"math/bits"
)

// durations is how long the calls of a window took: a histogram of them all, and of
// each tick what leaves it with the tick.
type durations struct {
	count   uint64
	octaves [octaveCount]uint32     // the sums of their buckets, so that a quantile passes over empty ones
	buckets [bucketCount + 1]uint32 // of all ticks
	ticks   [windowTicks]uint16     // how many deltas each has
	deltas  deltas
}

type bucketDelta struct {
	at uint16
	n  uint32
}

// deltas is a queue: ticks leave a window in the order in which they came.
type deltas struct {
	ring []bucketDelta // its length is a power of two, or 0
	head int           // the oldest
	size int
}

func (q *deltas) push(d bucketDelta) {
	if q.size == len(q.ring) {
		grown := make([]bucketDelta, max(16, 2*len(q.ring)))
		n := copy(grown, q.ring[q.head:])
		copy(grown[n:], q.ring[:q.head])
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.size)&(len(q.ring)-1)] = d
	q.size++
}

func (q *deltas) pop() bucketDelta {
	d := q.ring[q.head]
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.size--
	return d
}

// advance takes the oldest tick out, which is at this place.
func (d *durations) advance(at int) {
	for range d.ticks[at] {
		gone := d.deltas.pop()
		d.buckets[gone.at] -= gone.n
		if gone.at != zeroAt {
			d.octaves[gone.at/perOctave] -= gone.n
		}
		d.count -= uint64(gone.n)
	}
	d.ticks[at] = 0
}

// add counts durations of the newest tick, which is at this place.
func (d *durations) add(at, bucket int, n uint32) {
	d.deltas.push(bucketDelta{uint16(bucket), n})
	d.ticks[at]++
	d.buckets[bucket] += n
	if bucket != zeroAt {
		d.octaves[bucket/perOctave] += n
	}
	d.count += uint64(n)
}

// observe adds to the newest tick what a handle counted since the last one. The caller
// holds the lock of the handle's owner.
func (d *durations) observe(h *Handle, at int) {
	if n := h.duration.zero.Load(); n > h.seen.zero {
		d.add(at, zeroAt, uint32(n-h.seen.zero))
		h.seen.zero = n
	}
	for used := h.duration.used.Load(); used != 0; used &= used - 1 {
		i := bits.TrailingZeros64(used)
		o := h.duration.octaves[i].Load()
		for j := range o.counts {
			if n := o.counts[j].Load(); n > o.seen[j] {
				d.add(at, i*perOctave+j, uint32(n-o.seen[j]))
				o.seen[j] = n
			}
		}
	}
}

// shownQuantiles are those of health; they rise, and are a half and more.
var shownQuantiles = [...]float64{0.5, 0.95, 0.99}

// quantiles estimates shownQuantiles in seconds as PromQL's histogram_quantile does: from the largest
// down, exponentially within a bucket. There is at least one duration.
func (d *durations) quantiles(out *[len(shownQuantiles)]float64) {
	next, above := len(out)-1, 0.0
	rank := func() float64 { return (1 - shownQuantiles[next]) * float64(d.count) }
	for i := octaveCount - 1; i >= 0; i-- {
		if d.octaves[i] == 0 {
			continue
		}
		if all := above + float64(d.octaves[i]); all < rank() {
			above = all
			continue
		}
		for at := (i+1)*perOctave - 1; at >= i*perOctave; at-- {
			n := float64(d.buckets[at])
			if n == 0 {
				continue
			}
			above += n
			for next >= 0 && above >= rank() {
				out[next] = bounds[at] * math.Exp2(((above-rank())/n-1)/perOctave)
				next--
			}
			if next < 0 {
				return
			}
		}
	}
	n := float64(d.buckets[zeroAt])
	for ; next >= 0; next-- {
		if out[next] = 0; n > 0 {
			out[next] = zeroLimit * (above + n - rank()) / n
		}
	}
}
