package alerting

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"hadron/collector/metric"
	"hadron/runtime/invocation"
)

// mostExplained is how many functions that lose measurements are looked at closely, two
// queries each; of the others the count is told.
const mostExplained = 10

// The queries behind it, of one function: why measurements were not kept, and all the
// series that it counts itself.
const (
	whyDropped = "sum by (reason) (increase(%s{%s}[1h])) > 0"
	ownSeries  = `{__name__!~"(hadron|faas|go|process|promhttp|scrape|prometheus)_.*|ALERTS.*|.*:.*",%s}`
)

// droppedLost is the reason of series that others send in the function's name and that are
// not even counted under other.
const droppedLost = "lost"

// dropWords is what became of measurements, by reason.
var dropWords = map[string]string{
	invocation.DropSeries:  "were counted under other, for it has too many series",
	invocation.DropNames:   "were lost, for it counts under more names than it may",
	invocation.DropValue:   "were lost, for their value is no finite number, or less than 0 for a counter",
	invocation.DropInvalid: "were lost, for their name or labels are not allowed",
	droppedLost:            "were lost, for it has far too many series",
}

// explain says of functions that lose measurements why, and which metric and label
// have most of the series. What cannot be read is left out.
func (r *round) explain(ctx context.Context, list []Condition) {
	slices.SortFunc(list, func(a, b Condition) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Function, b.Function))
	})
	for i := range list[:min(len(list), mostExplained)] {
		c := &list[i]
		of := fmt.Sprintf("%s=%q,%s=%q,%s=%q", metric.Team, c.Function.Team(), metric.Project, c.Function.Project(), metric.Function, c.Function.Base())
		reasons, err := r.askNow(ctx, fmt.Sprintf(whyDropped, metric.Dropped, of))
		if err != nil || len(reasons) == 0 {
			continue
		}
		slices.SortFunc(reasons, func(a, b metric.Point) int {
			return cmp.Or(cmp.Compare(b.V, a.V), cmp.Compare(a.Labels.Get(metric.Reason), b.Labels.Get(metric.Reason)))
		})
		var parts []string
		tooMany := false
		for _, p := range reasons {
			reason := p.Labels.Get(metric.Reason)
			tooMany = tooMany || reason == invocation.DropSeries || reason == droppedLost
			if words := dropWords[reason]; words != "" {
				parts = append(parts, fmt.Sprintf("%.0f of the last hour %s", max(1, p.V), words))
			}
		}
		if tooMany {
			if own, err := r.askNow(ctx, fmt.Sprintf(ownSeries, of)); err == nil {
				parts = append(parts, mostSeries(own)...)
			}
		}
		if len(parts) > 0 {
			c.Reason = strings.Join(parts, "; ")
		}
	}
}

// mostSeries says which metric has most of the series, and which of its labels most values.
func mostSeries(points []metric.Point) []string {
	series := map[string]int{}
	values := map[string]map[string]map[string]bool{} // by metric and label
	for _, p := range points {
		name := p.Labels.Get(metric.Name)
		series[name]++
		if values[name] == nil {
			values[name] = map[string]map[string]bool{}
		}
		for _, l := range p.Labels {
			switch l.Name {
			case metric.Name, metric.Job, metric.Instance, metric.Team, metric.Project, metric.Function, metric.Version, "le", "quantile":
				continue
			}
			if values[name][l.Name] == nil {
				values[name][l.Name] = map[string]bool{}
			}
			values[name][l.Name][l.Value] = true
		}
	}
	worst, label := "", ""
	for name, n := range series {
		if n > series[worst] || n == series[worst] && name < worst {
			worst = name
		}
	}
	for name, of := range values[worst] {
		if len(of) > len(values[worst][label]) || len(of) == len(values[worst][label]) && name < label {
			label = name
		}
	}
	if label == "" {
		return nil
	}
	return []string{fmt.Sprintf("%s has %d of its series, most of them by the label %s with %d values", worst, series[worst], label, len(values[worst][label]))}
}
