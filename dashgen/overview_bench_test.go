package dashgen_test

import (
	"fmt"
	"testing"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/dashgen"
	"hadron/storage/tsdb"
)

// tenThousand is a store with six hours of the recorded series of ten thousand
// functions, in 20 teams of 5 projects, each step apart.
func tenThousand(b *testing.B, functions int, step time.Duration) (*tsdb.DB, time.Time) {
	b.Helper()
	db, err := tsdb.Open(tsdb.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	now := time.Now().Truncate(time.Second)
	var series []*metric.Series
	add := func(name string, i int, more ...string) {
		series = append(series, &metric.Series{Labels: metric.NewLabels(name, append([]string{
			metric.Team, fmt.Sprintf("t%d", i%20), metric.Project, fmt.Sprintf("p%d", i%100), metric.Function, fmt.Sprintf("f%d", i),
		}, more...)...)})
	}
	for i := range functions {
		add(metric.FunctionRate, i)
		add(metric.FunctionErrors, i)
		add(metric.FunctionCPU, i)
		add(metric.Deployments, i, metric.Version, "1")
		for _, o := range []string{"availability", "latency-p99"} {
			add(slo.BudgetRecord, i, metric.SLO, o, slo.SLOWindowLabel, "30d")
			for _, window := range []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"} {
				add(slo.BurnRecord, i, metric.SLO, o, slo.SLOWindowLabel, "30d", slo.WindowLabel, window)
			}
		}
	}
	for i := range 100 { // projects
		project := func(name string, more ...string) {
			series = append(series, &metric.Series{Labels: metric.NewLabels(name, append([]string{
				metric.Team, fmt.Sprintf("t%d", i%20), metric.Project, fmt.Sprintf("p%d", i),
			}, more...)...)})
		}
		project(metric.ProjectRate)
		project(metric.ProjectBudgets, metric.Budget, metric.BudgetSpent)
		project(metric.ProjectBudgets, metric.Budget, metric.BudgetLow)
		for _, code := range []string{"function_error", "timeout", "http_5xx"} {
			project(metric.ProjectErrors, metric.CodeName, code)
		}
	}
	samples := make([]metric.Sample, len(series))
	for at := now.Add(-6 * time.Hour); !at.After(now); at = at.Add(step) {
		for i, s := range series {
			samples[i] = metric.Sample{Series: s, T: at.UnixMilli(), V: float64(i%97) / 97}
		}
		if err := db.Append(b.Context(), samples); err != nil {
			b.Fatal(err)
		}
	}
	return db, now
}

// BenchmarkOverview runs each panel of the overviews over six hours, as Grafana
// would, with ten thousand functions. The panel's time is all of its queries'.
func BenchmarkOverview(b *testing.B) {
	db, now := tenThousand(b, 10_000, 4*time.Minute)
	place := dashgen.Place{Installation: "test", ExternalURL: "https://hadron.example"}
	for _, folder := range []dashgen.Folder{"", "t1", "t1/p1"} {
		board := dashgen.ForFolder(place, folder)
		for _, row := range board.Rows {
			for _, p := range row.Panels {
				b.Run(board.Title+"/"+p.Title, func(b *testing.B) {
					for b.Loop() {
						for _, q := range p.Queries {
							if q.Heatmap {
								continue
							}
							var err error
							if expr := q.At(values); q.Instant {
								_, err = db.Query(b.Context(), expr, now)
							} else {
								_, err = db.QueryRange(b.Context(), expr, now.Add(-6*time.Hour), now, 2*time.Minute)
							}
							if err != nil {
								b.Fatal(err)
							}
						}
					}
				})
			}
		}
	}
}
