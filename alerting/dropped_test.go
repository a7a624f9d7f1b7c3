package alerting_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
)

// A function that loses measurements hears how many, why, and by which metric and label.
func TestLostMeasurementsNameTheLabel(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	cfg := w.config(store)
	cfg.Unmeasured = false
	var budget string
	for _, s := range slo.Symptoms() {
		if s.Kind == slo.LabelBudget {
			budget = s.Expr("")
		}
	}
	of := func(v float64, pairs ...string) metric.Point {
		return metric.Point{V: v, Labels: metric.NewLabels("", append([]string{metric.Team, "growth", metric.Project, "signup", metric.Function, "greeting"}, pairs...)...)}
	}
	reasons := []metric.Point{{V: 3, Labels: metric.NewLabels("", metric.Reason, "value")}, {V: 4100, Labels: metric.NewLabels("", metric.Reason, "series")}}
	cfg.Query = func(ctx context.Context, expr string, at time.Time) ([]metric.Point, error) {
		switch {
		case expr == budget:
			return []metric.Point{of(4103)}, nil
		case strings.HasPrefix(expr, "sum by (reason)"):
			return reasons, nil
		case strings.HasPrefix(expr, "{__name__!~"):
			if !strings.Contains(expr, `team="growth",project="signup",function="greeting"`) {
				t.Errorf("asked of more than one function: %s", expr)
			}
			out := []metric.Point{of(1, metric.Name, "visits_total", "page", "home")}
			for i := range 40 {
				out = append(out, of(1, metric.Name, "orders_total", "session", fmt.Sprint(i), "kind", fmt.Sprint(i%3), metric.Version, fmt.Sprint(i+100), metric.Instance, fmt.Sprint(i)))
			}
			return out, nil
		case strings.HasPrefix(expr, "label_replace"):
			return w.query(ctx, expr, at)
		}
		return nil, nil
	}
	e, err := alerting.New(cfg)
	if err == nil {
		err = e.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	tick := &ticking{e, t, w}
	why := func() string {
		for _, a := range tick.Alerts(alerting.Filter{}) {
			if a.SLO == slo.LabelBudget {
				return a.Reason
			}
		}
		return ""
	}
	for range 8 {
		tick.mustTick()
	}
	const want = "4100 of the last hour were counted under other, for it has too many series; 3 of the last hour were lost, for their value is no finite number, " +
		"or less than 0 for a counter; orders_total has 40 of its series, most of them by the label session with 40 values"
	if got := why(); got != want {
		t.Errorf("%s", got)
	}
	if ev := store.written[0].Event; ev.Summary != "greeting loses measurements of its own metrics: "+want+"." {
		t.Error(ev.Summary)
	}
	reasons = nil // what cannot be told is not
	for range 8 {
		tick.mustTick()
	}
	if got := why(); !strings.HasPrefix(got, "4103 of the last hour were not kept") {
		t.Error(got)
	}
}
