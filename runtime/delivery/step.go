package delivery

import (
	"fmt"
	"maps"
	"time"

	"hadron/runtime/function"
)

// leastPooled is how many calls of both sides together say what is usual.
const leastPooled = 50

// atStep decides about a rollout whose new version has traffic.
func (m *move) atStep() {
	if m.o.Harm != "" {
		m.back(RolledBack, m.o.Harm, "")
		return
	}
	if m.r.Plan.Strategy == function.StrategyBlueGreen {
		m.watch()
		return
	}
	outcome := m.judge()
	if outcome == Fail {
		m.event(EventVerdict, "fail: "+m.r.Verdict.Reason, "")
		m.back(RolledBack, "worse than the baseline: "+m.r.Verdict.Reason, "")
		return
	}
	if m.r.State == Paused || m.now.Sub(m.stepBegan()) < m.r.Plan.Interval.Times(m.r.Extensions+1) {
		return
	}
	switch {
	case outcome == Pass && m.held():
	case outcome == Pass:
		m.event(EventVerdict, fmt.Sprintf("pass: step %d, %s", m.r.Step, m.passed()), "")
		m.onward("")
	case m.r.Extensions < m.r.Plan.Analysis.Patience:
		m.r.Extensions++
		m.r.Reason = fmt.Sprintf("step %d waits for %s more (%d of %d): %s", m.r.Step, m.r.Plan.Interval, m.r.Extensions, m.r.Plan.Analysis.Patience, m.open())
		m.event(EventVerdict, "inconclusive: "+m.r.Reason, "")
	default:
		reason := fmt.Sprintf("step %d stayed inconclusive: %s", m.r.Step, m.open())
		m.event(EventVerdict, "inconclusive: "+reason, "")
		m.back(Stopped, reason, "")
	}
}

// stepBegan is since when the step is judged: counts that began later, with a process,
// make it last longer and never shorter.
func (m *move) stepBegan() time.Time {
	began := m.r.StepAt
	if s := m.o.Sample; s != nil && s.Since.After(began) {
		began = s.Since
	}
	return began
}

// judge compares both sides. What cannot be read is inconclusive.
func (m *move) judge() Outcome {
	if m.r.Plan.Analysis.Off {
		return Pass
	}
	if m.o.Sample == nil {
		m.r.Verdict = nil
		return Inconclusive
	}
	m.fixBounds()
	mark := m.r.Mark
	if m.o.Sample.Since.After(m.r.StepAt) {
		mark = Mark{} // counts began anew with the process, at this step
	}
	v := Judge(Case{
		Plan: m.r.Plan.Analysis, Objectives: m.o.Objectives, Bounds: m.r.Bounds, Sample: *m.o.Sample, Mark: mark,
	})
	v.At = m.now
	m.r.Verdict = &v
	return v.Outcome
}

func (m *move) passed() string {
	if m.r.Verdict == nil {
		return "its time is over"
	}
	return m.r.Verdict.Reason
}

func (m *move) open() string {
	switch {
	case m.o.Trouble != "":
		return "the metrics cannot be read: " + m.o.Trouble
	case m.r.Verdict != nil:
		return m.r.Verdict.Reason
	}
	return "there are no metrics"
}

// fixBounds says once what is slow, and high in the function's own histograms, for
// the rest of the rollout: a bound that moved with the data would make the evidence
// worth nothing.
func (m *move) fixBounds() {
	s := *m.o.Sample
	fixed := maps.Clone(m.r.Bounds)
	if fixed == nil {
		fixed = map[string][]Bound{}
	}
	fix := func(key string, h Histogram, promised []function.Objective) {
		if _, done := fixed[key]; done || h.Count < leastPooled {
			return
		}
		bounds := boundsOf(h)
		for _, o := range promised {
			if o.Threshold > 0 {
				bounds = append(bounds, Bound{o.Name, o.Threshold.Seconds()})
			}
		}
		fixed[key] = bounds
	}
	usual := s.Canary.Took.add(s.Baseline.Took)
	if m.o.History != nil && m.o.History.Count >= leastPooled {
		usual = *m.o.History
	}
	fix(Latency, usual, m.o.Objectives)
	for _, want := range m.r.Plan.Analysis.Metrics {
		a, b := s.Canary.Metrics[want.Name], s.Baseline.Metrics[want.Name]
		if a.Histogram != nil || b.Histogram != nil {
			fix(want.Name, hist(a).add(hist(b)), nil)
		}
	}
	if len(fixed) == len(m.r.Bounds) {
		return
	}
	for key, bounds := range fixed {
		if _, before := m.r.Bounds[key]; before {
			continue
		}
		show := number
		if key == Latency {
			show = seconds
		}
		text := key + " is compared over"
		for i, b := range bounds {
			if i > 0 {
				text += ","
			}
			text += " " + show(b.Over) + " (" + b.Name + ")"
		}
		m.event(EventState, text, "")
	}
	m.r.Bounds = fixed
}

// watch is a blue-green deployment between its switch and its end.
func (m *move) watch() {
	if m.r.State == Paused || m.now.Sub(m.r.StepAt) < time.Duration(m.r.Plan.Interval) || m.held() {
		return
	}
	m.promote("")
}

func (m *move) onward(by string) {
	if m.r.Step >= len(m.r.Plan.Steps) {
		m.promote(by)
		return
	}
	m.step(m.r.Step+1, by)
}

// command does what somebody asks, where Allowed says that it can be.
func (m *move) command(c Command) {
	if Allowed(m.r, c.Verb) != nil {
		return
	}
	switch c.Verb {
	case Pause:
		m.event(EventCommand, "paused", c.By)
		m.become(Paused, fmt.Sprintf("paused by %s; a worse version is still rolled back", c.By), c.By)
	case Resume:
		m.event(EventCommand, "resumed", c.By)
		m.become(Running, "resumed by "+c.By, c.By)
	case Promote:
		m.event(EventCommand, "promoted to the next step", c.By)
		m.onward(c.By)
	case Finish:
		m.event(EventCommand, "promoted all the way", c.By)
		m.promote(c.By)
	case Abort:
		reason := "aborted by " + c.By
		if c.Reason != "" {
			reason += ": " + c.Reason
		}
		m.event(EventCommand, reason, c.By)
		if m.r.State.live() {
			m.back(Aborted, reason, c.By)
			return
		}
		m.end(Aborted, reason, c.By)
	}
}
