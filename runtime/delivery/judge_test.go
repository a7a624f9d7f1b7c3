package delivery_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

func plan(metrics ...function.AnalysisMetric) function.Analysis {
	return function.Delivery{Strategy: function.StrategyCanary, Analysis: function.Analysis{Metrics: metrics}}.WithDefaults().Analysis
}

var usual = map[string][]delivery.Bound{delivery.Latency: {{Name: "p50", Over: 0.02}, {Name: "p90", Over: 0.04}}}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		what string
		s    *delivery.Sample
		want delivery.Outcome
		says string
	}{
		{"nothing", sample(0, 0, 0, 0), delivery.Inconclusive, "too few calls"},
		{"few", sample(40, 0, 41, 0), delivery.Inconclusive, "too few calls"},
		{"as good", sample(1000, 1, 1000, 1), delivery.Pass, "errors"},
		{"as bad as before", sample(5000, 500, 5000, 500), delivery.Pass, "errors"},
		{"half fail", sample(30, 15, 30, 0), delivery.Fail, "errors: 50 %"},
		{"a little worse", sample(3000, 60, 3000, 3), delivery.Fail, "errors"},
		{"not shown yet", sample(120, 3, 120, 0), delivery.Inconclusive, "not shown"},
	} {
		v := delivery.Judge(delivery.Case{Plan: plan(), Objectives: function.DefaultSLO().Objectives(), Bounds: usual, Sample: *c.s})
		if v.Outcome != c.want || !strings.Contains(v.Reason, c.says) {
			t.Errorf("%s: %s: %s", c.what, v.Outcome, v.Reason)
		}
	}
}

func TestJudgeOwnMetrics(t *testing.T) {
	events := func(canary, baseline float64) delivery.Sample {
		s := *sample(1000, 0, 1000, 0)
		s.Canary.Metrics = map[string]delivery.Metric{"orders_total": {Events: canary}}
		s.Baseline.Metrics = map[string]delivery.Metric{"orders_total": {Events: baseline}}
		return s
	}
	for _, c := range []struct {
		what   string
		better string
		s      delivery.Sample
		want   delivery.Outcome
	}{
		{"more of what should be few", function.BetterLower, events(300, 100), delivery.Fail},
		{"fewer of what should be many", function.BetterHigher, events(100, 300), delivery.Fail},
		{"more of what should be many", function.BetterHigher, events(300, 100), delivery.Pass},
		{"as many", function.BetterHigher, events(500, 505), delivery.Pass},
		{"unwritten", function.BetterLower, *sample(1000, 0, 1000, 0), delivery.Inconclusive},
	} {
		p := plan(function.AnalysisMetric{Name: "orders_total", Better: c.better})
		if v := delivery.Judge(delivery.Case{Plan: p, Bounds: usual, Sample: c.s}); v.Outcome != c.want {
			t.Errorf("%s: %s: %s", c.what, v.Outcome, v.Reason)
		}
	}
	gauge := *sample(1000, 0, 1000, 0)
	gauge.Canary.Metrics = map[string]delivery.Metric{"depth": {Gauge: true}}
	if v := delivery.Judge(delivery.Case{Plan: plan(function.AnalysisMetric{Name: "depth"}), Bounds: usual, Sample: gauge}); v.Outcome != delivery.Inconclusive {
		t.Errorf("a gauge: %s", v.Outcome)
	}
}

// Ville's bound, seen: of versions that are no worse, looked at after every call, at
// most so many fail as alpha says.
func TestLookingOftenDoesNotFailGoodVersions(t *testing.T) {
	const rollouts, calls = 400, 3000
	random := rand.New(rand.NewPCG(1, 2))
	failed := 0
	for range rollouts {
		var c, b uint64
		for i := uint64(1); i <= calls; i++ {
			if random.Float64() < 0.05 {
				c++
			}
			if random.Float64() < 0.05 {
				b++
			}
			if i%5 == 0 {
				v := delivery.Judge(delivery.Case{Plan: plan(), Objectives: function.DefaultSLO().Objectives(), Bounds: usual, Sample: *sample(i, c, i, b)})
				if v.Outcome == delivery.Fail {
					failed++
					break
				}
			}
		}
	}
	if failed > rollouts/50 { // alpha is 1 %
		t.Errorf("%d of %d good versions failed", failed, rollouts)
	}
}
