package tsdb_test

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

const benchSeries = 10_000

// BenchmarkAppend writes one sample to each of 10,000 known series, through DB.Append and
// then through Prometheus's own appender, in turns, so that both meet the same machine. Both
// know each series by the reference that they were given before (DB.Append reads
// and checks its epoch for each sample), and both log to a WAL of snappy pages. The
// ratio is that of processor time, raw over ours: 1 is no cost at all.
func BenchmarkAppend(b *testing.B) {
	ours := open(b, tsdb.Config{})
	raw := openRaw(b)
	batch := make([]metric.Sample, benchSeries)
	sets, refs := make([]labels.Labels, benchSeries), make([]storage.SeriesRef, benchSeries)
	for i := range batch {
		batch[i].Series = series("bench_total", "team", "t", "function", strconv.Itoa(i))
		sets[i] = labels.FromStrings("__name__", "bench_total", "team", "t", "function", strconv.Itoa(i))
	}
	at := time.Now().Add(-time.Hour).UnixMilli()
	var used, took [2]time.Duration
	b.ReportAllocs()
	for b.Loop() {
		at++
		before, begun := processorTime(), time.Now()
		for i := range batch {
			batch[i].T, batch[i].V = at, float64(at)
		}
		if err := ours.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		between, turned := processorTime(), time.Now()
		appender := raw.AppenderV2(b.Context())
		for i := range sets {
			var err error
			if refs[i], err = appender.Append(refs[i], sets[i], 0, at, float64(at), nil, nil, storage.AOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		if err := appender.Commit(); err != nil {
			b.Fatal(err)
		}
		used[0] += between - before
		used[1] += processorTime() - between
		took[0] += turned.Sub(begun)
		took[1] += time.Since(turned)
	}
	b.ReportMetric(float64(b.N)*benchSeries/took[0].Seconds(), "samples/s")
	b.ReportMetric(float64(b.N)*benchSeries/took[1].Seconds(), "raw-samples/s")
	b.ReportMetric(used[1].Seconds()/used[0].Seconds(), "ratio")
}

func openRaw(b *testing.B) *promtsdb.DB {
	b.Helper()
	options := promtsdb.DefaultOptions()
	options.WALCompression = "snappy"
	options.OutOfOrderTimeWindow = (10 * time.Minute).Milliseconds()
	options.EnableExemplarStorage = true
	options.MaxExemplars = 1000
	db, err := promtsdb.Open(b.TempDir(), nil, nil, options, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
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
