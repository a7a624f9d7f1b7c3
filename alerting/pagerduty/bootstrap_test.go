package pagerduty_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hadron/alerting/pagerduty"
	"hadron/runtime/function"
)

func thousand(w *world) {
	for i := range 1000 {
		w.want(function.Name(fmt.Sprintf("team%02d/core/f%03d", i%20, i)))
	}
}

// A thousand functions at once: no call is refused for the limit, the pass gives way and
// goes on, and how far it is shows at each moment.
func TestBootstrapOfAThousandKeepsToTheLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("makes two thousand services and integrations")
	}
	w := withBusiness(newWorld(t, func(c *pagerduty.Config) { c.Budget, c.MaxWait, c.Now = time.Second, time.Minute, time.Now }))
	const allowed, span = 400, time.Second
	w.fake.LimitEvery(span, allowed)
	thousand(w)
	began, passes, before := time.Now(), 0, 0
	for {
		passes++
		r := w.mustPass()
		g := w.target.Progress()
		if g.Total != 1000 || g.Ready+g.Pending != g.Total || g.Ready < before || g.Done > g.Of || g.Limit != allowed || g.Limited > 0 {
			t.Fatalf("pass %d: %+v", passes, g)
		}
		before = g.Ready
		if !g.Running {
			break
		}
		if r.Next == 0 || r.Next > time.Second {
			t.Fatalf("a pass that is not over waits %v", r.Next)
		}
	}
	took, calls := time.Since(began), len(w.fake.Requests())
	if g := w.target.Progress(); g.Ready != 1000 || g.Business != 20 || passes < 2 {
		t.Errorf("after %d passes: %+v", passes, g)
	}
	for _, r := range w.fake.Requests() {
		if r.Status == 429 {
			t.Fatal("a call was one too many")
		}
	}
	t.Logf("%d calls in %v and %d passes: %.0f of %d allowed in %v", calls, took, passes, float64(calls)*span.Seconds()/took.Seconds(), allowed, span)
	if !strings.Contains(w.log.String(), `"of":1000`) {
		t.Error("the log does not say how far it is")
	}
	w.quiet()
	w.described()
}

// BenchmarkBootstrap is that of a thousand functions at PagerDuty's own limit: run it with
// -benchtime 1x.
func BenchmarkBootstrap(b *testing.B) {
	for b.Loop() {
		w := withBusiness(newWorld(b, func(c *pagerduty.Config) { c.MaxWait, c.Now = 65*time.Second, time.Now }))
		thousand(w)
		began := time.Now()
		for w.mustPass(); w.target.Progress().Running; w.mustPass() {
			g := w.target.Progress()
			b.Logf("%4.0fs: %d of %d ready, %d calls in the last minute of %d allowed", time.Since(began).Seconds(), g.Ready, g.Total, g.Calls, g.Limit)
		}
		took, calls := time.Since(began), len(w.fake.Requests())
		b.ReportMetric(float64(calls), "calls")
		b.ReportMetric(float64(calls)/took.Minutes(), "calls/min")
		b.ReportMetric(float64(w.target.Progress().Limited), "refused")
	}
}
