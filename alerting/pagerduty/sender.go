package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hadron/alerting"
)

// SenderConfig is what a Sender needs; all is optional.
type SenderConfig struct {
	EventsURL string // origin; default PagerDuty's
	Transport http.RoundTripper
	Timeout   time.Duration // of one event; default 10s
	MaxWait   time.Duration // most that PagerDuty can ask for before the next try; default 5m
	Now       func() time.Time
}

// Sender takes events to PagerDuty, one at a time and without repeating any: that is
// the outbox's. It is safe for concurrent use.
type Sender struct {
	cfg    SenderConfig
	client *http.Client
}

// NewSender makes a Sender. Its only error is about EventsURL.
func NewSender(cfg SenderConfig) (*Sender, error) {
	if err := validOrigins(cfg.EventsURL); err != nil {
		return nil, err
	}
	if cfg.EventsURL == "" {
		cfg.EventsURL = DefaultEventsURL
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.MaxWait <= 0 {
		cfg.MaxWait = 5 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.EventsURL = origin(cfg.EventsURL)
	return &Sender{cfg: cfg, client: &http.Client{
		Transport:     cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// origin takes off a path that somebody wrote too much.
func origin(s string) string {
	s = strings.TrimRight(s, "/")
	return strings.TrimSuffix(strings.TrimSuffix(s, "/v2/enqueue"), "/v2")
}

const maxAnswer = 64 << 10

// Send gives one event to PagerDuty. Nil means that it was accepted, which is not yet
// an incident. A *alerting.FinalError carries PagerDuty's words, any other error is a
// *alerting.RetryError. Neither has the routing key in it.
func (s *Sender) Send(ctx context.Context, e alerting.Event) error {
	body, err := Encode(e)
	if err != nil {
		return &alerting.FinalError{Err: err}
	}
	return s.post(ctx, "/v2/enqueue", body, e.RoutingKey)
}

// unreachable keeps the reason for errors.Is, and its text free of secrets.
func (s *Sender) unreachable(ctx context.Context, err error, key string) error {
	reason := cause(ctx, err)
	return &Error{Doing: "send event", Text: plain(reason.Error(), key), cause: reason}
}

// answered is PagerDuty's answer to an event. A body that is no such thing says
// nothing.
type answered struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Errors  []string `json:"errors"`
}

func (a answered) text() string {
	var parts []string
	for _, p := range append([]string{a.Status, a.Message}, a.Errors...) {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return "it gave no reason"
	}
	return strings.Join(parts, ": ")
}

var errNotPagerDuty = errors.New("the answer is not PagerDuty's: check pagerduty.events_url")

func (s *Sender) judge(resp *http.Response, body []byte, key string) error {
	var a answered
	understood := json.Unmarshal(body, &a) == nil
	if resp.StatusCode == http.StatusAccepted || resp.StatusCode == http.StatusOK && understood && a.Status == "success" {
		return nil
	}
	err := &Error{Doing: "send event", Status: resp.StatusCode, Text: plain(a.text(), key)}
	switch code := resp.StatusCode; {
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge:
		return &alerting.FinalError{Err: err}
	case code == http.StatusTooManyRequests || code >= 500:
		return &alerting.RetryError{After: min(asked(resp.Header, s.cfg.Now()), s.cfg.MaxWait), Err: err}
	}
	// A proxy, a sign-in page, a wrong address: pages must not be thrown away for it.
	return &alerting.RetryError{Err: fmt.Errorf("status %d: %w", resp.StatusCode, errNotPagerDuty)}
}
