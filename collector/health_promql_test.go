package collector_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Health says what PromQL does over the same minute, whatever was called, failed,
// was cold or refused in it.
func TestHealthAgreesWithPromQL(t *testing.T) {
	db := openStore(t)
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		name := function.Name(fmt.Sprintf("acme/web/fn-%d", round))
		now := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC).Add(time.Duration(round) * 10 * time.Minute)
		c, err := collector.New(collector.Config{Store: db, Node: "test", Interval: time.Second, Now: func() time.Time { return now }})
		if err != nil {
			r.Fatal(err)
		}
		c.Apply(registered(name, 1, now.Add(-time.Hour)))
		handles := []*collector.Handle{c.Handle(versionOf(name, 1)), c.Handle(versionOf(name, 2))}
		observe := func(h *collector.Handle, o invocation.Outcome) {
			h.Begin()
			h.Observe(invocation.TriggerHTTP, o)
		}
		// Every series exists before the minute, as PromQL needs to see an increase.
		for _, h := range handles {
			for _, code := range []invocation.Code{invocation.OK, invocation.FunctionError, invocation.Timeout, invocation.HTTP5xx} {
				observe(h, invocation.Outcome{Code: code, Duration: time.Millisecond, CPU: time.Millisecond, Cold: true, Init: time.Millisecond})
			}
		}
		c.Refused(name, invocation.FunctionOverloaded)
		ticks := rapid.IntRange(61, 70).Draw(r, "ticks")
		burst := rapid.IntRange(0, 4).Draw(r, "burst")
		for i := range ticks {
			if i > 0 && rapid.IntRange(0, 3).Draw(r, "quiet") == 0 || i == ticks-1 {
				for range rapid.IntRange(1, 1+burst).Draw(r, "calls") {
					observe(rapid.SampledFrom(handles).Draw(r, "handle"), invocation.Outcome{
						Code:     rapid.SampledFrom([]invocation.Code{invocation.OK, invocation.OK, invocation.FunctionError, invocation.Timeout, invocation.HTTP5xx}).Draw(r, "code"),
						Duration: time.Duration(rapid.IntRange(1, 3_000_000).Draw(r, "micros")) * time.Microsecond,
						CPU:      time.Duration(rapid.IntRange(0, 900).Draw(r, "cpu")) * time.Microsecond,
						Cold:     rapid.IntRange(0, 5).Draw(r, "cold") == 0, Init: time.Millisecond,
					})
				}
				if rapid.IntRange(0, 3).Draw(r, "full") == 0 {
					c.Refused(name, invocation.FunctionOverloaded)
				}
			}
			now = now.Add(time.Second)
			c.Compute(time.Second)
			if err := c.AppendAll(context.Background()); err != nil {
				r.Fatal(err)
			}
		}
		health, _ := c.Health(name)
		ask := func(expr string) float64 {
			points, err := db.Query(context.Background(), expr, now)
			if err != nil || len(points) > 1 {
				r.Fatalf("%s: %v, %v", expr, points, err)
			}
			if len(points) == 0 {
				return 0
			}
			return points[0].V
		}
		selector := func(series string, more string) string {
			return fmt.Sprintf("%s{function=%q%s}", series, name.Base(), more)
		}
		minute := func(series, more string) float64 {
			return ask("sum(increase(" + selector(series, more) + "[1m] anchored))")
		}
		calls := minute(metric.Invocations, "")
		same(r, "rate", health.Rate, calls/60)
		same(r, "cold starts", health.ColdStarts, minute(metric.ColdStarts, "")/60)
		same(r, "throttled", health.Throttled, minute(metric.Refused, `,code="overloaded"`)/60)
		same(r, "CPU", health.CPU, minute(metric.CPU, "")/60)
		same(r, "in flight", float64(health.InFlight), ask("sum("+selector(metric.InFlight, "")+")"))
		same(r, "error ratio", *health.ErrorRatio, minute(metric.Errors, "")/calls)
		byCode := map[string]float64{}
		for _, e := range health.Errors {
			byCode[string(e.Code)] = e.Ratio
		}
		for _, code := range []string{"function_error", "timeout", "http_5xx", "memory_limit"} {
			same(r, code, byCode[code], minute(metric.Errors, `,code="`+code+`"`)/calls)
		}
		duration := selector(metric.Duration, "")
		for q, got := range map[float64]*float64{0.5: health.P50, 0.95: health.P95, 0.99: health.P99} {
			same(r, fmt.Sprintf("p%g", 100*q), *got, ask(fmt.Sprintf("histogram_quantile(%g, sum(%s - %s offset 1m))", q, duration, duration)))
		}
	})
}

func versionOf(name function.Name, number int) function.Version {
	return function.Version{ID: function.ID{Name: name, Version: number}, Manifest: function.DefaultManifest()}
}

func same(r *rapid.T, what string, got, want float64) {
	r.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		r.Fatalf("%s is %g by health and %g by PromQL", what, got, want)
	}
}

// Burns are the bad share of a window over what the objective allows.
func TestBurns(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(week))
	defer func() { _ = n.db.Close() }()
	for hour := range 100 {
		n.call(hour < 50)
		for range 12 {
			n.now = n.now.Add(metric.RollupEvery)
			n.pass()
		}
	}
	n.crash()
	n.now = n.now.Add(time.Second)
	n.pass()
	n.collector.Compute(time.Second)
	if health, _ := n.collector.Health(hello); health.Burns != nil {
		t.Errorf("burns before the store answered: %v", health.Burns)
	}
	if err := n.collector.RefreshBurns(context.Background()); err != nil {
		t.Fatal(err)
	}
	n.collector.Compute(time.Second)
	health, _ := n.collector.Health(hello)
	if len(health.Burns) != 4 {
		t.Fatalf("burns %v", health.Burns)
	}
	for _, b := range health.Burns {
		events, bad := n.within(n.now.Add(-b.Window))
		if want := bad / events / 0.001; math.Abs(b.Rate-want) > 20 { // one event more at the far end
			t.Errorf("burn over %s is %g, want %g", b.Window, b.Rate, want)
		}
	}
	if health.Burns[0].Rate != 0 || health.Burns[3].Rate < 200 {
		t.Errorf("burns %v", health.Burns)
	}
}

// A start shows the minute before it, and it passes as a minute does.
func TestHealthIsRefilledAtTheStart(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(week))
	defer func() { _ = n.db.Close() }()
	second := func(called bool) {
		if called {
			for i := range 4 {
				n.call(i == 0)
			}
		}
		n.now = n.now.Add(time.Second)
		n.collector.Compute(time.Second)
		n.pass()
	}
	for range 90 {
		second(true)
	}
	before, _ := n.collector.Health(hello)
	n.now = n.now.Add(time.Second)
	n.crash()
	second(false)
	after, _ := n.collector.Health(hello)
	if after.P50 == nil || after.P99 == nil || *after.P50 != *before.P50 || *after.P99 != *before.P99 {
		t.Errorf("before the crash p50 %v and p99 %v, after it %v and %v", *before.P50, *before.P99, after.P50, after.P99)
	}
	if after.State != before.State || math.Abs(after.Rate-before.Rate) > 0.2 || after.ErrorRatio == nil || math.Abs(*after.ErrorRatio-0.25) > 0.01 {
		t.Errorf("before the crash %s at %g a second, %v; after it %s at %g, %v: %s",
			before.State, before.Rate, *before.ErrorRatio, after.State, after.Rate, after.ErrorRatio, after.Reason)
	}
	for range 30 {
		second(false)
	}
	if half, _ := n.collector.Health(hello); math.Abs(half.Rate-before.Rate/2) > 0.2 {
		t.Errorf("half a minute later %g a second", half.Rate)
	}
	for range 40 {
		second(false)
	}
	if idle, _ := n.collector.Health(hello); idle.State != collector.Idle || idle.Rate != 0 {
		t.Errorf("a minute later %s at %g a second: %s", idle.State, idle.Rate, idle.Reason)
	}
}

// Whatever calls took in the minute before a crash, the quantiles after it are those of
// their durations, as far as a few seconds of the minute are gone; and all leaves the
// window with the minute.
func TestQuantilesOutliveACrash(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := newNode(r, t.TempDir(), function.Duration(week))
		defer func() { _ = n.db.Close() }()
		handles := []*collector.Handle{n.handle, n.collector.Handle(versionOf(hello, 2))}
		var took []float64
		second := func(calls int) {
			for range calls {
				d := time.Duration(rapid.IntRange(1, 3_000_000).Draw(r, "micros")) * time.Microsecond
				took = append(took, d.Seconds())
				call(handles[rapid.IntRange(0, 1).Draw(r, "version")], invocation.OK, d)
			}
			n.now = n.now.Add(time.Second)
			n.collector.Compute(time.Second)
			n.pass()
		}
		for range rapid.IntRange(0, 50).Draw(r, "seconds before the minute") {
			second(rapid.IntRange(0, 3).Draw(r, "calls before"))
		}
		for range 60 {
			second(0)
		}
		took = nil
		busy := rapid.SampledFrom([]int{1, 4, 40}).Draw(r, "busy")
		for range 58 {
			second(rapid.IntRange(0, busy).Draw(r, "calls"))
		}
		second(1)
		n.crash()
		slices.Sort(took)
		check := func(name string, q float64, got *float64) {
			at := func(rank float64) float64 { return took[max(0, min(len(took)-1, int(rank)))] }
			least, most := at((q-0.15)*float64(len(took))-1)/1.1-1e-6, at((q+0.15)*float64(len(took))+1)*1.1
			if got == nil || *got < least || *got > most {
				r.Fatalf("%s is %v after the crash, want %g to %g, of %v", name, got, least, most, took)
			}
		}
		for range rapid.IntRange(1, 5).Draw(r, "seconds after") {
			n.now = n.now.Add(time.Second)
			n.collector.Compute(time.Second)
			after, _ := n.collector.Health(hello)
			check("p50", 0.5, after.P50)
			check("p95", 0.95, after.P95)
			check("p99", 0.99, after.P99)
		}
		for range 60 {
			n.now = n.now.Add(time.Second)
			n.collector.Compute(time.Second)
		}
		if idle, _ := n.collector.Health(hello); idle.P50 != nil || idle.State != collector.Idle {
			r.Fatalf("a minute later %s, p50 %v", idle.State, idle.P50)
		}
	})
}
