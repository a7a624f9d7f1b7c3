package client

import (
	"context"
	"net/http"

	"hadron/ui/wire"
)

// Backtest replays a function's history through its alerts.
func (c *Client) Backtest(ctx context.Context, name string, body wire.AskBacktest) (wire.Backtest, error) {
	var out wire.Backtest
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "backtest"), body: body}, &out)
	return out, err
}

// SetObjectives registers the module of the live version with other objectives, and deploys it.
func (c *Client) SetObjectives(ctx context.Context, name string, body wire.SetObjectives) (wire.Registered, error) {
	var out wire.Registered
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "objectives"), body: body}, &out)
	return out, err
}
