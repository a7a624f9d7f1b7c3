package pagerduty_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/runtime/function"
	"hadron/storage/sql"
	"hadron/storage/sql/sqltest"
)

const key = "hadron-0123"

// opened is when the incident of the office began, and clock its time.
var (
	opened = time.Date(2026, 11, 27, 1, 50, 0, 0, time.UTC)
	clock  = opened.Add(15 * time.Minute)
)

// office is a receiver over a real store, in which an incident is open.
type office struct {
	*pagerduty.Receiver
	t       *testing.T
	db      *sql.DB
	secrets []string
	broken  error
	mu      sync.Mutex
	changed []string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, db: sqltest.MustOpen(t), secrets: []string{"old", "new"}}
	objective := alerting.Objective{Function: "a/b/c", SLO: "availability"}
	if err := o.db.Alerting().Commit(t.Context(), alerting.Change{Incidents: []alerting.Incident{{
		Objective: objective, DedupKey: key, Class: "page", Told: alerting.PagerDuty, OpenedAt: opened,
	}}}); err != nil {
		t.Fatal(err)
	}
	r, err := pagerduty.NewReceiver(pagerduty.ReceiverConfig{
		Secrets: func(context.Context) ([]string, error) { return o.secrets, o.broken },
		Inbox:   o.db.PagerDuty(), Hands: o.db.Alerting(), Now: func() time.Time { return clock },
		Changed: func(h alerting.Hand, what string) []alerting.Message {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.changed = append(o.changed, what+" "+h.AckedBy)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	o.Receiver = r
	return o
}

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func body(kind, who, data string) []byte { return bodyAt(opened.Add(10*time.Minute), kind, who, data) }

func bodyAt(at time.Time, kind, who, data string) []byte {
	name, _ := json.Marshal(who)
	return fmt.Appendf(nil, `{"event":{"id":"E1","event_type":%q,"resource_type":"incident","occurred_at":%q,"agent":{"summary":%s,"type":"user_reference"},"data":{%s}}}`,
		kind, at.Format(time.RFC3339Nano), name, data)
}

const incident = `"id":"PINC","type":"incident","html_url":"https://acme.pagerduty.com/incidents/PINC","incident_key":"` + key + `","assignees":[{"summary":"Bea"},{"summary":"Cem"}]`

func (o *office) receive(id string, b []byte, signatures ...string) error {
	h := http.Header{}
	h.Set("X-Webhook-Id", id)
	for _, s := range signatures {
		h.Add("X-PagerDuty-Signature", s)
	}
	return o.Receive(o.t.Context(), h, b)
}

func (o *office) hand() alerting.Hand {
	o.t.Helper()
	hands, err := o.db.Alerting().Hands(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return hands[alerting.Objective{Function: "a/b/c", SLO: "availability"}]
}

func (o *office) wait(what string, done func(alerting.Hand) bool) {
	o.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(o.hand()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			o.t.Fatalf("%s: %+v", what, o.hand())
		}
	}
}

func TestWebhooksShowWhatPeopleDo(t *testing.T) {
	o := newOffice(t)
	n := 0
	send := func(kind, who, data string) {
		t.Helper()
		n++
		b := body(kind, who, data)
		if err := o.receive(fmt.Sprint(n), b, "v1=00ff, "+sign("new", b)); err != nil {
			t.Fatal(err)
		}
	}
	send("incident.triggered", "", incident)
	o.wait("its address", func(h alerting.Hand) bool { return h.PagerID == "PINC" && h.PagerURL != "" && h.Assignee == "Bea, Cem" })
	send("incident.acknowledged", "Ada\u0000 Byron", incident)
	o.wait("who has it", func(h alerting.Hand) bool {
		return h.AckedBy == "Ada Byron" && h.Via == "pagerduty" && h.AckedAt.Year() == 2026
	})
	send("incident.annotated", "Ada", `"incident":{"id":"PINC"},"content":"it is the\nnetwork","id":"PN"`)
	o.wait("the note", func(h alerting.Hand) bool { return len(h.Notes) == 1 && h.Notes[0].Text == "it is the network" })
	send("incident.reassigned", "Ada", strings.Replace(incident, "Bea", "Dora", 1))
	o.wait("the assignee", func(h alerting.Hand) bool { return h.Assignee == "Dora, Cem" && h.AckedBy != "" })
	send("incident.unacknowledged", "", incident)
	o.wait("nobody", func(h alerting.Hand) bool { return h.AckedBy == "" && h.AckedAt.IsZero() })
	send("incident.resolved", "Ada", incident)
	o.wait("the end", func(h alerting.Hand) bool { return strings.Contains(h.Notes[len(h.Notes)-1].Text, "still fires") })
	send("incident.priority_updated", "Ada", incident)
	send("service.updated", "Ada", `"id":"PS","type":"service"`)
	send("incident.acknowledged", "Ada", strings.Replace(incident, key, "somebody else's", 1))
	send("incident.acknowledged", "Eva", incident)
	o.wait("the last", func(h alerting.Hand) bool { return h.AckedBy == "Eva" })
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed[1] != "incident.acknowledged Ada Byron" {
		t.Errorf("%q", o.changed)
	}
}

func TestWebhooksAreTakenOnce(t *testing.T) {
	o := newOffice(t)
	b := body("incident.annotated", "Ada", incident+`,"content":"once"`)
	for range 3 {
		if err := o.receive("same", b, sign("old", b)); err != nil {
			t.Fatal(err)
		}
	}
	last := body("incident.acknowledged", "Ada", incident)
	if err := o.receive("other", last, sign("old", last)); err != nil {
		t.Fatal(err)
	}
	o.wait("the last", func(h alerting.Hand) bool { return h.AckedBy == "Ada" })
	if h := o.hand(); len(h.Notes) != 1 {
		t.Errorf("%+v", h.Notes)
	}
}

// The signature is of the body and not of the id: what was taken once, and was sent
// again under another id, changes nothing.
func TestWebhookUnderAnotherIDIsNotTakenAgain(t *testing.T) {
	o := newOffice(t)
	note := body("incident.annotated", "Ada", incident+`,"content":"once"`)
	ack := body("incident.acknowledged", "Ada", incident)
	undo := bodyAt(opened.Add(12*time.Minute), "incident.unacknowledged", "Ada", incident)
	for id, b := range [][]byte{note, ack, undo, note, ack} {
		if err := o.receive(fmt.Sprint(id), b, sign("old", b)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.receive("", note, sign("old", note)); err != nil { // a proxy dropped it
		t.Fatal(err)
	}
	last := body("incident.annotated", "Bea", incident+`,"content":"the last"`)
	if err := o.receive("", last, sign("old", last)); err != nil {
		t.Fatal(err)
	}
	o.wait("the last", func(h alerting.Hand) bool { return len(h.Notes) > 0 && h.Notes[len(h.Notes)-1].Text == "the last" })
	// One note, one that nobody has it any more, and the last.
	if h := o.hand(); len(h.Notes) != 3 || h.AckedBy != "" {
		t.Errorf("%+v", h)
	}
}

// An incident has the dedup key of the one before. What PagerDuty tells late of that one,
// which it tries to for two days, is not of this one.
func TestLateWebhooksAreOfTheIncidentBefore(t *testing.T) {
	o := newOffice(t)
	for id, at := range []time.Time{opened.Add(-2 * time.Hour), opened.Add(-2 * time.Minute), clock.Add(-30 * 24 * time.Hour)} {
		b := bodyAt(at, "incident.acknowledged", "Ada", incident)
		if err := o.receive(fmt.Sprint(id), b, sign("old", b)); err != nil {
			t.Fatal(err)
		}
	}
	b := bodyAt(opened.Add(-10*time.Second), "incident.annotated", "Bea", incident+`,"content":"its clock is a little slow"`)
	if err := o.receive("last", b, sign("old", b)); err != nil {
		t.Fatal(err)
	}
	o.wait("the last", func(h alerting.Hand) bool { return len(h.Notes) == 1 })
	if h := o.hand(); h.AckedBy != "" || !h.AckedAt.IsZero() {
		t.Errorf("this incident is %s's", h.AckedBy)
	}
}

// PagerDuty is answered when the webhook is stored, however long it takes to work it in.
func TestWebhookIsAnsweredBeforeItIsWorkedIn(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{}, 1)
	db := sqltest.MustOpen(t)
	r, err := pagerduty.NewReceiver(pagerduty.ReceiverConfig{
		Secrets: func(context.Context) ([]string, error) { return []string{"s"}, nil },
		Inbox:   db.PagerDuty(), Hands: slowHands{begun, hold}, Now: func() time.Time { return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		b := bodyAt(clock.Add(time.Duration(i)), "incident.acknowledged", "Ada", incident)
		if err := r.Receive(t.Context(), http.Header{"X-Pagerduty-Signature": {sign("s", b)}, "X-Webhook-Id": {fmt.Sprint(i)}}, b); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			<-begun // and hangs
		}
	}
	close(hold)
	if err := r.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

type slowHands struct{ begun, hold chan struct{} }

func (h slowHands) Handle(context.Context, string, func(*alerting.Hand) []alerting.Message) (bool, error) {
	select {
	case h.begun <- struct{}{}:
	default:
	}
	<-h.hold
	return true, nil
}

func (slowHands) Key(context.Context, string) (string, error) { return key, nil }

func TestWebhooksOfOthersAreRefused(t *testing.T) {
	o := newOffice(t)
	b := body("incident.acknowledged", "Mallory", incident)
	for _, signatures := range [][]string{
		nil,
		{""},
		{"v1="},
		{"v1=zz"},
		{sign("wrong", b)},
		{sign("old", append(bytes.Clone(b), ' '))},
		{"v2=" + strings.TrimPrefix(sign("old", b), "v1=")},
		{sign("old", b)[:20]},
	} {
		if err := o.receive("1", b, signatures...); !errors.Is(err, alerting.ErrUnsigned) {
			t.Errorf("%q: %v", signatures, err)
		}
	}
	o.secrets = nil
	if err := o.receive("1", b, sign("", b)); !errors.Is(err, alerting.ErrNoSecret) {
		t.Error(err)
	}
	o.broken = errors.New("no file")
	if err := o.receive("1", b, sign("old", b)); err == nil || errors.Is(err, alerting.ErrUnsigned) {
		t.Error(err) // PagerDuty is to come again
	}
}

// A good signature over anything is taken, and harms nothing.
func FuzzWebhook(f *testing.F) {
	if dir := os.Getenv("HADRON_CONTRACTS"); dir != "" {
		paths, _ := filepath.Glob(filepath.Join(dir, "pagerduty/webhook-v3-samples/*.json"))
		for _, path := range paths {
			if data, err := os.ReadFile(path); err == nil {
				f.Add(data)
			}
		}
	}
	f.Add(body("incident.acknowledged", "Ada", incident))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var stored []byte
		done := make(chan struct{}, 1)
		r, err := pagerduty.NewReceiver(pagerduty.ReceiverConfig{
			Secrets: func(context.Context) ([]string, error) { return []string{"s"}, nil },
			Inbox:   &oneBody{&stored, done}, Hands: noHands{t}, Now: func() time.Time { return clock },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Receive(t.Context(), http.Header{"X-Pagerduty-Signature": {sign("s", b)}}, b); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-done
		if err := r.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
}

type oneBody struct {
	body *[]byte
	done chan struct{}
}

func (o *oneBody) Receive(_ context.Context, _ string, body []byte, _ time.Time) (bool, error) {
	*o.body = append([]byte{}, body...)
	return true, nil
}

func (o *oneBody) Next(context.Context) (int64, []byte, bool, error) {
	return 1, *o.body, *o.body != nil, nil
}

func (o *oneBody) Done(context.Context, int64, time.Time) error {
	*o.body = nil
	o.done <- struct{}{}
	return nil
}

type noHands struct{ t *testing.T }

func (h noHands) Handle(_ context.Context, dedup string, change func(*alerting.Hand) []alerting.Message) (bool, error) {
	hand := alerting.Hand{Objective: alerting.Objective{Function: function.Name("a/b/c")}}
	change(&hand)
	for _, n := range hand.Notes {
		if strings.ContainsAny(n.By+n.Text, "\n\x00") || len(n.Text) > 5000 {
			h.t.Errorf("%q", n)
		}
	}
	_, err := json.Marshal(hand)
	return dedup != "", err
}

func (noHands) Key(context.Context, string) (string, error) { return key, nil }
