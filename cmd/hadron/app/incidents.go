package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/runtime/function"
	"hadron/storage/sql"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// incidents is what the API knows of them: the evaluator's memory, and what people did.
type incidents struct {
	alerts       *alerting.Evaluator
	store        *sql.Alerting
	installation string
	wake         func()
	links        func(ctx context.Context, name function.Name, since time.Time) (dashboard, runbook string)
}

// Open lists the open incidents.
func (i incidents) Open(ctx context.Context) ([]wire.Incident, error) {
	hands, err := i.store.Hands(ctx)
	if err != nil {
		return nil, err
	}
	open := i.alerts.Incidents()
	out := make([]wire.Incident, len(open))
	for n, in := range open {
		out[n] = i.view(ctx, in, hands[in.Objective])
	}
	return out, nil
}

func (i incidents) view(ctx context.Context, in alerting.Incident, h alerting.Hand) wire.Incident {
	out := wire.Incident{
		Function: string(in.Function), SLO: in.SLO, Test: in.SLO == alerting.Test, Class: string(in.Class), Window: in.Window, DedupKey: in.DedupKey, OpenedAt: in.OpenedAt,
		Told: names(in.Told), Silenced: i.alerts.Hushed(in.Objective, in.Class), Why: in.Held(),
		AcknowledgedBy: h.AckedBy, Via: h.Via, Assignee: h.Assignee, PagerURL: h.PagerURL,
	}
	if !alerting.OfPlatform(in.SLO) {
		out.DashboardURL, out.Runbook = i.links(ctx, in.Function, in.OpenedAt)
	}
	if !h.AckedAt.IsZero() {
		out.AcknowledgedAt = &h.AckedAt
	}
	for _, note := range h.Notes {
		out.Notes = append(out.Notes, wire.IncidentNote(note))
	}
	return out
}

func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// Ended lists incidents that are over, newest first.
func (i incidents) Ended(ctx context.Context, scope string, before int64, limit int) ([]wire.Incident, error) {
	list, err := i.store.Ended(ctx, scope, before, limit)
	if err != nil {
		return nil, err
	}
	out := make([]wire.Incident, len(list))
	for n, e := range list {
		closed := e.ClosedAt
		out[n] = wire.Incident{
			ID: e.ID, Function: string(e.Function), SLO: e.SLO, Class: string(e.Class), Window: e.Window, DedupKey: e.DedupKey,
			OpenedAt: e.OpenedAt, ClosedAt: &closed, Why: e.Why, Told: names(e.Told), AcknowledgedBy: e.AckedBy,
		}
	}
	return out, nil
}

// Acknowledge notes that somebody has an open incident, and tells the targets.
func (i incidents) Acknowledge(ctx context.Context, by string, name function.Name, slo, note string) (wire.Incident, error) {
	o := alerting.Objective{Function: name, SLO: slo}
	in, ok := i.alerts.Incident(o)
	if !ok {
		return wire.Incident{}, fmt.Errorf("%s of %s: %w", slo, name, alerting.ErrNoIncident)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	var after alerting.Hand
	found, err := i.store.Handle(ctx, in.DedupKey, func(h *alerting.Hand) []alerting.Message {
		first := h.AckedAt.IsZero()
		if first {
			h.AckedAt, h.AckedBy, h.Via = now, by, "hadron"
		}
		if text := alerting.Line(note, maxNote); text != "" {
			h.Notes = append(h.Notes, alerting.Note{At: now, By: by, Text: text})
		}
		after = *h
		if !first {
			return nil
		}
		return alerting.Acknowledged(i.installation, in, *h, now, "")
	})
	if err != nil {
		return wire.Incident{}, err
	}
	if !found {
		return wire.Incident{}, fmt.Errorf("%s of %s: %w", slo, name, alerting.ErrNoIncident)
	}
	i.wake()
	return i.view(ctx, in, after), nil
}

const maxNote = 1000

// startWebhooks makes what takes PagerDuty's word of incidents.
func (a *App) startWebhooks(ctx context.Context, wake func()) error {
	o := &a.operations
	var err error
	if o.webhooks, err = pagerduty.NewReceiver(pagerduty.ReceiverConfig{
		Secrets: a.webhookSecrets, Inbox: a.parts.db.PagerDuty(), Hands: a.parts.db.Alerting(), Logger: a.log,
		Changed: func(h alerting.Hand, what string) []alerting.Message {
			in, ok := o.alerts.Incident(h.Objective)
			if !ok || what != "incident.acknowledged" {
				return nil
			}
			wake()
			return alerting.Acknowledged(o.installation, in, h, time.Now().UTC(), alerting.PagerDuty)
		},
	}); err != nil {
		return err
	}
	if err := o.webhooks.Start(ctx); err != nil {
		return err
	}
	a.onStop("webhooks", o.webhooks.Stop)
	return nil
}

// webhookSecrets are those of the file, a line each, and that of Hadron's own subscription.
// The file is read anew, so that rotating needs no restart.
func (a *App) webhookSecrets(ctx context.Context) ([]string, error) {
	var out []string
	if path := a.cfg.PagerDuty.WebhookSecretsFile; path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read --pagerduty.webhook-secrets-file: %w", err)
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
	}
	_, _, own, err := a.parts.db.PagerDuty().Subscription(ctx)
	if err != nil {
		return nil, err
	}
	if own != "" {
		out = append(out, own)
	}
	return out, nil
}

// webhookURL is where PagerDuty is to tell of incidents; empty: it is not asked to.
func (a *App) webhookURL() string {
	if !a.cfg.PagerDuty.Webhooks {
		return ""
	}
	return a.cfg.ExternalURL + api.Prefix + "/pagerduty/webhook"
}

// webhook takes one of PagerDuty's; the status says whether it is to come again.
func (a *App) webhook(ctx context.Context, header http.Header, body []byte) error {
	if a.operations.webhooks == nil {
		return alerting.ErrNoSecret
	}
	err := a.operations.webhooks.Receive(ctx, header, body)
	if errors.Is(err, alerting.ErrUnsigned) {
		a.log.WarnContext(ctx, "webhook with a foreign signature", "component", "pagerduty webhooks")
	}
	return err
}
