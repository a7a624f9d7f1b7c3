package alerting

import (
	"math"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// sample is what a rule's queries say of one objective. Counts are PromQL's
// increase(); NaN where there is no series, or where the other window was calm.
type sample struct {
	objective          float64 // as the manifest has it
	longBad, longAll   float64
	shortBad, shortAll float64
}

var noSample = sample{math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()}

func (s sample) longBurn() float64  { return slo.Burn(s.longBad, s.longAll, s.objective) }
func (s sample) shortBurn() float64 { return slo.Burn(s.shortBad, s.shortAll, s.objective) }

// bad is the share of bad events over the short window, or over the long one where
// no event lies in the short; extrapolation is kept from making it more than all.
func (s sample) bad() float64 {
	share := s.shortBad / s.shortAll
	if math.IsNaN(share) {
		share = s.longBad / s.longAll
	}
	return min(1, max(0, share))
}

// present reports whether calls are coming: only then can anything be said of now.
func (s sample) present() bool { return s.shortAll > 0 && !math.IsNaN(s.shortBurn()) }

// burns is the rule as Prometheus has it.
func (s sample) burns(factor float64) bool { return s.longBurn() > factor && s.shortBurn() > factor }

// enough reports whether so many failed that it is no chance.
func (s sample) enough() bool {
	return slo.Counts{LongBad: s.longBad, LongAll: s.longAll, ShortBad: s.shortBad, ShortAll: s.shortAll}.Enough(s.objective)
}

// read sorts the answer to what a rule asked for by objective, into what was known before.
func read(points []metric.Point, c slo.Count, out map[Objective]sample) {
	for _, p := range points {
		o := Objective{}
		var team, project, base string
		for _, l := range p.Labels {
			switch l.Name {
			case metric.Team:
				team = l.Value
			case metric.Project:
				project = l.Value
			case metric.Function:
				base = l.Value
			case metric.SLO:
				o.SLO = l.Value
			}
		}
		o.Function = function.Name(team + "/" + project + "/" + base)
		s, seen := out[o]
		if !seen {
			s = noSample
		}
		switch c {
		case slo.Count{Long: true, Bad: true}:
			s.longBad = p.V
		case slo.Count{Long: true}:
			s.longAll = p.V
		case slo.Count{Bad: true}:
			s.shortBad = p.V
		default:
			s.shortAll = p.V
		}
		out[o] = s
	}
}

// either reports whether one of the windows burns, as far as they are known.
func (s sample) either(factor float64) bool { return s.longBurn() > factor || s.shortBurn() > factor }
