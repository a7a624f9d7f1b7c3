package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/runtime/invocation"
	"hadron/ui/api"
	"hadron/ui/client"
	"hadron/ui/wire"
)

func TestLogs(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, source, "")
	s.logs.records = []invocation.Record{record("one"), record("two")}
	res, body := s.do(t, http.MethodGet, base+"/logs?level=warn&since=15m&until=1m&version=3&q=o&request=r1&limit=7", "hdn_viewer", "")
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/x-ndjson" || strings.Count(body, "\n") != 2 {
		t.Fatalf("%s %v %q", res.Status, res.Header, body)
	}
	var first wire.LogRecord
	if err := json.Unmarshal([]byte(strings.Split(body, "\n")[0]), &first); err != nil || first.Message != "one" || string(first.Fields) != `{"user":7}` {
		t.Errorf("%+v %v", first, err)
	}
	q := s.logs.asked
	if age := time.Since(q.Since); q.Function != greeting || q.Level != invocation.Warn || q.Text != "o" || q.Request != "r1" || q.Limit != 7 || q.Version != 3 || q.Until.Sub(q.Since).Round(time.Second) != 14*time.Minute || age < 15*time.Minute || age > 16*time.Minute {
		t.Errorf("asked %+v", q)
	}
	s.do(t, http.MethodGet, base+"/logs?since=2026-01-31T12:00:00Z", "hdn_viewer", "")
	if q := s.logs.asked; q.Limit != 1000 || !q.Since.Equal(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("asked %+v", q)
	}
	s.logs.records = nil
	if res, body := s.do(t, http.MethodGet, base+"/logs", "hdn_viewer", ""); res.StatusCode != http.StatusOK || body != "" {
		t.Errorf("no lines: %s %q", res.Status, body)
	}
	for _, query := range []string{"since=yesterday", "since=-5m", "until=tomorrow", "until=1m&follow=true", "version=0", "level=loud", "limit=-1", "limit=1000000", "follow=perhaps"} {
		s.refused(t, 400, "invalid_request", http.MethodGet, base+"/logs?"+query, "hdn_admin", "")
	}
	s.refused(t, 404, "function_not_found", http.MethodGet, "/api/v1/functions/a/b/c/logs", "hdn_admin", "")
}

func TestFollowLogs(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *api.Config) { c.MaxFollows = 1 })
	s.register(t, greeting, source, "")
	s.logs.records = []invocation.Record{record("old")}
	c := s.client(t, "hdn_viewer")
	lines := make(chan string)
	done := make(chan error, 1)
	go func() {
		done <- c.Logs(t.Context(), string(greeting), client.LogFilter{Follow: true}, func(r wire.LogRecord) error {
			lines <- r.Message
			return nil
		})
	}()
	if got := <-lines; got != "old" {
		t.Fatalf("history: %q", got)
	}
	s.logs.fresh <- record("new")
	if got := <-lines; got != "new" {
		t.Fatalf("followed: %q", got)
	}
	p := s.refused(t, 503, "overloaded", http.MethodGet, base+"/logs?follow=true", "hdn_viewer", "")
	if p.Detail == "" {
		t.Error("no reason")
	}
	s.stop()
	if err := <-done; err != nil {
		t.Errorf("a stopping server: %v", err)
	}
}

func TestFollowEndsWithItsClient(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, source, "")
	s.logs.records = []invocation.Record{record("old")}
	enough := errors.New("enough")
	c := s.client(t, "hdn_viewer")
	if err := c.Logs(t.Context(), string(greeting), client.LogFilter{Follow: true}, func(wire.LogRecord) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("yield's error: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	err := c.Logs(ctx, string(greeting), client.LogFilter{Follow: true}, func(wire.LogRecord) error { cancel(gone); return nil })
	if !errors.Is(err, gone) {
		t.Errorf("cause: %v", err)
	}
}

// A stream that breaks must not look like one that ended.
func TestBrokenFollowIsCut(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, source, "")
	s.logs.fail = errors.New("disk gone")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+base+"/logs?follow=true", http.NoBody)
	req.Header.Set("Authorization", "Bearer hdn_admin")
	res, err := s.Client().Do(req)
	if err == nil {
		defer func() { _ = res.Body.Close() }()
		_, err = bufio.NewReader(res.Body).ReadByte()
	}
	if err == nil || err.Error() == "EOF" {
		t.Errorf("the stream ended in order: %v", err)
	}
}
