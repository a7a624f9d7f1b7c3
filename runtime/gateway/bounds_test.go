package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// What a version takes of a request is known before any of it is read.
func TestRequestsOverAVersionsLimitsAreRefused(t *testing.T) {
	v := &version{limits: &function.Limits{Body: 100, Headers: 50}}
	for name, c := range map[string]struct {
		header http.Header
		length int64
		want   invocation.Code
	}{
		"fits":          {http.Header{"A": {strings.Repeat("x", 49)}}, 100, invocation.OK},
		"unknown":       {http.Header{}, -1, invocation.OK},
		"long body":     {http.Header{}, 101, invocation.BodyTooLarge},
		"long header":   {http.Header{"A": {strings.Repeat("x", 50)}}, 0, invocation.HeadersTooLarge},
		"many headers":  {http.Header{"Abcde": {"12345", "12345", "12345", "12345", "12345", "1"}}, 0, invocation.HeadersTooLarge},
		"both too long": {http.Header{"A": {strings.Repeat("x", 50)}}, 101, invocation.BodyTooLarge},
	} {
		code := oversized(v, c.header, c.length)
		if code != c.want {
			t.Errorf("%s: %s, want %s", name, code, c.want)
		}
		if code != invocation.OK && !strings.Contains(tooLarge(v, code), "limits.") {
			t.Errorf("%s: %q names no key", name, tooLarge(v, code))
		}
	}
}

// A response over its limits is the function's error, and leaves its mark.
func TestResponsesOverAVersionsLimitsAreErrors(t *testing.T) {
	limits := function.Limits{Headers: 20, Response: 10}.WithDefaults()
	e := &exchange{version: &version{limits: &limits}}
	err := checkHead(200, http.Header{"X-Long": {strings.Repeat("y", 20)}}, limits.Headers)
	if err == nil || e.refuseHead(err) == nil || e.hit(invocation.FunctionError) != invocation.HitHeaders {
		t.Errorf("header: %v, hits %b", err, e.hits)
	}
	e = &exchange{version: &version{limits: &limits}}
	if err := e.within(10); err != nil || e.invalid != nil {
		t.Errorf("a body at its limit: %v", err)
	}
	if err := e.within(1); err == nil || e.invalid == nil || e.hit(invocation.FunctionError) != invocation.HitResponse {
		t.Errorf("a body above its limit: %v", err)
	}
	for code, want := range map[invocation.Code]invocation.Hits{
		invocation.Timeout: invocation.HitTimeout, invocation.CPULimit: invocation.HitCPU, invocation.MemoryLimit: invocation.HitMemory, invocation.OK: 0,
	} {
		if got := (&exchange{}).hit(code); got != want {
			t.Errorf("%s: hits %b", code, got)
		}
	}
	if got := (&exchange{status: 200}).hit(invocation.Timeout); got != invocation.HitStream {
		t.Errorf("a stream's end: hits %b", got)
	}
}

func TestNearTimeout(t *testing.T) {
	e := &exchange{version: &version{limits: &function.Limits{Timeout: function.Duration(time.Second)}}}
	if e.near(invocation.OK, 800*time.Millisecond) || !e.near(invocation.OK, 801*time.Millisecond) || !e.near(invocation.FunctionError, time.Second) ||
		e.near(invocation.Timeout, time.Second) {
		t.Error("near is over 80 % of the timeout, and no timeout")
	}
}
