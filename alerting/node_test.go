package alerting_test

import (
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/runtime/function"
)

// What docs/alerting.md says of a node that dies, over a real store.

// Hadron's own: what was told stays open without being told again, what was well stays
// well, the calls that it missed are nobody's fault, and what failed ends when calls succeed.
func TestNodeDiesAndComesBack(t *testing.T) {
	const other = function.Name("growth/signup/other")
	l, store := newLab(t, greeting, other), newMemory()
	begin := func() {
		cfg := l.w.config(store)
		cfg.Query, cfg.Unmeasured, cfg.Registerer = l.db.Query, false, nil
		e, err := alerting.New(cfg)
		if err == nil {
			err = e.Load(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		l.ticking = &ticking{e, t, l.w}
	}
	begin()
	always := func(int) float64 { return 120 }
	calls, total := map[function.Name]func(int) float64{greeting: always, other: always}, map[function.Name]float64{}
	l.w.now = l.w.now.Add(-10 * 24 * time.Hour)
	l.hours(0, 8*24+10, calls, total)
	l.pass(40, 20, 0, false)
	l.pass(8, 0, 20, false)
	l.want(alerting.Firing, "of events are bad")
	wantTold(t, store, "trigger growth/signup/greeting critical")

	// Nobody counts, nobody evaluates. A start writes totals on over the time it was down.
	for range 2 * 12 {
		l.w.now = l.w.now.Add(5 * time.Minute)
		var rolled []metric.Sample
		for name := range calls {
			rolled = append(rolled, metric.Sample{Series: l.of(name, metric.RolledEvents, metric.SLO, "availability"), T: l.w.now.UnixMilli(), V: total[name]})
		}
		if err := l.db.AppendRollups(t.Context(), rolled); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	l.pass(20, 0, 0, true)
	l.want(alerting.Firing, "")
	wantTold(t, store, "trigger growth/signup/greeting critical")
	if got := len(l.Alerts(alerting.Filter{Function: other})); got > 0 {
		t.Errorf("%d alerts of a function that was well", got)
	}

	l.all, l.bad = 0, 0 // counters begin anew
	l.pass(60, 20, 0, false)
	l.want(alerting.Resolved, "are good")
	l.hours(8*24+13, 8*24+16, calls, total)
	wantTold(t, store, "trigger growth/signup/greeting critical", "resolve growth/signup/greeting critical")
	if all := l.Alerts(alerting.Filter{Function: other}); len(all) > 0 {
		t.Errorf("%+v", all)
	}
}

// One of several that count the same function, as another Prometheus may have them: the
// others' calls go on, and of the node itself there is no alert.
func TestOneOfSeveralNodesDies(t *testing.T) {
	l := newLab(t, greeting)
	series := func(name, node string) *metric.Series {
		return &metric.Series{Labels: metric.NewLabels(name, metric.Team, "growth", metric.Project, "signup", metric.Function, "greeting",
			metric.SLO, "availability", metric.Instance, node)}
	}
	type counts struct {
		all, bad       float64
		events, failed *metric.Series
	}
	nodes := map[string]*counts{}
	for _, node := range []string{"one", "two"} {
		nodes[node] = &counts{events: series(metric.Events, node), failed: series(metric.BadEvents, node)}
	}
	pass := func(intervals int, good, bad map[string]float64) {
		for range intervals {
			var batch []metric.Sample
			at := l.w.now.Add(interval).UnixMilli()
			for node, n := range good {
				c := nodes[node]
				c.all, c.bad = c.all+n+bad[node], c.bad+bad[node]
				batch = append(batch, metric.Sample{Series: c.events, T: at, V: c.all}, metric.Sample{Series: c.failed, T: at, V: c.bad})
			}
			if err := l.db.Append(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if msg := l.tick(interval); msg != "" {
				t.Fatal(msg)
			}
		}
	}
	pass(60, map[string]float64{"one": 20, "two": 20}, nil)
	pass(60, map[string]float64{"one": 20}, nil) // two is gone, without a word
	l.want(alerting.Inactive, "")
	if all := l.Alerts(alerting.Filter{}); len(all) > 0 {
		t.Errorf("%+v", all)
	}
	nodes["two"].all, nodes["two"].bad = 0, 0
	pass(20, map[string]float64{"one": 20, "two": 20}, nil) // another in its place
	l.want(alerting.Inactive, "")

	// One fails everything and dies of it: its failures are counted while they lie in the
	// windows, and the calls of the other end the page.
	pass(8, map[string]float64{"one": 20, "two": 0}, map[string]float64{"two": 20})
	l.want(alerting.Firing, "")
	pass(30, map[string]float64{"one": 20}, nil)
	l.want(alerting.Resolved, "are good")
}
