package dashgen_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"hadron/collector/slo"
	"hadron/dashgen"
	"hadron/runtime/function"
)

const day = 24 * time.Hour

// everyWindow are all SLO windows that there are.
func everyWindow() []time.Duration {
	var out []time.Duration
	for _, w := range function.Windows {
		out = append(out, time.Duration(w))
	}
	return out
}

func rules(t *testing.T, s dashgen.RulesSpec, format dashgen.RuleFormat) []byte {
	t.Helper()
	text, err := dashgen.Rules(s, format)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ruleSpecs are what rules are rendered for: all functions, and one whose runbook means harm.
func ruleSpecs(windows []time.Duration, interval time.Duration) []dashgen.RulesSpec {
	return []dashgen.RulesSpec{
		{Windows: windows, Interval: interval, ExternalURL: "https://hadron.example"},
		{Windows: windows, Interval: interval, Function: "shop/web/home-", Runbook: "https://wiki.example/a'b?q={{ .Labels }}", Namespace: "ops"},
	}
}

// What a Prometheus reads is what Prometheus's own tool takes, in each format and for each
// SLO window and interval.
func TestRulesAreRules(t *testing.T) {
	tool := promtool(t)
	for _, interval := range []time.Duration{100 * time.Millisecond, time.Second, 15 * time.Second, 7 * time.Minute} {
		shuffled := everyWindow()
		slices.Reverse(shuffled)
		for i, s := range ruleSpecs(everyWindow(), interval) {
			for _, format := range []dashgen.RuleFormat{dashgen.RulesPrometheus, dashgen.RulesOperator, dashgen.RulesMimir} {
				text := rules(t, s, format)
				again := s
				again.Windows = shuffled
				if !bytes.Equal(text, rules(t, again, format)) {
					t.Errorf("%s: the same rules give other bytes", format)
				}
				var doc map[string]any
				if err := yaml.Unmarshal(text, &doc); err != nil {
					t.Fatalf("%s: %v", format, err)
				}
				file := map[string]any{"groups": doc["groups"]}
				if spec, ok := doc["spec"].(map[string]any); ok {
					file["groups"] = spec["groups"]
				}
				bare, err := yaml.Marshal(file)
				if err != nil {
					t.Fatal(err)
				}
				if format == dashgen.RulesPrometheus {
					bare = text
				}
				path := filepath.Join(t.TempDir(), "rules.yaml")
				if err := os.WriteFile(path, bare, 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.CommandContext(t.Context(), tool, "check", "rules", path).CombinedOutput(); err != nil {
					t.Errorf("%s, spec %d, interval %s: %s", format, i, interval, out)
				}
			}
		}
	}
}

// The generated cases hold, as Prometheus itself runs them.
func TestRuleTestsHold(t *testing.T) {
	tool := promtool(t)
	strict := []function.Objective{
		{Name: "availability", Ratio: 0.9999}, {Name: "latency-p50", Ratio: 0.5, Threshold: time.Second}, {Name: "latency-p99-9", Ratio: 0.999, Threshold: time.Second},
	}
	for i, interval := range []time.Duration{time.Second, 7 * time.Second, 15 * time.Second, time.Minute} {
		s := ruleSpecs([]time.Duration{30 * day, time.Hour}, interval)[i%2]
		t.Run(interval.String(), func(t *testing.T) {
			t.Parallel()
			cases, err := dashgen.RuleTests(s, "rules.yaml", strict)
			if err != nil {
				t.Fatal(err)
			}
			fires := regexp.MustCompile(`exp_labels`).FindAll(cases, -1)
			none := regexp.MustCompile(`exp_alerts: \[\]`).FindAll(cases, -1)
			if len(fires) < 15 || len(none) < 6 {
				t.Errorf("%d alerts and %d times none: the cases say too little", len(fires), len(none))
			}
			dir := t.TempDir()
			for name, data := range map[string][]byte{"rules.yaml": rules(t, s, dashgen.RulesPrometheus), "test.yaml": cases} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), tool, "test", "rules", "test.yaml")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%.3000s", err, out)
			}
			if i != 2 {
				return
			}
			// And they notice a rule that is not what it should be.
			wrong := bytes.ReplaceAll(rules(t, s, dashgen.RulesPrometheus), []byte("> 14.4"), []byte("> 144"))
			if err := os.WriteFile(filepath.Join(dir, "rules.yaml"), wrong, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd = exec.CommandContext(t.Context(), tool, "test", "rules", "test.yaml")
			cmd.Dir = dir
			if cmd.Run() == nil {
				t.Error("a wrong factor passes")
			}
		})
	}
}

var (
	decimals = regexp.MustCompile(`\d\.\d{7,}|\de[-+]?\d`)
	uids     = regexp.MustCompile(`- uid: \S+|name: hadron-slo-\S+`)
)

func TestRulesSayWhatPeopleNeed(t *testing.T) {
	for i, s := range ruleSpecs(everyWindow(), 15*time.Second) {
		for _, format := range dashgen.RuleFormats {
			text := string(rules(t, s, format))
			if found := decimals.FindString(uids.ReplaceAllString(text, "")); found != "" {
				t.Errorf("%s: %s is no number that anybody wrote", format, found)
			}
			for _, want := range []string{"enough calls succeeded", "one transaction", "summary: ", "class: 'page'", "window: '1h/5m'", "slo_window: '30d'", "slo: 'traffic'", "slo: 'rollout'", "slo: 'quarantine'", "slo: 'neartimeout'"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: nothing says %q", format, want)
				}
			}
			want := []string{"dashboard_url: 'https://hadron.example/f/{{ $labels.team }}/", "runbook_url: 'https://hadron.example/f/"}
			if i == 1 {
				want = []string{`runbook_url: 'https://wiki.example/a''b?q={{ "{{" }} .Labels }}'`, `{team="shop",project="web",function="home-"`}
				if format == dashgen.RulesGrafana { // where the expression is JSON
					want[1] = `{team=\"shop\",project=\"web\",function=\"home-\"`
				}
			}
			for _, want := range want {
				if !strings.Contains(text, want) {
					t.Errorf("%s, spec %d: nothing says %s", format, i, want)
				}
			}
		}
	}
}

// A PrometheusRule has a name that Kubernetes takes, and the labels it is selected by.
func TestRulesForTheOperator(t *testing.T) {
	s := ruleSpecs([]time.Duration{30 * day}, 15*time.Second)[1]
	s.Labels = map[string]string{"release": "prometheus", "example.com/a": "b"}
	var doc struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Metadata   struct {
			Name, Namespace string
			Labels          map[string]string
		}
	}
	if err := yaml.Unmarshal(rules(t, s, dashgen.RulesOperator), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.APIVersion != "monitoring.coreos.com/v1" || doc.Kind != "PrometheusRule" || doc.Metadata.Namespace != "ops" || doc.Metadata.Labels["release"] != "prometheus" {
		t.Errorf("%+v", doc)
	}
	if !regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`).MatchString(doc.Metadata.Name) || len(doc.Metadata.Name) > 253 {
		t.Errorf("name %q", doc.Metadata.Name)
	}
	for _, labels := range []map[string]string{{"a b": "c"}, {"a": "b c"}, {"": "c"}, {"a": "-c"}, {"A/b": "c"}, {"a": strings.Repeat("c", 64)}, {"x: y\n": "z"}} {
		s.Labels = labels
		if _, err := dashgen.Rules(s, dashgen.RulesOperator); err == nil {
			t.Errorf("%v is taken for a label", labels)
		}
	}
}

// Grafana's file has what its provisioning asks for, and each rule is one by its schema.
func TestRulesForGrafana(t *testing.T) {
	var doc struct {
		APIVersion int `yaml:"apiVersion"`
		Groups     []struct {
			OrgID                  int `yaml:"orgId"`
			Name, Folder, Interval string
			Rules                  []map[string]any
		}
	}
	var all []map[string]any
	long := function.Name("a-" + strings.Repeat("t", 61) + "/" + strings.Repeat("p", 63) + "/" + strings.Repeat("n", 63))
	for _, s := range append(ruleSpecs(everyWindow(), 15*time.Second), dashgen.RulesSpec{Function: long, Windows: everyWindow(), Interval: time.Second}) {
		if err := yaml.Unmarshal(rules(t, s, dashgen.RulesGrafana), &doc); err != nil {
			t.Fatal(err)
		}
		groups, alerts := 0, 0
		for _, g := range slo.GroupsFor(s.Function, s.Windows, s.Interval, nil) {
			if n := len(g.All()); n > 0 {
				groups, alerts = groups+1, alerts+n
			}
		}
		if doc.APIVersion != 1 || len(doc.Groups) != groups {
			t.Fatalf("version %d, %d groups and not %d", doc.APIVersion, len(doc.Groups), groups)
		}
		names, uids, titles := map[string]bool{}, map[any]bool{}, map[any]bool{}
		for _, g := range doc.Groups {
			interval, err := time.ParseDuration(g.Interval)
			if err != nil || interval < 10*time.Second || interval%(10*time.Second) != 0 || g.Folder == "" || g.OrgID != 1 {
				t.Errorf("%+v", g)
			}
			names[g.Name] = true
			for _, r := range g.Rules {
				uids[r["uid"]], titles[r["title"]] = true, true
				delete(r, "keepFiringFor")                                             // a text in a file, a number in the API that the schema is of
				r["folderUID"], r["orgID"], r["ruleGroup"] = g.Folder, g.OrgID, g.Name // what a file says of the group
				all = append(all, r)
			}
		}
		if len(names) != groups || len(uids) != alerts || len(titles) != alerts {
			t.Errorf("%d names, %d uids and %d titles for %d alerts", len(names), len(uids), len(titles), alerts)
		}
	}
	rule, err := jsonschema.NewCompiler().Compile(filepath.Join(schemas(t), "alerting.jsonschema.json") + "#/definitions/Rule")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := rule.Validate(value); err != nil {
			t.Errorf("%s: %#v", text, err)
		}
	}
}

func TestRulesRefuse(t *testing.T) {
	good := dashgen.RulesSpec{Windows: []time.Duration{30 * day}, Interval: time.Second}
	for what, change := range map[string]func(*dashgen.RulesSpec){
		"no interval":      func(s *dashgen.RulesSpec) { s.Interval = 0 },
		"a strange window": func(s *dashgen.RulesSpec) { s.Windows = []time.Duration{time.Minute} },
		"two lines":        func(s *dashgen.RulesSpec) { s.Namespace = "a\nb: c" },
	} {
		s := good
		change(&s)
		if _, err := dashgen.Rules(s, dashgen.RulesPrometheus); err == nil {
			t.Errorf("%s is rendered", what)
		}
		if _, err := dashgen.RuleTests(s, "r", nil); err == nil {
			t.Errorf("%s is tested", what)
		}
	}
	if _, err := dashgen.Rules(good, "nagios"); err == nil {
		t.Error("a format that there is not is rendered")
	}
}

// promtool is Prometheus's own tool; without it the test is skipped, but for CI.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err == nil {
		return path
	}
	if os.Getenv("HADRON_TEST_REQUIRE") != "" {
		t.Fatal("promtool is not installed, and HADRON_TEST_REQUIRE asks for it")
	}
	t.Skip("promtool is not installed: apt-get install prometheus")
	return ""
}
