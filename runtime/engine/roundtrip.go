package engine

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"hadron/runtime/invocation"
)

var errNoCall = errors.New("functions cannot be called from here")

// RoundTrip implements webapi.Host: one request, off the VM's goroutine. A request
// to a function goes to the gateway and is never dialled.
func (v *isolate) RoundTrip(req *http.Request) (*http.Response, error) {
	c, ok := req.Context().Value(callKey{}).(*invocation.Request)
	if !ok {
		return nil, errEnded
	}
	e := v.engine
	pass(req, c.Trace)
	if path, own := e.egress.ownPath(req.URL); own {
		if !strings.HasPrefix(path, "/fn/") {
			return nil, errors.New("of Hadron's own addresses a function reaches only those below /fn/")
		}
		if e.cfg.Call == nil {
			return nil, errNoCall
		}
		caller := invocation.Request{ID: c.ID, Version: c.Version, Trigger: c.Trigger, Trace: c.Trace, Depth: c.Depth}
		return e.cfg.Call(req.Context(), caller, req)
	}
	res, err := e.egress.transportFor(v.prog.policy).RoundTrip(req)
	if err != nil {
		if cause := req.Context().Err(); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	return res, nil
}

// callKey finds the request that a fetch belongs to in its context.
type callKey struct{}

// pass adds the trace context, unless the function set its own.
func pass(req *http.Request, trace invocation.Trace) {
	if trace.ID == "" || req.Header.Get("Traceparent") != "" {
		return
	}
	req.Header.Set("Traceparent", trace.Traceparent())
	if trace.State != "" {
		req.Header.Set("Tracestate", trace.State)
	}
}

// ownPath reports whether a URL is of this installation, and its path there.
func (e *egress) ownPath(u *url.URL) (string, bool) {
	own := e.external
	if own == nil || u.Scheme != own.Scheme || !strings.EqualFold(hostPort(u), hostPort(own)) {
		return "", false
	}
	path, ok := strings.CutPrefix(u.EscapedPath(), strings.TrimSuffix(own.EscapedPath(), "/"))
	if !ok || !strings.HasPrefix(path, "/") {
		return "", true
	}
	return path, true
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return u.Hostname() + ":" + port
}

// Contain implements webapi.Host.
func (v *isolate) Contain(panicked any) error {
	v.engine.log.Error("host work panicked", "version", v.prog.id.String(), "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	return errors.New("the platform failed; its operator finds the cause in the log")
}
