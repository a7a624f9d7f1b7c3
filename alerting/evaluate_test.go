package alerting_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

const greeting = function.Name("growth/signup/greeting")

var (
	outage = burn{500, 1000}
	calm   = burn{0, 1000}
)

// told is what the pager hears, in a short form.
func told(m *memory) (out []string) {
	for _, x := range m.written {
		out = append(out, fmt.Sprintf("%s %s %s", x.Event.Action, x.Event.Component, x.Event.Severity))
	}
	return out
}

func wantTold(t *testing.T, m *memory, want ...string) {
	t.Helper()
	if got := told(m); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOneIncidentFromFireToMend(t *testing.T) {
	w, store := newWorld(greeting, "a/b/quiet"), newMemory()
	e := w.evaluator(t, store)
	e.mustTick()
	w.set(greeting, "availability", calm)
	e.mustTick()
	wantTold(t, store)

	w.set(greeting, "availability", outage)
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical")
	if key := store.written[0].Event.RoutingKey; key != "key of growth/signup/greeting" {
		t.Errorf("routing key %q", key)
	}
	alerts := e.Alerts(alerting.Filter{})
	if len(alerts) != 4 || alerts[0].State != alerting.Firing || alerts[0].Class != slo.Page || !alerts[3].Inhibited || alerts[0].Inhibited {
		t.Errorf("%+v", alerts)
	}
	e.mustTick()
	e = w.evaluator(t, store) // a restart in the middle
	e.mustTick()
	w.mu.Lock()
	w.keys[greeting] = "another key"
	w.mu.Unlock()
	wantTold(t, store, "trigger growth/signup/greeting critical")

	w.set(greeting, "availability", calm)
	e.mustTick()
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical", "resolve growth/signup/greeting critical")
	first, last := store.written[0].Event, store.written[1].Event
	if first.DedupKey != last.DedupKey || first.RoutingKey != last.RoutingKey {
		t.Errorf("resolved elsewhere: %+v %+v", first, last)
	}
	if len(store.incidents) != 0 || len(e.Incidents()) != 0 {
		t.Errorf("still open: %v", store.incidents)
	}
	e.tick(16 * 60e9)
	if n := len(store.alerts); n != 0 {
		t.Errorf("%d alerts are kept", n)
	}
}

// A ticket becomes a page and a ticket again under one dedup key.
func TestPageInhibitsTicket(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	e := w.evaluator(t, store)
	w.set(greeting, "availability", burn{20, 10000})
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting warning")
	w.set(greeting, "availability", outage)
	e.mustTick()
	w.set(greeting, "availability", calm, "1h/5m", "6h/30m")
	e.mustTick()
	w.set(greeting, "availability", calm)
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting warning", "trigger growth/signup/greeting critical",
		"trigger growth/signup/greeting warning", "resolve growth/signup/greeting warning")
	for _, m := range store.written {
		if m.Event.DedupKey != store.written[0].Event.DedupKey {
			t.Errorf("another incident: %+v", m.Event)
		}
	}
}

func TestEachObjectiveHasItsIncident(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	e := w.evaluator(t, store)
	w.set(greeting, "availability", outage)
	w.set(greeting, "latency-p99", outage)
	e.mustTick()
	if len(store.written) != 2 || store.written[0].Event.DedupKey == store.written[1].Event.DedupKey {
		t.Errorf("%v", told(store))
	}
}

// What holds for a while before it fires does so over a restart: it is not waited for anew.
func TestForSurvivesARestart(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	begin := func() *ticking {
		cfg := w.config(store)
		cfg.For = 10 * time.Minute
		e, err := alerting.New(cfg)
		if err == nil {
			err = e.Load(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return &ticking{e, t, w}
	}
	w.set(greeting, "availability", outage)
	e := begin()
	e.mustTick()
	since := w.now
	for range 3 { // nine minutes, with two starts
		e = begin()
		e.mustTick()
	}
	wantTold(t, store)
	for _, a := range e.Alerts(alerting.Filter{}) {
		if a.State != alerting.Pending || !a.ActiveAt.Equal(since) {
			t.Errorf("%+v", a)
		}
	}
	e = begin()
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical")
	for _, a := range e.Alerts(alerting.Filter{}) {
		if a.State != alerting.Firing || !a.ActiveAt.Equal(since) || !a.Since.Equal(w.now) {
			t.Errorf("%+v", a)
		}
	}
}

func TestMissingDataResolvesNothing(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	e := w.evaluator(t, store)
	w.set(greeting, "availability", outage)
	e.mustTick()
	w.set(greeting, "availability", burn{0, 0})
	for range 5 {
		e.mustTick()
	}
	if a := e.Alerts(alerting.Filter{Function: greeting}); len(a) == 0 || !strings.Contains(a[0].Reason, "traffic stopped") {
		t.Errorf("%+v", a)
	}
	w.mu.Lock()
	delete(w.burns, alerting.Objective{Function: greeting, SLO: "availability"})
	w.mu.Unlock()
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical")
}

func TestErrorsChangeNothing(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	e := w.evaluator(t, store)
	w.set(greeting, "availability", outage)
	e.mustTick()
	before := e.Alerts(alerting.Filter{})

	w.queryErr = errors.New("the metric store is away")
	w.set(greeting, "availability", calm)
	if got := e.tick(3 * 60e9); !strings.Contains(got, "the metric store is away") {
		t.Errorf("status %q", got)
	}
	if g := e.Groups(); len(g) != 4 || g[0].Rules[0].Health != "err" || g[0].Rules[0].State != alerting.Firing {
		t.Errorf("%+v", g)
	}
	w.queryErr, w.listErr = nil, errors.New("half a list")
	w.remove(greeting)
	if got := e.tick(3 * 60e9); !strings.Contains(got, "half a list") {
		t.Errorf("status %q", got)
	}
	if after := e.Alerts(alerting.Filter{}); len(after) != len(before) || after[0].State != alerting.Firing {
		t.Errorf("%+v", after)
	}
	wantTold(t, store, "trigger growth/signup/greeting critical")
	w.listErr = nil
	e.mustTick()
	if s := e.Status(); s.Failures != 0 || s.Open != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhatIsNotGuardedAnyMoreEnds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		told   []string
		why    string
	}{
		"deleted": {func(w *world) { w.remove(greeting) }, []string{"trigger", "resolve"}, "deleted"},
		"disabled": {
			func(w *world) { w.register(greeting, func(m *function.Manifest) { m.Alerts.Disabled = true }) },
			[]string{"trigger", "resolve"},
			"turned alerts off",
		},
		"objective dropped": {
			func(w *world) { w.register(greeting, func(m *function.Manifest) { m.SLO.Latency = nil }) },
			[]string{"trigger", "resolve"},
			"does not have this objective",
		},
		"another window, still burning": {func(w *world) {
			w.register(greeting, func(m *function.Manifest) { m.SLO.Window = function.Windows[0] })
		}, []string{"trigger"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, store := newWorld(greeting, "a/b/other"), newMemory()
			e := w.evaluator(t, store)
			w.set(greeting, "latency-p99", outage)
			e.mustTick()
			c.change(w)
			e.mustTick()
			e.mustTick()
			var got []string
			for _, m := range store.written {
				got = append(got, string(m.Event.Action))
			}
			if !slices.Equal(got, c.told) {
				t.Fatalf("%v, want %v", got, c.told)
			}
			if last := store.written[len(store.written)-1].Event; c.why != "" && !strings.Contains(last.Summary, c.why) {
				t.Errorf("summary %q", last.Summary)
			}
		})
	}
}

// Without a pager alerts are states only; once there is one it hears of what is open.
func TestNoPager(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	cfg := w.config(store)
	cfg.Routing = nil
	alone, err := alerting.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := alone.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.set(greeting, "availability", outage)
	alone.Tick(t.Context())
	wantTold(t, store)
	if len(alone.Incidents()) != 1 {
		t.Errorf("%v", alone.Incidents())
	}
	w.evaluator(t, store).mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical")
}

// A function that was deleted before it had a routing key leaves nothing behind.
func TestNeverRoutedIsWithdrawn(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	delete(w.keys, greeting)
	e := w.evaluator(t, store)
	w.set(greeting, "availability", outage)
	e.mustTick()
	if len(store.messages) != 1 || store.messages[0].Event.RoutingKey != "" {
		t.Errorf("%+v", store.messages)
	}
	w.remove(greeting)
	e.mustTick()
	if len(store.messages) != 0 {
		t.Errorf("%+v", store.messages)
	}
}

// A commit that failed, before or behind the store's back, loses and doubles nothing.
func TestUncertainCommit(t *testing.T) {
	for _, stored := range []bool{false, true} {
		w, store := newWorld(greeting), newMemory()
		e := w.evaluator(t, store)
		w.set(greeting, "availability", outage)
		store.fail = func(op string) (bool, bool) { return op == "commit" && !stored, op == "commit" && stored }
		if got := e.tick(3 * 60e9); got == "" {
			t.Fatal("no error is shown")
		}
		if n := len(e.Alerts(alerting.Filter{})); n != 0 {
			t.Errorf("%d alerts are shown that may not be stored", n)
		}
		store.fail = nil
		e.mustTick()
		wantTold(t, store, "trigger growth/signup/greeting critical")
	}
}

func TestSeriesAndRuleCount(t *testing.T) {
	var names []function.Name
	for i := range 50 {
		names = append(names, function.Name(fmt.Sprintf("a/b/f%d", i)))
	}
	w, store := newWorld(names...), newMemory()
	e := w.evaluator(t, store)
	e.mustTick()
	if len(w.asked) != 4 {
		t.Errorf("%d queries for one SLO window", len(w.asked))
	}
	w.asked = nil
	e.tick(interval)
	if len(w.asked) != 2 {
		t.Errorf("%d queries a tick later: tickets are looked at less often", len(w.asked))
	}
	w.set("a/b/f7", "availability", outage)
	e.mustTick()
	if len(w.appended) != 8 {
		t.Fatalf("%d samples", len(w.appended))
	}
	i := slices.IndexFunc(w.appended, func(s metric.Sample) bool {
		return s.Series.Labels.Get(metric.Name) == "ALERTS" && s.Series.Labels.Get("window") == "1h/5m"
	})
	want := metric.NewLabels("ALERTS", "alertname", "SLOBurnRate", "alertstate", "firing", "team", "a", "project", "b", "function", "f7",
		"slo", "availability", "class", "page", "severity", "critical", "window", "1h/5m", "slo_window", "30d")
	if i < 0 || !slices.Equal(w.appended[i].Series.Labels, want) || w.appended[i].V != 1 {
		t.Errorf("%+v", w.appended)
	}
	w.set("a/b/f7", "availability", calm)
	e.mustTick()
	for _, s := range w.appended {
		if !metric.IsStale(s.V) {
			t.Errorf("%v goes on", s.Series.Labels)
		}
	}
	e.mustTick()
	defs := e.Definitions(*w.functions["a/b/f7"])
	if len(defs) != 8 || defs[0].State != alerting.Resolved || defs[4].State != alerting.Inactive || defs[4].Objective.Name != "latency-p99" {
		t.Errorf("%+v", defs)
	}
}

// Start evaluates at once and Stop waits.
func TestStartStop(t *testing.T) {
	w := newWorld(greeting)
	asked := make(chan struct{}, 100)
	cfg := w.config(newMemory())
	query := cfg.Query
	cfg.Query = func(ctx context.Context, expr string, at time.Time) ([]metric.Point, error) {
		asked <- struct{}{}
		return query(ctx, expr, at)
	}
	e, err := alerting.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := e.Start(t.Context()); !errors.Is(err, alerting.ErrStarted) {
		t.Errorf("started twice: %v", err)
	}
	if err := e.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
