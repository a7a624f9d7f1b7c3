package dashgen_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/dashgen"
	"hadron/storage/tsdb"
)

// values are the variables as the built-in UI would choose them.
var values = map[string]string{"__rate_interval": "1m", "version": ".+", "instance": ".+", "window": "5m"}

func TestExpressionsParse(t *testing.T) {
	for name, d := range boards(t) {
		var queries []dashgen.Query
		for _, a := range d.Annotations {
			queries = append(queries, dashgen.Query{Expr: a.Expr})
		}
		for _, row := range d.Rows {
			for _, p := range row.Panels {
				queries = append(queries, p.Queries...)
				if p.Description == "" || p.Title == "" || p.Unit == "" {
					t.Errorf("%s: panel %d lacks a title, unit or description", name, p.ID)
				}
			}
		}
		for _, q := range queries {
			expr := q.At(values)
			if strings.Contains(expr, "$") {
				t.Errorf("%s: a variable is left in %s", name, expr)
			}
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(expr); err != nil {
				t.Errorf("%s: %s: %v", name, expr, err)
			}
		}
	}
}

// TestQueriesReturnData runs every query of every panel on the metric store, with
// the series that the collector writes for a function that has been called.
func TestQueriesReturnData(t *testing.T) {
	for name, spec := range specs(t) {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			now := time.Now().Truncate(time.Second)
			fill(t, db, spec, now, true)
			for _, row := range dashgen.ForFunction(spec).Rows {
				for _, p := range row.Panels {
					for _, q := range p.Queries {
						if n := answers(t, db, q, now); n == 0 {
							t.Errorf("panel %q: no data for %s", p.Title, q.At(values))
						}
					}
				}
			}
		})
	}
}

// TestQuietFunction: a function that nobody has called is drawn as zeros wherever
// a zero is true; only latency, which no call has, stays empty.
func TestQuietFunction(t *testing.T) {
	spec := specs(t)["default"]
	db := open(t)
	now := time.Now().Truncate(time.Second)
	fill(t, db, spec, now, false)
	for _, row := range dashgen.ForFunction(spec).Rows {
		for _, p := range row.Panels {
			for _, q := range p.Queries {
				n := answers(t, db, q, now)
				if latency := strings.Contains(q.Expr, metric.Duration) || strings.Contains(q.Expr, metric.FetchTime); latency != (n == 0) {
					t.Errorf("panel %q: %d series for %s", p.Title, n, q.At(values))
				}
			}
		}
	}
}

// TestOverviewsReturnData runs every query of overviews on the series that
// recording rules and the collector write.
func TestOverviewsReturnData(t *testing.T) {
	spec := specs(t)["default"]
	db := open(t)
	now := time.Now().Truncate(time.Second)
	fill(t, db, spec, now, true)
	record(t, db, spec, now)
	for _, name := range []string{"everything", "team", "project"} {
		for _, row := range boards(t)[name].Rows {
			for _, p := range row.Panels {
				for _, q := range p.Queries {
					if n := answers(t, db, q, now); n == 0 {
						t.Errorf("%s: panel %q: no data for %s", name, p.Title, q.At(values))
					}
				}
			}
		}
	}
}

// TestStateFollowsAlerts: the one word of a dashboard's first panel.
func TestStateFollowsAlerts(t *testing.T) {
	spec := specs(t)["default"]
	now := time.Now().Truncate(time.Second)
	state := func(prepare func(db *tsdb.DB)) float64 {
		db := open(t)
		prepare(db)
		for _, p := range dashgen.ForFunction(spec).Rows[0].Panels {
			if p.Title == "State" {
				points, err := db.Query(context.Background(), p.Queries[0].At(values), now)
				if err != nil || len(points) != 1 {
					t.Fatalf("%v, %v", points, err)
				}
				return points[0].V
			}
		}
		t.Fatal("there is no state")
		return 0
	}
	alert := func(db *tsdb.DB, class string) {
		name := spec.Function.Name
		series := &metric.Series{Labels: metric.NewLabels("ALERTS", metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(),
			"alertstate", "firing", slo.ClassLabel, class)}
		if err := db.Append(context.Background(), []metric.Sample{{Series: series, T: now.UnixMilli(), V: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	for want, prepare := range map[float64]func(*tsdb.DB){
		0: func(db *tsdb.DB) { fill(t, db, spec, now, false) },
		2: func(db *tsdb.DB) { fill(t, db, spec, now, true) }, // one in twenty fails
		3: func(db *tsdb.DB) { fill(t, db, spec, now, true); alert(db, "page") },
	} {
		if got := state(prepare); got != want {
			t.Errorf("state %v, want %v", got, want)
		}
	}
	if got := state(func(db *tsdb.DB) { fill(t, db, spec, now, false); alert(db, "ticket") }); got != 2 {
		t.Errorf("with a ticket: %v", got)
	}
}

// record writes what recording rules would.
func record(t *testing.T, db *tsdb.DB, spec dashgen.Spec, now time.Time) {
	t.Helper()
	name := spec.Function.Name
	whose := []string{metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base()}
	series := func(record string, of int, more ...string) *metric.Series {
		return &metric.Series{Labels: metric.NewLabels(record, append(slices.Clone(whose[:of]), more...)...)}
	}
	for i := range 21 {
		at := now.Add(time.Duration(i-20) * 15 * time.Second).UnixMilli()
		samples := []metric.Sample{
			{Series: series(metric.FunctionRate, 6), V: 2},
			{Series: series(metric.FunctionErrors, 6), V: 0.1},
			{Series: series(metric.FunctionCPU, 6), V: 0.1},
			{Series: series(metric.ProjectRate, 4), V: 2},
			{Series: series(metric.ProjectErrors, 4, metric.CodeName, "timeout"), V: 0.1},
			{Series: series(metric.ProjectDeploys, 4), V: 1},
			{Series: series(metric.ProjectLatency, 4), H: &metric.Histogram{Schema: 3, ZeroThreshold: 1e-6, Count: 20, Sum: 2, Spans: []metric.Span{{Offset: -26, Length: 1}}, Deltas: []int64{20}}},
			{Series: series(slo.BudgetRecord, 6, metric.SLO, "availability", slo.SLOWindowLabel, "30d"), V: -0.5},
			{Series: series(slo.BurnRecord, 6, metric.SLO, "availability", slo.SLOWindowLabel, "30d", slo.WindowLabel, "1h"), V: 20},
			{Series: series("ALERTS", 6, metric.SLO, "availability", "alertstate", "firing", slo.ClassLabel, "page", slo.WindowLabel, "1h/5m"), V: 1},
			// A version that went live a moment ago.
			{Series: series(metric.Deployments, 6, metric.Version, "9"), V: map[bool]float64{true: 0, false: 1}[i < 19]},
		}
		for j := range samples {
			samples[j].T = at
		}
		if err := db.Append(context.Background(), samples); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T) *tsdb.DB {
	t.Helper()
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// answers counts the series of an answer; a histogram is asked for its count.
func answers(t *testing.T, db *tsdb.DB, q dashgen.Query, at time.Time) int {
	t.Helper()
	expr := q.At(values)
	if q.Heatmap {
		expr = "histogram_count(" + expr + ")"
	}
	points, err := db.Query(context.Background(), expr, at)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return len(points)
}

// fill writes ten minutes of a function's series as the collector does: what an
// alias names exists from registration, the rest from its first use.
func fill(t *testing.T, db *tsdb.DB, spec dashgen.Spec, now time.Time, called bool) {
	t.Helper()
	name := spec.Function.Name
	series := func(metricName string, pairs ...string) *metric.Series {
		labels := append([]string{
			metric.Job, metric.JobValue, metric.Instance, "node-1",
			metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(),
		}, pairs...)
		return &metric.Series{Labels: metric.NewLabels(metricName, labels...)}
	}
	type line struct {
		series *metric.Series
		each   float64 // added each step; of a gauge, its value
		gauge  bool
		hist   bool
	}
	lines := []line{
		{series: series(metric.Concurrency), each: 100, gauge: true},
		{series: series(metric.Deployments, metric.Version, "3"), each: 1},
		{series: series(metric.Invocations, metric.Version, "3", metric.Trigger, "http"), each: 20},
	}
	for _, o := range spec.Function.Spec.SLO.Objectives() {
		lines = append(lines,
			line{series: series(metric.Objective, metric.SLO, o.Name), each: o.Ratio, gauge: true},
			line{series: series(metric.Events, metric.Version, "3", metric.SLO, o.Name), each: 20},
			line{series: series(metric.BadEvents, metric.Version, "3", metric.SLO, o.Name), each: 1},
		)
	}
	if called {
		lines = append(lines,
			line{series: series(metric.InFlight, metric.Version, "3"), each: 2, gauge: true},
			line{series: series(metric.Errors, metric.Version, "3", metric.CodeName, "function_error"), each: 1},
			line{series: series(metric.Refused, metric.CodeName, "overloaded"), each: 1},
			line{series: series(metric.CPU, metric.Version, "3"), each: 0.1},
			line{series: series(metric.Queue, metric.Version, "3"), each: 0.01},
			line{series: series(metric.ColdStarts, metric.Version, "3"), each: 1},
			line{series: series(metric.Duration, metric.Version, "3"), each: 20, hist: true},
			line{series: series(metric.Init, metric.Version, "3"), each: 1, hist: true},
			line{series: series(metric.Fetches, metric.Version, "3", metric.Host, "api.example", metric.CodeName, "2xx"), each: 1},
			line{series: series(metric.FetchTime, metric.Version, "3", metric.Host, "api.example"), each: 1, hist: true},
		)
		for _, m := range spec.Own {
			l := line{series: series(m.Name, metric.Version, "3", "kind", "jpeg"), each: 1}
			l.gauge, l.hist = m.Kind == dashgen.OwnGauge, m.Kind == dashgen.OwnHistogram
			lines = append(lines, l)
		}
	}
	const step = 15 * time.Second
	for i := range 41 {
		at := now.Add(time.Duration(i-40) * step).UnixMilli()
		var samples []metric.Sample
		for _, l := range lines {
			s := metric.Sample{Series: l.series, T: at, V: l.each * float64(i)}
			switch {
			case l.gauge:
				s.V = l.each
			case !called:
				s.V = 0
			case l.hist:
				n := uint64(l.each) * uint64(i)
				s.H = &metric.Histogram{Schema: 3, ZeroThreshold: 1e-6, Count: n, Sum: 0.1 * float64(n), Spans: []metric.Span{{Offset: -26, Length: 1}}, Deltas: []int64{int64(n)}}
			}
			samples = append(samples, s)
		}
		if err := db.Append(context.Background(), samples); err != nil {
			t.Fatal(err)
		}
	}
}
