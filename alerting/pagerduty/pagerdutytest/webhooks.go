package pagerdutytest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Subscription is a webhook subscription.
type Subscription struct {
	ID, Description, URL, Secret string
	Events                       []string
	Active, Disabled             bool
}

type askedSubscription struct {
	Subscription struct {
		Description *string  `json:"description"`
		Active      *bool    `json:"active"`
		Events      []string `json:"events"`
		Delivery    struct {
			URL string `json:"url"`
		} `json:"delivery_method"`
	} `json:"webhook_subscription"`
}

func (s *Server) serveSubscriptions(w http.ResponseWriter, r *http.Request, parts []string, body []byte) {
	var in askedSubscription
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			invalid(w, err.Error())
			return
		}
	}
	at := r.Method + strings.Repeat("/*", len(parts))
	switch at {
	case "GET":
		part, head, ok := page(w, r, s.hooks)
		if !ok {
			return
		}
		list := make([]any, 0, len(part))
		for _, h := range part {
			list = append(list, h.show(false))
		}
		head["webhook_subscriptions"] = list
		write(w, http.StatusOK, head)
		return
	case "POST":
		if !strings.HasPrefix(in.Subscription.Delivery.URL, "http") {
			invalid(w, "delivery_method.url is invalid")
			return
		}
		h := &Subscription{ID: s.id(), URL: in.Subscription.Delivery.URL, Secret: random(32), Events: in.Subscription.Events, Active: true}
		if in.Subscription.Description != nil {
			h.Description = *in.Subscription.Description
		}
		s.hooks = append(s.hooks, h)
		write(w, http.StatusOK, map[string]any{"webhook_subscription": h.show(true)})
		return
	}
	i := slices.IndexFunc(s.hooks, func(h *Subscription) bool { return h.ID == parts[0] })
	if i < 0 {
		notFound(w)
		return
	}
	h := s.hooks[i]
	switch at {
	case "PUT/*":
		if in.Subscription.Active != nil {
			h.Active = *in.Subscription.Active
		}
		if in.Subscription.Events != nil {
			h.Events = in.Subscription.Events
		}
		write(w, http.StatusOK, map[string]any{"webhook_subscription": h.show(false)})
	case "POST/*/*":
		h.Disabled = false
		write(w, http.StatusOK, map[string]any{"webhook_subscription": h.show(false)})
	case "DELETE/*":
		s.hooks = slices.Delete(s.hooks, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	default:
		notFound(w)
	}
}

// show is a subscription as PagerDuty writes it; its secret once.
func (h *Subscription) show(secret bool) map[string]any {
	method := map[string]any{"id": "D" + h.ID, "type": "http_delivery_method", "url": h.URL, "secret": nil, "temporarily_disabled": h.Disabled, "custom_headers": []any{}}
	if secret {
		method["secret"] = h.Secret
	}
	return map[string]any{
		"id": h.ID, "type": "webhook_subscription", "active": h.Active, "description": h.Description, "events": h.Events,
		"delivery_method": method, "filter": map[string]any{"type": "account_reference"},
	}
}

// Subscriptions returns the webhook subscriptions.
func (s *Server) Subscriptions() []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Subscription, len(s.hooks))
	for i, h := range s.hooks {
		out[i] = *h
	}
	return out
}

// ChangeSubscription changes one, as somebody at PagerDuty would.
func (s *Server) ChangeSubscription(id string, change func(*Subscription)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		if h.ID == id {
			change(h)
		}
	}
}

// Act does something about the open incident with that dedup key, as a person at PagerDuty
// would, and tells those who subscribed to it: kind is the event's, such as
// "incident.acknowledged". It returns the worst status that a subscriber answered with.
func (s *Server) Act(ctx context.Context, dedupKey, kind, who, content string) (int, error) {
	s.mu.Lock()
	var in *Incident
	for _, i := range s.incidents {
		if i.DedupKey == dedupKey && i.Status != Resolved {
			in = i
		}
	}
	if in == nil {
		s.mu.Unlock()
		return 0, fmt.Errorf("no incident %s is open", dedupKey)
	}
	switch kind {
	case "incident.acknowledged":
		in.Status = Acknowledged
	case "incident.resolved":
		in.Status = Resolved
	case "incident.unacknowledged":
		in.Status = Triggered
	}
	about := map[string]any{
		"id": in.ID, "type": "incident", "html_url": s.page("incidents", in.ID), "status": in.Status, "incident_key": in.DedupKey,
		"service":   map[string]any{"id": in.ServiceID, "type": "service_reference"},
		"assignees": []any{map[string]any{"id": "PUSER01", "type": "user_reference", "summary": who}},
	}
	if kind == "incident.annotated" {
		about = map[string]any{"id": "PNOTE01", "type": "incident_note", "content": content, "incident": map[string]any{"id": in.ID, "type": "incident_reference"}}
	}
	event := map[string]any{
		"id": random(16), "event_type": kind, "resource_type": "incident", "occurred_at": time.Now().UTC().Format(time.RFC3339Nano),
		"agent": map[string]any{"id": "PUSER01", "type": "user_reference", "summary": who}, "data": about,
	}
	hooks := slices.Clone(s.hooks)
	s.notify()
	s.mu.Unlock()
	body, err := json.Marshal(map[string]any{"event": event})
	if err != nil {
		return 0, fmt.Errorf("encode webhook: %w", err)
	}
	worst := 0
	for _, h := range hooks {
		if !h.Active || h.Disabled || !slices.Contains(h.Events, kind) {
			continue
		}
		status, err := deliver(ctx, h, body)
		if err != nil {
			return 0, err
		}
		worst = max(worst, status)
	}
	return worst, nil
}

func deliver(ctx context.Context, h *Subscription, body []byte) (int, error) {
	mac := hmac.New(sha256.New, []byte(h.Secret))
	mac.Write(body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("deliver webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-PagerDuty-Signature", "v1="+random(32)+",v1="+hex.EncodeToString(mac.Sum(nil)))
	req.Header.Set("X-Webhook-Id", random(16))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("deliver webhook: %w", err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, nil
}
