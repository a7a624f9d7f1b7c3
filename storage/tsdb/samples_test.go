package tsdb_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

// What is read is what was stored of the series that were asked for: its numbers in
// order, within the bounds, and the marker of its end.
func TestSamples(t *testing.T) {
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	a := &metric.Series{Labels: metric.NewLabels("calls", "team", "a", "version", "1")}
	b := &metric.Series{Labels: metric.NewLabels("calls", "team", "b", "version", "1")}
	for i := range 10 {
		v := float64(i)
		if i == 9 {
			v = metric.Stale
		}
		now := start.Add(time.Duration(i) * time.Second).UnixMilli()
		if err := db.Append(t.Context(), []metric.Sample{{Series: a, T: now, V: v}, {Series: b, T: now, V: v}}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	each := func(set metric.Labels, at int64, v float64) error {
		if metric.IsStale(v) {
			v = -1
		}
		got = append(got, fmt.Sprint(set.Get("team"), (at-start.UnixMilli())/1000, v))
		return nil
	}
	if err := db.Samples(t.Context(), metric.NewLabels("calls", "team", "a"), start.Add(7*time.Second), start.Add(time.Hour), each); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a7 7", "a8 8", "a9 -1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	enough := errors.New("enough")
	if err := db.Samples(t.Context(), metric.NewLabels("calls"), start, start.Add(time.Hour), func(metric.Labels, int64, float64) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Samples(t.Context(), metric.NewLabels("calls"), start, start.Add(time.Hour), each); !errors.Is(err, tsdb.ErrClosed) {
		t.Errorf("of a closed store: %v", err)
	}
}

func TestReadOpenMetrics(t *testing.T) {
	const text = "# TYPE calls counter\n# HELP calls All.\ncalls_total{team=\"a\"} 1 10\ncalls_total{team=\"a\"} 3 25.5 # {trace_id=\"x\"} 1\n# EOF\n"
	var got []string
	if err := tsdb.ReadOpenMetrics([]byte(text), func(set metric.Labels, at int64, v float64) error {
		got = append(got, fmt.Sprint(set.Get(metric.Name), set.Get("team"), at, v))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"calls_totala10000 1", "calls_totala25500 3"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, bad := range []string{"", "calls 1 1\n", "calls 1\n# EOF\n", "calls{ 1 1\n# EOF\n", "\x00"} {
		if err := tsdb.ReadOpenMetrics([]byte(bad), func(metric.Labels, int64, float64) error { return nil }); !errors.Is(err, tsdb.ErrBadText) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzReadOpenMetrics(f *testing.F) {
	f.Add([]byte("# TYPE calls counter\ncalls_total{team=\"a\"} 1 10\n# EOF\n"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_ = tsdb.ReadOpenMetrics(text, func(metric.Labels, int64, float64) error { return nil }) // it ends
	})
}
