package dashgen

import (
	"fmt"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// budget is the share of an objective's error budget that is left, exact over
// the window: a sum of events, not a mean of ratios. Before the first event nothing
// is spent.
func (b board) budget(o function.Objective) string {
	window := time.Duration(b.manifest.SLO.Window)
	matchers := b.selector + "," + sloLabel(o.Name)
	bad := "sum(" + slo.Increase(metric.BadEvents, matchers, window) + ")"
	all := "sum(" + slo.Increase(metric.Events, matchers, window) + ")"
	return fmt.Sprintf("1 - (%s) / (1 - %s) or on() vector(1)", b.share(bad, all), number(o.Ratio))
}

// lag says how late a budget is, for whoever watches one during an incident.
func lag(window time.Duration) string {
	if window < slo.RollupsFrom {
		return ""
	}
	return " It is counted from totals of five minutes, so the last five may be missing: burn rates over less than a day are not late."
}

func (b board) burn(o function.Objective, window time.Duration) string {
	text := function.Duration(window).String()
	bad := fmt.Sprintf("sum(rate(%s[%s]))", b.all(metric.BadEvents, sloLabel(o.Name)), text)
	all := fmt.Sprintf("sum(rate(%s[%s]))", b.all(metric.Events, sloLabel(o.Name)), text)
	return fmt.Sprintf("(%s) / (1 - %s)", b.share(bad, all), number(o.Ratio))
}

// exhaustion is how long the budget lasts at the pace of the last hour, at most
// the window: what lasts that long is sustainable.
func (b board) exhaustion(o function.Objective) string {
	window := number(time.Duration(b.manifest.SLO.Window).Seconds())
	return fmt.Sprintf("clamp((%s) * %s / (%s > 0), 0, %s) or on() vector(%s)",
		b.budget(o), window, b.burn(o, time.Hour), window, window)
}

func (b board) objectives() []Panel {
	var panels []Panel
	window := time.Duration(b.manifest.SLO.Window).Seconds()
	windows := slo.Windows(time.Duration(b.manifest.SLO.Window), b.spec.Interval)
	for i, o := range b.manifest.SLO.Objectives() {
		burn := Panel{
			ID: 31 + 2*i, Title: "Burn rate: " + o.Name, Kind: Timeseries, Unit: Burn, Width: 10, Height: 8, Min: ptr(0.0),
			Description: "How many times faster than sustainable the budget is spent, over each alert window. An alert holds while both windows of a pair are above their factor.",
		}
		seen := map[time.Duration]bool{}
		for _, w := range windows {
			for _, d := range []time.Duration{w.Short, w.Long} {
				if !seen[d] {
					seen[d] = true
					burn.Queries = append(burn.Queries, Query{Expr: b.burn(o, d), Legend: function.Duration(d).String()})
				}
			}
			level := Warn
			if w.Class == slo.Page {
				level = Bad
			}
			burn.Thresholds = append(burn.Thresholds, Threshold{Value: w.Factor, Level: level, Label: string(w.Class) + " " + w.Name()})
		}
		panels = append(panels, Panel{
			ID: 30 + 2*i, Title: "Budget over time: " + o.Name, Kind: Timeseries, Unit: Ratio, Width: 9, Height: 8, Max: ptr(1.0),
			Description: fmt.Sprintf("The error budget of %s over %s: 100 %% untouched, 0 spent. A steep fall is an incident; a steady one is a bug nobody feels yet.", o.Name, b.manifest.SLO.Window) + lag(time.Duration(b.manifest.SLO.Window)),
			Queries:     []Query{{Expr: b.budget(o), Legend: "left"}},
			Base:        Bad, Thresholds: []Threshold{{Value: 0, Level: Warn, Label: "spent"}, {Value: 0.25, Level: Good, Label: "a quarter"}},
		}, burn, Panel{
			ID: 40 + i, Title: "Budget lasts: " + o.Name, Kind: Stat, Unit: Seconds, Width: 5, Height: 8,
			Description: fmt.Sprintf("How long the budget lasts at the pace of the last hour, at most %s. Hours: stop what was deployed last. Days: mend it this week.", b.manifest.SLO.Window) + lag(time.Duration(b.manifest.SLO.Window)),
			Queries:     []Query{{Expr: b.exhaustion(o), Legend: "lasts", Instant: true}},
			Base:        Bad, Thresholds: []Threshold{{Value: window / 6, Level: Warn}, {Value: window, Level: Good}},
		})
	}
	return panels
}
