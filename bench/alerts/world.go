package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// step is between samples and between evaluations: the product's default.
const step = 15 * time.Second

// objectiveSeries are the series of one scenario.
type playing struct {
	scenario
	luck      *rand.Rand
	objective *metric.Series
	counters  []*counter
	rolled    [2]*metric.Series // totals, of which one is kept each five minutes
	totals    [2]float64
}

// counter is what one instance counts.
type counter struct {
	instance
	all, bad     metric.Series
	events, fail float64
	seen         [2]float64 // as last scraped
	begun, ended bool
}

func (s *scenario) labels(name string, pairs ...string) metric.Labels {
	return metric.NewLabels(name, append([]string{
		metric.Team, s.name.Team(), metric.Project, s.name.Project(), metric.Function, s.name.Base(), metric.SLO, s.slo,
	}, pairs...)...)
}

func play(s scenario, seed uint64, index int) *playing {
	p := &playing{scenario: s, luck: rand.New(rand.NewPCG(seed, 1<<60|uint64(index)))}
	p.objective = &metric.Series{Labels: s.labels(metric.Objective, slo.WindowLabel, sloWindow.String())}
	for i, name := range []string{metric.RolledEvents, metric.RolledBadEvents} {
		p.rolled[i] = &metric.Series{Labels: s.labels(name)}
	}
	for _, in := range s.instances {
		pairs := []string{metric.Version, strconv.Itoa(in.version), "instance", in.node}
		c := &counter{instance: in}
		c.all.Labels, c.bad.Labels = s.labels(metric.Events, pairs...), s.labels(metric.BadEvents, pairs...)
		p.counters = append(p.counters, c)
	}
	return p
}

// sloWindow is every scenario's: that of the workbook.
const sloWindow = function.Duration(30 * 24 * time.Hour)

// write fills the store with every scenario's history.
func write(ctx context.Context, db *tsdb.DB, all []*playing, start time.Time) error {
	var batch []metric.Sample
	for t := time.Duration(0); t <= length; t += step {
		batch = batch[:0]
		at := start.Add(t).UnixMilli()
		for _, p := range all {
			batch = p.sample(batch, t, at)
		}
		if err := db.Append(ctx, batch); err != nil {
			return fmt.Errorf("write %s: %w", t, err)
		}
		if t%metric.RollupEvery == 0 {
			batch = batch[:0]
			for _, p := range all {
				batch = p.rollUp(batch, t, at)
			}
			if err := db.AppendRollups(ctx, batch); err != nil {
				return fmt.Errorf("roll up %s: %w", t, err)
			}
		}
	}
	return nil
}

// sample counts the calls of the step that ends at t, and writes what a scrape sees.
func (p *playing) sample(batch []metric.Sample, t time.Duration, at int64) []metric.Sample {
	from := t - step
	hidden := slices.ContainsFunc(p.gaps, func(g span) bool { return g.has(t) })
	alive := 0
	for _, c := range p.counters {
		if c.alive.has(from) {
			alive++
		}
	}
	for _, c := range p.counters {
		switch {
		case c.ended || t < c.alive.from:
			continue
		case !c.alive.has(t):
			c.ended = true
			if c.begun {
				batch = append(batch, metric.Sample{Series: &c.all, T: at, V: metric.Stale}, metric.Sample{Series: &c.bad, T: at, V: metric.Stale})
			}
			continue
		}
		if slices.ContainsFunc(c.resets, func(r time.Duration) bool { return r > from && r <= t }) {
			c.events, c.fail = 0, 0
		}
		if c.alive.has(from) && c.begun {
			calls := p.calls(from, alive)
			c.events += calls
			c.fail += p.failures(calls, p.bad(from))
		}
		c.begun = true // the first sample is a zero: a series is there before its first call
		if !hidden {
			p.add(0, &c.seen[0], c.events)
			p.add(1, &c.seen[1], c.fail)
			batch = append(batch, metric.Sample{Series: &c.all, T: at, V: c.events}, metric.Sample{Series: &c.bad, T: at, V: c.fail})
		}
	}
	if !hidden {
		batch = append(batch, metric.Sample{Series: p.objective, T: at, V: p.scenario.objective})
	}
	return batch
}

// add takes a counter's value into a total, as the collector does: what began again began
// at nothing.
func (p *playing) add(of int, seen *float64, now float64) {
	if now < *seen {
		*seen = 0
	}
	p.totals[of] += now - *seen
	*seen = now
}

// rollUp keeps the totals, but while nothing is scraped.
func (p *playing) rollUp(batch []metric.Sample, t time.Duration, at int64) []metric.Sample {
	if slices.ContainsFunc(p.gaps, func(g span) bool { return g.has(t) }) {
		return batch
	}
	return append(batch, metric.Sample{Series: p.rolled[0], T: at, V: p.totals[0]}, metric.Sample{Series: p.rolled[1], T: at, V: p.totals[1]})
}

func (p *playing) calls(t time.Duration, alive int) float64 {
	rate := p.rate(t)
	if math.IsInf(rate, 1) {
		return 1
	}
	return poisson(p.luck, rate*step.Seconds()/float64(max(1, alive)))
}

func (p *playing) failures(calls, share float64) float64 {
	switch {
	case share <= 0 || calls == 0:
		return 0
	case share >= 1:
		return calls
	case calls > 50 && calls*share > 20:
		return min(calls, max(0, math.Round(calls*share+p.luck.NormFloat64()*math.Sqrt(calls*share*(1-share)))))
	case calls > 50:
		return min(calls, poisson(p.luck, calls*share))
	}
	failed := 0.0
	for range int(calls) {
		if p.luck.Float64() < share {
			failed++
		}
	}
	return failed
}

// poisson draws how many of rare events happen.
func poisson(luck *rand.Rand, mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	if mean > 50 {
		return max(0, math.Round(mean+luck.NormFloat64()*math.Sqrt(mean)))
	}
	limit, n, product := math.Exp(-mean), 0.0, luck.Float64()
	for product > limit {
		n++
		product *= luck.Float64()
	}
	return n
}
