package dashgen_test

import (
	"testing"
	"time"

	"hadron/collector/metric"
	"hadron/dashgen"
	"hadron/runtime/function"
)

// TestNodesOfOneFunction: what several nodes say of a function is one function. Limits
// are each node's own, so they add up; a version is deployed once, and a node that
// begins to write deploys nothing.
func TestNodesOfOneFunction(t *testing.T) {
	db := open(t)
	now := time.Now().Truncate(time.Second)
	name := function.Name("shop/checkout/pay")
	series := func(metricName, node string, pairs ...string) *metric.Series {
		return &metric.Series{Labels: metric.NewLabels(metricName, append([]string{
			metric.Job, metric.JobValue, metric.Instance, node,
			metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(),
		}, pairs...)...)}
	}
	for at := now.Add(-20 * time.Minute); !at.After(now); at = at.Add(15 * time.Second) {
		var samples []metric.Sample
		put := func(s *metric.Series, v float64) {
			samples = append(samples, metric.Sample{Series: s, T: at.UnixMilli(), V: v})
		}
		for i, node := range []string{"a", "b", "late"} {
			if node == "late" && now.Sub(at) > 3*time.Minute {
				continue
			}
			put(series(metric.Concurrency, node), 64)
			put(series(metric.InFlight, node, metric.Version, "3"), float64(10*i+5))
			// A node that comes late has counted no deployment of before.
			put(series(metric.Deployments, node, metric.Version, "3"), map[bool]float64{true: 0, false: 1}[node == "late"])
			put(series(metric.Deployments, node, metric.Version, "4"), 0)
		}
		if err := db.Append(t.Context(), samples); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(expr string) (n int, sum float64) {
		t.Helper()
		points, err := db.Query(t.Context(), dashgen.Query{Expr: expr}.At(values), now)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			sum += p.V
		}
		return len(points), sum
	}
	panel := func(d dashgen.Dashboard, title string) dashgen.Panel {
		for _, row := range d.Rows {
			for _, p := range row.Panels {
				if p.Title == title {
					return p
				}
			}
		}
		t.Fatalf("there is no panel %q", title)
		return dashgen.Panel{}
	}
	own, all := boards(t)["default"], boards(t)["project"]
	inFlight := panel(own, "In flight against limit").Queries
	if n, v := ask(inFlight[0].Expr); n != 1 || v != 45 {
		t.Errorf("in flight: %d series, %v", n, v)
	}
	if n, v := ask(inFlight[1].Expr); n != 1 || v != 3*64 {
		t.Errorf("limit: %d series, %v", n, v)
	}
	record := func(name string) string {
		for _, r := range dashgen.Records(interval)[0].Records {
			if r.Name == name {
				return r.Expr
			}
		}
		t.Fatalf("there is no rule %q", name)
		return ""
	}
	deployed := func(want int) {
		t.Helper()
		for what, expr := range map[string]string{
			"record":      record(metric.ProjectDeploys),
			"table":       panel(all, "New versions").Queries[0].Expr,
			"annotation":  own.Annotations[0].Expr,
			"annotations": all.Annotations[1].Expr,
		} {
			if n, v := ask(expr); n != want || v != float64(want) {
				t.Errorf("%s: %d deployments, as %v, want %d", what, n, v, want)
			}
		}
	}
	deployed(0)
	var samples []metric.Sample
	for _, node := range []string{"a", "b", "late"} {
		samples = append(samples, metric.Sample{Series: series(metric.Deployments, node, metric.Version, "4"), T: now.UnixMilli() + 1, V: 1})
	}
	if err := db.Append(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	deployed(1)
}
