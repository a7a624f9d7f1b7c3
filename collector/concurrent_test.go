package collector_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// TestNothingIsLost counts from many goroutines while functions come, change and
// go, health and samples are made and metrics are scraped; what stays is whole.
func TestNothingIsLost(t *testing.T) {
	store := newMemory(t)
	reg := prometheus.NewRegistry()
	c, err := collector.New(collector.Config{Store: store, Node: "test", Interval: 100 * time.Millisecond, Step: 100 * time.Millisecond, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err == nil {
		t.Error("a second Start was taken")
	}
	c.Apply(registered(hello, 1, time.Now()))
	ticks, cancel := c.Subscribe()
	defer cancel()
	const callers, each = 8, 5_000
	var calls, rest sync.WaitGroup
	done := make(chan struct{})
	for i := range callers {
		calls.Go(func() {
			h := c.Handle(version(1 + i%2))
			for n := range each {
				code := invocation.OK
				if n%100 == 0 {
					code = invocation.FunctionError
				}
				call(h, code, time.Duration(n)*time.Microsecond)
			}
		})
	}
	for i := range 2 {
		rest.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				case <-ticks:
				default:
				}
				name := function.Name(fmt.Sprintf("acme/web/f%d", n%3))
				f := registered(name, 1+n, time.Now())
				f.Spec.SLO.Availability = 90 + float64(n%9)
				c.Apply(f)
				call(c.Handle(f.Versions[0]), invocation.OK, time.Millisecond)
				c.Apply(registered(hello, 1, time.Now()))
				if n%2 == i {
					c.Remove(name)
				}
				c.Healths()
				c.Errors(hello)
				c.Collect(discardMetrics())
			}
		})
	}
	calls.Wait()
	close(done)
	rest.Wait()
	if err := c.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
	for v := 1; v <= 2; v++ {
		for name, want := range map[string]float64{metric.Invocations: callers / 2 * each, metric.Errors: callers / 2 * each / 100, metric.InFlight: 0} {
			got := values(store.of(name, metric.Function, "hello", metric.Version, fmt.Sprint(v)))
			if got[len(got)-1] != want {
				t.Errorf("%s of version %d ended at %v, want %v", name, v, got[len(got)-1], want)
			}
		}
	}
	if groups := c.Errors(hello); len(groups) != 1 || groups[0].Count != callers*each/100 {
		t.Errorf("errors: %+v", groups)
	}
}

func discardMetrics() chan<- prometheus.Metric {
	return make(chan prometheus.Metric, 10_000)
}

func TestLongFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newMemory(t))
		c.Apply(registered(hello, 1, time.Now()))
		h := c.Handle(version(1))
		h.Begin()
		tick(3)
		if health, _ := c.Health(hello); health.State != collector.Healthy || health.InFlight != 1 {
			t.Errorf("with a call in flight: %+v", health)
		}
		h.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: invocation.OK, Duration: 3 * time.Second})
		tick(70)
		if health, _ := c.Health(hello); health.State != collector.Idle || health.InFlight != 0 {
			t.Errorf("a minute later: %+v", health)
		}
	})
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	for name, cfg := range map[string]collector.Config{
		"store":    {Node: "n"},
		"node":     {Store: discard{}},
		"interval": {Store: discard{}, Node: "n", Interval: time.Millisecond},
		"step":     {Store: discard{}, Node: "n", Step: time.Hour},
	} {
		if _, err := collector.New(cfg); err == nil {
			t.Errorf("%s: nothing was said", name)
		}
	}
}
