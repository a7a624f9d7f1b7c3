package alerting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// round is one evaluation: what was asked and what it changes. Nothing of it is
// seen outside before it is stored.
type round struct {
	e        *Evaluator
	now      time.Time
	specs    map[function.Name]*spec
	windows  map[time.Duration]bool // SLO windows whose alerts somebody wants
	verdicts map[Key]verdict        // of alerts that a query was answered for and that are or were active
	samples  map[ruleKey]map[Objective]sample
	changed  map[Key]Status
	errs     []error
}

func (e *Evaluator) evaluate(ctx context.Context, now time.Time) error {
	if e.stale {
		if err := e.load(ctx); err != nil {
			e.metrics.failures.WithLabelValues("store").Inc()
			return err
		}
	}
	functions, err := e.cfg.List(ctx)
	if err != nil {
		e.metrics.failures.WithLabelValues("list").Inc()
		return fmt.Errorf("list functions: %w", err)
	}
	r := &round{
		e: e, now: now, verdicts: map[Key]verdict{}, changed: map[Key]Status{},
		samples: map[ruleKey]map[Objective]sample{},
	}
	r.index(functions)
	r.plan()
	r.ask(ctx)
	r.quarantines()
	if ctx.Err() != nil {
		return context.Cause(ctx) // stopped in the middle: half a round changes nothing
	}
	r.forget()
	if err := r.settle(ctx); err != nil {
		e.metrics.failures.WithLabelValues("store").Inc()
		r.errs = append(r.errs, err)
	}
	if err := e.expose(ctx, now); err != nil {
		e.metrics.failures.WithLabelValues("append").Inc()
		r.errs = append(r.errs, err)
	}
	return errors.Join(r.errs...)
}

// index notes what each function promised. While no function changed, that is what
// the last round noted: a list holds the same pointers then.
func (r *round) index(functions []*function.Function) {
	e := r.e
	if e.specs != nil && slices.Equal(functions, e.listed) {
		r.specs, r.windows = e.specs, e.wanted
		return
	}
	r.specs = make(map[function.Name]*spec, len(functions))
	r.windows = map[time.Duration]bool{}
	known := map[shape]*spec{} // functions that promise the same share it
	for _, f := range functions {
		k := shape{f.Spec.SLO.Shape(), f.Spec.Alerts.Disabled}
		s := known[k]
		if s == nil {
			s = &spec{
				window: time.Duration(f.Spec.SLO.Window), windowName: f.Spec.SLO.Window.String(),
				objectives: f.Spec.SLO.Objectives(), disabled: f.Spec.Alerts.Disabled,
			}
			known[k] = s
			if !s.disabled && s.window > 0 {
				r.windows[s.window] = true
			}
		}
		r.specs[f.Name] = s
	}
	e.listed = functions
}

type shape struct {
	slo      function.Shape
	disabled bool
}

// plan makes the rules those of the SLO windows in use.
func (r *round) plan() {
	e := r.e
	e.mu.Lock()
	defer e.mu.Unlock()
	e.specs, e.wanted = r.specs, r.windows
	for k, run := range e.runs {
		if !r.windows[run.rule.SLOWindow] {
			delete(e.runs, k)
		}
	}
	for window := range r.windows {
		for i, rule := range slo.Rules(window, e.cfg.Interval) {
			rule.For = e.cfg.For
			k := keyOf(rule)
			if e.runs[k] == nil {
				e.runs[k] = &run{rule: rule, order: i}
			}
		}
	}
}

func keyOf(rule slo.Rule) ruleKey {
	return ruleKey{rule.SLOWindowName(), rule.Window.Class, rule.Window.Name()}
}

// ask runs the rules that are due. One that fails changes nothing of its alerts.
func (r *round) ask(ctx context.Context) {
	// A tick comes a little early or late; half an interval tells one from the next.
	slack := r.e.cfg.Interval / 2
	for _, k := range slices.SortedFunc(keys(r.e.runs), compareRules) {
		run := r.e.runs[k]
		if run.ok && run.err == nil && r.now.Sub(run.at) < run.rule.Interval-slack {
			continue
		}
		began := r.e.cfg.Now()
		found, err := r.query(ctx, run.rule)
		if ctx.Err() != nil {
			return
		}
		r.e.mu.Lock()
		run.at, run.took, run.err = r.now, r.e.cfg.Now().Sub(began), err
		run.ok = run.ok || err == nil
		r.e.mu.Unlock()
		if err != nil {
			r.e.metrics.failures.WithLabelValues("query").Inc()
			r.errs = append(r.errs, fmt.Errorf("evaluate %s of %s: %w", run.rule.Window.Name(), run.rule.SLOWindowName(), err))
			continue
		}
		r.samples[k] = found
		r.judge(k, run.rule, found)
	}
}

func (r *round) query(ctx context.Context, rule slo.Rule) (map[Objective]sample, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.e.cfg.QueryTimeout, errSlow)
	defer cancel()
	points, err := r.e.cfg.Query(ctx, rule.Query(), r.now)
	if err != nil {
		return nil, err
	}
	return samples(points)
}

// judge moves every alert of a rule: those of objectives that have a sample, and those
// that are not inactive. All others stay inactive, so that functions that nobody calls
// cost nothing here.
func (r *round) judge(k ruleKey, rule slo.Rule, found map[Objective]sample) {
	for o, s := range found {
		r.move(k, rule, o, s)
	}
	for key := range r.e.alerts {
		if _, there := found[key.Objective]; !there && key.rule() == k {
			r.move(k, rule, key.Objective, noSample)
		}
	}
}

// move decides where one alert of a rule stands, if it is its function's at all.
func (r *round) move(k ruleKey, rule slo.Rule, o Objective, s sample) {
	spec := r.specs[o.Function]
	if spec == nil || spec.disabled || spec.window != rule.SLOWindow {
		return
	}
	if _, promised := spec.objective(o.SLO); !promised {
		return
	}
	key := Key{o, k.sloWindow, k.class, k.window}
	before, seen := r.e.alerts[key]
	was := before.Status
	if !seen {
		was.State = Inactive
	}
	v := next(rule, was, s, r.now)
	if v.reason == "" {
		v.reason = before.reason
	}
	if v.State == Inactive && was.State == Inactive {
		return
	}
	r.verdicts[key] = v
	if v.Status != was {
		r.changed[key] = v.Status
	}
}

// forget ends alerts that nothing defines any more. Where an objective got another
// SLO window, its old alerts stay until the new rules have spoken, so that an
// incident does not end in between.
func (r *round) forget() {
	for k := range r.e.alerts {
		if k.SLO == Quarantine {
			continue // see quarantines
		}
		s, ok := r.specs[k.Function]
		_, promised := s.objective(k.SLO)
		switch {
		case ok && promised && !s.disabled && s.windowName == k.SLOWindow && r.e.runs[k.rule()] != nil:
		case ok && promised && !s.disabled && !r.spoken(s.window):
		default:
			r.changed[k] = Status{State: Inactive}
		}
	}
}

func (r *round) spoken(window time.Duration) bool {
	for _, run := range r.e.runs {
		if run.rule.SLOWindow == window && !run.ok {
			return false
		}
	}
	return true
}

// settle stores what the round changes, and only then lets it be seen.
func (r *round) settle(ctx context.Context) error {
	e := r.e
	change := r.change(ctx)
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
	for _, o := range change.Closed {
		delete(e.incidents, o)
	}
	e.mu.Unlock()
	r.report(ctx, change)
	return nil
}

func (r *round) report(ctx context.Context, change Change) {
	for k, s := range change.Alerts {
		r.e.metrics.transitions.WithLabelValues(string(k.Class), string(s.State)).Inc()
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
	for _, o := range order {
		var open *Incident
		if in, ok := e.incidents[o]; ok {
			open = &in
		}
		next, action := decide(e.cfg.Installation, o, open, firing[o], r.now, e.cfg.Routing != nil)
		switch {
		case next == nil && open != nil:
			c.Closed = append(c.Closed, o)
		case next != nil && (open == nil || *next != *open):
			r.route(next)
			c.Incidents = append(c.Incidents, *next)
		}
		if action != nil {
			about := next
			if about == nil {
				about = open
			}
			c.Messages = append(c.Messages, r.message(ctx, *action, *about, firing[o]))
		}
		if _, exists := r.specs[o.Function]; !exists && next == nil && open != nil {
			c.Withdrawn = append(c.Withdrawn, open.DedupKey)
		}
	}
	return c
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
	} else if in.SLO == Quarantine {
		p.why = r.verdicts[quarantineKey(in.Function)].reason
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
	if _, promised := s.objective(o.SLO); !promised && o.SLO != Quarantine {
		return "the manifest does not have this objective any more"
	}
	if s.disabled {
		return "the manifest turned alerts off"
	}
	if o.SLO == Quarantine {
		return quarantineOver
	}
	why, slowest := "its budget does not burn any more", -1
	for k, run := range r.e.runs {
		if v := r.verdicts[Key{o, k.sloWindow, k.class, k.window}]; v.State == Resolved && run.order > slowest {
			why, slowest = v.reason, run.order
		}
	}
	return why
}

func keys[K comparable, V any](m map[K]V) func(yield func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func compareRules(a, b ruleKey) int {
	return cmp.Or(strings.Compare(a.sloWindow, b.sloWindow), strings.Compare(string(a.class), string(b.class)), strings.Compare(a.window, b.window))
}
