package app

import (
	"context"
	"fmt"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

// Bounds of what is said of deployments that failed.
const (
	rolloutLooks = 15 * time.Second // between two reads of the newest deployments
	rolloutsSeen = 500              // of them
	rolloutStays = 24 * time.Hour   // for how long one that failed is an alert
)

// failedRollouts are the functions whose last deployment to live was taken back: by its
// canary, a page, quarantine, or since it came to nothing. Of the evaluator's loop alone.
type failedRollouts struct {
	at    time.Time
	found []alerting.Condition
	shown map[function.Name]int // versions that a series tells of
}

func (a *App) failedRollouts(ctx context.Context, at time.Time) ([]alerting.Condition, error) {
	f := &a.operations.failed
	if !f.at.IsZero() && at.Sub(f.at) < rolloutLooks && !at.Before(f.at) {
		return f.found, nil
	}
	newest, err := a.parts.db.Delivery().Find(ctx, delivery.Filter{Alias: function.Live, Limit: rolloutsSeen})
	if err != nil {
		return nil, fmt.Errorf("read deployments: %w", err)
	}
	f.at, f.found = at, nil
	shown, seen := map[function.Name]int{}, map[function.Name]bool{}
	for _, r := range newest {
		if seen[r.Function] {
			continue
		}
		seen[r.Function] = true
		if !a.tookBack(ctx, r) || at.Sub(r.StateAt) > rolloutStays {
			continue
		}
		shown[r.Function] = r.To
		f.found = append(f.found, alerting.Condition{
			Function: r.Function, Kind: slo.Rollout, Since: r.StateAt, Value: 1,
			Reason: fmt.Sprintf("version %d was taken back: %s", r.To, r.Reason),
		})
	}
	for name, version := range shown {
		if f.shown[name] != version {
			a.parts.collector.TakenBack(name, version)
		}
	}
	for name := range f.shown {
		if shown[name] == 0 {
			a.parts.collector.TakenBack(name, 0)
		}
	}
	f.shown = shown
	return f.found, nil
}

// tookBack reports whether a deployment failed and live is still what it was put back to.
func (a *App) tookBack(ctx context.Context, r delivery.Rollout) bool {
	switch r.State {
	case delivery.RolledBack, delivery.Failed, delivery.Stopped:
	case delivery.Pending, delivery.Prewarming, delivery.Probing, delivery.Running, delivery.Paused, delivery.Promoting,
		delivery.RollingBack, delivery.Completed, delivery.Aborted:
		return false
	}
	f, err := a.parts.registry.Get(ctx, r.Function)
	if err != nil {
		return false // deleted
	}
	live, ok := f.Alias(function.Live)
	return ok && live.Whole() == r.From
}
