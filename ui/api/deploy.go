package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/ui/wire"
)

// way is how a registered version comes to its alias.
type way struct {
	direct   string // the alias that points at it at once
	alias    string // the alias that a rollout brings it to; empty: none
	asked    function.Delivery
	message  string
	override string
	before   *function.Function // as it is before anything is registered; nil: it is new
}

// way decides it, before anything is registered: what would be refused afterwards is
// refused here.
func (a *api) way(ctx context.Context, c *call, alias string, body wire.Register) (way, error) {
	w := way{direct: alias, message: body.Message}
	if body.Delivery != nil {
		var err error
		if w.asked, err = delivered(*body.Delivery); err != nil {
			return w, err
		}
		w.override = body.Delivery.Override
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	fresh := errors.Is(err, registry.ErrNotFound)
	if err != nil && !fresh {
		return w, err
	}
	if !fresh {
		w.before = &fn
	}
	if alias == "" && !fresh {
		return w, nil // nothing is pointed at it
	}
	if err := a.permit(ctx, c, w.override); err != nil {
		return w, err
	}
	if a.cfg.Deliveries == nil || fresh {
		return w, nil // of a first version there is nothing to compare with
	}
	if err := a.cfg.Deliveries.Busy(ctx, c.name, alias); err != nil {
		return w, err
	}
	manifest, err := function.ParseManifest(body.Manifest)
	if err != nil {
		return w, err
	}
	if _, there := fn.Alias(alias); there && delivery.Over(manifest.Delivery, w.asked).Said() {
		w.direct, w.alias = "", alias
	}
	return w, nil
}

// delivered reads what a body asks for.
func delivered(d wire.Delivery) (function.Delivery, error) {
	out := function.Delivery{Strategy: d.Strategy, Steps: d.Steps}
	if d.Interval != "" {
		interval, err := function.ParseDuration(d.Interval)
		if err != nil {
			return out, refuse(http.StatusBadRequest, "invalid_request", "delivery interval: %s", err.Error())
		}
		out.Interval = interval
	}
	return out, out.Validate()
}

// roll begins the rollout of what was registered, where that is its way.
func (a *api) roll(ctx context.Context, c *call, w way, done registry.Registered) (*wire.Rollout, error) {
	if w.alias == "" {
		return nil, nil
	}
	r, began, err := a.cfg.Deliveries.Begin(ctx, delivery.Begin{
		Function: c.name, Alias: w.alias, To: done.Version.ID.Version, Delivery: w.asked,
		By: c.principal.Name, Message: w.message, Override: w.override,
	})
	if err != nil {
		return nil, fmt.Errorf("version %d is registered, and its deployment did not begin: %w", done.Version.ID.Version, err)
	}
	if !began {
		return nil, nil
	}
	view := Rollout(r)
	return &view, nil
}

type deployOut struct {
	Status int
	Body   wire.Deployment
}

func (a *api) deploy(ctx context.Context, c *call, _ *empty) (*deployOut, error) {
	if err := available(a.cfg.Deliveries != nil); err != nil {
		return nil, err
	}
	var body wire.Deploy
	if err := decode(c, smallBody, &body); err != nil {
		return nil, err
	}
	if body.Version < 1 {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "Say which version to deploy; versions count from 1.")
	}
	if len(body.Message) > registry.MaxMessage {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "A message holds at most %d bytes.", registry.MaxMessage)
	}
	b := delivery.Begin{Function: c.name, Alias: body.Alias, To: body.Version, By: c.principal.Name, Message: body.Message}
	if b.Alias == "" {
		b.Alias = function.Live
	}
	if d := body.Delivery; d != nil {
		var err error
		if b.Delivery, err = delivered(*d); err != nil {
			return nil, err
		}
		b.Override = d.Override
	}
	if err := a.permit(ctx, c, b.Override); err != nil {
		return nil, err
	}
	r, began, err := a.cfg.Deliveries.Begin(ctx, b)
	switch {
	case errors.Is(err, delivery.ErrNotFound): // an alias that is new has nothing to be compared with
		return a.deployAtOnce(ctx, c, b)
	case err != nil:
		return nil, err
	case !began:
		return &deployOut{Status: http.StatusOK, Body: wire.Deployment{
			Function: string(c.name), Kind: "unchanged", From: whole(b.To), To: whole(b.To), Author: b.By, Time: time.Now().UTC(),
		}}, nil
	}
	return &deployOut{Status: http.StatusCreated, Body: rolloutDeployment(r)}, nil
}

func (a *api) deployAtOnce(ctx context.Context, c *call, b delivery.Begin) (*deployOut, error) {
	alias := function.Alias{Name: b.Alias, Weights: []function.Weight{{Version: b.To, Weight: 100}}}
	stored, err := a.cfg.Registry.PutAlias(ctx, b.By, c.name, alias, nil)
	if err != nil {
		return nil, err
	}
	return &deployOut{Status: http.StatusCreated, Body: wire.Deployment{
		ID: stored.Revision, Function: string(c.name), Kind: string(registry.KindRepointed), From: []wire.Weight{}, To: whole(b.To),
		Author: b.By, Message: b.Message, Time: time.Now().UTC(),
	}}, nil
}

// permit refuses what a freeze of the function's team holds back. Only admins override.
func (a *api) permit(ctx context.Context, c *call, override string) error {
	if a.cfg.Freezes == nil {
		return nil
	}
	if override != "" && !c.may(access.Administer, c.name) {
		return refuse(http.StatusForbidden, "forbidden", "%s, as %s, may not override a freeze; an admin may.", c.principal.Name, c.principal.Grants)
	}
	return a.cfg.Freezes.Permit(ctx, c.name, c.principal.Name, override)
}
