package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/alerting/target"
	"hadron/runtime/function"
)

var errNoTarget = errors.New("the target is not configured any more")

// startOutbox makes what takes incidents to whoever is told of them, and returns the
// targets beside PagerDuty. Where nobody is, there is no deliverer and wake does nothing.
func (a *App) startOutbox(ctx context.Context, routing func(function.Name) (string, bool), own prometheus.Registerer) (told []alerting.Target, wake func(), err error) {
	senders := map[string]func(context.Context, alerting.Event) error{}
	if a.cfg.Alerting.Targets != "" {
		configs, err := target.Load(a.cfg.Alerting.Targets)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: --alerting.targets: %w", ErrConfig, err)
		}
		for _, c := range configs {
			told = append(told, c.Describe())
			senders[c.Name] = target.NewSender(c, target.Options{Installation: a.operations.installation}).Send
		}
	}
	if routing != nil {
		sender, err := pagerduty.NewSender(pagerduty.SenderConfig{EventsURL: a.cfg.PagerDuty.EventsURL})
		if err != nil {
			return nil, nil, err
		}
		senders[alerting.PagerDuty] = sender.Send
	}
	if len(senders) == 0 {
		return nil, func() {}, nil
	}
	a.operations.watchdogs = newWatchdogs(told, time.Now())
	deliverer, err := alerting.NewDeliverer(alerting.DelivererConfig{
		Outbox: a.parts.db.Alerting(), Routing: routing, Logger: a.log, Registerer: own,
		Observe: func(m alerting.Message, at alerting.Attempt) {
			a.operations.drills.Observe(m, at)
			a.operations.watchdogs.observe(m, at)
		},
		Send: func(ctx context.Context, e alerting.Event) error {
			if send := senders[e.Target]; send != nil {
				return send(ctx, e)
			}
			return errNoTarget
		},
	})
	if err != nil {
		return nil, nil, err
	}
	if err := deliverer.Start(ctx); err != nil {
		return nil, nil, err
	}
	a.onStop("outbox", deliverer.Stop)
	return told, deliverer.Wake, nil
}

// conditions are what alerting cannot measure: deployments that failed, functions of
// which messages were given up, and what is wrong with the platform. The alert says so to
// the targets that can be reached.
func (a *App) conditions(ctx context.Context, at time.Time) ([]alerting.Condition, error) {
	dead, err := a.parts.db.Alerting().Dead(ctx, alerting.MaxDead)
	if err != nil {
		return nil, err
	}
	failed, err := a.failedRollouts(ctx, at)
	if err != nil {
		return nil, err
	}
	return slices.Concat(failed, undeliveredOf(dead, at, func(name function.Name) bool { return a.hasAlerts(ctx, name) }), a.platformConditions(at)), nil
}
