package dashgen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/collector/metric"
	"hadron/runtime/function"
)

func (b board) availability() float64 { return b.manifest.SLO.Objectives()[0].Ratio }

// allowed is the share of calls that may fail.
func (b board) allowed() float64 { return roundTo(1-b.availability(), 1e9) }

// quantile of latency, and what was promised of it.
type quantile struct {
	q          float64
	legend     string // p99
	thresholds []Threshold
}

// tail is the highest quantile of which something was promised, else p99.
func (b board) tail() quantile {
	out := quantile{q: 0.99, legend: "p99"}
	for i, l := range b.manifest.SLO.Latency {
		if i == 0 || l.Quantile > out.q {
			out = promised(l)
		}
	}
	return out
}

func promised(l function.Latency) quantile {
	legend := strings.TrimPrefix(l.Name(), "latency-")
	return quantile{l.Quantile, legend, []Threshold{{
		Value: time.Duration(l.Threshold).Seconds(), Level: Bad, Label: legend + " under " + l.Threshold.String(),
	}}}
}

// quantiles are those that everybody looks at and those that were promised, lowest first.
func (b board) quantiles() []quantile {
	out := []quantile{{q: 0.5, legend: "p50"}, {q: 0.95, legend: "p95"}, {q: 0.99, legend: "p99"}}
	for _, l := range b.manifest.SLO.Latency {
		p := promised(l)
		if i := slices.IndexFunc(out, func(q quantile) bool { return q.q == p.q }); i >= 0 {
			out[i] = p
		} else {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b quantile) int { return cmp.Compare(a.q, b.q) })
	return out
}

func (b board) traffic() []Panel {
	failed := b.orZero("sum(" + rate(b.of(metric.Errors)) + ")")
	return []Panel{
		{
			ID: 15, Title: "Rate by result", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Invocations a second that went well, that ended in an error, and requests that were refused before the function ran. Errors that grow with the traffic are a bug; errors without more traffic are a deployment or something it calls: see errors by code.",
			Queries: []Query{
				{Expr: "clamp_min(sum(" + rate(b.of(metric.Invocations)) + ") - (" + failed + "), 0)", Legend: "ok"},
				{Expr: failed, Legend: "error"},
				{Expr: b.orZero("sum(" + rate(b.all(metric.Refused)) + ")"), Legend: "refused"},
			},
		},
		{
			ID: 10, Title: "Rate by version", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Invocations a second of each version. A new colour is a deployment; a share that should not be there is a wrong alias: hadron alias shows and mends it.",
			Queries:     []Query{{Expr: "sum by (version) (" + rate(b.of(metric.Invocations)) + ")", Legend: "@{{version}}"}},
		},
		{
			ID: 11, Title: "Errors by code", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Errors a second: function_error is a throw, http_5xx an answer of 500 and more, timeout and memory_limit are limits, worker_lost is a dead worker. One code after a deployment: roll back.",
			Queries: []Query{{
				Expr:   b.orNone("sum by (code) (" + rate(b.of(metric.Errors)) + ")"),
				Legend: "{{code}}",
			}},
		},
		{
			ID: 12, Title: "Error ratio over time", Kind: Timeseries, Unit: Ratio, Width: 8, Height: 8, Min: ptr(0.0),
			Description: "Share of invocations that ended in an error, beside the share that the objective allows. Above the line the budget is spent faster than it comes back: look for the deployment mark before it, and roll back if there is one.",
			Queries:     []Query{{Expr: b.errorRatio(), Legend: "errors"}},
			Thresholds:  []Threshold{{Value: b.allowed(), Level: Bad, Label: "objective " + percent(b.availability())}},
		},
		{
			ID: 13, Title: "Refused before the function", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Requests that Hadron refused: overloaded is a concurrency limit, unauthorized and forbidden are callers' tokens. Many overloaded: raise limits.concurrency or make the function faster.",
			Queries: []Query{{
				Expr:   b.orNone("sum by (code) (" + rate(b.all(metric.Refused)) + ")"),
				Legend: "{{code}}",
			}},
		},
		{
			ID: 14, Title: "Failed background work", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0),
			Description: "Failures a second of work that waitUntil held after the answer. Callers do not see them and no objective counts them: read the logs before data is missed.",
			Queries:     []Query{{Expr: b.orZero("sum(" + rate(b.of(metric.Background)) + ")"), Legend: "failures"}},
		},
	}
}

func (b board) latency() []Panel {
	var queries []Query
	var thresholds []Threshold
	for _, q := range b.quantiles() {
		queries = append(queries, Query{Expr: b.quantile(q.q, ""), Legend: q.legend, Exemplar: true})
		thresholds = append(thresholds, q.thresholds...)
	}
	return []Panel{
		{
			ID: 20, Title: "Latency", Kind: Timeseries, Unit: Seconds, Width: 12, Height: 8, Min: ptr(0.0),
			Description: "How long invocations take, to the last byte, or to the head of a stream. The lines are the objectives. All quantiles up: something it calls is slow; only p99: look at cold starts and at large answers.",
			Queries:     queries, Thresholds: thresholds,
		},
		{
			ID: 21, Title: "Latency distribution", Kind: Heatmap, Unit: Seconds, Width: 12, Height: 8,
			Description: "Where invocations lie. Two bands are two kinds of requests; a band that splits after a deployment is a slow path that was added.",
			Queries:     []Query{{Expr: "sum(" + rate(b.of(metric.Duration)) + ")", Legend: "invocations", Heatmap: true}},
		},
	}
}

func (b board) saturation() []Panel {
	return []Panel{
		{
			ID: 50, Title: "In flight against limit", Kind: Timeseries, Unit: Count, Width: 8, Height: 8, Min: ptr(0.0),
			Description: "Invocations running now, on all nodes, and what limits.concurrency allows on them together. At the limit callers are refused with 429: find what they wait for before raising it.",
			Queries: []Query{
				{Expr: b.orZero("sum(" + b.of(metric.InFlight) + ")"), Legend: "in flight"},
				{Expr: "sum(" + b.all(metric.Concurrency) + ")", Legend: "limit"},
			},
		},
		{
			ID: 51, Title: "CPU", Kind: Timeseries, Unit: Seconds, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Seconds a second inside the VM, waits excluded; 1 is one core. A climb without more traffic: hadron profile shows where.",
			Queries:     []Query{{Expr: b.orZero("sum by (version) (" + rate(b.of(metric.CPU)) + ")"), Legend: "@{{version}}"}},
		},
		{
			ID: 52, Title: "Wait for a VM", Kind: Timeseries, Unit: Seconds, Width: 8, Height: 8, Min: ptr(0.0),
			Description: "Mean wait of an invocation before it runs. Above a few milliseconds the node is short of cores or the function of warm VMs.",
			Queries: []Query{{
				Expr:   b.share("sum("+rate(b.of(metric.Queue))+")", "sum("+rate(b.of(metric.Invocations))+")"),
				Legend: "wait",
			}},
		},
		{
			ID: 56, Title: "Time limit used", Kind: Timeseries, Unit: Ratio, Width: 8, Height: 8, Min: ptr(0.0),
			Description: fmt.Sprintf("The p99 of latency as a share of limits.timeout (%s). Near 100 %% calls are about to be cut off: make it faster, or say what callers can wait for and set the limit to that.", b.manifest.Limits.Timeout),
			Queries: []Query{{
				Expr:   "(" + b.quantile(0.99, "") + ") / " + number(time.Duration(b.manifest.Limits.Timeout).Seconds()),
				Legend: "p99 of the limit",
			}},
			Thresholds: []Threshold{{Value: 0.8, Level: Warn, Label: "80 %"}, {Value: 1, Level: Bad, Label: "limit"}},
		},
		{
			ID: 55, Title: "Timeouts", Kind: Timeseries, Unit: Ratio, Width: 8, Height: 8, Min: ptr(0.0),
			Description: fmt.Sprintf("Share of invocations that hit limits.timeout (%s). Look at what the function waits for; a longer limit only makes callers wait longer.", b.manifest.Limits.Timeout),
			Queries: []Query{{
				Expr:   b.share("("+b.orZero("sum("+rate(b.of(metric.Timeouts))+")")+")", "sum("+rate(b.of(metric.Invocations))+")"),
				Legend: "timeouts",
			}},
		},
		{
			ID: 57, Title: "Ended for memory", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Invocations a second that ended with memory_limit, or whose worker was lost. Any: something grows without bound, or limits.memory is below what one call needs. A version that keeps ending workers is quarantined until hadron release.",
			Queries: []Query{{
				Expr:   b.orNone("sum by (code) (" + rate(b.of(metric.Errors, metric.CodeName+`=~"memory_limit|worker_lost"`)) + ")"),
				Legend: "{{code}}",
			}},
		},
		{
			ID: 58, Title: "Limits hit", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Invocations a second that ran into one of the manifest's limits, whether or not it ended them. Find out why a call needs that much before raising the limit of that name.",
			Queries: []Query{{
				Expr:   "sum by (limit) (" + rate(b.of(metric.LimitHits)) + ") or on() label_replace(" + b.zero() + `, "` + metric.Limit + `", "none", "", "")`,
				Legend: "{{limit}}",
			}},
		},
		{
			ID: 53, Title: "Cold starts", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0),
			Description: "Invocations a second that had to make a VM. A burst after a deployment is normal; a steady share means that concurrency keeps changing.",
			Queries:     []Query{{Expr: b.orZero("sum(" + rate(b.of(metric.ColdStarts)) + ")"), Legend: "cold starts"}},
		},
		{
			ID: 54, Title: "Module start", Kind: Timeseries, Unit: Seconds, Width: 8, Height: 8, Min: ptr(0.0),
			Description: "How long evaluating the module took at the cold starts of the hour before, p99. Long: the bundle holds more than it needs.",
			Queries:     []Query{{Expr: b.orZero("(histogram_quantile(0.99, sum(rate(" + b.of(metric.Init) + "[1h]))) >= 0)"), Legend: "p99"}},
		},
	}
}

func (b board) versions() []Panel {
	bad := "sum by (version) (" + rate(b.of(metric.BadEvents, sloLabel("availability"))) + ")"
	all := "sum by (version) (" + rate(b.of(metric.Events, sloLabel("availability"))) + ")"
	tail := b.tail()
	return []Panel{
		b.versionTable(tail),
		{
			ID: 60, Title: "Error ratio by version", Kind: Timeseries, Unit: Ratio, Width: 12, Height: 8, Min: ptr(0.0),
			Description: "The same objective for each version at the same time. The new one above the old one: abort the rollout, or roll back.",
			Queries:     []Query{{Expr: b.share(bad, all), Legend: "@{{version}}"}},
			Thresholds:  []Threshold{{Value: b.allowed(), Level: Bad, Label: "objective"}},
		},
		{
			ID: 61, Title: tail.legend + " by version", Kind: Timeseries, Unit: Seconds, Width: 12, Height: 8, Min: ptr(0.0),
			Description: "The slow end of each version at the same time. The new one slower than the old one: abort the rollout, and compare profiles of the two.",
			Queries:     []Query{{Expr: b.quantile(tail.q, metric.Version), Legend: "@{{version}}"}},
			Thresholds:  tail.thresholds,
		},
	}
}

// versionTable sets canary and baseline side by side in numbers.
func (b board) versionTable(tail quantile) Panel {
	by := func(expr string) string { return "sum by (version) (" + expr + ")" }
	calls := by(lately(b.of(metric.Invocations)))
	bad := by(lately(b.of(metric.BadEvents, sloLabel("availability"))))
	all := by(lately(b.of(metric.Events, sloLabel("availability"))))
	row := func(expr string) Query { return Query{Expr: expr, Legend: "@{{version}}", Instant: true, Table: true} }
	return Panel{
		ID: 62, Title: "Versions side by side", Kind: Table, Unit: Count, Width: Columns, Height: 6,
		Description: "Each version's calls, errors, slow end and cost in the chosen window. During a rollout the new version stands beside the one it replaces: more errors, more time or more CPU a call on the new one's row is the reason to abort it. A version with few calls proves little.",
		Queries: []Query{
			row(calls),
			row(b.share(bad, all)),
			row("histogram_quantile(" + number(tail.q) + ", " + by("rate("+b.of(metric.Duration)+"["+windowVar+"])") + ") >= 0"),
			row(b.share(by(lately(b.of(metric.CPU))), calls)),
			row(by(lately(b.of(metric.ColdStarts))) + " or 0 * " + calls),
		},
		Columns: []Column{
			{Label: metric.Version, Title: "Version"},
			{Query: 0, Title: "Invocations", Unit: Count},
			{Query: 1, Title: "Error ratio", Unit: Ratio, Base: Good, Thresholds: []Threshold{{Value: b.allowed(), Level: Bad}}},
			{Query: 2, Title: tail.legend, Unit: Seconds, Base: Good, Thresholds: tail.thresholds},
			{Query: 3, Title: "CPU a call", Unit: Seconds},
			{Query: 4, Title: "Cold starts", Unit: Count},
		},
	}
}
