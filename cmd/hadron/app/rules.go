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
	seen := map[time.Duration]bool{}
	var windows []time.Duration
	for _, f := range want {
		if w := time.Duration(f.Spec.SLO.Window); !seen[w] {
			seen[w] = true
			windows = append(windows, w)
		}
	}
	var groups []slo.Group
	for _, g := range slo.Groups(windows, r.interval) {
		if len(g.Records) > 0 {
			g.Alerts = nil // alerting decides those itself
			groups = append(groups, g)
		}
	}
	groups = append(groups, dashgen.Records(r.interval))
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
