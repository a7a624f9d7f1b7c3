package dashgen_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"hadron/dashgen"
)

func parses(expr string) error {
	_, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	return err
}

const extension = `
team: shop
rows:
  - title: Business
    panels:
      - title: Orders
        description: Fewer than usual means that buyers fail; read the funnel.
        unit: cps
        queries:
          - expr: sum(rate(orders_total{$selector}[$__rate_interval]))
            legend: orders
        thresholds:
          - {value: 10, level: warn, label: many}
  - into: 1001
    panels:
      - {title: Carts, description: What to do., kind: stat, queries: [{expr: "sum(carts{$selector})"}]}
patch:
  refresh: 1m
  time: {from: now-1h}
panels:
  20:
    fieldConfig: {defaults: {custom: {lineWidth: 2}}}
`

func TestExtend(t *testing.T) {
	e, err := dashgen.ParseExtension("business.yaml", []byte(extension), parses)
	if err != nil {
		t.Fatal(err)
	}
	extensions := dashgen.NewExtensions([]dashgen.Extension{e})
	spec := specs(t)["default"]
	plain := dashgen.ForFunction(spec)
	spec.Extensions = extensions
	d := dashgen.ForFunction(spec)
	last := d.Rows[len(d.Rows)-1]
	if last.Title != "Business" || last.Panels[0].Queries[0].Expr != `sum(rate(orders_total{team="shop",project="checkout",function="pay"}[$__rate_interval]))` {
		t.Errorf("%+v", last)
	}
	if into := d.Rows[1].Panels; into[len(into)-1].Title != "Carts" || len(into) != len(plain.Rows[1].Panels)+1 {
		t.Errorf("%+v", into[len(into)-1])
	}
	var model struct {
		UID, Refresh string
		Time         struct{ From, To string }
		Panels       []struct {
			ID          int
			FieldConfig struct {
				Defaults struct {
					Custom struct{ LineWidth, FillOpacity int }
				}
			}
		}
	}
	if err := json.Unmarshal(render(t, d), &model); err != nil {
		t.Fatal(err)
	}
	if model.UID != plain.UID || model.Refresh != "1m" || model.Time.From != "now-1h" || model.Time.To != "now" {
		t.Errorf("%+v", model)
	}
	for _, p := range model.Panels {
		if c := p.FieldConfig.Defaults.Custom; p.ID == 20 && (c.LineWidth != 2 || c.FillOpacity != 8) {
			t.Errorf("%+v", c)
		}
	}
	// Another team's dashboard is as it was.
	other := specs(t)["full"]
	before := string(render(t, dashgen.ForFunction(other)))
	other.Extensions = extensions
	if string(render(t, dashgen.ForFunction(other))) != before {
		t.Error("another team's dashboard was changed")
	}
}

func TestExtensionRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"colour: red":          "colour",
		"rows: [{panels: []}]": "title",
		"rows: [{title: a, panels: [{title: x, queries: [{expr: up}]}]}]":                                                          "description",
		"rows: [{title: a, panels: [{title: x, description: y}]}]":                                                                 "queries",
		"rows: [{title: a, panels: [{title: x, description: y, kind: pie, queries: [{expr: up}]}]}]":                               "pie",
		"rows: [{title: a, panels: [{title: x, description: y, unit: furlongs, queries: [{expr: up}]}]}]":                          "furlongs",
		"rows: [{title: a, panels: [{title: x, description: y, width: 25, queries: [{expr: up}]}]}]":                               "width",
		"rows: [{title: a, panels: [{title: x, description: y, queries: [{expr: 'sum('}]}]}]":                                      "expr",
		"rows: [{title: a, panels: [{title: x, description: y, queries: [{expr: up}], thresholds: [{level: mauve}]}]}]":            "mauve",
		"rows: [{title: a, panels: [{title: x, description: y, queries: [{expr: up}], thresholds: [{value: .inf, level: bad}]}]}]": "number",
		"patch: {uid: mine}":                  "Hadron's own",
		"patch: {tags: []}":                   "Hadron's own",
		"panels: {20: {id: 7}}":               "cannot be patched",
		"rows: " + strings.Repeat("x", 1<<20): "longer",
	} {
		_, err := dashgen.ParseExtension("bad.yaml", []byte(text), parses)
		if !errors.Is(err, dashgen.ErrExtension) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "bad.yaml: ") {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	if _, err := dashgen.ParseExtension("empty.yaml", nil, parses); err != nil {
		t.Error(err)
	}
}
