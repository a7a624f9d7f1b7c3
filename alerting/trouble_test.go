package alerting_test

import (
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

// Over a real store: three functions wait for one host, which takes half a second where it
// took a tenth, beside another that is as fast as ever. Nobody else is blamed.
func TestSlowDependencyOnARealStore(t *testing.T) {
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	all := some("ours", 3)
	w := newWorld(all...)
	w.now = time.Now().Truncate(time.Second).Add(-24 * time.Hour)
	store := newMemory()
	cfg := w.config(store)
	cfg.Query, cfg.Unmeasured = db.Query, false
	e, err := alerting.New(cfg)
	if err == nil {
		err = e.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	tick := &ticking{e, t, w}
	kept := map[string]*metric.Series{} // a series has one reference
	var calls, slow uint64
	pass := func(intervals int, late bool) {
		t.Helper()
		for range intervals {
			calls += 20
			if late {
				slow += 20
			}
			at := w.now.Add(interval).UnixMilli()
			var batch []metric.Sample
			put := func(s metric.Sample, name string, pairs ...string) {
				key := strings.Join(append(pairs, name), " ")
				if kept[key] == nil {
					kept[key] = &metric.Series{Labels: metric.NewLabels(name, pairs...)}
				}
				s.Series, s.T = kept[key], at
				batch = append(batch, s)
			}
			for _, name := range all {
				base := []string{metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base()}
				with := func(pairs ...string) []string { return append(append([]string{}, base...), pairs...) }
				for slo, bad := range map[string]uint64{"availability": 0, "latency-p99": slow} {
					put(metric.Sample{V: float64(calls)}, metric.Events, with(metric.SLO, slo)...)
					put(metric.Sample{V: float64(bad)}, metric.BadEvents, with(metric.SLO, slo)...)
				}
				for host, took := range map[string]uint64{"pay.example": slow, "fine.example": 0} {
					put(metric.Sample{V: float64(calls)}, metric.Fetches, with(metric.Host, host, metric.CodeName, "2xx")...)
					put(metric.Sample{H: &metric.Histogram{ // up to 0.11 s, and up to 0.55 s
						Schema: 3, ZeroThreshold: 1e-6, Count: calls, Sum: 0.1*float64(calls-took) + 0.5*float64(took),
						Spans: []metric.Span{{Offset: -26, Length: 1}, {Offset: 18, Length: 1}}, Deltas: []int64{int64(calls - took), int64(took) - int64(calls-took)},
					}}, metric.FetchTime, with(metric.Host, host)...)
				}
			}
			if err := db.Append(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if msg := tick.tick(interval); msg != "" {
				t.Fatal(msg)
			}
		}
	}
	pass(60, false)
	wantTold(t, store)
	pass(20, true)
	wantTold(t, store, "trigger ours/app/f0 critical")
	if ev := store.written[0].Event; !strings.Contains(ev.Summary, "pay.example is slow for 3 functions") {
		t.Error(ev.Summary)
	}
}
