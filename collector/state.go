package collector

// State is how a function is doing, in a word. docs/health.md states the rules.
type State string

// The states, best first but for the last two.
const (
	Healthy  State = "healthy"
	Degraded State = "degraded" // worse than its objectives allow, and mostly working
	Failing  State = "failing"  // a tenth of its calls or more fail
	Idle     State = "idle"     // no call in the last 60 s
	Unknown  State = "unknown"  // nothing is known yet
)

// The rules' numbers. Windows are in ticks, a second each by default.
const (
	burstTicks = 3  // a burst of failures fails at once
	shortTicks = 10 // what failing begins and ends by
	calmTicks  = 30 // what degraded ends by

	burstErrors  = 4
	burstRatio   = 0.6
	shortErrors  = 5
	failingRatio = 0.10
	rareErrors   = 3 // of rare calls, over the whole window
	rareRatio    = 0.5
	minCalls     = 3 // below this many, a share says nothing
	minBad       = 3

	fastBurn = 14.4 // the SRE workbook's pace for a page: 2 % of a 30 day budget in an hour

	refusedRatio = 0.05
)

// condition is one thing that can be wrong with a function. It begins by one rule
// and ends by a milder one; once it ended, what lies before does not begin it again.
type condition struct {
	on   bool
	clip int // the newest ticks that may begin it
}

// span is how many of the last n ticks may begin the condition.
func (c *condition) span(n int) int { return min(n, c.clip) }

func (c *condition) tick() { c.clip = min(c.clip+1, windowTicks) }

// end turns the condition off; keep is how many of the last ticks may still begin it.
func (c *condition) end(keep int) { c.on, c.clip = false, keep }

// allowance is what the objectives allow, as the rules use it.
type allowance struct {
	errors float64               // share that may fail
	slow   [maxLatencies]float64 // share that may be slow; 0 ends the list
}

// failAt is the share of errors that is a failure: a tenth, or twice what an
// unusually lenient objective allows.
func (a allowance) failAt() float64 { return max(failingRatio, min(0.9, 2*a.errors)) }

// degradeAt is the share of errors that spends the budget fast: the pace of a
// page, at least 1 %, at most half of failing, and never within the objective.
func (a allowance) degradeAt() float64 {
	return max(a.errors, min(a.failAt()/2, max(0.01, fastBurn*a.errors)))
}

// judge holds the conditions of one function.
type judge struct {
	failing condition
	erring  condition
	slow    [maxLatencies]condition
	refused condition
	goods   uint32 // calls since the tick that saw the last error
	quiet   int    // ticks since then
}

func newJudge() judge {
	j := judge{quiet: windowTicks}
	j.reset()
	return j
}

// reset forgets everything: an idle function begins anew.
func (j *judge) reset() {
	fresh := condition{clip: windowTicks}
	j.failing, j.erring, j.refused = fresh, fresh, fresh
	for i := range j.slow {
		j.slow[i] = fresh
	}
}

// next judges one more tick of the window. It is pure but for j itself.
func (j *judge) next(w *window, a allowance) State {
	newest := w.newest()
	if newest.failed() > 0 {
		j.goods, j.quiet = 0, 0
	} else {
		j.goods += newest.calls
		j.quiet = min(j.quiet+1, windowTicks)
	}
	j.failing.tick()
	j.erring.tick()
	j.refused.tick()
	for i := range j.slow {
		j.slow[i].tick()
	}
	j.judgeErrors(w, a)
	for i := range j.slow {
		j.judgeSlow(w, i, a.slow[i])
	}
	j.judgeRefused(w)
	switch {
	case j.failing.on:
		return Failing
	case j.erring.on, j.refused.on, j.isSlow() >= 0:
		return Degraded
	}
	return Healthy
}

func (j *judge) judgeErrors(w *window, a allowance) {
	if j.failing.on {
		short := w.last(shortTicks)
		mended := short.calls >= minCalls && ratio(short.failed(), short.calls) <= a.failAt()/2
		rarely := j.goods >= minCalls && j.quiet >= shortTicks
		if !mended && !rarely {
			return
		}
		j.failing.end(j.quiet)
		j.erring.end(j.quiet)
	} else if j.fails(w, a) {
		j.failing.on = true
		return
	}
	if j.erring.on {
		calm := w.last(calmTicks)
		mended := calm.calls >= minCalls && ratio(calm.failed(), calm.calls) <= a.degradeAt()/2
		if mended || j.goods >= minCalls && j.quiet >= calmTicks {
			j.erring.end(calmTicks)
		}
		return
	}
	if w.total.failed() < minBad {
		return
	}
	wide := w.last(j.erring.span(windowTicks))
	if failed := wide.failed(); failed >= minBad && ratio(failed, wide.calls) >= a.degradeAt() {
		j.erring.on = true
	}
}

// fails reports whether the errors of the last seconds, or of the rare calls of
// the whole window, are a failure.
func (j *judge) fails(w *window, a allowance) bool {
	if w.total.failed() < min(burstErrors, shortErrors, rareErrors) {
		return false
	}
	for _, rule := range [...]struct {
		ticks  int
		errors uint32
		ratio  float64
	}{
		{burstTicks, burstErrors, max(burstRatio, a.failAt())},
		{shortTicks, shortErrors, a.failAt()},
		{windowTicks, rareErrors, max(rareRatio, a.failAt())},
	} {
		s := w.last(j.failing.span(rule.ticks))
		if failed := s.failed(); failed >= rule.errors && ratio(failed, s.calls) >= rule.ratio {
			return true
		}
	}
	return false
}

func (j *judge) judgeSlow(w *window, i int, allowed float64) {
	c := &j.slow[i]
	if allowed == 0 {
		c.on = false
		return
	}
	if c.on {
		calm := w.last(calmTicks)
		if calm.calls >= minCalls && ratio(calm.slow[i], calm.calls) <= allowed/2 {
			c.end(calmTicks)
		}
		return
	}
	if w.total.slow[i] < minBad {
		return
	}
	wide := w.last(c.span(windowTicks))
	if wide.slow[i] >= minBad && ratio(wide.slow[i], wide.calls) > allowed {
		c.on = true
	}
}

func (j *judge) judgeRefused(w *window) {
	c := &j.refused
	if c.on {
		calm := w.last(calmTicks)
		if ratio(calm.overloaded, calm.calls+calm.overloaded) <= refusedRatio/2 {
			c.end(calmTicks)
		}
		return
	}
	if w.total.overloaded < minBad {
		return
	}
	wide := w.last(c.span(windowTicks))
	if wide.overloaded >= minBad && ratio(wide.overloaded, wide.calls+wide.overloaded) >= refusedRatio {
		c.on = true
	}
}

// isSlow is the first latency objective that is broken, or -1.
func (j *judge) isSlow() int {
	for i := range j.slow {
		if j.slow[i].on {
			return i
		}
	}
	return -1
}
