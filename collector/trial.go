package collector

import (
	"sync"
	"sync/atomic"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Trial counts two versions of a function side by side, for as long as one is judged
// by the other. Its counts are in this process alone.
type Trial struct {
	id       int64
	name     function.Name
	since    time.Time
	canary   *TrialSide
	baseline *TrialSide
	handle   *Handle // of the canary's version
	before   uint64  // its invocations when the trial began
}

// TrialSide is one side's counts. Its methods are safe for concurrent use.
type TrialSide struct {
	version int
	calls   atomic.Uint64
	errors  atomic.Uint64
	took    histogram

	mu       sync.Mutex
	measures own
}

// maxTrials bounds the comparisons of one node.
const maxTrials = 1000

// Trial returns the trial of an id, begun now where there is none. Nil: there are too
// many.
func (c *Collector) Trial(id int64, name function.Name, canary, baseline int) *Trial {
	c.trials.Lock()
	defer c.trials.Unlock()
	if t := c.trials.by[id]; t != nil {
		return t
	}
	if len(c.trials.by) >= maxTrials {
		return nil
	}
	h := c.Handle(function.Version{ID: function.ID{Name: name, Version: canary}})
	t := &Trial{
		id: id, name: name, since: c.now(), canary: &TrialSide{version: canary}, baseline: &TrialSide{version: baseline},
		handle: h, before: h.invocations(),
	}
	if c.trials.by == nil {
		c.trials.by = map[int64]*Trial{}
	}
	c.trials.by[id] = t
	return t
}

// EndTrial forgets a trial.
func (c *Collector) EndTrial(id int64) {
	c.trials.Lock()
	defer c.trials.Unlock()
	delete(c.trials.by, id)
}

type trials struct {
	sync.Mutex
	by map[int64]*Trial
}

// measured takes what a version counted itself for the trials that it is a side of.
func (c *Collector) measured(m invocation.Measures) {
	c.trials.Lock()
	defer c.trials.Unlock()
	for _, t := range c.trials.by {
		if t.name != m.Version.Name {
			continue
		}
		switch {
		case m.Version.Baseline && m.Version.Version == t.baseline.version:
			t.baseline.measured(m)
		case !m.Version.Baseline && m.Version.Version == t.canary.version:
			t.canary.measured(m)
		}
	}
}

// measured adds up over labels: what a rollout asks of is a metric's name.
func (s *TrialSide) measured(m invocation.Measures) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.measures.series == nil {
		s.measures.kinds, s.measures.series = map[string]invocation.MeasureKind{}, map[string]*ownSeries{}
	}
	for i := range m.Series {
		d := &m.Series[i]
		if i >= mostSeries || d.Validate() != nil {
			continue
		}
		known, named := s.measures.kinds[d.Name]
		switch {
		case !named && len(s.measures.kinds) >= invocation.MaxMetricNames, named && known != d.Kind:
			continue
		case !named:
			s.measures.kinds[d.Name], s.measures.series[d.Name] = d.Kind, &ownSeries{}
		}
		sum := s.measures.series[d.Name]
		switch d.Kind {
		case invocation.MeasureCounter:
			sum.value += d.Value
		case invocation.MeasureHistogram:
			sum.hist.merge(d.Histogram)
		case invocation.MeasureGauge:
		}
	}
}

// Observe counts how a call ended. Durations are those of calls that found a warm VM:
// a side that was just begun makes more of them, however fast its code is.
func (s *TrialSide) Observe(o invocation.Outcome) {
	if !o.Cold {
		s.took.observe(o.Duration)
	}
	s.calls.Add(1)
	if o.Code.IsError() {
		s.errors.Add(1)
	}
}

// Sides are the two sides' counters.
func (t *Trial) Sides() (canary, baseline *TrialSide) { return t.canary, t.baseline }

// TrialCount is a side as it stands.
type TrialCount struct {
	Calls, Errors uint64
	Took          []DurationBucket
	Own           map[string]OwnCount
}

// OwnCount is one of the function's own metrics, over all its labels.
type OwnCount struct {
	Kind   invocation.MeasureKind
	Events float64          // of a counter
	Values []DurationBucket // of a histogram; of whatever unit
}

// DurationBucket counts what is over Over and at most UpTo.
type DurationBucket struct {
	Over, UpTo float64
	Count      uint64
}

// Counts returns both sides and since when they count. Where a side is a slice of its
// version's calls, what the version counted itself is reduced to the slice's share.
func (t *Trial) Counts() (since time.Time, canary, baseline TrialCount) {
	canary, baseline = t.canary.count(), t.baseline.count()
	if all := t.handle.invocations(); all >= t.before && all-t.before > canary.Calls {
		canary.reduce(float64(canary.Calls) / float64(all-t.before))
	}
	return t.since, canary, baseline
}

func (s *TrialSide) count() TrialCount {
	// Errors are read first, so that there are never more of them than calls.
	out := TrialCount{Errors: s.errors.Load()}
	out.Calls = s.calls.Load()
	out.Took = s.took.buckets()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, kind := range s.measures.kinds {
		if out.Own == nil {
			out.Own = map[string]OwnCount{}
		}
		sum := s.measures.series[name]
		out.Own[name] = OwnCount{Kind: kind, Events: sum.value, Values: ownBuckets(&sum.hist.Histogram)}
	}
	return out
}

func (c *TrialCount) reduce(share float64) {
	for name, m := range c.Own {
		m.Events *= share
		for i := range m.Values {
			m.Values[i].Count = uint64(float64(m.Values[i].Count)*share + 0.5)
		}
		c.Own[name] = m
	}
}

func ownBuckets(h *invocation.Histogram) []DurationBucket {
	var out []DurationBucket
	if h.Zero > 0 {
		out = append(out, DurationBucket{Over: -1, UpTo: invocation.ZeroLimit, Count: h.Zero})
	}
	for _, b := range h.Buckets {
		out = append(out, DurationBucket{Over: h.Bound(b.Index - 1), UpTo: h.Bound(b.Index), Count: b.Count})
	}
	return out
}

func (h *histogram) buckets() []DurationBucket {
	var out []DurationBucket
	h.each(func(at int, n uint64) {
		b := DurationBucket{Over: -1, UpTo: zeroLimit, Count: n}
		if at != zeroAt {
			b.UpTo = bounds[at]
			b.Over = zeroLimit
			if at > 0 {
				b.Over = bounds[at-1]
			}
		}
		out = append(out, b)
	})
	return out
}

// Durations returns those of a version's calls since its series began.
func (c *Collector) Durations(id function.ID) []DurationBucket {
	if h := c.known(id); h != nil {
		return h.duration.buckets()
	}
	return nil
}

// InFlight is how many calls of a version are under way on this node.
func (c *Collector) InFlight(id function.ID) int64 {
	if h := c.known(id); h != nil {
		return h.inFlight.Load()
	}
	return 0
}

func (c *Collector) known(id function.ID) *Handle {
	c.mu.RLock()
	t := c.byName[id.Name]
	c.mu.RUnlock()
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.versions[id.Version]
}
