package slo

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"hadron/runtime/function"
)

// The series that symptoms are seen in, and their labels; a test holds them to
// collector/metric.
const (
	invocations   = "faas_invocations_total"
	failures      = "faas_errors_total"
	timeouts      = "faas_timeouts_total"
	nearTimeouts  = "hadron_near_timeouts_total"
	coldStarts    = "faas_coldstarts_total"
	inFlight      = "faas_in_flight"
	concurrency   = "hadron_concurrency_limit"
	dropped       = "hadron_series_dropped_total"
	quarantined   = "hadron_function_quarantined"
	rolloutFailed = "hadron_function_rollout_failed"
	byFunction    = "by (team, project, function)"
)

// Symptom is something that is wrong with a function and that no budget shows. Each is a
// ticket: where users feel it, an objective pages, and one cause is to wake somebody once.
type Symptom struct {
	Kind  string // in the place of an objective's name: "timeouts"
	Alert string // "FunctionTimeouts"
	Title string // "…runs into its timeout"
	Over  string // why it ended
	Felt  string // what users feel
	Do    string // what to do, with the function's name for %s
	// Calm is for how long it must be gone before it ends.
	Calm time.Duration
	// Known says that the platform knows of it without asking for Expr.
	Known bool
	// Ended, where it is not empty, is PromQL for the functions of which it is over: until
	// then, and at most MaxHeld, it holds on whatever Expr says.
	Ended string

	reach time.Duration // how far back expr looks
	expr  func(of scope, count counting) string
	// suspects is the part of expr that rules most functions out.
	suspects func(of scope, count counting) string
}

// counting is PromQL for a count of calls over an hour, that many days ago, by function.
type counting func(of scope, days int) string

// MaxHeld is how long a symptom whose end is not seen holds at most: what has been so for
// a week is usual.
const MaxHeld = 7 * 24 * time.Hour

const calm = 15 * time.Minute

// The kinds of symptoms.
const (
	Quarantine  = "quarantine"  // a version is not run, since it ends its workers
	Rollout     = "rollout"     // its last deployment was taken back
	WorkerKills = "workers"     // its calls are lost with their workers, or run out of memory
	TimeoutsUp  = "timeouts"    // its calls run into their timeout
	NearTimeout = "neartimeout" // they end just before it
	ColdStarts  = "coldstarts"  // many of its calls wait for a VM to be made
	Saturation  = "saturation"  // it runs at its limit of concurrency
	LabelBudget = "labelbudget" // measurements of its own metrics are dropped
	Traffic     = "traffic"     // the calls that it always has do not come
)

// Symptoms lists all of them.
func Symptoms() []Symptom {
	out := []Symptom{
		{
			Kind: Quarantine, Alert: "FunctionQuarantined", Title: "is quarantined", Known: true,
			Over: "the version was released, or survived its trial",
			Felt: "calls of that version are answered with an error until it is released or its next trial ends well",
			Do:   "roll back, or mend it and deploy; hadron release %s@<version> lets that version run again",
			expr: told(quarantined),
		},
		{
			Kind: Rollout, Alert: "FunctionRolloutFailed", Title: "could not be deployed", Known: true,
			Over: "another deployment was begun, its alias was pointed elsewhere, or a day passed",
			Felt: "those calls that the new version had before it was taken back; the old one has them all again",
			Do:   "look at the verdict: hadron rollouts %s; mend it, then deploy again",
			expr: told(rolloutFailed),
		},
		{
			Kind: WorkerKills, Alert: "FunctionWorkersLost", Title: "loses its workers",
			Over: "no call was lost with its worker for a while",
			Felt: "calls that are answered with worker_lost or memory_limit",
			Do:   "look at hadron logs %s --level error; let one call hold less in memory, or raise limits.memory in hadron.yaml",
			expr: grown(failures, 5, `code=~"worker_lost|memory_limit"`),
		},
		{
			Kind: TimeoutsUp, Alert: "FunctionTimeouts", Title: "runs into its timeout",
			Over: "calls end in time again",
			Felt: "calls that are answered with timeout after they have waited all of it",
			Do:   "see what calls wait for, with hadron traces %[1]s, and what they compute, with hadron profile %[1]s; mend that, or raise limits.timeout in hadron.yaml",
			expr: share(timeouts, 0.01, 5), suspects: grown(timeouts, 5),
		},
		{
			Kind: NearTimeout, Alert: "FunctionNearTimeout", Title: "comes close to its timeout",
			Over: "calls end well before their timeout again",
			Felt: "calls that are slow; a little slower, and they are answered with timeout",
			Do:   "see what calls wait for, with hadron traces %[1]s, and what they compute, with hadron profile %[1]s; mend that, or raise limits.timeout in hadron.yaml",
			expr: share(nearTimeouts, 0.01, 10), suspects: grown(nearTimeouts, 10),
		},
		{
			Kind: ColdStarts, Alert: "FunctionColdStarts", Title: "starts cold too often",
			Over: "calls find a warm VM again",
			Felt: "calls that wait while a VM is made and the module evaluated in it",
			Do:   "do less at the top level of the module of %s; isolation: request in hadron.yaml makes a VM for each call, and traffic split between versions makes more of them",
			expr: share(coldStarts, 0.2, 50), suspects: grown(coldStarts, 50),
		},
		{
			Kind: Saturation, Alert: "FunctionSaturated", Title: "runs at its limit of concurrency",
			Over: "it is below its limit again",
			Felt: "calls that wait for their turn, then 429 overloaded",
			Do:   "see what makes calls long, with hadron traces %s; make them shorter, or raise limits.concurrency in hadron.yaml",
			expr: func(of scope, _ counting) string {
				return fmt.Sprintf("sum %[1]s (avg_over_time(%[2]s[15m])) / max %[1]s (%[3]s) > 0.9", byFunction, of.series(inFlight), of.series(concurrency))
			},
			reach: 15 * time.Minute,
		},
		{
			Kind: LabelBudget, Alert: "FunctionLabelBudget", Title: "loses measurements of its own metrics",
			Over: "all that it measured was kept for a while",
			Felt: "nothing; charts and alerts on its own metrics lack what was not kept",
			Do:   "in the code of %s, give that label few values, no ids and no paths, or leave it out; a version that is deployed counts anew",
			expr: grown(dropped, 1),
		},
		{
			Kind: Traffic, Alert: "FunctionTrafficStopped", Title: "does not get the calls it always has",
			Over: "calls come again, or none came for a week, which is usual then",
			Felt: "whatever should call it does not, or does not get through",
			Do:   "look at what calls %s, and at what changed there and on the way",
			expr: stopped, suspects: fallen, reach: (3*7*24 + 1) * time.Hour,
			Ended: fmt.Sprintf("sum %s (increase(%s[30m])) >= %s", byFunction, invocations, number(MinBad-CountSlack)),
		},
	}
	for i := range out {
		s := &out[i]
		switch {
		case s.Known:
			s.reach = 5 * time.Minute
		default:
			s.Calm, s.reach = calm, cmp.Or(s.reach, time.Hour)
		}
	}
	return out
}

// told is the functions of which the platform says so.
func told(gauge string) func(scope, counting) string {
	return func(of scope, _ counting) string { return fmt.Sprintf("max %s (%s) > 0", byFunction, of.series(gauge)) }
}

// grown is those of which so many were counted in an hour.
func grown(counter string, least int, matchers ...string) func(scope, counting) string {
	return func(of scope, _ counting) string {
		return fmt.Sprintf("%s >= %d", of.hour(counter, matchers...), least)
	}
}

// share is those of whose calls in an hour more than a share were counted, and so many.
func share(part string, above float64, least int) func(scope, counting) string {
	return func(of scope, count counting) string {
		return fmt.Sprintf("%s / %s > %s and %s", of.hour(part), of.hour(invocations), number(above), grown(part, least)(of, count))
	}
}

// Guards of Traffic: what is usual is at least so many calls in the hour, and what is left
// of them at most this share.
const (
	UsualCalls = 50
	LeftCalls  = 0.05
)

// stopped is functions that get hardly any of the calls that they had at the same hour of
// each of the last three days and of the same day last week, if they were there then; or
// of the same hour of the same day in each of the last three weeks. Whoever is called now
// and then, or not on this day of the week, has no usual traffic in this sense.
func stopped(of scope, count counting) string {
	return strings.Join([]string{
		"(", left(of, count, 1), "and", usual(of, count, 2), "and", usual(of, count, 3), "unless", fmt.Sprintf("(%s < %d)", count(of, 7), UsualCalls), ")",
		"or", "(", left(of, count, 7), "and", usual(of, count, 14), "and", usual(of, count, 21), ")",
	}, "\n")
}

// fallen is those of stopped, and those for which it was not usual.
func fallen(of scope, count counting) string {
	return left(of, count, 1) + "\nor\n" + left(of, count, 7)
}

func usual(of scope, count counting, days int) string {
	return fmt.Sprintf("(%s >= %d)", count(of, days), UsualCalls)
}

func left(of scope, count counting, days int) string {
	return fmt.Sprintf("%s <= %s * %s", count(of, 0), number(LeftCalls), usual(of, count, days))
}

// rawCalls counts calls by the raw samples, rolledCalls by the rollups of the availability
// objective, whose events are all invocations: two samples an hour instead of all.
func rawCalls(of scope, days int) string {
	return fmt.Sprintf("sum %s (increase(%s[1h]%s))", byFunction, of.series(invocations), ago(days, 0))
}

func rolledCalls(of scope, days int) string {
	total := func(hours int) string {
		return fmt.Sprintf("last_over_time(%s[%s]%s)", of.series(events+rolledSuffix, `slo="availability"`), rangeOf(rolledReach), ago(days, hours))
	}
	return fmt.Sprintf("sum %s (%s - %s)", byFunction, total(0), total(1))
}

func ago(days, hours int) string {
	if d := time.Duration(24*days+hours) * time.Hour; d > 0 {
		return " offset " + rangeOf(d)
	}
	return ""
}

// hour is how much a counter grew in an hour, by function.
func (of scope) hour(counter string, matchers ...string) string {
	return fmt.Sprintf("sum %s (increase(%s[1h]))", byFunction, of.series(counter, matchers...))
}

// Expr is PromQL for the functions that have it, over what Hadron itself keeps. Matchers,
// comma-separated, narrow it; empty asks for all.
func (s Symptom) Expr(matchers string) string { return s.expr(scope{narrow: matchers}, rolledCalls) }

// Suspects is PromQL for the functions that may have it: all that do, and few others. It
// reads a third of what Expr does; empty where that reads little.
func (s Symptom) Suspects() string {
	if s.suspects == nil {
		return ""
	}
	return s.suspects(scope{}, rolledCalls)
}

// alert is the rule for others, who have no rollups: of one function, or of all where name
// is empty.
func (s Symptom) alert(name function.Name, notes []Pair) Alert {
	who := "{{ $labels.team }}/{{ $labels.project }}/{{ $labels.function }}"
	return Alert{
		Name: s.Alert, Expr: s.expr(scope{name: name}, rawCalls), KeepFiring: s.Calm, Reach: s.reach,
		Labels: []Pair{{ClassLabel, string(Ticket)}, {SeverityLabel, Ticket.Severity()}, {"slo", s.Kind}},
		Annotations: append([]Pair{
			{"summary", who + " " + s.Title + "."},
			{"description", fmt.Sprintf("Users feel: %s. What to do: %s.", s.Felt, fmt.Sprintf(s.Do, who))},
		}, notes...),
	}
}
