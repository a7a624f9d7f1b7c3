package collector

import (
	"context"
	"errors"
	"strconv"
	"time"

	"hadron/collector/metric"
	"hadron/runtime/function"
)

// Bounds of the append loop.
const (
	appendChunk   = 10_000 // samples given to the store at once
	appendTimeout = 30 * time.Second
	mostBackoff   = 30 * time.Second
	mostTries     = 3 // of a series' first zero, and of a removed function's markers
)

// written is what the store has of a function. Only the append loop uses it.
type written struct {
	pass   uint64
	tries  int // passes in which the markers of a removed function failed
	series map[key]*writtenSeries
}

type writtenSeries struct {
	metric.Series
	pass     uint64 // the last pass that saw it
	begun    bool   // its first zero is in the store
	tries    int
	exemplar int64 // time of the last one given

	snapshot *metric.Histogram // as last appended; never changed
}

// appendLoop paces samples into the store: every living series each interval,
// changed or not, since a rate needs two samples in its window and a series that
// pauses for five minutes is taken for gone. New and removed functions do not
// wait for the interval.
func (c *Collector) appendLoop(ctx context.Context) {
	left, err := c.orphans(ctx)
	if err == nil {
		err = c.endOrphans(ctx, left)
	}
	if err != nil && ctx.Err() == nil {
		c.log.Warn("series of an earlier process were not ended; they fade by themselves", "error", err)
	}
	ticker := time.NewTicker(c.interval)
	defer ticker.Stop()
	failures := 0
	var paused time.Time
	for {
		full := true
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-c.wake:
			full = false
		}
		if c.now().Before(paused) {
			continue
		}
		err := c.appendAll(ctx, full, false)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if failures > 0 {
				c.log.Info("samples are appended again", "failures", failures)
			}
			failures = 0
		default:
			if failures == 0 {
				c.log.Warn("samples could not be appended", "error", err)
			}
			paused = c.now().Add(min(c.interval<<min(failures, 10), mostBackoff))
			failures++
		}
	}
}

// appendAll gives the store one sample of each living series and ends those that
// are gone; unless full, of functions that came, changed or went only. Counters
// are cumulative, so what fails is made good by the next pass.
func (c *Collector) appendAll(ctx context.Context, full, last bool) error {
	c.passing.Lock()
	defer c.passing.Unlock()
	began := c.now()
	p := &pass{c: c, ctx: ctx, last: c.lastPass, at: max(began.UnixMilli(), c.lastPass+3)}
	c.lastPass = p.at
	if p.rolling = full && c.rolls(p.at, last); p.rolling {
		if err := c.bridge(ctx, p.last, p.at); err != nil {
			return err
		}
	}
	removed := c.takeRemoved()
	ended := make(map[function.Name]bool, len(removed))
	for _, t := range removed {
		ended[t.name] = true
		if !p.end(t) {
			c.keepRemoved(t)
		}
	}
	for _, t := range c.functions() {
		if ended[t.name] {
			c.nudge() // made anew: some labels are the same, so it waits for a later time
			continue
		}
		p.write(t, full)
	}
	p.flush()
	p.flushRollups()
	c.metrics.appendSeconds.Observe(c.now().Sub(began).Seconds())
	if full {
		c.metrics.series.Set(float64(p.series))
	}
	return p.err
}

// rejection is an error that says how many samples of a batch the store refused
// for good; it has the others.
type rejection interface {
	error
	Rejected() int
}

// pass is one walk over the functions; it fills chunks and gives them away.
type pass struct {
	c       *Collector
	ctx     context.Context
	at      int64 // of this pass
	last    int64 // of the one before
	rolling bool  // it writes rollups
	series  int
	err     error
	fresh   []*writtenSeries // whose first zero is in the chunk
}

// write adds a function's samples to the chunk.
func (p *pass) write(t *tracked, full bool) {
	t.mu.Lock()
	if !full && !t.dirty {
		t.mu.Unlock()
		return
	}
	t.dirty = false
	w := &t.written
	silent := t.silent()
	if !silent {
		w.pass++
	}
	p.rows(t, p.at)
	if p.rolling {
		p.rollUp(t, p.at)
	}
	t.mu.Unlock()
	if silent {
		return
	}
	for k, s := range w.series {
		if s.pass != w.pass {
			p.add(metric.Sample{Series: &s.Series, T: p.at, V: metric.Stale})
			delete(w.series, k)
		}
	}
	if len(w.series) == 0 {
		w.series = nil
	}
	p.series += len(w.series)
	if len(p.c.chunk) >= appendChunk {
		p.flush()
	}
}

// rows adds a sample of each of the function's series, and notes what the store will
// have of its objectives. The caller holds t.mu.
func (p *pass) rows(t *tracked, at int64) {
	for i := range t.budget.parts {
		t.budget.parts[i].appended = t.budget.parts[i].retired
	}
	t.rows(func(r row) {
		t.budget.note(r)
		p.row(t, r, at)
	})
}

// silent reports whether the function has no series and had none. The caller holds t.mu.
func (t *tracked) silent() bool {
	return t.written.series == nil && len(*t.handles.Load()) == 0 && t.refused.Load() == nil && t.dropped == nil && len(t.moves) == 0 && len(t.quarantined) == 0 && t.takenBack == 0
}

// note keeps what a pass appends of an objective's counts.
func (b *budget) note(r row) {
	if r.name != metric.Events && r.name != metric.BadEvents {
		return
	}
	for i := range b.parts {
		p := &b.parts[i]
		switch {
		case p.name != r.label:
		case r.name == metric.Events:
			p.appended.events += uint64(r.value)
		default:
			p.appended.bad += uint64(r.value)
		}
	}
}

func (p *pass) row(t *tracked, r row, at int64) {
	s := t.written.series[r.key]
	if s == nil {
		s = &writtenSeries{Series: metric.Series{Labels: p.c.seriesLabels(t, r.key)}}
		s.begun = r.kind == gauge
		if t.written.series == nil {
			t.written.series = map[key]*writtenSeries{}
		}
		t.written.series[r.key] = s
	}
	s.pass = t.written.pass
	sample := metric.Sample{Series: &s.Series, T: at, V: r.value}
	if r.kind == histo {
		if s.snapshot == nil || r.hist.changed(s.snapshot) {
			s.snapshot = r.hist.snapshot()
		}
		sample.H = s.snapshot
		sample.Exemplar = p.exemplar(s, r)
	}
	if !s.begun {
		p.begin(t, s, r, sample)
	}
	p.add(sample)
}

// begin puts a zero before a new counter's first count, at a time when it was
// truly so: after the last pass and the version's birth. An increase that lies
// before a series' first sample is otherwise lost to every query.
func (p *pass) begin(t *tracked, s *writtenSeries, r row, first metric.Sample) {
	s.begun = true
	if first.H == nil && first.V == 0 || s.tries >= mostTries {
		return
	}
	born := t.since
	if r.from != nil {
		born = r.from.born
	}
	zero := metric.Sample{Series: &s.Series, T: min(max(born.UnixMilli(), p.last+1), first.T-1)}
	if first.H != nil {
		zero.H = &metric.Histogram{Schema: first.H.Schema, ZeroThreshold: first.H.ZeroThreshold}
	}
	s.tries++
	p.fresh = append(p.fresh, s)
	p.add(zero)
}

// exemplar is the one that the version's slot was filled with since the last pass.
func (p *pass) exemplar(s *writtenSeries, r row) *metric.Exemplar {
	if r.name != metric.Duration {
		return nil
	}
	e := r.from.exemplar.Load()
	if e == nil || e.at <= s.exemplar {
		return nil
	}
	s.exemplar = e.at
	return &metric.Exemplar{Labels: metric.Labels{{Name: metric.TraceID, Value: e.trace}}, V: e.seconds, T: e.at}
}

// end gives a removed function's last counts and the markers that end its series.
// It reports whether they are in the store, or given up.
func (p *pass) end(t *tracked) bool {
	if t.written.series == nil {
		return true // it went before its first sample
	}
	p.flush()
	before := p.err
	p.err = nil
	t.mu.Lock()
	p.rows(t, p.at-1)
	p.endRollups(t)
	t.mu.Unlock()
	for _, s := range t.written.series {
		p.add(metric.Sample{Series: &s.Series, T: p.at, V: metric.Stale})
	}
	p.flush()
	failed := p.err != nil
	if before != nil {
		p.err = before
	}
	t.written.tries++
	return !failed || t.written.tries >= mostTries
}

func (p *pass) add(s metric.Sample) { p.c.chunk = append(p.c.chunk, s) }

// flush gives the chunk to the store.
func (p *pass) flush() {
	chunk := p.c.chunk
	if len(chunk) == 0 {
		return
	}
	ctx, cancel := context.WithTimeoutCause(p.ctx, appendTimeout, errSlowStore)
	err := p.c.store.Append(ctx, chunk)
	cancel()
	var partly rejection
	switch {
	case err == nil:
		p.c.metrics.samples.Add(float64(len(chunk)))
	case errors.As(err, &partly): // trying again would meet the same answer
		p.c.metrics.samples.Add(float64(len(chunk) - partly.Rejected()))
		p.c.metrics.rejected.Add(float64(partly.Rejected()))
		p.c.log.Warn("the metric store refused samples", "error", err)
	default:
		p.err = err
		p.c.metrics.appendFailures.Inc()
		for _, s := range p.fresh {
			s.begun = false
		}
	}
	clear(chunk)
	p.c.chunk = chunk[:0]
	p.fresh = p.fresh[:0]
}

// seriesLabels are the full labels of one of t's series.
func (c *Collector) seriesLabels(t *tracked, k key) metric.Labels {
	pairs := t.labels(c.node)
	f, known := families[k.name]
	if !known || f.versioned {
		pairs = append(pairs, metric.Version, strconv.Itoa(k.version))
	}
	if !known {
		return metric.NewLabels(k.name, append(pairs, ownPairs(k.label)...)...)
	}
	if f.label != "" {
		pairs = append(pairs, f.label, k.label)
	}
	if f.extra != "" {
		pairs = append(pairs, f.extra, k.extra)
	}
	return metric.NewLabels(k.name, pairs...)
}
