package alerting

import (
	"errors"
	"fmt"
	"time"
)

// Action is what an Event asks of the pager.
type Action string

// The actions. A trigger under the dedup key of an open incident updates it.
const (
	Trigger     Action = "trigger"
	Resolve     Action = "resolve"
	Acknowledge Action = "acknowledge"
)

// Event is one message to the pager: what a person reads at 3 a.m. It is made
// when an incident changes and kept as it is until it is delivered. Every text in
// it is one line of valid UTF-8 without control characters, within its limit.
type Event struct {
	Action     Action  `json:"action"`
	DedupKey   string  `json:"dedup_key"` // at most MaxDedupKey bytes; one per installation, function and SLO
	Target     string  `json:"-"`         // kept beside the event, not in it, as the next two
	RoutingKey string  `json:"-"`
	ID         int64   `json:"-"`                  // of its message: the same however often it is sent
	Summary    string  `json:"summary"`            // at most MaxSummary characters; the first 100 say it all
	Severity   string  `json:"severity"`           // critical or warning
	Source     string  `json:"source"`             // the installation; never blank
	Component  string  `json:"component"`          // team/project/name
	Group      string  `json:"group"`              // team
	Class      string  `json:"class"`              // page or ticket, and the objective: "page: availability"
	Alert      string  `json:"alert"`              // name of the alert: "SLOBurnRate"
	SLO        string  `json:"slo"`                // the objective
	Test       bool    `json:"test,omitempty"`     // nothing is wrong: somebody tries the way here
	Watchdog   bool    `json:"watchdog,omitempty"` // it says that alerts are evaluated and delivered
	Until      string  `json:"until,omitempty"`    // RFC 3339: what a watchdog says is worth nothing afterwards
	Timestamp  string  `json:"timestamp"`          // RFC 3339
	Began      string  `json:"began,omitempty"`    // of the incident, RFC 3339
	Details    []Field `json:"details"`            // in the order in which they are read; names differ
	Links      []Link  `json:"links,omitempty"`
	Client     string  `json:"client,omitempty"`
	ClientURL  string  `json:"client_url,omitempty"`
}

// Field is one line of an event's details.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Link is somewhere to look.
type Link struct {
	Href string `json:"href"` // http or https
	Text string `json:"text"`
}

// Limits of an event.
const (
	MaxSummary  = 1024 // characters
	MaxDedupKey = 255  // bytes
)

// FinalError says that an event was refused and will be again: it becomes a dead
// letter with this error's text as its reason.
type FinalError struct{ Err error }

func (e *FinalError) Error() string { return fmt.Sprintf("refused: %v", e.Err) }

// Unwrap returns the cause.
func (e *FinalError) Unwrap() error { return e.Err }

// RetryError says that an event was not taken, and not to come back before After,
// where the receiver said so. Any error that is not a FinalError is tried again.
type RetryError struct {
	After time.Duration // 0: as the backoff says
	Err   error
}

func (e *RetryError) Error() string { return fmt.Sprintf("not taken: %v", e.Err) }

// Unwrap returns the cause.
func (e *RetryError) Unwrap() error { return e.Err }

// isFinal reports whether err ends an event, and how long it asks to wait if not.
func isFinal(err error) (final bool, after time.Duration) {
	var refused *FinalError
	if errors.As(err, &refused) {
		return true, 0
	}
	var retry *RetryError
	if errors.As(err, &retry) {
		return false, max(0, retry.After)
	}
	return false, 0
}
