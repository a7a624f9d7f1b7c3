package collector_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

type discard struct{}

func (discard) Append(context.Context, []metric.Sample) error { return nil }

func (discard) AppendRollups(context.Context, []metric.Sample) error { return nil }

func (discard) Bounds() (oldest, newest time.Time) { return oldest, newest }

func (discard) QueryDistributions(context.Context, string, time.Time) ([]metric.Distribution, error) {
	return nil, nil
}

func (discard) RollupBounds() (oldest, newest time.Time) { return oldest, newest }

func (discard) Query(context.Context, string, time.Time) ([]metric.Point, error) { return nil, nil }

func newCollector(b *testing.B) *collector.Collector {
	b.Helper()
	c, err := collector.New(collector.Config{Store: discard{}, Node: "test"})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

var outcome = invocation.Outcome{
	Code: invocation.OK, Status: 200, Duration: 1200 * time.Microsecond, CPU: 300 * time.Microsecond, Queue: time.Microsecond,
	TraceID: "0af7651916cd43dd8448eb211c80319c", Traced: true, RequestID: "r1",
}

// BenchmarkRecorder is what an invocation pays to be counted.
func BenchmarkRecorder(b *testing.B) {
	c := newCollector(b)
	c.Apply(registered(hello, 1, time.Now()))
	h := c.Handle(version(1))
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.Begin()
			h.Observe(invocation.TriggerHTTP, outcome)
		}
	})
	b.Run("all cores on one function", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				h.Begin()
				h.Observe(invocation.TriggerHTTP, outcome)
			}
		})
	})
	b.Run("an error with a stack", func(b *testing.B) {
		b.ReportAllocs()
		failed := outcome
		failed.Code = invocation.FunctionError
		failed.Failure = &invocation.Failure{Name: "TypeError", Message: "x is undefined", Stack: []invocation.Frame{
			{Function: "load", File: "src/load.ts", Line: 12, Column: 3}, {Function: "fetch", File: "src/index.ts", Line: 4, Column: 9},
		}}
		for b.Loop() {
			h.Begin()
			h.Observe(invocation.TriggerHTTP, failed)
		}
	})
}

func many(b *testing.B, n int) (*collector.Collector, []*collector.Handle) {
	b.Helper()
	c := newCollector(b)
	handles := make([]*collector.Handle, n)
	for i := range handles {
		name := function.Name(fmt.Sprintf("team%d/web/fn%d", i%100, i))
		c.Apply(registered(name, 1, time.Now()))
		handles[i] = c.Handle(function.Version{ID: function.ID{Name: name, Version: 1}})
	}
	return c, handles
}

// BenchmarkHealth is one tick of health over 10,000 functions, a share of which is called
// each second: now once, now three times, and never as long as before, so that what is shown of them
// always changes. At a tick a second, 100 ms of cpu-ns/op would be a tenth of a core; it is
// the process's processor time, and so the same on a machine that does something else.
func BenchmarkHealth(b *testing.B) {
	for _, share := range []int{0, 10, 100} {
		b.Run(fmt.Sprintf("10000 functions, %d%% called", share), func(b *testing.B) {
			c, handles := many(b, 10_000)
			tick := 0
			observe := func() {
				tick++
				for i, h := range handles[:len(handles)*share/100] {
					o := outcome
					o.Duration = time.Duration((i+7*tick)%50) * time.Millisecond
					for range 1 + (i+tick)%3*(tick%2) {
						h.Begin()
						h.Observe(invocation.TriggerHTTP, o)
					}
				}
			}
			for range 61 {
				observe()
				c.Compute(time.Second)
			}
			used := time.Duration(0)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				observe()
				before := processorTime()
				b.StartTimer()
				c.Compute(time.Second)
				used += processorTime() - before
			}
			b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkAppend is one pass over 10,000 called functions, without the store.
func BenchmarkAppend(b *testing.B) {
	c, handles := many(b, 10_000)
	for _, h := range handles {
		h.Begin()
		h.Observe(invocation.TriggerHTTP, outcome)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.AppendAll(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
