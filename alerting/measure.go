package alerting

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// measureEvery is how often a symptom is looked for: by one grouped query, whatever the
// number of functions. Its guards are in the query: few calls say nothing.
const measureEvery = 5 * time.Minute

// measures are the symptoms that are looked for, reasons what is said of one that was found.
var (
	measures = slices.DeleteFunc(slo.Symptoms(), func(s slo.Symptom) bool { return s.Known })
	reasons  = map[string]func(v float64) string{
		slo.WorkerKills: func(v float64) string {
			return fmt.Sprintf("%.0f calls of the last hour were lost with their worker or ran out of memory", v)
		},
		slo.TimeoutsUp: func(v float64) string { return percent(v) + " of the calls of the last hour ran into limits.timeout" },
		slo.NearTimeout: func(v float64) string {
			return percent(v) + " of the calls of the last hour ended in time with over 80 % of limits.timeout gone"
		},
		slo.ColdStarts: func(v float64) string {
			return percent(v) + " of the calls of the last hour waited for a VM to be made"
		},
		slo.Saturation: func(v float64) string {
			return percent(v) + " of limits.concurrency was in use over a quarter of an hour"
		},
		slo.LabelBudget: func(v float64) string {
			return fmt.Sprintf("%.0f of the last hour were not kept as they were made", max(1, v))
		},
		slo.Traffic: func(v float64) string {
			return fmt.Sprintf("%.0f calls came in the last hour, where there were always %d or more at this time", v, slo.UsualCalls)
		},
	}
)

// measured is what the last looks found.
type measured struct {
	at    map[string]time.Time   // by kind: when it was last looked for
	found map[string][]Condition // by kind; one that was never answered is not there
}

// awake is for how long this process must have evaluated before missing calls are the
// callers' doing and not its own: the hour that is looked at, and what a total may be late.
const awake = time.Hour + 10*time.Minute

// attend notes since when the evaluator looks without a break.
func (e *Evaluator) attend(now time.Time) {
	if e.last.IsZero() || now.Sub(e.last) > max(measureEvery, 2*e.cfg.Interval) || now.Before(e.last) {
		e.since = now
	}
	e.last = now
}

// look runs the measure that waited longest, if it is due: one in an evaluation, so that
// none takes long.
func (r *round) look(ctx context.Context) {
	m := &r.e.measured
	if r.e.replaying || r.e.cfg.Unmeasured {
		return
	}
	var due []slo.Symptom
	for _, s := range measures {
		if at, seen := m.at[s.Kind]; seen && r.now.Sub(at) < measureEvery-r.e.cfg.Interval/2 || s.Kind == slo.Traffic && r.now.Sub(r.e.since) < awake {
			continue
		}
		due = append(due, s)
	}
	if len(due) == 0 {
		return
	}
	what := slices.MinFunc(due, func(a, b slo.Symptom) int { return m.at[a.Kind].Compare(m.at[b.Kind]) })
	found, err := r.measure(ctx, what)
	if ctx.Err() != nil {
		return
	}
	m.at[what.Kind] = r.now
	if err != nil { // what was found before stays
		r.e.metrics.failures.WithLabelValues("query").Inc()
		r.errs = append(r.errs, fmt.Errorf("measure %s: %w", what.Kind, err))
		return
	}
	m.found[what.Kind] = found
}

// measure asks who has the symptom, and who has it still.
func (r *round) measure(ctx context.Context, s slo.Symptom) ([]Condition, error) {
	points, err := r.having(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make([]Condition, 0, len(points))
	seen := map[function.Name]bool{}
	for _, p := range points {
		name := named(p.Labels)
		seen[name] = true
		out = append(out, Condition{Function: name, Kind: s.Kind, Reason: reasons[s.Kind](p.V), Value: p.V})
	}
	if s.Kind == slo.LabelBudget {
		r.explain(ctx, out)
	}
	if s.Ended == "" {
		return out, nil
	}
	waiting := map[function.Name]entry{}
	for k, a := range r.e.alerts {
		if k.SLO == s.Kind && a.State == Firing && !seen[k.Function] && r.now.Sub(a.FiredAt) < slo.MaxHeld {
			waiting[k.Function] = a
		}
	}
	if len(waiting) == 0 {
		return out, nil
	}
	if points, err = r.askNow(ctx, s.Ended); err != nil {
		return nil, err
	}
	for _, p := range points {
		delete(waiting, named(p.Labels))
	}
	for name, a := range waiting {
		out = append(out, Condition{Function: name, Kind: s.Kind, Reason: "no calls to speak of since " + a.FiredAt.UTC().Format(time.RFC3339)})
	}
	return out, nil
}

// having asks who has the symptom: those that may have it first, where that is cheaper.
func (r *round) having(ctx context.Context, s slo.Symptom) ([]metric.Point, error) {
	matchers := ""
	if suspects := s.Suspects(); suspects != "" {
		points, err := r.askNow(ctx, suspects)
		if err != nil || len(points) == 0 {
			return nil, err
		}
		names := map[string]bool{}
		for _, p := range points {
			names[p.Labels.Get(metric.Function)] = true
		}
		matchers = narrowed(names)
	}
	return r.askNow(ctx, s.Expr(matchers))
}

// named is the function that a point is about.
func named(l metric.Labels) function.Name {
	return function.Name(l.Get(metric.Team) + "/" + l.Get(metric.Project) + "/" + l.Get(metric.Function))
}

// askNow asks the metric store, for as long as a query may take.
func (r *round) askNow(ctx context.Context, expr string) ([]metric.Point, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.e.cfg.QueryTimeout, errSlow)
	defer cancel()
	return r.e.cfg.Query(ctx, expr, r.now)
}
