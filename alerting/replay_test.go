package alerting_test

import (
	"context"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// A replay says what the evaluator itself said while the same history happened.
func TestReplayIsWhatHappened(t *testing.T) {
	l := newLab(t, greeting)
	from := l.w.now.Add(interval)
	var happened []alerting.Key
	seen := map[alerting.Key]bool{}
	note := func() {
		for _, a := range l.Alerts(alerting.Filter{}) {
			if a.State == alerting.Firing && !seen[a.Key] {
				seen[a.Key] = true
				happened = append(happened, a.Key)
			}
		}
	}
	for _, phase := range []struct {
		intervals int
		good, bad float64
	}{{40, 20, 0}, {20, 10, 10}, {30, 0, 0}, {200, 20, 0}} {
		for range phase.intervals {
			l.pass(1, phase.good, phase.bad, false)
			note()
		}
	}
	ranges := 0
	got, err := alerting.Replay(t.Context(), alerting.ReplayConfig{
		QueryRange: func(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]metric.Range, error) {
			ranges++
			return l.db.QueryRange(ctx, expr, start, end, step)
		},
		Functions: []*function.Function{l.w.functions[greeting]},
		From:      from, To: l.w.now, Interval: interval, Rollups: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if ranges > 40 { // four counts of four rules, an hour at a time
		t.Errorf("%d range queries: windows are not read ahead", ranges)
	}
	replayed := map[alerting.Key]alerting.Episode{}
	for _, e := range got {
		replayed[e.Key] = e
		if e.Why == "" || e.ActiveAt.Before(from) || !e.EndedAt.IsZero() && e.Ended == "" {
			t.Errorf("%+v", e)
		}
	}
	if len(got) != len(happened) || len(happened) < 2 {
		t.Fatalf("%d episodes, %d alerts fired", len(got), len(happened))
	}
	now := map[alerting.Key]alerting.Alert{}
	for _, a := range l.Alerts(alerting.Filter{}) {
		now[a.Key] = a
	}
	for _, k := range happened {
		e, ok := replayed[k]
		if !ok {
			t.Errorf("%v fired, and not in the replay", k)
			continue
		}
		if a := now[k]; a.State == alerting.Firing && (!e.EndedAt.IsZero() || !e.FiredAt.Equal(a.Since)) {
			t.Errorf("%v fires since %s, in the replay %s to %s", k, a.Since, e.FiredAt, e.EndedAt)
		}
	}
}

// Another objective over the same history gives other alerts: that is what a preview is for.
func TestReplayOfAnotherObjective(t *testing.T) {
	l := newLab(t, greeting)
	from := l.w.now.Add(interval)
	l.pass(300, 1000, 8, false)
	f := *l.w.functions[greeting]
	for _, c := range []struct {
		availability float64
		pages        bool
	}{{99.99, true}, {99.9, true}, {99, false}} {
		f.Spec.SLO.Availability, f.Spec.SLO.Latency = c.availability, []function.Latency{}
		got, err := alerting.Replay(t.Context(), alerting.ReplayConfig{
			QueryRange: l.db.QueryRange, Functions: []*function.Function{&f}, From: from, To: l.w.now, Interval: interval,
		})
		if err != nil {
			t.Fatal(err)
		}
		if pages := len(got) > 0 && got[0].Class == slo.Page; pages != c.pages {
			t.Errorf("at %v %%: %+v", c.availability, got)
		}
	}
}
