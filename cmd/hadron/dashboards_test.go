package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hadron/dashgen"
	"hadron/runtime/project"
	"hadron/ui/wire"
)

// drawnNow runs a query as the built-in UI does and returns how many series there
// are, and their sum. A histogram counts as a series.
func drawnNow(p *process, query wire.DashboardQuery) (series int, sum float64) {
	p.t.Helper()
	expr := dashgen.Query{Expr: query.Expr}.At(map[string]string{
		"__rate_interval": "15s", "version": ".+", "instance": ".+", "window": "2m",
	})
	if strings.Contains(expr, "$") {
		p.t.Errorf("a variable is left in %s", expr)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value     [2]any
				Histogram []any
			}
		}
	}
	p.want(http.StatusOK, http.MethodGet, "/prometheus/api/v1/query?"+url.Values{"query": {expr}}.Encode(), nil, &answer)
	for _, r := range answer.Data.Result {
		var v float64
		if text, ok := r.Value[1].(string); ok {
			_, _ = fmt.Sscan(text, &v)
		}
		sum += v
	}
	return len(answer.Data.Result), sum
}

// mayBeEmpty says of a panel of a function that was called and has no errors, or did
// not do what the panel is about, that nothing is drawn: a latency of what never was.
// Budgets are recorded every two minutes, which is too long to wait for here.
var mayBeEmpty = []string{"Wait for a host (p95)", "Firing alerts", "New versions", "Worst functions", "Error-budget league"}

// TestExampleDashboardsDrawTheirTraffic: for each example under real traffic, every
// query of every panel runs on the embedded engine and shows what was sent.
func TestExampleDashboardsDrawTheirTraffic(t *testing.T) {
	p := startServer(t, t.TempDir(), "--dev")
	files, err := filepath.Glob("../../examples/*/hadron.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	var names []string
	for _, file := range files {
		dir := filepath.Dir(file)
		if _, err := os.Stat(filepath.Join(dir, "package.json")); err == nil {
			if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
				t.Logf("%s is left out: its packages are not installed, run make examples", dir)
				continue
			}
		}
		project, err := project.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		upload, err := project.Bundle(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+project.Manifest.Name+"/versions",
			wire.Register{Source: upload.Source, SourceMap: upload.SourceMap, Manifest: project.ManifestJSON}, nil)
		names = append(names, project.Manifest.Name)
	}
	// Calls come for a while, so that rates have something to look back at.
	sent := 0
	for began := time.Now(); time.Since(began) < 6*time.Second; sent++ {
		for _, name := range names {
			p.call(http.MethodGet, "/fn/"+name, nil)
		}
	}
	// They go on while the panels are looked at: the last minutes of a store are what panels show.
	var turn atomic.Uint32
	callers(t, func() string { return "/fn/" + names[int(turn.Add(1))%len(names)] }, func() *process { return p })
	for _, name := range names {
		base := name[strings.LastIndex(name, "/")+1:]
		eventually(t, "calls of "+name+" are in the store", 20*time.Second, func() (bool, string) {
			got, _ := p.query(fmt.Sprintf(`sum(faas_invocations_total{function=%q})`, base), time.Time{})
			return got >= float64(sent), sprint(got) // others' calls of it come on top
		})
		var model wire.DashboardModel
		p.want(http.StatusOK, http.MethodGet, "/api/v1/functions/"+name+"/dashboard", nil, &model)
		everyQueryDraws(p, name, model)
		// What the panels show is what was sent.
		calls, _ := p.query(fmt.Sprintf(`sum(faas_invocations_total{function=%q})`, base), time.Time{})
		for _, row := range model.Rows {
			for _, panel := range row.Panels {
				if panel.ID != 62 {
					continue
				}
				// A window that the function's whole life lies in: extrapolation adds at most a sample at each end.
				if _, shown := drawnNow(p, panel.Queries[0]); shown < 0.7*calls || shown > 1.5*calls {
					t.Errorf("%s: %s shows %v invocations of %v", name, panel.Title, shown, calls)
				}
			}
		}
	}
	eventually(t, "recording rules have run", 30*time.Second, func() (bool, string) {
		got, _ := p.query(`count(hadron_function:invocations:rate5m > 0)`, time.Time{})
		return got >= float64(len(names)), sprint(got)
	})
	for _, path := range []string{"dashboards/everything", "dashboards/platform", "teams/shop/dashboard", "teams/shop/projects/web/dashboard"} {
		var model wire.DashboardModel
		p.want(http.StatusOK, http.MethodGet, "/api/v1/"+path, nil, &model)
		everyQueryDraws(p, path, model)
	}

	var all wire.Dashboards
	eventually(t, "all files are ready", 20*time.Second, func() (bool, string) {
		p.want(http.StatusOK, http.MethodGet, "/api/v1/dashboards", nil, &all)
		return all.Ready == len(names) && all.Pending == 0, fmt.Sprintf("%+v", all)
	})
	extension := "rows:\n  - title: Extra\n    panels:\n      - {title: Calls, description: d, queries: [{expr: 'sum(rate(faas_invocations_total{$selector}[$__rate_interval]))'}]}\n"
	var preview wire.DashboardPreview
	p.want(http.StatusOK, http.MethodPost, "/api/v1/functions/"+names[0]+"/dashboard/preview", wire.PreviewDashboard{Extension: extension}, &preview)
	if len(preview.Added) != 2 || !json.Valid(preview.Grafana) {
		t.Errorf("the preview adds %v", preview.Added)
	}
	status, body := p.call(http.MethodPost, "/api/v1/functions/"+names[0]+"/dashboard/preview", wire.PreviewDashboard{Extension: strings.Replace(extension, "sum(rate", "sum((rate", 1)})
	if status != http.StatusUnprocessableEntity || !strings.Contains(string(body), "extension_invalid") {
		t.Errorf("an extension that is wrong: %d %s", status, body)
	}
}

func everyQueryDraws(p *process, name string, model wire.DashboardModel) {
	p.t.Helper()
	for _, row := range model.Rows {
		for _, panel := range row.Panels {
			for _, query := range panel.Queries {
				if slices.Contains(mayBeEmpty, panel.Title) {
					drawnNow(p, query) // it runs
					continue
				}
				eventually(p.t, name+": "+panel.Title+" draws "+query.Expr, 15*time.Second, func() (bool, string) {
					n, _ := drawnNow(p, query)
					return n > 0, "nothing"
				})
			}
		}
	}
}
