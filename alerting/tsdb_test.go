package alerting_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// lab is an evaluator over a real metric store and the counters of one function.
type lab struct {
	*ticking
	db     *tsdb.DB
	series map[string]*metric.Series
	bad    float64
	all    float64
}

func newLab(tb testing.TB, names ...function.Name) *lab {
	tb.Helper()
	db, err := tsdb.Open(tsdb.Config{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	w := newWorld(names...)
	w.now = time.Now().Truncate(time.Second).Add(-24 * time.Hour)
	cfg := w.config(newMemory())
	cfg.Query = db.Query
	e, err := alerting.New(cfg)
	if err == nil {
		err = e.Load(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	l := &lab{ticking: &ticking{e, tb, w}, db: db, series: map[string]*metric.Series{}}
	for _, name := range []string{metric.Events, metric.BadEvents, metric.Objective} {
		pairs := []string{metric.Team, "growth", metric.Project, "signup", metric.Function, "greeting", metric.SLO, "availability"}
		if name == metric.Objective {
			pairs = append(pairs, "window", "30d")
		}
		l.series[name] = &metric.Series{Labels: metric.NewLabels(name, pairs...)}
	}
	return l
}

// pass lets so many intervals pass, each with so many good and bad calls; without
// samples where silent.
func (l *lab) pass(intervals int, good, bad float64, silent bool) {
	l.tb.Helper()
	for range intervals {
		l.all, l.bad = l.all+good+bad, l.bad+bad
		at := l.w.now.Add(interval)
		if !silent {
			var batch []metric.Sample
			for name, v := range map[string]float64{metric.Events: l.all, metric.BadEvents: l.bad, metric.Objective: 0.999} {
				batch = append(batch, metric.Sample{Series: l.series[name], T: at.UnixMilli(), V: v})
			}
			if err := l.db.Append(l.tb.Context(), batch); err != nil {
				l.tb.Fatal(err)
			}
		}
		if msg := l.tick(interval); msg != "" {
			l.tb.Fatal(msg)
		}
	}
}

// page is the state of the fastest page and its reason.
func (l *lab) page() (alerting.State, string) {
	defs := l.Definitions(*l.w.functions[greeting])
	return defs[0].State, defs[0].Reason
}

func (l *lab) want(state alerting.State, reason string) {
	l.tb.Helper()
	if got, why := l.page(); got != state || !strings.Contains(why, reason) {
		l.tb.Errorf("%s (%s), want %s (%s)", got, why, state, reason)
	}
}

func TestOutageOnARealStore(t *testing.T) {
	l := newLab(t, greeting)
	l.pass(8, 0, 0, false) // registered, never called
	l.want(alerting.Inactive, "")
	l.pass(40, 20, 0, false)
	l.want(alerting.Inactive, "")
	l.pass(3, 0, 20, false)
	l.want(alerting.Firing, "of events are bad")
	l.pass(40, 0, 0, false) // nobody calls any more
	l.want(alerting.Firing, "traffic stopped")
	l.pass(8, 0, 0, true) // the collector is away
	l.want(alerting.Firing, "")
	l.all, l.bad = 0, 0 // and begins anew
	l.pass(1, 1, 0, false)
	l.want(alerting.Firing, "")
	l.pass(30, 20, 0, false)
	l.want(alerting.Resolved, "are good")
}

func TestQuietFunctionOnARealStore(t *testing.T) {
	l := newLab(t, greeting)
	l.pass(8, 0, 0, false)
	l.pass(1, 0, 1, false) // a failure
	l.pass(20, 0, 0, false)
	l.want(alerting.Inactive, "")
	l.pass(1, 1, 1, false) // another, beside a success
	l.want(alerting.Inactive, "")
	l.pass(21, 0, 0, false)
	l.pass(1, 0, 1, false)
	l.want(alerting.Firing, "100 %")
	for range 3 {
		l.pass(1, 1, 0, false)
		l.pass(5, 0, 0, false)
	}
	l.want(alerting.Firing, "") // the last failures lie within the short window
	l.pass(10, 1, 0, false)
	l.want(alerting.Resolved, "")
}

// A reset of the counters is no failure and hides none.
func TestCounterResetOnARealStore(t *testing.T) {
	l := newLab(t, greeting)
	l.pass(40, 20, 0, false)
	l.all, l.bad = 0, 0
	l.pass(4, 20, 0, false)
	l.want(alerting.Inactive, "")
	l.pass(2, 0, 20, false)
	l.all, l.bad = 0, 0
	l.pass(2, 0, 20, false)
	l.want(alerting.Firing, "")
}

// BenchmarkTick is one evaluation of all four rules over many functions and a real
// store, in which an hour of samples lies.
func BenchmarkTick(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("functions=%d", n), func(b *testing.B) { benchTick(b, n) })
	}
}

func benchTick(b *testing.B, n int) {
	l := newLab(b, greeting)
	var series []*metric.Series
	for i := range n {
		name := function.Name(fmt.Sprintf("growth/signup/f%d", i))
		l.w.register(name, nil)
		for _, o := range l.w.functions[name].Spec.SLO.Objectives() {
			for _, s := range []string{metric.Events, metric.BadEvents, metric.Objective} {
				pairs := []string{metric.Team, "growth", metric.Project, "signup", metric.Function, name.Base(), metric.SLO, o.Name}
				if s == metric.Objective {
					pairs = append(pairs, slo.WindowLabel, "30d")
				}
				series = append(series, &metric.Series{Labels: metric.NewLabels(s, pairs...)})
			}
		}
	}
	batch := make([]metric.Sample, len(series))
	for i := range 240 {
		for j, s := range series {
			v := map[string]float64{metric.Events: float64(10 * i), metric.BadEvents: float64(i / 100), metric.Objective: 0.999}
			batch[j] = metric.Sample{Series: s, T: l.w.now.Add(time.Duration(i) * interval).UnixMilli(), V: v[s.Labels.Get(metric.Name)]}
		}
		if err := l.db.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	l.w.now = l.w.now.Add(time.Hour)
	cfg := l.w.config(newMemory())
	cfg.Query = l.db.Query
	for b.Loop() {
		cfg.Registerer = nil
		e, err := alerting.New(cfg) // a new one, whose rules are all due
		if err == nil {
			err = e.Load(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
		if msg := e.Tick(b.Context()); msg != "" {
			b.Fatal(msg)
		}
	}
}
