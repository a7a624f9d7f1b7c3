package dashgen_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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
		if uid != d.UID || uid == dashgen.OverviewUID(installation, dashgen.FolderOf(name)) || uid == dashgen.PlatformUID(installation) {
			t.Fatalf("uid %q, of the dashboard %q", uid, d.UID)
		}
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

// TestPure: a dashboard depends on nothing but what it is drawn from, not even on
// the order in which a function's own metrics were found.
func TestPure(t *testing.T) {
	all := []dashgen.OwnMetric{
		{Name: "a_total", Kind: dashgen.OwnCounter}, {Name: "b", Kind: dashgen.OwnGauge}, {Name: "c", Kind: dashgen.OwnHistogram},
	}
	for i := range 20 {
		all = append(all, dashgen.OwnMetric{Name: fmt.Sprintf("m%d_total", i), Kind: dashgen.OwnCounter})
	}
	rapid.Check(t, func(t *rapid.T) {
		m := function.DefaultManifest()
		m.Description = rapid.String().Draw(t, "description")
		m.Owner = rapid.String().Draw(t, "owner")
		m.Limits.Timeout = function.Duration(rapid.IntRange(1, 1e6).Draw(t, "timeout")) * function.Duration(time.Millisecond)
		m.SLO.Latency = nil
		for range rapid.IntRange(0, 4).Draw(t, "latencies") {
			m.SLO.Latency = append(m.SLO.Latency, function.Latency{
				Quantile: rapid.Float64Range(0.01, 0.9999).Draw(t, "quantile"), Threshold: function.Duration(rapid.IntRange(1, 1e4).Draw(t, "ms")) * function.Duration(time.Millisecond),
			})
		}
		spec := dashgen.Spec{
			Function:     function.Function{Name: "shop/checkout/pay", Spec: m},
			Installation: rapid.String().Draw(t, "installation"), Interval: 15 * time.Second,
			Own: rapid.SliceOfDistinct(rapid.SampledFrom(all), func(m dashgen.OwnMetric) string { return m.Name }).Draw(t, "own"),
		}
		draw := func() string {
			text, err := dashgen.Grafana(dashgen.ForFunction(spec), dashgen.GrafanaOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		first := draw()
		spec.Own = rapid.Permutation(spec.Own).Draw(t, "found in another order")
		if draw() != first {
			t.Fatal("the same function gives different bytes")
		}
	})
}

// TestOwnMetricsKeepTheirPanels: links to the panel of one outlive others.
func TestOwnMetricsKeepTheirPanels(t *testing.T) {
	id := func(own ...string) int {
		spec := specs(t)["default"]
		for _, name := range own {
			spec.Own = append(spec.Own, dashgen.OwnMetric{Name: name, Kind: dashgen.OwnCounter})
		}
		rows := dashgen.ForFunction(spec).Rows
		for _, p := range rows[len(rows)-1].Panels {
			if p.Title == "orders_total" {
				return p.ID
			}
		}
		t.Fatal("the metric is not drawn")
		return 0
	}
	if id("orders_total") != id("a_total", "orders_total", "z_total") {
		t.Error("the panel's id depends on other metrics")
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
	for name, board := range boards(t) {
		var d struct {
			Panels []struct {
				ID      int
				Title   string
				Type    string
				GridPos struct{ X, Y, W, H int }
			}
		}
		if err := json.Unmarshal(render(t, board), &d); err != nil {
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
		if board.Function != "" && (!ids[1] || !ids[1000]) {
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
