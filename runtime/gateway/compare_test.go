package gateway_test

import (
	"context"
	"math"
	"net/http"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
)

// Both sides of a comparison are of one size whatever the weights, and only the
// baseline's calls go to VMs of their own.
func TestComparedSidesAreOfOneSize(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var own [3]atomic.Int64 // calls marked as baseline, by version
		g := open(t, invoke(func(_ context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
			if r.Version.Baseline {
				own[r.Version.Version].Add(1)
			}
			_ = w.Head(200, http.Header{}, false)
			return ok
		}), nil)
		percent := rapid.IntRange(1, 99).Draw(rt, "percent")
		g.Apply(weighted([]function.Weight{{Version: 1, Weight: 100 - percent}, {Version: 2, Weight: percent}}, function.Sticky{Header: "X-Visitor"}))
		var canary, baseline atomic.Int64
		comparison := gateway.Comparison{
			ID: 1, Alias: function.Live, Canary: 2, Baseline: 1,
			OnCanary: func(invocation.Outcome) { canary.Add(1) }, OnBaseline: func(invocation.Outcome) { baseline.Add(1) },
		}
		for range 2 { // again replaces it
			if !g.Compare(greeting, comparison) {
				rt.Fatal("the function is not known")
			}
		}
		const calls = 400
		for range calls {
			hit(g, "/fn/"+string(greeting), nil)
		}
		share := float64(min(percent, 100-percent)) / 100
		for side, n := range map[string]int64{"canary": canary.Load(), "baseline": baseline.Load()} {
			if slack := 6*math.Sqrt(calls*share*(1-share)) + 1; math.Abs(float64(n)-calls*share) > slack {
				rt.Errorf("%s has %d of %d calls at %d %%", side, n, calls, percent)
			}
		}
		if own[1].Load() != baseline.Load() || own[2].Load() != 0 {
			rt.Errorf("%d of the baseline's %d calls, and %d of the canary's, went to the baseline's VMs", own[1].Load(), baseline.Load(), own[2].Load())
		}
		// A visitor stays on his side.
		header := http.Header{"X-Visitor": {rapid.StringMatching(`[a-z]{8}`).Draw(rt, "visitor")}}
		c, b := canary.Load(), baseline.Load()
		for range 10 {
			hit(g, "/fn/"+string(greeting), header)
		}
		if dc, db := canary.Load()-c, baseline.Load()-b; dc%10 != 0 || db%10 != 0 {
			rt.Errorf("one visitor counts %d times here and %d times there", dc, db)
		}
		hit(g, "/fn/"+string(greeting)+"@2", nil) // not by the alias
		g.CompareNoMore(greeting, 1)
		c, b = canary.Load(), baseline.Load()
		for range 50 {
			hit(g, "/fn/"+string(greeting), nil)
		}
		if canary.Load() != c || baseline.Load() != b {
			rt.Error("it counts on after its end")
		}
	})
	if open(t, reply, nil).Compare("no/such/one", gateway.Comparison{}) {
		t.Error("a function that is not there is compared")
	}
}
