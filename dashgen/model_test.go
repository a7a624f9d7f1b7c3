package dashgen_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hadron/dashgen"
	"hadron/runtime/function"
)

func TestUID(t *testing.T) {
	fits := regexp.MustCompile(`^[a-zA-Z0-9_-]{1,40}$`)
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[a-z][a-z0-9-]{0,62}`)
		name := function.Name(part.Draw(t, "team") + "/" + part.Draw(t, "project") + "/" + part.Draw(t, "name"))
		installation := rapid.String().Draw(t, "installation")
		uid := dashgen.UID(installation, name)
		if !fits.MatchString(uid) || uid != dashgen.UID(installation, name) || uid == dashgen.UID(installation+"x", name) {
			t.Fatalf("uid %q", uid)
		}
		f := function.Function{Name: name, Spec: function.DefaultManifest()}
		d := dashgen.ForFunction(dashgen.Spec{Function: f, Installation: installation})
		if len(d.Title) > 189 {
			t.Fatalf("title of %d bytes", len(d.Title))
		}
		if !slices.Contains(d.Tags, dashgen.Marker(installation)) {
			t.Fatal("the marker is not among the tags")
		}
		for _, tag := range d.Tags {
			if len(tag) > 50 {
				t.Fatalf("tag of %d bytes: %s", len(tag), tag)
			}
		}
	})
	if a, b := dashgen.Marker(strings.Repeat("a", 60)), dashgen.Marker(strings.Repeat("a", 61)); a == b {
		t.Error("two installations share a marker")
	}
}

func TestAt(t *testing.T) {
	q := dashgen.Query{Expr: `rate(x{version=~"$version",v="$version_b"}[$__rate_interval])`}
	got := q.At(map[string]string{"version": "3", "version_b": "4", "__rate_interval": "1m"})
	if got != `rate(x{version=~"3",v="4"}[1m])` {
		t.Error(got)
	}
}

// TestLayout: ids are unique and in lines of 24 columns no panel covers another.
func TestLayout(t *testing.T) {
	for name, spec := range specs(t) {
		var d struct {
			Panels []struct {
				ID      int
				Title   string
				Type    string
				GridPos struct{ X, Y, W, H int }
			}
		}
		if err := json.Unmarshal(render(t, spec), &d); err != nil {
			t.Fatal(err)
		}
		ids := map[int]bool{}
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			if p.ID <= 0 || ids[p.ID] {
				t.Errorf("%s: id %d of %q", name, p.ID, p.Title)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok || x >= dashgen.Columns {
						t.Fatalf("%s: %q is drawn over %q", name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
		if !ids[1] || !ids[1000] {
			t.Errorf("%s: ids that links use are gone", name)
		}
	}
}

func TestRenderRefusals(t *testing.T) {
	for name, change := range map[string]func(*dashgen.Dashboard){
		"panel id 0":   func(d *dashgen.Dashboard) { d.Rows[0].Panels[0].ID = 0 },
		"id twice":     func(d *dashgen.Dashboard) { d.Rows[0].Panels[0].ID = 2 },
		"row's id":     func(d *dashgen.Dashboard) { d.Rows[1].ID = 1000 },
		"too wide":     func(d *dashgen.Dashboard) { d.Rows[0].Panels[0].Width = 25 },
		"no query":     func(d *dashgen.Dashboard) { d.Rows[0].Panels[0].Queries = nil },
		"no title":     func(d *dashgen.Dashboard) { d.Title = "" },
		"uid too long": func(d *dashgen.Dashboard) { d.UID = strings.Repeat("x", 41) },
	} {
		d := dashgen.ForFunction(specs(t)["default"])
		change(&d)
		if _, err := dashgen.Grafana(d, dashgen.GrafanaOptions{}); !errors.Is(err, dashgen.ErrRender) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLinter holds dashboards to the rules of Grafana's dashboard-linter that make
// sense for one function; docs/dashboards.md gives the reasons for the exceptions.
func TestLinter(t *testing.T) {
	text := string(render(t, specs(t)["default"]))
	for _, want := range []string{`"editable": false`, `"graphTooltip": 1`, `"timezone": "browser"`, `"name": "datasource"`, `"label": "Data source"`, `"refresh": 2`, `"allValue": ".+"`, `"exemplar": true`} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s", want)
		}
	}
	fixed := regexp.MustCompile(`\[\d`)
	for _, row := range dashgen.ForFunction(specs(t)["default"]).Rows {
		for _, p := range row.Panels {
			for _, q := range p.Queries {
				objective := strings.Contains(row.Title, "Objectives") || strings.Contains(p.Title, "Budget") || p.Title == "Module start"
				if fixed.MatchString(q.Expr) != objective {
					t.Errorf("panel %q: a window that is fixed, or should be: %s", p.Title, q.Expr)
				}
			}
		}
	}
}
