package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"hadron/ui/wire"
)

// Rollouts lists deployments that move an alias step by step, of a function or of all
// where name is empty, newest first; with active only those that have not ended.
func (c *Client) Rollouts(ctx context.Context, name string, active bool, p Page) (wire.List[wire.Deployment], error) {
	path := "/deployments"
	if name != "" {
		path = of(name, "deployments")
	}
	q := p.values()
	q.Set("rollouts", "true")
	if active {
		q.Set("active", "true")
	}
	return get[wire.List[wire.Deployment]](ctx, c, path, q)
}

// Deploy begins a deployment of a version that is there. An answer without a rollout
// says that the alias points at the version already, or did at once.
func (c *Client) Deploy(ctx context.Context, name string, body wire.Deploy) (wire.Deployment, error) {
	var out wire.Deployment
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "deployments"), body: body}, &out)
	return out, err
}

// Deployment gets one with its events.
func (c *Client) Deployment(ctx context.Context, id int64) (wire.Deployment, error) {
	return get[wire.Deployment](ctx, c, deploymentPath(id), nil)
}

// Pause keeps a deployment at its step.
func (c *Client) Pause(ctx context.Context, id int64) (wire.Deployment, error) {
	return c.command(ctx, id, "pause", nil)
}

// Resume lets a paused deployment go on.
func (c *Client) Resume(ctx context.Context, id int64) (wire.Deployment, error) {
	return c.command(ctx, id, "resume", nil)
}

// Promote takes a deployment to its next step, or all the way.
func (c *Client) Promote(ctx context.Context, id int64, full bool) (wire.Deployment, error) {
	return c.command(ctx, id, "promote", wire.Promote{Full: full})
}

// Abort ends a deployment with its traffic back at the old version.
func (c *Client) Abort(ctx context.Context, id int64, reason string) (wire.Deployment, error) {
	return c.command(ctx, id, "abort", wire.Abort{Reason: reason})
}

func (c *Client) command(ctx context.Context, id int64, verb string, body any) (wire.Deployment, error) {
	var out wire.Deployment
	_, err := c.call(ctx, request{method: http.MethodPost, path: deploymentPath(id) + "/" + verb, body: body}, &out)
	return out, err
}

func deploymentPath(id int64) string { return "/deployments/" + strconv.FormatInt(id, 10) }

// Freeze gets a team's freeze.
func (c *Client) Freeze(ctx context.Context, team string) (wire.Freeze, error) {
	return get[wire.Freeze](ctx, c, freezePath(team), nil)
}

// PutFreeze freezes a team's deployments.
func (c *Client) PutFreeze(ctx context.Context, team string, body wire.PutFreeze) (wire.Freeze, error) {
	var out wire.Freeze
	_, err := c.call(ctx, request{method: http.MethodPut, path: freezePath(team), body: body}, &out)
	return out, err
}

// LiftFreeze ends a team's freeze.
func (c *Client) LiftFreeze(ctx context.Context, team string) (wire.Freeze, error) {
	var out wire.Freeze
	_, err := c.call(ctx, request{method: http.MethodDelete, path: freezePath(team)}, &out)
	return out, err
}

func freezePath(team string) string { return "/teams/" + url.PathEscape(team) + "/freeze" }
