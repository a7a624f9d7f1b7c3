package client

import (
	"context"
	"net/http"

	"hadron/ui/wire"
)

// PagerServices gets how far all services at PagerDuty are.
func (c *Client) PagerServices(ctx context.Context) (wire.PagerServices, error) {
	return get[wire.PagerServices](ctx, c, "/pagerduty", nil)
}

// ApplyPagerServices has a pass over services at PagerDuty begin now.
func (c *Client) ApplyPagerServices(ctx context.Context, how wire.ApplyPagerServices) (wire.PagerServices, error) {
	var out wire.PagerServices
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/pagerduty/apply", body: how}, &out)
	return out, err
}
