package dashgen

import (
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Records are the recording rules that dashboards of many functions are drawn from:
// one group, however many functions there are, evaluated every interval. Their
// windows are fixed: a rule has no $__rate_interval.
func Records(interval time.Duration) slo.Group {
	const (
		window   = "5m"
		function = metric.Team + ", " + metric.Project + ", " + metric.Function
		project  = metric.Team + ", " + metric.Project
	)
	sum := func(by, series string) string {
		return "sum by (" + by + ") (rate(" + series + "[" + window + "]))"
	}
	live := metric.Info + `{` + metric.AliasOf + `="` + liveAlias + `"}`
	return slo.Group{
		Name: "hadron-dashboards", Interval: interval,
		Records: []slo.Record{
			{Name: metric.FunctionRate, Expr: sum(function, metric.Invocations)},
			{Name: metric.FunctionErrors, Expr: sum(function, metric.Errors)},
			{Name: metric.FunctionCPU, Expr: sum(function, metric.CPU)},
			{Name: metric.ProjectErrors, Expr: sum(project+", "+metric.CodeName, metric.Errors)},
			{Name: metric.ProjectLatency, Expr: sum(project, metric.Duration)},
			{Name: metric.ProjectDeploys, Expr: "count by (" + project + ") (" + live + " unless " + live + " offset " + window + ")"},
		},
	}
}

const liveAlias = function.Live
