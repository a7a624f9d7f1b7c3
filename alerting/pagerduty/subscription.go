package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"
)

// Subscriptions remembers the webhook subscription that Hadron made for itself.
type Subscriptions interface {
	// Subscription returns its id, address and secret; all empty where there is none.
	Subscription(ctx context.Context) (id, url, secret string, err error)
	// PutSubscription replaces it; an empty id forgets it.
	PutSubscription(ctx context.Context, id, url, secret string, at time.Time) error
}

// subscribed are the events that are of use.
var subscribed = []string{
	"incident.acknowledged", "incident.annotated", "incident.delegated", "incident.escalated", "incident.reassigned",
	"incident.reopened", "incident.resolved", "incident.triggered", "incident.unacknowledged",
}

// subscription is a webhook subscription, as far as Hadron has to do with it.
type subscription struct {
	ID          string       `json:"id,omitempty"`
	Type        string       `json:"type"`
	Active      bool         `json:"active"`
	Description string       `json:"description"`
	Events      []string     `json:"events"`
	Delivery    hookDelivery `json:"delivery_method"`
	Filter      struct {
		Type string `json:"type"`
	} `json:"filter"`
}

type hookDelivery struct {
	Type     string `json:"type"`
	URL      string `json:"url"`
	Secret   string `json:"secret,omitempty"` // PagerDuty tells it once, in its answer
	Disabled bool   `json:"temporarily_disabled,omitempty"`
}

// webhookMarker is the word in a subscription's description that says whose it is.
func (c Config) webhookMarker() string {
	return markerPrefix + url.QueryEscape(c.Installation) + ":webhooks"
}

// subscribe makes sure that PagerDuty tells this Hadron of its incidents: by the one
// subscription whose secret is known here. One of ours whose secret was lost is of no use,
// and goes; those of others stay.
func (t *Target) subscribe(ctx context.Context) error {
	if t.cfg.WebhookURL == "" {
		return nil
	}
	id, address, secret, err := t.cfg.Subscriptions.Subscription(ctx)
	if err != nil {
		return fmt.Errorf("read webhook subscription: %w", err)
	}
	found, err := t.api.subscriptions(ctx)
	if err != nil {
		return err
	}
	stands := false
	for _, s := range found {
		if !slices.Contains(strings.Fields(s.Description), t.cfg.webhookMarker()) {
			continue
		}
		if s.ID == id && secret != "" && address == t.cfg.WebhookURL && s.Delivery.URL == address {
			stands = true
			if err := t.revive(ctx, s); err != nil {
				return err
			}
			continue
		}
		if err := t.api.ask(ctx, "delete webhook subscription", http.MethodDelete, "/webhook_subscriptions/"+url.PathEscape(s.ID), nil, nil); err != nil && status(err) != http.StatusNotFound {
			return err
		}
	}
	if stands {
		return nil
	}
	return t.newSubscription(ctx)
}

// revive switches on what was switched off, and asks for what is missing.
func (t *Target) revive(ctx context.Context, s subscription) error {
	at := "/webhook_subscriptions/" + url.PathEscape(s.ID)
	missing := slices.ContainsFunc(subscribed, func(e string) bool { return !slices.Contains(s.Events, e) })
	if !s.Active || missing {
		update := map[string]any{"webhook_subscription": map[string]any{"active": true, "events": subscribed}}
		if err := t.api.ask(ctx, "update webhook subscription", http.MethodPut, at, update, nil); err != nil {
			return err
		}
	}
	if s.Delivery.Disabled { // PagerDuty gave up on us for a while
		return t.api.ask(ctx, "enable webhook subscription", http.MethodPost, at+"/enable", nil, nil)
	}
	return nil
}

func (t *Target) newSubscription(ctx context.Context) error {
	want := subscription{
		Type: "webhook_subscription", Active: true, Events: subscribed,
		Description: "Tells Hadron what people do about its incidents.\n" + t.cfg.webhookMarker(),
		Delivery:    hookDelivery{Type: "http_delivery_method", URL: t.cfg.WebhookURL},
	}
	want.Filter.Type = "account_reference"
	var got struct {
		Subscription subscription `json:"webhook_subscription"`
	}
	if err := t.api.ask(ctx, "create webhook subscription", http.MethodPost, "/webhook_subscriptions", map[string]any{"webhook_subscription": want}, &got); err != nil {
		return err
	}
	s := got.Subscription
	if s.ID == "" || s.Delivery.Secret == "" {
		return errors.New("PagerDuty gave the webhook subscription no secret")
	}
	if err := t.cfg.Subscriptions.PutSubscription(ctx, s.ID, t.cfg.WebhookURL, s.Delivery.Secret, t.cfg.Now()); err != nil {
		return fmt.Errorf("store webhook subscription: %w", err)
	}
	t.cfg.Logger.InfoContext(ctx, "subscribed to webhooks", "subscription", s.ID, "url", t.cfg.WebhookURL)
	return nil
}

// subscriptions lists all of the account.
func (a *api) subscriptions(ctx context.Context) ([]subscription, error) {
	var out []subscription
	for offset := 0; offset+pageSize <= maxList; offset += pageSize {
		var page struct {
			More  bool           `json:"more"`
			Items []subscription `json:"webhook_subscriptions"`
		}
		path := fmt.Sprintf("/webhook_subscriptions?limit=%d&offset=%d", pageSize, offset)
		if err := a.ask(ctx, "list webhook subscriptions", http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		if out = append(out, page.Items...); !page.More {
			return out, nil
		}
	}
	return nil, &Error{Doing: "list webhook subscriptions", Status: http.StatusBadRequest, Text: errEndless.Error()}
}

// ask makes one request that the client has no method for.
func (a *api) ask(ctx context.Context, doing, method, path string, body, into any) error {
	return a.call(ctx, doing, func(ctx context.Context) error {
		var data []byte
		if body != nil {
			var err error
			if data, err = json.Marshal(body); err != nil {
				return err
			}
		}
		req, err := http.NewRequestWithContext(ctx, method, a.origin+path, bytes.NewReader(data))
		if err != nil {
			return err
		}
		resp, err := a.client.Do(req, true)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body) // bounded by the transport
		if err != nil {
			return err
		}
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			return apiError(resp.StatusCode, answer)
		}
		if into == nil {
			return nil
		}
		return json.Unmarshal(answer, into)
	})
}

// apiError is an answer that refuses, as the client has them.
func apiError(status int, answer []byte) error {
	e := pd.APIError{StatusCode: status}
	_ = json.Unmarshal(answer, &e) // one that cannot be read gives no reason
	return e
}
