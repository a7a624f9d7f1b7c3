package dashgen

import (
	"fmt"
	"strings"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// sign is a series in which a symptom shows, or its traffic: what it does for most of the
// history and, where a turn is given, what it does afterwards. A gauge has the value, a
// counter grows by it each step.
type sign struct {
	name, label  string // label as `code="timeout"`, or empty
	gauge        bool
	ill, well    float64
	turn         time.Duration // before the end; 0: it never changes
	illTo, wellT float64
}

// signs are the series of each symptom: of a function that has it, and of one that
// almost has it.
func signs(kind string) (all []sign, step, length time.Duration) {
	called := sign{name: metric.Invocations, label: `trigger="http"`, ill: 100, well: 100}
	step, length = time.Minute, 2*time.Hour
	switch kind {
	case slo.Quarantine:
		return []sign{{name: metric.Quarantined, gauge: true, ill: 1}}, step, length
	case slo.Rollout:
		return []sign{{name: metric.TakenBack, gauge: true, ill: 1}}, step, length
	case slo.WorkerKills:
		return []sign{called, {name: metric.Errors, label: `code="worker_lost"`, ill: 1, well: 0.05}}, step, length
	case slo.TimeoutsUp:
		return []sign{called, {name: metric.Timeouts, ill: 2, well: 0.5}}, step, length
	case slo.NearTimeout:
		return []sign{called, {name: metric.NearTimeout, ill: 2, well: 0.5}}, step, length
	case slo.ColdStarts:
		return []sign{called, {name: metric.ColdStarts, ill: 30, well: 10}}, step, length
	case slo.Saturation:
		return []sign{
			{name: metric.Concurrency, gauge: true, ill: 64, well: 64}, {name: metric.InFlight, gauge: true, ill: 62, well: 50},
		}, step, length
	case slo.LabelBudget:
		return []sign{{name: metric.Dropped, label: `reason="series"`, ill: 1}}, step, length
	case slo.Traffic:
		return []sign{
			{name: metric.Invocations, label: `trigger="http"`, ill: 100, well: 100, turn: 2 * time.Hour, illTo: 1, wellT: 10},
		}, 5 * time.Minute, 9 * 24 * time.Hour
	}
	return nil, step, length
}

// writeSymptom writes two cases of a symptom's alert.
func writeSymptom(b *strings.Builder, name function.Name, a slo.Alert, pace time.Duration) error {
	kind := ""
	for _, p := range a.Labels {
		if p.Name == metric.SLO {
			kind = p.Value
		}
	}
	all, step, length := signs(kind)
	at := (length + pace - 1).Truncate(pace)
	for _, ill := range []bool{true, false} {
		what := "has it"
		if !ill {
			what = "almost has it"
		}
		fmt.Fprintf(b, "  - name: %s\n    interval: %s\n    input_series:\n", quoted(fmt.Sprintf("%s, %s: a function that %s", name, a.Name, what)), duration(step))
		for _, s := range all {
			of := fmt.Sprintf("%s=%q,%s=%q,%s=%q,%s=%q", metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(), metric.Version, "1")
			if s.label != "" {
				of += "," + s.label
			}
			fmt.Fprintf(b, "      - series: %s\n        values: %s\n", quoted(s.name+"{"+of+"}"), quoted(s.values(ill, int(at/step), step)))
		}
		fmt.Fprintf(b, "    alert_rule_test:\n      - eval_time: %s\n        alertname: %s\n        exp_alerts:", duration(at), a.Name)
		if !ill {
			b.WriteString(" []\n")
			continue
		}
		b.WriteString("\n")
		if err := expect(b, name, a, kind, 0); err != nil {
			return err
		}
	}
	return nil
}

// values is the series in promtool's notation.
func (s sign) values(ill bool, steps int, step time.Duration) string {
	first, then := s.well, s.wellT
	if ill {
		first, then = s.ill, s.illTo
	}
	turn := int(s.turn / step)
	if s.gauge {
		return fmt.Sprintf("%sx%d", number(first), steps)
	}
	c := counter{}
	c.add(first, steps-turn)
	if turn > 0 {
		c.add(then, turn)
	}
	return c.text
}
