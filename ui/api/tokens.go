package api

import (
	"context"
	"net/http"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// Tokens is how the API manages tokens. Errors: those of package tenant.
type Tokens interface {
	Issue(ctx context.Context, by access.Principal, r tenant.Request) (string, tenant.Token, error)
	Revoke(ctx context.Context, by access.Principal, team, name string) error
	Tokens(ctx context.Context, by access.Principal) ([]tenant.Token, error)
}

func (a *api) addTokens() {
	add(a, route{
		method: http.MethodGet, path: Prefix + "/tokens", id: "listTokens", tag: "tokens",
		summary: "List tokens", detail: "Those that the caller administers, by team and name, and how many a team may have. A token itself is never shown again.",
		action: access.Administer, scope: ofEach,
	}, a.listTokens)
	add(a, route{
		method: http.MethodPost, path: Prefix + "/tokens", id: "createToken", tag: "tokens",
		summary: "Create a token",
		detail: "The answer holds it, the only time that it is shown. It may be allowed no more than who makes it: 403 above_grants. " +
			"A name is the team's own: 409 token_exists, unless replace is true.",
		action: access.Administer, scope: ofEach, body: wire.CreateToken{}, status: http.StatusCreated,
	}, a.createToken)
	add(a, route{
		method: http.MethodDelete, path: Prefix + "/tokens/{token}", id: "revokeToken", tag: "tokens",
		summary: "Revoke a token", detail: "At once on this node, within half a minute on others. Open websockets of it end.",
		action: access.Administer, scope: ofEach, status: http.StatusNoContent,
	}, a.revokeToken)
}

func (a *api) listTokens(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.TokenList], error) {
	if err := available(a.cfg.Tokens != nil); err != nil {
		return nil, err
	}
	list, err := a.cfg.Tokens.Tokens(ctx, c.principal)
	if err != nil {
		return nil, err
	}
	out := wire.TokenList{Items: make([]wire.Token, 0, len(list)), PerTeam: a.cfg.TokensPerTeam}
	for _, t := range list { // bounded by the tokens that a team may have
		out.Items = append(out.Items, tokenOf(t))
	}
	return ok(out)
}

func (a *api) createToken(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.CreatedToken], error) {
	if err := available(a.cfg.Tokens != nil); err != nil {
		return nil, err
	}
	var body wire.CreateToken
	if err := decode(c, smallBody, &body); err != nil {
		return nil, err
	}
	r := tenant.Request{Name: body.Name, Role: access.Role(body.Role), Replace: body.Replace}
	var err error
	if r.Scope, err = access.ParseScope(body.Scope); err != nil {
		return nil, refuse(http.StatusBadRequest, "token_invalid", "%s.", err.Error())
	}
	if !r.Role.Valid() {
		return nil, refuse(http.StatusBadRequest, "token_invalid", "A role is viewer, invoker, deployer or admin, not %q.", body.Role)
	}
	if body.Expires != "" {
		d, err := function.ParseDuration(body.Expires)
		if err != nil || d <= 0 {
			return nil, refuse(http.StatusBadRequest, "token_invalid", "expires is a duration such as 30d, not %q.", body.Expires)
		}
		r.Expiry = time.Duration(d)
	}
	secret, made, err := a.cfg.Tokens.Issue(ctx, c.principal, r)
	if err != nil {
		return nil, err
	}
	return ok(wire.CreatedToken{Token: tokenOf(made), Secret: secret})
}

type revokeIn struct {
	Token string `path:"token" maxLength:"63" doc:"The token's name."`
	Team  string `query:"team" maxLength:"63" doc:"Whose it is; without it the whole installation's, or that of the one team that the caller administers."`
}

func (a *api) revokeToken(ctx context.Context, c *call, in *revokeIn) (*empty, error) {
	if err := available(a.cfg.Tokens != nil); err != nil {
		return nil, err
	}
	team := in.Team
	if scopes := c.principal.Grants.Scopes(access.Administer); team == "" && len(scopes) == 1 {
		team = scopes[0].Team()
	}
	if err := a.cfg.Tokens.Revoke(ctx, c.principal, team, in.Token); err != nil {
		return nil, err
	}
	return &empty{}, nil
}

func tokenOf(t tenant.Token) wire.Token {
	return wire.Token{
		Name: t.Name, Team: t.Team(), Role: string(t.Role), Scope: string(t.Scope), CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy,
		ExpiresAt: timeOrNone(t.ExpiresAt), Expired: !t.ExpiresAt.IsZero() && !time.Now().Before(t.ExpiresAt), UsedAt: timeOrNone(t.UsedAt),
	}
}

func timeOrNone(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
