package collector

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"pgregory.net/rapid"

	"hadron/collector/metric"
)

// TestHistogramAgreesWithClientGolang holds the layout to the library that
// defines it for Go.
func TestHistogramAgreesWithClientGolang(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ours histogram
		theirs := prometheus.NewHistogram(prometheus.HistogramOpts{NativeHistogramBucketFactor: 1.1, NativeHistogramZeroThreshold: zeroLimit})
		durations := rapid.SliceOf(rapid.Custom(func(t *rapid.T) time.Duration {
			if rapid.Bool().Draw(t, "round") {
				return time.Second >> rapid.IntRange(0, 25).Draw(t, "power")
			}
			return time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "ns") >> rapid.IntRange(0, 30).Draw(t, "shift"))
		})).Draw(t, "durations")
		for _, d := range durations {
			ours.observe(d)
			theirs.Observe(d.Seconds())
		}
		var m dto.Metric
		if err := theirs.Write(&m); err != nil {
			t.Fatal(err)
		}
		got, want := ours.snapshot(), m.GetHistogram()
		if got.Schema != want.GetSchema() || got.Count != want.GetSampleCount() || got.ZeroCount != want.GetZeroCount() || got.ZeroThreshold != want.GetZeroThreshold() {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if d := got.Sum - want.GetSampleSum(); d > 1e-6 || d < -1e-6 {
			t.Fatalf("sum %g, want %g", got.Sum, want.GetSampleSum())
		}
		var spans []metric.Span
		for _, s := range want.GetPositiveSpan() {
			if s.GetLength() > 0 {
				spans = append(spans, metric.Span{Offset: s.GetOffset(), Length: s.GetLength()})
			}
		}
		if !slices.Equal(got.Spans, spans) || !slices.Equal(got.Deltas, want.GetPositiveDelta()) {
			t.Fatalf("buckets %v %v, want %v %v", got.Spans, got.Deltas, spans, want.GetPositiveDelta())
		}
	})
}

func TestHistogramEnds(t *testing.T) {
	var h histogram
	for _, d := range []time.Duration{-time.Second, 0, 1, 900 * time.Nanosecond, time.Microsecond, 5 * time.Hour, 1 << 62} {
		h.observe(d)
	}
	s := h.snapshot()
	if s.Count != 7 || s.ZeroCount != 4 {
		t.Errorf("%+v", s)
	}
}

// TestSnapshotHoldsTogether reads while others count: a snapshot's count is
// always the sum of its buckets.
func TestSnapshotHoldsTogether(t *testing.T) {
	var h histogram
	done := make(chan struct{})
	for seed := range uint64(2) {
		go func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 20_000 {
				h.observe(time.Duration(r.ExpFloat64() * float64(time.Second)))
			}
			done <- struct{}{}
		}()
	}
	var before uint64
	for running := 2; running > 0; {
		select {
		case <-done:
			running--
		default:
		}
		s := h.snapshot()
		sum, at := s.ZeroCount, int64(0)
		for _, d := range s.Deltas {
			at += d
			sum += uint64(at)
		}
		if sum != s.Count || s.Count < before {
			t.Fatalf("count %d after %d, buckets hold %d", s.Count, before, sum)
		}
		before = s.Count
	}
	if before != 40_000 {
		t.Errorf("counted %d", before)
	}
}
