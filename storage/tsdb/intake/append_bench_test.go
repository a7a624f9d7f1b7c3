package intake_test

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"

	"hadron/collector/contract"
	"hadron/storage/tsdb/intake"
)

// BenchmarkAppend writes one sample to each of 10,000 known series by their labels, through the
// intake and then through Prometheus's own appender, in turns. Neither is given a
// reference: each finds the series by its labels, the intake under contract, budget and
// team as well. What is sent bears the team, or the sender's is put in. The ratio is that of processor time,
// raw over ours.
func BenchmarkAppend(b *testing.B) {
	b.Run("operator", func(b *testing.B) { benchmarkAppend(b, contract.Operator, "team", "pay") })
	b.Run("team's token", func(b *testing.B) { benchmarkAppend(b, pay, "team", "pay") })
	b.Run("team put in", func(b *testing.B) { benchmarkAppend(b, pay, "zone", "a") })
}

func benchmarkAppend(b *testing.B, sender contract.Sender, more ...string) {
	const series = 10_000
	f := open(b, contract.DefaultBudget)
	options := promtsdb.DefaultOptions()
	options.WALCompression = "snappy"
	options.OutOfOrderTimeWindow = time.Hour.Milliseconds()
	options.EnableExemplarStorage = true
	raw, err := promtsdb.Open(b.TempDir(), nil, nil, options, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = raw.Close() })
	sets := make([]labels.Labels, series)
	for i := range sets {
		sets[i] = labels.FromStrings(append([]string{
			"__name__", "requests_total", "code", "200", "handler", "/api/v1/things/" + strconv.Itoa(i%40), "instance", "10.0.0." + strconv.Itoa(i/40) + ":8080",
			"job", "api", "method", "GET",
		}, more...)...)
	}
	write := func(appender storage.AppenderV2, at int64) {
		for i := range sets {
			if _, err := appender.Append(0, sets[i], 0, at, float64(at), nil, nil, storage.AOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		if err := appender.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	door := intake.Door{Intake: f.in, Sender: sender}
	at := f.clock.now().UnixMilli()
	var used, took [2]time.Duration
	b.ReportAllocs()
	for b.Loop() {
		at++
		before, begun := processorTime(b), time.Now()
		write(door.AppenderV2(b.Context()), at)
		between, turned := processorTime(b), time.Now()
		write(raw.AppenderV2(b.Context()), at)
		used[0] += between - before
		used[1] += processorTime(b) - between
		took[0] += turned.Sub(begun)
		took[1] += time.Since(turned)
	}
	b.ReportMetric(float64(b.N)*series/took[0].Seconds(), "samples/s")
	b.ReportMetric(float64(b.N)*series/took[1].Seconds(), "raw-samples/s")
	b.ReportMetric(used[1].Seconds()/used[0].Seconds(), "ratio")
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
