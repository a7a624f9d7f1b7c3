package client

import (
	"context"
	"net/http"

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

// PreviewDashboard tries an extension on a function's dashboard.
func (c *Client) PreviewDashboard(ctx context.Context, name string, p wire.PreviewDashboard) (wire.DashboardPreview, error) {
	var out wire.DashboardPreview
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "dashboard", "preview"), body: p}, &out)
	return out, err
}
