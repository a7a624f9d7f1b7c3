package collector

import (
	"context"
	"fmt"
	"math"
	"time"

	"hadron/collector/metric"
	"hadron/runtime/function"
)

// catching is how far a start has come with what earlier processes counted.
type catching struct {
	filled  bool // health has its minute
	learned bool
	from    int64 // Unix milliseconds: the last rollup of earlier processes
	at      int64 // until here it is in the store
	counted int64 // until here it is in the totals
}

// step is how long after the time that is in the store the next totals are written: soon
// where a process that crashed may have counted what it did not roll up, so that a window
// which begins there begins with it.
func (s *catching) step() int64 {
	every := metric.RollupEvery.Milliseconds()
	if s.at < s.from+2*every {
		return every
	}
	return metric.RollupRest.Milliseconds()
}

// catchUp learns the totals of earlier processes, and has the store of rollups go on
// to the start of this one: with what the raw samples have beyond the last rollup,
// which is all of it after a crash or where the rollups are lost, and over the time
// in which nobody ran. It tries until it succeeds; false when ctx ends first.
func (c *Collector) catchUp(ctx context.Context) bool {
	var state catching
	for failures := 0; ; failures++ {
		err := c.tryCatchUp(ctx, &state)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.metrics.budgetFailures.Inc()
		if failures == 0 {
			c.log.Warn("what earlier processes counted could not be read; budgets are unknown until it is", "error", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(budgetRetry):
		}
	}
}

func (c *Collector) tryCatchUp(ctx context.Context, state *catching) error {
	if !state.filled {
		if err := c.refill(ctx); err != nil {
			return err
		}
		state.filled = true
	}
	began := c.started.UnixMilli() - 1 // what lies before is of earlier processes
	if !state.learned {
		from, err := c.learn(ctx, began)
		if err != nil {
			return err
		}
		state.from = max(from, began-furthest.Milliseconds())
		state.learned, state.at = true, state.from
	}
	for state.at < began {
		next := min(state.at+state.step(), began)
		if state.counted < next {
			if err := c.recount(ctx, state.at, next); err != nil {
				return err
			}
			state.counted = next
		}
		if err := c.restAt(ctx, next, false); err != nil {
			return err
		}
		state.at = next
	}
	c.passing.Lock()
	c.rollups.last = state.at
	c.rollups.caughtUp.Store(true)
	c.passing.Unlock()
	c.windowsStale.Store(true)
	return nil
}

// learn takes the last totals from the store, and returns the time from which on the
// raw samples have to tell.
func (c *Collector) learn(ctx context.Context, began int64) (from int64, err error) {
	_, newest := c.store.RollupBounds()
	if newest.IsZero() {
		oldest, _ := c.store.Bounds()
		if oldest.IsZero() {
			return began, nil
		}
		return oldest.UnixMilli() - 1, nil
	}
	points, err := c.ask(ctx, c.bothCounters(metric.RolledEvents, metric.RolledBadEvents,
		fmt.Sprintf("last_over_time(%%s[%dms])", metric.RollupReach.Milliseconds())), newest)
	if err != nil {
		return 0, err
	}
	for _, p := range points {
		c.past(p, func(t *tracked, part *part, counts *uint64) {
			if t.created != p.Labels.Get(metric.Created) {
				return
			}
			*counts = uint64(p.V)
			if part.rolled == nil {
				part.rolled = c.newRolled(t, part.name)
			}
			part.rolled.tallies, part.rolled.at = part.base, newest.UnixMilli()
		})
	}
	return newest.UnixMilli(), nil
}

// recount adds what the raw samples have of a time to the totals.
func (c *Collector) recount(ctx context.Context, from, to int64) error {
	points, err := c.ask(ctx, c.bothCounters(metric.Events, metric.BadEvents,
		fmt.Sprintf("sum by (%s, %s, %s, %s) (increase(%%s[%dms] anchored))", metric.Team, metric.Project, metric.Function, metric.SLO, to-from)),
		time.UnixMilli(to))
	if err != nil {
		return err
	}
	for _, p := range points {
		if !(p.V >= 1) {
			continue
		}
		c.past(p, func(t *tracked, _ *part, counts *uint64) {
			if !t.applied || t.registered > to {
				return // an earlier function of that name
			}
			*counts += uint64(math.Round(p.V))
		})
	}
	return nil
}

// past finds whose count a point is.
func (c *Collector) past(p metric.Point, use func(t *tracked, part *part, counts *uint64)) {
	c.mu.RLock()
	t := c.byName[nameOf(p.Labels)]
	c.mu.RUnlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := &t.budget
	b.keep(t.promise.objectives)
	name := p.Labels.Get(metric.SLO)
	at := b.find(name)
	if at < 0 {
		if len(b.parts) >= maxParts {
			return
		}
		at = len(b.parts)
		b.parts = append(b.parts, part{name: name, off: true})
	}
	counts := &b.parts[at].base.events
	if n := p.Labels.Get(counterLabel); n == metric.BadEvents || n == metric.RolledBadEvents {
		counts = &b.parts[at].base.bad
	}
	use(t, &b.parts[at], counts)
}

// counterLabel tells the two counters of one answer apart: the operator or takes
// series that differ by their names only for the same.
const counterLabel = "hadron_counter"

// bothCounters asks one question of two counters; the question has the selector's place.
func (c *Collector) bothCounters(events, bad, question string) string {
	one := func(name string) string {
		selector := fmt.Sprintf("%s{%s=%q,%s=%q}", name, metric.Job, metric.JobValue, metric.Instance, c.node)
		return fmt.Sprintf(`label_replace(%s, %q, %q, "", "")`, fmt.Sprintf(question, selector), counterLabel, name)
	}
	return one(events) + " or " + one(bad)
}

func (c *Collector) ask(ctx context.Context, expr string, at time.Time) ([]metric.Point, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, budgetTimeout, errSlowStore)
	defer cancel()
	points, err := c.store.Query(ctx, expr, at)
	if err != nil {
		return nil, fmt.Errorf("query counts: %w", err)
	}
	return points, nil
}

// nameOf is the function that a series is of.
func nameOf(l metric.Labels) function.Name {
	return function.Name(l.Get(metric.Team) + "/" + l.Get(metric.Project) + "/" + l.Get(metric.Function))
}
