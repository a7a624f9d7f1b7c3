package dashgen_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"hadron/collector/metric"
	"hadron/dashgen"
	"hadron/storage/tsdb"
)

// values are the variables as the built-in UI would choose them.
var values = map[string]string{"__rate_interval": "1m", "version": ".+"}

func TestExpressionsParse(t *testing.T) {
	for name, spec := range specs(t) {
		d := dashgen.ForFunction(spec)
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
				if latency := strings.Contains(q.Expr, metric.Duration); latency != (n == 0) {
					t.Errorf("panel %q: %d series for %s", p.Title, n, q.At(values))
				}
			}
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
		{series: series(metric.Info, metric.Version, "3", metric.AliasOf, "live"), each: 1, gauge: true},
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
		)
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
