package worker

import (
	"fmt"
	"runtime"
	"time"
)

// procs is how many processors' worth of goroutines a worker runs at once. With more
// than one, Go's scheduler wakes a thread whenever something can run, which looks for
// work, finds it or not, and sleeps again. Where thousands of calls a second take
// microseconds each, that is up to a tenth of the processor time.
// So a worker that has many and cheap calls, and does not fill a processor with them,
// runs them on one, and on all again as soon as that is not so. Few calls, or calls that
// compute for long, never wait for each other for that.
type procs struct {
	began uint64    // calls, at the last look
	rate  float64   // calls a second, over about usageSpan
	since time.Time // since when one is enough; zero: it is not
	one   bool

	many  float64       // calls a second
	cheap time.Duration // of a call, at most
}

// When one processor is enough, and when no more.
const (
	manyCalls = 1000                   // a second; under a third of it there is nothing to win
	cheapCall = 500 * time.Microsecond // what others wait for it on the same processor
	oneEnough = 0.50                   // of a processor
	oneTight  = 0.70
	oneAfter  = 100 * time.Millisecond
)

// take adds the calls that began since the last look, of a worker that computes so many
// processors, and reports whether its number of processors is to change.
func (p *procs) take(began uint64, busy float64, now time.Time, span time.Duration, keep float64) bool {
	p.rate = keep*p.rate + (1-keep)*float64(began-p.began)/span.Seconds()
	p.began = began
	cheap := busy < p.rate*p.cheap.Seconds()
	since(&p.since, now, p.rate >= p.many && busy < oneEnough && cheap)
	one := p.one && p.rate >= p.many/3 && busy < oneTight && cheap ||
		!p.since.IsZero() && now.Sub(p.since) >= oneAfter
	changed := one != p.one
	p.one = one
	return changed
}

// begun is how many calls the worker was ever given.
func (w *process) begun() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.began
}

// assign tells a worker on how many processors to run from now on: one, or all.
func (w *process) assign(one bool) {
	n := 0
	if one {
		n = 1
	}
	w.out.send(kindProcs, uint32(n), nil)
}

// takeProcs takes PROCS.
func (c *child) takeProcs(n uint32) error {
	switch n {
	case 0:
		runtime.SetDefaultGOMAXPROCS()
	case 1:
		runtime.GOMAXPROCS(1)
	default:
		return fmt.Errorf("%w: PROCS of %d", errFrame, n)
	}
	return nil
}
