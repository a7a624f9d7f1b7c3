package pagerduty

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

// Changes tells PagerDuty what changed of a function, as a change event of its service.
type Changes struct {
	sender  *Sender
	source  string
	service func(function.Name) (key string, ok bool)
	state   func(function.Name) string
}

// NewChanges makes Changes over a Sender. Routing keys and states are the Target's.
func NewChanges(s *Sender, t *Target) *Changes {
	return &Changes{
		sender: s, source: "hadron " + t.cfg.Installation, service: t.Routing,
		state: func(name function.Name) string { return t.Status(name).State },
	}
}

// patience is how long a change waits for a service that is being made.
const patience = 10 * time.Minute

var errNoService = errors.New("the function has no service yet")

// Send tells of one change. PagerDuty cannot be asked whether it has a change event, so
// one whose answer was lost is sent again.
func (c *Changes) Send(ctx context.Context, n delivery.Notice, _ bool) error {
	key, ok := c.service(n.Function)
	if !ok {
		state := c.state(n.Function)
		if state == Disabled || n.Kind == "deleted" || time.Since(n.Time) > patience {
			return fmt.Errorf("%w: the function has no service (%s)", delivery.ErrUnwanted, state)
		}
		return errNoService
	}
	event := pd.ChangeEvent{
		RoutingKey: key,
		Payload: pd.ChangeEventPayload{
			Summary: orElse(oneLine(n.Text, alerting.MaxSummary), "A change"), Source: oneLine(c.source, maxSource),
			Timestamp: n.Time.UTC().Format(time.RFC3339Nano),
			CustomDetails: map[string]any{
				"function": string(n.Function), "kind": n.Kind, "by": text(n.By), "message": text(n.Message), "change": n.Cursor,
			},
		},
	}
	if webAddress(n.URL) {
		event.Links = []pd.ChangeEventLink{{Href: n.URL, Text: "Hadron"}}
	}
	body, err := encode(event)
	if err != nil {
		return fmt.Errorf("%w: encode change event: %w", delivery.ErrUnwanted, err)
	}
	err = c.sender.post(ctx, "/v2/change/enqueue", body, key)
	var final *alerting.FinalError
	if errors.As(err, &final) {
		return fmt.Errorf("%w: %w", delivery.ErrUnwanted, err)
	}
	return err
}

// post gives one body to the Events API.
func (s *Sender) post(ctx context.Context, path string, body []byte, key string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Timeout, errSlow)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.EventsURL+path, bytes.NewReader(body))
	if err != nil {
		return &alerting.RetryError{Err: fmt.Errorf("make request: %s", plain(err.Error(), key))}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "hadron")
	resp, err := s.client.Do(req)
	if err != nil {
		return &alerting.RetryError{Err: s.unreachable(ctx, err, key)}
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	if err != nil {
		return &alerting.RetryError{Err: s.unreachable(ctx, err, key)}
	}
	return s.judge(resp, answer, key)
}
