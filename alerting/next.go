package alerting

import (
	"fmt"
	"time"

	"hadron/collector/slo"
)

// The guards beside slo.Counts.Enough. Without them the rules are the workbook's, as Prometheus runs them.
const (
	// minGood is how many good events the short window holds before an alert that
	// has fired ends; it also ends when the long window is calm and calls come.
	minGood = 3
	// keepResolved is how long an alert that ended is still shown.
	keepResolved = 15 * time.Minute
)

// verdict is an alert's next state, its value and why.
type verdict struct {
	Status
	value  float64
	reason string
}

// next decides where an alert stands after one evaluation of its rule. It is pure.
// What is missing changes nothing: an alert that fired goes on until enough good
// events were seen, and says that traffic stopped.
func next(r slo.Rule, was Status, s sample, now time.Time) verdict {
	v := verdict{Status: was}
	if burn := s.longBurn(); burn > 0 { // neither NaN nor nothing
		v.value = burn
	}
	burning := s.burns(r.Window.Factor)
	enough := s.enough()
	switch was.State {
	case Pending, Firing:
		switch {
		case !s.present():
			v.reason = missing(r, s)
			return v
		case burning && (enough || was.State == Firing):
			v.reason = burnReason(r, s)
			if was.State == Pending && now.Sub(was.ActiveAt) >= r.For {
				v.State, v.FiredAt = Firing, now
			}
			return v
		case was.State == Pending:
			v.Status = Status{State: Inactive}
		case s.longBurn() <= r.Window.Factor, s.shortAll-s.shortBad >= minGood-slo.CountSlack:
			v.State, v.ResolvedAt = Resolved, now
			v.reason = fmt.Sprintf("%s of events are good over %s", percent(1-s.bad()), short(r))
			return v
		default:
			v.reason = "no failure over " + short(r) + ", and too few calls to say that it is mended"
			return v
		}
	case Resolved:
		if burning && enough {
			break
		}
		if now.Sub(was.ResolvedAt) < keepResolved {
			return v // for the reason that it ended for
		}
		v.Status = Status{State: Inactive}
	case Inactive, Disabled:
		v.Status = Status{State: Inactive}
	}
	switch {
	case burning && enough:
		v.Status = Status{State: Pending, ActiveAt: now}
		v.reason = burnReason(r, s)
		if r.For <= 0 {
			v.State, v.FiredAt = Firing, now
		}
	case !s.present():
		v.reason = missing(r, s)
	case burning:
		v.reason = fmt.Sprintf("fewer than %d bad events over %s, and chance may be what it is", slo.MinBad, long(r))
	default:
		v.reason = "within budget"
	}
	return v
}

func long(r slo.Rule) string  { return words(r.Window.Long) }
func short(r slo.Rule) string { return words(r.Window.Short) }

// missing says what is not there: calls, or any series at all.
func missing(r slo.Rule, s sample) string {
	if s.shortAll >= 0 || s.longAll > 0 {
		return "traffic stopped: no call over " + short(r)
	}
	return "no data: the function has no series of this objective"
}

func burnReason(r slo.Rule, s sample) string {
	return fmt.Sprintf("%s of events are bad over %s: the budget burns at %s over %s and %s over %s, from %s on is a %s",
		percent(s.bad()), short(r), times(s.shortBurn()), short(r), times(s.longBurn()), long(r),
		times(r.Window.Factor), r.Window.Class)
}
