package alerting

import (
	"context"
	"time"

	"hadron/collector/slo"
)

// Tick runs one evaluation now, as the loop does, and returns its error's text.
func (e *Evaluator) Tick(ctx context.Context) string {
	e.tick(ctx)
	return e.Status().LastError
}

// Load is what Start does first.
func (e *Evaluator) Load(ctx context.Context) error { return e.load(ctx) }

// Counts are the counts of a sample, for Next.
type Counts struct{ Objective, LongBad, LongAll, ShortBad, ShortAll float64 }

// Next is the pure step of one alert.
func Next(r slo.Rule, was Status, c *Counts, now time.Time) (Status, string) {
	s := noSample
	if c != nil {
		s = sample{c.Objective, c.LongBad, c.LongAll, c.ShortBad, c.ShortAll}
	}
	v := next(r, was, s, now)
	return v.Status, v.reason
}

// Page renders an event.
func Page(in Incident, action Action, r slo.Rule, objective Objective, ratio float64, threshold time.Duration, c Counts, d Details, at time.Time) Event {
	p := page{
		installation: "test", action: action, incident: in, rule: r, why: "it is well again",
		sample: sample{c.Objective, c.LongBad, c.LongAll, c.ShortBad, c.ShortAll}, details: d, at: at,
	}
	p.objective.Name, p.objective.Ratio, p.objective.Threshold = objective.SLO, ratio, threshold
	return p.event()
}

// OneLine is the cleaning of hostile text.
func OneLine(s string, most int) string { return oneLine(s, most) }
