package collector

import "time"

// activate has the health loop look at a function from its next tick on, until it is
// at rest again.
func (c *Collector) activate(t *tracked) {
	if t.active.Load() || !t.active.CompareAndSwap(false, true) {
		return
	}
	c.live.mu.Lock()
	c.live.woken = append(c.live.woken, t)
	c.live.mu.Unlock()
}

// settle takes a function that is at rest off the health loop's list; false where
// something happened to it meanwhile. Who changes something does so before it looks
// whether the function is on the list, and here it is the other way round: so either
// side sees the other.
func (t *tracked) settle() bool {
	t.active.Store(false)
	t.mu.Lock()
	stirs := t.applied && (t.restate || t.stirs())
	t.mu.Unlock()
	return !stirs || !t.active.CompareAndSwap(false, true) // else somebody put it on the list again
}

// stirs reports whether there are calls that health has not seen. The caller holds t.mu.
func (t *tracked) stirs() bool {
	for _, h := range *t.handles.Load() {
		if h.inFlight.Load() > 0 || h.invocations() != h.seen.calls {
			return true
		}
	}
	refused := uint64(0)
	if t.health != nil {
		refused = t.health.refused
	}
	return t.refused.Load().overloaded() != refused
}

// firstHealth is the health of a function that something happens to for the first
// time, as if each tick since it is known had seen nothing.
func (t *tracked) firstHealth(k *tick) *healthState {
	s := &healthState{judge: newJudge(), state: Unknown, since: k.now}
	if age := k.number - t.seen.tick; age > 0 {
		s.state, s.was, s.since = Idle, Unknown, time.Unix(0, t.seen.at)
		s.trend.used = int(min(age/trendTicks, trendLength))
		for s.trend.ticks < int(age%trendTicks) {
			s.trend.ticks++
			s.trend.took += k.before(s.trend.ticks)
		}
	}
	return s
}

// noTrend is what there is to see of calls that never came.
var noTrend [trendLength]float64

// shown is the health as of a tick, false before the registry told of the function.
func (t *tracked) shown(tick uint64) (Health, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.applied || t.seen.tick == 0:
		return Health{}, false
	case t.health != nil:
		return t.health.last.Health, true
	}
	since := time.Unix(0, t.seen.at)
	h := Health{State: Idle, Since: since, Reason: uncalled(t.c.started, since), Changed: t.seen.changed}
	t.describe(&h)
	t.budget.count(nil)
	if left, ok := t.budget.left(); ok {
		h.BudgetLeft = &left
	}
	h.Burns = t.budget.burns(nil)
	if tick > t.seen.tick {
		used := min((tick-t.seen.tick+1)/trendTicks, trendLength)
		h.Trend = noTrend[:used:used]
	}
	return h, true
}
