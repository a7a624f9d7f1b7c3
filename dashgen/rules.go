package dashgen

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// RuleFormat is whose rules are written.
type RuleFormat string

// The formats.
const (
	RulesPrometheus RuleFormat = "prometheus"          // a rule file
	RulesOperator   RuleFormat = "prometheus-operator" // a PrometheusRule resource
	RulesMimir      RuleFormat = "mimir"               // a namespace of Mimir's ruler, as mimirtool takes it
	RulesGrafana    RuleFormat = "grafana"             // Grafana-managed alert rules, as its provisioning takes them
)

// RuleFormats are all formats.
var RuleFormats = []RuleFormat{RulesPrometheus, RulesOperator, RulesMimir, RulesGrafana}

// RulesSpec says which rules are rendered, and what they say beside their condition.
type RulesSpec struct {
	Function    function.Name // whose objectives; empty: every function's
	Runbook     string        // of the function
	Windows     []time.Duration
	Interval    time.Duration // between samples and evaluations
	ExternalURL string        // of Hadron, without a slash at its end; empty: no links
	// Namespace holds the rules: the resource's in Kubernetes (empty leaves it to
	// kubectl), the ruler's in Mimir and the folder in Grafana (empty: DefaultNamespace).
	Namespace string
	// DatasourceUID is the data source in Grafana that has Hadron's series; empty: DefaultDatasource.
	DatasourceUID string
	// Labels are the PrometheusRule's own, which a Prometheus resource selects rules by.
	Labels map[string]string
}

// What the fields of RulesSpec are taken for where they are empty.
const (
	DefaultNamespace  = "hadron"
	DefaultDatasource = "hadron"
)

// ErrRules is wrapped by the errors of Rules and RuleTests.
var ErrRules = errors.New("rules cannot be rendered")

// Rules renders the generated alert rules and, where the format is evaluated by a
// Prometheus, the recording rules that go with them. It is pure: the same spec gives
// the same bytes. Its errors wrap ErrRules.
func Rules(s RulesSpec, format RuleFormat) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	groups := s.groups()
	head := s.head(format)
	switch format {
	case RulesPrometheus:
		return append(head, slo.Render(groups)...), nil
	case RulesMimir:
		head = fmt.Appendf(head, "namespace: %s\n", quoted(s.namespace()))
		return append(head, slo.Render(groups)...), nil
	case RulesOperator:
		return append(head, s.operator(groups)...), nil
	case RulesGrafana:
		return append(head, s.grafana(groups)...), nil
	}
	return nil, fmt.Errorf("%w: there is no format %q", ErrRules, format)
}

func (s RulesSpec) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrRules, fmt.Sprintf(format, args...))
	}
	if s.Interval < time.Millisecond || s.Interval%time.Millisecond != 0 {
		return bad("interval %s is not whole milliseconds", s.Interval)
	}
	for _, w := range s.Windows {
		if !slices.Contains(function.Windows, function.Duration(w)) {
			return bad("%s is no SLO window", w)
		}
	}
	for key, value := range s.Labels {
		if !labelKey(key) || !labelValue(value) {
			return bad("%s=%s is no label of Kubernetes", key, value)
		}
	}
	if strings.ContainsFunc(s.Namespace+s.DatasourceUID, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return bad("namespace and data source are one line each")
	}
	return nil
}

// ParseWindows reads SLO windows as a manifest has them: "30d". Its errors wrap ErrRules.
func ParseWindows(texts []string) ([]time.Duration, error) {
	var out []time.Duration
	for _, text := range texts {
		w, err := function.ParseDuration(text)
		if err != nil || !slices.Contains(function.Windows, w) {
			var names []string
			for _, w := range function.Windows {
				names = append(names, w.String())
			}
			return nil, fmt.Errorf("%w: an SLO window is one of %s, not %.20q", ErrRules, strings.Join(names, " "), text)
		}
		out = append(out, time.Duration(w))
	}
	return out, nil
}

// ParseLabels reads labels as key=value. Its errors wrap ErrRules.
func ParseLabels(texts []string) (map[string]string, error) {
	out := make(map[string]string, len(texts))
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("%w: a label is key=value, not %.80q", ErrRules, text)
		}
		out[key] = value
	}
	return out, nil
}

// labelValue is Kubernetes's rule for a label's value.
func labelValue(v string) bool {
	edge := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' }
	if v == "" {
		return true
	}
	return len(v) <= 63 && edge(v[0]) && edge(v[len(v)-1]) && !strings.ContainsFunc(v, func(r rune) bool {
		return r > 0x7f || !edge(byte(r)) && !strings.ContainsRune("-_.", r)
	})
}

// labelKey is Kubernetes's rule for a label's key: a name, after a domain and a slash or not.
func labelKey(key string) bool {
	domain, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		domain, name = "", key
	}
	return name != "" && labelValue(name) && (!prefixed || domain != "" && len(domain) <= 253 && !strings.ContainsFunc(domain, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
	}))
}

func (s RulesSpec) namespace() string {
	if s.Namespace == "" {
		return DefaultNamespace
	}
	return s.Namespace
}

// groups are the rules with their links.
func (s RulesSpec) groups() []slo.Group {
	return slo.GroupsFor(s.Function, s.Windows, s.Interval, s.links())
}

// links are the annotations that lead somewhere. The page of a function shows its
// dashboard, and links to the runbook of its manifest, which no label could hold.
func (s RulesSpec) links() []slo.Pair {
	var out []slo.Pair
	page := ""
	if s.ExternalURL != "" {
		page = untemplated(s.ExternalURL) + "/f/{{ $labels.team }}/{{ $labels.project }}/{{ $labels.function }}"
		out = append(out, slo.Pair{Name: "dashboard_url", Value: page})
	}
	if u, err := url.Parse(s.Runbook); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		out = append(out, slo.Pair{Name: "runbook_url", Value: untemplated(u.String())})
	} else if s.Function == "" && page != "" {
		out = append(out, slo.Pair{Name: "runbook_url", Value: page})
	}
	return out
}

// untemplated keeps text of an author from being run as a template.
func untemplated(text string) string { return strings.ReplaceAll(text, "{{", `{{ "{{" }}`) }

// head is what a reader of the file is to know, as comments.
func (s RulesSpec) head(format RuleFormat) []byte {
	of := "every function"
	if s.Function != "" {
		of = string(s.Function)
	}
	b := fmt.Appendf(nil, "# Alert rules of %s, written by hadron rules render --format %s. Edits are lost when it is\n"+
		"# rendered anew. docs/alerting.md says why these windows and factors.\n"+ruleLimits, of, format)
	switch format {
	case RulesGrafana:
		b = append(b, grafanaLimits...)
	case RulesMimir:
		b = append(b, "# They read metrics: load them into Mimir's ruler. Loki's takes the same form, and reads logs only.\n"...)
	case RulesPrometheus, RulesOperator:
	}
	return b
}

// ruleLimits is where these rules differ from what Hadron does itself.
const ruleLimits = `#
# What Hadron's own alerting does, and rules cannot:
# - An alert ends when enough calls succeeded. Here it ends as soon as its condition does, also because nobody calls any
#   more, or because the series are gone with the node that failed.
# - State, incident and message are stored in one transaction. Here an alert that the evaluator forgets is resolved.
# - An incident that gets worse stays one incident, and a page inhibits the ticket. Give Alertmanager the inhibition rule of
#   docs/alerting.md for that.
# - A few failures are needed to begin, there and here; here also to go on.
# - Calls that stopped are a ticket there until they come again; here until it is a day ago that they came.
# - What else fails for the same cause, such as a host that many functions ask, is told of once there.
# What Hadron could not tell somebody of (NotificationsUndelivered) is not here: who evaluates these tells people himself.
`

func (s RulesSpec) operator(groups []slo.Group) []byte {
	var b strings.Builder
	b.WriteString("apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n")
	fmt.Fprintf(&b, "  name: %s\n", s.resource())
	if s.Namespace != "" {
		fmt.Fprintf(&b, "  namespace: %s\n", quoted(s.Namespace))
	}
	b.WriteString("  labels:\n    app.kubernetes.io/managed-by: hadron\n")
	for _, key := range sortedKeys(s.Labels) {
		fmt.Fprintf(&b, "    %s: %s\n", key, quoted(s.Labels[key]))
	}
	b.WriteString("spec:\n")
	for line := range strings.Lines(string(slo.Render(groups))) {
		b.WriteString("  " + line)
	}
	return []byte(b.String())
}

// resource names the PrometheusRule: the same for ever, and another for each function.
// A name may end in a hyphen, which Kubernetes does not take at the end or before a dot.
func (s RulesSpec) resource() string {
	if s.Function == "" {
		return "hadron-slo"
	}
	return "hadron-slo-" + s.Function.Base() + "-" + digest(string(s.Function))[:12]
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

// quoted writes a YAML string; the single-quoted kind has one escape only.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
