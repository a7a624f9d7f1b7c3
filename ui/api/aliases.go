package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/ui/wire"
)

const aliasPath = functionPath + "/aliases/{alias}"

func (a *api) addAliases() {
	add(a, route{
		method: http.MethodGet, path: aliasPath, id: "getAlias", tag: "aliases",
		summary: "Get an alias", detail: "With its ETag, and since when it points where it does.", action: access.Read, scope: ofFunction,
	}, a.getAlias)
	add(a, route{
		method: http.MethodPut, path: aliasPath, id: "putAlias", tag: "aliases",
		summary: "Point an alias at versions",
		detail:  "In effect on this node before the answer. Weights are whole numbers from 0 whose sum is over 0. With If-Match, an alias that somebody else has changed since is left alone: 412 stale. A deployment of the alias that is under way ends.",
		action:  access.Deploy, scope: ofFunction, body: wire.PutAlias{},
	}, a.putAlias)
	add(a, route{
		method: http.MethodPost, path: functionPath + "/rollback", id: "rollback", tag: "aliases",
		summary: "Roll live back", detail: "To the version given, else to the one before: 409 no_previous_version where there is none.",
		action: access.Deploy, scope: ofFunction, body: wire.Rollback{},
	}, a.rollback)
}

type aliasIn struct {
	Alias string `path:"alias" maxLength:"63"`
}

type aliasOut struct {
	ETag string `header:"ETag"`
	Body wire.Alias
}

func etagged(alias function.Alias) *aliasOut {
	return &aliasOut{ETag: `"` + strconv.FormatInt(alias.Revision, 10) + `"`, Body: aliasOf(alias)}
}

func (a *api) getAlias(ctx context.Context, c *call, in *aliasIn) (*aliasOut, error) {
	alias, err := a.cfg.Registry.Alias(ctx, c.name, in.Alias)
	if err != nil {
		return nil, err
	}
	out := etagged(alias)
	// An alias's revision is the cursor of the change that set it.
	changes, err := a.cfg.Registry.Changes(ctx, registry.ChangeFilter{Name: c.name, After: alias.Revision - 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(changes) == 1 && changes[0].Cursor == alias.Revision {
		out.Body.Since = &changes[0].Time
	}
	return out, nil
}

type putAliasIn struct {
	Alias    string `path:"alias" maxLength:"63"`
	IfMatch  string `header:"If-Match" maxLength:"200" doc:"The ETag that the alias must still have."`
	Override string `query:"override" maxLength:"500" doc:"Why a freeze of the team does not hold; admins only, recorded."`
}

func (a *api) putAlias(ctx context.Context, c *call, in *putAliasIn) (*aliasOut, error) {
	var body wire.PutAlias
	if err := decode(c, smallBody, &body); err != nil {
		return nil, err
	}
	alias := function.Alias{Name: in.Alias}
	for _, w := range body.Weights {
		alias.Weights = append(alias.Weights, function.Weight(w))
	}
	if s := body.Sticky; s != nil {
		alias.Sticky = function.Sticky(*s)
	}
	match, err := a.revision(ctx, c.name, in)
	if err != nil {
		return nil, err
	}
	if err := a.permit(ctx, c, in.Override); err != nil {
		return nil, err
	}
	stored, err := a.cfg.Registry.PutAlias(ctx, c.principal.Name, c.name, alias, match)
	if err != nil {
		return nil, err
	}
	return etagged(stored), nil
}

// revision reads If-Match; nil where there is none. A tag that is none of ours
// cannot be that of the alias now.
func (a *api) revision(ctx context.Context, name function.Name, in *putAliasIn) (*int64, error) {
	if in.IfMatch == "" {
		return nil, nil
	}
	if strings.TrimSpace(in.IfMatch) == "*" {
		alias, err := a.cfg.Registry.Alias(ctx, name, in.Alias)
		if err != nil {
			return nil, stale()
		}
		return &alias.Revision, nil
	}
	text, opened := strings.CutPrefix(strings.TrimSpace(in.IfMatch), `"`)
	text, closed := strings.CutSuffix(text, `"`)
	n, err := strconv.ParseInt(text, 10, 64)
	if !opened || !closed || err != nil {
		return nil, stale()
	}
	return &n, nil
}

func stale() error {
	return refuse(http.StatusPreconditionFailed, "stale", "The alias is not as If-Match says; read it again.")
}

type rollbackOut struct {
	ETag string `header:"ETag"`
	Body wire.RolledBack
}

func (a *api) rollback(ctx context.Context, c *call, _ *empty) (*rollbackOut, error) {
	var body wire.Rollback
	if err := decode(c, smallBody, &body); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if body.Version < 0 {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "Versions count from 1; leave version out for the one before.")
	}
	live, from, err := a.cfg.Registry.Rollback(ctx, c.principal.Name, c.name, body.Version)
	if err != nil {
		return nil, err
	}
	now := etagged(live)
	return &rollbackOut{ETag: now.ETag, Body: wire.RolledBack{
		Name: now.Body.Name, Weights: now.Body.Weights, Sticky: now.Body.Sticky, From: from, Version: live.Whole(),
	}}, nil
}
