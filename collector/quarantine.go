package collector

import (
	"fmt"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Quarantine takes note that a version is not run any more, or, where standing is
// false, that it is again: for its series and the health of its function. A function
// that is not registered yet keeps it until it is.
func (c *Collector) Quarantine(q invocation.Quarantine, standing bool) {
	var t *tracked
	if standing {
		t = c.tracked(q.Version.Name)
	} else {
		c.mu.RLock()
		t = c.byName[q.Version.Name]
		c.mu.RUnlock()
	}
	if t == nil {
		return // deleted: nothing stands any more
	}
	t.mu.Lock()
	if standing {
		if t.quarantined == nil {
			t.quarantined = map[int]invocation.Quarantine{}
		}
		t.quarantined[q.Version.Version] = q
	} else {
		delete(t.quarantined, q.Version.Version)
	}
	t.dirty, t.restate = true, true
	t.mu.Unlock()
	c.activate(t)
	c.nudge()
}

// TakenBack takes note of the version whose deployment failed and is the function's last
// one; 0 where there is none any more. A function that is not known here is left alone.
func (c *Collector) TakenBack(name function.Name, version int) {
	c.mu.RLock()
	t := c.byName[name]
	c.mu.RUnlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	if t.takenBack != version {
		t.takenBack, t.dirty = version, true
	}
	t.mu.Unlock()
	c.nudge()
}

// outOfService is the quarantined version with the greatest share of live, and that
// share; 0 where there is none. The caller holds t.mu.
func (t *tracked) outOfService() (q invocation.Quarantine, share float64) {
	if len(t.quarantined) == 0 {
		return q, 0
	}
	for _, s := range t.live {
		if held, ok := t.quarantined[s.Version]; ok && s.Share > share {
			q, share = held, s.Share
		}
	}
	return q, share
}

// quarantineState is the state that a quarantine of live versions makes of what the
// calls say.
func quarantineState(calls State, share, failAt float64) State {
	switch {
	case share == 0 || calls == Failing:
		return calls
	case share >= failAt:
		return Failing
	}
	return Degraded
}

// quarantineReason is it in words.
func quarantineReason(q invocation.Quarantine, share float64, now time.Time) string {
	part := ""
	if share < 1 {
		part = fmt.Sprintf(", which gets %s of calls,", percent(share))
	}
	times := "once"
	if q.Deaths > 1 {
		times = fmt.Sprintf("%d times", q.Deaths)
	}
	next := "it is on trial now"
	if q.Until.After(now) {
		next = "it is tried again at " + q.Until.UTC().Format(time.TimeOnly+" UTC")
	}
	return fmt.Sprintf("Version %d%s is quarantined since %s: it ended its worker %s: %s; %s", q.Version.Version, part, clock(q.Since), times, q.Reason, next)
}
