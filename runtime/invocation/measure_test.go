package invocation_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/invocation"
)

func TestMetricNames(t *testing.T) {
	for name, kinds := range map[string]struct {
		kind invocation.MeasureKind
		ok   bool
	}{
		"orders_total":              {invocation.MeasureCounter, true},
		"orders":                    {invocation.MeasureCounter, false},
		"queue_depth":               {invocation.MeasureGauge, true},
		"depth_total":               {invocation.MeasureGauge, false},
		"basket_value_eur":          {invocation.MeasureHistogram, true},
		"basket_bucket":             {invocation.MeasureHistogram, false},
		"hadron_refused_total":      {invocation.MeasureCounter, false},
		"faas_invocations_total":    {invocation.MeasureCounter, false},
		"__name__":                  {invocation.MeasureGauge, false},
		"up":                        {invocation.MeasureGauge, false},
		"go_goroutines":             {invocation.MeasureGauge, false},
		"9lives":                    {invocation.MeasureGauge, false},
		"a:b":                       {invocation.MeasureGauge, false}, // the names of recording rules
		"größe":                     {invocation.MeasureGauge, false},
		"":                          {invocation.MeasureGauge, false},
		strings.Repeat("a", 101):    {invocation.MeasureGauge, false},
		"with\nnewline":             {invocation.MeasureGauge, false},
		"process_open_files":        {invocation.MeasureGauge, false},
		"ALERTS":                    {invocation.MeasureGauge, false},
		"payments_authorised_total": {invocation.MeasureCounter, true},
	} {
		if err := invocation.CheckMetric(kinds.kind, name); (err == nil) != kinds.ok {
			t.Errorf("CheckMetric(%d, %q): %v, want ok %v", kinds.kind, name, err, kinds.ok)
		}
	}
	for name, ok := range map[string]bool{
		"currency": true, "code": true, "team": false, "project": false, "function": false, "version": false,
		"job": false, "instance": false, "__x": false, "le": false, "": false, "a-b": false,
	} {
		if err := invocation.CheckLabel(name); (err == nil) != ok {
			t.Errorf("CheckLabel(%q): %v, want ok %v", name, err, ok)
		}
	}
}

func TestMeasureFromAnUntrustedProcess(t *testing.T) {
	histogram := func(h invocation.Histogram) invocation.Measure {
		return invocation.Measure{Kind: invocation.MeasureHistogram, Name: "h", Histogram: &h}
	}
	for name, m := range map[string]invocation.Measure{
		"no kind":            {Name: "orders_total"},
		"unknown kind":       {Kind: 9, Name: "orders"},
		"not finite":         {Kind: invocation.MeasureCounter, Name: "orders_total", Value: math.NaN()},
		"falls":              {Kind: invocation.MeasureCounter, Name: "orders_total", Value: -1},
		"infinite gauge":     {Kind: invocation.MeasureGauge, Name: "g", Value: math.Inf(1)},
		"no histogram":       {Kind: invocation.MeasureHistogram, Name: "h"},
		"labels twice":       {Kind: invocation.MeasureGauge, Name: "g", Labels: []invocation.Label{{"a", "1"}, {"a", "2"}}},
		"labels unsorted":    {Kind: invocation.MeasureGauge, Name: "g", Labels: []invocation.Label{{"b", "1"}, {"a", "2"}}},
		"shadowing":          {Kind: invocation.MeasureGauge, Name: "g", Labels: []invocation.Label{{"team", "other"}}},
		"long value":         {Kind: invocation.MeasureGauge, Name: "g", Labels: []invocation.Label{{"a", strings.Repeat("x", 129)}}},
		"no UTF-8":           {Kind: invocation.MeasureGauge, Name: "g", Labels: []invocation.Label{{"a", "\xff"}}},
		"count is not a sum": histogram(invocation.Histogram{Count: 2, Buckets: []invocation.Bucket{{1, 1}}}),
		"buckets unsorted":   histogram(invocation.Histogram{Count: 2, Buckets: []invocation.Bucket{{2, 1}, {1, 1}}}),
		"empty bucket":       histogram(invocation.Histogram{Buckets: []invocation.Bucket{{1, 0}}}),
		"far bucket":         histogram(invocation.Histogram{Count: 1, Buckets: []invocation.Bucket{{9000, 1}}}),
		"overflow":           histogram(invocation.Histogram{Count: 1, Zero: math.MaxUint64, Buckets: []invocation.Bucket{{1, 2}}}),
		"resolution":         histogram(invocation.Histogram{Coarser: 7}),
	} {
		if m.Validate() == nil {
			t.Errorf("%s was taken", name)
		}
	}
	good := invocation.Fetch{Host: "api.example.com", Code: "2xx"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, f := range []invocation.Fetch{{Host: "", Code: "2xx"}, {Host: "x", Code: "ok"}, {Host: strings.Repeat("h", 200), Code: "2xx"}} {
		if f.Validate() == nil {
			t.Errorf("%+v was taken", f)
		}
	}
}

// However observations are spread over histograms and those merged, nothing is lost
// and every value lies within its bucket.
func TestHistogramKeepsEveryObservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exponents := rapid.SliceOfN(rapid.Float64Range(-40, 60), 0, 400).Draw(t, "exponents")
		var whole, left, right invocation.Histogram
		for i, e := range exponents {
			v := math.Exp2(e)
			whole.Observe(v)
			if i%3 == 0 {
				left.Observe(v)
			} else {
				right.Observe(v)
			}
		}
		left.Merge(&right)
		for _, h := range []*invocation.Histogram{&whole, &left} {
			if err := h.Validate(); err != nil {
				t.Fatalf("%+v: %v", h, err)
			}
			if h.Count != uint64(len(exponents)) {
				t.Fatalf("counted %d of %d", h.Count, len(exponents))
			}
			step := math.Exp2(-float64(h.Schema()))
			for _, b := range h.Buckets {
				upper := float64(b.Index) * step
				var n uint64
				for _, e := range exponents {
					if e = min(e, 50); e > -30 && e > upper-step-1e-9 && e <= upper+1e-9 {
						n++
					}
				}
				if n < b.Count {
					t.Fatalf("bucket %d holds %d, of which %d belong there", b.Index, b.Count, n)
				}
			}
		}
	})
	var h invocation.Histogram
	for _, v := range []float64{-1, math.NaN(), math.Inf(1)} {
		if h.Observe(v) {
			t.Errorf("%v was counted", v)
		}
	}
}
