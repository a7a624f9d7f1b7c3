package worker

import (
	"errors"
	"math"
	"runtime"
	"testing"
	"time"
)

// Many cheap calls run on one processor; few, dear or very many ones on all.
func TestCheapCallsNeedOneProcessor(t *testing.T) {
	type phase struct {
		calls float64 // a second
		each  time.Duration
		one   bool // at its end
	}
	for name, phases := range map[string][]phase{
		"few":                          {{100, 20 * time.Microsecond, false}},
		"many":                         {{5000, 20 * time.Microsecond, true}},
		"many, then none":              {{5000, 20 * time.Microsecond, true}, {0, 0, false}},
		"many, then fewer":             {{5000, 20 * time.Microsecond, true}, {500, 20 * time.Microsecond, true}},
		"more than a processor":        {{60_000, 20 * time.Microsecond, false}},
		"a processor full after a lot": {{20_000, 20 * time.Microsecond, true}, {40_000, 20 * time.Microsecond, false}},
		"dear":                         {{1100, time.Millisecond, false}},
		"dear beside cheap":            {{5000, 20 * time.Microsecond, true}, {400, 1500 * time.Microsecond, false}},
	} {
		t.Run(name, func(t *testing.T) {
			p := procs{many: manyCalls, cheap: cheapCall}
			now, calls, busy := time.Unix(0, 0), 0.0, 0.0
			keep := math.Exp(-float64(fairTick) / float64(usageSpan))
			for i, ph := range phases {
				changes := 0
				for range 200 {
					now = now.Add(fairTick)
					calls += ph.calls * fairTick.Seconds()
					busy = keep*busy + (1-keep)*ph.calls*ph.each.Seconds()
					if p.take(uint64(calls), busy, now, fairTick, keep) {
						changes++
					}
				}
				if p.one != ph.one || changes > 1 {
					t.Errorf("phase %d: one processor %t after %d changes", i, p.one, changes)
				}
			}
		})
	}
}

// A worker with many cheap calls is told so, and goes on answering.
func TestManyCheapCallsShareAProcessor(t *testing.T) {
	if !sharesCPU {
		t.Skip("this system does not tell what workers compute")
	}
	f := newFixture(t, func(c *Config) { c.fair.many, c.fair.cheap = 5, time.Second })
	id := f.add("a/p/f", 1, handler(`return new Response("1")`))
	f.ok(get(id, "/"))
	eventually(t, "one processor is enough", func() bool {
		f.ok(get(id, "/"))
		return f.Status().Single == 1
	})
	f.ok(get(id, "/"))
	eventually(t, "it has all again once nothing runs", func() bool { return f.Status().Single == 0 })
	f.ok(get(id, "/"))
}

func TestAWorkerTakesItsProcessors(t *testing.T) {
	defer runtime.SetDefaultGOMAXPROCS()
	all := runtime.GOMAXPROCS(0)
	c := &child{}
	for n, want := range map[uint32]int{1: 1, 0: all} {
		if err := c.takeProcs(n); err != nil || runtime.GOMAXPROCS(0) != want {
			t.Errorf("PROCS %d: %v, and there are %d", n, err, runtime.GOMAXPROCS(0))
		}
	}
	if err := c.takeProcs(7); !errors.Is(err, errFrame) {
		t.Error(err)
	}
}
