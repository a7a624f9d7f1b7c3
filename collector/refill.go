package collector

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"hadron/collector/metric"
)

// minute is what a function did in the minute before the start.
type minute struct {
	sums
	took []bucketDelta
}

// refill gives health the minute before the start, as the store has it: with one
// query for each kind of count and one for durations, all functions at once.
func (c *Collector) refill(ctx context.Context) error {
	found := minutes{c: c, of: map[*tracked]*minute{}}
	for _, q := range []struct {
		series, by string
		scale      float64
		put        func(s *sums, t *tracked, label string, n float64)
	}{
		{metric.Invocations, "", 1, func(s *sums, _ *tracked, _ string, n float64) { s.calls += uint32(n) }},
		{metric.ColdStarts, "", 1, func(s *sums, _ *tracked, _ string, n float64) { s.cold += uint32(n) }},
		{metric.CPU, "", float64(time.Second), func(s *sums, _ *tracked, _ string, n float64) { s.cpu += int64(n) }},
		{metric.Errors, metric.CodeName, 1, func(s *sums, _ *tracked, code string, n float64) {
			for at, one := range errorCodes {
				if string(one) == code {
					s.errors[at] += uint32(n)
				}
			}
		}},
		{metric.Refused, metric.CodeName, 1, func(s *sums, _ *tracked, code string, n float64) {
			if code == string(refusalCodes[1]) || code == string(refusalCodes[2]) {
				s.overloaded += uint32(n)
			}
		}},
		{metric.BadEvents, metric.SLO, 1, func(s *sums, t *tracked, slo string, n float64) {
			if column := t.promise.column(slo); column >= 0 {
				s.slow[column] += uint32(n)
			}
		}},
	} {
		by := []string{metric.Team, metric.Project, metric.Function}
		if q.by != "" {
			by = append(by, q.by)
		}
		points, err := c.ask(ctx, c.lastMinute(q.series, by...), c.started.Add(-time.Millisecond))
		if err != nil {
			return err
		}
		for _, p := range points {
			if n := p.V*q.scale + 0.5; n >= 1 {
				found.put(p.Labels, func(t *tracked, m *minute) { q.put(&m.sums, t, p.Labels.Get(q.by), n) })
			}
		}
	}
	if err := found.durations(ctx); err != nil {
		return err
	}
	for t, m := range found.of {
		t.mu.Lock()
		t.refill, t.restate = m, true
		t.mu.Unlock()
		c.activate(t)
	}
	return nil
}

// minutes are what was found of functions, given to them once all is.
type minutes struct {
	c  *Collector
	of map[*tracked]*minute
}

// put has add note something of the function that these labels are of.
func (m *minutes) put(labels metric.Labels, add func(t *tracked, one *minute)) {
	m.c.mu.RLock()
	t := m.c.byName[nameOf(labels)]
	m.c.mu.RUnlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	one := m.of[t]
	if one == nil {
		one = new(minute)
		m.of[t] = one
	}
	add(t, one)
}

func (m *minutes) durations(ctx context.Context) error {
	c := m.c
	ctx, cancel := context.WithTimeoutCause(ctx, budgetTimeout, errSlowStore)
	defer cancel()
	found, err := c.store.QueryDistributions(ctx, c.lastMinute(metric.Duration, metric.Team, metric.Project, metric.Function), c.started.Add(-time.Millisecond))
	if err != nil {
		return fmt.Errorf("query durations: %w", err)
	}
	for _, d := range found {
		if d.Schema > schema {
			continue // nothing that a Hadron wrote
		}
		m.put(d.Labels, func(_ *tracked, m *minute) {
			add := func(at int, n float64) {
				if n >= 0.5 && at >= 0 && at <= zeroAt {
					m.took = append(m.took, bucketDelta{uint16(at), uint32(n + 0.5)})
				}
			}
			add(zeroAt, d.ZeroCount)
			for _, b := range d.Buckets {
				if at := int(b.Index)<<(schema-d.Schema) - firstBucket; at < zeroAt {
					add(at, b.Count)
				}
			}
		})
	}
	return nil
}

// lastMinute is the query for what a counter or histogram of this node counted in a minute.
func (c *Collector) lastMinute(series string, by ...string) string {
	return fmt.Sprintf("sum by (%s) (increase(%s{%s=%q,%s=%q}[1m] anchored))", strings.Join(by, ", "),
		series, metric.Job, metric.JobValue, metric.Instance, c.node)
}

// column is the place of a latency objective among them, -1 where there is none.
func (p *promise) column(slo string) int {
	column := 0
	for _, o := range p.objectives {
		if o.Threshold == 0 {
			continue
		}
		if o.Name == slo && column < maxLatencies {
			return column
		}
		column++
	}
	return -1
}

// refill spreads counts evenly over the window, so that they leave it as evenly. The
// caller holds the function's lock.
func (s *healthState) refill(total *minute, started time.Time) {
	if s.window == nil {
		s.window = new(window)
	}
	w := s.window
	for i := range windowTicks {
		share := func(n uint32) uint32 {
			return uint32(uint64(n)*uint64(i+1)/windowTicks - uint64(n)*uint64(i)/windowTicks)
		}
		one := sums{
			calls: share(total.calls), overloaded: share(total.overloaded), cold: share(total.cold), cpu: total.cpu / windowTicks,
		}
		for at, n := range total.errors {
			one.errors[at] = share(n)
		}
		for at, n := range total.slow {
			one.slow[at] = share(n)
		}
		w.ticks[(w.at+i)%windowTicks].add(&one)
		w.total.add(&one)
	}
	w.durations.refill(w.at, total.took)
	if total.calls > 0 {
		s.lastCall = started
	}
	s.full = true
}

// refill gives the ticks of the window, the oldest of which is at this place, a share of
// durations each. What cannot be shared evenly is dealt out over the ticks, beginning with the newest,
// so that the quantiles stay what they are while the minute leaves the window.
func (d *durations) refill(oldest int, took []bucketDelta) {
	rest, dealt := make([][windowTicks]uint8, len(took)), 0
	for i, b := range took {
		for range b.n % windowTicks {
			_, part := math.Modf(float64(dealt) * (math.Phi - 1)) // never near one dealt lately
			rest[i][windowTicks-1-int(part*windowTicks)]++
			dealt++
		}
	}
	for tick := range windowTicks {
		at := (oldest + tick) % windowTicks
		for range d.ticks[at] { // in the queue a tick's deltas lie together
			d.deltas.push(d.deltas.pop())
		}
		for i, b := range took {
			if n := b.n/windowTicks + uint32(rest[i][tick]); n > 0 {
				d.add(at, int(b.at), n)
			}
		}
	}
}
