package app

import (
	"context"
	"fmt"
	"strings"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/storage/tsdb/promapi"
	"hadron/ui/wire"
)

// operability says what was generated for a function and how far it is.
func (a *App) operability(_ context.Context, f function.Function) (wire.Operability, error) {
	d := a.operations.dashboards.Status(f.Name)
	op := wire.Operability{
		Dashboard: wire.Dashboard{UID: d.UID, URL: d.URL, Target: d.Target, State: wire.State(d.State), Error: d.Error, Drift: driftView(d)},
		PagerDuty: a.pagerDuty(f.Name),
		Alerts:    []wire.Alert{},
		SLO:       sloView(f.Spec.SLO),
	}
	op.Quarantined = a.parts.quarantine.of(f.Name)
	for _, def := range a.operations.alerts.Definitions(f) {
		op.Alerts = append(op.Alerts, alertView(def.Alert))
	}
	return op, nil
}

func (a *App) pagerDuty(name function.Name) wire.PagerDuty {
	if a.operations.pager == nil {
		return wire.PagerDuty{State: wire.Disabled}
	}
	s := a.operations.pager.Status(name)
	return wire.PagerDuty{
		ServiceID: s.ServiceID, URL: s.URL, EscalationPolicy: s.EscalationPolicy, State: wire.State(s.State), Error: s.Error,
	}
}

func (a *App) alerts(context.Context) ([]wire.Alert, error) {
	active := a.operations.alerts.Alerts(alerting.Filter{})
	out := make([]wire.Alert, len(active))
	for i, alert := range active {
		out[i] = alertView(alert)
	}
	return out, nil
}

func alertView(alert alerting.Alert) wire.Alert {
	out := wire.Alert{
		Name: alert.Name(), Function: string(alert.Function), SLO: alert.SLO, Class: string(alert.Class),
		Window: alert.Window, State: string(alert.State), Value: alert.Value, Reason: alert.Reason, Silenced: alert.Silenced,
	}
	if !alert.Since.IsZero() {
		out.Since = &alert.Since
	}
	return out
}

func frames(stack []invocation.Frame) []string {
	out := make([]string, len(stack))
	for i, f := range stack {
		out[i] = strings.TrimSpace(fmt.Sprintf("%s %s:%d:%d", f.Function, f.File, f.Line, f.Column))
	}
	return out
}

// ruleGroups are the alerting rules as the Prometheus API shows them.
func (a *App) ruleGroups(context.Context) []promapi.Group {
	groups := a.operations.alerts.Groups()
	out := make([]promapi.Group, len(groups))
	for i, g := range groups {
		out[i] = promapi.Group{
			Name: g.Name, File: alerting.RulesFile, Interval: g.Interval,
			EvaluationTime: g.EvaluationTime, LastEvaluation: g.LastEvaluation,
		}
		for _, r := range g.Rules {
			out[i].Rules = append(out[i].Rules, promapi.Rule{
				Name: slo.AlertName, Query: r.Rule.Expr(), Labels: r.Labels, Health: r.Health, LastError: r.LastError,
				EvaluationTime: r.EvaluationTime, LastEvaluation: r.LastEvaluation, State: string(r.State),
				Annotations: r.Annotations, Alerts: activeAlerts(r.Alerts),
			})
		}
	}
	return out
}

func activeAlerts(alerts []alerting.ActiveAlert) []promapi.Alert {
	out := make([]promapi.Alert, len(alerts))
	for i, alert := range alerts {
		out[i] = promapi.Alert{
			Labels: alert.Labels, Annotations: alert.Annotations, State: string(alert.State), ActiveAt: alert.ActiveAt, Value: alert.Value,
		}
	}
	return out
}
