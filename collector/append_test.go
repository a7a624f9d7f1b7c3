package collector_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func tick(n int) {
	time.Sleep(time.Duration(n) * time.Second)
	synctest.Wait()
}

func ended(samples []metric.Sample) bool {
	return len(samples) > 0 && metric.IsStale(samples[len(samples)-1].V)
}

func TestDeletedFunctionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		c.Apply(registered(hello, 1, time.Now()))
		h := c.Handle(version(1))
		call(h, invocation.OK, time.Millisecond)
		tick(2)
		call(h, invocation.HTTP5xx, time.Millisecond)
		c.Refused(hello, invocation.Forbidden)
		c.Remove(hello)
		c.Remove(hello)
		// The same name again, at once: series that carry no version go on behind the marker.
		c.Apply(registered(hello, 2, time.Now()))
		call(c.Handle(version(2)), invocation.OK, time.Millisecond)
		synctest.Wait()
		for _, name := range []string{metric.Invocations, metric.Errors, metric.Duration, metric.InFlight} {
			if got := store.of(name, metric.Version, "1"); !ended(got) {
				t.Errorf("%s of version 1 goes on: %v", name, values(got))
			}
		}
		if got := values(store.of(metric.Errors, metric.Version, "1")); len(got) != 3 || got[0] != 0 || got[1] != 1 {
			t.Errorf("the last counts of a deleted function: %v", got)
		}
		if got := store.of(metric.Objective, metric.SLO, "availability"); ended(got) || !slices.ContainsFunc(got, func(s metric.Sample) bool { return metric.IsStale(s.V) }) {
			t.Errorf("the objective of the function made anew: %v", values(got))
		}
		tick(2)
		if got := values(store.of(metric.Invocations, metric.Version, "2")); got[0] != 0 || got[len(got)-1] != 1 {
			t.Errorf("invocations of version 2: %v", got)
		}
		call(h, invocation.OK, time.Millisecond) // one that was in flight when the function went
		tick(2)
		if got := store.of(metric.Invocations, metric.Version, "1"); !ended(got) {
			t.Error("a late call brought a deleted function back")
		}
	})
}

func TestVersionWithoutAliasEndsAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		f := registered(hello, 1, time.Now())
		c.Apply(f)
		old := c.Handle(version(1))
		call(old, invocation.OK, time.Millisecond)
		tick(1)
		f = registered(hello, 2, time.Now())
		c.Apply(f)
		synctest.Wait()
		if got := store.of(metric.Info, metric.Version, "1"); !ended(got) {
			t.Errorf("version 1 is still said to be live: %v", values(got))
		}
		time.Sleep(50 * time.Minute)
		call(old, invocation.OK, time.Millisecond)
		time.Sleep(50 * time.Minute)
		synctest.Wait()
		if got := store.of(metric.Invocations, metric.Version, "1"); ended(got) {
			t.Error("version 1 ended 50 minutes after a call")
		}
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		got := store.of(metric.Invocations, metric.Version, "1")
		if !ended(got) || got[len(got)-2].V != 2 {
			t.Errorf("version 1 goes on after an hour: %d samples", len(got))
		}
		before := len(got)
		call(old, invocation.OK, time.Millisecond)
		if again := c.Handle(version(1)); again != old {
			t.Error("one version has two handles")
		}
		tick(2)
		if got := values(store.of(metric.Invocations, metric.Version, "1")[before:]); len(got) < 2 || got[0] != 0 || got[1] != 1 {
			t.Errorf("a version that woke begins with %v", got)
		}
		health, _ := c.Health(hello)
		if health.Rate*60 > 1.01 || health.Rate*60 < 0.99 {
			t.Errorf("one call in a minute is a rate of %g", health.Rate)
		}
	})
}

func TestStoreOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		store.setFail(errors.New("disk full"))
		c.Apply(registered(hello, 1, time.Now()))
		c.Apply(registered("acme/web/gone", 1, time.Now()))
		h := c.Handle(version(1))
		call(h, invocation.FunctionError, time.Millisecond)
		c.Remove("acme/web/gone")
		tick(20)
		store.setFail(nil)
		tick(40)
		if got := values(store.of(metric.Invocations, metric.Function, "hello")); len(got) < 2 || got[len(got)-1] != 1 {
			t.Errorf("after the outage: %v", got)
		}
		if got := values(store.of(metric.Errors)); len(got) < 2 || got[len(got)-1] != 1 {
			t.Errorf("errors after the outage: %v", got)
		}
	})
}

func TestObjectivesFollowTheSpec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		f := registered(hello, 1, time.Now())
		c.Apply(f)
		h := c.Handle(version(1))
		slow := func(took time.Duration) {
			h.Begin()
			h.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: invocation.ClientClosed, Duration: took})
		}
		slow(400 * time.Millisecond)
		f.Spec.SLO = function.SLO{Availability: 99, Window: f.Spec.SLO.Window, Latency: []function.Latency{
			{Quantile: 0.99, Threshold: function.Duration(500 * time.Millisecond)},
			{Quantile: 0.5, Threshold: function.Duration(100 * time.Millisecond)},
		}}
		c.Apply(f)
		slow(400 * time.Millisecond)
		tick(1)
		for slo, want := range map[string][2]float64{"availability": {2, 0}, "latency-p99": {2, 1}, "latency-p50": {1, 1}} {
			events, bad := values(store.of(metric.Events, metric.SLO, slo)), values(store.of(metric.BadEvents, metric.SLO, slo))
			if got := [2]float64{events[len(events)-1], bad[len(bad)-1]}; got != want {
				t.Errorf("%s: %v events and bad ones, want %v", slo, got, want)
			}
		}
		f.Spec.SLO.Latency = nil
		c.Apply(f)
		tick(1)
		for _, name := range []string{metric.Events, metric.BadEvents, metric.Objective, metric.Threshold} {
			if got := store.of(name, metric.SLO, "latency-p99"); !ended(got) {
				t.Errorf("%s of an objective that is gone goes on: %v", name, values(got))
			}
		}
	})
}

func TestManyVersionsOfOneFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		c.Apply(registered(hello, 1, time.Now()))
		for n := 1; n <= 400; n++ {
			call(c.Handle(version(n)), invocation.OK, time.Millisecond)
			time.Sleep(time.Millisecond)
		}
		tick(2)
		living := 0
		store.mu.Lock()
		for _, samples := range store.series {
			if samples[0].Series.Labels.Get(metric.Name) == metric.Invocations && !ended(samples) {
				living++
			}
		}
		store.mu.Unlock()
		if living != 101 {
			t.Errorf("%d versions have living series", living)
		}
		if got := store.of(metric.Invocations, metric.Version, "1"); ended(got) {
			t.Error("the live version ended")
		}
	})
}

// TestDeploymentsCountMovesOfLive: a deployment, a step of one and a rollback count for the
// version that gains, once each and from zero; what else is applied, a start and a look at a
// function that was there before count nothing; an hour later the series ends.
func TestDeploymentsCountMovesOfLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		there := registered(hello, 1, time.Now().Add(-time.Hour))
		c := start(t, store)
		split := func(weights ...function.Weight) {
			f := registered(hello, 1, there.CreatedAt)
			f.Aliases = []function.Alias{{Name: function.Live, Weights: weights}}
			c.Apply(f)
			tick(1)
		}
		whole := func(version int) { split(function.Weight{Version: version, Weight: 1}) }
		whole(1) // as the process finds it
		tick(2)
		if got := store.of(metric.Deployments); len(got) > 0 {
			t.Errorf("a start is said to be a deployment: %v", values(got))
		}
		split(function.Weight{Version: 1, Weight: 9}, function.Weight{Version: 2, Weight: 1})
		whole(2)
		whole(2) // no move: something else of the function changed
		whole(1)
		for version, want := range map[string]float64{"1": 1, "2": 2} {
			got := values(store.of(metric.Deployments, metric.Function, "hello", metric.Version, version))
			if len(got) < 2 || got[0] != 0 || got[1] != 1 || got[len(got)-1] != want {
				t.Errorf("deployments of version %s: %v", version, got)
			}
		}
		const fresh function.Name = "shop/checkout/fresh"
		c.Apply(registered(fresh, 1, time.Now()))
		tick(1)
		if got := values(store.of(metric.Deployments, metric.Function, "fresh")); len(got) < 2 || got[0] != 0 || got[len(got)-1] != 1 {
			t.Errorf("deployments of a function that was just made: %v", got)
		}
		time.Sleep(time.Hour + 2*time.Minute)
		synctest.Wait()
		if got := store.of(metric.Deployments, metric.Function, "hello", metric.Version, "1"); !ended(got) {
			t.Errorf("an hour later it is still told: %v", values(got))
		}
		for version := range 20 {
			whole(version + 10)
		}
		going := 0
		for version := range 20 {
			if !ended(store.of(metric.Deployments, metric.Function, "hello", metric.Version, strconv.Itoa(version+10))) {
				going++
			}
		}
		if going > 8 {
			t.Errorf("%d versions are counted at once", going)
		}
	})
}
