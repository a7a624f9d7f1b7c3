package collector

import (
	"context"
	"time"

	"hadron/collector/metric"
)

// burnWindows are the windows over which health says how fast budgets burn, as far as
// they are no longer than the SLO's own.
var burnWindows = [...]time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// burns is how fast the objective that burns fastest does by the last count, over each
// window; nil before the store has answered.
func (b *budget) burns(out []Burn) []Burn {
	if !b.burn {
		return nil
	}
	for i, window := range burnWindows {
		if window > b.window {
			break
		}
		rate := 0.0
		for at := range b.parts {
			p := &b.parts[at]
			if p.off || p.ratio >= 1 {
				continue
			}
			if events, bad := p.since(p.burned[i]); events > 0 {
				rate = max(rate, bad/events/(1-p.ratio))
			}
		}
		out = append(out, Burn{window, rate})
	}
	return out
}

// refreshBurns asks the store, with one query for each of the windows, what had been
// counted of every function when it began; own counts carry the rates in between.
func (c *Collector) refreshBurns(ctx context.Context) error {
	c.passing.Lock()
	last := c.lastPass
	c.passing.Unlock()
	if last == 0 || !c.rollups.caughtUp.Load() {
		return nil
	}
	tracked := c.functions()
	for i, window := range burnWindows {
		expr, at := c.beforeQuery(window, time.UnixMilli(last))
		answer, err := c.countsOf(ctx, expr, at)
		if err != nil {
			return err
		}
		for _, t := range tracked {
			t.mu.Lock()
			for at := range t.budget.parts {
				p := &t.budget.parts[at]
				p.burned[i] = answer[budgetKey{t.name, p.name, t.created}]
			}
			if i == len(burnWindows)-1 && (!t.budget.burn || len(t.budget.parts) > 0) {
				t.budget.burn, t.restate = true, true
				c.activate(t)
			}
			t.mu.Unlock()
		}
	}
	return nil
}

// burnEvery is how often burns are asked for.
const burnEvery = metric.RollupEvery
