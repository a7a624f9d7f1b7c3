package app

import (
	"context"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// dashboard is the function's generated dashboard as the built-in UI draws it.
func (a *App) dashboard(ctx context.Context, f function.Function) (wire.DashboardModel, error) {
	return a.dashboardView(dashgen.ForFunction(a.drawnFrom(&f, a.ownMetrics(ctx, f.Name)))), nil
}

// drawnFrom is what a function's dashboard is drawn from, in Grafana, in files and here.
func (a *App) drawnFrom(f *function.Function, own []dashgen.OwnMetric) dashgen.Spec {
	return dashgen.Spec{
		Function: *f, Installation: a.operations.installation, ExternalURL: a.cfg.ExternalURL,
		ServiceURL: a.serviceURL(f.Name), Interval: a.cadence(), Own: own, Extensions: a.operations.extras.current(),
	}
}

func (a *App) dashboardView(d dashgen.Dashboard) wire.DashboardModel {
	out := wire.DashboardModel{
		UID: d.UID, Title: d.Title, Description: d.Description, Interval: a.cfg.Metrics.Interval.Seconds(), Window: dashgen.DefaultWindow,
		Rows: make([]wire.DashboardRow, len(d.Rows)), Links: []wire.DashboardLink{},
		Annotations: make([]wire.DashboardAnnotation, len(d.Annotations)),
	}
	for i, row := range d.Rows {
		out.Rows[i] = wire.DashboardRow{ID: row.ID, Title: row.Title, Panels: make([]wire.DashboardPanel, len(row.Panels))}
		for j := range row.Panels {
			out.Rows[i].Panels[j] = panelView(&row.Panels[j])
		}
	}
	for _, l := range d.Links {
		if !l.Grafana {
			out.Links = append(out.Links, wire.DashboardLink{Title: l.Title, URL: l.URL, Tooltip: l.Tooltip})
		}
	}
	for i, n := range d.Annotations {
		out.Annotations[i] = wire.DashboardAnnotation{Name: n.Name, Expr: n.Expr, Title: n.Title, Text: n.Text, Level: string(n.Level)}
	}
	return out
}

func panelView(p *dashgen.Panel) wire.DashboardPanel {
	out := wire.DashboardPanel{
		ID: p.ID, Title: p.Title, Description: p.Description, Kind: string(p.Kind), Unit: string(p.Unit), Base: string(p.Base),
		Min: p.Min, Max: p.Max, Decimals: p.Decimals, Stacked: p.Stacked, Width: p.Width, Height: p.Height,
		Queries: make([]wire.DashboardQuery, len(p.Queries)), Thresholds: thresholdViews(p.Thresholds),
	}
	for i, q := range p.Queries {
		out.Queries[i] = wire.DashboardQuery{RefID: q.RefID, Expr: q.Expr, Legend: q.Legend, Instant: q.Instant, Heatmap: q.Heatmap}
	}
	for _, w := range p.Words {
		out.Words = append(out.Words, wire.DashboardWord{Value: w.Value, Text: w.Text, Level: string(w.Level)})
	}
	for _, c := range p.Columns {
		out.Columns = append(out.Columns, wire.DashboardColumn{
			Title: c.Title, Label: c.Label, Query: c.Query, Unit: string(c.Unit), Thresholds: thresholdViews(c.Thresholds), Base: string(c.Base), URL: c.URL,
		})
	}
	return out
}

func thresholdViews(thresholds []dashgen.Threshold) []wire.DashboardThreshold {
	out := make([]wire.DashboardThreshold, len(thresholds))
	for i, t := range thresholds {
		out[i] = wire.DashboardThreshold{Value: t.Value, Level: string(t.Level), Label: t.Label}
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
