package collector

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hadron/collector/metric"
	"hadron/runtime/function"
)

// budget is how much of each objective's error budget is spent in the function's
// window: all that was ever counted, less what had been counted when the window
// begins. Guarded by the lock of its function.
type budget struct {
	window time.Duration
	known  bool   // what had been counted when the window begins
	burn   bool   // and when each of burnWindows does
	parts  []part // none while the function has neither handles nor a past: all of it is left
}

// part is one objective of a budget, or one that the function had: its total goes on
// where it comes back.
type part struct {
	name  string
	off   bool // the function has no such objective now
	ratio float64
	// Counts of earlier processes; of versions that ended; as last appended; and as
	// appended when the store is asked.
	base, retired, appended, asked tallies
	now                            tallies                      // all that was ever counted, by the last count
	before                         [2]float64                   // total events and bad events when the window begins
	burned                         [len(burnWindows)][2]float64 // the same of each of burnWindows
	rolled                         *rolled                      // what the store of rollups has; made with the first rollup
}

type tallies struct{ events, bad uint64 }

func (t *tallies) add(o tallies) { t.events, t.bad = t.events+o.events, t.bad+o.bad }

// maxParts bounds the objectives that a function had.
const maxParts = 16

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

// take makes the objectives the parts that count, in their order.
func (b *budget) take(objectives []function.Objective) {
	next := make([]part, 0, max(len(objectives), len(b.parts)))
	for _, o := range objectives {
		p := part{name: o.Name}
		if at := b.find(o.Name); at >= 0 {
			p = b.parts[at]
		}
		p.ratio, p.off = o.Ratio, false
		next = append(next, p)
	}
	for _, p := range b.parts {
		if len(next) < maxParts && !slices.ContainsFunc(next, func(n part) bool { return n.name == p.name }) {
			p.off = true
			next = append(next, p)
		}
	}
	b.parts = next
}

func (b *budget) find(name string) int {
	return slices.IndexFunc(b.parts, func(p part) bool { return p.name == name })
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

// count looks at the handles, for left and burns.
func (b *budget) count(handles []*Handle) {
	for i := range b.parts {
		p := &b.parts[i]
		p.now = p.total(handles)
		p.now.add(p.base)
	}
}

// left is the share of the worst objective's budget that was left by the last count:
// under 0 when overspent; false before the store has answered.
func (b *budget) left() (float64, bool) {
	if !b.known {
		return 0, false
	}
	worst := 1.0
	for i := range b.parts {
		p := &b.parts[i]
		if p.off {
			continue
		}
		events, bad := p.since(p.before)
		if allowed := events * (1 - p.ratio); allowed > 0 {
			worst = min(worst, 1-bad/allowed)
		}
	}
	return worst, true
}

// since is how many events there were since so many were counted, and how many were
// bad, by the last count.
func (p *part) since(before [2]float64) (events, bad float64) {
	return max(0, float64(p.now.events)-before[0]), max(0, float64(p.now.bad)-before[1])
}

// budgetEvery is how often the store is asked where a window begins now: own counts
// carry the budget in between, and only what leaves the window at its far end is
// missed.
func budgetEvery(window time.Duration) time.Duration {
	return max(min(window/60, metric.RollupEvery), time.Minute)
}

// refreshBudgets asks the store, with one query for each window in use, what had been
// counted when the window began.
func (c *Collector) refreshBudgets(ctx context.Context, window time.Duration) error {
	tracked, at := c.markBudgets(window)
	if len(tracked) == 0 || at.IsZero() || !c.rollups.caughtUp.Load() {
		return nil
	}
	answer, err := c.counts(ctx, window, at)
	if err != nil {
		return err
	}
	for _, t := range tracked {
		t.mu.Lock()
		if t.budget.window == window {
			if !t.budget.known || len(t.budget.parts) > 0 {
				t.restate = true
				c.activate(t)
			}
			t.budget.known = true
			t.beginWindow(answer, window < wideWindow)
		}
		t.mu.Unlock()
	}
	return nil
}

// counts asks for the counters of all functions: of wide windows as they were when
// these began, of others what was counted within.
func (c *Collector) counts(ctx context.Context, window time.Duration, at time.Time) (map[budgetKey][2]float64, error) {
	expr, asOf := c.withinQuery(window), at
	if window >= wideWindow {
		expr, asOf = c.beforeQuery(window, at)
	}
	return c.countsOf(ctx, expr, asOf)
}

func (c *Collector) countsOf(ctx context.Context, expr string, at time.Time) (map[budgetKey][2]float64, error) {
	points, err := c.ask(ctx, expr, at)
	if err != nil {
		return nil, err
	}
	answer := make(map[budgetKey][2]float64, len(points)/2)
	for _, p := range points {
		k := budgetKey{nameOf(p.Labels), p.Labels.Get(metric.SLO), p.Labels.Get(metric.Created)}
		counts := answer[k]
		if n := p.Labels.Get(counterLabel); n == metric.Events || n == metric.RolledEvents {
			counts[0] = p.V
		} else {
			counts[1] = p.V
		}
		answer[k] = counts
	}
	return answer, nil
}

// beginWindow takes what the store answered: what had been counted when the window
// began, or what was counted within. The caller holds t.mu.
func (t *tracked) beginWindow(answer map[budgetKey][2]float64, within bool) {
	for i := range t.budget.parts {
		p := &t.budget.parts[i]
		if !within {
			p.before = answer[budgetKey{t.name, p.name, t.created}]
			continue
		}
		counts := answer[budgetKey{t.name, p.name, ""}]
		p.before = [2]float64{float64(p.base.events+p.asked.events) - counts[0], float64(p.base.bad+p.asked.bad) - counts[1]}
	}
}

// wideWindow is the shortest window whose begin is looked up in the rollups; over a
// shorter one, the five minutes between them would show.
const wideWindow = 24 * time.Hour

// withinQuery is the query for what was counted within a window.
func (c *Collector) withinQuery(window time.Duration) string {
	return c.bothCounters(metric.Events, metric.BadEvents, fmt.Sprintf("sum by (%s, %s, %s, %s) (increase(%%s[%dms] anchored))",
		metric.Team, metric.Project, metric.Function, metric.SLO, window.Milliseconds()))
}

// beforeQuery is the query for what had been counted when a window began, and as of
// when it is asked.
func (c *Collector) beforeQuery(window time.Duration, at time.Time) (expr string, asOf time.Time) {
	begin, read := at.Add(-window), "last_over_time"
	// Where the store begins later, its oldest totals are what had been counted: zeros
	// where it is young, else what a bound on size has left.
	if oldest, _ := c.store.RollupBounds(); begin.Before(oldest) {
		begin, read = oldest.Add(metric.RollupReach-time.Millisecond), "min_over_time"
	}
	return c.bothCounters(metric.RolledEvents, metric.RolledBadEvents,
		fmt.Sprintf("%s(%%s[%dms])", read, metric.RollupReach.Milliseconds())), begin
}

type budgetKey struct {
	name    function.Name
	slo     string
	created string // empty where raw samples answered
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

// budgetLoop learns what earlier processes counted, then asks for each window in use
// as often as it is due, and sooner where a function came since; a failure is
// counted, logged once an outage, and tried again.
func (c *Collector) budgetLoop(ctx context.Context) {
	if !c.catchUp(ctx) {
		return
	}
	asked := map[time.Duration]time.Time{}
	ticker := time.NewTicker(budgetCheck)
	defer ticker.Stop()
	failing := false
	var windows map[time.Duration]bool
	var burned time.Time
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
			failing = c.budgetFailed(err, failing)
		}
		if now := c.now(); now.Sub(burned) >= burnEvery {
			burned = now
			err := c.refreshBurns(ctx)
			if ctx.Err() != nil {
				return
			}
			if failing = c.budgetFailed(err, failing); failing {
				burned = now.Add(budgetRetry - burnEvery)
			}
		}
	}
}

// budgetFailed counts a failure, and logs the first of an outage.
func (c *Collector) budgetFailed(err error, failing bool) bool {
	if err == nil {
		return false
	}
	c.metrics.budgetFailures.Inc()
	if !failing {
		c.log.Warn("budgets could not be read", "error", err)
	}
	return true
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
