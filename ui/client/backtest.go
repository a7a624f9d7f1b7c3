package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"hadron/ui/wire"
)

// Backtest replays a function's history through its alerts, with the objectives of a
// version where that is not 0.
func (c *Client) Backtest(ctx context.Context, name string, version int, body wire.AskBacktest) (wire.Backtest, error) {
	var out wire.Backtest
	query := url.Values{}
	if version > 0 {
		query.Set("version", strconv.Itoa(version))
	}
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "backtest"), query: query, body: body}, &out)
	return out, err
}

// SetObjectives registers the module of the live version with other objectives, and deploys it.
func (c *Client) SetObjectives(ctx context.Context, name string, body wire.SetObjectives) (wire.Registered, error) {
	var out wire.Registered
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "objectives"), body: body}, &out)
	return out, err
}
