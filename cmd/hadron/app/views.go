package app

import (
	"context"
	"errors"
	"fmt"

	"hadron/collector"
	"hadron/collector/logs"
	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/project"
	"hadron/runtime/registry"
	"hadron/ui/api"
	"hadron/ui/wire"
)

func (a *App) health(name function.Name) (wire.Health, bool) {
	h, ok := a.parts.collector.Health(name)
	return healthView(h), ok
}

func (a *App) healths() []wire.Health {
	hs := a.parts.collector.Healths()
	out := make([]wire.Health, len(hs))
	for i, h := range hs {
		out[i] = healthView(h)
	}
	return out
}

func healthView(h collector.Health) wire.Health {
	out := wire.Health{
		Function: string(h.Function), State: string(h.State), Reason: h.Reason, Since: h.Since,
		Rate: h.Rate, ErrorRatio: h.ErrorRatio, P50: h.P50, P95: h.P95, P99: h.P99,
		InFlight: h.InFlight, BudgetLeft: h.BudgetLeft, Availability: h.Availability,
		LatencyTarget: h.LatencyTarget, LatencyQuantile: h.LatencyQuantile, Window: h.Window,
		Versions: make([]wire.VersionShare, len(h.Versions)), Trend: h.Trend,
		DeployedAt: h.DeployedAt, DeployedBy: h.DeployedBy, UpdatedAt: h.UpdatedAt,
		ColdStarts: h.ColdStarts, Throttled: h.Throttled, CPU: h.CPU,
		Errors: make([]wire.CodeShare, len(h.Errors)), Burns: make([]wire.Burn, len(h.Burns)),
	}
	for i, e := range h.Errors {
		out.Errors[i] = wire.CodeShare{Code: string(e.Code), Ratio: e.Ratio}
	}
	for i, b := range h.Burns {
		out.Burns[i] = wire.Burn{Window: function.Duration(b.Window).String(), Rate: b.Rate}
	}
	for i, v := range h.Versions {
		out.Versions[i] = wire.VersionShare{Version: v.Version, Share: v.Share}
	}
	if out.Trend == nil {
		out.Trend = []float64{}
	}
	return out
}

func (a *App) errorGroups(name function.Name) []wire.ErrorGroup {
	groups, latest := a.parts.collector.Errors(name), a.newSince(context.Background(), name) // in memory
	out := make([]wire.ErrorGroup, len(groups))
	for i, g := range groups {
		out[i] = wire.ErrorGroup{
			Fingerprint: g.Fingerprint, Code: g.Code, Message: g.Message, Stack: framesView(g.Stack),
			Count: g.Count, FirstSeen: g.FirstSeen, LastSeen: g.LastSeen, Versions: g.Versions, Since: g.Since, New: g.Since == latest, Request: g.Request,
		}
	}
	return out
}

func framesView(frames []invocation.Frame) []wire.Frame {
	out := make([]wire.Frame, len(frames))
	for i, f := range frames {
		out[i] = wire.Frame(f)
	}
	return out
}

func logFilter(q api.LogQuery) logs.Filter {
	return logs.Filter{Function: q.Function, Level: q.Level, Since: q.Since, Until: q.Until, Text: q.Text, Request: q.Request, Version: q.Version, Limit: q.Limit}
}

func (a *App) readLogs(ctx context.Context, q api.LogQuery) ([]invocation.Record, error) {
	return a.parts.logs.Query(ctx, logFilter(q))
}

func (a *App) followLogs(ctx context.Context, q api.LogQuery, emit func(invocation.Record) error) error {
	return a.parts.logs.Follow(ctx, logFilter(q), emit)
}

func (a *App) lastLogs(ctx context.Context, name function.Name, n int) ([]invocation.Record, error) {
	return a.parts.logs.Query(ctx, logs.Filter{Function: name, Limit: n})
}

func (a *App) watchLogs(ctx context.Context, name function.Name, n int, emit func(invocation.Record) error) error {
	return a.parts.logs.Follow(ctx, logs.Filter{Function: name, Limit: n}, emit)
}

func (a *App) point(name function.Name) (wire.FunctionPoint, bool) {
	h, ok := a.health(name)
	return wire.FunctionPoint{Health: h, Errors: a.errorGroups(name)}, ok
}

func (a *App) known(name function.Name) bool {
	_, err := a.parts.registry.Get(context.Background(), name) // in memory
	return err == nil
}

func sloView(s function.SLO) wire.SLO {
	out := wire.SLO{Window: s.Window.String()}
	for _, o := range s.Objectives() {
		out.Objectives = append(out.Objectives, wire.Objective{Name: o.Name, Ratio: o.Ratio, Threshold: o.Threshold.Seconds()})
	}
	return out
}

// translate turns what the builder refuses into problems of the author's file.
func translate(err error) (wire.Problem, bool) {
	var source *project.SourceError
	if errors.As(err, &source) {
		detail := source.Text
		if source.More > 0 {
			detail += fmt.Sprintf(" (and %d more)", source.More)
		}
		return wire.Problem{
			Title: "The source cannot be built", Status: 422, Code: "source_invalid", Detail: detail,
			File: source.File, Line: source.Line, Column: source.Column, Frame: source.Frame,
		}, true
	}
	var check *engine.CheckError
	if errors.As(err, &check) {
		return wire.Problem{
			Title: "The module cannot be run", Status: 422, Code: check.Kind, Detail: check.Message,
			File: check.File, Line: check.Line, Column: check.Column,
		}, true
	}
	return wire.Problem{}, false
}

// lastDeployments is how many changes the deployments topic shows.
const lastDeployments = 100

func (a *App) deployments(ctx context.Context) ([]wire.Deployment, error) {
	changes, err := a.parts.registry.Changes(ctx, registry.ChangeFilter{Kinds: registry.Deployments(), Before: registry.Newest, Limit: lastDeployments})
	if err != nil {
		return nil, err
	}
	return api.Deployments(ctx, changes, a.parts.delivery.Rollouts)
}
