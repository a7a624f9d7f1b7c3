package dashgen

import (
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
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
	live := func(offset string) string {
		return liveVersions(metric.Info+`{`+metric.AliasOf+`="`+liveAlias+`"}`, offset)
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
			{Name: metric.ProjectDeploys, Expr: "count by (" + project + ") (count by (" + function + ") (" + live("") + " unless " + live(" offset "+window) + "))"},
		},
	}, {
		Name: "hadron-dashboards-budgets", Interval: max(interval, time.Minute),
		Records: []slo.Record{budgets(metric.BudgetSpent, "<= 0"), budgets(metric.BudgetLow, "< 0.25")},
	}}
}

const liveAlias = function.Live

// liveVersions are the versions that an alias names, whatever nodes say so: a node that
// comes or goes deploys nothing.
func liveVersions(info, offset string) string {
	return "max by (" + eachFunction + ", " + metric.Version + ") (" + info + offset + ")"
}
