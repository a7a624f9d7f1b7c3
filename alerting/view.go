package alerting

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Status returns how evaluation goes.
func (e *Evaluator) Status() EvaluatorStatus {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.status
}

// Alerts lists the alerts that are not inactive: pages first, then by function,
// objective and window.
func (e *Evaluator) Alerts(f Filter) []Alert {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []Alert
	for k, a := range e.alerts {
		if f.matches(k.Objective) {
			out = append(out, e.alert(k, a))
		}
	}
	slices.SortFunc(out, func(a, b Alert) int {
		return cmp.Or(
			strings.Compare(string(a.Class), string(b.Class)), // page before ticket
			strings.Compare(string(a.Function), string(b.Function)), strings.Compare(a.SLO, b.SLO),
			compareRules(a.rule(), b.rule()),
		)
	})
	return out
}

// alert is an entry as people see it. The caller holds e.mu.
func (e *Evaluator) alert(k Key, a entry) Alert {
	in, open := e.incidents[k.Objective]
	silenced := ""
	if a.active() {
		silenced = e.hushed(k.Objective, k.Class, e.cfg.Now())
	}
	return Alert{
		Silenced: silenced,
		Key:      k, State: a.State, Since: a.Since(), ActiveAt: a.ActiveAt, Value: a.value, Reason: a.reason,
		Inhibited: open && k.Class == slo.Ticket && in.Class == slo.Page && a.State == Firing,
	}
}

// Incidents lists the open incidents, by function and objective.
func (e *Evaluator) Incidents() []Incident {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]Incident, 0, len(e.incidents))
	for _, in := range e.incidents {
		out = append(out, in)
	}
	slices.SortFunc(out, func(a, b Incident) int {
		return cmp.Or(strings.Compare(string(a.Function), string(b.Function)), strings.Compare(a.SLO, b.SLO))
	})
	return out
}

// Incident returns the open incident of an objective.
func (e *Evaluator) Incident(o Objective) (Incident, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	in, ok := e.incidents[o]
	return in, ok
}

// Hushed says why nobody is told of an objective's incident now; empty where they are.
func (e *Evaluator) Hushed(o Objective, class slo.Class) string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.hushed(o, class, e.cfg.Now())
}

// Definitions lists the alerts that guard a function, with their states: each pair
// of alert windows for each objective, fastest first, and those of
// conditions while they are not inactive. It does not wait for an evaluation, so that a
// function's receipt can list them at once.
func (e *Evaluator) Definitions(f function.Function) []Definition {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []Definition
	rules := slo.Rules(time.Duration(f.Spec.SLO.Window), e.cfg.Interval)
	for _, o := range f.Spec.SLO.Objectives() {
		for _, rule := range rules {
			rule.For = e.cfg.For
			k := Key{Objective{f.Name, o.Name}, rule.SLOWindowName(), rule.Window.Class, rule.Window.Name()}
			a, ok := e.alerts[k]
			switch {
			case f.Spec.Alerts.Disabled:
				a = entry{Status: Status{State: Disabled}, reason: "alerts.disabled in the manifest"}
			case !ok:
				a = entry{Status: Status{State: Inactive}}
			}
			out = append(out, Definition{Alert: e.alert(k, a), Objective: o, Rule: rule})
		}
	}
	for _, kind := range Conditions() {
		for _, class := range []slo.Class{slo.Page, slo.Ticket} {
			if k := conditionKey(Objective{f.Name, kind}, class); e.alerts[k].State != "" && !f.Spec.Alerts.Disabled {
				out = append(out, Definition{Alert: e.alert(k, e.alerts[k])})
			}
		}
	}
	return out
}

// RuleGroup is a group of rules as Prometheus's API shows it.
type RuleGroup struct {
	Name           string
	Interval       time.Duration
	EvaluationTime time.Duration
	LastEvaluation time.Time
	Rules          []RuleState
}

// RuleState is a rule with its active alerts, as Prometheus's API shows it.
type RuleState struct {
	Rule           slo.Rule
	Labels         metric.Labels
	Annotations    metric.Labels
	Health         string // ok, err or unknown
	LastError      string
	State          State // the worst of its alerts: inactive, pending or firing
	EvaluationTime time.Duration
	LastEvaluation time.Time
	Alerts         []ActiveAlert
}

// ActiveAlert is a pending or firing alert with all its labels.
type ActiveAlert struct {
	Labels      metric.Labels
	Annotations metric.Labels
	State       State
	ActiveAt    time.Time
	Value       float64
}

// RulesFile is the name under which the API shows these groups.
const RulesFile = "hadron-alerting.rules"

// Groups lists the rules and their active alerts, a group for each rule, as the
// file that slo.Render writes has them.
func (e *Evaluator) Groups() []RuleGroup {
	e.mu.RLock()
	defer e.mu.RUnlock()
	active := map[ruleKey][]Key{}
	for k, a := range e.alerts {
		if a.active() {
			active[k.rule()] = append(active[k.rule()], k)
		}
	}
	var out []RuleGroup
	for _, g := range slo.Groups(e.windows(), e.cfg.Interval) {
		for _, rule := range g.Alerts {
			k := keyOf(rule)
			run := e.runs[k]
			if run == nil {
				continue
			}
			state := e.ruleState(run, active[k])
			out = append(out, RuleGroup{
				Name: g.Name, Interval: g.Interval, EvaluationTime: run.took, LastEvaluation: run.at, Rules: []RuleState{state},
			})
		}
	}
	return out
}

func (e *Evaluator) windows() []time.Duration {
	var out []time.Duration
	for _, run := range e.runs {
		out = append(out, run.rule.SLOWindow)
	}
	return out
}

func (e *Evaluator) ruleState(run *run, active []Key) RuleState {
	s := RuleState{
		Rule: run.rule, Labels: pairs(run.rule.Labels()), Annotations: pairs(run.rule.Annotations()),
		Health: "unknown", State: Inactive, EvaluationTime: run.took, LastEvaluation: run.at,
	}
	switch {
	case run.err != nil:
		s.Health, s.LastError = "err", run.err.Error()
	case run.ok:
		s.Health = "ok"
	}
	slices.SortFunc(active, func(a, b Key) int {
		return cmp.Or(strings.Compare(string(a.Function), string(b.Function)), strings.Compare(a.SLO, b.SLO))
	})
	for _, k := range active {
		a := e.alerts[k]
		if s.State != Firing {
			s.State = a.State
		}
		s.Alerts = append(s.Alerts, ActiveAlert{
			Labels: k.labels("", alertNameLabel, slo.AlertName), State: a.State, ActiveAt: a.ActiveAt, Value: a.value,
			Annotations: metric.Labels{{Name: "summary", Value: string(k.Function) + " burns its error budget of " + k.SLO + ": " + a.reason}},
		})
	}
	return s
}

func pairs(list []slo.Pair) metric.Labels {
	out := make(metric.Labels, len(list))
	for i, p := range list {
		out[i] = metric.Label(p)
	}
	slices.SortFunc(out, func(a, b metric.Label) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Tells reports whether anybody is told of a function's incident of that class.
func (e *Evaluator) Tells(name function.Name, class slo.Class) bool {
	return e.cfg.Routing != nil || slices.ContainsFunc(e.cfg.Targets, func(t Target) bool { return t.wants(name, class) })
}
