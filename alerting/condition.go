package alerting

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Condition is something that is wrong with a function and that no budget shows. Each is
// a ticket: where users feel it, an objective pages, and one cause is to wake somebody
// once.
type Condition struct {
	Function function.Name
	Kind     string    // Quarantine, Delivery, …
	Since    time.Time // zero: now
	Reason   string    // in the platform's words, or made one line
	Value    float64
}

// The conditions, in the place of an objective's name.
const (
	Quarantine  = "quarantine"  // a version is not run, since it ends its workers
	Delivery    = "delivery"    // messages about it could not be delivered
	WorkerKills = "workers"     // its calls are lost with their workers, or run out of memory
	TimeoutsUp  = "timeouts"    // its calls run into their timeout
	ColdStarts  = "coldstarts"  // many of its calls wait for a VM to be made
	Saturation  = "saturation"  // it runs at its limit of concurrency
	LabelBudget = "labelbudget" // measurements of its own metrics are dropped
)

// kind is what is said of a condition.
type kind struct {
	alert  string        // name of the alert
	title  string        // "… is quarantined"
	over   string        // why it ended
	felt   string        // what users feel
	do     string        // what to do, with the function's name for %s
	before time.Duration // it must be gone for so long before it ends
}

// conditionCalm is for how long a measured condition must be gone before it ends.
const conditionCalm = 15 * time.Minute

var kinds = map[string]kind{
	Quarantine: {
		"FunctionQuarantined", "is quarantined", "the version was released, or survived its trial",
		"calls of that version are answered with an error until it is released or its next trial ends well",
		"mend it, then hadron release %s@<version>", 0,
	},
	Delivery: {
		"NotificationsUndelivered", "could not be told of", "no message about it was given up in the last day",
		"nothing; whoever should have been told was not", "look at the reason, mend the target, then hadron alerts incidents %s", 0,
	},
	WorkerKills: {
		"FunctionWorkersLost", "loses its workers", "no call was lost with its worker for a while",
		"calls that are answered with worker_lost or memory_limit", "hadron logs %s --level error; lower what one call holds, or raise limits.memory", conditionCalm,
	},
	TimeoutsUp: {
		"FunctionTimeouts", "runs into its timeout", "calls end in time again",
		"calls that are answered with timeout after they have waited all of it", "hadron profile %s; look at its fetches by host, then at limits.timeout", conditionCalm,
	},
	ColdStarts: {
		"FunctionColdStarts", "starts cold too often", "calls find a warm VM again",
		"the first call of each VM waits for the module to be evaluated", "hadron versions %s; isolation: request, many versions at once or few calls make it so", conditionCalm,
	},
	Saturation: {
		"FunctionSaturated", "runs at its limit of concurrency", "it is below its limit again",
		"calls that wait for their turn, then 429 overloaded", "raise limits.concurrency of %s, or make its calls shorter", conditionCalm,
	},
	LabelBudget: {
		"FunctionLabelBudget", "has more series than its budget", "nothing of its own metrics was dropped for a while",
		"nothing; its own metrics are incomplete", "take labels with many values out of the metrics of %s", conditionCalm,
	},
}

// QuarantineAlert is the name of the alert of quarantined versions.
const QuarantineAlert = "FunctionQuarantined"

// Name is the alert's name: one for all that burn rates decide, since what differs is in
// labels, and one for each kind of condition.
func (k Key) Name() string {
	if known, ok := kinds[k.SLO]; ok {
		return known.alert
	}
	if k.SLO == Test {
		return drillAlert
	}
	return slo.AlertName
}

func conditionKey(name function.Name, kind string) Key {
	return Key{Objective: Objective{name, kind}, Class: slo.Ticket}
}

// measure is a condition that is measured: one grouped query, whatever the number of
// functions. Its guards are in the query: few calls say nothing.
type measure struct {
	kind, expr string
	reason     func(v float64) string
}

const (
	measureEvery = 5 * time.Minute
	byFunction   = "by (team, project, function)"
)

var measures = []measure{
	{WorkerKills, fmt.Sprintf(`sum %s (increase(%s{code=~"worker_lost|memory_limit"}[1h])) >= 5`, byFunction, metric.Errors), func(v float64) string {
		return fmt.Sprintf("%.0f calls of the last hour were lost with their worker or ran out of memory", v)
	}},
	{TimeoutsUp, fmt.Sprintf(`sum %[1]s (increase(%[2]s[1h])) / sum %[1]s (increase(%[3]s[1h])) > 0.01 and sum %[1]s (increase(%[2]s[1h])) >= 5`, byFunction, metric.Timeouts, metric.Invocations), func(v float64) string {
		return percent(v) + " of the calls of the last hour ran into limits.timeout"
	}},
	{ColdStarts, fmt.Sprintf(`sum %[1]s (increase(%[2]s[1h])) / sum %[1]s (increase(%[3]s[1h])) > 0.2 and sum %[1]s (increase(%[2]s[1h])) >= 50`, byFunction, metric.ColdStarts, metric.Invocations), func(v float64) string {
		return percent(v) + " of the calls of the last hour waited for a VM to be made"
	}},
	{Saturation, fmt.Sprintf(`sum %[1]s (avg_over_time(%[2]s[15m])) / max %[1]s (%[3]s) > 0.9`, byFunction, metric.InFlight, metric.Concurrency), func(v float64) string {
		return percent(v) + " of limits.concurrency was in use over a quarter of an hour"
	}},
	{LabelBudget, fmt.Sprintf(`sum %s (increase(%s[1h])) >= 1`, byFunction, metric.Dropped), func(v float64) string {
		return fmt.Sprintf("%.0f measurements of its own metrics were dropped in the last hour, or counted under other", max(1, v))
	}},
}

// measured is what the last looks at the measures found.
type measured struct {
	at    map[string]time.Time   // by kind: when it was last looked at
	found map[string][]Condition // by kind; one that was never answered is not there
}

// look runs the measure that waited longest, if it is due: one in an evaluation, so that
// none takes long.
func (r *round) look(ctx context.Context) {
	m := &r.e.measured
	if r.e.replaying || r.e.cfg.Unmeasured {
		return
	}
	what := slices.MinFunc(measures, func(a, b measure) int { return m.at[a.kind].Compare(m.at[b.kind]) })
	if at, seen := m.at[what.kind]; seen && r.now.Sub(at) < measureEvery-r.e.cfg.Interval/2 {
		return
	}
	points, err := r.measure(ctx, what.expr)
	if ctx.Err() != nil {
		return
	}
	m.at[what.kind] = r.now
	if err != nil { // what was found before stays
		r.e.metrics.failures.WithLabelValues("query").Inc()
		r.errs = append(r.errs, fmt.Errorf("measure %s: %w", what.kind, err))
		return
	}
	list := make([]Condition, 0, len(points))
	for _, p := range points {
		name := function.Name(p.Labels.Get(metric.Team) + "/" + p.Labels.Get(metric.Project) + "/" + p.Labels.Get(metric.Function))
		list = append(list, Condition{Function: name, Kind: what.kind, Reason: what.reason(p.V), Value: p.V})
	}
	m.found[what.kind] = list
}

func (r *round) measure(ctx context.Context, expr string) ([]metric.Point, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.e.cfg.QueryTimeout, errSlow)
	defer cancel()
	return r.e.cfg.Query(ctx, expr, r.now)
}

// conditions moves the alert of every condition that holds, or held.
func (r *round) conditions(ctx context.Context) {
	r.look(ctx)
	held := map[Objective][]Condition{}
	known := map[string]bool{Quarantine: true} // kinds about which something can be said
	add := func(list []Condition) {
		for _, c := range list {
			if s, ok := r.specs[c.Function]; ok && !s.disabled && kinds[c.Kind].alert != "" {
				o := Objective{c.Function, c.Kind}
				held[o] = append(held[o], c)
			}
		}
	}
	add(r.quarantined())
	for kind, list := range r.e.measured.found {
		known[kind] = true
		add(list)
	}
	if r.e.cfg.Conditions != nil {
		list, err := r.e.cfg.Conditions(ctx, r.now)
		if err != nil {
			r.e.metrics.failures.WithLabelValues("store").Inc()
			r.errs = append(r.errs, fmt.Errorf("read conditions: %w", err))
		} else {
			known[Delivery] = true
			add(list)
		}
	}
	for k := range r.e.alerts {
		if _, is := kinds[k.SLO]; is && held[k.Objective] == nil && (known[k.SLO] || r.specs[k.Function] == nil || r.specs[k.Function].disabled) {
			held[k.Objective] = nil
		}
	}
	for o, list := range held {
		r.condition(o, list)
	}
}

// condition decides where one condition's alert stands.
func (r *round) condition(o Objective, list []Condition) {
	s, exists := r.specs[o.Function]
	key := conditionKey(o.Function, o.SLO)
	before, seen := r.e.alerts[key]
	was := before.Status
	if !seen {
		was.State = Inactive
	}
	if len(list) > 0 {
		r.e.calm.forget(o)
	}
	v := nextCondition(kinds[o.SLO], was, list, r.e.calm.since(o, r.now, was.State == Firing && len(list) == 0), r.now)
	if !exists || s.disabled {
		v = verdict{Status: Status{State: Inactive}}
	}
	if v.State == Inactive && was.State == Inactive {
		return
	}
	if v.reason == "" {
		v.reason = before.reason
	}
	r.settleOn(key, was, v)
}

// calms remembers since when a condition that fires is gone.
type calms map[Objective]time.Time

func (c calms) forget(o Objective) { delete(c, o) }

func (c calms) since(o Objective, now time.Time, gone bool) time.Time {
	if !gone {
		return now
	}
	if at, ok := c[o]; ok {
		return at
	}
	c[o] = now
	return now
}

// nextCondition decides where the alert stands. It is pure. A condition is certain, so it
// fires at once; it ends when it was gone for as long as its kind asks.
func nextCondition(k kind, was Status, held []Condition, calm, now time.Time) verdict {
	v := verdict{Status: was, reason: conditionReason(held)}
	if len(held) > 0 {
		v.value = held[0].Value
	}
	switch {
	case len(held) > 0 && was.State != Firing:
		since := now
		for _, c := range held {
			if at := c.Since.UTC().Truncate(time.Microsecond); !c.Since.IsZero() && at.Before(since) {
				since = at
			}
		}
		v.Status = Status{State: Firing, ActiveAt: since, FiredAt: now}
	case len(held) > 0:
	case was.State == Firing && now.Sub(calm) < k.before:
	case was.State == Firing:
		v.State, v.ResolvedAt = Resolved, now
		v.reason = k.over
	case was.State == Resolved && now.Sub(was.ResolvedAt) < keepResolved:
	default:
		v.Status = Status{State: Inactive}
	}
	return v
}

func conditionReason(held []Condition) string {
	const most = 3
	var parts []string
	for i, c := range held {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(held)-most))
			break
		}
		parts = append(parts, oneLine(c.Reason, maxError))
	}
	return strings.Join(parts, "; ")
}

// conditionSummary is the page's first line.
func (p page) conditionSummary() string {
	return oneLine(fmt.Sprintf("%s %s: %s.", oneLine(p.incident.Function.Base(), maxWho), kinds[p.incident.SLO].title, p.why), MaxSummary)
}

// conditionFields are its details.
func (p page) conditionFields() []Field {
	since, k := p.began(), kinds[p.incident.SLO]
	out := []Field{
		{"why", p.why},
		{"what users feel", k.felt},
		{"since", fmt.Sprintf("%s, %s ago", since.UTC().Format(time.RFC3339), about(max(0, p.at.Sub(since))))},
	}
	if changed := p.changed(); changed != "" {
		out = append(out, Field{"what changed", changed})
	}
	if p.details.Previous > 0 {
		out = append(out, Field{"undo", fmt.Sprintf("hadron rollback %s --to %d", p.incident.Function, p.details.Previous)})
	}
	return append(out, Field{"what to do", fmt.Sprintf(k.do, p.incident.Function)})
}

// isCondition reports whether the name in an objective's place is a condition's.
func isCondition(name string) bool {
	_, ok := kinds[name]
	return ok
}

// Conditions lists the kinds of conditions, by name.
func Conditions() []string { return slices.Sorted(keys(kinds)) }
