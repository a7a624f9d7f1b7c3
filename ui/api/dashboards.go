package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// Dashboards is what the API needs of all dashboards together.
type Dashboards interface {
	// Summary says how far they are.
	Summary(ctx context.Context) (wire.Dashboards, error)
	// Plan says what the next pass would do.
	Plan(ctx context.Context) (wire.DashboardPlan, error)
	// Apply has a pass begin now. Errors: those of Registry.Get for a function that is not there.
	Apply(ctx context.Context, how wire.ApplyDashboards) error
	// Overview draws the dashboard of everything (""), a team, a project or PlatformOverview.
	Overview(ctx context.Context, of string) (wire.DashboardModel, error)
	// Preview draws a function's dashboard with an extension; ErrExtension where it is wrong.
	Preview(ctx context.Context, f function.Function, extension string) (wire.DashboardPreview, error)
}

// PlatformOverview names the platform's dashboard: no team can be called so.
const PlatformOverview = "_platform"

// ErrDashboards is what Dashboards wraps where Grafana, or the files, cannot be looked at.
var ErrDashboards = errors.New("dashboards cannot be looked at")

// ErrExtension is what Preview wraps where the extension is wrong; its text says what.
var ErrExtension = errors.New("the extension is wrong")

const dashboardsPath = Prefix + "/dashboards"

func (a *api) addDashboards() {
	add(a, route{
		method: http.MethodGet, path: dashboardsPath, id: "getDashboards", tag: "operability",
		summary: "Get how far all dashboards are", detail: "And those that failed or were changed by hand; of functions that the caller may not see there are none.",
		action: access.Read, scope: ofEach,
	}, a.getDashboards)
	add(a, route{
		method: http.MethodGet, path: dashboardsPath + "/plan", id: "planDashboards", tag: "operability",
		summary: "Get what the next pass would do", detail: "Nothing is done. Of dashboards that this server has not read yet it reads the first.",
		action: access.Read, scope: ofSystem,
	}, func(ctx context.Context, _ *call, _ *empty) (*jsonOut[wire.DashboardPlan], error) {
		if err := available(a.cfg.Dashboards != nil); err != nil {
			return nil, err
		}
		plan, err := a.cfg.Dashboards.Plan(ctx)
		if err != nil {
			return nil, err
		}
		return ok(plan)
	})
	add(a, route{
		method: http.MethodPost, path: dashboardsPath + "/apply", id: "applyDashboards", tag: "operability",
		summary: "Begin a pass over all dashboards",
		detail:  "confirmDeletes lets it delete as many dashboards as it asked about; overwrite names functions whose changes by hand are no longer to be kept.",
		action:  access.Administer, scope: ofSystem, body: wire.ApplyDashboards{}, status: http.StatusAccepted,
	}, a.applyDashboards)
	overview := func(path, id, summary string, sc scope, of func(*call) string) {
		add(a, route{
			method: http.MethodGet, path: path, id: id, tag: "operability",
			summary: summary, detail: "The generated model that the built-in UI draws; Grafana gets the same one in its own form.",
			action: access.Read, scope: sc,
		}, func(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.DashboardModel], error) {
			if err := available(a.cfg.Dashboards != nil); err != nil {
				return nil, err
			}
			model, err := a.cfg.Dashboards.Overview(ctx, of(c))
			if err != nil {
				return nil, err
			}
			return ok(model)
		})
	}
	ofTheScope := func(c *call) string { return string(c.scope) }
	overview(dashboardsPath+"/everything", "getEverythingDashboard", "Get the dashboard of every function", ofSystem, func(*call) string { return "" })
	overview(dashboardsPath+"/platform", "getPlatformDashboard", "Get the dashboard of Hadron itself", ofSystem, func(*call) string { return PlatformOverview })
	overview(teamPath+"/dashboard", "getTeamDashboard", "Get the dashboard of a team's functions", ofScope, ofTheScope)
	overview(projectPath+"/dashboard", "getProjectDashboard", "Get the dashboard of a project's functions", ofScope, ofTheScope)
	add(a, route{
		method: http.MethodPost, path: functionPath + "/dashboard/preview", id: "previewDashboard", tag: "operability",
		summary: "Try an extension on a function's dashboard", detail: "Nothing is kept.",
		action: access.Read, scope: ofFunction, body: wire.PreviewDashboard{}, status: http.StatusOK,
	}, a.previewDashboard)
}

func (a *api) getDashboards(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Dashboards], error) {
	if err := available(a.cfg.Dashboards != nil); err != nil {
		return nil, err
	}
	all, err := a.cfg.Dashboards.Summary(ctx)
	if err != nil {
		return nil, err
	}
	if !access.CanIn(c.principal, access.Read, access.Everything) {
		// What is wrong, and what overviews are called, may name things of any team.
		all.Error, all.Problems = "", nil
		visible := []wire.DashboardState{}
		for _, item := range all.Items {
			if item.Function != "" && c.may(access.Read, function.Name(item.Function)) {
				visible = append(visible, item)
			}
		}
		all.Items = visible
	}
	return ok(all)
}

func (a *api) applyDashboards(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Dashboards], error) {
	if err := available(a.cfg.Dashboards != nil); err != nil {
		return nil, err
	}
	var how wire.ApplyDashboards
	if err := decode(c, smallBody, &how); err != nil {
		return nil, err
	}
	if err := a.cfg.Dashboards.Apply(ctx, how); err != nil {
		return nil, err
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "dashboards applied", slog.String("by", c.principal.Name),
		slog.Int("confirmed_deletes", how.ConfirmDeletes), slog.Int("overwritten", len(how.Overwrite)))
	all, err := a.cfg.Dashboards.Summary(ctx)
	if err != nil {
		return nil, err
	}
	return ok(all)
}

// previewBody bounds a preview's request.
const previewBody = 512 << 10

func (a *api) previewDashboard(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.DashboardPreview], error) {
	if err := available(a.cfg.Dashboards != nil); err != nil {
		return nil, err
	}
	var in wire.PreviewDashboard
	if err := decode(c, previewBody, &in); err != nil {
		return nil, err
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	out, err := a.cfg.Dashboards.Preview(ctx, fn, in.Extension)
	if err != nil {
		return nil, err
	}
	return ok(out)
}
