package collector

import (
	"context"
	"slices"
	"sync"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Health is how one function is doing now. Durations are seconds, shares are
// ratios; a nil means that there was nothing to measure. It is a value of its
// own: nothing in it changes after it was handed out.
type Health struct {
	Function        function.Name
	State           State
	Reason          string    // the state in words
	Since           time.Time // of the state
	Rate            float64   // invocations a second
	ErrorRatio      *float64
	P50             *float64
	P95             *float64
	P99             *float64
	InFlight        int
	Errors          []CodeShare // of all invocations, by code; those that there were
	ColdStarts      float64     // a second
	Throttled       float64     // calls refused for want of room, a second
	CPU             float64     // time inside the VM, seconds a second
	BudgetLeft      *float64    // share of the worst objective's error budget; under 0 when overspent
	Burns           []Burn      // of the objective that burns fastest, shortest window first; nil until the store has answered
	Availability    float64     // the objective, a ratio
	LatencyTarget   float64     // seconds, of the strictest latency objective; 0: none
	LatencyQuantile float64
	Window          string // of the SLO
	Versions        []VersionShare
	Trend           []float64 // invocations a second, one value per 5 steps, oldest first, at most 24
	DeployedAt      time.Time
	DeployedBy      string
	UpdatedAt       time.Time // of the computation
	Changed         uint64    // the computation that last changed anything but UpdatedAt; grows
}

// CodeShare is how much of all invocations failed in one way.
type CodeShare struct {
	Code  invocation.Code
	Ratio float64
}

// Burn is how many times faster than sustainable an error budget was spent over a
// window.
type Burn struct {
	Window time.Duration
	Rate   float64 // 0 where nothing happened
}

// VersionShare is one version's share of live.
type VersionShare struct {
	Version int
	Share   float64
}

// live is what the health loop shares with its readers.
type live struct {
	covered [windowTicks]time.Duration // how long each tick of the window took, by number
	active  []*tracked                 // those that the loop looks at each tick
	spare   *published                 // made for a health in which nothing had changed

	mu      sync.RWMutex
	woken   []*tracked // those that it looks at from the next tick on
	tick    uint64
	updated time.Time

	subscribing sync.Mutex
	subscribers map[chan struct{}]struct{}
}

// Health returns the last computed health of a function, false where it has none.
func (c *Collector) Health(name function.Name) (Health, bool) {
	c.mu.RLock()
	t := c.byName[name]
	c.mu.RUnlock()
	if t == nil {
		return Health{}, false
	}
	return c.shown(t)
}

// Healths returns the last computed health of all functions, sorted by name.
func (c *Collector) Healths() []Health {
	functions := c.functions()
	out := make([]Health, 0, len(functions))
	for _, t := range functions {
		if h, ok := c.shown(t); ok {
			out = append(out, h)
		}
	}
	return out
}

func (c *Collector) shown(t *tracked) (Health, bool) {
	c.live.mu.RLock()
	tick, updated := c.live.tick, c.live.updated
	c.live.mu.RUnlock()
	h, ok := t.shown(tick)
	h.UpdatedAt = updated
	return h, ok
}

// Subscribe returns a channel that gets a value after each computation of health,
// and what ends the subscription. It has one slot: a slow reader misses ticks,
// never the last one.
func (c *Collector) Subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	c.live.subscribing.Lock()
	defer c.live.subscribing.Unlock()
	c.live.subscribers[ch] = struct{}{}
	return ch, func() {
		c.live.subscribing.Lock()
		defer c.live.subscribing.Unlock()
		delete(c.live.subscribers, ch)
	}
}

// healthLoop computes the health of all functions each step.
func (c *Collector) healthLoop(ctx context.Context) {
	ticker := time.NewTicker(c.step)
	defer ticker.Stop()
	last := c.now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := c.now()
		c.compute(now, now.Sub(last))
		last = now
		c.metrics.healthSeconds.Observe(c.now().Sub(now).Seconds())
	}
}

// compute is one tick: took since the last. It looks at the functions that something
// happens to, so that those that nobody calls cost nothing.
func (c *Collector) compute(now time.Time, took time.Duration) {
	l := &c.live
	l.mu.Lock()
	number := l.tick + 1
	l.active = append(l.active, l.woken...)
	l.woken = nil
	l.mu.Unlock()
	took = max(took, time.Millisecond)
	l.covered[number%windowTicks] = took
	k := tick{number: number, now: now, took: took, covered: &l.covered, started: c.started}
	for i := range windowTicks {
		k.spans[i+1] = k.spans[i] + k.before(i)
	}
	kept := l.active[:0]
	for _, t := range l.active {
		if t.compute(&k) || !t.settle() {
			kept = append(kept, t)
		}
	}
	clear(l.active[len(kept):])
	if l.active = kept; cap(kept) > 2*len(kept)+1000 { // after a start all were in it
		l.active = slices.Clone(kept)
	}
	l.mu.Lock()
	l.tick, l.updated = number, now
	l.mu.Unlock()

	l.subscribing.Lock()
	defer l.subscribing.Unlock()
	for ch := range l.subscribers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

type tick struct {
	number  uint64
	now     time.Time
	took    time.Duration
	covered *[windowTicks]time.Duration    // how long each tick of the window took, by number
	spans   [windowTicks + 1]time.Duration // how long the newest ticks took, by their number
	started time.Time
}

// before is how long the tick n before this one took.
func (k *tick) before(n int) time.Duration {
	return k.covered[(k.number+windowTicks-uint64(n))%windowTicks]
}

// healthState is what the health loop keeps of a function.
type healthState struct {
	window   *window
	trend    trend
	judge    judge
	state    State
	since    time.Time
	was      State // before an idle pause
	lastCall time.Time
	ticks    int    // since the function is known, at most windowTicks
	full     bool   // the window was given the minute before the start
	refused  uint64 // overloaded calls by the last tick
	last     *published
}

// compute is one function's tick. It reports false where nothing can change any more
// until something happens to the function.
func (t *tracked) compute(k *tick) (busy bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.applied {
		return false
	}
	if t.seen.tick == 0 {
		t.seen.tick, t.seen.at = k.number, k.now.UnixNano()
	}
	if t.health == nil {
		if !t.stirs() && len(t.quarantined) == 0 && t.refill == nil {
			t.restate, t.seen.changed = false, k.number
			return false
		}
		t.health = t.firstHealth(k)
	}
	s := t.health
	if t.refill != nil {
		s.refill(t.refill, k.started)
		t.refill = nil
	}
	s.ticks = windowTicks
	if !s.full {
		s.ticks = int(min(k.number-t.seen.tick+1, windowTicks))
	}
	inFlight := t.observe(k)
	if s.window == nil && s.last != nil && s.last.State == Idle && !t.restate && s.last.InFlight == int(inFlight) && s.trend.still() {
		return inFlight > 0 || !s.trend.flat()
	}
	t.restate = false
	judged, sum := t.judgeNow(k, inFlight)
	held, share := t.outOfService()
	state := quarantineState(judged, share, t.promise.allowed.failAt())
	if state != s.state {
		s.was, s.state, s.since = s.state, state, k.now
		switch {
		case state != judged:
			s.since = held.Since
		case state == Failing || state == Degraded:
			s.since = s.began(k)
		}
	}
	t.publishHealth(k, inFlight, sum)
	return true
}

// observe moves the window on by one tick and returns what is in flight.
func (t *tracked) observe(k *tick) int64 {
	s := t.health
	var inFlight int64
	active := false
	handles := *t.handles.Load()
	for _, h := range handles {
		inFlight += h.inFlight.Load()
		active = active || h.invocations() != h.seen.calls
		if !h.wantExemplar.Load() && h.exemplarDue(k.now) {
			h.wantExemplar.Store(true)
		}
	}
	overloaded := t.refused.Load().overloaded()
	active = active || inFlight > 0 || overloaded != s.refused
	if s.window == nil && active {
		s.window = new(window)
	}
	if s.window == nil {
		s.trend.add(0, k.took)
		return inFlight
	}
	at := s.window.advance()
	if active {
		for _, h := range handles {
			s.window.observe(h, at)
		}
		s.window.ticks[at].overloaded = uint32(overloaded - s.refused)
		s.refused = overloaded
		s.window.total.add(&s.window.ticks[at])
	}
	calls := s.window.ticks[at].calls
	if calls > 0 {
		s.lastCall = k.now
	}
	s.trend.add(calls, k.took)
	return inFlight
}

func (h *Handle) exemplarDue(now time.Time) bool {
	e := h.exemplar.Load()
	return e == nil || now.UnixMilli()-e.at >= time.Second.Milliseconds()
}

// judgeNow is the state by the rules, and the sum of the whole window.
func (t *tracked) judgeNow(k *tick, inFlight int64) (State, sums) {
	s := t.health
	if s.window == nil {
		return Idle, sums{}
	}
	sum := s.window.last(windowTicks)
	if sum.calls == 0 && sum.overloaded == 0 && inFlight == 0 {
		s.window = nil
		s.judge = newJudge()
		return Idle, sums{}
	}
	return s.judge.next(s.window, t.promise.allowed), sum
}

// began is when what is wrong now began: the first tick with an error that the
// rules could look at, of a failure the first of its run.
func (s *healthState) began(k *tick) time.Time {
	span, mostGap := s.judge.failing.clip, burstTicks
	if s.state == Degraded {
		if !s.judge.erring.on {
			return k.now
		}
		span, mostGap = s.judge.erring.clip, windowTicks
	}
	return k.now.Add(-k.spans[s.window.run(min(span, s.ticks), mostGap)])
}
