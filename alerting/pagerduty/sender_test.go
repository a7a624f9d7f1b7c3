package pagerduty_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
)

func newSender(t *testing.T, url string, timeout time.Duration) *pagerduty.Sender {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	s, err := pagerduty.NewSender(pagerduty.SenderConfig{EventsURL: url, Transport: transport, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func event(key string) alerting.Event {
	return alerting.Event{
		Action: alerting.Trigger, RoutingKey: key, DedupKey: "d1", Summary: "greet is failing: 12 % of requests error.", Severity: "critical",
		Source: "hadron test", Component: "shop/checkout/greet", Group: "shop", Class: "page: availability", Timestamp: "2026-11-22T12:00:00.5Z",
		Details: []alerting.Field{{Name: "what users feel", Value: "12 % <error>"}, {Name: "burn", Value: "14 ×"}},
		Links:   []alerting.Link{{Href: "https://hadron.example/f/shop/checkout/greet", Text: "Live page"}},
		Client:  "Hadron", ClientURL: "https://hadron.example/f/shop/checkout/greet",
	}
}

// account is a fake with one service, and its key.
func account(t *testing.T) (*pagerdutytest.Server, string) {
	t.Helper()
	fake := pagerdutytest.New(t)
	fake.AddForeignService("greet", "")
	return fake, fake.Services()[0].Integrations[0].Key
}

func TestEventOpensAndEndsAnIncident(t *testing.T) {
	fake, key := account(t)
	s := newSender(t, fake.URL+"/", 0)
	e := event(key)
	for range 2 {
		if err := s.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	in := fake.Incidents()
	if len(in) != 1 || in[0].Status != pagerdutytest.Triggered || in[0].Triggers != 2 || in[0].Summary != e.Summary {
		t.Fatalf("%+v", in)
	}
	got := fake.Events()[0]
	if got.Details["what users feel"] != "12 % <error>" || !bytes.Contains(got.Raw, []byte(`{"what users feel":"12 % <error>","burn":"14 ×"}`)) {
		t.Errorf("%s", got.Raw)
	}
	e.Action = alerting.Resolve
	if err := s.Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if in := fake.Incidents(); in[0].Status != pagerdutytest.Resolved {
		t.Errorf("%+v", in)
	}
	for _, v := range fake.Violations() {
		t.Error(v)
	}
}

func TestAnswersAreJudged(t *testing.T) {
	for name, c := range map[string]struct {
		fault pagerdutytest.Fault
		final bool
		after time.Duration
		text  string
	}{
		"bad request": {fault: pagerdutytest.Fault{Status: 400}, final: true, text: "refused: send event: PagerDuty answered 400"},
		"too large":   {fault: pagerdutytest.Fault{Status: 413}, final: true, text: "413"},
		"throttled":   {fault: pagerdutytest.Fault{Status: 429, Header: map[string]string{"Retry-After": "7"}}, after: 7 * time.Second, text: "rate limit"},
		"far off":     {fault: pagerdutytest.Fault{Status: 429, Header: map[string]string{"Retry-After": "86400"}}, after: 5 * time.Minute, text: "rate limit"},
		"no word":     {fault: pagerdutytest.Fault{Status: 429}, text: "rate limit"},
		"broken":      {fault: pagerdutytest.Fault{Status: 500, Body: "<html>"}, text: "500"},
		"unavailable": {fault: pagerdutytest.Fault{Status: 503, Header: map[string]string{"Retry-After": "2"}}, after: 2 * time.Second, text: "503"},
		"proxy":       {fault: pagerdutytest.Fault{Status: 403, Body: "no"}, text: "check pagerduty.events_url"},
		"sign in":     {fault: pagerdutytest.Fault{Status: 200, Body: "<html>"}, text: "check pagerduty.events_url"},
		"moved":       {fault: pagerdutytest.Fault{Status: 302, Header: map[string]string{"Location": "/elsewhere"}}, text: "check pagerduty.events_url"},
		"dropped":     {fault: pagerdutytest.Fault{Drop: true}, text: "cannot be reached"},
		"slow":        {fault: pagerdutytest.Fault{Delay: time.Minute}, text: "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, key := account(t)
			fake.SetFault(c.fault)
			err := newSender(t, fake.URL, 100*time.Millisecond).Send(t.Context(), event(key))
			var final *alerting.FinalError
			var retry *alerting.RetryError
			if errors.As(err, &final) != c.final || errors.As(err, &retry) == c.final || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("%v", err)
			}
			if retry != nil && retry.After != c.after {
				t.Errorf("after %v, want %v", retry.After, c.after)
			}
			if strings.Contains(err.Error(), key) {
				t.Error("the routing key was said")
			}
			if n := len(fake.Requests()); n > 1 {
				t.Errorf("%d requests: the outbox repeats, not the sender", n)
			}
		})
	}
}

// PagerDuty's own words reach the dead letter.
func TestRefusalKeepsPagerDutysWords(t *testing.T) {
	fake, _ := account(t)
	err := newSender(t, fake.URL, 0).Send(t.Context(), event(strings.Repeat("a", 32)))
	var final *alerting.FinalError
	if !errors.As(err, &final) || !strings.Contains(err.Error(), "Event object is invalid: Invalid routing key") {
		t.Errorf("%v", err)
	}
}

func TestEndOfSendIsSeen(t *testing.T) {
	fake, key := account(t)
	reason := errors.New("stopping")
	ctx, cancel := context.WithCancelCause(t.Context())
	fake.SetFault(pagerdutytest.Fault{Delay: time.Minute, Match: func(*http.Request) bool { cancel(reason); return true }})
	if err := newSender(t, fake.URL, 0).Send(ctx, event(key)); !errors.Is(err, reason) {
		t.Errorf("%v", err)
	}
}

func TestLargestDetailsGoFirst(t *testing.T) {
	fake, key := account(t)
	e := event(key)
	e.Details = append(e.Details,
		alerting.Field{Name: "stack", Value: strings.Repeat("<\x00\"", 200_000)},
		alerting.Field{Name: "error", Value: strings.Repeat("é", 150_000)},
		alerting.Field{Name: "error", Value: "second"})
	if err := newSender(t, fake.URL, 0).Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got := fake.Events()[0].Details
	if got["stack"] != nil || got["error"] == nil || got["error (2)"] != "second" || got["left out"] != "stack: too large for one event" {
		t.Errorf("kept %v", slices.Collect(keys(got)))
	}
}

func keys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestNonsenseIsRefusedHere(t *testing.T) {
	for name, change := range map[string]func(*alerting.Event){
		"no key":     func(e *alerting.Event) { e.RoutingKey = "" },
		"bad key":    func(e *alerting.Event) { e.RoutingKey = "a\nb" },
		"no action":  func(e *alerting.Event) { e.Action = "explode" },
		"no subject": func(e *alerting.Event) { e.Action, e.DedupKey = alerting.Resolve, " " },
	} {
		e := event("k")
		change(&e)
		if _, err := pagerduty.Encode(e); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := pagerduty.NewSender(pagerduty.SenderConfig{EventsURL: "events"}); err == nil {
		t.Error("no origin")
	}
}

// Whatever an event holds, what leaves is valid.
func FuzzEncode(f *testing.F) {
	f.Add("d", "summary", "critical", "source", "class", "2026-11-22T12:00:00Z", "name", "value", "https://a.example", uint16(1))
	f.Add("", "", "bogus", " ", "\x00\xff", "yesterday", "", strings.Repeat("\x01", 3000), "javascript:alert(1)", uint16(300))
	f.Add(strings.Repeat("é", 300), strings.Repeat("語", 3000), "", "\n", "", "", "left out", strings.Repeat("\"<&>", 2000), "http://[::1", uint16(250))
	fake := pagerdutytest.New(f)
	fake.AddForeignService("greet", "")
	key := fake.Services()[0].Integrations[0].Key
	f.Fuzz(func(t *testing.T, dedup, summary, severity, source, class, at, name, value, href string, times uint16) {
		e := alerting.Event{
			Action: alerting.Trigger, RoutingKey: key, DedupKey: dedup, Summary: summary, Severity: severity, Source: source, Class: class,
			Component: source, Group: class, Timestamp: at, Client: name, ClientURL: href, Links: []alerting.Link{{Href: href, Text: name}},
		}
		for range times % 1000 {
			e.Details = append(e.Details, alerting.Field{Name: name, Value: value})
		}
		body, err := pagerduty.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			DedupKey string `json:"dedup_key"`
			Payload  struct{ Summary, Source, Severity string }
		}
		if len(body) > 512_000 || json.Unmarshal(body, &out) != nil || !utf8.Valid(body) {
			t.Fatalf("%d bytes: %.200s", len(body), body)
		}
		if utf8.RuneCountInString(out.Payload.Summary) > 1024 || strings.TrimSpace(out.Payload.Summary) == "" || strings.TrimSpace(out.Payload.Source) == "" ||
			len(out.DedupKey) > 255 || !slices.Contains([]string{"critical", "error", "warning", "info"}, out.Payload.Severity) {
			t.Fatalf("%.500s", body)
		}
		if err := fake.Judge(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	e := event(strings.Repeat("a", 32))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pagerduty.Encode(e); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abcd": "abcd", "abcde": "abc…", " a\n\tb ": "a b", "äöüß": "äöüß", "äöüßé": "äöü…", "a\x00\u202eb": "a b",
		"\xff": "�", "a" + strings.Repeat(" ", 100): "a…",
	} {
		if got := pagerduty.OneLine(in, 4); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
