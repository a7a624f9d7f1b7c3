package function

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// SLO holds a function's objectives over one window.
type SLO struct {
	Availability float64   `json:"availability,omitzero"` // percent of invocations without error
	Latency      []Latency `json:"latency,omitzero"`      // empty: none; nil: the default
	Window       Duration  `json:"window,omitzero"`
}

// Latency asks that a quantile of invocations ends within the threshold.
type Latency struct {
	Quantile  float64  `json:"quantile"` // at least 0.5, under 1
	Threshold Duration `json:"threshold"`
}

// Shape is an SLO as a value that can be compared: functions whose SLOs have the same
// one promise the same, and can share what follows from it.
type Shape struct {
	availability float64
	latency      [maxLatency]Latency
	window       Duration
}

// Shape returns the SLO's shape.
func (s SLO) Shape() Shape {
	out := Shape{availability: s.Availability, window: s.Window}
	copy(out.latency[:], s.Latency)
	return out
}

// Windows are the lengths an SLO can have.
var Windows = []Duration{
	Duration(time.Hour), Duration(6 * time.Hour), Duration(12 * time.Hour), days(1), days(7), days(28), days(30), days(90),
}

func days(n int) Duration { return Duration(time.Duration(n) * day) }

// DefaultSLO is the objectives of a manifest that names none.
func DefaultSLO() SLO {
	return SLO{
		Availability: 99.9,
		Latency:      []Latency{{Quantile: 0.99, Threshold: Duration(300 * time.Millisecond)}},
		Window:       days(30),
	}
}

func (s SLO) or(d SLO) SLO {
	fill(&s.Availability, d.Availability)
	fill(&s.Window, d.Window)
	if s.Latency == nil {
		s.Latency = d.Latency
	}
	return s
}

func (s SLO) validate() error {
	if s.Availability < 50 || s.Availability >= 100 {
		return badKey("slo.availability", "a percentage from 50 to under 100, such as 99.9")
	}
	if len(s.Latency) > maxLatency {
		return badKey("slo.latency", "at most %d objectives", maxLatency)
	}
	seen := map[string]bool{}
	for i, l := range s.Latency {
		key := "slo.latency[" + strconv.Itoa(i) + "]"
		if l.Quantile < 0.5 || l.Quantile >= 1 {
			return badKey(key+".quantile", "from 0.5 to under 1, such as 0.99")
		}
		if l.Threshold <= 0 {
			return badKey(key+".threshold", `is missing: give a duration, such as "300ms"`)
		}
		name := l.Name()
		if seen[name] {
			return badKey(key, "there are two objectives named %s; keep one", name)
		}
		seen[name] = true
	}
	if !slices.Contains(Windows, s.Window) {
		return badKey("slo.window", "is one of %s", windowNames())
	}
	return nil
}

func windowNames() string {
	names := make([]string, len(Windows))
	for i, w := range Windows {
		names[i] = w.String()
	}
	return strings.Join(names, " ")
}

// Objective is one promise of an SLO: the share of events that must be good.
type Objective struct {
	Name      string        // "availability" or "latency-p99"; the value of the label slo
	Ratio     float64       // 0.999 for 99.9 %
	Threshold time.Duration // 0 for availability: an error is bad; else slower than this is bad
}

// Name is the objective's name, "latency-p99" or "latency-p99-9" for 0.999.
func (l Latency) Name() string {
	percent := strconv.FormatFloat(shift(l.Quantile, 2), 'f', -1, 64)
	return "latency-p" + strings.ReplaceAll(percent, ".", "-")
}

// Objectives lists the SLO's promises, availability first.
func (s SLO) Objectives() []Objective {
	out := make([]Objective, 0, 1+len(s.Latency))
	out = append(out, Objective{Name: "availability", Ratio: shift(s.Availability, -2)})
	for _, l := range s.Latency {
		out = append(out, Objective{Name: l.Name(), Ratio: l.Quantile, Threshold: time.Duration(l.Threshold)})
	}
	return out
}

// shift moves the decimal point of a number as it is written, so that 99.9 gives
// the float nearest 0.999, which a division may miss.
func shift(v float64, places int) float64 {
	moved, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', -1, 64)+"e"+strconv.Itoa(places), 64)
	if err != nil {
		return v
	}
	return moved
}
