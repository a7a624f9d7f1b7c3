package api

import (
	"context"
	"net/http"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

func (a *api) addSystem() {
	add(a, route{
		method: http.MethodGet, path: Prefix + "/system", id: "getSystem", tag: "system",
		summary: "Get how the installation is doing",
		detail:  "Part by part, with queues, reconcilers and the bounds in effect. What is wrong with a part, and all numbers, are told to those who may read everything.",
		action:  access.Read, scope: ofEach,
	}, a.getSystem)
	add(a, route{
		method: http.MethodGet, path: Prefix + "/manifest.schema.json", id: "getManifestSchema", tag: "system",
		summary: "Get the JSON Schema of hadron.yaml", detail: "For editors; no token is asked for.",
		scope: ofNobody, produces: "application/schema+json",
	}, func(context.Context, *call, *empty) (*textOut, error) {
		return &textOut{ContentType: "application/schema+json", Body: function.ManifestSchema}, nil
	})
	add(a, route{
		method: http.MethodGet, path: Prefix + "/pipeline.schema.json", id: "getPipelineSchema", tag: "system",
		summary: "Get the JSON Schema of hadron.pipeline.yaml", detail: "For editors; no token is asked for.",
		scope: ofNobody, produces: "application/schema+json",
	}, func(context.Context, *call, *empty) (*textOut, error) {
		return &textOut{ContentType: "application/schema+json", Body: function.PipelineSchema}, nil
	})
}

func (a *api) getSystem(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.System], error) {
	if a.cfg.System == nil {
		return ok(fillSystem(wire.System{Version: a.cfg.Version, Dev: a.cfg.Dev, State: wire.PartOK}))
	}
	s, err := a.cfg.System(ctx)
	if err != nil {
		return nil, err
	}
	if !access.CanIn(c.principal, access.Read, access.Everything) {
		s.Facts, s.Reconcilers, s.Settings, s.Watchdogs = nil, nil, nil, nil
		for i := range s.Parts { // what is wrong may name a function of any team
			s.Parts[i].Detail, s.Parts[i].Facts = "", nil
		}
	}
	return ok(fillSystem(s))
}

// fillSystem puts empty lists where there are none.
func fillSystem(s wire.System) wire.System {
	if s.Parts == nil {
		s.Parts = []wire.Part{}
	}
	for i := range s.Parts {
		if s.Parts[i].Facts == nil {
			s.Parts[i].Facts = []wire.Fact{}
		}
	}
	if s.Facts == nil {
		s.Facts = []wire.Fact{}
	}
	if s.Reconcilers == nil {
		s.Reconcilers = []wire.Reconciler{}
	}
	if s.Watchdogs == nil {
		s.Watchdogs = []wire.Watchdog{}
	}
	if s.Settings == nil {
		s.Settings = []wire.Setting{}
	}
	return s
}
