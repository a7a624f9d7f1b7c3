package target_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/alerting"
	"hadron/alerting/target"
)

const hostile = "<!channel> @here & \"quoted\"\nline"

func event(action alerting.Action) alerting.Event {
	return alerting.Event{
		Action: action, DedupKey: "hadron-1", ID: 7, Summary: "greeting is failing: " + hostile, Severity: "critical",
		Source: "hadron x", Component: "growth/signup/greeting", Group: "growth", Class: "page: availability",
		Alert: "SLOBurnRate", SLO: "availability", Timestamp: "2026-11-27T02:00:00Z", Began: "2026-11-27T01:58:00Z",
		Details: []alerting.Field{{Name: "undo", Value: "hadron rollback growth/signup/greeting --to 6"}},
		Links:   []alerting.Link{{Href: "https://h/f/growth", Text: "Live page"}, {Href: "https://r/", Text: "Runbook"}},
		Client:  "Hadron", ClientURL: "https://h/f/growth",
	}
}

// far is a target that answers as it is told, and remembers what it got.
type far struct {
	*httptest.Server
	status  int
	headers http.Header
	answer  string
	got     []*http.Request
	bodies  []string
}

func newFar(t *testing.T) *far {
	f := &far{status: 200, headers: http.Header{}}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.got, f.bodies = append(f.got, r), append(f.bodies, string(body))
		for name, values := range f.headers {
			w.Header()[name] = values
		}
		w.WriteHeader(f.status)
		io.WriteString(w, f.answer)
	}))
	t.Cleanup(f.Close)
	return f
}

// load writes a file of one target and loads it.
func load(t *testing.T, text string, files map[string]string) ([]target.Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "$"+name, path)
	}
	path := filepath.Join(dir, "targets.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return target.Load(path)
}

func sender(t *testing.T, text string, files map[string]string) *target.Sender {
	t.Helper()
	configs, err := load(t, text, files)
	if err != nil {
		t.Fatal(err)
	}
	return target.NewSender(configs[0], target.Options{Installation: "inst", Now: func() time.Time { return time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC) }})
}

func TestAlertmanagerTellsPagesFromTickets(t *testing.T) {
	f := newFar(t)
	s := sender(t, "targets: [{name: am, type: alertmanager, url: "+f.URL+"/, token_file: $token}]", map[string]string{"token": "t0ken\n"})
	if err := s.Send(t.Context(), event(alerting.Trigger)); err != nil {
		t.Fatal(err)
	}
	if f.got[0].URL.Path != "/api/v2/alerts" || f.got[0].Header.Get("Authorization") != "Bearer t0ken" {
		t.Errorf("%s %v", f.got[0].URL, f.got[0].Header)
	}
	var alerts []struct {
		Labels, Annotations            map[string]string
		StartsAt, EndsAt, GeneratorURL string
	}
	if err := json.Unmarshal([]byte(f.bodies[0]), &alerts); err != nil || len(alerts) != 2 {
		t.Fatalf("%v: %s", err, f.bodies[0])
	}
	page, ticket := alerts[0], alerts[1]
	if page.Labels["class"] != "page" || page.Labels["severity"] != "critical" || page.EndsAt != "2026-11-27T03:00:00Z" || page.StartsAt != "2026-11-27T01:58:00Z" {
		t.Errorf("%+v", page)
	}
	if ticket.Labels["class"] != "ticket" || ticket.EndsAt != "2026-11-27T02:00:00Z" {
		t.Errorf("%+v", ticket)
	}
	if page.Labels["function"] != "greeting" || page.Labels["team"] != "growth" || page.Annotations["runbook_url"] != "https://r/" ||
		!strings.Contains(page.Annotations["description"], "undo: hadron rollback") {
		t.Errorf("%+v", page)
	}
	if err := s.Send(t.Context(), event(alerting.Resolve)); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(f.bodies[1]), &alerts); err != nil || alerts[0].EndsAt != "2026-11-27T02:00:00Z" {
		t.Errorf("%s", f.bodies[1])
	}
}

func TestChatMentionsNobody(t *testing.T) {
	f := newFar(t)
	s := sender(t, "targets: [{name: chat, type: slack, url_file: $url}]", map[string]string{"url": f.URL + "/services/T0/B0/s3cret\n"})
	for _, action := range []alerting.Action{alerting.Trigger, alerting.Acknowledge, alerting.Resolve} {
		if err := s.Send(t.Context(), event(action)); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range f.bodies {
		if strings.Contains(body, "<!channel>") || strings.Contains(body, "@here") || !strings.Contains(body, "<https://h/f/growth|Live page>") {
			t.Errorf("%s", body)
		}
	}
}

func TestWebhookIsSigned(t *testing.T) {
	f := newFar(t)
	s := sender(t, "targets: [{name: hook, type: webhook, url: "+f.URL+", secret_file: $secret}]", map[string]string{"secret": "abc"})
	for range 2 {
		if err := s.Send(t.Context(), event(alerting.Trigger)); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.got[0].Header.Get("Hadron-Signature"); got != target.Sign("abc", []byte(f.bodies[0])) {
		t.Errorf("signature %s", got)
	}
	if a, b := f.got[0].Header.Get("Hadron-Event-Id"), f.got[1].Header.Get("Hadron-Event-Id"); a != b || a != "inst-7" {
		t.Errorf("ids %s and %s", a, b)
	}
	var body struct {
		Version                 int
		Action, ID, SLO, Source string
		DedupKey                string `json:"dedup_key"`
	}
	if err := json.Unmarshal([]byte(f.bodies[0]), &body); err != nil || body.Version != 1 || body.Action != "trigger" || body.DedupKey != "hadron-1" || body.ID != "inst-7" {
		t.Errorf("%+v, %v", body, err)
	}
}

// What a target answers decides what the outbox does, and no secret is in what it says.
func TestAnswers(t *testing.T) {
	f := newFar(t)
	address := f.URL + "/services/s3cret"
	s := sender(t, "targets: [{name: hook, type: webhook, url_file: $url, token_file: $token}]", map[string]string{"url": address, "token": "t0ken"})
	for _, c := range []struct {
		status int
		retry  string
		final  bool
		after  time.Duration
	}{
		{400, "", true, 0},
		{413, "", true, 0},
		{422, "", true, 0},
		{410, "", true, 0},
		{401, "", false, 0},
		{403, "", false, 0},
		{404, "", false, 0},
		{302, "", false, 0},
		{500, "", false, 0},
		{429, "7", false, 7 * time.Second},
		{503, "99999", false, 5 * time.Minute},
	} {
		f.status, f.answer = c.status, "no "+address+" with t0ken\n"
		f.headers = http.Header{"Retry-After": {c.retry}, "Location": {"/elsewhere"}}
		err := s.Send(t.Context(), event(alerting.Trigger))
		var final *alerting.FinalError
		var retry *alerting.RetryError
		if errors.As(err, &final) != c.final || errors.As(err, &retry) == c.final {
			t.Errorf("%d: %v", c.status, err)
		}
		if retry != nil && retry.After != c.after {
			t.Errorf("%d: after %s", c.status, retry.After)
		}
		if text := err.Error(); strings.Contains(text, "s3cret") || strings.Contains(text, "t0ken") || strings.Contains(text, "\n") {
			t.Errorf("%d: %q", c.status, text)
		}
	}
	f.Close()
	var retry *alerting.RetryError
	if err := s.Send(t.Context(), event(alerting.Trigger)); !errors.As(err, &retry) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"targets: [{name: a, type: pager, url: http://h}]":                                        "type",
		"targets: [{name: pagerduty, type: slack, url: http://h}]":                                "name",
		"targets: [{name: A, type: slack, url: http://h}]":                                        "name",
		"targets: [{name: a, type: slack}]":                                                       "address",
		"targets: [{name: a, type: slack, url: 'http://u:p@h'}]":                                  "address",
		"targets: [{name: a, type: slack, url: http://h, classes: [info]}]":                       "class",
		"targets: [{name: a, type: slack, url: http://h}, {name: a, type: slack, url: http://h}]": "two targets",
		"targets: [{name: a, type: slack, url: http://h, colour: red}]":                           "colour",
		"targets: [{name: a, type: webhook, url: http://h, secret_file: /no/such/file}]":          "no such file",
		"targets: [{name: a, type: slack, url: http://h, secret_file: $s}]":                       "signed",
		"targets: [{name: a, type: webhook, url: http://h, token_file: $empty}]":                  "empty",
	} {
		_, err := load(t, text, map[string]string{"s": "x", "empty": "\n"})
		if !errors.Is(err, target.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v", text, err)
		}
	}
	if c, err := load(t, "", nil); err != nil || len(c) != 0 {
		t.Errorf("%v, %v", c, err)
	}
}

// Whatever an event holds, what is sent is JSON.
func TestAnyEventIsSent(t *testing.T) {
	f := newFar(t)
	var senders []*target.Sender
	for _, kind := range []string{"alertmanager", "slack", "webhook"} {
		senders = append(senders, sender(t, "targets: [{name: x, type: "+kind+", url: "+f.URL+"}]", nil))
	}
	rapid.Check(t, func(rt *rapid.T) {
		e := event(rapid.SampledFrom([]alerting.Action{alerting.Trigger, alerting.Resolve, alerting.Acknowledge}).Draw(rt, "action"))
		text := rapid.String()
		e.Summary, e.Component, e.SLO, e.Alert = text.Draw(rt, "summary"), text.Draw(rt, "component"), text.Draw(rt, "slo"), text.Draw(rt, "alert")
		for range rapid.IntRange(0, 20).Draw(rt, "fields") {
			e.Details = append(e.Details, alerting.Field{Name: text.Draw(rt, "name"), Value: text.Draw(rt, "value")})
		}
		for _, s := range senders {
			if err := s.Send(t.Context(), e); err != nil {
				rt.Fatal(err)
			}
		}
		for _, body := range f.bodies {
			if !json.Valid([]byte(body)) {
				rt.Fatalf("%q", body)
			}
		}
		f.bodies, f.got = nil, nil
	})
}
