package dashgen

import (
	"fmt"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
)

// Values of a function's state, as panels have them: the worse, the higher.
const (
	idle     = 0
	healthy  = 1
	degraded = 2
	failing  = 3
)

// state says in one number how a function does: failing while it pages, degraded
// while any alert fires or an objective is missed in the window, else healthy, and
// idle where nobody calls.
func (b board) state() string {
	alerts := func(more string) string {
		return "max(ALERTS{" + b.selector + `,alertstate="firing"` + more + "})"
	}
	bad := b.share("sum("+lately(b.all(metric.BadEvents, sloLabel("availability")))+")", "sum("+lately(b.all(metric.Events, sloLabel("availability")))+")")
	return fmt.Sprintf("(%d * %s) or (%d * %s) or ((%d * ((%s) > bool %s)) > 0) or (%d * (sum(%s) > bool 0)) or vector(%d)",
		failing, alerts(fmt.Sprintf(",%s=%q", slo.ClassLabel, slo.Page)),
		degraded, alerts(""),
		degraded, bad, number(b.allowed()),
		healthy, lately(b.all(metric.Invocations)), idle)
}

// stateWords name the values of a state.
func stateWords() []Word {
	return []Word{{idle, "idle", ""}, {healthy, "healthy", Good}, {degraded, "degraded", Warn}, {failing, "failing", Bad}}
}

// summary is the row that answers "is it fine" at a glance.
func (b board) summary() []Panel {
	firing := "count(ALERTS{" + b.selector + `,alertstate="firing"}) or on() vector(0)`
	panels := []Panel{
		{
			ID: 7, Title: "State", Kind: Stat, Unit: Count, Width: 4, Height: 4, Decimals: ptr(0), Words: stateWords(),
			Description: "failing: it pages. degraded: an alert fires, or more than the objective allows fails in the chosen window. idle: nobody calls. Where it is not healthy, read on from the left: alerts say since when, errors by code say what.",
			Queries:     []Query{{Expr: b.state(), Legend: "state", Instant: true}},
			Thresholds:  []Threshold{{Value: healthy, Level: Good}, {Value: degraded, Level: Warn}, {Value: failing, Level: Bad}},
		},
		{
			ID: 1, Title: "Firing alerts", Kind: Stat, Unit: Count, Width: 3, Height: 4, Decimals: ptr(0),
			Description: "Alerts of this function that fire now. Any: read the alert's page, it names what changed and how to undo it.",
			Queries:     []Query{{Expr: firing, Legend: "firing", Instant: true}},
			Thresholds:  []Threshold{{Value: 1, Level: Bad}},
		},
		{
			ID: 2, Title: "Rate", Kind: Stat, Unit: PerSecond, Width: 3, Height: 4,
			Description: "Invocations a second. A fall to zero while callers expect answers: look at the gateway's refusals and at the callers.",
			Queries:     []Query{{Expr: "sum(" + rate(b.of(metric.Invocations)) + ")", Legend: "rate"}},
		},
		{
			ID: 3, Title: "Error ratio", Kind: Stat, Unit: Ratio, Width: 4, Height: 4, Min: ptr(0.0),
			Description: fmt.Sprintf("Share of invocations that ended in an error; the objective allows %s. Above it: see errors by code below.", percent(b.allowed())),
			Queries:     []Query{{Expr: b.errorRatio(), Legend: "errors"}},
			Thresholds:  []Threshold{{Value: b.allowed(), Level: Bad, Label: "objective"}},
		},
	}
	tail := b.tail()
	panels = append(panels, Panel{
		ID: 4, Title: tail.legend, Kind: Stat, Unit: Seconds, Width: 4, Height: 4, Min: ptr(0.0),
		Description: percent(tail.q) + " of invocations end within this. Too high: compare versions, then look at the waits of outgoing requests.",
		Queries:     []Query{{Expr: b.quantile(tail.q, ""), Legend: tail.legend}},
		Thresholds:  tail.thresholds,
	})
	objectives := b.manifest.SLO.Objectives()
	objectives = objectives[:min(2, len(objectives))] // what the line has room for; Objectives draws them all
	for i, o := range objectives {
		panels = append(panels, Panel{
			ID: 5 + i, Title: "Budget left: " + o.Name, Kind: Stat, Unit: Ratio, Width: 6 / len(objectives), Height: 4, Max: ptr(1.0),
			Description: fmt.Sprintf("What is left of the error budget of %s over %s. Under a quarter: slow down releases. Below zero the objective is missed.", o.Name, b.manifest.SLO.Window) + lag(time.Duration(b.manifest.SLO.Window)),
			Queries:     []Query{{Expr: b.budget(o), Legend: o.Name, Instant: true}},
			Base:        Bad, Thresholds: []Threshold{{Value: 0, Level: Warn}, {Value: 0.25, Level: Good}},
		})
	}
	return panels
}
