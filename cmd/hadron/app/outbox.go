package app

import (
	"context"
	"errors"
	"fmt"

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
	deliverer, err := alerting.NewDeliverer(alerting.DelivererConfig{
		Outbox: a.parts.db.Alerting(), Routing: routing, Logger: a.log, Registerer: own,
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
