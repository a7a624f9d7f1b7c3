package collector

import "math"

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
	chance       = 1e-4 // what comes by chance that often is no recovery; it is asked each second

	fastBurn = 14.4 // the SRE workbook's pace for a page: 2 % of a 30 day budget in an hour

	refusedRatio = 0.05
)

// condition is one thing that can be wrong with a function. It begins by one rule
// and ends by a milder one; once it ended, what lies before does not begin it again.
type condition struct {
	on   bool
	clip int // the newest ticks that may begin it
	age  int // ticks that it is on, at most a window
	led  int // ticks before it began that it is about
}

// span is how many of the last n ticks may begin the condition.
func (c *condition) span(n int) int { return min(n, c.clip) }

func (c *condition) tick() {
	c.clip, c.age = min(c.clip+1, windowTicks), min(c.age+1, windowTicks)
}

// begin turns the condition on by what was wrong in so many of the last ticks.
func (c *condition) begin(ticks int) { c.on, c.age, c.led = true, 0, ticks }

// end turns the condition off; keep is how many of the last ticks may still begin it.
func (c *condition) end(keep int) { c.on, c.clip = false, keep }

// bad takes what a condition is about out of a sum, and of how many that is.
type bad func(*sums) (bad, all uint32)

func failedOf(s *sums) (bad, all uint32) { return s.failed(), s.calls }

func refusedOf(s *sums) (bad, all uint32) { return s.overloaded, s.calls + s.overloaded }

func slowOf(column int) bad {
	return func(s *sums) (bad, all uint32) { return s.slow[column], s.calls }
}

// eased reports whether a share of at most upTo was bad of late: in the last ticks, if
// that is less than chance makes of how it was before, or in the
// whole window where all of it was since the condition began.
func (c *condition) eased(w *window, ticks int, of bad, upTo float64) bool {
	if n, all := of(&w.total); c.age == windowTicks && all >= minCalls && ratio(n, all) <= upTo {
		return true
	}
	late := w.last(ticks)
	n, all := of(&late)
	return all >= minCalls && ratio(n, all) <= upTo && c.differs(w, &late, ticks, of)
}

// differs reports whether the last ticks, of which late is the sum, have fewer bad ones
// than the same share as in the ticks before them would often give by chance. Where there
// is too little before, nothing speaks against it.
func (c *condition) differs(w *window, late *sums, ticks int, of bad) bool {
	about := min(c.age+c.led, windowTicks)
	if about <= ticks {
		return true
	}
	before := w.last(about)
	before.subtract(late)
	n, all := of(&before)
	if n == 0 || all < minCalls {
		return true
	}
	fewer, of0 := of(late)
	return improbable(fewer, of0, ratio(n, all))
}

// improbable reports whether at most n of all is rarer than chance where each is bad with
// probability p: Chernoff's bound of the binomial tail, exp(-all·KL(n/all ‖ p)), which
// is exact where n is 0 and errs to the side of false elsewhere.
func improbable(n, all uint32, p float64) bool {
	q := ratio(n, all)
	if q >= p {
		return false
	}
	divergence := (1 - q) * math.Log((1-q)/(1-p)) // infinite where p is 1
	if q > 0 {
		divergence += q * math.Log(q/p)
	}
	return math.Exp(-float64(all)*divergence) < chance
}

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
		if !j.failing.eased(w, shortTicks, failedOf, a.failAt()/2) && !j.clean(&j.failing, w, shortTicks) {
			return
		}
		j.failing.end(j.quiet)
		if !j.erring.on { // what was wrong before it failed ends by its own rule
			j.erring.end(j.quiet)
			total := ratio(w.total.failed(), w.total.calls)
			fewer := j.quiet < shortTicks && j.failing.age == windowTicks && total <= a.failAt()/2
			if (fewer || j.quiet < shortTicks/2) && total >= a.degradeAt() {
				j.erring.begin(shortTicks) // fewer fail, and some still do
			}
		}
	} else if j.fails(w, a) {
		j.failing.begin(w.run(windowTicks, shortTicks))
		return
	}
	if j.erring.on {
		if j.erring.eased(w, calmTicks, failedOf, a.degradeAt()/2) || j.clean(&j.erring, w, calmTicks) {
			j.erring.end(calmTicks)
		}
		return
	}
	if w.total.failed() < minBad {
		return
	}
	wide := w.last(j.erring.span(windowTicks))
	if failed := wide.failed(); failed >= minBad && ratio(failed, wide.calls) >= a.degradeAt() {
		j.erring.begin(w.run(windowTicks, windowTicks))
	}
}

// clean reports whether there was no error for so many ticks or more, which is no chance.
func (j *judge) clean(c *condition, w *window, ticks int) bool {
	if j.goods < minCalls || j.quiet < ticks {
		return false
	}
	late := w.last(j.quiet)
	return c.differs(w, &late, j.quiet, failedOf)
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
		if c.eased(w, calmTicks, slowOf(i), allowed/2) {
			c.end(calmTicks)
		}
		return
	}
	if w.total.slow[i] < minBad {
		return
	}
	wide := w.last(c.span(windowTicks))
	if wide.slow[i] >= minBad && ratio(wide.slow[i], wide.calls) > allowed {
		c.begin(windowTicks)
	}
}

func (j *judge) judgeRefused(w *window) {
	c := &j.refused
	if c.on {
		if late := w.last(calmTicks); late.calls+late.overloaded == 0 || c.eased(w, calmTicks, refusedOf, refusedRatio/2) {
			c.end(calmTicks)
		}
		return
	}
	if w.total.overloaded < minBad {
		return
	}
	wide := w.last(c.span(windowTicks))
	if wide.overloaded >= minBad && ratio(wide.overloaded, wide.calls+wide.overloaded) >= refusedRatio {
		c.begin(windowTicks)
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
