package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"hadron/ui/wire"
)

// ofScope is the path of a team ("growth") or a project ("growth/signup") and what is
// below it.
func ofScope(scope string, below ...string) string {
	team, project, both := strings.Cut(scope, "/")
	parts := []string{"teams", team}
	if both {
		parts = append(parts, "projects", project)
	}
	var b strings.Builder
	for _, part := range append(parts, below...) {
		b.WriteString("/" + url.PathEscape(part))
	}
	return b.String()
}

// Teams lists teams by name.
func (c *Client) Teams(ctx context.Context, p Page) (wire.List[wire.Team], error) {
	return get[wire.List[wire.Team]](ctx, c, "/teams", p.values())
}

// Projects lists a team's projects by name.
func (c *Client) Projects(ctx context.Context, team string, p Page) (wire.List[wire.Team], error) {
	return get[wire.List[wire.Team]](ctx, c, ofScope(team, "projects"), p.values())
}

// Team gets a team or a project and its ETag.
func (c *Client) Team(ctx context.Context, scope string) (wire.Team, string, error) {
	return c.team(ctx, request{method: http.MethodGet, path: ofScope(scope)})
}

// PutTeam replaces the settings of a team or project, and makes it where it is not
// there. With ifMatch, one that has another ETag by now is left alone: the problem's
// code is stale.
func (c *Client) PutTeam(ctx context.Context, scope string, settings wire.TeamSettings, ifMatch string) (wire.Team, string, error) {
	r := request{method: http.MethodPut, path: ofScope(scope), body: settings}
	if ifMatch != "" {
		r.header = http.Header{"If-Match": {ifMatch}}
	}
	return c.team(ctx, r)
}

// CreateTeam makes a team or project that is not there yet: else the problem's code
// is team_exists.
func (c *Client) CreateTeam(ctx context.Context, scope string, settings wire.TeamSettings) (wire.Team, string, error) {
	return c.team(ctx, request{method: http.MethodPut, path: ofScope(scope), body: settings, header: http.Header{"If-None-Match": {"*"}}})
}

func (c *Client) team(ctx context.Context, r request) (wire.Team, string, error) {
	var out wire.Team
	header, err := c.call(ctx, r, &out)
	if err != nil {
		return out, "", err
	}
	return out, header.Get("ETag"), nil
}

// DeleteTeam deletes an empty team or project.
func (c *Client) DeleteTeam(ctx context.Context, scope string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: ofScope(scope)}, nil)
	return err
}

// Secrets lists the secrets of a team or project, without values.
func (c *Client) Secrets(ctx context.Context, scope string, p Page) (wire.List[wire.Secret], error) {
	return get[wire.List[wire.Secret]](ctx, c, ofScope(scope, "secrets"), p.values())
}

// PutSecret sets or rotates a secret.
func (c *Client) PutSecret(ctx context.Context, scope, name, value string) (wire.Secret, error) {
	var out wire.Secret
	_, err := c.call(ctx, request{method: http.MethodPut, path: ofScope(scope, "secrets", name), body: wire.PutSecret{Value: value}}, &out)
	return out, err
}

// DeleteSecret deletes a secret; force also where functions list it.
func (c *Client) DeleteSecret(ctx context.Context, scope, name string, force bool) error {
	q := url.Values{}
	if force {
		q.Set("force", "true")
	}
	_, err := c.call(ctx, request{method: http.MethodDelete, path: ofScope(scope, "secrets", name), query: q}, nil)
	return err
}

// Rekey seals all secrets with the server's current key.
func (c *Client) Rekey(ctx context.Context) (wire.Rekeyed, error) {
	var out wire.Rekeyed
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/secrets/rekey"}, &out)
	return out, err
}

// Diff compares two versions of a function.
func (c *Client) Diff(ctx context.Context, name, from, to string) (wire.VersionDiff, error) {
	return get[wire.VersionDiff](ctx, c, of(name, "versions", from, "diff", to), nil)
}
