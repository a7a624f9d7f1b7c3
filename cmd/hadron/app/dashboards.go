package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/dashgen"
	"hadron/dashgen/grafana"
	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// dashboardDesk is what the API asks of all dashboards together.
type dashboardDesk struct{ *App }

var _ api.Dashboards = dashboardDesk{}

// mostDashboardItems bounds how many dashboards a summary tells of one by one.
const mostDashboardItems = 500

// Summary implements api.Dashboards.
func (d dashboardDesk) Summary(context.Context) (wire.Dashboards, error) {
	g := d.operations.dashboards.Progress()
	out := wire.Dashboards{
		Target: d.operations.dashboards.Name(), Installation: d.operations.installation, Interval: d.cadence().Seconds(), Policy: d.cfg.Grafana.Drift,
		Total: g.Total, Ready: g.Ready, Pending: g.Pending, Failed: g.Failed, Drifted: g.Drifted, Held: g.Held,
		Running: g.Running, Error: g.Error, Problems: d.operations.extras.wrong(), Items: []wire.DashboardState{},
	}
	if out.Target == grafana.TargetFiles {
		out.Policy = string(grafana.Overwrite)
	}
	if !g.LastPass.IsZero() {
		out.LastPass = &g.LastPass
	}
	noteworthy := d.operations.dashboards.Noteworthy()
	for _, s := range noteworthy[:min(mostDashboardItems, len(noteworthy))] {
		out.Items = append(out.Items, wire.DashboardState{
			Function: string(s.Name), Title: s.Title, UID: s.UID, URL: s.URL, State: wire.State(s.State), Error: s.Error, Drift: driftView(s),
		})
	}
	return out, nil
}

func driftView(s grafana.Status) *wire.DashboardDrift {
	if s.Drift == nil {
		return nil
	}
	return &wire.DashboardDrift{
		At: s.Drift.At, Version: int64(s.Drift.Version), Policy: string(s.Drift.Policy), By: s.Drift.By, CopyURL: s.Copy,
	}
}

// planTimeout bounds one look at what a pass would do.
const planTimeout = 30 * time.Second

// Plan implements api.Dashboards.
func (d dashboardDesk) Plan(ctx context.Context) (wire.DashboardPlan, error) {
	ctx, cancel := context.WithTimeout(ctx, planTimeout)
	defer cancel()
	want, err := d.everyFunction(ctx)
	if err != nil {
		return wire.DashboardPlan{}, err
	}
	plan, err := d.operations.dashboards.Plan(ctx, want)
	if err != nil {
		return wire.DashboardPlan{}, fmt.Errorf("%w: %w", api.ErrDashboards, err)
	}
	out := wire.DashboardPlan{Actions: make([]wire.DashboardAction, len(plan.Actions)), Unchanged: plan.Unchanged, Held: plan.Held, Unread: plan.Unread}
	for i, a := range plan.Actions {
		out.Actions[i] = wire.DashboardAction{Do: a.Do, What: a.What, UID: a.UID, Title: a.Title, Why: a.Why}
	}
	return out, nil
}

// Apply implements api.Dashboards.
func (d dashboardDesk) Apply(ctx context.Context, how wire.ApplyDashboards) error {
	names := make([]function.Name, len(how.Overwrite))
	for i, text := range how.Overwrite {
		name, err := function.ParseName(text)
		if err != nil {
			return err
		}
		if _, err := d.parts.registry.Get(ctx, name); err != nil {
			return err
		}
		names[i] = name
	}
	for _, name := range names {
		d.operations.dashboards.Restore(name)
	}
	if how.ConfirmDeletes > 0 {
		d.operations.dashboards.Confirm(how.ConfirmDeletes)
	}
	d.operations.dashboardLoop.Nudge()
	return nil
}

// Overview implements api.Dashboards.
func (d dashboardDesk) Overview(_ context.Context, of string) (wire.DashboardModel, error) {
	place := dashgen.Place{Installation: d.operations.installation, ExternalURL: d.cfg.ExternalURL}
	if of == api.PlatformOverview {
		return d.dashboardView(dashgen.ForPlatform(place)), nil
	}
	return d.dashboardView(dashgen.ForFolder(place, dashgen.Folder(of))), nil
}

// Preview implements api.Dashboards.
func (d dashboardDesk) Preview(ctx context.Context, f function.Function, text string) (wire.DashboardPreview, error) {
	extension, err := dashgen.ParseExtension("extension", []byte(text), d.checkExpr)
	if err != nil {
		return wire.DashboardPreview{}, fmt.Errorf("%w: %w", api.ErrExtension, err)
	}
	spec := d.drawnFrom(&f, d.ownMetrics(ctx, f.Name))
	spec.Extensions = dashgen.Extensions{}
	plain := dashgen.ForFunction(spec)
	spec.Extensions = dashgen.NewExtensions([]dashgen.Extension{extension})
	drawn := dashgen.ForFunction(spec)
	text2, err := dashgen.Grafana(drawn, dashgen.GrafanaOptions{})
	if err != nil {
		return wire.DashboardPreview{}, fmt.Errorf("%w: %w", api.ErrExtension, err)
	}
	return wire.DashboardPreview{Added: added(plain, drawn), Model: d.dashboardView(drawn), Grafana: text2}, nil
}

// added says in words what an extension does to a dashboard.
func added(plain, drawn dashgen.Dashboard) []string {
	known := map[int]bool{}
	for _, row := range plain.Rows {
		known[row.ID] = true
		for _, p := range row.Panels {
			known[p.ID] = true
		}
	}
	out := []string{}
	for _, row := range drawn.Rows {
		if !known[row.ID] {
			out = append(out, fmt.Sprintf("row %q", row.Title))
		}
		for _, p := range row.Panels {
			if !known[p.ID] {
				out = append(out, fmt.Sprintf("panel %q in row %q", p.Title, row.Title))
			}
		}
	}
	for _, patch := range drawn.Patches {
		for key := range patch.Dashboard {
			out = append(out, "patch of "+key)
		}
		for id := range patch.Panels {
			out = append(out, fmt.Sprintf("patch of panel %d", id))
		}
	}
	return out
}

// checkExpr says whether a text is PromQL.
func (a *App) checkExpr(expr string) error {
	_, err := a.parts.metrics.Parser().ParseExpr(expr)
	return err
}

// dashboardStates counts dashboards by state, for the platform's own dashboard.
type dashboardStates struct{ a *App }

var dashboardsDesc = prometheus.NewDesc(dashgen.DashboardStates, "Dashboards by state; drifted ones were changed by hand, and are ready or not beside that.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (dashboardStates) Describe(ch chan<- *prometheus.Desc) { ch <- dashboardsDesc }

// Collect implements prometheus.Collector.
func (s dashboardStates) Collect(ch chan<- prometheus.Metric) {
	if s.a.operations.dashboards == nil {
		return
	}
	g := s.a.operations.dashboards.Progress()
	for state, n := range map[string]int{"ready": g.Ready, "pending": g.Pending, "failed": g.Failed, "drifted": g.Drifted} {
		ch <- prometheus.MustNewConstMetric(dashboardsDesc, prometheus.GaugeValue, float64(n), state)
	}
}
