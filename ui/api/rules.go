package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hadron/dashgen"
	"hadron/runtime/access"
	"hadron/runtime/function"
)

// RulesQuery says which rules are rendered, and how. Its zero fields take the defaults of dashgen.
type RulesQuery struct {
	Format     dashgen.RuleFormat
	Windows    []time.Duration // empty: those that the functions have
	Tests      bool            // cases for promtool instead of the rules
	RulesFile  string          // where those find the rules
	Namespace  string
	Datasource string
	Labels     map[string]string
	// Visible reports whether the caller may know of a function.
	Visible func(function.Name) bool
}

const yamlType = "application/yaml"

func (a *api) addRules() {
	add(a, route{
		method: http.MethodGet, path: Prefix + "/rules", id: "getRules", tag: "operability",
		summary: "Render the alert rules",
		detail: "The generated rules of the SLO windows that functions have, for a Prometheus, Mimir or Grafana of your own: as YAML. " +
			"They are the same for any number of functions. With tests=true, cases for promtool test rules.",
		action: access.Read, scope: ofEach, produces: yamlType,
	}, a.getRules)
}

type rulesIn struct {
	Format     string   `query:"format" enum:"prometheus,prometheus-operator,mimir,grafana" default:"prometheus" doc:"Whose rules."`
	Window     []string `query:"window,explode" maxItems:"16" doc:"Only for these SLO windows, whether a function has them or not; those that functions have unless given."`
	Tests      bool     `query:"tests" doc:"Cases for promtool over the prometheus format, in place of the rules."`
	RulesFile  string   `query:"rules_file" maxLength:"1024" default:"rules.yaml" doc:"Where those cases find the rules."`
	Namespace  string   `query:"namespace" maxLength:"190" doc:"Of the resource, the ruler, or Grafana's folder."`
	Datasource string   `query:"datasource" maxLength:"40" doc:"Uid of the data source in Grafana."`
	Label      []string `query:"label,explode" maxItems:"32" doc:"Labels of the PrometheusRule, key=value."`
}

func (a *api) getRules(ctx context.Context, c *call, in *rulesIn) (*streamOut, error) {
	if err := available(a.cfg.Rules != nil); err != nil {
		return nil, err
	}
	q := RulesQuery{
		Format: dashgen.RuleFormat(in.Format), Tests: in.Tests, RulesFile: in.RulesFile, Namespace: in.Namespace, Datasource: in.Datasource,
		Visible: func(name function.Name) bool { return c.may(access.Read, name) },
	}
	var err error
	if q.Windows, err = dashgen.ParseWindows(in.Window); err != nil {
		return nil, err
	}
	if q.Labels, err = dashgen.ParseLabels(in.Label); err != nil {
		return nil, err
	}
	text, err := a.cfg.Rules(ctx, q)
	if err != nil {
		return nil, err
	}
	return &streamOut{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", yamlType)
		_, _ = hctx.BodyWriter().Write(text) // a client that has left needs none
	}}, nil
}
