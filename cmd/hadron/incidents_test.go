package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/ui/wire"
)

// chat remembers what it was told.
type chat struct {
	*httptest.Server
	mu   sync.Mutex
	told []string
}

func newChat(t *testing.T) *chat {
	c := &chat{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct{ Text string }
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		_ = json.Unmarshal(body, &m)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.told = append(c.told, m.Text)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *chat) heard() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.told, "\n")
}

// cli runs a verb against the server and returns what it prints.
func (p *process) cli(args ...string) string {
	p.t.Helper()
	var out, problem bytes.Buffer
	args = append(args, "--server", p.url, "--token", p.token)
	if code := run(p.t.Context(), stdio{In: strings.NewReader(""), Out: &out, Err: &problem, Getenv: func(string) string { return "" }}, args); code != exitOK {
		p.t.Fatalf("hadron %s: %d, %s", strings.Join(args, " "), code, problem.String())
	}
	return out.String()
}

// An incident from its silence to its end: what people do here shows at PagerDuty and in
// the chat, and what they do at PagerDuty shows here.
func TestIncidentIsHandled(t *testing.T) {
	t.Parallel()
	o := newOperated(t)
	room := newChat(t)
	targets := filepath.Join(t.TempDir(), "targets.yaml")
	if err := os.WriteFile(targets, []byte("targets: [{name: room, type: slack, url: "+room.URL+"}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	o.start(t, "--alerting.targets", targets, "--pagerduty.webhooks", "--listen", address, "--external-url", "http://"+address)
	o.want(http.StatusCreated, http.MethodPost, payPath+"/versions", payment, nil)
	eventually(t, "PagerDuty is ready", 10*time.Second, func() (bool, string) {
		return o.operability().PagerDuty.State == wire.Ready && len(o.pager.Subscriptions()) == 1, fmt.Sprint(o.pager.Subscriptions())
	})
	// A test goes the whole way, ends by itself, and is no incident afterwards.
	text := o.cli("alerts", "test", payName)
	for _, want := range []string{"outbox → pagerduty", "outbox → room", "accepted", "end → room", "✓ everybody was told"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	tested := room.heard()
	if pages := o.pages(); len(pages) != 2 || !strings.HasPrefix(pages[0].Summary, "TEST") || pages[1].Action != "resolve" || o.open() != 0 || !strings.Contains(tested, "TEST") {
		t.Errorf("%+v; %s", pages, tested)
	}
	if text := o.cli("alerts", "incidents", payName); !strings.Contains(text, "no incident") {
		t.Error(text)
	}
	if status, body := o.call(http.MethodPost, payPath+"/alerts/test", nil); status != http.StatusTooManyRequests || !strings.Contains(string(body), "too_many_tests") {
		t.Errorf("%d %s", status, body)
	}
	if text := o.cli("alerts", "silence", "pay/core", "--for", "1h", "-m", "moving the database"); !strings.Contains(text, "silence 1") {
		t.Error(text)
	}
	current := newCurrent(o.process)
	callers(t, func() string { return "/fn/" + payName + "?cents=x" }, current.get)
	incident := func() (in wire.Incident) {
		var list wire.List[wire.Incident]
		o.want(http.StatusOK, http.MethodGet, "/api/v1/incidents", nil, &list)
		for _, one := range list.Items {
			if one.SLO == "availability" {
				return one
			}
		}
		return wire.Incident{}
	}
	eventually(t, "an incident is open", 60*time.Second, func() (bool, string) {
		in := incident()
		return in.Class == "page" && strings.Contains(in.Silenced, "moving the database"), fmt.Sprintf("%+v", in)
	})
	if o.open() != 0 || room.heard() != tested || len(incident().Told) != 0 {
		t.Errorf("told in spite of the silence: %s", room.heard())
	}
	if text := o.cli("alerts", "silences"); !strings.Contains(text, "active") || !strings.Contains(text, "pay/core") {
		t.Error(text)
	}
	o.cli("alerts", "unsilence", "1")
	eventually(t, "everybody is told", 20*time.Second, func() (bool, string) {
		return o.open() == 1 && strings.Contains(room.heard(), "is failing"), room.heard()
	})

	// At PagerDuty.
	key := incident().DedupKey
	act := func(kind, text string) {
		t.Helper()
		if status, err := o.pager.Act(t.Context(), key, kind, "Bea", text); err != nil || status != http.StatusAccepted {
			t.Fatalf("%s: %d, %v", kind, status, err)
		}
	}
	act("incident.acknowledged", "")
	act("incident.annotated", "it is the network")
	eventually(t, "Bea has it", 10*time.Second, func() (bool, string) {
		in := incident()
		return in.AcknowledgedBy == "Bea" && in.Via == "pagerduty" && in.PagerURL != "" && len(in.Notes) == 1, fmt.Sprintf("%+v", in)
	})
	eventually(t, "the chat hears that Bea has it", 10*time.Second, func() (bool, string) {
		return strings.Contains(room.heard(), "Bea has it"), room.heard()
	})
	act("incident.unacknowledged", "")
	eventually(t, "nobody has it", 10*time.Second, func() (bool, string) { return incident().AcknowledgedBy == "", "" })

	// Here.
	if text := o.cli("alerts", "ack", payName, "availability", "-m", "mine"); !strings.Contains(text, "has it") {
		t.Error(text)
	}
	eventually(t, "PagerDuty knows who has it", 10*time.Second, func() (bool, string) {
		for _, in := range o.pager.Incidents() {
			if in.DedupKey == key && in.Status == pagerdutytest.Acknowledged {
				return true, ""
			}
		}
		return false, fmt.Sprint(o.pager.Incidents())
	})
	if text := o.cli("alerts", "incidents"); !strings.Contains(text, "pagerduty, room") {
		t.Error(text)
	}
	if text := o.cli("alerts", "list", payName); !strings.Contains(text, "firing") {
		t.Error(text)
	}

	// The end of the function is the end of the incident, for everybody.
	o.want(http.StatusNoContent, http.MethodDelete, payPath, nil, nil)
	eventually(t, "everybody hears that it is over", 30*time.Second, func() (bool, string) {
		return o.open() == 0 && strings.Contains(room.heard(), "was deleted"), room.heard()
	})
	var changes wire.List[wire.Change]
	o.want(http.StatusOK, http.MethodGet, "/api/v1/changes?kind=silence_ended", nil, &changes)
	if len(changes.Items) != 1 || changes.Items[0].Scope != "pay/core" {
		t.Errorf("%+v", changes.Items)
	}
}

// PagerDuty refuses what it is told: that is a dead letter, and an alert of its own to
// whoever can be reached; also of a function that is gone by then.
func TestRefusedPagesAreAnAlert(t *testing.T) {
	t.Parallel()
	o := newOperated(t)
	room := newChat(t)
	targets := filepath.Join(t.TempDir(), "targets.yaml")
	if err := os.WriteFile(targets, []byte("targets: [{name: room, type: slack, url: "+room.URL+"}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.start(t, "--alerting.targets", targets)
	for _, path := range []string{payPath, refundPath} {
		o.want(http.StatusCreated, http.MethodPost, path+"/versions", payment, nil)
	}
	eventually(t, "PagerDuty is ready", 20*time.Second, func() (bool, string) {
		op := o.operability()
		return op.PagerDuty.State == wire.Ready, fmt.Sprintf("%+v", op.PagerDuty)
	})
	o.pager.SetFault(pagerdutytest.Fault{
		Status: http.StatusBadRequest, Body: `{"status":"invalid event","message":"Event object is invalid","errors":["of no use"]}`,
		Match: func(r *http.Request) bool { return r.URL.Path == "/v2/enqueue" },
	})
	current := newCurrent(o.process)
	callers(t, func() string { return "/fn/" + payName + "?cents=x" }, current.get)
	eventually(t, "the room hears that PagerDuty was not told", 60*time.Second, func() (bool, string) {
		heard := room.heard()
		return strings.Contains(heard, "charge is failing") &&
			strings.Contains(heard, "charge has alerts that not everybody was told of: a trigger to pagerduty was given up: refused: send event: PagerDuty answered 400") &&
			strings.Contains(heard, "of no use"), heard
	})
	o.want(http.StatusNoContent, http.MethodDelete, payPath, nil, nil)
	eventually(t, "the room hears that the end was not told either", 30*time.Second, func() (bool, string) {
		heard := room.heard()
		return strings.Contains(heard, "Hadron could not tell the end of alerts of functions that are gone: a resolve to pagerduty was given up: refused"), heard
	})
	if o.open() != 0 {
		t.Errorf("%+v", o.pager.Incidents())
	}
}

// A webhook that nobody known signed changes nothing.
func TestForeignWebhookIsRefused(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	if status, body := p.call(http.MethodPost, "/api/v1/pagerduty/webhook", map[string]any{}); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, body)
	}
}
