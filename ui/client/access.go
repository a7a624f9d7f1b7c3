package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"hadron/ui/wire"
)

// Session gets who the server takes this client for; no name is nobody.
func (c *Client) Session(ctx context.Context) (wire.Session, error) {
	return get[wire.Session](ctx, c, "/session", nil)
}

// Tokens lists the tokens that the caller administers.
func (c *Client) Tokens(ctx context.Context) (wire.TokenList, error) {
	return get[wire.TokenList](ctx, c, "/tokens", nil)
}

// CreateToken makes a token; its answer holds it, the only time.
func (c *Client) CreateToken(ctx context.Context, body wire.CreateToken) (wire.CreatedToken, error) {
	var out wire.CreatedToken
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/tokens", body: body}, &out)
	return out, err
}

// RevokeToken ends a token of a team, or of the whole installation where team is empty.
func (c *Client) RevokeToken(ctx context.Context, team, name string) error {
	q := url.Values{}
	set(q, "team", team)
	_, err := c.call(ctx, request{method: http.MethodDelete, path: "/tokens/" + url.PathEscape(name), query: q}, nil)
	return err
}

// SplitTokenID reads "team/name", or "name" of the whole installation.
func SplitTokenID(id string) (team, name string) {
	if team, name, both := strings.Cut(id, "/"); both {
		return team, name
	}
	return "", id
}

// ChangeFilter selects changes.
type ChangeFilter struct {
	Page
	Function, Team, Author, Kind string
	Since                        string // a time, or a duration before now
}

// Changes lists the audit log, newest first.
func (c *Client) Changes(ctx context.Context, f ChangeFilter) (wire.List[wire.Change], error) {
	q := f.values()
	set(q, "function", f.Function)
	set(q, "team", f.Team)
	set(q, "author", f.Author)
	set(q, "kind", f.Kind)
	set(q, "since", f.Since)
	return get[wire.List[wire.Change]](ctx, c, "/changes", q)
}
