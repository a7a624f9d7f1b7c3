package app

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"hadron/collector/slo"
	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
	"hadron/storage/tsdb"
	"hadron/ui/api"
)

// recordingRules keeps the store's recording rules at those of the SLO windows
// that functions have, and those that dashboards of many functions are drawn from.
// Their number does not grow with functions.
type recordingRules struct {
	db       *tsdb.DB
	interval time.Duration
	applied  []byte
}

// Name implements reconcile.Target.
func (*recordingRules) Name() string { return "recording rules" }

// Reconcile implements reconcile.Target.
func (r *recordingRules) Reconcile(_ context.Context, want []*function.Function) (reconcile.Result, error) {
	var groups []slo.Group
	for _, g := range slo.Groups(windowsOf(want, func(*function.Function) bool { return true }), r.interval) {
		if len(g.Records) > 0 {
			g.Alerts = nil // alerting decides those itself
			groups = append(groups, g)
		}
	}
	groups = append(groups, dashgen.Records(r.interval)...)
	rules := slo.Render(groups)
	if bytes.Equal(rules, r.applied) {
		return reconcile.Result{Unchanged: len(groups)}, nil
	}
	if err := r.db.SetRules(rules, r.interval); err != nil {
		return reconcile.Result{}, fmt.Errorf("set recording rules: %w", err)
	}
	r.applied = rules
	return reconcile.Result{Updated: len(groups)}, nil
}

// windowsOf are the SLO windows of the functions that are kept.
func windowsOf(functions []*function.Function, keep func(*function.Function) bool) []time.Duration {
	seen := map[time.Duration]bool{}
	var out []time.Duration
	for _, f := range functions {
		if w := time.Duration(f.Spec.SLO.Window); w > 0 && !seen[w] && keep(f) {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}

// renderRules writes the alert rules for others to evaluate.
func (a *App) renderRules(_ context.Context, q api.RulesQuery) ([]byte, error) {
	if len(q.Windows) == 0 {
		q.Windows = windowsOf(a.parts.registry.All(), func(f *function.Function) bool { return !f.Spec.Alerts.Disabled && q.Visible(f.Name) })
	}
	s := dashgen.RulesSpec{
		Windows: q.Windows, Interval: a.cadence(), ExternalURL: a.cfg.ExternalURL,
		Namespace: q.Namespace, DatasourceUID: q.Datasource, Labels: q.Labels,
	}
	if q.Tests {
		return dashgen.RuleTests(s, q.RulesFile, nil)
	}
	return dashgen.Rules(s, q.Format)
}
