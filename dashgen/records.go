package dashgen

import (
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
)

// Records are the recording rules that dashboards of many functions are drawn from:
// as many however many functions there are, evaluated every interval; those that count
// budgets, which change every other minute, each minute at most. Their windows are
// fixed: a rule has no $__rate_interval.
func Records(interval time.Duration) []slo.Group {
	const (
		window   = "5m"
		function = metric.Team + ", " + metric.Project + ", " + metric.Function
		project  = metric.Team + ", " + metric.Project
	)
	sum := func(by, series string) string {
		return "sum by (" + by + ") (rate(" + series + "[" + window + "]))"
	}
	budgets := func(state, are string) slo.Record {
		return slo.Record{
			Name: metric.ProjectBudgets, Labels: []slo.Pair{{Name: metric.Budget, Value: state}},
			Expr: "count by (" + project + ") (" + slo.BudgetRecord + " " + are + ")",
		}
	}
	return []slo.Group{{
		Name: "hadron-dashboards", Interval: interval,
		Records: []slo.Record{
			{Name: metric.FunctionRate, Expr: sum(function, metric.Invocations)},
			{Name: metric.FunctionErrors, Expr: sum(function, metric.Errors)},
			{Name: metric.FunctionCPU, Expr: sum(function, metric.CPU)},
			{Name: metric.ProjectRate, Expr: sum(project, metric.Invocations)},
			{Name: metric.ProjectErrors, Expr: sum(project+", "+metric.CodeName, metric.Errors)},
			{Name: metric.ProjectLatency, Expr: sum(project, metric.Duration)},
			{Name: metric.ProjectDeploys, Expr: "count by (" + project + ") (group by (" + function + ") (" + deployed(metric.Deployments, window) + "))"},
		},
	}, {
		Name: "hadron-dashboards-budgets", Interval: max(interval, time.Minute),
		Records: []slo.Record{budgets(metric.BudgetSpent, "<= 0"), budgets(metric.BudgetLow, "< 0.25")},
	}}
}

// deployed is 1 for each version that live moved to in a window. Each node counts all moves: a
// node that comes or goes, or starts again, deploys nothing.
func deployed(deployments, window string) string {
	return "group by (" + eachFunction + ", " + metric.Version + ") (increase(" + deployments + "[" + window + "]) > 0)"
}
