package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"hadron/runtime/function"
	"hadron/ui/client"
	"hadron/ui/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "growth/signup/greeting"

func open(t *testing.T, handler http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL+"/", "hdn_secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestEachRoute holds every method to one request; that the server has these
// routes is tested in ui/api, over the real handler.
func TestEachRoute(t *testing.T) {
	t.Parallel()
	var got, body string
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Method + " " + strings.TrimPrefix(r.URL.EscapedPath(), "/api/v1")
		if r.URL.RawQuery != "" {
			got += "?" + r.URL.RawQuery
		}
		if tag := r.Header.Get("If-Match"); tag != "" {
			got += " if " + tag
		}
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		if token := r.Header.Get("Authorization"); token != "Bearer hdn_secret" {
			t.Errorf("%s: token %q", got, token)
		}
		w.Header().Set("ETag", `"7"`)
		_, _ = io.WriteString(w, "{}")
	})
	const f = "/functions/growth/signup/greeting"
	ctx := t.Context()
	put := wire.PutAlias{Weights: []wire.Weight{{Version: 1, Weight: 2}}}
	for want, call := range map[string]func() error{
		"GET /functions?cursor=c&limit=5&project=p&q=hi&team=t": func() error {
			_, err := c.Functions(ctx, client.FunctionFilter{Page: client.Page{Cursor: "c", Limit: 5}, Team: "t", Project: "p", Query: "hi"})
			return err
		},
		"GET " + f:    func() error { _, err := c.Function(ctx, name); return err },
		"DELETE " + f: func() error { return c.Delete(ctx, name) },
		"POST " + f + "/versions?alias=live {\"source\":\"x\"}": func() error {
			_, err := c.Register(ctx, name, "live", wire.Register{Source: "x"})
			return err
		},
		"GET " + f + "/versions?limit=3": func() error { _, err := c.Versions(ctx, name, client.Page{Limit: 3}); return err },
		"GET " + f + "/versions/7":       func() error { _, err := c.Version(ctx, name, "7"); return err },
		"GET " + f + "/versions/live/source": func() error {
			text, err := c.Source(ctx, name, "live")
			if text != "{}" {
				t.Errorf("source %q", text)
			}
			return err
		},
		"GET " + f + "/aliases/a%2Fb": func() error {
			_, tag, err := c.Alias(ctx, name, "a/b")
			if tag != `"7"` {
				t.Errorf("tag %q", tag)
			}
			return err
		},
		"PUT " + f + "/aliases/live if \"7\" {\"weights\":[{\"version\":1,\"weight\":2}]}": func() error {
			_, _, err := c.PutAlias(ctx, name, "live", put, client.PutOptions{IfMatch: `"7"`})
			return err
		},
		"POST " + f + "/rollback {\"version\":3}": func() error { _, err := c.Rollback(ctx, name, 3); return err },
		"GET " + f + "/operability":               func() error { _, err := c.Operability(ctx, name); return err },
		"GET " + f + "/dashboard":                 func() error { _, err := c.Dashboard(ctx, name); return err },
		"GET " + f + "/health":                    func() error { _, err := c.Health(ctx, name); return err },
		"GET /health":                             func() error { _, err := c.Healths(ctx); return err },
		"GET " + f + "/errors":                    func() error { _, err := c.Errors(ctx, name); return err },
		"GET " + f + "/deployments":               func() error { _, err := c.Deployments(ctx, name, client.Page{}); return err },
		"GET /deployments":                        func() error { _, err := c.Deployments(ctx, "", client.Page{}); return err },
		"GET /alerts":                             func() error { _, err := c.Alerts(ctx); return err },
		"GET /incidents":                          func() error { _, err := c.Incidents(ctx, "", client.Page{}); return err },
		"GET " + f + "/incidents":                 func() error { _, err := c.Incidents(ctx, name, client.Page{}); return err },
		"POST " + f + "/incidents/availability/acknowledge {\"note\":\"mine\"}": func() error {
			_, err := c.Acknowledge(ctx, name, "availability", "mine")
			return err
		},
		"GET /silences?over=true":         func() error { _, err := c.Silences(ctx, true); return err },
		"DELETE /silences/7":              func() error { _, err := c.EndSilence(ctx, 7); return err },
		"GET /system":                     func() error { _, err := c.System(ctx); return err },
		"GET /manifest.schema.json":       func() error { _, err := c.ManifestSchema(ctx); return err },
		"GET " + f + "/versions/7/upload": func() error { _, err := c.Upload(ctx, name, "7"); return err },
		"GET /pipeline.schema.json":       func() error { _, err := c.PipelineSchema(ctx); return err },
		"GET /openapi.json":               func() error { _, err := c.OpenAPI(ctx); return err },
		"GET " + f + "/logs?follow=true&level=warn&limit=9&q=x&request=r&since=5m": func() error {
			return c.Logs(ctx, name, client.LogFilter{Level: "warn", Since: "5m", Query: "x", Request: "r", Limit: 9, Follow: true},
				func(wire.LogRecord) error { return nil })
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if body != "" {
			got += " " + body
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/health") {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>proxy</html>")
			return
		}
		w.Header().Set("Content-Type", wire.ProblemType)
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(wire.Problem{Title: "no", Status: 422, Code: "source_invalid", Detail: "bad", Line: 3})
	})
	_, err := c.Function(t.Context(), name)
	var p *client.Problem
	if !errors.As(err, &p) || p.Line != 3 || p.Error() != "bad" || client.Code(err) != "source_invalid" {
		t.Errorf("%v", err)
	}
	if !errors.Is(err, &client.Problem{Problem: wire.Problem{Code: "source_invalid"}}) || errors.Is(err, &client.Problem{}) {
		t.Error("problems are not compared by code")
	}
	if _, err = c.Healths(t.Context()); client.Code(err) != "unexpected_answer" || !strings.Contains(err.Error(), "502") {
		t.Errorf("a proxy's answer: %v", err)
	}
	if client.Code(nil) != "" || client.Code(io.EOF) != "" {
		t.Error("a code out of nothing")
	}
}

func TestTheTokenStaysHere(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.Header.Get("Authorization") }))
	defer other.Close()
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if _, err := c.System(t.Context()); client.Code(err) != "unexpected_answer" {
		t.Errorf("a redirect: %v", err)
	}
	res, err := c.Invoke(t.Context(), function.Ref{Name: name, Alias: "live"}, client.Invocation{})
	if err != nil || res.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("a function's redirect is not its answer: %v", err)
	}
	_ = res.Body.Close()
	select {
	case token := <-reached:
		t.Errorf("followed, with token %q", token)
	default:
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, err := client.New(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	var gone *client.Unreachable
	if _, err = c.System(t.Context()); !errors.As(err, &gone) || gone.Server != s.URL {
		t.Errorf("%v", err)
	}
	if _, err = c.Live(t.Context()); !errors.As(err, &gone) {
		t.Errorf("live: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	if _, err = c.System(ctx); !errors.Is(err, why) {
		t.Errorf("cause: %v", err)
	}
	for _, address := range []string{"", "127.0.0.1:8080", "ftp://x", "http://"} {
		if _, err := client.New(address, ""); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
	if _, err := client.New("http://x", "two words"); err == nil || strings.Contains(err.Error(), "two words") {
		t.Errorf("a token with a space: %v", err)
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	var got string
	c := open(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.RequestURI + " " + r.Header.Get("Authorization") + " " + string(body)
	})
	for want, call := range map[string]struct {
		ref string
		in  client.Invocation
	}{
		"GET /fn/a/b/c/ Bearer hdn_secret ":        {"a/b/c", client.Invocation{}},
		"POST /fn/a/b/c@7/x%2Fy?q=1 Basic eA== hi": {"a/b/c@7", client.Invocation{Method: "POST", Path: "/x%2Fy?q=1", Header: http.Header{"Authorization": {"Basic eA=="}}, Body: strings.NewReader("hi")}},
		"GET /fn/a/b/c@beta/x Bearer hdn_secret ":  {"a/b/c@beta", client.Invocation{Path: "x"}},
	} {
		ref, err := function.ParseRef(call.ref)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Invoke(t.Context(), ref, call.in)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestLogsThatBreak(t *testing.T) {
	t.Parallel()
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"message":"one"}`+"\n\n"+`{"message":"two"}`+"\n")
		if r.URL.Query().Has("follow") {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "nonsense\n")
	})
	n := 0
	count := func(wire.LogRecord) error { n++; return nil }
	if err := c.Logs(t.Context(), name, client.LogFilter{Follow: true}, count); err == nil || n != 2 {
		t.Errorf("a stream that broke after %d lines: %v", n, err)
	}
	if err := c.Logs(t.Context(), name, client.LogFilter{}, count); err == nil || n != 4 {
		t.Errorf("nonsense after %d lines: %v", n, err)
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	upgrader := websocket.Upgrader{}
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/live" || r.Header.Get("Authorization") != "Bearer hdn_secret" {
			t.Errorf("%s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.WriteJSON(wire.Hello{Type: wire.TypeHello, Epoch: "e", Step: 1})
		for {
			var s wire.Subscribe
			if conn.ReadJSON(&s) != nil {
				return
			}
			if s.Type == wire.TypeUnsubscribe {
				_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(wire.CloseUnauthorized, "revoked"), time.Now().Add(time.Second))
				_, _, _ = conn.NextReader()
				return
			}
			_ = conn.WriteJSON(wire.Heartbeat{Type: wire.TypeHeartbeat})
			_ = conn.WriteJSON(wire.Snapshot{Type: wire.TypeSnapshot, Topic: s.Topic, Seq: *cmpAfter(s.After), Items: []json.RawMessage{[]byte(`{"function":"a/b/c"}`)}})
		}
	})
	l, err := c.Live(t.Context(), "overview")
	if err != nil || l.Hello().Epoch != "e" {
		t.Fatalf("%v", err)
	}
	defer func() { _ = l.Close() }()
	m, err := l.Next(t.Context())
	if err != nil || m.Topic != "overview" || m.Seq != 0 {
		t.Fatalf("%+v %v", m, err)
	}
	items, err := client.Decode[wire.Health](m)
	if err != nil || items[0].Function != "a/b/c" {
		t.Errorf("%+v %v", items, err)
	}
	if _, err = client.Decode[int](m); err == nil {
		t.Error("an object was read as a number")
	}
	after := uint64(7)
	if err = l.Subscribe("alerts", &after); err != nil {
		t.Fatal(err)
	}
	if m, err = l.Next(t.Context()); err != nil || m.Seq != 7 {
		t.Errorf("%+v %v", m, err)
	}
	if err = l.Unsubscribe("alerts"); err != nil {
		t.Fatal(err)
	}
	var closed *client.Closed
	if _, err = l.Next(t.Context()); !errors.As(err, &closed) || closed.Code != wire.CloseUnauthorized || closed.Retry() {
		t.Errorf("%v", err)
	}
	if !(&client.Closed{Code: websocket.CloseGoingAway}).Retry() {
		t.Error("a stopping server is not worth another try")
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	if l, err = c.Live(ctx); err != nil {
		t.Fatal(err)
	}
	why := errors.New("why")
	cancel(why)
	if _, err = l.Next(ctx); !errors.Is(err, why) {
		t.Errorf("cause: %v", err)
	}
	_ = l.Close()
}

func cmpAfter(after *uint64) *uint64 {
	if after == nil {
		return new(uint64)
	}
	return after
}

func TestLiveRefused(t *testing.T) {
	t.Parallel()
	c := open(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", wire.ProblemType)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"status":401,"code":"unauthorized","detail":"no"}`)
	})
	if _, err := c.Live(t.Context()); client.Code(err) != "unauthorized" {
		t.Errorf("%v", err)
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	pages := map[string]wire.List[int]{"": {Items: []int{1, 2}, Next: "a"}, "a": {Items: []int{3}, Next: "a"}}
	got, err := client.All(func(cursor string) (wire.List[int], error) { return pages[cursor], nil })
	if err != nil || len(got) != 3 {
		t.Errorf("%v %v", got, err)
	}
	if _, err = client.All(func(string) (wire.List[int], error) { return wire.List[int]{}, io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
