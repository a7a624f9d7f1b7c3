package pagerduty

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"hadron/alerting"
)

// Inbox keeps what PagerDuty told until it was worked in, and its ids for longer.
type Inbox interface {
	// Receive stores a body once; fresh is false where its id, or the very same body, was
	// seen before. The id may be empty.
	Receive(ctx context.Context, id string, body []byte, at time.Time) (fresh bool, err error)
	// Next returns the oldest that is not done, and false where there is none.
	Next(ctx context.Context) (seq int64, body []byte, ok bool, err error)
	// Done forgets a body, and ids from long ago.
	Done(ctx context.Context, seq int64, at time.Time) error
}

// Hands is where people's doings are noted. Handle reports whether the incident is open;
// Key finds the dedup key of the one that PagerDuty has under its id, empty for none.
type Hands interface {
	Handle(ctx context.Context, dedupKey string, change func(*alerting.Hand) []alerting.Message) (found bool, err error)
	Key(ctx context.Context, pagerID string) (string, error)
}

// ReceiverConfig is what a Receiver needs; all but Logger and Now is required.
type ReceiverConfig struct {
	// Secrets are those with which PagerDuty may sign: several while one is rotated.
	Secrets func(ctx context.Context) ([]string, error)
	Inbox   Inbox
	Hands   Hands
	// Changed is told that somebody did something about an incident, for those who are to
	// hear of it from Hadron.
	Changed func(h alerting.Hand, what string) []alerting.Message
	Now     func() time.Time
	Logger  *slog.Logger
}

// Receiver takes PagerDuty's webhooks v3: it knows the good ones by their signature,
// stores them once, and works them in later, in the order in which they came.
type Receiver struct {
	cfg  ReceiverConfig
	wake chan struct{}
	done chan struct{}
	stop context.CancelFunc
}

// NewReceiver makes a Receiver that stands still.
func NewReceiver(cfg ReceiverConfig) (*Receiver, error) {
	if cfg.Secrets == nil || cfg.Inbox == nil || cfg.Hands == nil {
		return nil, errors.New("pagerduty: Secrets, Inbox and Hands are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Changed == nil {
		cfg.Changed = func(alerting.Hand, string) []alerting.Message { return nil }
	}
	cfg.Logger = cfg.Logger.With("component", "pagerduty webhooks")
	return &Receiver{cfg: cfg, wake: make(chan struct{}, 1), done: make(chan struct{})}, nil
}

const (
	signatureHeader = "X-Pagerduty-Signature"
	idHeader        = "X-Webhook-Id"
	maxID           = 200
)

// Receive takes one webhook: nil means that it is stored, or was before. Errors:
// alerting.ErrUnsigned, alerting.ErrNoSecret; any other is the store's, and PagerDuty is to come again.
func (r *Receiver) Receive(ctx context.Context, header http.Header, body []byte) error {
	secrets, err := r.cfg.Secrets(ctx)
	if err != nil {
		return fmt.Errorf("read webhook secrets: %w", err)
	}
	if len(secrets) == 0 {
		return alerting.ErrNoSecret
	}
	if !signed(header.Values(signatureHeader), secrets, body) {
		return alerting.ErrUnsigned
	}
	id := oneLine(header.Get(idHeader), maxID) // none where a proxy dropped it
	fresh, err := r.cfg.Inbox.Receive(ctx, id, body, r.cfg.Now())
	if err != nil {
		return fmt.Errorf("store webhook: %w", err)
	}
	if fresh {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// signed reports whether one of the signatures is of one of the secrets. It takes as long
// whichever it is.
func signed(headers, secrets []string, body []byte) bool {
	const most = 20
	var given [][]byte
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			text, ok := strings.CutPrefix(strings.TrimSpace(part), "v1=")
			if sum, err := hex.DecodeString(text); ok && err == nil && len(given) < most {
				given = append(given, sum)
			}
		}
	}
	good := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, sum := range given {
			good = hmac.Equal(sum, want) || good
		}
	}
	return good
}

// Start begins to work in what was received. The Receiver ends with ctx or Stop.
func (r *Receiver) Start(ctx context.Context) error {
	ctx, r.stop = context.WithCancel(ctx)
	go r.loop(ctx)
	return nil
}

// Stop ends the work and waits for what is under way. Its error wraps the cause for which
// ctx ended first.
func (r *Receiver) Stop(ctx context.Context) error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop webhooks: %w", context.Cause(ctx))
	}
}

// again is when work that failed is tried again.
const again = 5 * time.Second

func (r *Receiver) loop(ctx context.Context) {
	defer close(r.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		for ctx.Err() == nil {
			more, err := r.work(ctx)
			if err != nil {
				r.cfg.Logger.WarnContext(ctx, "webhook was not worked in, it will be tried again", "error", err)
				timer.Reset(again)
			}
			if err != nil || !more {
				break
			}
		}
	}
}

// work takes in the oldest. One that cannot be read is done: PagerDuty would send it the
// same again.
func (r *Receiver) work(ctx context.Context) (more bool, err error) {
	seq, body, ok, err := r.cfg.Inbox.Next(ctx)
	if err != nil || !ok {
		return false, err
	}
	var w webhook
	if err := json.Unmarshal(body, &w); err != nil {
		r.cfg.Logger.WarnContext(ctx, "webhook is no event", "error", plain(err.Error()))
	} else if err := r.apply(ctx, w.Event); err != nil {
		return false, err
	}
	return true, r.cfg.Inbox.Done(ctx, seq, r.cfg.Now())
}

// webhook is the part of a webhook v3 in use.
type webhook struct {
	Event event `json:"event"`
}

type event struct {
	Type     string    `json:"event_type"`
	Occurred time.Time `json:"occurred_at"`
	Agent    reference `json:"agent"`
	Data     struct {
		ID        string      `json:"id"`
		URL       string      `json:"html_url"`
		Key       string      `json:"incident_key"`
		Assignees []reference `json:"assignees"`
		Incident  reference   `json:"incident"` // of a note
		Content   string      `json:"content"`
	} `json:"data"`
}

type reference struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Summary string `json:"summary"`
	URL     string `json:"html_url"`
}

func (r reference) who() string { return orElse(oneLine(r.Summary, maxWho), "somebody at PagerDuty") }

const (
	maxWho  = 100
	maxNote = 1000
	// apart is how far PagerDuty's clock may be from ours.
	apart = time.Minute
	// longAgo is what PagerDuty does not tell any more, which tries for two days; ids are
	// known for longer.
	longAgo = 3 * 24 * time.Hour
)

// apply notes what happened of an incident that is open here; any other is none of ours,
// or over.
func (r *Receiver) apply(ctx context.Context, e event) error {
	key := e.Data.Key
	if key == "" {
		var err error
		if key, err = r.cfg.Hands.Key(ctx, e.Data.Incident.ID); err != nil {
			return err
		}
	}
	what, ok := told[e.Type]
	if e.Occurred.IsZero() {
		e.Occurred = r.cfg.Now()
	}
	if r.cfg.Now().Sub(e.Occurred) > longAgo {
		return nil
	}
	if !ok || key == "" || len(key) > alerting.MaxDedupKey {
		return nil
	}
	found, err := r.cfg.Hands.Handle(ctx, key, func(h *alerting.Hand) []alerting.Message {
		if e.Occurred.Before(h.Opened.Add(-apart)) {
			return nil // of an incident that is over: this one has its dedup key
		}
		if e.Data.Key != "" {
			h.PagerID = oneLine(e.Data.ID, maxWho)
			if webAddress(e.Data.URL) {
				h.PagerURL = e.Data.URL
			}
			h.Assignee = assignees(e.Data.Assignees)
		}
		what(h, e)
		return r.cfg.Changed(*h, e.Type)
	})
	if err == nil && found {
		r.cfg.Logger.InfoContext(ctx, "PagerDuty told of an incident", "dedup_key", key, "event", e.Type, "by", e.Agent.who())
	}
	return err
}

func assignees(list []reference) string {
	const most = 5
	var names []string
	for i, a := range list {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(list)-most))
			break
		}
		names = append(names, a.who())
	}
	return strings.Join(names, ", ")
}

// told is what each event changes. Those that are missing are nothing to Hadron.
var told = map[string]func(*alerting.Hand, event){
	"incident.triggered":        func(*alerting.Hand, event) {},
	"incident.acknowledged":     acknowledged,
	"incident.unacknowledged":   unacknowledged,
	"incident.reopened":         unacknowledged,
	"incident.reassigned":       func(h *alerting.Hand, e event) { remark(h, e, "gave it to "+h.Assignee) },
	"incident.escalated":        func(h *alerting.Hand, e event) { remark(h, e, "escalated it to "+h.Assignee) },
	"incident.delegated":        func(h *alerting.Hand, e event) { remark(h, e, "delegated it to "+h.Assignee) },
	"incident.annotated":        func(h *alerting.Hand, e event) { remark(h, e, e.Data.Content) },
	"incident.resolved":         resolved,
	"incident.priority_updated": func(*alerting.Hand, event) {},
}

func acknowledged(h *alerting.Hand, e event) {
	h.AckedAt, h.AckedBy, h.Via = e.Occurred.UTC().Truncate(time.Microsecond), e.Agent.who(), alerting.PagerDuty
}

func unacknowledged(h *alerting.Hand, e event) {
	if !h.AckedAt.IsZero() {
		remark(h, e, "has it no more")
	}
	h.AckedAt, h.AckedBy, h.Via = time.Time{}, "", ""
}

// resolved is by a person, while the alert still fires: it stays open here.
func resolved(h *alerting.Hand, e event) {
	remark(h, e, "resolved it at PagerDuty; the alert still fires")
}

func remark(h *alerting.Hand, e event, text string) {
	if text = oneLine(text, maxNote); text != "" {
		h.Notes = append(h.Notes, alerting.Note{At: e.Occurred.UTC(), By: e.Agent.who(), Text: text})
	}
}
