package api

import (
	"context"
	"log/slog"
	"net/http"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

func (a *api) addOperability() {
	add(a, route{
		method: http.MethodGet, path: functionPath + "/operability", id: "getOperability", tag: "operability",
		summary: "Get what was generated for a function", detail: "Its dashboard, PagerDuty service and alerts, each with its state.",
		action: access.Read, scope: ofFunction,
	}, a.getOperability)
	add(a, route{
		method: http.MethodGet, path: functionPath + "/dashboard", id: "getDashboard", tag: "operability",
		summary: "Get a function's dashboard", detail: "The generated model that the built-in UI draws; Grafana gets the same one in its own form.",
		action: access.Read, scope: ofFunction,
	}, a.getDashboard)
	add(a, route{
		method: http.MethodGet, path: Prefix + "/alerts", id: "listAlerts", tag: "operability",
		summary: "List alerts", detail: "Those of all functions, whatever their state.",
		action: access.Read, scope: ofEach,
	}, a.listAlerts)
}

func (a *api) getOperability(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Operability], error) {
	if err := available(a.cfg.Operability != nil); err != nil {
		return nil, err
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	op, err := a.cfg.Operability(ctx, fn)
	if err != nil {
		return nil, err
	}
	return ok(withAlerts(op))
}

func (a *api) getDashboard(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.DashboardModel], error) {
	if err := available(a.cfg.Dashboard != nil); err != nil {
		return nil, err
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	model, err := a.cfg.Dashboard(ctx, fn)
	if err != nil {
		return nil, err
	}
	return ok(model)
}

// receipt is the operability that a registration's answer holds. It never fails.
func (a *api) receipt(ctx context.Context, fn function.Function) wire.Operability {
	pending := withAlerts(wire.Operability{
		Dashboard: wire.Dashboard{State: wire.Pending},
		PagerDuty: wire.PagerDuty{State: wire.Pending},
		SLO:       SLO(fn.Spec.SLO),
	})
	if a.cfg.Operability == nil {
		return pending
	}
	op, err := a.cfg.Operability(ctx, fn)
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "operability unknown",
			slog.String("function", string(fn.Name)), slog.Any("error", err))
		return pending
	}
	return withAlerts(op)
}

func withAlerts(op wire.Operability) wire.Operability {
	if op.Alerts == nil {
		op.Alerts = []wire.Alert{}
	}
	if op.SLO.Objectives == nil {
		op.SLO.Objectives = []wire.Objective{}
	}
	return op
}

func (a *api) listAlerts(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.List[wire.Alert]], error) {
	out := wire.List[wire.Alert]{Items: []wire.Alert{}}
	if err := available(a.cfg.Alerts != nil); err != nil {
		return nil, err
	}
	alerts, err := a.cfg.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	for _, alert := range alerts {
		if c.may(access.Read, function.Name(alert.Function)) {
			out.Items = append(out.Items, alert)
		}
	}
	return ok(out)
}
