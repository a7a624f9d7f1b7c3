package slo

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hadron/runtime/function"
)

// The series and labels that rules read; a test holds them to collector/metric,
// which a leaf may not import.
const (
	events      = "hadron_slo_events_total"
	badEvents   = "hadron_slo_bad_events_total"
	objectives  = "hadron_slo_objective"
	windowLabel = "window"
	perFunction = "team, project, function, slo"
)

// The series that recording rules write, beside what they are made from.
const (
	BurnRecord   = "hadron_slo:burn_rate"   // team project function slo window slo_window
	BudgetRecord = "hadron_slo:budget_left" // team project function slo slo_window
)

// AlertName is the name of every burn rate alert: what differs is in labels.
const AlertName = "SLOBurnRate"

// Labels of alerts and recorded series, beside team, project, function and slo.
const (
	WindowLabel    = windowLabel // of an alert "1h/5m", of a recorded series "1h"
	SLOWindowLabel = "slo_window"
	ClassLabel     = "class"
	SeverityLabel  = "severity"
)

// Severity is the class in PagerDuty's and Alertmanager's words.
func (c Class) Severity() string {
	if c == Page {
		return "critical"
	}
	return "warning"
}

// Rule is one alert over all functions that have an SLO of one length: it holds
// for a function's objective while the budget burns faster than Window.Factor
// over both of its windows.
type Rule struct {
	SLOWindow time.Duration
	Window    Window
	Interval  time.Duration // between evaluations
	For       time.Duration // it must hold this long before it fires; usually 0, the long window is wait enough
	Function  function.Name // whose objectives; empty: every function's
	Notes     []Pair        // annotations beside the rule's own
	Raw       bool          // its evaluator has no rollups: what it asks counts raw samples, however long the window
}

// Rules lists the rules of one SLO window, fastest first: one for each pair of
// alert windows, however many functions there are.
func Rules(window, interval time.Duration) []Rule {
	var out []Rule
	for _, w := range Windows(window, interval) {
		out = append(out, Rule{SLOWindow: window, Window: w, Interval: pace(w.Short, interval)})
	}
	return out
}

// slowest is the longest time between evaluations: under the five minutes after
// which Prometheus takes a series for gone.
const slowest = 2 * time.Minute

// pace is how often a window is looked at: each 120th of its length, since more
// often shows nothing new and a window of days is dear to read.
func pace(window, interval time.Duration) time.Duration {
	return max(interval, min(window/120, slowest).Truncate(interval))
}

// SLOWindowName is the SLO window as labels have it: "30d".
func (r Rule) SLOWindowName() string { return function.Duration(r.SLOWindow).String() }

// Pair is one label.
type Pair struct{ Name, Value string }

// Labels are what the rule adds to the labels of the function's objective.
func (r Rule) Labels() []Pair {
	return []Pair{
		{ClassLabel, string(r.Window.Class)},
		{SeverityLabel, r.Window.Class.Severity()},
		{SLOWindowLabel, r.SLOWindowName()},
		{windowLabel, r.Window.Name()},
	}
}

// Expr is the condition as Prometheus would run it; its value is the burn rate
// over the long window.
func (r Rule) Expr() string {
	factor, of := number(r.Window.Factor), scope{name: r.Function}
	return fmt.Sprintf("(\n%s\n> %s\n)\nand\n(\n%s\n> %s\n)\nand\n%s",
		of.burn(r.SLOWindow, r.Window.Long), factor, of.burn(r.SLOWindow, r.Window.Short), factor, of.enough(r))
}

// Count is what a rule asks for: bad or all events of every function's objectives, in one
// of its windows.
type Count struct{ Long, Bad bool }

// Ask is PromQL for a count, by team, project, function and slo. Nothing is filtered out:
// "no event" and "no series" differ. Matchers, comma-separated, narrow it; empty asks of
// every function.
func (r Rule) Ask(c Count, matchers string) string {
	series, d, counted := events, r.Window.Short, Increase
	if c.Bad {
		series = badEvents
	}
	if c.Long {
		d = r.Window.Long
	}
	if r.Raw {
		counted = increase
	}
	return counted(series, matchers, d)
}

// LongFirst reports whether the long window is the one that is read faster: where it is
// counted from rollups. A rule holds only where both windows burn, so that whoever is
// calm in this one needs no look at the other.
func (r Rule) LongFirst() bool { return r.Window.Long >= RollupsFrom && !r.Raw }

// scope is whose series an expression reads: one function's, or those of all, narrowed by
// matchers where there are any.
type scope struct {
	name   function.Name
	narrow string
}

// matchers let the scope's series through, comma-separated; empty: all.
func (of scope) matchers(more ...string) string {
	if n := of.name; n != "" {
		more = append([]string{
			fmt.Sprintf("team=%q", n.Team()), fmt.Sprintf("project=%q", n.Project()), fmt.Sprintf("function=%q", n.Base()),
		}, more...)
	}
	if of.narrow != "" {
		more = append([]string{of.narrow}, more...)
	}
	return strings.Join(more, ",")
}

// series selects a series of the scope.
func (of scope) series(name string, more ...string) string {
	return selector(name, of.matchers(more...))
}

// burn is the burn rate over d of every function with an SLO of that length; a
// function without events in d has none.
func (of scope) burn(window, d time.Duration) string {
	return fmt.Sprintf("  sum by (%[1]s) (rate(%[2]s[%[4]s]))\n/ (sum by (%[1]s) (rate(%[3]s[%[4]s])) > 0)\n/ (1 - %[5]s)",
		perFunction, of.series(badEvents), of.series(events), rangeOf(d), of.objective(window))
}

// recordedBurn is burn, but of a wide window by what counts events: where rollups do,
// three days of ten thousand functions are not 700 million raw samples.
func (of scope) recordedBurn(window, d time.Duration, increase func(counter, matchers string, d time.Duration) string) string {
	if d < RollupsFrom {
		return of.burn(window, d)
	}
	return fmt.Sprintf("  %s\n/ (%s > 0)\n/ (1 - %s)",
		increase(badEvents, of.matchers(), d), increase(events, of.matchers(), d), of.objective(window))
}

// budget is the share of the error budget that is left, exact over the SLO
// window: a sum of events, not a mean of ratios. Without events it is 1.
func (of scope) budget(window time.Duration, increase func(counter, matchers string, d time.Duration) string) string {
	return fmt.Sprintf("1 -\n  %s\n/ (%s > 0)\n/ (1 - %[3]s)\nor 0 * %[3]s + 1",
		increase(badEvents, of.matchers(), window), increase(events, of.matchers(), window), of.objective(window))
}

func (of scope) objective(window time.Duration) string {
	return fmt.Sprintf("max by (%s) (%s)", perFunction,
		of.series(objectives, fmt.Sprintf("%s=%q", windowLabel, function.Duration(window))))
}

// rangeOf is d in PromQL, which knows no fractions.
func rangeOf(d time.Duration) string {
	if d%time.Second != 0 {
		return promDuration(d)
	}
	return function.Duration(d).String()
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Record is one recording rule.
type Record struct {
	Name   string
	Expr   string
	Labels []Pair
}

// Group is rules that are evaluated together.
type Group struct {
	Name     string
	Interval time.Duration
	Records  []Record
	Alerts   []Rule
	Symptoms []Alert // beside the rules of budgets
}

// Alert is an alert as others evaluate it.
type Alert struct {
	Name        string
	Expr        string
	For         time.Duration
	KeepFiring  time.Duration // it goes on for so long after its condition
	Reach       time.Duration // how far back Expr looks
	Labels      []Pair
	Annotations []Pair
}

// Alert is the rule as others evaluate it.
func (r Rule) Alert() Alert {
	return Alert{Name: AlertName, Expr: r.Expr(), For: r.For, Reach: r.Window.Long, Labels: r.Labels(), Annotations: r.Annotations()}
}

// All are the group's alerts of either sort.
func (g Group) All() []Alert {
	out := make([]Alert, 0, len(g.Alerts)+len(g.Symptoms))
	for _, r := range g.Alerts {
		out = append(out, r.Alert())
	}
	return append(out, g.Symptoms...)
}

// Groups are all rules for the given SLO windows: of each, a group for every
// alert, one that records the burn rate over every alert window, and one that
// records what is left of the budget. Their number depends on nothing else.
func Groups(windows []time.Duration, interval time.Duration) []Group {
	return groups("", windows, interval, Increase)
}

// GroupsFor are the rules for others to evaluate, who have no rollups: of one function
// alone, of every function where name is empty.
// One more group than of budgets has the symptoms. Notes are annotations beside each
// alert's own.
func GroupsFor(name function.Name, windows []time.Duration, interval time.Duration, notes []Pair) []Group {
	out := groups(name, windows, interval, increase)
	for i := range out {
		for j := range out[i].Alerts {
			out[i].Alerts[j].Notes = notes
		}
	}
	if len(out) == 0 {
		return nil
	}
	g := Group{Name: "hadron-symptoms", Interval: max(interval, slowest)}
	if name != "" {
		g.Name += "-" + strings.ReplaceAll(string(name), "/", ".")
	}
	for _, s := range Symptoms() {
		g.Symptoms = append(g.Symptoms, s.alert(name, notes))
	}
	return append(out, g)
}

func groups(name function.Name, windows []time.Duration, interval time.Duration, increase func(counter, matchers string, d time.Duration) string) []Group {
	of := scope{name: name}
	windows = slices.Compact(slices.Sorted(slices.Values(windows)))
	var out []Group
	for _, window := range windows {
		prefix := "hadron-slo-" + function.Duration(window).String()
		if name != "" {
			prefix = "hadron-slo-" + strings.ReplaceAll(string(name), "/", ".") + "-" + function.Duration(window).String()
		}
		label := Pair{SLOWindowLabel, function.Duration(window).String()}
		var spans []time.Duration
		for _, rule := range Rules(window, interval) {
			rule.Function = name
			spans = append(spans, rule.Window.Long, rule.Window.Short)
			out = append(out, Group{
				Name:     fmt.Sprintf("%s-%s-%s", prefix, rule.Window.Class, strings.ReplaceAll(rule.Window.Name(), "/", "-")),
				Interval: rule.Interval, Alerts: []Rule{rule},
			})
		}
		slices.Sort(spans)
		for _, d := range slices.Compact(spans) {
			out = append(out, Group{
				Name: prefix + "-burn-" + rangeOf(d), Interval: pace(d, interval),
				Records: []Record{{BurnRecord, of.recordedBurn(window, d, increase), []Pair{label, {windowLabel, rangeOf(d)}}}},
			})
		}
		out = append(out, Group{
			Name: prefix + "-budget", Interval: pace(window, interval),
			Records: []Record{{BudgetRecord, of.budget(window, increase), []Pair{label}}},
		})
	}
	return out
}

// Render writes groups as a Prometheus rule file. The same groups give the same bytes.
func Render(groups []Group) []byte {
	var b strings.Builder
	if len(groups) == 0 {
		return []byte("groups: []\n")
	}
	b.WriteString("groups:\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "  - name: %s\n    interval: %s\n    rules:\n", quote(g.Name), promDuration(g.Interval))
		for _, r := range g.Records {
			fmt.Fprintf(&b, "      - record: %s\n", quote(r.Name))
			renderExpr(&b, r.Expr)
			renderPairs(&b, "labels", r.Labels)
		}
		for _, a := range g.All() {
			fmt.Fprintf(&b, "      - alert: %s\n", a.Name)
			renderExpr(&b, a.Expr)
			if a.For > 0 {
				fmt.Fprintf(&b, "        for: %s\n", promDuration(a.For))
			}
			if a.KeepFiring > 0 {
				fmt.Fprintf(&b, "        keep_firing_for: %s\n", promDuration(a.KeepFiring))
			}
			renderPairs(&b, "labels", a.Labels)
			renderPairs(&b, "annotations", a.Annotations)
		}
	}
	return []byte(b.String())
}

// Annotations are the words of the alert, in Prometheus's templates.
func (r Rule) Annotations() []Pair {
	return append([]Pair{
		{"description", fmt.Sprintf("At %s times the sustainable rate, %s of the budget of %s is gone in %s.",
			number(r.Window.Factor), percent(r.Window.Share), r.SLOWindowName(), rangeOf(r.Window.Long))},
		{"summary", `{{ $labels.team }}/{{ $labels.project }}/{{ $labels.function }} burns its error budget of {{ $labels.slo }} at {{ $value | printf "%.3g" }} times the sustainable rate.`},
	}, r.Notes...)
}

func percent(share float64) string { return number(round(share*100)) + " %" }

func renderExpr(b *strings.Builder, expr string) {
	b.WriteString("        expr: |-\n")
	for line := range strings.SplitSeq(expr, "\n") {
		b.WriteString("          " + strings.TrimSpace(line) + "\n")
	}
}

func renderPairs(b *strings.Builder, key string, pairs []Pair) {
	if len(pairs) == 0 {
		return
	}
	fmt.Fprintf(b, "        %s:\n", key)
	sorted := slices.SortedFunc(slices.Values(pairs), func(x, y Pair) int { return cmp.Compare(x.Name, y.Name) })
	for _, p := range sorted {
		fmt.Fprintf(b, "          %s: %s\n", p.Name, quote(p.Value))
	}
}

// quote writes a YAML string; the single-quoted kind has one escape only.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// promDuration is d in Prometheus's notation, exact to the millisecond.
func promDuration(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}
