package client

import (
	"context"
	"net/url"
)

// RuleOptions say which alert rules are rendered, and how; the server has defaults for
// what is empty.
type RuleOptions struct {
	Format     string   // prometheus, prometheus-operator, mimir or grafana
	Windows    []string // SLO windows; empty: those that functions have
	Tests      bool     // cases for promtool in place of the rules
	RulesFile  string   // where those find the rules
	Namespace  string
	Datasource string
	Labels     []string // key=value
}

// Rules renders the alert rules of all functions that the caller may know of, as YAML.
func (c *Client) Rules(ctx context.Context, o RuleOptions) (string, error) {
	q := url.Values{"window": o.Windows, "label": o.Labels}
	set(q, "format", o.Format)
	set(q, "rules_file", o.RulesFile)
	set(q, "namespace", o.Namespace)
	set(q, "datasource", o.Datasource)
	if o.Tests {
		q.Set("tests", "true")
	}
	return get[string](ctx, c, "/rules", q)
}
