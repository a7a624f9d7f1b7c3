package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
	"hadron/ui/api"
	"hadron/ui/wire"
)

const tried = function.Name("shop/web/home")

// written is OpenMetrics text of counters that rise each 15 s: of each call, bad says
// which share fails at a time after the beginning.
type written struct {
	strings.Builder
	start time.Time
}

func (w *written) family(name, kind string) { fmt.Fprintf(w, "# TYPE %s %s\n", name, kind) }

func (w *written) counters(slo string, length time.Duration, bad func(time.Duration) float64) {
	labels := fmt.Sprintf(`{team="shop",project="web",function="home",version="1",instance="a",slo=%q}`, slo)
	var lines [2]strings.Builder
	events, failed := 0.0, 0.0
	for at := time.Duration(0); at <= length; at += 15 * time.Second {
		events += 1000
		failed += 1000 * bad(at)
		t := float64(w.start.Add(at).UnixMilli()) / 1000
		fmt.Fprintf(&lines[0], "%s%s %g %.3f\n", metric.Events, labels, events, t)
		fmt.Fprintf(&lines[1], "%s%s %g %.3f\n", metric.BadEvents, labels, failed, t)
	}
	w.family(strings.TrimSuffix(metric.Events, "_total"), "counter")
	w.WriteString(lines[0].String())
	w.family(strings.TrimSuffix(metric.BadEvents, "_total"), "counter")
	w.WriteString(lines[1].String())
}

func (w *written) promise(length time.Duration) {
	t := float64(w.start.Add(length).UnixMilli()) / 1000
	w.family(metric.Objective, "gauge")
	fmt.Fprintf(w, "%s{team=\"shop\",project=\"web\",function=\"home\",slo=\"availability\",window=\"30d\"} 0.999 %.3f\n", metric.Objective, t)
	w.WriteString("# EOF\n")
}

// outage is 5 % of calls that fail from 6 h on for half an hour.
func outage(at time.Duration) float64 {
	if at >= 6*time.Hour && at < 6*time.Hour+30*time.Minute {
		return 0.05
	}
	return 0
}

func file() *written {
	w := &written{start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	const length = 12 * time.Hour
	w.counters("availability", length, outage)
	w.promise(length)
	return w
}

// A file is replayed by the evaluator itself: the outage pages once, from its fast
// window, and ends; the budget is what was spent.
func TestBacktestOfAFile(t *testing.T) {
	w := file()
	got, err := BacktestFile(t.Context(), FileTrial{Text: []byte(w.String()), Interval: 15 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if got.Function != string(tried) || got.Pages != 1 || got.Tickets != 0 || got.SLO.Window != "30d" || len(got.Objectives) != 1 {
		t.Fatalf("%+v", got)
	}
	began := w.start.Add(6 * time.Hour)
	found := false
	for _, a := range got.Alerts {
		if a.Window != "1h/5m" {
			continue
		}
		found = true
		if late := a.FiredAt.Sub(began); late < 0 || late > 20*time.Minute {
			t.Errorf("fired %s after it began", late)
		}
		if a.EndedAt == nil || a.EndedAt.Before(began.Add(30*time.Minute)) || a.EndedAt.After(began.Add(40*time.Minute)) {
			t.Errorf("ended at %v", a.EndedAt)
		}
		if a.Class != "page" || !strings.Contains(a.Why, "% of events are bad over 5m") || !strings.Contains(a.Ended, "good") {
			t.Errorf("%+v", a)
		}
	}
	if !found {
		t.Errorf("the fast window did not fire: %+v", got.Alerts)
	}
	// 120 samples of 2881 with 5 % bad: 2.08 times the sustainable rate, for a 60th of the window.
	o := got.Objectives[0]
	if o.Burn == nil || *o.Burn < 2 || *o.Burn > 2.2 || *o.BudgetUsed < 0.033 || *o.BudgetUsed > 0.037 {
		t.Errorf("%+v", o)
	}
}

// Another objective is another verdict over the same history.
func TestBacktestOfAChangedObjective(t *testing.T) {
	text := []byte(file().String())
	try := func(s function.SLO) wire.Backtest {
		got, err := BacktestFile(t.Context(), FileTrial{Text: text, Name: tried, SLO: &s, Interval: 15 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	s := function.SLO{Availability: 99, Window: function.Duration(30 * 24 * time.Hour), Latency: []function.Latency{}}
	if got := try(s); got.Pages != 0 {
		t.Errorf("5 %% of errors for half an hour page at 99 %%: %+v", got)
	}
	s.Availability, s.Window = 99.9, function.Duration(7*24*time.Hour)
	if got := try(s); got.Pages != 1 || got.SLO.Window != "7d" {
		t.Errorf("%+v", got)
	}
	// The counters of one threshold say nothing of another.
	s.Latency = []function.Latency{{Quantile: 0.99, Threshold: function.Duration(time.Second)}}
	w := &written{start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	w.counters("latency-p99", time.Hour, outage)
	w.family(metric.Threshold, "gauge")
	fmt.Fprintf(w, "%s{team=\"shop\",project=\"web\",function=\"home\",slo=\"latency-p99\"} 0.3 %d\n# EOF\n", metric.Threshold, w.start.Unix())
	text = []byte(w.String())
	_, err := BacktestFile(t.Context(), FileTrial{Text: text, SLO: &s, Interval: 15 * time.Second})
	if !errors.Is(err, alerting.ErrNoHistory) {
		t.Errorf("a file of another threshold: %v", err)
	}
}

func TestBacktestRefusesFiles(t *testing.T) {
	w := file()
	for what, c := range map[string]struct {
		trial FileTrial
		want  string
	}{
		"no text of metrics":  {FileTrial{Text: []byte("hello\n")}, "OpenMetrics"},
		"cut off":             {FileTrial{Text: []byte(strings.TrimSuffix(w.String(), "# EOF\n"))}, "OpenMetrics"},
		"no times":            {FileTrial{Text: []byte("# TYPE hadron_slo_events counter\nhadron_slo_events_total{team=\"a\"} 1\n# EOF\n")}, "no time"},
		"nothing of Hadron's": {FileTrial{Text: []byte("# TYPE up gauge\nup 1 1\n# EOF\n")}, "no samples"},
		"another function":    {FileTrial{Text: []byte(w.String()), Name: "a/b/c"}, "a/b/c"},
		"too often":           {FileTrial{Text: []byte(w.String()), Interval: time.Millisecond}, "too long"},
	} {
		if c.trial.Interval == 0 {
			c.trial.Interval = 15 * time.Second
		}
		if _, err := BacktestFile(t.Context(), c.trial); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// The store's history is replayed with the windows before it filled; a threshold that
// was not counted by is worked out from the histogram of durations.
func TestBacktestOfTheStore(t *testing.T) {
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const length = 8 * time.Hour
	labels := func(name string, more ...string) *metric.Series {
		return &metric.Series{Labels: append(seriesOf(name, tried), metric.NewLabels("", more...)...)}
	}
	events, bad := labels(metric.Events, metric.SLO, "latency-p99", metric.Version, "1"), labels(metric.BadEvents, metric.SLO, "latency-p99", metric.Version, "1")
	threshold, durations := labels(metric.Threshold, metric.SLO, "latency-p99"), labels(metric.Duration, metric.Version, "1")
	// All calls take some 200 ms, and from 6 h on for half an hour 900 ms: both
	// are under the threshold that was counted by.
	var fast, slow uint64
	for at := time.Duration(0); at <= length; at += 15 * time.Second {
		if at >= 6*time.Hour && at < 6*time.Hour+30*time.Minute {
			slow += 1000
		} else {
			fast += 1000
		}
		now := start.Add(at).UnixMilli()
		if err := db.Append(t.Context(), []metric.Sample{
			{Series: events, T: now, V: float64(fast + slow)},
			{Series: bad, T: now},
			{Series: threshold, T: now, V: 1},
			{Series: durations, T: now, H: durationsOf(fast, slow)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	a := &App{}
	a.parts.metrics = db
	a.cfg.Metrics.Interval, a.cfg.Alerting.Interval = 15*time.Second, 15*time.Second
	try := func(limit time.Duration) wire.Backtest {
		t.Helper()
		got, err := a.backtest(t.Context(), function.Function{Name: tried}, api.BacktestQuery{
			SLO:  function.SLO{Availability: 99.9, Window: function.Duration(30 * 24 * time.Hour), Latency: []function.Latency{{Quantile: 0.99, Threshold: function.Duration(limit)}}},
			From: start.Add(5 * time.Hour), To: start.Add(length),
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := try(time.Second); got.Pages != 0 || len(got.Notes) != 0 {
		t.Errorf("by the threshold that was counted: %+v", got)
	}
	got := try(500 * time.Millisecond)
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "histogram") {
		t.Errorf("notes %q", got.Notes)
	}
	o := got.Objectives[1]
	if o.Name != "latency-p99" || o.Bad < 119_000 || o.Bad > 121_000 {
		t.Errorf("%+v, want 120 times 1000 slow calls", o)
	}
	if got.Pages != 1 {
		t.Errorf("%+v", got)
	}
	if _, err := a.backtest(t.Context(), function.Function{Name: "a/b/c"}, api.BacktestQuery{SLO: function.DefaultSLO(), From: start, To: start.Add(length)}); !errors.Is(err, alerting.ErrNoHistory) {
		t.Errorf("a function without history: %v", err)
	}
}

// durationsOf has calls of some 200 ms and some 900 ms, in buckets a twelfth wide.
func durationsOf(fast, slow uint64) *metric.Histogram {
	h := &metric.Histogram{Schema: 3, Count: fast + slow, Sum: 0.2*float64(fast) + 0.9*float64(slow)}
	// 2^(i/8): 0.2 lies in bucket -18, 0.9 in bucket -1.
	h.Spans = []metric.Span{{Offset: -18, Length: 1}, {Offset: 16, Length: 1}}
	h.Deltas = []int64{int64(fast), int64(slow) - int64(fast)}
	return h
}

func TestIncidents(t *testing.T) {
	at := func(m int) time.Time { return time.Unix(0, 0).Add(time.Duration(m) * time.Minute) }
	alert := func(name string, class slo.Class, from, to int) wire.BacktestAlert {
		a := wire.BacktestAlert{SLO: name, Class: string(class), FiredAt: at(from)}
		if to > 0 {
			a.EndedAt = new(at(to))
		}
		return a
	}
	pages, tickets := incidentsOf([]wire.BacktestAlert{
		alert("a", slo.Page, 0, 10), alert("a", slo.Ticket, 5, 20), alert("a", slo.Page, 20, 25), // one incident, which pages
		alert("a", slo.Ticket, 30, 40),                             // one that does not
		alert("b", slo.Ticket, 0, 0), alert("b", slo.Page, 50, 60), // one that goes on, and pages late
	}, at(100))
	if pages != 2 || tickets != 1 {
		t.Errorf("%d pages and %d tickets", pages, tickets)
	}
}
