package collector_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func counted(version int, name string, by float64, labels ...string) invocation.Measures {
	m := invocation.Measure{Kind: invocation.MeasureCounter, Name: name, Value: by}
	for i := 0; i < len(labels); i += 2 {
		m.Labels = append(m.Labels, invocation.Label{Name: labels[i], Value: labels[i+1]})
	}
	return invocation.Measures{Version: function.ID{Name: hello, Version: version}, Series: []invocation.Measure{m}}
}

func observed(values ...float64) *invocation.Histogram {
	h := &invocation.Histogram{}
	for _, v := range values {
		h.Observe(v)
	}
	return h
}

func TestOwnMetricsOfFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		c.Apply(registered(hello, 1, time.Now()))
		old := c.Handle(version(1))
		call(old, invocation.OK, time.Millisecond)
		tick(1)
		c.Record(counted(1, "orders_total", 2, "currency", "EUR"))
		c.Record(counted(1, "orders_total", 3, "currency", "EUR"))
		id := function.ID{Name: hello, Version: 1}
		c.Record(invocation.Measures{Version: id, Series: []invocation.Measure{
			{Kind: invocation.MeasureGauge, Name: "depth", Value: 7},
			{Kind: invocation.MeasureHistogram, Name: "basket_eur", Histogram: observed(0, 3, 3, 1000)},
		}, Fetches: []invocation.Fetch{
			{Host: "api.example.com", Code: "2xx", Duration: *observed(0.1, 0.2)},
			{Host: "api.example.com", Code: "5xx", Duration: *observed(3)},
		}})
		c.Record(invocation.Measures{Version: function.ID{Name: hello, Version: 9}, Series: []invocation.Measure{{Kind: invocation.MeasureGauge, Name: "nobody", Value: 1}}})
		c.Record(invocation.Measures{Version: function.ID{Name: "no/such/one", Version: 1}})
		tick(2)
		all := []string{metric.Team, "acme", metric.Project, "web", metric.Function, "hello", metric.Version, "1", metric.Job, "hadron", metric.Instance, "test"}
		for name, want := range map[string]float64{"orders_total": 5, "depth": 7, "basket_eur": 4, metric.FetchTime: 3} {
			got := values(store.of(name, all...))
			if len(got) < 2 || got[len(got)-1] != want || name != "depth" && got[0] != 0 {
				t.Errorf("%s: %v", name, got)
			}
		}
		if got := values(store.of(metric.Fetches, append(all, metric.Host, "api.example.com", metric.CodeName, "5xx")...)); len(got) == 0 || got[len(got)-1] != 1 {
			t.Errorf("requests to the host: %v", got)
		}
		if got := store.of("orders_total", "currency", "EUR"); len(got) == 0 {
			t.Error("the function's own label is lost")
		}
		if store.of("nobody") != nil {
			t.Error("a version without series counted")
		}
		hist := store.of("basket_eur")
		h := hist[len(hist)-1].H
		if h.ZeroCount != 1 || h.Sum != 1006 || h.Schema != 3 || len(h.Spans) != 2 || fmt.Sprint(h.Deltas) != "[2 -1]" {
			t.Errorf("histogram %+v", h)
		}
		// The series of a version end with it.
		c.Apply(registered(hello, 2, time.Now()))
		time.Sleep(62 * time.Minute)
		synctest.Wait()
		for _, name := range []string{"orders_total", "depth", "basket_eur", metric.Fetches, metric.FetchTime} {
			var got []metric.Sample
			if name == metric.Fetches {
				got = store.of(name, metric.CodeName, "2xx")
			} else {
				got = store.of(name)
			}
			if !ended(got) {
				t.Errorf("%s goes on after its version ended: %v", name, values(got)[max(0, len(got)-3):])
			}
		}
		before := len(store.of("orders_total"))
		call(old, invocation.OK, time.Millisecond)
		c.Record(counted(1, "orders_total", 1, "currency", "EUR"))
		tick(2)
		if got := values(store.of("orders_total")[before:]); len(got) < 2 || got[0] != 0 || got[1] != 1 {
			t.Errorf("a version that woke goes on with %v", got)
		}
	})
}

func TestOwnMetricsHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		c.Apply(registered(hello, 1, time.Now()))
		for v := 1; v <= 8; v++ {
			c.Handle(version(v))
			for user := range 300 {
				c.Record(counted(v, "by_user_total", 1, "user", fmt.Sprint("u", user)))
			}
		}
		for name := range 80 {
			c.Record(counted(1, fmt.Sprintf("name%d_total", name), 1))
		}
		for host := range 80 {
			c.Record(invocation.Measures{Version: function.ID{Name: hello, Version: 1}, Fetches: []invocation.Fetch{{Host: fmt.Sprintf("h%d", host), Code: "2xx", Duration: *observed(1)}}})
		}
		tick(2)
		series, sum := 0, 0.0
		for v := 1; v <= 8; v++ {
			own := 0
			for user := range 300 {
				if got := store.of("by_user_total", metric.Version, fmt.Sprint(v), "user", fmt.Sprint("u", user)); got != nil {
					own++
					sum += got[len(got)-1].V
				}
			}
			if own > invocation.MaxSeries {
				t.Errorf("version %d has %d series", v, own)
			}
			series += own
			if got := store.of("by_user_total", metric.Version, fmt.Sprint(v), "user", "other"); got != nil {
				sum += got[len(got)-1].V
			}
		}
		if series > 1000 || sum != 2400 {
			t.Errorf("%d series hold %g of 2400", series, sum)
		}
		folded := store.of(metric.Dropped, metric.Reason, "series")
		names := store.of(metric.Dropped, metric.Reason, "names")
		if len(folded) == 0 || folded[len(folded)-1].V < 1300 || len(names) == 0 || names[len(names)-1].V != 31 {
			t.Errorf("told of %v and %v", values(folded), values(names))
		}
		if got := store.of(metric.Fetches, metric.Host, "other"); len(got) == 0 || got[len(got)-1].V != 30 {
			t.Errorf("other hosts: %v", values(got))
		}
	})
}

// What a changed worker might send makes no series that is not the function's.
func TestRecordTrustsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		c.Apply(registered(hello, 1, time.Now()))
		for _, m := range []invocation.Measure{
			{Kind: invocation.MeasureCounter, Name: "faas_invocations_total", Value: 1e9},
			{Kind: invocation.MeasureGauge, Name: "up", Value: 0},
			{Kind: invocation.MeasureGauge, Name: "g", Labels: []invocation.Label{{Name: "team", Value: "victim"}}},
			{Kind: invocation.MeasureCounter, Name: "falls_total", Value: -5},
			{Kind: invocation.MeasureGauge, Name: "nan", Value: math.NaN()},
			{Kind: invocation.MeasureHistogram, Name: "h", Histogram: &invocation.Histogram{Count: 9}},
			{Kind: 77, Name: "x"},
		} {
			c.Record(invocation.Measures{Version: function.ID{Name: hello, Version: 1}, Series: []invocation.Measure{m}})
		}
		many := invocation.Measures{Version: function.ID{Name: hello, Version: 1}, Series: make([]invocation.Measure, 100_000), Fetches: make([]invocation.Fetch, 100_000), Dropped: make([]invocation.Drop, 100_000)}
		many.Fetches[0] = invocation.Fetch{Host: strings.Repeat("h", 999), Code: "2xx"}
		c.Record(many)
		tick(2)
		got := store.of(metric.Dropped, metric.Reason, "invalid")
		if len(got) == 0 || got[len(got)-1].V != 7+100_000 {
			t.Errorf("dropped as invalid: %v", values(got))
		}
		for _, name := range []string{"up", "g", "falls_total", "nan", "h", "x", metric.Fetches} {
			if store.of(name) != nil {
				t.Errorf("%s was written", name)
			}
		}
		if got := store.of(metric.Invocations); got[len(got)-1].V != 0 {
			t.Error("a function counted invocations")
		}
	})
}

func TestOwnMetricsOnTheMetricsPage(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	c, err := collector.New(collector.Config{Store: newMemory(t), Node: "test", Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	if err := reg.Register(c); err != nil {
		t.Fatal(err)
	}
	const late = function.Name("zeta/web/other")
	c.Apply(registered(hello, 1, time.Now()))
	c.Apply(registered(late, 1, time.Now()))
	c.Record(counted(1, "orders_total", 2, "currency", "EUR"))
	c.Record(counted(1, "orders_total", 1, "shop", "x\"y"))
	c.Record(invocation.Measures{Version: function.ID{Name: hello, Version: 1}, Series: []invocation.Measure{{Kind: invocation.MeasureHistogram, Name: "size", Histogram: observed(1)}}})
	c.Record(invocation.Measures{Version: function.ID{Name: late, Version: 1}, Series: []invocation.Measure{{Kind: invocation.MeasureGauge, Name: "size", Value: 1}}})
	want := `
# HELP orders_total A metric that functions count themselves.
# TYPE orders_total counter
orders_total{currency="EUR",function="hello",project="web",team="acme",version="1"} 2
orders_total{function="hello",project="web",shop="x\"y",team="acme",version="1"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "orders_total"); err != nil {
		t.Error(err)
	}
	if _, err := reg.Gather(); err != nil { // two kinds of one name would fail the whole page
		t.Error(err)
	}
}

func TestDeploymentThatFailedShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		c.Apply(registered(hello, 1, time.Now()))
		c.TakenBack("no/such/one", 2)
		c.TakenBack(hello, 2)
		tick(3)
		if got := store.of(metric.TakenBack, metric.Version, "2"); len(got) == 0 || got[len(got)-1].V != 1 {
			t.Errorf("series %v", values(got))
		}
		c.TakenBack(hello, 0)
		tick(3)
		if got := store.of(metric.TakenBack, metric.Version, "2"); !ended(got) {
			t.Errorf("it goes on: %v", values(got))
		}
	})
}

func TestQuarantineShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		q := invocation.Quarantine{Version: function.ID{Name: hello, Version: 1}, Since: time.Now(), Until: time.Now().Add(time.Minute), Deaths: 2, Reason: "out of memory"}
		c.Quarantine(q, true) // from an earlier process: before the registry told of the function
		c.Apply(registered(hello, 1, time.Now()))
		tick(3)
		health, _ := c.Health(hello)
		if health.State != collector.Failing || !health.Since.Equal(q.Since) ||
			!strings.HasPrefix(health.Reason, "Version 1 is quarantined since ") || !strings.Contains(health.Reason, "2 times: out of memory; it is tried again at") {
			t.Errorf("%s since %s: %s", health.State, health.Since, health.Reason)
		}
		if got := store.of(metric.Quarantined, metric.Version, "1"); len(got) == 0 || got[len(got)-1].V != 1 {
			t.Errorf("series %v", values(got))
		}
		c.Quarantine(q, false)
		tick(2)
		if health, _ := c.Health(hello); health.State != collector.Idle {
			t.Errorf("released: %s: %s", health.State, health.Reason)
		}
		if got := store.of(metric.Quarantined, metric.Version, "1"); !ended(got) {
			t.Errorf("released, and goes on: %v", values(got))
		}
		// A canary of a twentieth out of service is worse than the objective, no outage.
		f := registered(hello, 1, time.Now())
		f.Aliases[0].Weights = []function.Weight{{Version: 1, Weight: 95}, {Version: 2, Weight: 5}}
		c.Apply(f)
		q.Version.Version = 2
		c.Quarantine(q, true)
		tick(2)
		if health, _ := c.Health(hello); health.State != collector.Degraded || !strings.Contains(health.Reason, "Version 2, which gets 5 % of calls, is quarantined") {
			t.Errorf("%s: %s", health.State, health.Reason)
		}
		c.Remove(hello)
		c.Quarantine(q, false)
		tick(2)
		if _, found := c.Health(hello); found {
			t.Error("the end of a quarantine brought a deleted function back")
		}
	})
}
