package dashgen

import (
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
)

func tableOptions() table.Options {
	o := *table.NewOptions()
	o.Footer = nil // its reducer may not be null, and there is none
	return o
}

func barOptions() bargauge.Options {
	o := *bargauge.NewOptions()
	o.DisplayMode = common.BarGaugeDisplayModeBasic
	o.Orientation = common.VizOrientationHorizontal
	o.ReduceOptions = common.ReduceDataOptions{Values: ptr(false), Calcs: []string{"lastNotNull"}, Fields: ptr("")}
	o.Legend = common.VizLegendOptions{
		DisplayMode: common.LegendDisplayModeList, Placement: common.LegendPlacementBottom, Calcs: []string{},
	}
	return o
}

// field is what Grafana calls a column once the queries are merged: the label, or
// the value of a query.
func (p Panel) field(c Column) string {
	switch {
	case c.Label != "":
		return c.Label
	case len(p.Queries) == 1:
		return "Value"
	}
	return "Value #" + p.Queries[c.Query].RefID
}

// scale is what a table's column shows of a unit: Grafana's tables have one unit for
// all columns here, so each says its own in its title. An override could give it one,
// but Grafana's published schema knows no override whose value is a text.
func scale(u Unit) (times float64, title string) {
	switch u {
	case Ratio:
		return 100, " (%)"
	case Seconds:
		return 1000, " (ms)"
	case PerSecond, Events:
		return 1, " (/s)"
	case Burn:
		return 1, " (×)"
	case Count, Bytes:
	}
	return 1, ""
}

// headed is the title of a column with its unit.
func (c Column) headed() string {
	if c.Label != "" {
		return c.Title
	}
	_, unit := scale(c.Unit)
	return c.Title + unit
}

// scaled are a table's queries in the units of its columns' titles.
func (p Panel) scaled() []Query {
	out := slices.Clone(p.Queries)
	for _, c := range p.Columns {
		if times, _ := scale(c.Unit); c.Label == "" && times != 1 {
			out[c.Query].Expr = number(times) + " * (" + p.Queries[c.Query].Expr + ")"
		}
	}
	return out
}

// tableSteps make one row of what has the same labels, in the order of the columns,
// under their titles.
func tableSteps(p Panel) []sdk.DataTransformerConfig {
	order, names, hidden := map[string]any{}, map[string]any{}, map[string]any{"Time": true}
	for i, c := range p.Columns {
		order[p.field(c)], names[p.field(c)] = i, c.headed()
	}
	if !slices.ContainsFunc(p.Columns, func(c Column) bool { return c.Label == "" }) {
		hidden["Value"] = true // of a list of things that are, or are not
	}
	return []sdk.DataTransformerConfig{
		{Id: "merge", Options: map[string]any{}},
		{Id: "organize", Options: map[string]any{"excludeByName": hidden, "indexByName": order, "renameByName": names}},
	}
}

// tableOverrides colour the columns whose values were agreed on.
func tableOverrides(p Panel) []sdk.DashboardFieldConfigSourceOverrides {
	out := []sdk.DashboardFieldConfigSourceOverrides{}
	for _, c := range p.Columns {
		if len(c.Thresholds) == 0 {
			continue
		}
		times, _ := scale(c.Unit)
		levels := slices.Clone(c.Thresholds)
		for i := range levels {
			levels[i].Value *= times
		}
		out = append(out, sdk.DashboardFieldConfigSourceOverrides{
			Matcher: sdk.MatcherConfig{Id: "byNames", Options: map[string]any{"mode": "include", "names": []string{c.headed()}}},
			Properties: []sdk.DynamicConfigValue{
				{Id: "thresholds", Value: stepsOf(Panel{Base: c.Base, Thresholds: levels})},
				{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}},
			},
		})
	}
	return out
}

// tableLinks lead from a row to what it is about. Cells are named as they are called
// once their columns are renamed.
func tableLinks(p Panel) []sdk.DashboardLink {
	for _, c := range p.Columns {
		if c.URL == "" {
			continue
		}
		link := c.URL
		for _, other := range p.Columns {
			if other.Label != "" {
				link = strings.ReplaceAll(link, "{{"+other.Label+"}}", `${__data.fields["`+other.Title+`"]}`)
			}
		}
		return []sdk.DashboardLink{linkOf(Link{Title: "Open", URL: link, Tooltip: "Its live page"})}
	}
	return nil
}
