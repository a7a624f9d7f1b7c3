package function

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Delivery says how a version of the function gets the traffic of an alias. The
// zero value is nothing said: the alias points at it at once.
type Delivery struct {
	Strategy string   `json:"strategy,omitempty"`
	Steps    []int    `json:"steps,omitempty"`   // percent of the traffic, rising
	Interval Duration `json:"interval,omitzero"` // the least that a step lasts
	Probe    Probe    `json:"probe,omitzero"`
	Analysis Analysis `json:"analysis,omitzero"`
}

// The strategies.
const (
	StrategyAtOnce    = "all-at-once" // warmed and probed, then all of it
	StrategyCanary    = "canary"      // step by step, each judged against a baseline
	StrategyBlueGreen = "blue-green"  // all of it, and the old version stays ready for an interval
	StrategyManual    = "manual"      // step by step, each when somebody promotes
)

// Strategies lists them.
var Strategies = []string{StrategyAtOnce, StrategyCanary, StrategyBlueGreen, StrategyManual}

// Probe is a request that a new version must answer before it gets traffic. An
// empty path asks for none: that it loads is enough.
type Probe struct {
	Path   string `json:"path,omitempty"`   // with its leading slash
	Expect int    `json:"expect,omitempty"` // status; any under 400 where it is 0
}

// Analysis bounds the judgement of a canary. Zero means the default.
type Analysis struct {
	Off      bool             `json:"off,omitempty"`      // steps pass by time alone; pages still roll back
	Sample   int              `json:"sample,omitempty"`   // calls of each side that a step must have seen
	Patience int              `json:"patience,omitempty"` // intervals more that an inconclusive step gets
	Errors   float64          `json:"errors,omitempty"`   // percentage points of more errors that pass
	Latency  float64          `json:"latency,omitempty"`  // percentage points of more slow calls that pass
	Metrics  []AnalysisMetric `json:"metrics,omitempty"`
}

// AnalysisMetric is a metric of the function's own that a canary is judged by: a
// counter, as events per call, or a histogram.
type AnalysisMetric struct {
	Name   string `json:"name"`
	Better string `json:"better,omitempty"` // lower, the default, or higher
}

// Which way a metric is better.
const (
	BetterLower  = "lower"
	BetterHigher = "higher"
)

// Bounds of a delivery.
const (
	MaxSteps           = 20
	MaxAnalysisMetrics = 10
	MaxInterval        = Duration(24 * time.Hour)
	MaxPatience        = 100
	maxProbePath       = 1024
)

// Said reports whether anything is asked for beside the way by default.
func (d Delivery) Said() bool { return d.Strategy != "" || d.Probe.Path != "" }

// WithDefaults fills in what the strategy needs.
func (d Delivery) WithDefaults() Delivery {
	fill(&d.Strategy, StrategyAtOnce)
	fill(&d.Interval, Duration(2*time.Minute))
	if len(d.Steps) == 0 {
		switch d.Strategy {
		case StrategyCanary:
			d.Steps = []int{5, 25, 50}
		case StrategyManual:
			d.Steps = []int{10, 50}
		}
	}
	if d.Strategy == StrategyAtOnce || d.Strategy == StrategyBlueGreen {
		d.Steps = nil
	}
	fill(&d.Analysis.Sample, 100)
	fill(&d.Analysis.Patience, 3)
	fill(&d.Analysis.Errors, 2)
	fill(&d.Analysis.Latency, 5)
	d.Analysis.Metrics = slices.Clone(d.Analysis.Metrics)
	for i := range d.Analysis.Metrics {
		fill(&d.Analysis.Metrics[i].Better, BetterLower)
	}
	return d
}

// Validate checks a delivery that was given beside a manifest. Its error is a *ManifestError.
func (d Delivery) Validate() error { return d.validate() }

func (d Delivery) validate() error {
	if d.Strategy != "" && !slices.Contains(Strategies, d.Strategy) {
		return badKey("delivery.strategy", "is one of %s", strings.Join(Strategies, ", "))
	}
	if len(d.Steps) > MaxSteps {
		return badKey("delivery.steps", "at most %d", MaxSteps)
	}
	before := 0
	for i, step := range d.Steps {
		if step <= before || step > 99 {
			return badKey(indexed("delivery.steps", i), "whole percentages from 1 to 99, each over the one before; the whole comes by itself behind the last")
		}
		before = step
	}
	if d.Interval != 0 && (d.Interval < Duration(time.Second) || d.Interval > MaxInterval) {
		return badKey("delivery.interval", "from 1s to %s", MaxInterval)
	}
	if err := d.Probe.validate(); err != nil {
		return err
	}
	return d.Analysis.validate()
}

func (p Probe) validate() error {
	if p.Path == "" && p.Expect != 0 {
		return badKey("delivery.probe.path", `is missing: give the path to ask for, such as "/healthz"`)
	}
	if p.Path != "" && (p.Path[0] != '/' || len(p.Path) > maxProbePath || strings.ContainsFunc(p.Path, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' })) {
		return badKey("delivery.probe.path", `a path from its leading slash on, such as "/healthz", at most %d bytes`, maxProbePath)
	}
	if p.Expect != 0 && (p.Expect < 200 || p.Expect > 599) {
		return badKey("delivery.probe.expect", "a status from 200 to 599")
	}
	return nil
}

func (a Analysis) validate() error {
	if a.Patience > MaxPatience {
		return badKey("delivery.analysis.patience", "at most %d", MaxPatience)
	}
	for key, points := range map[string]float64{"errors": a.Errors, "latency": a.Latency} {
		if points < 0 || points > 50 {
			return badKey("delivery.analysis."+key, "percentage points, over 0 and at most 50")
		}
	}
	if len(a.Metrics) > MaxAnalysisMetrics {
		return badKey("delivery.analysis.metrics", "at most %d", MaxAnalysisMetrics)
	}
	seen := map[string]bool{}
	for i, m := range a.Metrics {
		at := indexed("delivery.analysis.metrics", i)
		if m.Name == "" || len(m.Name) > 100 || !envPattern.MatchString(m.Name) {
			return badKey(at+".name", "the name of a counter or histogram that the function writes")
		}
		if seen[m.Name] {
			return badKey(at, "%s stands there twice", m.Name)
		}
		seen[m.Name] = true
		if m.Better != "" && m.Better != BetterLower && m.Better != BetterHigher {
			return badKey(at+".better", "is lower or higher")
		}
	}
	return nil
}

// Steps as people write them: "5,25,50".
func ParseSteps(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(part), "%"))
		if err != nil {
			return nil, badKey("delivery.steps", `write them as "5,25,50"`)
		}
		out = append(out, n)
	}
	return out, Delivery{Steps: out}.validate()
}
