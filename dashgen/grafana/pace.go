package grafana

import (
	"context"
	"math"
	"sync"
	"time"
)

// bucket paces calls: a second's worth at once after a pause, then at the rate. Where
// the server refuses some as too many, it goes on a little more slowly than the server
// has just served, and finds its way up again: at first by so little that it stays at
// the server's limit, then, if nothing is refused, ever faster.
type bucket struct {
	mu    sync.Mutex
	rate  float64 // calls a second
	most  float64 // the rate that is asked for
	burst time.Duration
	next  time.Time // when the call after those taken may be made, were there no burst

	slowed time.Time // when the server refused last; zero: never
	grown  time.Time // when the rate was raised last
	// Answers since since, and in the time before that: what the server serves.
	since         time.Time
	served        float64
	before        float64
	beforeSeconds float64
}

const (
	slowest    = 1.0                    // calls a second that a server gets at least
	below      = 0.97                   // of what a server served, after it refused some
	carefully  = time.Second            // after a refusal; each second after it doubles the growth
	growth     = 0.05                   // of the rate, a second
	measured   = time.Second            // of answers in one of the two times …
	fewAnswers = 10                     // … or longer, until there are so many …
	longest    = 5 * time.Second        // … but no longer than this
	leastKnown = 100 * time.Millisecond // of answers, to say how many a second they are
)

func newBucket(rate float64) *bucket { return &bucket{rate: rate, most: rate, burst: time.Second} }

// refused slows down. Calls that were under way when the server refused before tell
// nothing new: a volley of refusals is one.
func (b *bucket) refused(began time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if began.Before(b.slowed) {
		return
	}
	now := time.Now()
	b.turn(now)
	rate := b.rate / 2
	if seconds := now.Sub(b.since).Seconds() + b.beforeSeconds; seconds >= leastKnown.Seconds() {
		rate = min(max(rate, below*(b.served+b.before)/seconds), below*b.rate)
	}
	b.rate = min(max(rate, slowest), b.most)
	b.slowed, b.grown, b.burst = now, now, 0
	b.next = now // those who wait will wait anew
}

// turn begins to count answers anew after a while. The caller holds mu.
func (b *bucket) turn(now time.Time) {
	passed := now.Sub(b.since)
	if passed < measured || b.served < fewAnswers && passed < longest {
		return
	}
	b.before, b.beforeSeconds = b.served, passed.Seconds()
	if passed > 2*longest { // in which nothing was asked, most of the time
		b.before, b.beforeSeconds = 0, 0
	}
	b.served, b.since = 0, now
}

// answered counts an answer and, after a refusal, speeds up.
func (b *bucket) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.turn(now)
	b.served++
	if b.rate == b.most {
		return
	}
	by := growth
	if calm := now.Sub(b.slowed) - carefully; calm > 0 {
		by = min(1, growth*math.Exp2(calm.Seconds()))
	}
	// However long nothing was asked: one answer doubles it at most.
	b.rate = min(b.most, b.rate*(1+by*min(1, now.Sub(b.grown).Seconds())))
	b.grown = now
	if b.rate == b.most {
		b.burst = time.Second
	}
}

// take waits until the next call may be made. Who waits when the server refuses waits
// anew, at the rate of after that.
func (b *bucket) take(ctx context.Context) error {
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		b.mu.Lock()
		now := time.Now()
		if oldest := now.Add(-b.burst); b.next.Before(oldest) {
			b.next = oldest
		}
		b.next = b.next.Add(time.Duration(float64(time.Second) / b.rate))
		wait, slowed := b.next.Sub(now), b.slowed
		b.mu.Unlock()
		if wait <= 0 {
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		b.mu.Lock()
		valid := slowed.Equal(b.slowed)
		b.mu.Unlock()
		if valid {
			return nil
		}
	}
}
