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
