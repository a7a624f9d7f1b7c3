package dashgen

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"hadron/collector/metric"
)

// OwnKind is what a metric that a function counts itself is.
type OwnKind string

// The kinds of functions' own metrics.
const (
	OwnCounter   OwnKind = "counter"
	OwnGauge     OwnKind = "gauge"
	OwnHistogram OwnKind = "histogram" // native
)

// OwnMetric is one that a function counts itself.
type OwnMetric struct {
	Name string
	Kind OwnKind
}

// mostOwn is how many of a function's own metrics are drawn, by name: more would
// bury what every function has.
const mostOwn = 12

// mostOwnLines is how many series one of those panels draws, the highest first.
const mostOwnLines = 10

// own draws what the function counts itself, as the store has it.
func (b board) own() []Panel {
	metrics := slices.SortedFunc(slices.Values(b.spec.Own), func(x, y OwnMetric) int { return cmp.Compare(x.Name, y.Name) })
	metrics = slices.CompactFunc(metrics, func(x, y OwnMetric) bool { return x.Name == y.Name })
	note := ""
	if more := len(metrics) - mostOwn; more > 0 {
		metrics = metrics[:mostOwn]
		note = fmt.Sprintf(" The function has %d more, which Explore shows.", more)
	}
	ids := map[int]bool{}
	var panels []Panel
	for _, m := range metrics {
		p := Panel{
			ID: ownID(m.Name, ids), Title: fit(m.Name, maxTitle), Kind: Timeseries, Width: 8, Height: 8,
			Description: "What the function counts itself as " + m.Name + ". A turn at a deployment mark is the new version's doing; what it should be, its author says." + note,
		}
		// Without what says whose and where it is, the function's own labels are left.
		without := fmt.Sprintf("without (%s) ", strings.Join([]string{
			metric.Job, metric.Instance, metric.Team, metric.Project, metric.Function, metric.Version,
		}, ", "))
		top := func(expr string) string { return fmt.Sprintf("topk(%d, %s)", mostOwnLines, expr) }
		switch m.Kind {
		case OwnCounter:
			p.Unit, p.Min = Events, ptr(0.0)
			p.Queries = []Query{{Expr: top("sum " + without + "(" + rate(b.of(m.Name)) + ")"), Legend: everyLabel}}
		case OwnHistogram:
			p.Unit = Count
			for _, q := range []quantile{{q: 0.5, legend: "p50"}, {q: 0.95, legend: "p95"}, {q: 0.99, legend: "p99"}} {
				p.Queries = append(p.Queries, Query{
					Expr: "histogram_quantile(" + number(q.q) + ", sum(" + rate(b.of(m.Name)) + ")) >= -Inf", Legend: q.legend,
				})
			}
		default:
			p.Unit = Count
			p.Queries = []Query{{Expr: top("max " + without + "(" + b.of(m.Name) + ")"), Legend: everyLabel}}
		}
		panels = append(panels, p)
	}
	return panels
}

// everyLabel is Grafana's legend of all labels that tell a panel's lines apart.
const everyLabel = "__auto"

// ownID gives a metric's panel an id of its name, so that it stays when others come.
func ownID(name string, taken map[int]bool) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	id := 1_000_000 + int(h.Sum32()%1_000_000_000)
	for taken[id] {
		id++
	}
	taken[id] = true
	return id
}
