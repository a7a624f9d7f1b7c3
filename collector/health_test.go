package collector_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// traffic calls h evenly for a while, ending every call with code, and looks at
// the health after each second. It returns how long a state took to come, or fails.
func traffic(t *testing.T, c *collector.Collector, h *collector.Handle, perSecond int, code invocation.Code, want collector.State, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	for time.Since(began) < within {
		for range perSecond {
			call(h, code, 5*time.Millisecond)
			time.Sleep(time.Second / time.Duration(perSecond))
		}
		synctest.Wait()
		if health, _ := c.Health(h.Name()); health.State == want {
			return time.Since(began)
		}
	}
	health, _ := c.Health(h.Name())
	t.Fatalf("after %s with %d calls a second it is %s (%s), want %s", within, perSecond, health.State, health.Reason, want)
	return 0
}

func TestFailingAndBack(t *testing.T) {
	for _, perSecond := range []int{2, 20, 200} {
		t.Run(fmt.Sprintf("%d a second", perSecond), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, newMemory(t))
				c.Apply(registered(hello, 7, time.Now()))
				h := c.Handle(function.Version{ID: function.ID{Name: hello, Version: 7}})
				traffic(t, c, h, perSecond, invocation.OK, collector.Healthy, 3*time.Second)
				for range 60 {
					traffic(t, c, h, perSecond, invocation.OK, collector.Healthy, time.Second)
				}
				traffic(t, c, h, perSecond, invocation.FunctionError, collector.Failing, 4*time.Second)
				health, _ := c.Health(hello)
				if !strings.Contains(health.Reason, "errors since") || !strings.Contains(health.Reason, "after @7 went live") || !strings.Contains(health.Reason, "function_error") {
					t.Errorf("reason: %s", health.Reason)
				}
				if took := time.Since(health.Since); took < time.Second || took > 5*time.Second {
					t.Errorf("failing since %s ago", took)
				}
				if took := traffic(t, c, h, perSecond, invocation.OK, collector.Healthy, 15*time.Second); took < 5*time.Second {
					t.Errorf("healthy again after %s: too soon", took)
				}
				for range 90 { // what was before does not come back
					traffic(t, c, h, perSecond, invocation.OK, collector.Healthy, time.Second)
				}
			})
		})
	}
}

func TestRareCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newMemory(t))
		c.Apply(registered(hello, 1, time.Now()))
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if health, ok := c.Health(hello); !ok || health.State != collector.Idle || health.ErrorRatio != nil || health.P99 != nil {
			t.Errorf("before the first call: %+v", health)
		}
		h := c.Handle(function.Version{ID: function.ID{Name: hello, Version: 1}})
		states := func(code invocation.Code, n int) collector.State {
			for range n {
				call(h, code, time.Millisecond)
				time.Sleep(10 * time.Second)
			}
			synctest.Wait()
			health, _ := c.Health(hello)
			return health.State
		}
		if got := states(invocation.FunctionError, 2); got != collector.Healthy {
			t.Errorf("two errors make it %s", got)
		}
		if got := states(invocation.FunctionError, 2); got != collector.Failing {
			t.Errorf("four errors of four make it %s", got)
		}
		if got := states(invocation.OK, 3); got != collector.Healthy {
			t.Errorf("three good calls make it %s", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if health, _ := c.Health(hello); health.State != collector.Idle || health.Rate != 0 || !strings.Contains(health.Reason, "No call since") {
			t.Errorf("a minute later: %+v", health)
		}
	})
}

func TestDegraded(t *testing.T) {
	for name, bad := range map[string]invocation.Outcome{
		"errors": {Code: invocation.HTTP5xx, Status: 503, Duration: time.Millisecond},
		"slow":   {Code: invocation.OK, Duration: 400 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, newMemory(t))
				c.Apply(registered(hello, 1, time.Now().Add(-time.Hour)))
				h := c.Handle(function.Version{ID: function.ID{Name: hello, Version: 1}})
				for i := range 400 {
					h.Begin()
					if i%20 == 19 {
						h.Observe(invocation.TriggerHTTP, bad)
					} else {
						h.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: invocation.OK, Duration: time.Millisecond})
					}
					time.Sleep(100 * time.Millisecond)
				}
				synctest.Wait()
				health, _ := c.Health(hello)
				if health.State != collector.Degraded || !strings.HasPrefix(health.Reason, "5 % ") || strings.Contains(health.Reason, "went live") {
					t.Errorf("with one of twenty bad it is %s: %s", health.State, health.Reason)
				}
				t.Log(health.Reason)
				traffic(t, c, h, 10, invocation.OK, collector.Healthy, 35*time.Second)
				health, _ = c.Health(hello)
				t.Log(health.Reason)
			})
		})
	}
}

func TestRefusalsDegrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		c.Apply(registered(hello, 1, time.Now()))
		h := c.Handle(function.Version{ID: function.ID{Name: hello, Version: 1}})
		for range 20 {
			call(h, invocation.OK, time.Millisecond)
			c.Refused(hello, invocation.FunctionOverloaded)
			c.Refused("no/such/function", invocation.FunctionNotFound)
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		health, _ := c.Health(hello)
		if health.State != collector.Degraded || !strings.Contains(health.Reason, "the limit is 64 at once") {
			t.Errorf("%s: %s", health.State, health.Reason)
		}
		if got := values(store.of(metric.Refused)); len(got) < 2 || got[0] != 0 || got[len(got)-1] != 20 {
			t.Errorf("refused: %v", got)
		}
		if _, ok := c.Health("no/such/function"); ok {
			t.Error("a name that no function has got health")
		}
	})
}

// TestHealthAgreesWithCounts draws random traffic and holds each tick's figures to
// a plain recount of the last minute.
func TestHealthAgreesWithCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type event struct {
			tick   int
			failed bool
			took   time.Duration
		}
		var events []event
		synctest.Test(t, func(t *testing.T) {
			c, err := collector.New(collector.Config{Store: newMemory(t), Node: "test"})
			if err != nil {
				t.Fatal(err)
			}
			c.Apply(registered(hello, 1, time.Now()))
			versions := []*collector.Handle{c.Handle(version(1)), c.Handle(version(2))}
			inFlight := 0
			ticks := rapid.IntRange(1, 150).Draw(rt, "ticks")
			for tick := range ticks {
				for range rapid.IntRange(0, 5).Draw(rt, "calls") {
					e := event{tick, rapid.Bool().Draw(rt, "failed"), time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(rt, "took"))}
					h := versions[rapid.IntRange(0, 1).Draw(rt, "version")]
					code := invocation.OK
					if e.failed {
						code = invocation.HTTP5xx
					}
					call(h, code, e.took)
					events = append(events, e)
				}
				if rapid.IntRange(0, 9).Draw(rt, "begin") == 0 {
					versions[0].Begin()
					inFlight++
				}
				c.Compute(time.Second)
				var window []event
				for _, e := range events {
					if e.tick > tick-60 {
						window = append(window, e)
					}
				}
				failed := 0
				for _, e := range window {
					if e.failed {
						failed++
					}
				}
				health, ok := c.Health(hello)
				if !ok {
					rt.Fatalf("tick %d: no health", tick)
				}
				covered := float64(min(tick+1, 60))
				if got := health.Rate * covered; math.Abs(got-float64(len(window))) > 1e-6 {
					rt.Fatalf("tick %d: rate %g over %g s, but %d calls", tick, health.Rate, covered, len(window))
				}
				if health.InFlight != inFlight {
					rt.Fatalf("tick %d: %d in flight, not %d", tick, health.InFlight, inFlight)
				}
				if (len(window) == 0) != (health.ErrorRatio == nil) || (len(window) == 0) != (health.P99 == nil) {
					rt.Fatalf("tick %d: %d calls, health %+v", tick, len(window), health)
				}
				if len(window) == 0 {
					continue
				}
				if want := float64(failed) / float64(len(window)); *health.ErrorRatio != want {
					rt.Fatalf("tick %d: error ratio %g, not %g", tick, *health.ErrorRatio, want)
				}
				for q, got := range map[float64]float64{0.5: *health.P50, 0.95: *health.P95, 0.99: *health.P99} {
					below, upTo := 0, 0
					for _, e := range window {
						if e.took.Seconds() < got/1.0906 && got > 1e-6 { // what is shorter is one bucket
							below++
						}
						if e.took.Seconds() <= got*1.0906+1e-6 {
							upTo++
						}
					}
					rank := q * float64(len(window))
					if float64(below) > rank || float64(upTo) < rank {
						rt.Fatalf("tick %d: the %g quantile %g has %d below and %d up to it of %d", tick, q, got, below, upTo, len(window))
					}
				}
			}
		})
	})
}

func version(n int) function.Version {
	return function.Version{ID: function.ID{Name: hello, Version: n}, Manifest: function.DefaultManifest()}
}

func TestSubscribersAndTrend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newMemory(t))
		ticks, cancel := c.Subscribe()
		c.Apply(registered("acme/web/b", 1, time.Now()))
		c.Apply(registered("acme/web/a", 1, time.Now()))
		h := c.Handle(function.Version{ID: function.ID{Name: "acme/web/a", Version: 1}})
		for range 6 {
			for range 4 {
				call(h, invocation.OK, time.Millisecond)
			}
			<-ticks
		}
		healths := c.Healths()
		if len(healths) != 2 || healths[0].Function != "acme/web/a" || healths[1].Function != "acme/web/b" {
			t.Fatalf("healths: %+v", healths)
		}
		if a := healths[0]; len(a.Trend) != 1 || a.Trend[0] != 4 || a.Rate != 4 || a.BudgetLeft == nil || *a.BudgetLeft != 1 {
			t.Errorf("a: %+v", a)
		}
		if v := healths[0].Versions; len(v) != 1 || v[0] != (collector.VersionShare{Version: 1, Share: 1}) {
			t.Errorf("versions: %v", v)
		}
		changed := healths[1].Changed
		<-ticks
		if b, _ := c.Health("acme/web/b"); b.Changed != changed || !b.UpdatedAt.After(healths[1].UpdatedAt) {
			t.Errorf("an idle function changed: %+v", b)
		}
		c.Remove("acme/web/b")
		<-ticks
		if got := c.Healths(); len(got) != 1 {
			t.Errorf("after removal: %+v", got)
		}
		if _, ok := c.Health("acme/web/b"); ok {
			t.Error("a removed function has health")
		}
		cancel()
	})
}
