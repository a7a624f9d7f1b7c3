package alerting

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Condition is something that is wrong with a function and that no budget shows: a
// symptom that was found, or what only the platform knows. It is a ticket, but for what
// others' pages follow from.
type Condition struct {
	Function function.Name // empty: the platform's own, see OfPlatform
	Kind     string        // Quarantine, Delivery, …
	Since    time.Time     // zero: now
	Reason   string        // in the platform's words, or made one line
	Value    float64
	Page     bool // pages follow from it that nobody is told of
	// Unknown says that nothing can be said of the kind now: what was known of it stays.
	Unknown bool
}

// The conditions beside the symptoms of collector/slo, in the place of an objective's name.
const (
	Delivery   = "delivery"    // messages about it could not be delivered
	Dependency = "dependency"  // a host that several functions of its team ask is down or slow
	Workers    = "teamworkers" // several functions of its team lose calls with their workers
)

// kinds is what is said of each condition.
var kinds = func() map[string]slo.Symptom {
	out := map[string]slo.Symptom{}
	for _, s := range append(append(slo.Symptoms(), platformKinds()...),
		slo.Symptom{
			Kind: Delivery, Alert: "NotificationsUndelivered", Title: "has alerts that not everybody was told of", Over: "no message about it was given up in the last day",
			Felt: "nothing; whoever should have been told was not", Do: "mend the target that is named, then see in hadron alerts incidents %s what it was not told",
		},
		slo.Symptom{
			Kind: Dependency, Alert: "DependencyDown", Title: "depends on a host that is down or slow", Over: "it answers in time again, or the functions that ask it are well", Calm: conditionCalm,
			Felt: "the errors and slow calls of all the functions named here, of which nobody is told one by one",
			Do:   "ask whoever runs that host; hadron logs %[1]s --level error shows what functions got, hadron traces %[1]s how long they waited",
		},
		slo.Symptom{
			Kind: Workers, Alert: "TeamWorkersLost", Title: "loses calls with its team's worker", Over: "its calls are not lost with their worker any more", Calm: conditionCalm,
			Felt: "calls of all the functions named here that are answered with worker_lost",
			Do:   "hadron logs %s --level error; look at the server's own log and at the machine's memory",
		},
	) {
		out[s.Kind] = s
	}
	return out
}()

// conditionCalm is for how long what others follow from must be gone before it ends.
const conditionCalm = 15 * time.Minute

// Name is the alert's name: one for all that burn rates decide, since what differs is in
// labels, and one for each kind of condition.
func (k Key) Name() string {
	if known, ok := kinds[k.SLO]; ok {
		return known.Alert
	}
	if k.SLO == Test {
		return drillAlert
	}
	return slo.AlertName
}

func conditionKey(o Objective, class slo.Class) Key { return Key{Objective: o, Class: class} }

// conditions moves the alert of every condition that holds, or held.
func (r *round) conditions(ctx context.Context) {
	r.look(ctx)
	held := map[Objective][]Condition{}
	known := map[string]bool{slo.Quarantine: true} // kinds about which something can be said
	add := func(list []Condition) {
		for _, c := range list {
			if c.Function == "" && OfPlatform(c.Kind) {
				c.Function = r.standIn(c.Kind)
			}
			if s, ok := r.specs[c.Function]; ok && !s.disabled && kinds[c.Kind].Alert != "" {
				o := Objective{c.Function, c.Kind}
				held[o] = append(held[o], c)
			}
		}
	}
	causes, followed := r.follow(ctx)
	known[Dependency], known[Workers] = followed, followed
	add(causes)
	add(r.quarantined())
	for kind, list := range r.e.measured.found {
		known[kind] = true
		if kind == slo.Traffic {
			list = r.together(list)
		}
		add(list)
	}
	if r.e.cfg.Conditions != nil {
		list, err := r.e.cfg.Conditions(ctx, r.now)
		if err != nil {
			r.e.metrics.failures.WithLabelValues("store").Inc()
			r.errs = append(r.errs, fmt.Errorf("read conditions: %w", err))
		} else {
			for _, kind := range []string{Delivery, slo.Rollout, Removals, Reconciler, Orphans} {
				known[kind] = true
			}
			for _, c := range list {
				known[c.Kind] = known[c.Kind] && !c.Unknown
			}
			add(slices.DeleteFunc(slices.Clone(list), func(c Condition) bool { return c.Unknown }))
		}
	}
	for k := range r.e.alerts {
		if _, is := kinds[k.SLO]; is && held[k.Objective] == nil && (known[k.SLO] || r.specs[k.Function] == nil || r.specs[k.Function].disabled) {
			held[k.Objective] = nil
		}
	}
	for o, list := range held {
		r.condition(conditionKey(o, slo.Ticket), list)
		r.condition(conditionKey(o, slo.Page), slices.DeleteFunc(slices.Clone(list), func(c Condition) bool { return !c.Page }))
	}
}

// condition decides where one condition's alert stands.
func (r *round) condition(key Key, list []Condition) {
	s, exists := r.specs[key.Function]
	before, seen := r.e.alerts[key]
	was := before.Status
	if !seen {
		was.State = Inactive
	}
	if len(list) > 0 {
		r.e.calm.forget(key)
	}
	v := nextCondition(kinds[key.SLO], was, list, r.e.calm.since(key, r.now, was.State == Firing && len(list) == 0), r.now)
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
type calms map[Key]time.Time

func (c calms) forget(k Key) { delete(c, k) }

func (c calms) since(k Key, now time.Time, gone bool) time.Time {
	if !gone {
		return now
	}
	if at, ok := c[k]; ok {
		return at
	}
	c[k] = now
	return now
}

// nextCondition decides where the alert stands. It is pure. A condition is certain, so it
// fires at once; it ends when it was gone for as long as its kind asks.
func nextCondition(k slo.Symptom, was Status, held []Condition, calm, now time.Time) verdict {
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
	case was.State == Firing && now.Sub(calm) < k.Calm:
	case was.State == Firing:
		v.State, v.ResolvedAt = Resolved, now
		v.reason = k.Over
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
	return oneLine(fmt.Sprintf("%s %s: %s.", p.incident.who(), kinds[p.incident.SLO].Title, p.why), MaxSummary)
}

// conditionFields are its details.
func (p page) conditionFields() []Field {
	since, k := p.began(), kinds[p.incident.SLO]
	out := []Field{
		{"why", p.why},
		{"what users feel", k.Felt},
		{"since", fmt.Sprintf("%s, %s ago", since.UTC().Format(time.RFC3339), about(max(0, p.at.Sub(since))))},
	}
	if changed := p.changed(); changed != "" {
		out = append(out, Field{"what changed", changed})
	}
	if p.details.Previous > 0 {
		out = append(out, Field{"undo", fmt.Sprintf("hadron rollback %s --to %d", p.incident.Function, p.details.Previous)})
	}
	if OfPlatform(k.Kind) {
		return append(out, Field{"what to do", k.Do})
	}
	return append(out, Field{"what to do", fmt.Sprintf(k.Do, p.incident.Function)})
}

// isCondition reports whether the name in an objective's place is a condition's.
func isCondition(name string) bool {
	_, ok := kinds[name]
	return ok
}

// Conditions lists the kinds of conditions, by name.
func Conditions() []string { return slices.Sorted(keys(kinds)) }
