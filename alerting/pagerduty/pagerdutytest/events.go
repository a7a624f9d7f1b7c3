package pagerdutytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is one event that was accepted.
type Event struct {
	Time       time.Time
	Change     bool // a change event
	RoutingKey string
	ServiceID  string
	Action     string
	DedupKey   string
	Summary    string
	Severity   string
	Details    map[string]any
	Links      []string // where they lead
	Raw        json.RawMessage
	Dropped    string // why it led to nothing; empty: it did
}

// States of an incident.
const (
	Triggered    = "triggered"
	Acknowledged = "acknowledged"
	Resolved     = "resolved"
)

// Incident is what events under one routing and dedup key opened.
type Incident struct {
	ID, ServiceID, RoutingKey, DedupKey string
	Status                              string
	Summary, Severity                   string // of the last trigger
	Triggers                            int
}

type eventBody struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	DedupKey   string `json:"dedup_key"`
	Payload    *struct {
		Summary   string         `json:"summary"`
		Source    string         `json:"source"`
		Severity  string         `json:"severity"`
		Timestamp string         `json:"timestamp"`
		Details   map[string]any `json:"custom_details"`
	} `json:"payload"`
	Links []struct {
		Href string `json:"href"`
	} `json:"links"`
}

type eventAnswer struct {
	Status   string   `json:"status"`
	Message  string   `json:"message"`
	DedupKey string   `json:"dedup_key,omitempty"`
	Errors   []string `json:"errors,omitempty"`
}

const maxEvent = 512 * 1024

func refuse(w http.ResponseWriter, errs ...string) {
	write(w, http.StatusBadRequest, eventAnswer{Status: "invalid event", Message: "Event object is invalid", Errors: errs})
}

func (s *Server) serveEvent(w http.ResponseWriter, r *http.Request, path string, body []byte, bad error) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	var in eventBody
	if err := json.Unmarshal(body, &in); err != nil {
		write(w, http.StatusBadRequest, eventAnswer{Status: "Unrecognized object", Message: "Event object format is unrecognized", Errors: []string{"JSON parse error"}})
		return
	}
	if bad != nil {
		refuse(w, bad.Error())
		return
	}
	change := path == "/change/enqueue"
	if errs := in.check(change, len(body)); len(errs) > 0 {
		refuse(w, errs...)
		return
	}
	v := s.byKey(in.RoutingKey)
	if v == nil {
		refuse(w, "Invalid routing key")
		return
	}
	limit := s.perKey[in.RoutingKey]
	if limit == nil {
		limit = &window{most: s.eventLimit}
		s.perKey[in.RoutingKey] = limit
	}
	if _, _, ok := limit.hit(time.Now()); !ok {
		write(w, http.StatusTooManyRequests, eventAnswer{Status: "throttle exceeded", Message: "Requests for this service are arriving too quickly."})
		return
	}
	if in.DedupKey == "" && !change {
		in.DedupKey = random(16)
	}
	e := Event{
		Time: time.Now(), Change: change, RoutingKey: in.RoutingKey, ServiceID: v.ID, Action: in.Action, DedupKey: in.DedupKey, Raw: slices.Clone(body),
	}
	if in.Payload != nil {
		e.Summary, e.Severity, e.Details = in.Payload.Summary, in.Payload.Severity, in.Payload.Details
	}
	for _, l := range in.Links {
		e.Links = append(e.Links, l.Href)
	}
	if !change {
		e.Dropped = s.process(v, e)
	}
	s.events = append(s.events, e)
	write(w, http.StatusAccepted, eventAnswer{Status: "success", Message: "Event processed", DedupKey: in.DedupKey})
}

func (in eventBody) check(change bool, size int) []string {
	var errs []string
	bad := func(format string, args ...any) { errs = append(errs, fmt.Sprintf(format, args...)) }
	if size > maxEvent {
		bad("Event is larger than 512 KB")
	}
	if len(in.RoutingKey) != 32 {
		bad("'routing_key' is not 32 characters long")
	}
	if utf8.RuneCountInString(in.DedupKey) > 255 {
		bad("'dedup_key' is too long (maximum is 255 characters)")
	}
	needed := change || in.Action == "trigger"
	switch {
	case !change && in.Action != "trigger" && in.DedupKey == "":
		bad("'dedup_key' is missing or blank")
	case needed && in.Payload == nil:
		bad("'payload' is missing or blank")
	}
	if !needed || in.Payload == nil {
		return errs
	}
	p := in.Payload
	if strings.TrimSpace(p.Summary) == "" {
		bad("'payload.summary' is missing or blank")
	}
	if utf8.RuneCountInString(p.Summary) > 1024 {
		bad("'payload.summary' is too long (maximum is 1024 characters)")
	}
	if !change && strings.TrimSpace(p.Source) == "" {
		bad("'payload.source' is missing or blank")
	}
	if !change && !slices.Contains([]string{"critical", "error", "warning", "info"}, p.Severity) {
		bad("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	}
	return errs
}

func (s *Server) byKey(key string) *service {
	for _, v := range s.services {
		for _, i := range v.Integrations {
			if i.Key == key {
				return v
			}
		}
	}
	return nil
}

// process changes incidents as the event asks, and says why not otherwise: PagerDuty
// accepts such events too, and drops them. A disabled service takes none.
func (s *Server) process(v *service, e Event) string {
	if v.Status == "disabled" {
		return "the service is disabled"
	}
	var open *Incident
	for _, in := range s.incidents {
		if in.RoutingKey == e.RoutingKey && in.DedupKey == e.DedupKey && in.Status != Resolved {
			open = in
		}
	}
	switch {
	case e.Action == "trigger" && open == nil:
		s.incidents = append(s.incidents, &Incident{
			ID: "Q" + s.id(), ServiceID: v.ID, RoutingKey: e.RoutingKey, DedupKey: e.DedupKey, Status: Triggered,
			Summary: e.Summary, Severity: e.Severity, Triggers: 1,
		})
	case e.Action == "trigger":
		open.Summary, open.Severity = e.Summary, e.Severity
		open.Triggers++
	case open == nil:
		return "no incident is open under this routing key and dedup key"
	case e.Action == "resolve":
		open.Status = Resolved
	default:
		open.Status = Acknowledged
	}
	return ""
}

// Judge says what is wrong with the body of an event, by PagerDuty's description where
// it is at hand and by its documented limits. It changes nothing.
func (s *Server) Judge(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v2/enqueue", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("judge event: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if s.contract != nil {
		if err := s.contract.request(ctx, s.contract.events, r, "/enqueue"); err != nil {
			return err
		}
	}
	var in eventBody
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("judge event: %w", err)
	}
	if errs := in.check(false, len(body)); len(errs) > 0 {
		return fmt.Errorf("judge event: %s", strings.Join(errs, "; "))
	}
	return nil
}
