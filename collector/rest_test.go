package collector_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// crowd is as many functions as a node has before those rest that nobody calls.
const crowd = 10

func nameOf(i int) function.Name { return function.Name(fmt.Sprintf("acme/web/fn-%d", i)) }

// A crowded node keeps no series of functions from before its start until they are
// called; their counts then begin at 0.
func TestUncalledFunctionsOfACrowdedNodeRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c, err := collector.New(collector.Config{Store: store, Node: "test", Interval: time.Second, Step: time.Second, Crowd: crowd})
		if err != nil {
			t.Fatal(err)
		}
		before := time.Now().Add(-time.Hour)
		for i := range crowd + 1 {
			c.Apply(registered(nameOf(i), 1, before))
		}
		handle := c.Handle(function.Version{ID: function.ID{Name: nameOf(7), Version: 1}, Manifest: function.DefaultManifest()})
		if err := c.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Stop(context.Background()) }()
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		if n := store.count(); n != 0 {
			t.Fatalf("%d series of functions that nobody called", n)
		}
		if h, ok := c.Health(nameOf(7)); !ok || h.State != collector.Idle {
			t.Errorf("health at rest: %+v", h)
		}
		handle.Begin()
		handle.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: invocation.OK, Duration: time.Millisecond})
		c.Apply(registered(hello, 1, time.Now())) // a new one has its zeros at once
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		calls := store.of(metric.Invocations, metric.Function, "fn-7", metric.Trigger, "http")
		if len(calls) < 2 || calls[0].V != 0 || calls[len(calls)-1].V != 1 {
			t.Errorf("samples of the called one: %v", calls)
		}
		if zeros := store.of(metric.Invocations, metric.Function, "hello", metric.Trigger, "http"); len(zeros) == 0 || zeros[0].V != 0 {
			t.Errorf("samples of the new one: %v", zeros)
		}
		if objective := store.of(metric.Objective, metric.Function, "fn-7", metric.SLO, "availability"); len(objective) == 0 {
			t.Error("the called one has no objective")
		}
	})
}

// On a crowded node the series of a function end an hour after its last call, but
// for one that broke an objective.
func TestFunctionsOfACrowdedNodeComeToRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c, err := collector.New(collector.Config{Store: store, Node: "test", Interval: time.Minute, Step: 5 * time.Second, Crowd: crowd})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Stop(context.Background()) }()
		for i := range crowd + 1 {
			c.Apply(registered(nameOf(i), 1, time.Now()))
		}
		for i, code := range map[int]invocation.Code{1: invocation.OK, 2: invocation.FunctionError} {
			handle := c.Handle(function.Version{ID: function.ID{Name: nameOf(i), Version: 1}})
			handle.Begin()
			handle.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: code, Duration: time.Millisecond})
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if store.ended("fn-1") || store.ended("fn-2") {
			t.Error("series ended before an hour")
		}
		time.Sleep(55 * time.Minute)
		synctest.Wait()
		if !store.ended("fn-1") || !store.ended("fn-0") {
			t.Error("series of a function that nobody calls go on")
		}
		if store.ended("fn-2") {
			t.Error("series of a function that failed have ended")
		}
	})
}

// count is how many series there are.
func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.series)
}

// ended reports whether the invocations of a function end with a marker.
func (m *memory) ended(fn string) bool {
	samples := m.of(metric.Invocations, metric.Function, fn, metric.Trigger, "http")
	return len(samples) > 0 && metric.IsStale(samples[len(samples)-1].V)
}

// Health does not look at a function at rest, and sees it again with its next call,
// whenever that comes.
func TestHealthOfAFunctionAtRest(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	c, err := collector.New(collector.Config{Store: discard{}, Node: "test", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	tick := func(n int) {
		for range n {
			now = now.Add(time.Second)
			c.Compute(time.Second)
		}
	}
	f := registered(hello, 1, now)
	c.Apply(f)
	h := c.Handle(version(1))
	tick(1)
	first, ok := c.Health(hello)
	if !ok || first.State != collector.Idle || first.Reason == "" || len(first.Versions) != 1 || first.Availability == 0 {
		t.Fatalf("before the first call: %+v", first)
	}
	tick(500)
	if got, _ := c.Health(hello); got.Changed != first.Changed || !got.Since.Equal(first.Since) || len(got.Trend) != 24 || c.Looked() != 0 {
		t.Errorf("uncalled for long: %+v; health looks at %d", got, c.Looked())
	}
	for round := range 3 {
		for range 10 {
			call(h, invocation.FunctionError, time.Millisecond)
		}
		tick(1)
		got, _ := c.Health(hello)
		if got.State != collector.Failing || got.Rate != 10./60 || len(got.Trend) != 24 || !got.Since.Equal(now.Add(-time.Second)) {
			t.Errorf("round %d: %+v at %s", round, got, now)
		}
		tick(300)
		got, _ = c.Health(hello)
		if got.State != collector.Idle || got.Rate != 0 || c.Looked() != 0 {
			t.Errorf("round %d, at rest again: %+v; health looks at %d", round, got, c.Looked())
		}
	}
	f.UpdatedBy, f.Aliases[0].Weights[0].Version = "grace", 2
	c.Apply(f)
	tick(1)
	if got, _ := c.Health(hello); got.Versions[0].Version != 2 || got.DeployedBy != "grace" {
		t.Errorf("after a deployment: %+v", got)
	}
}

// However a call and the moment at which a function comes to rest meet, the call is seen.
func TestNoCallIsMissedAtTheMomentOfRest(t *testing.T) {
	c, err := collector.New(collector.Config{Store: discard{}, Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	c.Apply(registered(hello, 1, time.Now()))
	h := c.Handle(version(1))
	for round := range 200 {
		for range 183 - round%5 { // about when it comes to rest
			c.Compute(time.Second)
		}
		called := make(chan struct{})
		go func() {
			defer close(called)
			call(h, invocation.OK, time.Millisecond)
		}()
		for range 5 {
			c.Compute(time.Second)
		}
		<-called
		c.Compute(time.Second)
		if got, _ := c.Health(hello); got.Rate == 0 {
			t.Fatalf("round %d: %+v", round, got)
		}
	}
}
