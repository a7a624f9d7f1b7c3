package collector

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// reason is the state in words, with its numbers, when it began, and what was
// deployed shortly before.
func (t *tracked) reason(k *tick, h *Health, sum sums) string {
	s := t.health
	switch h.State {
	case Idle:
		return s.idleReason(k)
	case Failing:
		short := s.window.last(shortTicks)
		within := fmt.Sprintf("%d s", shortTicks)
		if short.calls < minCalls || ratio(short.failed(), short.calls) < t.promise.allowed.failAt() {
			short, within = sum, fmt.Sprintf("%d s", windowTicks)
		}
		return fmt.Sprintf("%s errors since %s%s: %d of %d calls in the last %s, mostly %s",
			percent(ratio(short.failed(), short.calls)), clock(s.since), t.afterDeployment(s.since),
			short.failed(), short.calls, within, mostly(&short))
	case Degraded:
		return t.degradedReason(h, sum)
	case Healthy:
		return s.healthyReason(sum)
	default:
		return "Nothing is known yet"
	}
}

func (t *tracked) degradedReason(h *Health, sum sums) string {
	s := t.health
	when := fmt.Sprintf("since %s%s", clock(s.since), t.afterDeployment(s.since))
	if s.judge.erring.on {
		return fmt.Sprintf("%s errors %s: %d of %d calls in the last %d s, mostly %s; the objective allows %s",
			percent(ratio(sum.failed(), sum.calls)), when, sum.failed(), sum.calls, windowTicks, mostly(&sum), percent(1-h.Availability))
	}
	if s.judge.refused.on {
		return fmt.Sprintf("%s of calls refused for want of room %s: the limit is %d at once",
			percent(ratio(sum.overloaded, sum.calls+sum.overloaded)), when, t.promise.concurrency)
	}
	column := 0
	for _, o := range t.promise.objectives {
		if o.Threshold == 0 {
			continue
		}
		if column == s.judge.isSlow() {
			return fmt.Sprintf("%s of calls slower than %s %s: %d of %d in the last %d s; the objective allows %s",
				percent(ratio(sum.slow[column], sum.calls)), o.Threshold, when, sum.slow[column], sum.calls, windowTicks, percent(1-o.Ratio))
		}
		column++
	}
	return "Worse than its objectives " + when
}

func (s *healthState) healthyReason(sum sums) string {
	failed := sum.failed()
	switch {
	case failed == 0 && sum.calls == 0:
		return "Calls are in flight, none has ended yet"
	case failed == 0:
		return calls(sum.calls) + noneFailed
	case s.was == Failing || s.was == Degraded:
		return fmt.Sprintf("Recovered at %s; %d of %s failed in the last %d s", clock(s.since), failed, calls(sum.calls), windowTicks)
	}
	return fmt.Sprintf("%d of %s failed in the last %d s", failed, calls(sum.calls), windowTicks)
}

func (s *healthState) idleReason(k *tick) string {
	switch {
	case s.lastCall.IsZero():
		return uncalled(k.started, s.since)
	case s.was == Failing || s.was == Degraded:
		return fmt.Sprintf("No call since %s; it was %s then", clock(s.lastCall), s.was)
	}
	return "No call since " + clock(s.lastCall)
}

// uncalled is the reason of a function that nobody called.
func uncalled(started, known time.Time) string {
	return "No call since " + clock(later(started, known))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// afterDeployment names the version that was deployed shortly before, if one was.
func (t *tracked) afterDeployment(began time.Time) string {
	after := began.Sub(t.deployed.at)
	// A deployment is noted at most a tick before the first call fails by it.
	if t.deployed.version == 0 || after < -2*time.Second || after > deployWords {
		return ""
	}
	return fmt.Sprintf(", %s after @%d went live", roughly(max(after, 0)), t.deployed.version)
}

func calls(n uint32) string {
	if n == 1 {
		return "1 call"
	}
	return strconv.Itoa(int(n)) + " calls"
}

var noneFailed = fmt.Sprintf(" in the last %d s, none failed", windowTicks)

func clock(t time.Time) string { return t.UTC().Format("15:04") + " UTC" }

func roughly(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
}

// percent writes a ratio with as many digits as say something.
func percent(r float64) string {
	switch p := 100 * r; {
	case p >= 10 || p == 0:
		return fmt.Sprintf("%.0f %%", p)
	case p >= 1:
		return fmt.Sprintf("%.2g %%", p)
	default:
		return fmt.Sprintf("%.1g %%", p)
	}
}

// mostly is the code that most failures have.
func mostly(s *sums) string {
	best := 0
	for i := range s.errors {
		if s.errors[i] > s.errors[best] {
			best = i
		}
	}
	return string(errorCodes[best])
}
