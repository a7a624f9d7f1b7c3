package dashgen

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// RuleTests writes cases for promtool test rules over the file that Rules renders in
// Prometheus's format, which they take to be at rulesFile: for each SLO window, budgets
// that burn a little faster and a little more slowly than each factor, a burst too short
// to matter, a fault that was mended, and a function that nobody calls; and for each symptom
// a function that has it and one that almost has. objectives are the function's own;
// without a function, an example stands for all. It is pure; its
// errors wrap ErrRules.
func RuleTests(s RulesSpec, rulesFile string, objectives []function.Objective) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	name := s.Function
	if name == "" {
		name, objectives = "team/project/function", []function.Objective{{Name: "availability", Ratio: 0.999}}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Run with: promtool test rules THIS-FILE; %s is what hadron rules render wrote.\n", oneRow(rulesFile))
	fmt.Fprintf(&b, "rule_files: [%s]\n", quoted(oneRow(rulesFile)))
	windows := slices.Compact(slices.Sorted(slices.Values(s.Windows)))
	var tests strings.Builder
	pace := time.Duration(0)
	for _, w := range windows {
		c := s.course(name, w)
		pace = max(pace, c.pace)
	}
	if pace == 0 {
		b.WriteString("tests: []\n")
		return []byte(b.String()), nil
	}
	for _, w := range windows {
		c := s.course(name, w)
		c.pace = pace
		for _, o := range objectives {
			for _, h := range c.histories(1 - o.Ratio) {
				if err := c.write(&tests, o, h); err != nil {
					return nil, fmt.Errorf("%w: %w", ErrRules, err)
				}
			}
		}
	}
	for _, g := range s.groups() {
		for _, a := range g.Symptoms {
			if err := writeSymptom(&tests, name, a, pace); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrRules, err)
			}
		}
	}
	fmt.Fprintf(&b, "evaluation_interval: %s\ntests:\n%s", duration(pace), tests.String())
	return []byte(b.String()), nil
}

func oneRow(text string) string { return strings.Join(strings.Fields(text), " ") }

// course is what the cases of one SLO window have in common.
type course struct {
	name    function.Name
	window  time.Duration
	rules   []slo.Rule
	step    time.Duration // between samples
	pace    time.Duration // between evaluations: a whole history, so that few are made
	longest time.Duration // of the alert windows
	short   time.Duration // the longest of the short ones
	burst   time.Duration // the shortest of them
}

// steps are times between samples. Each is a multiple of the next, and under the five
// minutes after which Prometheus takes a series for gone.
var steps = []time.Duration{
	time.Minute, 30 * time.Second, 10 * time.Second, 5 * time.Second, time.Second, 500 * time.Millisecond, 100 * time.Millisecond,
	50 * time.Millisecond, 10 * time.Millisecond, 5 * time.Millisecond, time.Millisecond,
}

// stepOf is the longest step that is no longer than d.
func stepOf(d time.Duration) time.Duration {
	for _, step := range steps {
		if step <= d {
			return step
		}
	}
	return time.Millisecond
}

func (s RulesSpec) course(name function.Name, window time.Duration) course {
	c := course{name: name, window: window, burst: window}
	for _, g := range s.groupsOf(window) {
		c.rules = append(c.rules, g.Alerts...)
		for _, r := range g.Alerts {
			c.burst = min(c.burst, r.Window.Short)
			c.longest, c.short = max(c.longest, r.Window.Long), max(c.short, r.Window.Short)
		}
	}
	c.step = stepOf(c.burst / 5)
	c.burst = c.burst.Truncate(c.step)
	c.pace = (c.whole() + time.Minute - 1).Truncate(time.Minute)
	return c
}

func (s RulesSpec) groupsOf(window time.Duration) []slo.Group {
	one := s
	one.Windows = []time.Duration{window}
	return one.groups()
}

// history is phases of constant burn rates, and what fires at its end.
type history struct {
	what   string
	phases []phase
	calls  bool
}

type phase struct {
	length time.Duration
	burn   float64 // times the sustainable rate
}

// whole is a history that fills every window, whichever of its edges counts.
func (c course) whole() time.Duration { return c.up(c.longest) + 2*c.step }

// up is d in whole steps.
func (c course) up(d time.Duration) time.Duration { return (d + c.step - 1).Truncate(c.step) }

// histories are the cases that an objective with such a budget can have.
func (c course) histories(budget float64) []history {
	var factors []float64
	for _, r := range c.rules {
		factors = append(factors, r.Window.Factor)
	}
	slices.Sort(factors)
	factors = slices.Compact(factors)
	whole := c.whole()
	out := []history{{what: "nobody calls", phases: []phase{{whole, 0}}}}
	steady := func(burn float64) bool {
		bad := calls * burn * budget
		if bad > calls || math.Abs(math.Round(bad)-bad) > bad/1000 {
			return false // it takes more than every call, or a share of one
		}
		out = append(out, history{
			what:   fmt.Sprintf("the budget burns steadily at %s times the sustainable rate", number(burn)),
			phases: []phase{{whole, burn}}, calls: true,
		})
		return true
	}
	steady(twoDigits(factors[0] / 2))
	top := 0.0
	for i, f := range factors {
		burn := twoDigits(f * 1.3)
		if i+1 < len(factors) {
			burn = twoDigits((f + factors[i+1]) / 2)
		}
		if burn <= f*1.02 || i+1 < len(factors) && burn >= factors[i+1]*0.98 {
			continue // no round rate lies between the two
		}
		if steady(burn) {
			top = burn
		}
	}
	if top == 0 {
		return out
	}
	out = append(out, history{
		what: "a fault was mended", calls: true,
		phases: []phase{{whole, top}, {c.up(c.short) + 2*c.step, 0}},
	})
	burst := history{what: "a burst too short to matter", phases: []phase{{whole, 0}, {c.burst, top}}, calls: true}
	if !slices.ContainsFunc(c.rules, func(r slo.Rule) bool { return burst.over(r.Window.Long) > r.Window.Factor*0.8 }) {
		out = append(out, burst)
	}
	return out
}

// over is the burn rate over the last d of the history.
func (h history) over(d time.Duration) float64 {
	left, sum := d, 0.0
	for _, p := range slices.Backward(h.phases) {
		part := min(left, p.length)
		sum += p.burn * float64(part)
		left -= part
	}
	return sum / float64(d)
}

func (h history) length() time.Duration {
	var d time.Duration
	for _, p := range h.phases {
		d += p.length
	}
	return d
}

// twoDigits rounds to two significant digits: a rate like that prints alike, whatever the
// last bits of its floats are.
func twoDigits(f float64) float64 {
	scale := math.Pow(10, 1-math.Floor(math.Log10(f)))
	return math.Round(f*scale) / scale
}

// calls is how many events there are in a step, of each of two versions on two nodes: so
// many that a share of them is exact.
const calls = 1_000_000_000

func (c course) write(b *strings.Builder, o function.Objective, h history) error {
	fmt.Fprintf(b, "  - name: %s\n    interval: %s\n    input_series:\n",
		quoted(fmt.Sprintf("%s, %s over %s: %s", c.name, o.Name, function.Duration(c.window), h.what)), duration(c.step))
	of := fmt.Sprintf("%s=%q,%s=%q,%s=%q,%s=%q", metric.Team, c.name.Team(), metric.Project, c.name.Project(),
		metric.Function, c.name.Base(), metric.SLO, o.Name)
	series := func(selector, values string) {
		fmt.Fprintf(b, "      - series: %s\n        values: %s\n", quoted(selector), quoted(values))
	}
	at := (h.length() + c.pace - 1).Truncate(c.pace)
	before := fmt.Sprintf("_x%d ", (at-h.length())/c.step)
	if at == h.length() {
		before = ""
	}
	series(fmt.Sprintf("%s{%s,%s=%q}", metric.Objective, of, metric.Window, function.Duration(c.window)),
		fmt.Sprintf("%s%s+0x%d", before, number(o.Ratio), h.length()/c.step))
	for i := 1; i <= 2; i++ {
		one := fmt.Sprintf(`{%s,%s="%d",%s="node-%d",%s=%q}`, of, metric.Version, i, metric.Instance, i, metric.Job, metric.JobValue)
		all, bad := counter{}, counter{}
		for _, p := range h.phases {
			n, share := int(p.length/c.step), p.burn*(1-o.Ratio)
			each := 0.0
			if h.calls {
				each = calls
			}
			all.add(each, n)
			bad.add(math.Round(each*share), n)
		}
		series(metric.Events+one, before+all.text)
		series(metric.BadEvents+one, before+bad.text)
	}
	fmt.Fprintf(b, "    alert_rule_test:\n      - eval_time: %s\n        alertname: %s\n        exp_alerts:", duration(at), slo.AlertName)
	fires := 0
	for _, r := range c.rules {
		if !h.calls || h.over(r.Window.Long) <= r.Window.Factor || h.over(r.Window.Short) <= r.Window.Factor {
			continue
		}
		if fires++; fires == 1 {
			b.WriteString("\n")
		}
		if err := c.expect(b, o, r, h.over(r.Window.Long)); err != nil {
			return err
		}
	}
	if fires == 0 {
		b.WriteString(" []\n")
	}
	return nil
}

// counter is a counter in promtool's notation.
type counter struct {
	text string
	at   float64
}

// add lets it grow by each for n steps more.
func (c *counter) add(each float64, n int) {
	if c.text == "" {
		c.text = fmt.Sprintf("0+%sx%d", number(each), n)
	} else {
		c.text += fmt.Sprintf(" %s+%sx%d", number(c.at+each), number(each), n-1)
	}
	c.at += each * float64(n)
}

// expect writes an alert as promtool is to find it.
func (c course) expect(b *strings.Builder, o function.Objective, r slo.Rule, burn float64) error {
	return expect(b, c.name, r.Alert(), o.Name, burn)
}

// expect writes an alert of a function as promtool is to find it; its own labels win.
func expect(b *strings.Builder, name function.Name, a slo.Alert, objective string, value float64) error {
	labels := map[string]string{
		metric.Team: name.Team(), metric.Project: name.Project(), metric.Function: name.Base(), metric.SLO: objective,
	}
	for _, p := range a.Labels {
		labels[p.Name] = p.Value
	}
	b.WriteString("          - exp_labels:\n")
	for _, key := range sortedKeys(labels) {
		fmt.Fprintf(b, "              %s: %s\n", key, quoted(labels[key]))
	}
	b.WriteString("            exp_annotations:\n")
	pairs := slices.Clone(a.Annotations)
	slices.SortFunc(pairs, func(x, y slo.Pair) int { return strings.Compare(x.Name, y.Name) })
	for _, p := range pairs {
		// As Prometheus does it: its templates are Go's, with two variables before them.
		t, err := template.New(p.Name).Parse("{{ $labels := .Labels }}{{ $value := .Value }}" + p.Value)
		if err != nil {
			return fmt.Errorf("read annotation %s: %w", p.Name, err)
		}
		var text strings.Builder
		if err := t.Execute(&text, map[string]any{"Labels": labels, "Value": value}); err != nil {
			return fmt.Errorf("write annotation %s: %w", p.Name, err)
		}
		fmt.Fprintf(b, "              %s: %s\n", p.Name, quoted(text.String()))
	}
	return nil
}

// duration is d in Prometheus's notation.
func duration(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}
