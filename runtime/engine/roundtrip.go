package engine

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"hadron/runtime/invocation"
)

var errNoCall = errors.New("functions cannot be called from here")

// RoundTrip implements webapi.Host: one request, off the VM's goroutine. A request
// to a function goes to the gateway and is never dialled.
func (v *isolate) RoundTrip(req *http.Request) (*http.Response, error) {
	c, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errEnded
	}
	started := time.Now()
	at := c.fetches.begin(req, pass(req, c.req.Trace), started.Sub(c.started))
	res, err := v.roundTrip(c.req, req)
	took, code := time.Since(started), fetchCode(req, res, err)
	c.fetches.end(at, res, code, took)
	v.prog.measures.fetched(v.secrets.text(fetchHost(req.URL)), code, took)
	return res, err
}

func (v *isolate) roundTrip(c *invocation.Request, req *http.Request) (*http.Response, error) {
	e := v.engine
	if path, own := e.egress.ownPath(req.URL); own {
		if !strings.HasPrefix(path, "/fn/") {
			return nil, refusal("of Hadron's own addresses a function reaches only those below /fn/")
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

// refusal is an error that says why the egress policy kept a request in.
type refusal string

func (r refusal) Error() string { return string(r) }

// fetchHost is the label host of a request: with its port where the scheme does not
// say it.
func fetchHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "80" && u.Scheme == "http" || port == "443" && u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return strings.TrimSuffix(strings.ToValidUTF8(host, ""), ".")
}

// fetchCode is the label code of a request that ended.
func fetchCode(req *http.Request, res *http.Response, err error) string {
	var no refusal
	switch {
	case err == nil:
		return strconv.Itoa(min(max(res.StatusCode, 200), 599)/100) + "xx"
	case errors.As(err, &no):
		return "refused"
	case req.Context().Err() != nil:
		return "aborted"
	}
	return "error"
}

// callKey finds the call that a fetch belongs to in its context.
type callKey struct{}

// pass adds the trace context, with a span of the request's own below that of the
// invocation, which it returns; where the function set its own context, it is left
// alone and the span is empty.
func pass(req *http.Request, trace invocation.Trace) (span string) {
	if trace.ID == "" || req.Header.Get("Traceparent") != "" {
		return ""
	}
	traceparent := trace.Child()
	req.Header["Traceparent"] = []string{traceparent}
	if trace.State != "" {
		req.Header.Set("Tracestate", trace.State)
	}
	return traceparent[36:52]
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
	v.engine.log.Error("host work panicked", "version", v.prog.id.String(), "panic", v.secrets.text(fmt.Sprint(panicked)), "stack", string(debug.Stack()))
	return errors.New("the platform failed; its operator finds the cause in the log")
}
