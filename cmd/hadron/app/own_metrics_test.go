package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/dashgen"
	"hadron/storage/tsdb"
)

func openStore(t *testing.T) *tsdb.DB {
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

// TestOwnMetricsAreFoundInTheStore, with their kinds, each with its function.
func TestOwnMetricsAreFoundInTheStore(t *testing.T) {
	db := openStore(t)
	now := time.Now().UnixMilli()
	of := func(name, function string) *metric.Series {
		return &metric.Series{Labels: metric.NewLabels(name, metric.Team, "a", metric.Project, "b", metric.Function, function, metric.Version, "1")}
	}
	if err := db.Append(context.Background(), []metric.Sample{
		{Series: of("orders_total", "c"), T: now, V: 1},
		{Series: of("queue", "c"), T: now, V: 1},
		{Series: of("told_counter", "d"), T: now, V: 1},
		{Series: of("size", "c"), T: now, H: &metric.Histogram{Schema: 3, ZeroThreshold: 1e-6, Count: 1, Sum: 1, Spans: []metric.Span{{Offset: 1, Length: 1}}, Deltas: []int64{1}}},
		{Series: of(metric.Invocations, "c"), T: now, V: 1},
		{Series: of("hadron_function:errors:rate5m", "c"), T: now, V: 1},
	}); err != nil {
		t.Fatal(err)
	}
	index := &ownIndex{db: db, kinds: func() map[string]collector.Description {
		return map[string]collector.Description{"told_counter": {Type: "counter"}}
	}}
	if got := fmt.Sprint(index.of(context.Background(), "a/b/c")); got != "[{orders_total counter} {queue gauge} {size histogram}]" {
		t.Error(got)
	}
	if got := index.of(context.Background(), "a/b/d"); len(got) != 1 || got[0].Kind != dashgen.OwnCounter {
		t.Errorf("%+v", got)
	}
	if got := index.of(context.Background(), "a/b/e"); len(got) != 0 {
		t.Errorf("of a function that counts nothing: %+v", got)
	}
}

// TestOwnSeriesAreWritten: counters, gauges and histograms of the process, with its
// node's name.
func TestOwnSeriesAreWritten(t *testing.T) {
	db := openStore(t)
	own := prometheus.NewRegistry()
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hadron_test_calls_total"}, []string{"code"})
	took := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hadron_test_seconds", Buckets: []float64{1, 2}})
	own.MustRegister(calls, took)
	calls.WithLabelValues("200").Add(3)
	took.Observe(1.5)
	s := &selfSampler{gather: own, append: db.Append, node: "n1", known: map[string]*metric.Series{}}
	if err := s.sample(context.Background()); err != nil {
		t.Fatal(err)
	}
	for expr, want := range map[string]float64{
		`hadron_test_calls_total{code="200",instance="n1",job="hadron"}`: 3, `hadron_test_seconds_sum`: 1.5, `hadron_test_seconds_count`: 1,
		`hadron_test_seconds_bucket{le="1"}`: 0, `hadron_test_seconds_bucket{le="2"}`: 1,
	} {
		points, err := db.Query(context.Background(), expr, time.Now())
		if err != nil || len(points) != 1 || points[0].V != want {
			t.Errorf("%s: %v, %v", expr, points, err)
		}
	}
}

// TestExtensionsAreReadAgain: what is right is used, what is wrong is said.
func TestExtensionsAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e := newExtensions(dir, nil, slog.New(slog.DiscardHandler))
	if e.current().Digest() != "" || len(e.wrong()) > 0 {
		t.Error("an empty folder is something")
	}
	write("a.yaml", "patch: {refresh: 1m}")
	write("b.yaml", "colour: red")
	write("notes.txt", "not one")
	e.looked = time.Time{} // as if time had passed
	first := e.current().Digest()
	if wrong := e.wrong(); first == "" || len(wrong) != 1 || !strings.HasPrefix(wrong[0], "b.yaml: ") {
		t.Errorf("%q, %v", first, wrong)
	}
	write("b.yaml", "patch: {refresh: 2m}")
	e.looked = time.Time{}
	if e.current().Digest() == first || len(e.wrong()) > 0 {
		t.Error("the folder was not read again")
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	e.looked = time.Time{}
	if e.current().Digest() == "" || len(e.wrong()) != 1 {
		t.Error("a folder that is gone took what it held along, or nobody was told")
	}
}
