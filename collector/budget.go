package collector

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hadron/collector/metric"
	"hadron/runtime/function"
)

// budget is how much of each objective's error budget is spent in the function's
// window: what the store knew at one moment, and the own counts since. Guarded by
// the lock of its function.
type budget struct {
	window time.Duration
	known  bool   // the store was asked
	parts  []part // none while the function has neither handles nor a past: all of it is left
}

// part is one objective of a budget.
type part struct {
	name  string
	ratio float64
	// Counts of this process: of versions that ended, as last appended, and as
	// appended when the store is or was asked.
	retired, appended, asked, base tallies
	stored                         [2]float64 // events and bad events in the window, as the store answered
}

type tallies struct{ events, bad uint64 }

func (b *budget) setObjectives(window time.Duration, objectives []function.Objective) {
	if window != b.window {
		b.known = b.window == 0 && b.known
	}
	b.window = window
	if len(b.parts) > 0 {
		b.take(objectives)
	}
}

// keep begins to count for the objectives.
func (b *budget) keep(objectives []function.Objective) {
	if len(b.parts) == 0 {
		b.take(objectives)
	}
}

// take makes the parts those of the objectives; one that keeps its name goes on.
func (b *budget) take(objectives []function.Objective) {
	next := make([]part, 0, len(objectives))
	for _, o := range objectives {
		p := part{name: o.Name}
		if at := slices.IndexFunc(b.parts, func(p part) bool { return p.name == o.Name }); at >= 0 {
			p = b.parts[at]
		}
		p.ratio = o.Ratio
		next = append(next, p)
	}
	b.parts = next
}

// retire keeps the counts of a version that ends.
func (b *budget) retire(objectives []*objective) {
	for _, o := range objectives {
		for i := range b.parts {
			if p := &b.parts[i]; p.name == o.name {
				p.retired.bad += o.bad.Load()
				p.retired.events += o.events.Load()
			}
		}
	}
}

// total is the function's counts in this process.
func (p *part) total(handles []*Handle) tallies {
	sum := p.retired
	for _, h := range handles {
		for _, o := range *h.slo.Load() {
			if o.name == p.name {
				sum.bad += o.bad.Load()
				sum.events += o.events.Load()
			}
		}
	}
	return sum
}

// left is the share of the worst objective's budget that is left: under 0 when
// overspent; false before the store has answered.
func (b *budget) left(handles []*Handle) (float64, bool) {
	if !b.known {
		return 0, false
	}
	worst := 1.0
	for i := range b.parts {
		p := &b.parts[i]
		now := p.total(handles)
		events := p.stored[0] + since(now.events, p.base.events)
		bad := p.stored[1] + since(now.bad, p.base.bad)
		if allowed := events * (1 - p.ratio); allowed > 0 {
			worst = min(worst, 1-bad/allowed)
		}
	}
	return worst, true
}

func since(now, then uint64) float64 {
	if now < then {
		return 0 // a version was forgotten
	}
	return float64(now - then)
}

// budgetEvery is how often the store is asked again about a window: own counts
// carry the budget in between, and only what leaves the window at its far end is
// missed.
func budgetEvery(window time.Duration) time.Duration {
	return min(max(window/60, time.Minute), 6*time.Hour)
}

// refreshBudgets asks the store, with two queries for each window in use, how
// much of the budgets was spent.
func (c *Collector) refreshBudgets(ctx context.Context, window time.Duration) error {
	tracked, at := c.markBudgets(window)
	if len(tracked) == 0 || at.IsZero() {
		return nil
	}
	var answers [2]map[budgetKey]float64
	for i, name := range []string{metric.Events, metric.BadEvents} {
		expr := fmt.Sprintf(`sum by (%s, %s, %s, %s) (increase(%s{%s=%q}[%ss]))`,
			metric.Team, metric.Project, metric.Function, metric.SLO, name, metric.Job, metric.JobValue,
			strconv.FormatInt(int64(window/time.Second), 10))
		points, err := c.store.Query(ctx, expr, at)
		if err != nil {
			return fmt.Errorf("query budgets: %w", err)
		}
		answers[i] = make(map[budgetKey]float64, len(points))
		for _, p := range points {
			answers[i][budgetKey{
				function.Name(p.Labels.Get(metric.Team) + "/" + p.Labels.Get(metric.Project) + "/" + p.Labels.Get(metric.Function)),
				p.Labels.Get(metric.SLO),
			}] = p.V
		}
	}
	for _, t := range tracked {
		t.mu.Lock()
		if t.budget.window == window {
			changed := !t.budget.known || len(t.budget.parts) > 0
			t.budget.known = true
			if len(t.budget.parts) == 0 && t.past(answers) {
				t.budget.keep(t.promise.objectives)
				changed = true
			}
			if changed {
				t.restate = true
				c.activate(t)
			}
			for i := range t.budget.parts {
				p := &t.budget.parts[i]
				k := budgetKey{t.name, p.name}
				p.stored = [2]float64{answers[0][k], answers[1][k]}
				p.base = p.asked
			}
		}
		t.mu.Unlock()
	}
	return nil
}

// past reports whether the store has events of the function. The caller holds t.mu.
func (t *tracked) past(answers [2]map[budgetKey]float64) bool {
	for _, o := range t.promise.objectives {
		if k := (budgetKey{t.name, o.Name}); answers[0][k] != 0 || answers[1][k] != 0 {
			return true
		}
	}
	return false
}

type budgetKey struct {
	name function.Name
	slo  string
}

// markBudgets notes, between two passes of the append loop, which counts the
// store holds, and as of when.
func (c *Collector) markBudgets(window time.Duration) ([]*tracked, time.Time) {
	c.passing.Lock()
	defer c.passing.Unlock()
	if c.lastPass == 0 {
		return nil, time.Time{}
	}
	var out []*tracked
	for _, t := range c.functions() {
		t.mu.Lock()
		if t.budget.window == window {
			out = append(out, t)
			for i := range t.budget.parts {
				t.budget.parts[i].asked = t.budget.parts[i].appended
			}
		}
		t.mu.Unlock()
	}
	return out, time.UnixMilli(c.lastPass)
}

// budgetLoop asks for each window in use as often as it is due, and sooner where
// a function came since; a failure is counted, logged once an outage, and tried again.
func (c *Collector) budgetLoop(ctx context.Context) {
	asked := map[time.Duration]time.Time{}
	ticker := time.NewTicker(budgetCheck)
	defer ticker.Stop()
	failing := false
	var windows map[time.Duration]bool
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if c.windowsStale.Swap(false) {
			windows = c.windows()
		}
		for window, waiting := range windows {
			every := budgetEvery(window)
			if waiting {
				every = budgetRetry
			}
			now := c.now()
			if last, ok := asked[window]; ok && now.Sub(last) < every {
				continue
			}
			asked[window] = now
			err := c.askBudgets(ctx, window)
			if ctx.Err() != nil {
				return
			}
			c.windowsStale.Store(true) // who waited may have its answer
			if err != nil {
				c.metrics.budgetFailures.Inc()
				if !failing {
					c.log.Warn("budgets could not be read", "window", window, "error", err)
				}
			}
			failing = err != nil
		}
	}
}

const (
	budgetCheck   = time.Second
	budgetRetry   = 10 * time.Second
	budgetTimeout = time.Minute
)

func (c *Collector) askBudgets(ctx context.Context, window time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, budgetTimeout, errSlowStore)
	defer cancel()
	return c.refreshBudgets(ctx, window)
}

// windows lists the SLO windows in use, and whether a function waits for its answer.
func (c *Collector) windows() map[time.Duration]bool {
	out := map[time.Duration]bool{}
	for _, t := range c.functions() {
		t.mu.Lock()
		if w := t.budget.window; w > 0 {
			out[w] = out[w] || !t.budget.known
		}
		t.mu.Unlock()
	}
	return out
}
