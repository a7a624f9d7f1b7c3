package alerting

import (
	"math/rand/v2"
	"time"
)

// backoff doubles with each attempt from least to most, less up to half of it, so
// that what failed together does not come back together.
func backoff(least, most time.Duration, attempts int) time.Duration {
	d := least
	for range attempts - 1 {
		if d >= most/2 {
			d = most
			break
		}
		d *= 2
	}
	return d - time.Duration(rand.Float64()*0.5*float64(d))
}

// bucket holds the events that a routing key may still send: a tenth of a minute's
// worth at once, the rest evenly, so that no minute has more than allowed.
type bucket struct {
	tokens, most float64
	rate         float64 // a second
	at           time.Time
}

func (d *Deliverer) bucket(key string, now time.Time) *bucket {
	b := d.buckets[key]
	if b == nil {
		most := max(1, float64(d.cfg.PerMinute)/10)
		b = &bucket{tokens: most, most: most, rate: max(0.5, float64(d.cfg.PerMinute)-most) / 60, at: now}
		d.buckets[key] = b
	}
	return b
}

// take takes a token, or returns how long it is until there is one.
func (b *bucket) take(now time.Time) time.Duration {
	b.refill(now)
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return time.Duration((1-b.tokens)/b.rate*float64(time.Second)) + time.Millisecond
}

func (b *bucket) refill(now time.Time) {
	b.tokens = min(b.most, b.tokens+max(0, now.Sub(b.at).Seconds())*b.rate)
	b.at = now
}

// forget drops buckets that are full again: they are as new ones, and rests that are over.
func (d *Deliverer) forget(now time.Time) {
	for lane, rest := range d.held {
		if !rest.After(now) {
			delete(d.held, lane)
		}
	}
	for key, b := range d.buckets {
		if b.refill(now); b.tokens >= b.most {
			delete(d.buckets, key)
		}
	}
}
