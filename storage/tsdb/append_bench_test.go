package tsdb_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

const benchSeries = 10_000

// BenchmarkAppend writes one sample to each of 10,000 known series an iteration;
// its ratio to BenchmarkRawAppend is what our door costs.
func BenchmarkAppend(b *testing.B) {
	db := open(b, tsdb.Config{})
	batch := make([]metric.Sample, benchSeries)
	for i := range batch {
		batch[i].Series = series("bench_total", "team", "t", "function", strconv.Itoa(i))
	}
	at := time.Now().Add(-time.Hour).UnixMilli()
	b.ReportAllocs()
	for b.Loop() {
		at++
		for i := range batch {
			batch[i].T, batch[i].V = at, float64(at)
		}
		if err := db.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*benchSeries/b.Elapsed().Seconds(), "samples/s")
}

// BenchmarkRawAppend does the same with Prometheus's own appender.
func BenchmarkRawAppend(b *testing.B) {
	options := promtsdb.DefaultOptions()
	options.WALCompression = "snappy"
	options.OutOfOrderTimeWindow = (10 * time.Minute).Milliseconds()
	db, err := promtsdb.Open(b.TempDir(), nil, nil, options, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	sets, refs := make([]labels.Labels, benchSeries), make([]storage.SeriesRef, benchSeries)
	for i := range sets {
		sets[i] = labels.FromStrings("__name__", "bench_total", "team", "t", "function", strconv.Itoa(i))
	}
	at := time.Now().Add(-time.Hour).UnixMilli()
	b.ReportAllocs()
	for b.Loop() {
		at++
		appender := db.AppenderV2(b.Context())
		for i := range sets {
			if refs[i], err = appender.Append(refs[i], sets[i], 0, at, float64(at), nil, nil, storage.AOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		if err := appender.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*benchSeries/b.Elapsed().Seconds(), "samples/s")
}

// BenchmarkQuery is one grouped rate over 1,000 series of 15 minutes.
func BenchmarkQuery(b *testing.B) {
	db := open(b, tsdb.Config{})
	at := time.Now().Add(-15 * time.Minute).Truncate(time.Second)
	batch := make([]metric.Sample, 1000)
	for i := range batch {
		batch[i].Series = series("bench_total", "function", strconv.Itoa(i%100), "version", strconv.Itoa(i))
	}
	for step := range 60 {
		for i := range batch {
			batch[i].T, batch[i].V = at.Add(time.Duration(step)*15*time.Second).UnixMilli(), float64(step*i)
		}
		if err := db.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		points, err := db.Query(b.Context(), "sum by (function) (rate(bench_total[5m]))", at.Add(15*time.Minute))
		if err != nil || len(points) != 100 {
			b.Fatal(len(points), err)
		}
	}
}
