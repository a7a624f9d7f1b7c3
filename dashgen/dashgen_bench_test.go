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

func BenchmarkForFunction(b *testing.B) {
	spec := specs(b)["default"]
	for b.Loop() {
		dashgen.ForFunction(spec)
	}
}

func BenchmarkGrafana(b *testing.B) {
	board := boards(b)["default"]
	for b.Loop() {
		render(b, board)
	}
}

// BenchmarkOverviewOf10000 runs every query of the dashboard of everything over six
// hours, as Grafana would, with the recorded series of ten thousand functions.
func BenchmarkOverviewOf10000(b *testing.B) {
	db, err := tsdb.Open(tsdb.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	const functions, step = 10_000, 5 * time.Minute
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
		add(metric.Info, i, metric.Version, "1", metric.AliasOf, "live")
		for _, o := range []string{"availability", "latency-p99"} {
			add(slo.BudgetRecord, i, metric.SLO, o, slo.SLOWindowLabel, "30d")
			add(slo.BurnRecord, i, metric.SLO, o, slo.SLOWindowLabel, "30d", slo.WindowLabel, "1h")
		}
	}
	samples := make([]metric.Sample, len(series))
	for at := now.Add(-6 * time.Hour); !at.After(now); at = at.Add(step) {
		for i, s := range series {
			samples[i] = metric.Sample{Series: s, T: at.UnixMilli(), V: float64(i % 97)}
		}
		if err := db.Append(b.Context(), samples); err != nil {
			b.Fatal(err)
		}
	}
	board := boards(b)["everything"]
	b.ResetTimer()
	for b.Loop() {
		for _, row := range board.Rows {
			for _, p := range row.Panels {
				for _, q := range p.Queries {
					expr := q.At(values)
					switch {
					case q.Heatmap:
						continue
					case q.Instant:
						_, err = db.Query(b.Context(), expr, now)
					default:
						_, err = db.QueryRange(b.Context(), expr, now.Add(-6*time.Hour), now, 2*time.Minute)
					}
					if err != nil {
						b.Fatal(p.Title, err)
					}
				}
			}
		}
	}
}
