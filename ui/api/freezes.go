package api

import (
	"context"
	"net/http"

	"hadron/runtime/access"
	"hadron/runtime/delivery"
	"hadron/ui/wire"
)

const freezePath = Prefix + "/teams/{team}/freeze"

func (a *api) addFreezes() {
	add(a, route{
		method: http.MethodGet, path: freezePath, id: "getFreeze", tag: "teams",
		summary: "Get a team's freeze", detail: "And what was done about it of late, newest first.",
		action: access.Read, scope: ofScope,
	}, func(ctx context.Context, c *call, _ *teamIn) (*jsonOut[wire.Freeze], error) {
		return a.freeze(ctx, c, nil)
	})
	add(a, route{
		method: http.MethodPut, path: freezePath, id: "putFreeze", tag: "teams",
		summary: "Freeze a team's deployments",
		detail:  "Until the time given, deploys and repoints answer 423 frozen, and deployments under way stay at their step; rollbacks go on. Again, it replaces the one before.",
		action:  access.Administer, scope: ofScope, body: wire.PutFreeze{}, status: http.StatusOK,
	}, func(ctx context.Context, c *call, _ *teamIn) (*jsonOut[wire.Freeze], error) {
		var body wire.PutFreeze
		if err := decode(c, smallBody, &body); err != nil {
			return nil, err
		}
		return a.freeze(ctx, c, func() error {
			return a.cfg.Freezes.Freeze(ctx, delivery.Freeze{Team: string(c.scope), Reason: body.Reason, By: c.principal.Name, Until: body.Until})
		})
	})
	add(a, route{
		method: http.MethodDelete, path: freezePath, id: "deleteFreeze", tag: "teams",
		summary: "Lift a team's freeze", action: access.Administer, scope: ofScope, status: http.StatusOK,
	}, func(ctx context.Context, c *call, _ *teamIn) (*jsonOut[wire.Freeze], error) {
		return a.freeze(ctx, c, func() error { return a.cfg.Freezes.Lift(ctx, string(c.scope), c.principal.Name) })
	})
}

type teamIn struct {
	Team string `path:"team" maxLength:"63" doc:"The team's name."`
}

// freeze does something about the freeze of the team that the path names, and shows it.
func (a *api) freeze(ctx context.Context, c *call, do func() error) (*jsonOut[wire.Freeze], error) {
	if err := available(a.cfg.Freezes != nil); err != nil {
		return nil, err
	}
	team := string(c.scope)
	if do != nil {
		if err := do(); err != nil {
			return nil, err
		}
	}
	f, entries, err := a.cfg.Freezes.Frozen(ctx, team)
	if err != nil {
		return nil, err
	}
	out := wire.Freeze{Team: team, Frozen: f != nil, Log: []wire.FreezeEntry{}}
	if f != nil {
		out.Reason, out.By, out.Since, out.Until = f.Reason, f.By, &f.Since, &f.Until
	}
	for _, e := range entries {
		out.Log = append(out.Log, wire.FreezeEntry{Time: e.Time, Kind: e.Kind, By: e.By, Function: string(e.Function), Text: e.Text})
	}
	return ok(out)
}
