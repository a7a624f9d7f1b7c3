package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"hadron/runtime/access"
	"hadron/ui/wire"
)

// Pager is what the API needs of all services at PagerDuty together.
type Pager interface {
	// Summary says how far they are.
	Summary(ctx context.Context) (wire.PagerServices, error)
	// Apply has a pass begin now. Errors: ErrNoPager.
	Apply(ctx context.Context, how wire.ApplyPagerServices) error
}

// ErrNoPager is returned where there is no PagerDuty.
var ErrNoPager = errors.New("PagerDuty is not configured: set pagerduty.token")

const pagerPath = Prefix + "/pagerduty"

func (a *api) addPager() {
	add(a, route{
		method: http.MethodGet, path: pagerPath, id: "getPagerServices", tag: "operability",
		summary: "Get how far all services at PagerDuty are", detail: "With the rate at which it is asked, and what it allows.",
		action: access.Read, scope: ofSystem,
	}, func(ctx context.Context, _ *call, _ *empty) (*jsonOut[wire.PagerServices], error) {
		return a.pagerSummary(ctx)
	})
	add(a, route{
		method: http.MethodPost, path: pagerPath + "/apply", id: "applyPagerServices", tag: "operability",
		summary: "Begin a pass over all services at PagerDuty",
		detail:  "confirmDeletes lets it disable and delete as many services as it asked about.",
		action:  access.Administer, scope: ofSystem, body: wire.ApplyPagerServices{}, status: http.StatusAccepted,
	}, a.applyPager)
}

func (a *api) pagerSummary(ctx context.Context) (*jsonOut[wire.PagerServices], error) {
	if err := available(a.cfg.Pager != nil); err != nil {
		return nil, err
	}
	all, err := a.cfg.Pager.Summary(ctx)
	if err != nil {
		return nil, err
	}
	return ok(all)
}

func (a *api) applyPager(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.PagerServices], error) {
	if err := available(a.cfg.Pager != nil); err != nil {
		return nil, err
	}
	var how wire.ApplyPagerServices
	if err := decode(c, smallBody, &how); err != nil {
		return nil, err
	}
	if err := a.cfg.Pager.Apply(ctx, how); err != nil {
		return nil, err
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "pagerduty services applied", slog.String("by", c.principal.Name), slog.Int("confirmed_deletes", how.ConfirmDeletes))
	return a.pagerSummary(ctx)
}
