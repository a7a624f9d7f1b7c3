package api

import (
	"context"
	"net/http"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

func (a *api) addHealth() {
	add(a, route{
		method: http.MethodGet, path: functionPath + "/health", id: "getHealth", tag: "health",
		summary: "Get a function's health", detail: "Durations are seconds, shares are ratios, null means that there was nothing to measure.",
		action: access.Read, scope: ofFunction,
	}, a.getHealth)
	add(a, route{
		method: http.MethodGet, path: Prefix + "/health", id: "listHealth", tag: "health",
		summary: "Get the health of all functions", action: access.Read, scope: ofEach,
	}, a.listHealth)
	add(a, route{
		method: http.MethodGet, path: functionPath + "/errors", id: "listErrors", tag: "health",
		summary: "List groups of errors", detail: "Failures of the same mapped stack, the last seen first.",
		action: access.ReadSource, scope: ofFunction,
	}, a.listErrors)
}

func (a *api) getHealth(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Health], error) {
	if err := available(a.cfg.Health != nil); err != nil {
		return nil, err
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	h, there := a.cfg.Health(c.name)
	if !there {
		return ok(unmeasured(fn))
	}
	return ok(filled(h))
}

// unmeasured is the health of a function that the collector has not looked at yet.
func unmeasured(fn function.Function) wire.Health {
	return filled(wire.Health{
		Function: string(fn.Name), State: "unknown", Reason: "not measured yet",
		Since: fn.UpdatedAt, Window: fn.Spec.SLO.Window.String(), Availability: fn.Spec.SLO.Objectives()[0].Ratio,
		DeployedAt: fn.UpdatedAt, DeployedBy: fn.UpdatedBy, UpdatedAt: time.Now().UTC(),
	})
}

func filled(h wire.Health) wire.Health {
	if h.Versions == nil {
		h.Versions = []wire.VersionShare{}
	}
	if h.Trend == nil {
		h.Trend = []float64{}
	}
	return h
}

func (a *api) listHealth(_ context.Context, c *call, _ *empty) (*jsonOut[wire.List[wire.Health]], error) {
	if err := available(a.cfg.Healths != nil); err != nil {
		return nil, err
	}
	out := wire.List[wire.Health]{Items: []wire.Health{}}
	for _, h := range a.cfg.Healths() {
		if c.may(access.Read, function.Name(h.Function)) {
			out.Items = append(out.Items, filled(h))
		}
	}
	return ok(out)
}

func (a *api) listErrors(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.List[wire.ErrorGroup]], error) {
	if err := available(a.cfg.Errors != nil); err != nil {
		return nil, err
	}
	if _, err := a.cfg.Registry.Get(ctx, c.name); err != nil {
		return nil, err
	}
	out := wire.List[wire.ErrorGroup]{Items: a.cfg.Errors(c.name)}
	if out.Items == nil {
		out.Items = []wire.ErrorGroup{}
	}
	return ok(out)
}
