// Package metric holds the words of Hadron's metrics: every series name, label,
// unit and bucket, and the plain types in which samples pass the metric store's
// door. It is a leaf: emitter, dashboards and alerts share it, so that none can
// name a series that another does not write.
package metric

import "time"

// The series of a function. Names are OpenTelemetry's FaaS names in Prometheus form.
const (
	Invocations = "faas_invocations_total"          // team project function version trigger
	Errors      = "faas_errors_total"               // … code
	Timeouts    = "faas_timeouts_total"             //
	NearTimeout = "hadron_near_timeouts_total"      // invocations that ended in time, but not by much
	ColdStarts  = "faas_coldstarts_total"           //
	Duration    = "faas_invoke_duration_seconds"    // native histogram
	Init        = "faas_init_duration_seconds"      // native histogram
	CPU         = "faas_cpu_usage_seconds_total"    // inside the VM, waits excluded
	InFlight    = "faas_in_flight"                  // gauge
	Events      = "hadron_slo_events_total"         // slo
	BadEvents   = "hadron_slo_bad_events_total"     // slo
	Objective   = "hadron_slo_objective"            // slo, window; the ratio, no version
	Threshold   = "hadron_slo_threshold_seconds"    // slo; latency objectives, no version
	Refused     = "hadron_refused_total"            // code; no version
	Info        = "hadron_version_info"             // 1 for each version an alias names; alias
	Deployments = "hadron_deployments_total"        // changes of what live sends where, by the version that gained
	Queue       = "hadron_queue_wait_seconds_total" // wait for a VM
	Concurrency = "hadron_concurrency_limit"        // gauge, no version
	Background  = "hadron_background_errors_total"  // work held by waitUntil that failed
	LimitHits   = "hadron_limit_hits_total"         // limit; invocations that ran into it
	Fetches     = "hadron_fetch_requests_total"     // outgoing requests; host code
	FetchTime   = "hadron_fetch_duration_seconds"   // to the response's head; native histogram; host
	Dropped     = "hadron_series_dropped_total"     // measurements of own metrics not kept as made; reason, no version
	TakenBack   = "hadron_function_rollout_failed"  // gauge: 1 while the last deployment, of this version, is one that failed
	Quarantined = "hadron_function_quarantined"     // gauge: 1 while the version is not run, since it ends its workers
)

// The rollups of a function's SLO counters: see docs/metrics.md. They are totals that
// no restart sets back, one sample at most each RollupEvery, while they rest one each
// RollupRest; so a total as of any moment is found within RollupReach before it.
const (
	RolledEvents    = "hadron_slo_events_total:5m"     // team project function slo created
	RolledBadEvents = "hadron_slo_bad_events_total:5m" // …

	RollupEvery = 5 * time.Minute
	RollupRest  = time.Hour
	RollupReach = 70 * time.Minute // RollupRest, and what a pass may be late
)

// IsRollup reports whether a series of that name is kept in the store of rollups.
func IsRollup(name string) bool { return name == RolledEvents || name == RolledBadEvents }

// The series that recording rules write for dashboards of many functions. Their
// windows are fixed, and their number of rules does not grow with functions.
const (
	FunctionRate   = "hadron_function:invocations:rate5m"            // team project function
	FunctionErrors = "hadron_function:errors:rate5m"                 // team project function
	FunctionCPU    = "hadron_function:cpu_seconds:rate5m"            // team project function
	ProjectRate    = "hadron_project:invocations:rate5m"             // team project
	ProjectErrors  = "hadron_project:errors:rate5m"                  // team project code
	ProjectLatency = "hadron_project:invoke_duration_seconds:rate5m" // team project; native histogram
	ProjectDeploys = "hadron_project:deployments:count5m"            // team project; functions of which live changed
	ProjectBudgets = "hadron_project:objectives:count"               // team project budget; objectives whose error budget is so
)

// The labels.
const (
	Name     = "__name__"
	Job      = "job"
	Instance = "instance"
	Team     = "team"
	Project  = "project"
	Function = "function"
	Version  = "version"
	Trigger  = "trigger"
	CodeName = "code"
	SLO      = "slo"
	AliasOf  = "alias"
	Budget   = "budget"   // of counted objectives: BudgetSpent or BudgetLow
	Limit    = "limit"    // a manifest's key under limits
	Host     = "host"     // of an outgoing request, or other
	Reason   = "reason"   // of what was dropped
	Created  = "created"  // of a rollup: Unix milliseconds of the function's registration
	TraceID  = "trace_id" // of an exemplar
	Window   = "window"   // of an objective: "30d"; of a burn rate: "1h"
)

// DroppedHelp is what Dropped means, for those who count it: a team's own where it has no function.
const DroppedHelp = "Series or measurements that were not kept as they were made, by function, or by team where others sent them."

// Values of the label budget; an objective that has spent its budget is both.
const (
	BudgetSpent = "spent"
	BudgetLow   = "low" // under a quarter is left
)

// JobValue is the label job on everything Hadron writes.
const JobValue = "hadron"
