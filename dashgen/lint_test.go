package dashgen_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"

	"hadron/dashgen"
)

// linted is what the rules look at of a dashboard's JSON.
type linted struct {
	Editable   bool
	Templating struct {
		List []struct {
			Name, Label, Type, AllValue, Definition string
			Multi, IncludeAll                       bool
			Refresh                                 int
			Query                                   any
			Datasource                              struct{ UID string }
		}
	}
	Panels []struct {
		Type, Title, Description string
		Datasource               struct{ UID string }
		Targets                  []struct {
			Expr       string
			Datasource struct{ Type, UID string }
		}
		FieldConfig struct {
			Defaults  struct{ Unit string }
			Overrides []any
		}
		Options struct {
			ReduceOptions struct{ Fields string }
		}
	}
}

// TestLinter holds every dashboard to the rules of Grafana's dashboard-linter; what
// is otherwise on purpose is in lint.yaml, with its reason.
func TestLinter(t *testing.T) {
	text, err := os.ReadFile("lint.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Exclusions map[string]struct{ Reason string }
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	needed := map[string]bool{}
	for name, board := range boards(t) {
		var d linted
		if err := json.Unmarshal(render(t, board), &d); err != nil {
			t.Fatal(err)
		}
		for _, finding := range lint(d) {
			needed[finding.rule] = true
			if config.Exclusions[finding.rule].Reason == "" {
				t.Errorf("%s: %s: %s", name, finding.rule, finding.what)
			}
		}
	}
	for rule := range config.Exclusions {
		if !needed[rule] {
			t.Errorf("lint.yaml excepts %s, which nothing breaks", rule)
		}
	}
}

type finding struct{ rule, what string }

// knownUnits are those of Grafana that dashboards use.
var knownUnits = []string{"reqps", "percentunit", "s", "short", "bytes", "cps"}

var (
	fixedRange   = regexp.MustCompile(`(rate|increase)\([^\[\]]*\[([^\]]*)\]`)
	labelsOf     = regexp.MustCompile(`^label_values\((.+), ([a-zA-Z_]\w*)\)$`)
	counterNames = []string{"_total", "_sum", "_count", "_bucket"}
)

func lint(d linted) []finding {
	var out []finding
	add := func(rule, format string, args ...any) { out = append(out, finding{rule, fmt.Sprintf(format, args...)}) }
	if d.Editable {
		add("uneditable-dashboard", "it can be edited")
	}
	variables := map[string]bool{}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
		switch v.Type {
		case "datasource":
			if v.Query != "prometheus" || v.Name != "datasource" || v.Label != "Data source" {
				add("template-datasource-rule", "%+v", v)
			}
		case "query":
			if v.Refresh != 2 {
				add("template-on-time-change-reload-rule", "%s", v.Name)
			}
			m := labelsOf.FindStringSubmatch(v.Definition)
			if m == nil || v.Datasource.UID != "${datasource}" {
				add("template-label-promql-rule", "%s", v.Definition)
			} else if _, err := parser.NewParser(parser.Options{}).ParseExpr(m[1]); err != nil {
				add("template-label-promql-rule", "%v", err)
			}
			if v.Multi && (!v.IncludeAll || v.AllValue != ".+") {
				add("template-instance-rule", "%s", v.Name)
			}
		}
	}
	for _, name := range []string{"datasource", "job", "instance"} {
		if !variables[name] {
			add("template-"+name+"-rule", "no variable %s", name)
		}
	}
	for _, p := range d.Panels {
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" {
			add("panel-title-description-rule", "%q", p.Title)
		}
		if p.Datasource.UID != "${datasource}" {
			add("panel-datasource-rule", "%q", p.Title)
		}
		if !slices.Contains(knownUnits, p.FieldConfig.Defaults.Unit) {
			add("panel-units-rule", "%q: %q", p.Title, p.FieldConfig.Defaults.Unit)
		}
		if len(p.Targets) == 0 {
			add("panel-no-targets-rule", "%q", p.Title)
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				add("panel-datasource-rule", "a target of %q", p.Title)
			}
			if target.Datasource.Type != "prometheus" { // then its expression is another language's
				add("target-logql-rule", "%q asks a %s", p.Title, target.Datasource.Type)
				add("target-logql-auto-rule", "%q asks a %s", p.Title, target.Datasource.Type)
			}
			for _, found := range lintTarget(target.Expr) {
				add(found.rule, "%q: %s", p.Title, found.what)
			}
		}
	}
	return out
}

func lintTarget(text string) []finding {
	var out []finding
	add := func(rule, what string) { out = append(out, finding{rule, what}) }
	for _, m := range fixedRange.FindAllStringSubmatch(text, -1) {
		if m[2] != "$__rate_interval" {
			add("target-rate-interval-rule", m[0])
		}
	}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(dashgen.Query{Expr: text}.At(values))
	if err != nil {
		add("target-promql-rule", err.Error())
		return out
	}
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		matched := map[string]bool{}
		for _, m := range selector.LabelMatchers {
			matched[m.Name] = true
		}
		for _, label := range []string{"job", "instance"} {
			if !matched[label] {
				add("target-"+label+"-rule", selector.String())
			}
		}
		counts := slices.ContainsFunc(counterNames, func(suffix string) bool { return strings.HasSuffix(selector.Name, suffix) })
		if counts && !slices.ContainsFunc(path, isRate) {
			add("target-counter-agg-rule", selector.String())
		}
		return nil
	})
	return out
}

func isRate(n parser.Node) bool {
	call, ok := n.(*parser.Call)
	return ok && slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name)
}
