package slo

import "fmt"

// MinBad is how many bad events the long window holds before an alert begins: one
// failure of a quiet function is 100 % and no reason to wake anybody.
const MinBad = 3

// MinBadOfAll is how many are enough where nothing else came: see Enough.
const MinBadOfAll = 2

// MaxExpected is how many bad events the objective may let one expect, where MinBadOfAll of
// them are to be more than chance: with 0.025 expected, two come once in 3,000 times.
const MaxExpected = 0.025

// CountSlack is what a count may lack: PromQL extrapolates, so 3 events can show as 2.9.
const CountSlack = 0.25

// Counts are the events of an objective in an alert's two windows.
type Counts struct{ LongBad, LongAll, ShortBad, ShortAll float64 }

// Enough reports whether so many failed that it is no chance: MinBad over the long window;
// or MinBadOfAll where no event of the short window was good and a function that keeps the
// objective would hardly ever have two among so many calls, over the long window or over
// the short one alone.
func (c Counts) Enough(objective float64) bool {
	if c.LongBad >= MinBad-CountSlack {
		return true
	}
	few := func(all float64) bool { return all*(1-objective) <= MaxExpected }
	return c.LongBad >= MinBadOfAll-CountSlack && c.ShortAll-c.ShortBad <= CountSlack &&
		(few(c.LongAll) || c.ShortBad >= MinBadOfAll-CountSlack && few(c.ShortAll))
}

// enough is Counts.Enough in PromQL, beside conditions that have a function's objective.
func (of scope) enough(r Rule) string {
	long, short := r.Window.Long, r.Window.Short
	bad, all := of.series(badEvents), of.series(events)
	count := func(series, d string) string {
		return fmt.Sprintf("sum by (%s) (increase(%s[%s]))", perFunction, series, d)
	}
	l, s := rangeOf(long), rangeOf(short)
	few := func(d string) string {
		return fmt.Sprintf("%s * (1 - %s) <= %s", count(all, d), of.objective(r.SLOWindow), number(MaxExpected))
	}
	two := number(MinBadOfAll - CountSlack)
	return fmt.Sprintf("(\n%[1]s >= %[2]s\nor\n(\n%[1]s >= %[3]s\nand\n%[4]s - %[5]s <= %[6]s\nand\n(\n%[7]s\nor\n%[5]s >= %[3]s\nand\n%[8]s\n)\n)\n)",
		count(bad, l), number(MinBad-CountSlack), two, count(all, s), count(bad, s), number(CountSlack), few(l), few(s))
}
