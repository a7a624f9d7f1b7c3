package collector

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"hadron/collector/metric"
)

// rollups is what the append loop keeps of them. All but caughtUp is guarded by
// Collector.passing.
type rollups struct {
	caughtUp atomic.Bool // what earlier processes counted is known, and in the store
	last     int64       // the pass that wrote the last ones
	again    bool        // the store may lack some of them
	chunk    []metric.Sample
}

// rolled is what the store of rollups has of an objective.
type rolled struct {
	tallies
	at     int64 // 0: nothing yet
	series [2]metric.Series
}

func (c *Collector) newRolled(t *tracked, slo string) *rolled {
	r := new(rolled)
	for i, name := range []string{metric.RolledEvents, metric.RolledBadEvents} {
		r.series[i].Labels = metric.NewLabels(name, append(t.labels(c.node), metric.SLO, slo, metric.Created, t.created)...)
	}
	return r
}

// put adds the totals as of a time; a zero goes before the first one, so that a total
// that begins with the store differs from one whose beginning the store lost.
func (r *rolled) put(to []metric.Sample, total tallies, at int64) []metric.Sample {
	if r.at == 0 {
		to = append(to, metric.Sample{Series: &r.series[0], T: at - 1}, metric.Sample{Series: &r.series[1], T: at - 1})
	}
	r.tallies, r.at = total, at
	return append(to,
		metric.Sample{Series: &r.series[0], T: at, V: float64(total.events)},
		metric.Sample{Series: &r.series[1], T: at, V: float64(total.bad)})
}

// rolls reports whether a pass writes rollups: the first one in each five minutes
// does, and the last one of all.
func (c *Collector) rolls(at int64, last bool) bool {
	every := metric.RollupEvery.Milliseconds()
	return c.rollups.caughtUp.Load() && at > c.rollups.last+1 && (last || c.rollups.again || at/every > c.rollups.last/every)
}

// rollUp adds what the raw store has of the function's objectives once the pass is
// over, where it grew, or rested for long. The caller holds t.mu.
func (p *pass) rollUp(t *tracked, at int64) {
	if !t.applied {
		return
	}
	rest := (metric.RollupRest - metric.RollupEvery/2).Milliseconds()
	for i := range t.budget.parts {
		part := &t.budget.parts[i]
		total := part.base
		total.add(part.appended)
		switch {
		case total.events == 0:
			continue
		case part.rolled == nil:
			part.rolled = p.c.newRolled(t, part.name)
		case total == part.rolled.tallies && at-part.rolled.at < rest && !p.c.rollups.again:
			continue
		}
		p.c.rollups.chunk = part.rolled.put(p.c.rollups.chunk, total, at)
	}
}

// endRollups ends the rollups of a function that was removed. The caller holds t.mu.
func (p *pass) endRollups(t *tracked) {
	if !p.c.rollups.caughtUp.Load() {
		return
	}
	p.rollUp(t, p.at-1)
	for i := range t.budget.parts {
		if r := t.budget.parts[i].rolled; r != nil {
			for at := range r.series {
				p.c.rollups.chunk = append(p.c.rollups.chunk, metric.Sample{Series: &r.series[at], T: p.at, V: metric.Stale})
			}
		}
	}
}

// flushRollups gives the store the pass's rollups, if it has all that they sum up.
func (p *pass) flushRollups() {
	r := &p.c.rollups
	if p.err == nil {
		p.err = p.c.appendRollups(p.ctx, r.chunk)
	}
	clear(r.chunk)
	r.chunk = r.chunk[:0]
	r.again = p.err != nil
	if p.rolling && p.err == nil {
		r.last = p.at
	}
}

// appendRollups gives samples to the store, in portions.
func (c *Collector) appendRollups(ctx context.Context, samples []metric.Sample) error {
	for len(samples) > 0 {
		n := min(len(samples), appendChunk)
		ctx, cancel := context.WithTimeoutCause(ctx, appendTimeout, errSlowStore)
		err := c.store.AppendRollups(ctx, samples[:n])
		cancel()
		var partly rejection
		switch {
		case errors.As(err, &partly):
			c.metrics.rejected.Add(float64(partly.Rejected()))
			c.log.Warn("the metric store refused rollups", "error", err)
		case err != nil:
			c.metrics.appendFailures.Inc()
			return fmt.Errorf("append rollups: %w", err)
		}
		c.metrics.rollups.Add(float64(n))
		samples = samples[n:]
	}
	return nil
}

// bridge writes the totals on over a time in which no pass was made, as when the
// machine slept: a total is looked for in the 70 minutes before a moment only. The
// last pass before it may have counted what no rollup had yet.
func (c *Collector) bridge(ctx context.Context, from, to int64) error {
	rest, reach := metric.RollupRest.Milliseconds(), metric.RollupReach.Milliseconds()
	if c.rollups.last == 0 || to-from < reach-rest {
		return nil
	}
	for at := max(from, c.rollups.last+1, to-furthest.Milliseconds()); at < to-1; at += rest {
		if err := c.restAt(ctx, at, true); err != nil {
			return err
		}
		c.rollups.last = at
	}
	return nil
}

// furthest is how far back rollups are written on: nobody asks for what lies before.
const furthest = 95 * 24 * time.Hour

// restAt writes every total as of a time at which it was the same as now, with this
// process's own counts or without. All functions are given one time before the next:
// the store takes no steps back.
func (c *Collector) restAt(ctx context.Context, at int64, own bool) error {
	var chunk []metric.Sample
	for _, t := range c.functions() {
		t.mu.Lock()
		for i := range t.budget.parts {
			part := &t.budget.parts[i]
			total := part.base
			if own {
				total.add(part.appended)
			}
			if !t.applied || total.events == 0 {
				continue
			}
			if part.rolled == nil {
				part.rolled = c.newRolled(t, part.name)
			}
			if part.rolled.at <= at { // the same time again after a failure
				chunk = part.rolled.put(chunk, total, at)
			}
		}
		t.mu.Unlock()
	}
	return c.appendRollups(ctx, chunk)
}
