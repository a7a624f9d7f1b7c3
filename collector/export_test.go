package collector

import (
	"context"
	"time"

	"hadron/runtime/function"
)

// Name is the function that the handle counts for.
func (h *Handle) Name() function.Name { return h.id.Name }

// Compute is one tick of the health loop.
func (c *Collector) Compute(took time.Duration) { c.compute(c.now(), took) }

// AppendAll is one pass of the append loop.
func (c *Collector) AppendAll(ctx context.Context) error { return c.appendAll(ctx, true, false) }

// Looked is how many functions the health loop looks at each tick.
func (c *Collector) Looked() int { return len(c.live.active) }

// CatchUp is one try at learning what earlier processes counted.
func (c *Collector) CatchUp(ctx context.Context) error { return c.tryCatchUp(ctx, new(catching)) }

// RefreshBudgets asks the store where a window begins.
func (c *Collector) RefreshBudgets(ctx context.Context, window time.Duration) error {
	return c.refreshBudgets(ctx, window)
}

// InWindow is what the budget of an objective counts in its window.
func (c *Collector) InWindow(name function.Name, slo string) (events, bad float64) {
	t := c.tracked(name)
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.budget.find(slo)
	if at < 0 {
		return 0, 0
	}
	p := &t.budget.parts[at]
	t.budget.count(*t.handles.Load())
	return p.since(p.before)
}

// RefreshBurns asks the store where the windows of burns begin.
func (c *Collector) RefreshBurns(ctx context.Context) error { return c.refreshBurns(ctx) }

// LastPass is the last pass of the append loop, in its orderly end.
func (c *Collector) LastPass(ctx context.Context) error { return c.appendAll(ctx, true, true) }
