package invocation_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/runtime/invocation"
)

// The codes, their statuses and what counts as an error are public: tests and
// dashboards outside this repository rely on them.
func TestCodesAreTheContracts(t *testing.T) {
	for _, c := range []struct {
		code    invocation.Code
		public  string
		status  int
		isError bool
	}{
		{invocation.OK, "ok", 200, false},
		{invocation.FunctionError, "function_error", 500, true},
		{invocation.Timeout, "timeout", 504, true},
		{invocation.CPULimit, "cpu_limit", 504, true},
		{invocation.MemoryLimit, "memory_limit", 507, true},
		{invocation.WorkerLost, "worker_lost", 502, true},
		{invocation.HTTP5xx, "http_5xx", 500, true},
		{invocation.ClientClosed, "client_closed", 499, false},
		{invocation.FunctionNotFound, "function_not_found", 404, false},
		{invocation.FunctionOverloaded, "overloaded", 429, false},
		{invocation.NodeOverloaded, "overloaded", 503, false},
		{invocation.BodyTooLarge, "body_too_large", 413, false},
		{invocation.HeadersTooLarge, "headers_too_large", 431, false},
		{invocation.Unauthorized, "unauthorized", 401, false},
		{invocation.Forbidden, "forbidden", 403, false},
		{invocation.LoopDetected, string(invocation.LoopDetected), 508, false},
		{"unheard of", "unheard of", 500, false},
	} {
		if c.code.Public() != c.public || c.code.Status() != c.status || c.code.IsError() != c.isError {
			t.Errorf("%s: %q %d %v, want %q %d %v", c.code, c.code.Public(), c.code.Status(), c.code.IsError(), c.public, c.status, c.isError)
		}
		if c.isError && http.StatusText(c.status) == "" {
			t.Errorf("%s: %d is no status", c.code, c.status)
		}
	}
}

func TestTraceparent(t *testing.T) {
	trace := invocation.Trace{ID: strings.Repeat("ab", 16), Span: strings.Repeat("cd", 8)}
	if got, want := trace.Traceparent(), "00-"+trace.ID+"-"+trace.Span+"-00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	trace.Sampled = true
	if got := trace.Traceparent(); !strings.HasSuffix(got, "-01") {
		t.Errorf("sampled: %s", got)
	}
	if got := (invocation.Trace{}).Traceparent(); got != "" {
		t.Errorf("no trace: %s", got)
	}
}

func TestFailureReadsAsItWasThrown(t *testing.T) {
	for want, f := range map[string]invocation.Failure{
		"TypeError: no": {Name: "TypeError", Message: "no"},
		"just text":     {Message: "just text"},
	} {
		var err error = &f
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestLevelsAreOrdered(t *testing.T) {
	order := []invocation.Level{invocation.Debug, invocation.Info, invocation.Warn, invocation.Error}
	for i := 1; i < len(order); i++ {
		if order[i-1].Severity() >= order[i].Severity() {
			t.Errorf("%s is not below %s", order[i-1], order[i])
		}
	}
	if invocation.Level("loud").Severity() != invocation.Info.Severity() {
		t.Error("an unknown level is not as info")
	}
}

// The names of a log line's fields are the API's.
func TestRecordIsTheAPIsLogLine(t *testing.T) {
	data, err := json.Marshal(invocation.Record{
		Time: time.Date(2026, 11, 22, 20, 0, 0, 5e8, time.UTC), Level: invocation.Warn, Message: "m", Function: "a/b/c",
		Version: 3, Request: "r", Trace: "t", Fields: json.RawMessage(`{"a":1}`),
	})
	want := `{"time":"2026-11-22T20:00:00.5Z","level":"warn","message":"m","function":"a/b/c","version":3,"request":"r","trace":"t","fields":{"a":1}}`
	if err != nil || string(data) != want {
		t.Errorf("got %s, %v", data, err)
	}
}
