package app

import (
	"context"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// dashboard is the function's generated dashboard as the built-in UI draws it.
func (a *App) dashboard(_ context.Context, f function.Function) (wire.DashboardModel, error) {
	d := dashgen.ForFunction(dashgen.Spec{
		Function: f, Installation: a.operations.installation, ExternalURL: a.cfg.ExternalURL,
		ServiceURL: a.serviceURL(f.Name), Interval: a.cadence(),
	})
	out := wire.DashboardModel{
		UID: d.UID, Title: d.Title, Description: d.Description, Interval: a.cfg.Metrics.Interval.Seconds(),
		Rows: make([]wire.DashboardRow, len(d.Rows)), Links: make([]wire.DashboardLink, len(d.Links)),
		Annotations: make([]wire.DashboardAnnotation, len(d.Annotations)),
	}
	for i, row := range d.Rows {
		out.Rows[i] = wire.DashboardRow{ID: row.ID, Title: row.Title, Panels: make([]wire.DashboardPanel, len(row.Panels))}
		for j := range row.Panels {
			out.Rows[i].Panels[j] = panelView(&row.Panels[j])
		}
	}
	for i, l := range d.Links {
		out.Links[i] = wire.DashboardLink{Title: l.Title, URL: l.URL, Tooltip: l.Tooltip}
	}
	for i, n := range d.Annotations {
		out.Annotations[i] = wire.DashboardAnnotation{Name: n.Name, Expr: n.Expr, Title: n.Title, Text: n.Text, Level: string(n.Level)}
	}
	return out, nil
}

func panelView(p *dashgen.Panel) wire.DashboardPanel {
	out := wire.DashboardPanel{
		ID: p.ID, Title: p.Title, Description: p.Description, Kind: string(p.Kind), Unit: string(p.Unit), Base: string(p.Base),
		Min: p.Min, Max: p.Max, Decimals: p.Decimals, Stacked: p.Stacked, Width: p.Width, Height: p.Height,
		Queries: make([]wire.DashboardQuery, len(p.Queries)), Thresholds: make([]wire.DashboardThreshold, len(p.Thresholds)),
	}
	for i, q := range p.Queries {
		out.Queries[i] = wire.DashboardQuery{RefID: q.RefID, Expr: q.Expr, Legend: q.Legend, Instant: q.Instant, Heatmap: q.Heatmap}
	}
	for i, t := range p.Thresholds {
		out.Thresholds[i] = wire.DashboardThreshold{Value: t.Value, Level: string(t.Level), Label: t.Label}
	}
	return out
}

// serviceURL is the address of the function's PagerDuty service; empty without.
func (a *App) serviceURL(name function.Name) string {
	if a.operations.pager == nil {
		return ""
	}
	return a.operations.pager.Status(name).URL
}
