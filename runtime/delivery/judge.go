package delivery

import (
	"fmt"
	"math"
	"strings"
	"time"

	"hadron/runtime/function"
)

// Outcome is what a comparison comes to.
type Outcome string

// The outcomes.
const (
	Pass         Outcome = "pass"
	Fail         Outcome = "fail"
	Inconclusive Outcome = "inconclusive"
)

// Verdict is the judgement of a canary.
type Verdict struct {
	Outcome  Outcome   `json:"outcome"`
	Reason   string    `json:"reason"`
	Canary   Count     `json:"canary"`
	Baseline Count     `json:"baseline"`
	Findings []Finding `json:"findings,omitempty"`
	At       time.Time `json:"at"`
}

// Count is a side's calls and errors.
type Count struct {
	Calls  uint64 `json:"calls"`
	Errors uint64 `json:"errors"`
}

// Finding is the comparison of one measure, as shares of calls or events per call.
type Finding struct {
	Measure  string  `json:"measure"`
	Outcome  Outcome `json:"outcome"`
	Canary   float64 `json:"canary"`
	Baseline float64 `json:"baseline"`
	Evidence float64 `json:"evidence"` // of harm, as a part of what fails it
	Text     string  `json:"text"`
}

// Case is what Judge is asked about.
type Case struct {
	Plan       function.Analysis // defaults filled in
	Objectives []function.Objective
	Bounds     map[string][]Bound // of latency, and of the metrics that are histograms
	Sample     Sample
	Mark       Mark
}

// Latency is the key of the bounds of durations.
const Latency = "latency"

// The shares of alpha: what all functions have in common gets most.
const (
	alphaErrors  = alpha / 2
	alphaLatency = alpha / 4
	alphaMetrics = alpha / 4
)

const (
	// slowFloor is the least excess of slow calls that is harm, as a share.
	slowFloor = 0.005
	// budgetFloor is the least excess of errors that is harm, as a part of what the
	// availability objective allows.
	budgetFloor = 0.1
	// mostTimes is how many times the baseline's events of a counter may pass.
	mostTimes = 1.5
)

// measure is one comparison on its way to a finding.
type measure struct {
	name                 string
	canary, canaryOf     float64
	baseline, baselineOf float64
	margin, floor        float64
	share                float64 // of alpha
	log                  float64 // evidence
	rate                 bool    // events, which can be more than one a call
	unreadable           string
	swapped              bool // more is better
}

// Judge compares both sides. Fail is for what is shown to be worse; it may be asked
// for at any time. Pass is for what is shown to be no worse than the margins allow; it
// may be acted on once an interval. It is pure.
func Judge(c Case) Verdict {
	s := c.Sample
	v := Verdict{
		Canary:   Count{s.Canary.Calls, s.Canary.Errors},
		Baseline: Count{s.Baseline.Calls, s.Baseline.Errors},
	}
	var measures []measure
	measures = append(measures, c.errors())
	measures = append(measures, c.latency()...)
	measures = append(measures, c.metrics()...)
	// A look is one of 1 + Patience at a step, so each has its part of beta.
	z := deviations(beta / float64(1+c.Plan.Patience))
	canary, baseline := s.since(c.Mark)
	least := uint64(c.Plan.Sample)
	enough := canary >= least && baseline >= least

	var failed, open []string
	for _, m := range measures {
		f := m.find(z)
		switch f.Outcome {
		case Fail:
			failed = append(failed, f.Text)
		case Inconclusive:
			open = append(open, f.Text)
		case Pass:
		}
		v.Findings = append(v.Findings, f)
	}
	switch {
	case len(failed) > 0:
		v.Outcome, v.Reason = Fail, strings.Join(failed, "; ")
	case !enough:
		v.Outcome = Inconclusive
		v.Reason = fmt.Sprintf("too few calls at this step: %d of the new version and %d of the baseline, of %d each", canary, baseline, least)
	case len(open) > 0:
		v.Outcome, v.Reason = Inconclusive, "not shown to be as good yet: "+open[0]
	default:
		v.Outcome = Pass
		v.Reason = fmt.Sprintf("no worse than the baseline: %s", v.Findings[0].Text)
	}
	return v
}

func (c Case) errors() measure {
	budget := 0.001
	for _, o := range c.Objectives {
		if o.Threshold == 0 {
			budget = 1 - o.Ratio
		}
	}
	a, b := c.Sample.Canary, c.Sample.Baseline
	return measure{
		name: "errors", canary: float64(a.Errors), canaryOf: float64(a.Calls), baseline: float64(b.Errors), baselineOf: float64(b.Calls),
		margin: c.Plan.Errors / 100, floor: budgetFloor * budget, share: alphaErrors,
		log: evidence(float64(a.Errors), float64(b.Errors)),
	}
}

// latency compares the shares of calls over each bound. The evidence is the mean of
// theirs, so that together they cost one part of alpha.
func (c Case) latency() []measure {
	return c.high(Latency, "slower than ", seconds, c.Sample.Canary.Took, c.Sample.Baseline.Took, alphaLatency, false)
}

func (c Case) high(key, words string, show func(float64) string, canary, baseline Histogram, share float64, higher bool) []measure {
	bounds := c.Bounds[key]
	if len(bounds) == 0 {
		return []measure{{name: key, unreadable: "too few calls to say what is usual"}}
	}
	var out []measure
	var logs []float64
	for _, b := range bounds {
		m := measure{
			name:   words + show(b.Over),
			canary: float64(canary.over(b.Over)), canaryOf: float64(canary.Count),
			baseline: float64(baseline.over(b.Over)), baselineOf: float64(baseline.Count),
			margin: c.Plan.Latency / 100, floor: slowFloor, share: share,
		}
		if b.Name == "p50" { // a half varies most, and matters least
			m.margin *= 2
		}
		bad, of := m.canary, m.baseline
		if higher { // what is not over is what is bad
			m.canary, m.baseline = m.canaryOf-m.canary, m.baselineOf-m.baseline
			m.name = "not " + m.name
			bad, of = m.canary, m.baseline
		}
		logs = append(logs, evidence(bad, of))
		out = append(out, m)
	}
	joint := mean(logs)
	for i := range out {
		// The bound that shows most carries what all of them show together.
		out[i].log = min(joint, logs[i])
	}
	return out
}

func (c Case) metrics() []measure {
	var out []measure
	n := float64(len(c.Plan.Metrics))
	for _, want := range c.Plan.Metrics {
		higher := want.Better == function.BetterHigher
		a, hasA := c.Sample.Canary.Metrics[want.Name]
		b, hasB := c.Sample.Baseline.Metrics[want.Name]
		switch {
		case !hasA && !hasB:
			out = append(out, measure{name: want.Name, unreadable: "neither side has written it"})
			continue
		case a.Gauge || b.Gauge:
			out = append(out, measure{name: want.Name, unreadable: "it is a gauge, which says nothing of a share of calls; name a counter or histogram"})
			continue
		case a.Histogram != nil || b.Histogram != nil:
			out = append(out, c.high(want.Name, want.Name+" over ", number, hist(a), hist(b), alphaMetrics/n, higher)...)
			continue
		}
		m := measure{
			name: want.Name, rate: true, canary: a.Events, canaryOf: float64(c.Sample.Canary.Calls),
			baseline: b.Events, baselineOf: float64(c.Sample.Baseline.Calls), margin: c.Plan.Errors / 100, share: alphaMetrics / n,
		}
		if higher { // fewer are bad, so the sides change places
			m.canary, m.baseline, m.canaryOf, m.baselineOf = m.baseline, m.canary, m.baselineOf, m.canaryOf
			m.swapped = true
		}
		m.log = evidence(m.canary, m.baseline)
		out = append(out, m)
	}
	return out
}

func hist(m Metric) Histogram {
	if m.Histogram == nil {
		return Histogram{}
	}
	return *m.Histogram
}

// find decides one measure.
func (m measure) find(z float64) Finding {
	if m.unreadable != "" {
		return Finding{Measure: m.name, Outcome: Inconclusive, Text: m.name + ": " + m.unreadable}
	}
	f := Finding{Measure: m.name, Canary: ratio(m.canary, m.canaryOf), Baseline: ratio(m.baseline, m.baselineOf)}
	f.Evidence = max(0, min(1, m.log/math.Log(1/m.share)))
	harmful := f.Canary-f.Baseline >= m.floor
	within := excess(m.canary, m.canaryOf, m.baseline, m.baselineOf, z) < m.margin
	if m.rate {
		few := m.canary <= m.canaryOf && m.baseline <= m.baselineOf && within
		within = few || times(m.canary, m.baseline, z) < mostTimes
	}
	switch {
	case f.Evidence >= 1 && harmful:
		f.Outcome = Fail
	case within:
		f.Outcome = Pass
	default:
		f.Outcome = Inconclusive
	}
	if m.swapped {
		f.Canary, f.Baseline = f.Baseline, f.Canary
	}
	f.Text = m.text(f)
	return f
}

func (m measure) text(f Finding) string {
	if m.rate {
		return fmt.Sprintf("%s: %.3g a call of the new version, %.3g of the baseline", m.name, f.Canary, f.Baseline)
	}
	return fmt.Sprintf("%s: %s of the new version's calls (%.0f of %.0f), %s of the baseline's (%.0f of %.0f)",
		m.name, percent(f.Canary), m.canary, m.canaryOf, percent(f.Baseline), m.baseline, m.baselineOf)
}

func ratio(part, of float64) float64 {
	if of == 0 {
		return 0
	}
	return part / of
}

func percent(r float64) string { return fmt.Sprintf("%.3g %%", 100*r) }

func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

func number(v float64) string { return fmt.Sprintf("%.4g", v) }
