package pagerdutytest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"hadron/alerting/pagerduty/pagerdutytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) field(t *testing.T, path ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no %v in %s", path, r.body)
		}
		v = m[p]
	}
	return v
}

func ask(t *testing.T, s *pagerdutytest.Server, method, path, body string, change ...func(http.Header)) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/vnd.pagerduty+json;version=2")
	req.Header.Set("Authorization", "Token token="+s.Token)
	for _, c := range change {
		c(req.Header)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

func service(name, policy string) string {
	return fmt.Sprintf(`{"service":{"type":"service","name":%q,"status":"active","escalation_policy":{"id":%q,"type":"escalation_policy_reference"}}}`, name, policy)
}

func start(t *testing.T) (*pagerdutytest.Server, string) {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	s := pagerdutytest.New(t)
	policies := ask(t, s, "GET", "/escalation_policies?query=default", "")
	list, ok := policies.field(t, "escalation_policies").([]any)
	if !ok || len(list) != 1 {
		t.Fatalf("%+v", policies)
	}
	return s, list[0].(map[string]any)["id"].(string)
}

func TestWhatTheRealOneRefuses(t *testing.T) {
	s, policy := start(t)
	if r := ask(t, s, "POST", "/services", service("One", policy)); r.status != 201 {
		t.Fatalf("%+v", r)
	}
	for name, c := range map[string]struct {
		body   string
		header func(http.Header)
		status int
		text   string
	}{
		"name taken":      {service("one ", policy), nil, 400, "Name has already been taken"},
		"slash":           {service("a/b", policy), nil, 400, "Name must not contain"},
		"control":         {service("a\tb", policy), nil, 400, "Name must not contain"},
		"blank":           {service("  ", policy), nil, 400, "Name can't be blank"},
		"no policy":       {service("x", "PNONE"), nil, 400, "Escalation policy"},
		"no token":        {service("x", policy), func(h http.Header) { h.Del("Authorization") }, 401, "Authentication Failed"},
		"bearer":          {service("x", policy), func(h http.Header) { h.Set("Authorization", "Bearer "+s.Token) }, 401, "Authentication Failed"},
		"no version":      {service("x", policy), func(h http.Header) { h.Set("Accept", "text/html") }, 400, "Accept"},
		"no JSON":         {"{", nil, 400, "Invalid Input Provided"},
		"nothing":         {`{}`, nil, 400, "Invalid Input Provided"},
		"made disabled":   {strings.Replace(service("x", policy), "active", "disabled", 1), nil, 400, "Status is invalid"},
		"unknown setting": {strings.Replace(service("x", policy), "active", "sleepy", 1), nil, 400, "Invalid Input Provided"},
	} {
		t.Run(name, func(t *testing.T) {
			var change []func(http.Header)
			if c.header != nil {
				change = append(change, c.header)
			}
			if r := ask(t, s, "POST", "/services", c.body, change...); r.status != c.status || !strings.Contains(r.body, c.text) {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	if n := len(s.Services()); n != 1 {
		t.Errorf("%d services", n)
	}
}

func TestServiceFromMakingToEnd(t *testing.T) {
	s, policy := start(t)
	made := ask(t, s, "POST", "/services", service("One", policy))
	id := made.field(t, "service", "id").(string)
	in := ask(t, s, "POST", "/services/"+id+"/integrations", `{"integration":{"type":"events_api_v2_inbound_integration","name":"Hadron"}}`)
	key := in.field(t, "integration", "integration_key").(string)
	again := ask(t, s, "GET", "/services/"+id+"/integrations/"+in.field(t, "integration", "id").(string), "")
	if len(key) != 32 || again.field(t, "integration", "integration_key") != key {
		t.Errorf("%+v", again)
	}
	if list := ask(t, s, "GET", "/services?limit=100", ""); strings.Contains(list.body, key) || list.field(t, "more") != false {
		t.Errorf("a list shows references: %s", list.body)
	}
	if r := ask(t, s, "PUT", "/services/"+id, strings.Replace(service("Two", policy), "active", "disabled", 1)); r.status != 200 || r.field(t, "service", "status") != "disabled" {
		t.Errorf("%+v", r)
	}
	if r := ask(t, s, "DELETE", "/services/"+id, ""); r.status != 204 {
		t.Errorf("%+v", r)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if r := ask(t, s, method, "/services/"+id, ""); r.status != 404 || r.field(t, "error", "code") != 2100.0 {
			t.Errorf("%+v", r)
		}
	}
	for i := range 30 {
		s.AddForeignService(fmt.Sprintf("Foreign %02d", i), "")
	}
	if r := ask(t, s, "GET", "/services", ""); len(r.field(t, "services").([]any)) != 25 || r.field(t, "more") != true || r.field(t, "total") != nil {
		t.Errorf("%+v", r)
	}
	if r := ask(t, s, "GET", "/services?offset=9950&limit=100", ""); r.status != 400 {
		t.Errorf("%+v", r)
	}
	for _, v := range s.Violations() {
		if !strings.HasPrefix(v, "answer to DELETE") { // 404 of DELETE is not described, and real
			t.Error(v)
		}
	}
}

func TestIncidents(t *testing.T) {
	s, _ := start(t)
	s.AddForeignService("one", "")
	s.AddForeignService("two", "")
	one, two := s.Services()[0].Integrations[0].Key, s.Services()[1].Integrations[0].Key
	send := func(key, action, dedup string) reply {
		return ask(t, s, "POST", "/v2/enqueue", fmt.Sprintf(
			`{"routing_key":%q,"event_action":%q,"dedup_key":%q,"payload":{"summary":"s","severity":"critical","source":"x"}}`, key, action, dedup))
	}
	status := func(want ...string) {
		t.Helper()
		var got []string
		for _, in := range s.Incidents() {
			got = append(got, in.Status)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for _, e := range [][3]string{{one, "trigger", "d"}, {one, "trigger", "d"}, {two, "resolve", "d"}, {two, "trigger", "d"}} {
		if r := send(e[0], e[1], e[2]); r.status != 202 || r.field(t, "status") != "success" || r.field(t, "dedup_key") != "d" {
			t.Fatalf("%+v", r)
		}
	}
	status("triggered", "triggered")
	if e := s.Events()[2]; e.Dropped == "" {
		t.Errorf("resolved under another key: %+v", e)
	}
	send(one, "acknowledge", "d")
	status("acknowledged", "triggered")
	send(one, "resolve", "d")
	send(one, "trigger", "d")
	status("resolved", "triggered", "triggered")
	s.Edit(s.Services()[1].ID, func(v *pagerdutytest.Service) { v.Status = "disabled" })
	if r := send(two, "resolve", "d"); r.status != 202 {
		t.Errorf("%+v", r)
	}
	status("resolved", "triggered", "triggered")
	for _, body := range []string{
		`{"routing_key":"x","event_action":"trigger","payload":{"summary":"s","severity":"critical","source":"x"}}`,
		`{"routing_key":"` + one + `","event_action":"resolve"}`,
		`{"routing_key":"` + one + `","event_action":"trigger"}`,
		`{"routing_key":"` + one + `","event_action":"trigger","payload":{"summary":"s","severity":"loud","source":"x"}}`,
		`{"routing_key":"` + one + `","event_action":"trigger","payload":{"summary":"` + strings.Repeat("s", 1025) + `","severity":"info","source":"x"}}`,
		`{"routing_key":"` + one + `","event_action":"trigger","payload":{"summary":"s","severity":"info","source":" "}}`,
		`{"routing_key":"` + one + `","event_action":"trigger","payload":{"summary":"s","severity":"info","source":"x","custom_details":{"x":"` + strings.Repeat("s", 530_000) + `"}}}`,
		`nonsense`,
	} {
		if r := ask(t, s, "POST", "/v2/enqueue", body); r.status != 400 {
			t.Errorf("%d to %.200s", r.status, body)
		}
	}
	change := `{"routing_key":"` + one + `","payload":{"summary":"deployed @2"}}`
	if r := ask(t, s, "POST", "/v2/change/enqueue", change); r.status != 202 || !s.Events()[len(s.Events())-1].Change {
		t.Errorf("%+v", r)
	}
}

func TestLimitsAndFaults(t *testing.T) {
	s, policy := start(t)
	s.Limit(2, 1)
	for want := range 3 {
		r := ask(t, s, "GET", "/services", "")
		if limited := r.status == 429; limited != (want == 2) || r.header.Get("Ratelimit-Limit") != "2" || r.header.Get("Ratelimit-Reset") == "" {
			t.Errorf("%+v", r)
		}
	}
	s.Limit(960, 120)
	s.SetFault(pagerdutytest.Fault{Status: 503, Times: 1, Header: map[string]string{"Retry-After": "1"}}, pagerdutytest.Fault{Drop: true, After: true, Times: 1})
	if r := ask(t, s, "GET", "/services", ""); r.status != 503 || r.header.Get("Retry-After") != "1" {
		t.Errorf("%+v", r)
	}
	if r := ask(t, s, "POST", "/services", service("One", policy)); r.status != 0 || len(s.Services()) != 1 {
		t.Errorf("%+v", r)
	}
	if r := ask(t, s, "GET", "/services", ""); r.status != 200 {
		t.Errorf("%+v", r)
	}
	s.Down()
	if r := ask(t, s, "GET", "/services", ""); r.status != 0 {
		t.Errorf("%+v", r)
	}
	if err := s.Wait(t.Context(), func() bool { return len(s.Requests()) > 0 }); err != nil {
		t.Error(err)
	}
}
