package alerting

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/collector/slo"
)

// settle stores what the round changes, and only then lets it be seen.
func (r *round) settle(ctx context.Context) error {
	e := r.e
	change := r.change(ctx)
	beating := r.watchdogs(&change)
	if !change.empty() {
		if err := e.cfg.Store.Commit(ctx, change); err != nil {
			// It may have been stored all the same: what is true is in the store.
			e.mu.Lock()
			e.stale = true
			e.mu.Unlock()
			return fmt.Errorf("store alerts: %w", err)
		}
	}
	e.mu.Lock()
	for k, v := range r.verdicts {
		e.alerts[k] = entry(v)
	}
	for k, s := range r.changed {
		if s.State == Inactive {
			delete(e.alerts, k)
		}
	}
	for _, in := range change.Incidents {
		e.incidents[in.Objective] = in
	}
	for _, ended := range change.Closed {
		delete(e.incidents, ended.Objective)
		e.closing(ended.Objective, ended.ClosedAt)
	}
	e.mu.Unlock()
	for _, target := range beating {
		e.beats[target] = r.now
	}
	e.cfg.Drills.stored(r.now, change, r.hushed)
	r.report(ctx, change)
	return nil
}

func (r *round) report(ctx context.Context, change Change) {
	for k, s := range change.Alerts {
		if k.SLO != Test {
			r.e.metrics.transitions.WithLabelValues(string(k.Class), string(s.State)).Inc()
		}
		r.e.cfg.Logger.InfoContext(ctx, "alert changed", "function", string(k.Function), "slo", k.SLO,
			"class", string(k.Class), "window", k.Window, "state", string(s.State), "reason", r.verdicts[k].reason)
	}
	if len(change.Messages) > 0 {
		r.e.cfg.Wake()
	}
}

// change works out the incidents and messages that follow from the alerts.
func (r *round) change(ctx context.Context) Change {
	e := r.e
	c := Change{Alerts: r.changed, At: r.now}
	firing := r.firing()
	touched := map[Objective]bool{}
	for k := range r.changed {
		touched[k.Objective] = true
	}
	for o := range e.incidents {
		touched[o] = true
	}
	order := slices.SortedFunc(keys(touched), func(a, b Objective) int {
		return cmp.Or(strings.Compare(string(a.Function), string(b.Function)), strings.Compare(a.SLO, b.SLO))
	})
	targets := r.targets()
	hands := r.hands(ctx, firing)
	for _, o := range order {
		var open *Incident
		if in, ok := e.incidents[o]; ok {
			open = &in
		}
		next, tell := decide(situation{
			installation: e.cfg.Installation, objective: o, open: open, firing: firing[o], now: r.now, targets: targets,
			hushed:       func(class slo.Class) string { return r.hushed(o, class) },
			acknowledged: !hands[o].AckedAt.IsZero(), flapping: r.flapping(o), gone: r.gone(o),
			due: func(target string) bool { return r.repeatDue(target, open) },
		})
		switch {
		case next == nil && open != nil:
			c.Closed = append(c.Closed, Ended{Incident: *open, ClosedAt: r.now, Why: r.ending(o)})
		case next != nil && (open == nil || *next != *open):
			r.route(next)
			c.Incidents = append(c.Incidents, *next)
		}
		c.Messages = append(c.Messages, r.messages(ctx, tell, cmp.Or(next, open), firing[o])...)
		if _, exists := r.specs[o.Function]; (!exists || o.SLO == Test) && next == nil && open != nil {
			c.Withdrawn = append(c.Withdrawn, open.DedupKey)
		}
	}
	return c
}

// targets are all that are told of incidents.
func (r *round) targets() []Target {
	out := slices.Clone(r.e.cfg.Targets)
	if r.e.cfg.Routing != nil {
		out = append(out, Target{Name: PagerDuty})
	}
	return out
}

// hands is what people did about incidents, asked only where that matters: an incident
// that gets better. Where it is not known, people are told once too often.
func (r *round) hands(ctx context.Context, firing map[Objective][]Key) map[Objective]Hand {
	for o, in := range r.e.incidents {
		if in.Class == slo.Page && len(firing[o]) > 0 && firing[o][0].Class != slo.Page {
			hands, err := r.e.cfg.Store.Hands(ctx)
			if err != nil {
				r.errs = append(r.errs, fmt.Errorf("read acknowledgements: %w", err))
			}
			return hands
		}
	}
	return nil
}

// gone reports whether nobody is guarded by the objective's alerts any more.
func (r *round) gone(o Objective) bool {
	s, ok := r.specs[o.Function]
	if !ok || s.disabled {
		return true
	}
	_, promised := s.objective(o.SLO)
	return !promised && !isCondition(o.SLO)
}

// repeatDue reports whether a target that wants an open incident repeated has not heard
// of it for long enough. After a start it has not.
func (r *round) repeatDue(target string, open *Incident) bool {
	if open == nil {
		return false
	}
	at, ok := r.e.repeated[target+" "+open.DedupKey]
	for _, t := range r.e.cfg.Targets {
		if t.Name == target {
			return !ok || r.now.Sub(at) >= t.Repeat
		}
	}
	return false
}

// messages are one event for each target that is to hear of an incident.
func (r *round) messages(ctx context.Context, tell []telling, about *Incident, firing []Key) []Message {
	if len(tell) == 0 {
		return nil
	}
	made := map[Action]Message{}
	out := make([]Message, 0, len(tell))
	for _, t := range tell {
		m, ok := made[t.action]
		if !ok {
			m = r.message(ctx, t.action, *about, firing)
			made[t.action] = m
		}
		m.Event.Target, m.Event.RoutingKey = t.target, t.target
		if t.target == PagerDuty {
			m.Event.RoutingKey = about.RoutingKey
		}
		key := t.target + " " + about.DedupKey
		if r.e.repeated[key] = r.now; t.action == Resolve {
			delete(r.e.repeated, key)
		}
		out = append(out, m)
	}
	return out
}

// route gives an incident its routing key, if it has none and there is one by now.
func (r *round) route(in *Incident) {
	if in.RoutingKey != "" || r.e.cfg.Routing == nil {
		return
	}
	if key, ok := r.e.cfg.Routing(in.Function); ok {
		in.RoutingKey = key
	}
}

// firing lists the firing alerts of each objective as they are after this round,
// fastest window first.
func (r *round) firing() map[Objective][]Key {
	out := map[Objective][]Key{}
	for k, a := range r.e.alerts {
		if _, moved := r.changed[k]; !moved && a.State == Firing {
			out[k.Objective] = append(out[k.Objective], k)
		}
	}
	for k, s := range r.changed {
		if s.State == Firing {
			out[k.Objective] = append(out[k.Objective], k)
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b Key) int {
			return cmp.Or(cmp.Compare(r.order(a), r.order(b)), compareRules(a.rule(), b.rule()))
		})
	}
	return out
}

func (r *round) order(k Key) int {
	if run := r.e.runs[k.rule()]; run != nil {
		return run.order
	}
	return len(r.e.runs)
}

// describeTimeout bounds what a page's details may take: a page without them is
// better than a late one.
const describeTimeout = 2 * time.Second

// message writes what the pager is to hear of an incident.
func (r *round) message(ctx context.Context, action Action, in Incident, firing []Key) Message {
	p := page{
		installation: r.e.cfg.Installation, action: action, incident: in, firing: firing, at: r.now,
		sample: noSample,
	}
	if action == Resolve {
		p.why = r.ending(in.Objective)
	} else if in.SLO == Test {
		p.why = r.verdicts[drillKey(in.Function, in.Class)].reason
	} else if isCondition(in.SLO) {
		p.why = r.verdicts[conditionKey(in.Objective, in.Class)].reason
	}
	s := r.specs[in.Function]
	p.objective, _ = s.objective(in.SLO)
	over := time.Duration(0)
	if len(firing) > 0 {
		lead := firing[max(0, slices.IndexFunc(firing, func(k Key) bool { return k.Class == in.Class }))]
		if run := r.e.runs[lead.rule()]; run != nil {
			p.rule, over = run.rule, run.rule.Window.Short
		}
		if found, ok := r.samples[lead.rule()][in.Objective]; ok {
			p.sample = found
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, describeTimeout, errSlow)
	defer cancel()
	p.details = r.e.cfg.Describe(ctx, Question{
		Function: in.Function, SLO: in.SLO, Class: in.Class, Since: in.OpenedAt, At: r.now,
		Over: over, Resolving: action == Resolve,
	})
	return Message{Function: in.Function, Event: p.event(), Created: r.now, Next: r.now}
}

// ending says why an objective has no firing alert any more.
func (r *round) ending(o Objective) string {
	s, ok := r.specs[o.Function]
	if !ok {
		return "the function was deleted"
	}
	if o.SLO == Test {
		return "the test is over, nothing was wrong"
	}
	if _, promised := s.objective(o.SLO); !promised && !isCondition(o.SLO) {
		return "the manifest does not have this objective any more"
	}
	if s.disabled {
		return "the manifest turned alerts off"
	}
	if k, is := kinds[o.SLO]; is {
		return k.Over
	}
	why, slowest := "its budget does not burn any more", -1
	for k, run := range r.e.runs {
		if v := r.verdicts[Key{o, k.sloWindow, k.class, k.window}]; v.State == Resolved && run.order > slowest {
			why, slowest = v.reason, run.order
		}
	}
	return why
}
