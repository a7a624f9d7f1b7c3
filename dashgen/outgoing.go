package dashgen

import "hadron/collector/metric"

// fetches is what the function asks of others: what is slow or failing there is
// slow or failing here.
func (b board) fetches() []Panel {
	failed := metric.CodeName + `=~"5xx|error|refused"`
	orNobody := func(expr string) string {
		return expr + " or on() label_replace(" + b.zero() + `, "` + metric.Host + `", "nobody", "", "")`
	}
	return []Panel{
		{
			ID: 70, Title: "Requests by host", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Requests a second that the function sends, by host. More of them without more invocations: a loop, a retry storm, or a cache that no longer holds.",
			Queries:     []Query{{Expr: orNobody("sum by (host) (" + rate(b.of(metric.Fetches)) + ")"), Legend: "{{host}}"}},
		},
		{
			ID: 71, Title: "Failed requests by host", Kind: Timeseries, Unit: PerSecond, Width: 8, Height: 8, Min: ptr(0.0), Stacked: true,
			Description: "Requests a second that were answered with 5xx, got no answer, or that the egress policy refused. One host only: it is down, tell its owner. All hosts: the network. refused after a deployment: fetch.allow lacks a host.",
			Queries:     []Query{{Expr: orNobody("sum by (host) (" + rate(b.of(metric.Fetches, failed)) + ")"), Legend: "{{host}}"}},
		},
		{
			ID: 72, Title: "Wait for a host (p95)", Kind: Timeseries, Unit: Seconds, Width: 8, Height: 8, Min: ptr(0.0),
			Description: "How long a host takes to the head of its response. Where it rises together with this function's latency, that host is the reason: give the call a deadline, and ask its owner.",
			Queries: []Query{{
				Expr:   "histogram_quantile(0.95, sum by (host) (" + rate(b.of(metric.FetchTime)) + ")) >= 0",
				Legend: "{{host}}",
			}},
		},
	}
}
