// Package slo turns objectives into what guards them: alert windows and burn
// rate factors, error budgets, and the rules over the series that every function
// has. It is pure and a leaf.
//
// An objective is one ratio of bad to all events, counted at the source, so the
// same expressions serve availability and every latency threshold, and the
// number of rules depends on the distinct SLO windows only, not on functions.
package slo

import (
	"math"
	"slices"
	"time"

	"hadron/runtime/function"
)

// Class says what an alert asks of a person.
type Class string

// The classes.
const (
	Page   Class = "page"   // wake somebody
	Ticket Class = "ticket" // look at it in working hours
)

// Window is one pair of alert windows: the alert holds while the budget burns
// faster than Factor over both.
type Window struct {
	Class  Class
	Long   time.Duration
	Short  time.Duration
	Factor float64 // times the rate at which the budget lasts exactly the SLO window
	Share  float64 // of the budget that is gone when Factor has held for Long
	// Clamped says that the interval, not the SLO window, set Long or Short: a
	// very short SLO window cannot be judged faster than five evaluations.
	Clamped bool
}

// Name is the pair as people say it and as the label window holds it: "1h/5m".
func (w Window) Name() string {
	return function.Duration(w.Long).String() + "/" + function.Duration(w.Short).String()
}

// The windows of the SRE Workbook, chapter 5 ("Alerting on SLOs"), for an SLO
// window of 30 days; the 1d/2h pair is from the same chapter's example rules.
var workbook = []struct {
	class       Class
	long, short time.Duration
	share       float64
}{
	{Page, time.Hour, 5 * time.Minute, 0.02},
	{Page, 6 * time.Hour, 30 * time.Minute, 0.05},
	{Ticket, 24 * time.Hour, 2 * time.Hour, 0.10},
	{Ticket, 72 * time.Hour, 6 * time.Hour, 0.10},
}

const workbookWindow = 30 * 24 * time.Hour

// minIntervals is how many evaluations an alert window holds at least.
const minIntervals = 5

// Windows gives the alert windows of an SLO over the given window, evaluated at
// the interval: the workbook's scaled by window/30d, rounded up to the interval
// and at least five intervals long. The factor is share × window / long, which is
// the workbook's 14.4, 6, 3 and 1 at 30 days. Pairs that clamping makes equal
// within a class are given once.
func Windows(window, interval time.Duration) []Window {
	scale := float64(window) / float64(workbookWindow)
	var out []Window
	for _, w := range workbook {
		long, clampedLong := scaled(w.long, scale, interval)
		short, clampedShort := scaled(w.short, scale, interval)
		next := Window{
			Class: w.class, Long: long, Short: short, Share: w.share,
			Factor: round(w.share * float64(window) / float64(long)), Clamped: clampedLong || clampedShort,
		}
		same := slices.ContainsFunc(out, func(o Window) bool {
			return o.Class == next.Class && o.Long == next.Long && o.Short == next.Short
		})
		if !same {
			out = append(out, next)
		}
	}
	return out
}

func scaled(d time.Duration, scale float64, interval time.Duration) (time.Duration, bool) {
	exact := time.Duration(float64(d) * scale)
	if least := minIntervals * interval; exact < least {
		return least, true
	}
	intervals := math.Ceil(float64(exact)/float64(interval) - 1e-9)
	return time.Duration(intervals) * interval, false
}

// round keeps twelve significant digits, so that 14.4 prints as 14.4.
func round(f float64) float64 {
	if f == 0 {
		return 0
	}
	scale := math.Pow(10, 12-math.Ceil(math.Log10(math.Abs(f))))
	return math.Round(f*scale) / scale
}

// Burn is how fast a budget is spent: the bad ratio over the budget's ratio. At 1
// the budget lasts exactly its window. It is NaN where there were no events.
func Burn(bad, all, objective float64) float64 {
	if all <= 0 {
		return math.NaN()
	}
	return bad / all / (1 - objective)
}

// BudgetLeft is the share of the error budget that is left after so many events
// over the SLO window: 1 untouched, 0 spent, below 0 overspent. Without events
// nothing is spent. It is exact: a sum of events, not a mean of ratios.
func BudgetLeft(bad, all, objective float64) float64 {
	if all <= 0 {
		return 1
	}
	return 1 - Burn(bad, all, objective)
}

// Exhaustion is how long the rest of a budget lasts at a burn rate; 0 when it is
// spent, and a negative duration when it never runs out.
func Exhaustion(left, burn float64, window time.Duration) time.Duration {
	switch {
	case left <= 0:
		return 0
	case burn <= 0 || math.IsNaN(burn):
		return -1
	}
	d := left / burn * float64(window)
	if d > float64(math.MaxInt64) {
		return -1
	}
	return time.Duration(d)
}
