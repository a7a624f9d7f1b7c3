package collector_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Whatever a worker hands over, what reaches the store is the function's, within its
// budget, and holds together.
func FuzzRecord(f *testing.F) {
	for _, m := range []invocation.Measures{
		counted(1, "orders_total", 2, "currency", "EUR"),
		{Series: []invocation.Measure{{Kind: invocation.MeasureHistogram, Name: "size", Histogram: observed(0, 1, 1e9, 3e-7)}}},
		{Series: []invocation.Measure{{Kind: invocation.MeasureGauge, Name: "g", Value: -1}}, Dropped: []invocation.Drop{{Reason: "series", Count: math.MaxUint64}}},
		{Fetches: []invocation.Fetch{{Host: "a.b:1", Code: "2xx", Duration: *observed(0.1)}}},
	} {
		seed, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m invocation.Measures
		if json.Unmarshal(data, &m) != nil {
			return
		}
		m.Version = function.ID{Name: hello, Version: 1}
		store := newMemory(t)
		c, err := collector.New(collector.Config{Store: store, Node: "test"})
		if err != nil {
			t.Fatal(err)
		}
		c.Apply(registered(hello, 1, time.Now()))
		for range 3 {
			c.Record(m)
		}
		if err := c.AppendAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		own := 0
		for id, samples := range store.series {
			for _, s := range samples {
				labels := s.Series.Labels
				if labels.Get(metric.Team) != "acme" || labels.Get(metric.Function) != "hello" || labels.Get(metric.Job) != metric.JobValue {
					t.Errorf("a series of another: %s", id)
				}
				if s.H == nil {
					if math.IsNaN(s.V) || math.IsInf(s.V, 0) {
						t.Errorf("%s is %g", id, s.V)
					}
					continue
				}
				sum, count, buckets := s.H.ZeroCount, int64(0), uint32(0)
				for _, d := range s.H.Deltas {
					if count += d; count < 0 {
						t.Errorf("%s: a bucket counts %d", id, count)
					}
					sum += uint64(count)
				}
				for _, span := range s.H.Spans {
					buckets += span.Length
				}
				if sum != s.H.Count || int(buckets) != len(s.H.Deltas) {
					t.Errorf("%s: %+v does not hold together", id, s.H)
				}
			}
			own++
		}
		if own > 1000 {
			t.Errorf("%d series", own)
		}
	})
}
