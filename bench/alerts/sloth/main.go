// Command sloth reads objectives as JSON and writes the rules that sloth, as a
// library, generates for them. It is a module of its own so that the product's graph
// of modules does not hold sloth's.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/slok/sloth/pkg/common/model"
	"github.com/slok/sloth/pkg/lib"
	sloth "github.com/slok/sloth/pkg/prometheus/api/v1"
)

// objective is what is asked: the queries hold sloth's {{.window}}.
type objective struct {
	Service   string  `json:"service"`
	SLO       string  `json:"slo"`
	Objective float64 `json:"objective"` // a percentage, as sloth has it
	Bad       string  `json:"bad"`
	All       string  `json:"all"`
}

// rule is what is answered.
type rule struct {
	Service  string            `json:"service"`
	Record   string            `json:"record,omitempty"`
	Alert    string            `json:"alert,omitempty"`
	Expr     string            `json:"expr"`
	For      string            `json:"for,omitempty"`
	Interval string            `json:"interval,omitempty"` // of its group; empty: the server's
	Labels   map[string]string `json:"labels,omitempty"`
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "sloth:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var asked []objective
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return fmt.Errorf("read objectives: %w", err)
	}
	gen, err := lib.NewPrometheusSLOGenerator(lib.PrometheusSLOGeneratorConfig{})
	if err != nil {
		return err
	}
	var out []rule
	for _, o := range asked {
		res, err := gen.GenerateFromSlothV1(ctx, sloth.Spec{
			Service: o.Service,
			SLOs: []sloth.SLO{{
				Name: o.SLO, Objective: o.Objective,
				SLI:      sloth.SLI{Events: &sloth.SLIEvents{ErrorQuery: o.Bad, TotalQuery: o.All}},
				Alerting: sloth.Alerting{Name: "Burn"},
			}},
		})
		if err != nil {
			return fmt.Errorf("generate %s: %w", o.Service, err)
		}
		for _, slo := range res.SLOResults {
			r := slo.PrometheusRules
			for _, g := range []model.PromRuleGroup{r.SLIErrorRecRules, r.MetadataRecRules, r.AlertRules} {
				out = append(out, rules(o.Service, g)...)
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func rules(service string, g model.PromRuleGroup) []rule {
	out := make([]rule, 0, len(g.Rules))
	for _, r := range g.Rules {
		written := rule{Service: service, Record: r.Record, Alert: r.Alert, Expr: r.Expr, Labels: r.Labels}
		if r.For > 0 {
			written.For = r.For.String()
		}
		if g.Interval > 0 {
			written.Interval = g.Interval.String()
		}
		out = append(out, written)
	}
	return out
}
