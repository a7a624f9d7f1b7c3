package tsdb_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

func TestMain(m *testing.M) {
	if dir := crashDir(); dir != "" {
		crashingWriter(dir)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, config tsdb.Config) *tsdb.DB {
	t.Helper()
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	db, err := tsdb.Open(config)
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

func series(name string, pairs ...string) *metric.Series {
	return &metric.Series{Labels: metric.NewLabels(name, pairs...)}
}

// base is a time well inside the head, and on a second.
func base() time.Time { return time.Now().Add(-time.Minute).Truncate(time.Second) }

func TestAppendAndQuery(t *testing.T) {
	db := open(t, tsdb.Config{Registerer: prometheus.NewPedanticRegistry()})
	at := base()
	b, a := series("up", "instance", "b"), series("up", "instance", "a")
	for i := range 3 {
		ms := at.Add(time.Duration(i) * time.Second).UnixMilli()
		if err := db.Append(t.Context(), []metric.Sample{{Series: b, T: ms, V: float64(i)}, {Series: a, T: ms, V: 10}}); err != nil {
			t.Fatal(err)
		}
	}
	if a.Ref.Load() == 0 || a.Ref.Load() == b.Ref.Load() {
		t.Errorf("references %d and %d, want two", a.Ref.Load(), b.Ref.Load())
	}
	points, err := db.Query(t.Context(), "up", at.Add(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if len(points) != 2 || points[0].Labels.Get("instance") != "a" || points[0].V != 10 || points[1].V != 2 {
		t.Errorf("points %+v, want a=10 then b=2", points)
	}
	ranges, err := db.QueryRange(t.Context(), `up{instance="b"}`, at, at.Add(2*time.Second), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if len(ranges) != 1 || len(ranges[0].V) != 3 || ranges[0].V[2] != 2 || ranges[0].T[0] != at.UnixMilli() {
		t.Errorf("ranges %+v", ranges)
	}
	scalar, err := db.Query(t.Context(), "1 + 1", at)
	if err != nil || len(scalar) != 1 || scalar[0].V != 2 || len(scalar[0].Labels) != 0 {
		t.Errorf("1 + 1 is %+v, %v", scalar, err)
	}
	oldest, newest := db.Bounds()
	if !oldest.Equal(at) || !newest.Equal(at.Add(2*time.Second)) {
		t.Errorf("bounds %v to %v", oldest, newest)
	}
}

func TestQueryRefusals(t *testing.T) {
	db := open(t, tsdb.Config{QueryMaxSamples: 100})
	now := time.Now()
	for expr, want := range map[string]error{
		"sum(":    tsdb.ErrBadQuery,
		"up[5m]":  tsdb.ErrBadQuery,
		`"words"`: tsdb.ErrBadQuery,
	} {
		if _, err := db.Query(t.Context(), expr, now); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", expr, err, want)
		}
	}
	if _, err := db.QueryRange(t.Context(), "up", now, now.Add(-1), time.Second); !errors.Is(err, tsdb.ErrBadQuery) {
		t.Errorf("backward range: %v", err)
	}
	if _, err := db.QueryRange(t.Context(), "up", now, now, time.Microsecond); !errors.Is(err, tsdb.ErrBadQuery) {
		t.Errorf("step of 1us: %v", err)
	}
	if _, err := db.QueryRange(t.Context(), "vector(1)", now.Add(-time.Hour), now, time.Second); err == nil {
		t.Error("3601 samples passed a limit of 100")
	}
}

func TestHistograms(t *testing.T) {
	db := open(t, tsdb.Config{})
	at, latency := base(), series("latency_seconds")
	// Schema 0: bucket i is (2^(i-1), 2^i]; 4 in (1,2], 6 in (2,4].
	for i, scale := range []uint64{1, 2} {
		h := &metric.Histogram{
			Count: 10 * scale, Sum: 25 * float64(scale),
			Spans:  []metric.Span{{Offset: 1, Length: 2}},
			Deltas: []int64{int64(4 * scale), int64(2 * scale)},
		}
		sample := metric.Sample{
			Series: latency, T: at.Add(time.Duration(i) * 15 * time.Second).UnixMilli(), H: h,
			Exemplar: &metric.Exemplar{Labels: metric.Labels{{Name: "trace_id", Value: "abc"}}, V: 1.5, T: at.UnixMilli()},
		}
		if err := db.Append(t.Context(), []metric.Sample{sample}); err != nil {
			t.Fatal(err)
		}
		h.Deltas[0] = -1 // the store keeps nothing of it
	}
	now := at.Add(15 * time.Second)
	for expr, want := range map[string]float64{
		"histogram_count(latency_seconds)":                    20,
		"histogram_sum(latency_seconds)":                      50,
		"histogram_fraction(0, 2, latency_seconds)":           0.4,
		"histogram_quantile(0.4, latency_seconds)":            2,
		"histogram_count(increase(latency_seconds[15s:15s]))": math.NaN(),
	} {
		points, err := db.Query(t.Context(), expr, now)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if math.IsNaN(want) {
			continue
		}
		if len(points) != 1 || math.Abs(points[0].V-want) > 1e-9 {
			t.Errorf("%s = %+v, want %v", expr, points, want)
		}
	}
	if _, err := db.Query(t.Context(), "latency_seconds", now); !errors.Is(err, tsdb.ErrHistogramResult) {
		t.Errorf("a bare histogram: %v", err)
	}
	found, err := db.QueryDistributions(t.Context(), `sum(latency_seconds) or label_replace(vector(1), "a", "number", "", "")`, now)
	if err != nil || len(found) != 1 || found[0].ZeroCount != 0 || !slices.Equal(found[0].Buckets, []metric.Bucket{{Index: 1, Count: 8}, {Index: 2, Count: 12}}) {
		t.Errorf("the distribution: %+v, %v", found, err)
	}
	if _, err := db.QueryDistributions(t.Context(), "1", now); !errors.Is(err, tsdb.ErrBadQuery) {
		t.Errorf("the distribution of a number: %v", err)
	}
	if err := db.Append(t.Context(), []metric.Sample{{Series: latency, T: now.UnixMilli() + 1, V: metric.Stale}}); err != nil {
		t.Fatal(err)
	}
	points, err := db.Query(t.Context(), "histogram_count(latency_seconds)", now.Add(time.Second))
	if err != nil || len(points) != 0 {
		t.Errorf("an ended histogram: %+v, %v", points, err)
	}
}

func TestStaleness(t *testing.T) {
	db := open(t, tsdb.Config{})
	at, gone := base(), series("gone")
	batch := []metric.Sample{{Series: gone, T: at.UnixMilli(), V: 1}, {Series: gone, T: at.UnixMilli() + 1000, V: metric.Stale}}
	if err := db.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	before, err := db.Query(t.Context(), "gone", at)
	if err != nil || len(before) != 1 {
		t.Errorf("before its end: %v, %v", before, err)
	}
	after, err := db.Query(t.Context(), "gone", at.Add(2*time.Second))
	if err != nil || len(after) != 0 {
		t.Errorf("after its end: %v, %v", after, err)
	}
}

func TestRejectedSamplesDoNotFailTheBatch(t *testing.T) {
	db := open(t, tsdb.Config{OutOfOrderWindow: time.Minute})
	at, old, fine := base(), series("old"), series("fine")
	ms := at.UnixMilli()
	if err := db.Append(t.Context(), []metric.Sample{{Series: old, T: ms, V: 1}}); err != nil {
		t.Fatal(err)
	}
	err := db.Append(t.Context(), []metric.Sample{
		{Series: old, T: ms, V: 2},
		{Series: old, T: ms - 30_000, V: 3}, // within the window: stored
		{Series: old, T: ms - 3_600_000, V: 4},
		{Series: series(""), T: ms, V: 5},
		{Series: series("bad"), T: ms, H: &metric.Histogram{Count: 7}},
		{Series: &metric.Series{Labels: metric.Labels{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}}, T: ms},
		{Series: fine, T: ms, V: 6},
	})
	var rejected *tsdb.RejectedError
	if !errors.As(err, &rejected) {
		t.Fatalf("%v, want a *RejectedError", err)
	}
	if rejected.OutOfOrder != 1 || rejected.Duplicate != 1 || rejected.Invalid != 3 || rejected.Rejected() != 5 {
		t.Errorf("%+v", rejected)
	}
	for expr, want := range map[string]float64{"fine": 6, "old": 1, "old offset 30s": 3} {
		points, err := db.Query(t.Context(), expr, at)
		if err != nil || len(points) != 1 || points[0].V != want {
			t.Errorf("%s: %+v, %v", expr, points, err)
		}
	}
}

func TestSeriesOfAnotherStore(t *testing.T) {
	one, two := open(t, tsdb.Config{}), open(t, tsdb.Config{})
	at := base()
	a, b := series("a"), series("b")
	if err := one.Append(t.Context(), []metric.Sample{{Series: a, T: at.UnixMilli(), V: 1}}); err != nil {
		t.Fatal(err)
	}
	// In the second store the reference of a names b.
	if err := two.Append(t.Context(), []metric.Sample{{Series: b, T: at.UnixMilli(), V: 2}, {Series: a, T: at.UnixMilli(), V: 1}}); err != nil {
		t.Fatal(err)
	}
	points, err := two.Query(t.Context(), `{__name__=~"a|b"}`, at)
	if err != nil || len(points) != 2 || points[0].V != 1 || points[1].V != 2 {
		t.Errorf("%+v, %v", points, err)
	}
}

func TestSeriesThatTheHeadDropped(t *testing.T) {
	db := open(t, tsdb.Config{})
	at, x := base(), series("x")
	if err := db.Append(t.Context(), []metric.Sample{{Series: x, T: at.UnixMilli(), V: 1}}); err != nil {
		t.Fatal(err)
	}
	x.Ref.Add(1000) // as if head truncation had taken it: no such reference now
	if err := db.Append(t.Context(), []metric.Sample{{Series: x, T: at.UnixMilli() + 1, V: 2}}); err != nil {
		t.Fatal(err)
	}
	points, err := db.Query(t.Context(), "x", at.Add(time.Second))
	if err != nil || len(points) != 1 || points[0].V != 2 {
		t.Errorf("%+v, %v", points, err)
	}
}

func TestClosed(t *testing.T) {
	db := open(t, tsdb.Config{})
	ctx, stop := db.Bind(t.Context())
	defer stop()
	appender := db.Queryable().AppenderV2(ctx)
	done := make(chan error)
	go func() { done <- db.Close() }()
	<-ctx.Done()
	if err := appender.Rollback(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := db.Append(t.Context(), []metric.Sample{{Series: series("x"), T: 1}}); !errors.Is(err, tsdb.ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := db.Query(t.Context(), "up", time.Now()); !errors.Is(err, tsdb.ErrClosed) {
		t.Errorf("query: %v", err)
	}
	if err := db.SetRules([]byte("groups: []"), time.Second); !errors.Is(err, tsdb.ErrClosed) {
		t.Errorf("rules: %v", err)
	}
	if _, err := db.Queryable().AppenderV2(t.Context()).Append(0, labelsOf("x"), 0, 1, 1, nil, nil, noOptions); !errors.Is(err, tsdb.ErrClosed) {
		t.Errorf("appender: %v", err)
	}
}

func TestConfigRefusals(t *testing.T) {
	for name, config := range map[string]tsdb.Config{
		"no directory":    {},
		"short retention": {Dir: "x", Retention: time.Minute},
		"negative bytes":  {Dir: "x", MaxBytes: -1},
	} {
		if _, err := tsdb.Open(config); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
