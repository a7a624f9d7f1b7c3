package gateway

import (
	"testing"
	"time"
)

// Admission alone, by many goroutines at once.
func BenchmarkTake(b *testing.B) {
	var s share
	s.set(Quota{Requests: 1_000_000_000, Concurrency: 1_000_000})
	began := time.Now()
	clock := func() int64 { return int64(time.Since(began)) }
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if s.enter() {
				s.take(clock)
				s.inFlight.Add(-1)
			}
		}
	})
}

func TestBucketsFillWithTime(t *testing.T) {
	var s share
	s.set(Quota{Requests: 10})
	now := int64(time.Hour)
	clock := func() int64 { return now }
	spend := func() (n int) {
		for s.take(clock) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		pass time.Duration
		want int
	}{{0, 10}, {0, 0}, {99 * time.Millisecond, 0}, {time.Millisecond, 1}, {500 * time.Millisecond, 5}, {time.Hour, 10}} {
		now += int64(step.pass)
		if got := spend(); got != step.want {
			t.Errorf("after %s more: %d, want %d", step.pass, got, step.want)
		}
	}
}
