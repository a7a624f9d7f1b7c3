package collector

import (
	"slices"
	"time"
)

// published is a Health with room for what its pointers point at.
type published struct {
	Health
	errorRatio, budgetLeft float64
	quantiles              [len(shownQuantiles)]float64
	burns                  [len(burnWindows)]Burn
}

// publishHealth makes the function's Health, or keeps the last one where nothing
// differs.
func (t *tracked) publishHealth(k *tick, inFlight int64, sum sums) {
	s := t.health
	l := &t.c.live
	if l.spare == nil {
		l.spare = new(published)
	}
	p := l.spare
	*p = published{}
	h := &p.Health
	h.State, h.Since, h.InFlight = s.state, s.since, int(inFlight)
	covered := max(k.spans[s.ticks], time.Millisecond).Seconds()
	h.Rate, h.ColdStarts = float64(sum.calls)/covered, float64(sum.cold)/covered
	h.Throttled, h.CPU = float64(sum.overloaded)/covered, time.Duration(sum.cpu).Seconds()/covered
	if sum.calls > 0 {
		p.errorRatio = ratio(sum.failed(), sum.calls)
		h.ErrorRatio = &p.errorRatio
		h.Errors = byCode(&sum)
		if d := &s.window.durations; d.count > 0 {
			d.quantiles(&p.quantiles)
			h.P50, h.P95, h.P99 = &p.quantiles[0], &p.quantiles[1], &p.quantiles[2]
		}
	}
	t.budget.count(*t.handles.Load())
	if left, ok := t.budget.left(); ok {
		p.budgetLeft = left
		h.BudgetLeft = &p.budgetLeft
	}
	h.Burns = t.budget.burns(p.burns[:0])
	t.describe(h)
	if held, share := t.outOfService(); share > 0 {
		h.Reason = quarantineReason(held, share, k.now)
	} else {
		h.Reason = t.reason(k, h, sum)
	}
	if s.last != nil && s.trend.ticks > 0 {
		h.Trend = s.last.Trend
	} else {
		h.Trend = s.trend.values()
	}
	if s.last != nil && s.last.same(h) {
		return
	}
	h.Changed = k.number
	s.last, l.spare = p, nil
}

// byCode is the share of each kind of failure that there was.
func byCode(s *sums) []CodeShare {
	var out []CodeShare
	for i, n := range s.errors {
		if n > 0 {
			out = append(out, CodeShare{errorCodes[i], ratio(n, s.calls)})
		}
	}
	return out
}

// describe notes what does not come from calls.
func (t *tracked) describe(h *Health) {
	h.Function, h.Versions, h.DeployedAt, h.DeployedBy = t.name, t.live, t.deployed.at, t.deployed.by
	h.Availability, h.Window = t.promise.available, t.promise.window
	h.LatencyTarget, h.LatencyQuantile = t.promise.target, t.promise.quantile
}

// same reports whether nothing that people see differs.
func (p *published) same(h *Health) bool {
	o := &p.Health
	equal := func(a, b *float64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
	return o.State == h.State && o.Reason == h.Reason && o.Since.Equal(h.Since) && o.Rate == h.Rate && o.InFlight == h.InFlight &&
		equal(o.ErrorRatio, h.ErrorRatio) && equal(o.P50, h.P50) && equal(o.P95, h.P95) && equal(o.P99, h.P99) &&
		equal(o.BudgetLeft, h.BudgetLeft) && o.Availability == h.Availability && o.LatencyTarget == h.LatencyTarget &&
		o.LatencyQuantile == h.LatencyQuantile && o.Window == h.Window && o.DeployedBy == h.DeployedBy &&
		o.ColdStarts == h.ColdStarts && o.Throttled == h.Throttled && o.CPU == h.CPU &&
		slices.Equal(o.Errors, h.Errors) && slices.Equal(o.Burns, h.Burns) &&
		o.DeployedAt.Equal(h.DeployedAt) && slices.Equal(o.Versions, h.Versions) && slices.Equal(o.Trend, h.Trend)
}
