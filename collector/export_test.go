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
func (c *Collector) AppendAll(ctx context.Context) error { return c.appendAll(ctx, true) }

// Looked is how many functions the health loop looks at each tick.
func (c *Collector) Looked() int { return len(c.live.active) }
