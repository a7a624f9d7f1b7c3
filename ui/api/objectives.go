package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

func (a *api) addObjectives() {
	add(a, route{
		method: http.MethodPost, path: functionPath + "/objectives", id: "setObjectives", tag: "versions",
		summary: "Register a version with other objectives",
		detail: "Registers the module of the version that live points at once more, with other objectives in its manifest, and points live at it, " +
			"or begins the delivery that its manifest asks for. The version has to be the one that live points at whole: 409 conflict. " +
			"Objectives that are the same answer 200 and make nothing new. POST …/backtest says before what they would have done.",
		action: access.Deploy, scope: ofFunction, body: wire.SetObjectives{},
		status: http.StatusCreated, also: map[int]string{http.StatusOK: "The version had these objectives already"},
	}, a.setObjectives)
}

func (a *api) setObjectives(ctx context.Context, c *call, _ *empty) (*registerOut, error) {
	var in wire.SetObjectives
	if err := decode(c, smallBody, &in); err != nil {
		return nil, err
	}
	if len(in.SLO) == 0 || string(in.SLO) == "null" {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "slo is missing: give what a manifest has there.")
	}
	if err := enter(ctx, a.uploads); err != nil {
		return nil, err
	}
	defer func() { <-a.uploads }()
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	live, _ := fn.Alias(function.Live)
	switch whole := live.Whole(); {
	case whole == 0:
		return nil, refuse(http.StatusConflict, "conflict", "live is split between versions: finish that first, then change the objectives of the one that has all calls.")
	case whole != in.Version:
		return nil, refuse(http.StatusConflict, "conflict", "live points at version %d by now and not at %d: look at its objectives first.", whole, in.Version)
	}
	up, err := a.cfg.Registry.Source(ctx, function.ID{Name: c.name, Version: in.Version})
	if err != nil {
		return nil, err
	}
	manifest := map[string]json.RawMessage{}
	if len(up.Manifest) > 0 {
		if err := json.Unmarshal(up.Manifest, &manifest); err != nil {
			return nil, fmt.Errorf("read manifest of %s@%d: %w", c.name, in.Version, err)
		}
	}
	manifest["slo"] = in.SLO
	body := wire.Register{Source: up.Source, SourceMap: up.SourceMap, Message: in.Message}
	if body.Manifest, err = json.Marshal(manifest); err != nil {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "slo is what a manifest has there.")
	}
	return a.registered(ctx, c, function.Live, body)
}
