package client

import (
	"context"
	"net/http"
	"net/url"

	"hadron/ui/wire"
)

// Dashboards gets how far all dashboards are.
func (c *Client) Dashboards(ctx context.Context) (wire.Dashboards, error) {
	return get[wire.Dashboards](ctx, c, "/dashboards", nil)
}

// PlanDashboards gets what the next pass over dashboards would do.
func (c *Client) PlanDashboards(ctx context.Context) (wire.DashboardPlan, error) {
	return get[wire.DashboardPlan](ctx, c, "/dashboards/plan", nil)
}

// ApplyDashboards has a pass over dashboards begin now.
func (c *Client) ApplyDashboards(ctx context.Context, how wire.ApplyDashboards) (wire.Dashboards, error) {
	var out wire.Dashboards
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/dashboards/apply", body: how}, &out)
	return out, err
}

// Overview gets the dashboard of everything (empty), platform, a team or a project.
func (c *Client) Overview(ctx context.Context, of string) (wire.DashboardModel, error) {
	q := url.Values{}
	set(q, "of", of)
	return get[wire.DashboardModel](ctx, c, "/dashboards/overview", q)
}

// PreviewDashboard tries an extension on a function's dashboard.
func (c *Client) PreviewDashboard(ctx context.Context, p wire.PreviewDashboard) (wire.DashboardPreview, error) {
	var out wire.DashboardPreview
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/dashboards/preview", body: p}, &out)
	return out, err
}
