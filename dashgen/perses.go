package dashgen

import (
	"strconv"
	"strings"
)

// perses renders a dashboard as one of Perses. Patches are of Grafana's JSON and have
// no place in it.
func perses(d Dashboard, o RenderOptions) map[string]any {
	panels, layouts := map[string]any{}, []any{}
	for _, row := range d.Rows {
		var items []any
		x, y, tallest := 0, 0, 0
		for i := range row.Panels {
			p := &row.Panels[i]
			if x+p.Width > Columns {
				x, y, tallest = 0, y+tallest, 0
			}
			key := "panel-" + strconv.Itoa(p.ID)
			panels[key] = persesPanel(p)
			items = append(items, map[string]any{
				"x": x, "y": y, "width": p.Width, "height": p.Height, "content": map[string]any{"$ref": "#/spec/panels/" + key},
			})
			x, tallest = x+p.Width, max(tallest, p.Height)
		}
		layouts = append(layouts, map[string]any{
			"kind": "Grid",
			"spec": map[string]any{"display": map[string]any{"title": row.Title, "collapse": map[string]any{"open": true}}, "items": items},
		})
	}
	return map[string]any{
		"kind":     "Dashboard",
		"metadata": map[string]any{"name": d.UID, "project": o.Namespace},
		"spec": map[string]any{
			"display": map[string]any{"name": d.Title, "description": d.Description},
			"panels":  panels, "layouts": layouts, "variables": persesVariables(d.Variables),
			"duration": "6h", "refreshInterval": "30s",
		},
	}
}

// persesVariables leaves out the data source: Perses takes the default of its project.
func persesVariables(variables []Variable) []any {
	out := []any{}
	for _, v := range variables {
		if v.Kind == DatasourceVariable {
			continue
		}
		spec := map[string]any{
			"name": v.Name, "display": map[string]any{"name": v.Label, "description": v.Tooltip, "hidden": false},
			"allowAllValue": v.Multi, "allowMultiple": v.Multi,
		}
		if v.Multi {
			spec["customAllValue"], spec["defaultValue"] = ".+", "$__all"
		} else {
			spec["defaultValue"] = v.Default
		}
		if v.Kind == CustomVariable {
			spec["plugin"] = map[string]any{"kind": "StaticListVariable", "spec": map[string]any{"values": v.Options}}
		} else {
			// label_values(selector, label) in Perses's words.
			selector, label, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(v.Query, "label_values("), ")"), ", ")
			spec["plugin"] = map[string]any{
				"kind": "PrometheusLabelValuesVariable",
				"spec": map[string]any{"labelName": label, "matchers": []string{selector}},
			}
		}
		out = append(out, map[string]any{"kind": "ListVariable", "spec": spec})
	}
	return out
}

func persesPanel(p *Panel) map[string]any {
	kind, spec := persesPlugin(p)
	queries := []any{}
	for _, q := range p.Queries {
		legend := q.Legend
		if legend == everyLabel {
			legend = ""
		}
		queries = append(queries, map[string]any{
			"kind": "TimeSeriesQuery",
			"spec": map[string]any{"plugin": map[string]any{
				"kind": "PrometheusTimeSeriesQuery",
				"spec": map[string]any{"query": q.Expr, "seriesNameFormat": legend},
			}},
		})
	}
	return map[string]any{
		"kind": "Panel",
		"spec": map[string]any{
			"display": map[string]any{"name": p.Title, "description": p.Description},
			"plugin":  map[string]any{"kind": kind, "spec": spec}, "queries": queries,
		},
	}
}

func persesPlugin(p *Panel) (kind string, spec map[string]any) {
	format := persesFormat(p.Unit)
	switch p.Kind {
	case Stat:
		spec = map[string]any{"calculation": "last-number", "format": format}
		if len(p.Thresholds) > 0 {
			spec["thresholds"] = persesThresholds(p)
		}
		var mappings []any
		for _, w := range p.Words {
			mappings = append(mappings, map[string]any{
				"kind": "Value", "spec": map[string]any{"value": number(w.Value), "result": map[string]any{"value": w.Text, "color": persesColour(w.Level)}},
			})
		}
		if mappings != nil {
			spec["mappings"] = mappings
		}
		return "StatChart", spec
	case Bars:
		return "BarChart", map[string]any{"calculation": "last-number", "format": format, "sort": "desc"}
	case Table:
		return "TimeSeriesTable", map[string]any{}
	case Heatmap:
		return "HeatMapChart", map[string]any{"yAxisFormat": format}
	case Timeseries:
	}
	axis := map[string]any{"format": format}
	if p.Min != nil {
		axis["min"] = *p.Min
	}
	if p.Max != nil {
		axis["max"] = *p.Max
	}
	visual := map[string]any{"display": "line", "lineWidth": 1, "areaOpacity": 0.08, "connectNulls": true}
	if p.Stacked {
		visual["stack"] = "all"
	}
	spec = map[string]any{"legend": map[string]any{"position": "bottom", "mode": "table", "values": []string{"last", "max"}}, "yAxis": axis, "visual": visual}
	if len(p.Thresholds) > 0 {
		spec["thresholds"] = persesThresholds(p)
	}
	return "TimeSeriesChart", spec
}

func persesThresholds(p *Panel) map[string]any {
	var steps []any
	for _, t := range p.Thresholds {
		step := map[string]any{"value": t.Value, "color": persesColour(t.Level)}
		if t.Label != "" {
			step["name"] = t.Label
		}
		steps = append(steps, step)
	}
	base := p.Base
	if base == "" {
		base = Good
	}
	return map[string]any{"mode": "absolute", "defaultColor": persesColour(base), "steps": steps}
}

// persesColour: Perses knows no names.
func persesColour(l Level) string {
	switch l {
	case Good:
		return "#2e9e5b"
	case Warn:
		return "#e0862c"
	case Bad:
		return "#d43a3a"
	}
	return "#8a8f98"
}

func persesFormat(u Unit) map[string]any {
	switch u {
	case Ratio:
		return map[string]any{"unit": "percent-decimal"}
	case Seconds:
		return map[string]any{"unit": "seconds"}
	case PerSecond:
		return map[string]any{"unit": "requests/sec"}
	case Events:
		return map[string]any{"unit": "counts/sec"}
	case Bytes:
		return map[string]any{"unit": "bytes"}
	case Count, Burn: // Perses has no factor
	}
	return map[string]any{"unit": "decimal"}
}
