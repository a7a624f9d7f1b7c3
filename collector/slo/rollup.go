package slo

import (
	"fmt"
	"time"
)

// The rollups of the SLO counters, and how far back a total is looked for; a test
// holds them to collector/metric.
const (
	rolledSuffix = ":5m"
	rolledReach  = 70 * time.Minute
)

// RollupsFrom is the shortest window that is counted from rollups: over it, what a
// rollup may be late is under a hundredth.
const RollupsFrom = 24 * time.Hour

// Increase is PromQL for how many events a counter of the SLO counted over d, by
// team, project, function and slo: of a short window from the raw samples, of one of
// RollupsFrom and more from the rollups. Matchers, comma-separated, narrow it.
//
// From rollups it is a difference of two totals, which reads a dozen samples of each
// series whatever d is, where increase() would read all. It is a whole number and
// lags by at most five minutes and an interval; the far end of the window is as late.
func Increase(counter, matchers string, d time.Duration) string {
	if d < RollupsFrom {
		return increase(counter, matchers, d)
	}
	total := fmt.Sprintf("last_over_time(%s[%s]", selector(counter+rolledSuffix, matchers), rangeOf(rolledReach))
	return fmt.Sprintf("sum by (%s) (%[2]s) - (%[2]s offset %[3]s) or 0 * %[2]s)))", perFunction, total, rangeOf(d))
}

// increase is Increase by the raw samples, however long d is.
func increase(counter, matchers string, d time.Duration) string {
	return fmt.Sprintf("sum by (%s) (increase(%s[%s]))", perFunction, selector(counter, matchers), rangeOf(d))
}

func selector(name, matchers string) string {
	if matchers == "" {
		return name
	}
	return name + "{" + matchers + "}"
}
