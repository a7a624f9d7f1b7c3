package alerting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hadron/collector/metric"
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
	e.attend(now)
	r.listen(ctx)
	r.index(functions)
	r.plan()
	r.ask(ctx)
	r.conditions(ctx)
	r.drills()
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

// listen learns which silences hold. Where it cannot, those known before do.
func (r *round) listen(ctx context.Context) {
	if r.e.cfg.Silences == nil {
		return
	}
	found, err := r.e.cfg.Silences(ctx, r.now)
	if err != nil {
		r.e.metrics.failures.WithLabelValues("store").Inc()
		r.errs = append(r.errs, fmt.Errorf("list silences: %w", err))
		return
	}
	r.e.mu.Lock()
	r.e.silences = found
	r.e.mu.Unlock()
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
			rule.For, rule.Raw = e.cfg.For, e.raw
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

// enough is how long the queries of one tick take before tickets are left to the next:
// with very many functions pages do not wait for them.
const enough = time.Second

// turns is the order in which rules are run: pages first, then what waited longest.
func (r *round) turns(a, b ruleKey) int {
	return cmp.Or(strings.Compare(string(a.class), string(b.class)), r.e.runs[a].at.Compare(r.e.runs[b].at), compareRules(a, b))
}

// ask runs the rules that are due. One that fails changes nothing of its alerts.
func (r *round) ask(ctx context.Context) {
	// A tick comes a little early or late; half an interval tells one from the next.
	slack := r.e.cfg.Interval / 2
	spent := time.Duration(0)
	for _, k := range slices.SortedFunc(keys(r.e.runs), r.turns) {
		run := r.e.runs[k]
		if spent > enough && k.class == slo.Ticket {
			return // tickets can wait for the next tick, and come first of their kind then
		}
		if run.ok && run.err == nil && r.now.Sub(run.at) < run.rule.Interval-slack {
			continue
		}
		began := r.e.cfg.Now()
		found, err := r.query(ctx, k, run.rule)
		if ctx.Err() != nil {
			return
		}
		spent += r.e.cfg.Now().Sub(began)
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

// query asks who failed in the window that is read faster, of those how often they were
// called, and about the other window of those only that burn in the first: most functions
// are well, and what else there is of them changes nothing. Objectives with an alert are
// asked about in any case.
func (r *round) query(ctx context.Context, k ruleKey, rule slo.Rule) (map[Objective]sample, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.e.cfg.QueryTimeout, errSlow)
	defer cancel()
	found, alerted := map[Objective]sample{}, map[Objective]bool{}
	for key := range r.e.alerts {
		if _, ok := r.guarded(rule, key.Objective); ok && key.rule() == k {
			alerted[key.Objective] = true
		}
	}
	of := map[Objective]bool{} // whose counts are of interest; at first everybody's
	ask := func(c slo.Count, interesting func(Objective, sample) bool) error {
		points, err := r.e.cfg.Query(ctx, rule.Ask(c, r.narrow(of)), r.now)
		if err != nil {
			return err
		}
		read(points, c, found)
		of = maps.Clone(alerted)
		for o, s := range found {
			ratio, ok := r.guarded(rule, o)
			if !ok || !alerted[o] && !interesting(o, s) {
				delete(found, o)
				continue
			}
			s.objective = ratio
			found[o], of[o] = s, true
		}
		return nil
	}
	fails := func(_ Objective, s sample) bool { return s.longBad > 0 || s.shortBad > 0 }
	burns := func(_ Objective, s sample) bool { return s.either(rule.Window.Factor) }
	first := rule.LongFirst()
	if err := ask(slo.Count{Long: first, Bad: true}, fails); err != nil || len(of) == 0 {
		return found, err
	}
	if err := ask(slo.Count{Long: first}, burns); err != nil || len(of) == 0 {
		return found, err
	}
	burning := of
	before := func(o Objective, _ sample) bool { return burning[o] }
	if err := ask(slo.Count{Long: !first, Bad: true}, before); err != nil {
		return nil, err
	}
	return found, ask(slo.Count{Long: !first}, before)
}

// guarded reports whether the objective is a function's that has the rule's alerts,
// and what it promised.
func (r *round) guarded(rule slo.Rule, o Objective) (ratio float64, ok bool) {
	spec := r.specs[o.Function]
	if spec == nil || spec.disabled || spec.window != rule.SLOWindow {
		return 0, false
	}
	promised, ok := spec.objective(o.SLO)
	return promised.Ratio, ok
}

// mostNarrowed is how many names a query is narrowed to; where more are of interest,
// all are read.
const mostNarrowed = 2000

// narrow is PromQL matchers that let the objectives' functions through, and few others.
// Of no objective in particular, and in a replay, which reads ranges ahead, it is of all.
func (r *round) narrow(of map[Objective]bool) string {
	if r.e.replaying || len(of) == 0 {
		return ""
	}
	names := map[string]bool{}
	for o := range of {
		names[o.Function.Base()] = true
	}
	return narrowed(names)
}

func narrowed(names map[string]bool) string {
	if len(names) > mostNarrowed {
		return ""
	}
	// A name holds nothing that means anything in a regular expression.
	return fmt.Sprintf("%s=~%q", metric.Function, strings.Join(slices.Sorted(keys(names)), "|"))
}

// judge moves every alert of a rule: those of objectives that burn in one window at
// least, and those that are not inactive. All others stay inactive, so that functions
// that are well cost nothing here.
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
	if _, ok := r.guarded(rule, o); !ok {
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
	r.settleOn(key, was, v)
}

// settleOn notes where an alert stands, and that it changed where it did.
func (r *round) settleOn(key Key, was Status, v verdict) {
	if v.Status != was {
		v.Why = v.reason
		r.changed[key] = v.Status
	}
	r.verdicts[key] = v
}

// forget ends alerts that nothing defines any more. Where an objective got another
// SLO window, its old alerts stay until the new rules have spoken, so that an
// incident does not end in between.
func (r *round) forget() {
	for k := range r.e.alerts {
		if isCondition(k.SLO) || k.SLO == Test {
			continue // see conditions and drills
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
