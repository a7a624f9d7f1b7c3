package collector

import (
	"context"
	"fmt"
	"time"

	"hadron/collector/metric"
)

// refill gives health the minute before the start, as the store has it: with one
// query for each kind of count, all functions at once. Durations are not among them:
// quantiles begin with this process.
func (c *Collector) refill(ctx context.Context) error {
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
		expr := fmt.Sprintf("sum by (%s, %s, %s, %s) (increase(%s{%s=%q,%s=%q}[1m] anchored))", by[0], by[1], by[2], by[len(by)-1],
			q.series, metric.Job, metric.JobValue, metric.Instance, c.node)
		points, err := c.ask(ctx, expr, c.started.Add(-time.Millisecond))
		if err != nil {
			return err
		}
		for _, p := range points {
			c.mu.RLock()
			t := c.byName[nameOf(p.Labels)]
			c.mu.RUnlock()
			n := p.V*q.scale + 0.5
			if t == nil || !(n >= 1) {
				continue
			}
			t.mu.Lock()
			if t.refill == nil {
				t.refill = new(sums)
			}
			q.put(t.refill, t, p.Labels.Get(q.by), n)
			t.mu.Unlock()
		}
	}
	for _, t := range c.functions() {
		t.mu.Lock()
		wakes := t.refill != nil
		t.restate = t.restate || wakes
		t.mu.Unlock()
		if wakes {
			c.activate(t)
		}
	}
	return nil
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
func (s *healthState) refill(total *sums, started time.Time) {
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
	if total.calls > 0 {
		s.lastCall = started
	}
	s.full = true
}
