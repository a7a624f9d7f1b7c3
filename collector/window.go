package collector

import "time"

// The windows of live health, in ticks of the health loop.
const (
	windowTicks = 60 // figures: rate, errors, quantiles
	trendTicks  = 5  // one value of the trend
	trendLength = 24
)

const maxLatencies = 4 // latency objectives of a function, as the manifest bounds them

// sums are the counts of one tick, or of several.
type sums struct {
	calls      uint32
	errors     [len(errorCodes)]uint32
	slow       [maxLatencies]uint32 // over the threshold, by latency objective
	overloaded uint32
	cold       uint32
	cpu        int64 // nanoseconds
}

func (s *sums) add(o *sums) {
	s.calls += o.calls
	s.overloaded += o.overloaded
	s.cold += o.cold
	s.cpu += o.cpu
	for i := range s.errors {
		s.errors[i] += o.errors[i]
	}
	for i := range s.slow {
		s.slow[i] += o.slow[i]
	}
}

func (s *sums) subtract(o *sums) {
	s.calls -= o.calls
	s.overloaded -= o.overloaded
	s.cold -= o.cold
	s.cpu -= o.cpu
	for i := range s.errors {
		s.errors[i] -= o.errors[i]
	}
	for i := range s.slow {
		s.slow[i] -= o.slow[i]
	}
}

func (s *sums) failed() uint32 {
	var n uint32
	for _, e := range s.errors {
		n += e
	}
	return n
}

// ratio is part over whole, 0 of nothing.
func ratio(part, whole uint32) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// window is a function's last ticks. It exists while the function is called.
type window struct {
	at        int  // the next tick's place
	total     sums // of all ticks
	durations durations
	ticks     [windowTicks]sums
}

// advance makes room for a tick, whose place it returns: the oldest tick goes.
func (w *window) advance() int {
	at := w.at
	w.at = (w.at + 1) % windowTicks
	w.total.subtract(&w.ticks[at])
	w.ticks[at] = sums{}
	w.durations.advance(at)
	return at
}

// last sums the newest n ticks.
func (w *window) last(n int) sums {
	if n >= windowTicks {
		return w.total
	}
	var out sums
	for i := range n {
		out.add(&w.ticks[(w.at-1-i+windowTicks)%windowTicks])
	}
	return out
}

// newest is the last tick.
func (w *window) newest() *sums { return &w.ticks[(w.at-1+windowTicks)%windowTicks] }

// run is how many of the newest ticks, span at most, there are since the first error of
// those that go on until now, with no more than mostGap ticks between two that had calls and none
// of which failed.
func (w *window) run(span, mostGap int) int {
	ticks, gap := 0, 0
	for i := range span {
		s := &w.ticks[(w.at-1-i+windowTicks)%windowTicks]
		if s.failed() > 0 {
			ticks, gap = i+1, 0
		} else if s.calls > 0 {
			gap++
		}
		if gap > mostGap {
			break
		}
	}
	return ticks
}

// handleSeen is what the health loop had counted of a handle by its last tick.
type handleSeen struct {
	calls  uint64
	errors [len(errorCodes)]uint64
	cold   uint64
	cpu    int64
	zero   uint64 // of durations; of others see octave
}

// observe adds to the tick at a place what the handle counted since the last one. The
// caller holds the owner's lock.
func (w *window) observe(h *Handle, at int) {
	s := &w.ticks[at]
	for i := range h.errors {
		n := h.errors[i].Load()
		s.errors[i] += uint32(n - h.seen.errors[i])
		h.seen.errors[i] = n
	}
	column := 0
	for _, o := range *h.slo.Load() {
		if o.threshold == 0 {
			continue
		}
		n := o.bad.Load()
		if column < maxLatencies {
			s.slow[column] += uint32(n - o.seenBad)
		}
		o.seenBad = n
		column++
	}
	calls := h.invocations()
	s.calls += uint32(calls - h.seen.calls)
	h.seen.calls = calls
	cold, cpu := h.cold.Load(), h.cpu.Load()
	s.cold += uint32(cold - h.seen.cold)
	s.cpu += cpu - h.seen.cpu
	h.seen.cold, h.seen.cpu = cold, cpu
	w.durations.observe(h, at)
}

// trend is invocations by spans of trendTicks.
type trend struct {
	spans [trendLength]float64 // invocations a second
	used  int
	calls uint32 // of the span not yet whole
	ticks int
	took  time.Duration
}

// add takes one tick; it reports whether a span became whole.
func (r *trend) add(calls uint32, took time.Duration) bool {
	r.calls += calls
	r.took += took
	r.ticks++
	if r.ticks < trendTicks {
		return false
	}
	copy(r.spans[:], r.spans[1:])
	r.spans[trendLength-1] = float64(r.calls) / max(r.took.Seconds(), 0.001)
	r.used = min(r.used+1, trendLength)
	r.calls, r.ticks, r.took = 0, 0, 0
	return true
}

// values are the whole spans, oldest first.
func (r *trend) values() []float64 {
	return append([]float64(nil), r.spans[trendLength-r.used:]...)
}

// still reports whether the values are those of the tick before, or all zero.
func (r *trend) still() bool { return r.ticks > 0 || r.flat() }

// flat reports whether there is nothing to see, and so will be until there are calls.
func (r *trend) flat() bool { return r.used == trendLength && r.calls == 0 && r.spans == noTrend }
