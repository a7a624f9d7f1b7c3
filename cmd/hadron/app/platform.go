package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// failingFor is how long a loop must have failed before it is an alert: another system's
// restart is none.
const failingFor = 15 * time.Minute

// platformConditions are what is wrong with Hadron itself, or waits for somebody's word.
// They name no function: a team may hear of them that does not see the others'.
func (a *App) platformConditions(at time.Time) []alerting.Condition {
	o := &a.operations
	questions := []question{{a.heldDashboards(), o.dashboards.Progress().Counted}}
	if o.pager != nil {
		questions = append(questions, question{a.heldServices(), o.pager.Progress().Counted})
	}
	states := make([]reconcile.Status, len(o.loops))
	for i, loop := range o.loops {
		states[i] = loop.Status()
	}
	return slices.Concat(asking(questions...), failingLoops(states, a.startedAt, at))
}

// question is what a part asks before it removes so much.
type question struct {
	text    string // empty: it does not
	counted bool   // it has looked since the start
}

// asking is the questions that wait for an answer, as conditions. Who has not looked since
// the start may have asked before.
func asking(questions ...question) (out []alerting.Condition) {
	for _, q := range questions {
		switch {
		case q.text != "":
			out = append(out, alerting.Condition{Kind: alerting.Removals, Reason: q.text, Value: 1})
		case !q.counted:
			out = append(out, alerting.Condition{Kind: alerting.Removals, Unknown: true})
		}
	}
	return out
}

// failingLoops are those that have failed for long. The start counts for a success, but
// until a loop went well, or has failed for long since, it may have failed before.
func failingLoops(states []reconcile.Status, started, at time.Time) (out []alerting.Condition) {
	for _, s := range states {
		well := s.LastSuccess
		if well.IsZero() {
			well = started
		}
		switch {
		case s.Failures > 0 && at.Sub(well) >= failingFor:
			what := "failed"
			if n := s.Result.Failed; n > 0 {
				what = fmt.Sprintf("left %d not as wanted", n)
			}
			out = append(out, alerting.Condition{
				Kind: alerting.Reconciler, Since: well, Value: float64(s.Failures),
				Reason: fmt.Sprintf("each pass over %s %s since %s", s.Target, what, well.UTC().Format(time.RFC3339)),
			})
		case s.LastSuccess.IsZero():
			out = append(out, alerting.Condition{Kind: alerting.Reconciler, Unknown: true})
		}
	}
	return out
}

// heldServices says what waits for somebody to agree; empty: nothing does.
func (a *App) heldServices() string {
	if a.operations.pager == nil {
		return ""
	}
	if n := a.operations.pager.Progress().Held; n > 0 {
		return fmt.Sprintf("%d services would be disabled or deleted, more than is done unasked: hadron alerts pagerduty apply --confirm-deletes %d", n, n)
	}
	return ""
}

// heldDashboards says the same of dashboards.
func (a *App) heldDashboards() string {
	if n := a.operations.dashboards.Progress().Held; n > 0 {
		return fmt.Sprintf("%d dashboards would be deleted, more than is done unasked: hadron dashboards plan, then hadron dashboards apply --confirm-deletes %d", n, n)
	}
	return ""
}

// undelivered is for how long a message that was given up is an alert.
const undelivered = 24 * time.Hour

// undeliveredOf are the functions about which messages were given up of late, newest first
// in dead. Ends that were not told of functions that are gone, or have no alerts, are the platform's.
func undeliveredOf(dead []alerting.Message, at time.Time, guarded func(function.Name) bool) []alerting.Condition {
	latest := map[function.Name]*alerting.Condition{}
	for _, m := range dead { // Next is when it was given up
		if at.Sub(m.Next) > undelivered {
			break
		}
		if m.Event.Test {
			continue // whoever asked was told
		}
		c := alerting.Condition{
			Function: m.Function, Kind: alerting.Delivery, Since: m.Next, Value: 1,
			Reason: fmt.Sprintf("a %s to %s was given up: %s", m.Event.Action, m.Event.Target, m.Reason),
		}
		if !guarded(m.Function) {
			if m.Event.Action != alerting.Resolve {
				continue // nobody needs to know any more
			}
			c.Function, c.Kind = "", alerting.Orphans
		}
		if before := latest[c.Function]; before != nil {
			before.Since = m.Next
			before.Value++
			continue
		}
		latest[c.Function] = &c
	}
	out := make([]alerting.Condition, 0, len(latest))
	for _, c := range latest {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b alerting.Condition) int { return cmp.Compare(a.Function, b.Function) })
	return out
}

// hasAlerts reports whether a function is there and its manifest wants alerts.
func (a *App) hasAlerts(ctx context.Context, name function.Name) bool {
	f, err := a.parts.registry.Get(ctx, name)
	return err == nil && !f.Spec.Alerts.Disabled
}
