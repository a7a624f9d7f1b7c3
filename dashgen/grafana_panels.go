package dashgen

import (
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// noSamples is shown where a query has no answer.
const noSamples = "no calls yet"

// connectedGap is how long a line bridges: a function called now and then is
// drawn as points that belong together.
const connectedGap = 3_600_000 // milliseconds

// panelOf renders a panel without its place.
func panelOf(p Panel) sdk.Panel {
	out := sdk.Panel{
		Type: panelType(p.Kind), Id: ptr(uint32(p.ID)),
		Title: &p.Title, Description: &p.Description,
		Datasource: source(), Targets: targetsOf(p.Queries),
	}
	for _, l := range p.Links {
		out.Links = append(out.Links, linkOf(l))
	}
	overrides := []sdk.DashboardFieldConfigSourceOverrides{}
	defaults := sdk.FieldConfig{
		Unit: grafanaUnit(p.Unit), Min: p.Min, Max: p.Max, NoValue: ptr(noSamples),
		Thresholds: stepsOf(p),
		Color:      &sdk.FieldColor{Mode: sdk.FieldColorModeIdPaletteClassic},
	}
	if p.Decimals != nil {
		defaults.Decimals = ptr(float64(*p.Decimals))
	}
	switch p.Kind {
	case Stat:
		defaults.Color.Mode = sdk.FieldColorModeIdThresholds
		defaults.Mappings = wordsOf(p.Words)
		out.Options = statOptions(p)
	case Heatmap:
		out.Options = heatmapOptions(p)
		defaults.Custom = heatmap.FieldConfig{
			HideFrom:          &common.HideSeriesConfig{},
			ScaleDistribution: &common.ScaleDistributionConfig{Type: common.ScaleDistributionLinear},
		}
	case Timeseries:
		out.Options = timeseriesOptions(p)
		defaults.Custom = timeseriesField(p)
	case Table:
		defaults.Color.Mode = sdk.FieldColorModeIdThresholds
		out.Options = tableOptions()
		out.Transformations = tableSteps(p)
		out.Targets = targetsOf(p.scaled())
		overrides = tableOverrides(p)
		defaults.Links = tableLinks(p)
	case Bars:
		if len(p.Thresholds) > 0 {
			defaults.Color.Mode = sdk.FieldColorModeIdThresholds
		}
		out.Options = barOptions()
	}
	out.FieldConfig = &sdk.FieldConfigSource{Defaults: defaults, Overrides: overrides}
	return out
}

// panelType is the name of the plugin that draws a kind.
func panelType(k Kind) string {
	if k == Bars {
		return "bargauge"
	}
	return string(k)
}

// grafanaUnit is the unit's id in Grafana, which has none for a factor.
func grafanaUnit(u Unit) *string {
	if u == Burn {
		return ptr("suffix:x")
	}
	return ptr(string(u))
}

func colour(l Level) string {
	switch l {
	case Good:
		return "green"
	case Warn:
		return "orange"
	case Bad:
		return "red"
	}
	return "text"
}

// stepsOf lists a panel's thresholds as Grafana wants them: the first without a value.
func stepsOf(p Panel) *sdk.ThresholdsConfig {
	base := p.Base
	if base == "" && len(p.Thresholds) > 0 {
		base = Good
	}
	steps := []sdk.Threshold{{Color: colour(base)}}
	sorted := slices.SortedStableFunc(slices.Values(p.Thresholds), func(a, b Threshold) int {
		switch {
		case a.Value < b.Value:
			return -1
		case a.Value > b.Value:
			return 1
		}
		return 0
	})
	for _, t := range sorted {
		steps = append(steps, sdk.Threshold{Value: ptr(t.Value), Color: colour(t.Level)})
	}
	return &sdk.ThresholdsConfig{Mode: sdk.ThresholdsModeAbsolute, Steps: steps}
}

func statOptions(p Panel) stat.Options {
	o := *stat.NewOptions()
	o.ReduceOptions = common.ReduceDataOptions{Values: ptr(false), Calcs: []string{"lastNotNull"}, Fields: ptr("")}
	o.Orientation = common.VizOrientationAuto
	o.TextMode = common.BigValueTextModeValue
	if len(p.Thresholds) > 0 {
		o.ColorMode = common.BigValueColorModeBackground
	}
	if p.Queries[0].Instant {
		o.GraphMode = common.BigValueGraphModeNone
	}
	return o
}

// wordsOf names the values of a panel whose values are states.
func wordsOf(words []Word) []sdk.ValueMapping {
	if len(words) == 0 {
		return nil
	}
	m := sdk.NewValueMap()
	for i, w := range words {
		m.Options[number(w.Value)] = sdk.ValueMappingResult{Text: &w.Text, Color: ptr(colour(w.Level)), Index: ptr(int32(i))}
	}
	return []sdk.ValueMapping{{ValueMap: m}}
}

func heatmapOptions(p Panel) heatmap.Options {
	o := *heatmap.NewOptions()
	o.Color.Mode = ptr(heatmap.HeatmapColorModeScheme)
	o.Color.Scale = ptr(heatmap.HeatmapColorScaleExponential)
	o.YAxis.Unit = grafanaUnit(p.Unit)
	o.YAxis.AxisPlacement = ptr(common.AxisPlacementLeft)
	o.RowsFrame = &heatmap.RowsHeatmapOptions{Layout: ptr(common.HeatmapCellLayoutAuto)}
	o.CellValues = &heatmap.CellValues{Unit: ptr(string(PerSecond))}
	o.Tooltip.Mode = common.TooltipDisplayModeSingle
	o.Tooltip.ShowColorScale = ptr(true)
	o.Tooltip.YHistogram = ptr(true)
	return o
}

func timeseriesOptions(p Panel) timeseries.Options {
	calcs := []string{"lastNotNull", "max"}
	if p.Unit == PerSecond || p.Unit == Seconds {
		calcs = []string{"mean", "max"}
	}
	return timeseries.Options{
		Legend: common.VizLegendOptions{
			DisplayMode: common.LegendDisplayModeTable, Placement: common.LegendPlacementBottom,
			ShowLegend: true, Calcs: calcs,
		},
		Tooltip: common.VizTooltipOptions{Mode: common.TooltipDisplayModeMulti, Sort: common.SortOrderDescending},
	}
}

func timeseriesField(p Panel) timeseries.FieldConfig {
	f := timeseries.FieldConfig{
		DrawStyle:         ptr(common.GraphDrawStyleLine),
		LineInterpolation: ptr(common.LineInterpolationLinear),
		LineWidth:         ptr(1.0),
		FillOpacity:       ptr(8.0),
		ShowPoints:        ptr(common.VisibilityModeAuto),
		PointSize:         ptr(4.0),
		SpanNulls:         &common.BoolOrFloat64{Float64: ptr(float64(connectedGap))},
		Stacking:          &common.StackingConfig{Mode: ptr(common.StackingModeNone), Group: ptr("A")},
		ThresholdsStyle:   &common.GraphThresholdsStyleConfig{Mode: common.GraphThresholdsStyleModeOff},
	}
	if p.Stacked {
		f.Stacking.Mode = ptr(common.StackingModeNormal)
		f.FillOpacity = ptr(30.0)
	}
	if len(p.Thresholds) > 0 {
		f.ThresholdsStyle.Mode = common.GraphThresholdsStyleModeDashed
		// A line that people agreed on is in sight also while all is well below it.
		highest := slices.MaxFunc(p.Thresholds, func(a, b Threshold) int {
			if a.Value < b.Value {
				return -1
			}
			return 1
		})
		if highest.Value > 0 && p.Max == nil {
			f.AxisSoftMax = ptr(highest.Value * 1.2)
		}
	}
	return f
}
