package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// ErrNotCallable is returned, wrapped, by Call for an address that is none of a function.
var ErrNotCallable = errors.New("not the address of a function")

// Call is a function's fetch of ExternalURL + "/fn/…": answered here, without the
// network, under the callee's limits and counted as its invocation. Of caller it
// reads Version, Trace and Depth. A function may call its own team's functions,
// public ones, and those that a token in req's Authorization lets it.
//
// Call returns once the callee gave its head; refusals and failures before that
// are answers with a problem, and an error means that req is no call or that ctx
// ended. Call closes req.Body. The response's Body must be closed; it fails when
// the callee's answer is cut short, and ctx ending ends the callee.
func (g *Gateway) Call(ctx context.Context, caller invocation.Request, req *http.Request) (*http.Response, error) {
	start := time.Now()
	req = req.WithContext(ctx)
	req.Header = canonical(req.Header)
	s := &callSink{g: g, req: req, request: newRequestID(), answer: make(chan reply, 1)}
	trace, traceparent := g.span(childOf(caller.Trace, req.Header))
	s.traceparent = []string{traceparent}

	t, route, why := g.route(strings.TrimPrefix(rawPath(req.URL), g.base))
	switch {
	case why != "" && t.name == "":
		closeBody(req)
		return nil, fmt.Errorf("call %s: %w", withoutQuery(req.URL), ErrNotCallable)
	case route == nil:
		return s.refuse("", invocation.FunctionNotFound, why), nil
	case caller.Depth+1 > MaxDepth:
		return s.refuse(t.name, invocation.LoopDetected, fmt.Sprintf("Functions call one another more than %d deep.", MaxDepth)), nil
	}
	if !g.sameTeam(caller, t.name) {
		dropForwarded(req.Header)
	}
	state := route.state.Load()
	if refused := s.permit(caller, t.name, state.access); refused != nil {
		return refused, nil
	}
	picked, err := g.pick(ctx, req.Header, route, state, t, false)
	switch {
	case errors.Is(err, ErrNotFound):
		return s.refuse(t.name, invocation.FunctionNotFound, missing(t, err)), nil
	case ctx.Err() != nil:
		closeBody(req)
		return nil, context.Cause(ctx)
	case err != nil:
		g.cfg.Logger.WarnContext(ctx, "cannot resolve reference", "function", string(t.name), "request", s.request, "error", err)
		return s.refuse(t.name, invocation.NodeOverloaded, "The version cannot be looked up now. Try again."), nil
	}
	v := picked.version
	s.version, s.variant = v, picked.variant
	if refused := s.permit(caller, t.name, v.meta.Manifest.Access); refused != nil {
		return refused, nil
	}
	if code := oversized(v, req.Header, req.ContentLength); code != invocation.OK {
		return s.refuse(t.name, code, tooLarge(v, code)), nil
	}
	if code, why := g.admit(v, route.share, invocation.TriggerFunction); code != invocation.OK {
		return s.refuse(t.name, code, busy(v, route.share, why)), nil
	}
	s.traceparent[0] = v.offer(g, &trace, start, traceparent)
	e := &exchange{g: g, version: v, share: route.share, compared: picked.compared, sink: s, start: start, request: invocation.Request{
		ID: s.request, Version: v.meta.ID, Trigger: invocation.TriggerFunction, Method: method(req),
		URL: g.address(t.rest, req.URL), Header: g.requestHeader(req.Header, trace, s.traceparent), Trace: trace,
		Depth: caller.Depth + 1, Slow: v.tracer(g.cfg.Trace).Slow(), Limits: *v.limits,
	}}
	if req.Body != nil && req.Body != http.NoBody { // a length of 0 is an unknown one here
		e.body = newBody(req.Body, v.limits.Body)
		e.request.Body = e.body
	}
	return s.await(ctx, e)
}

func method(req *http.Request) string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // the caller's own stream; nothing is lost by its failure
	}
}

func withoutQuery(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

func canonical(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		name = http.CanonicalHeaderKey(name)
		out[name] = append(out[name], values...)
	}
	return out
}

// childOf is the trace of a callee. A function that traces itself sends a span of
// its own within the same trace, and then that is the parent.
func childOf(caller invocation.Trace, h http.Header) invocation.Trace {
	t := invocation.Trace{ID: caller.ID, Parent: caller.Span, Sampled: caller.Sampled, State: caller.State}
	if id, parent, sampled, ok := parseTraceparent(h.Get("Traceparent")); ok && id == caller.ID {
		t.Parent, t.Sampled = parent, sampled
	}
	return t
}

func (g *Gateway) sameTeam(caller invocation.Request, callee function.Name) bool {
	return caller.Version.Name.Team() == callee.Team()
}

// callSink is a function waiting for another's answer.
type callSink struct {
	g           *Gateway
	req         *http.Request
	request     string // id
	traceparent []string
	version     *version                // nil: not known yet
	variant     string                  // see pick
	exchange    *exchange               // nil: not admitted yet
	pipe        *io.PipeWriter          // once begun
	answer      chan reply              // holds one, so that nobody need listen
	hangUp      context.CancelCauseFunc // the caller reads no more
	unbound     func() bool             // the pipe no longer ends with the call's context
}

// permit returns the refusal, or nil where the caller may call.
func (s *callSink) permit(caller invocation.Request, name function.Name, rule string) *http.Response {
	token := hasToken(s.req.Header)
	if !token || s.g.cfg.Dev {
		sameTeam := s.g.sameTeam(caller, name)
		switch {
		case s.g.cfg.Dev || rule == function.AccessPublic || rule == function.AccessTeam && sameTeam:
			return nil
		case sameTeam:
			return s.refuse(name, invocation.Forbidden, fmt.Sprintf("%s is private: send a token that may call it, or make it team.", name))
		}
		return s.refuse(name, invocation.Forbidden, fmt.Sprintf("%s is not public, and %s is of another team.", name, caller.Version.Name))
	}
	who, err := s.g.cfg.Authorize(asking(s.req))
	switch {
	case errors.Is(err, ErrUnavailable):
		return s.refuse(name, invocation.NodeOverloaded, "Tokens cannot be checked now. Try again.")
	case err != nil:
		return s.refuse(name, invocation.Unauthorized, "The token is not valid.")
	case opens(rule, who, name) || rule == function.AccessTeam && s.g.sameTeam(caller, name):
		return nil
	}
	return s.refuse(name, invocation.Forbidden, fmt.Sprintf("%s may not call %s.", who.Name, name))
}

func (s *callSink) refuse(name function.Name, code invocation.Code, detail string) *http.Response {
	closeBody(s.req)
	s.g.cfg.Refused(name, code)
	p := newProblem(code, detail, s.request)
	body := p.body()
	return s.response(reply{p.Status, p.header(), io.NopCloser(bytes.NewReader(body)), int64(len(body))})
}

// reply is an answer before it is dressed as a response.
type reply struct {
	status int
	header http.Header
	body   io.ReadCloser
	length int64 // -1: not known yet
}

// await runs e beside the caller and returns its answer.
func (s *callSink) await(ctx context.Context, e *exchange) (*http.Response, error) {
	s.exchange = e
	running, hangUp := context.WithCancelCause(ctx)
	s.hangUp = hangUp
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer closeBody(s.req)
		e.run(running)
		hangUp(nil)
	}()
	select {
	case answer := <-s.answer:
		return s.response(answer), nil
	case <-done:
		select {
		case answer := <-s.answer:
			return s.response(answer), nil
		default:
			return nil, fmt.Errorf("call %s: %w", e.version.meta.ID, endOf(ctx))
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("call %s: %w", e.version.meta.ID, context.Cause(ctx))
	}
}

func endOf(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return invocation.ErrClientClosed
}

func (s *callSink) response(r reply) *http.Response {
	header := http.Header{}
	copyResponse(header, r.header, false)
	header["Traceparent"] = s.traceparent
	header[requestIDHeader] = []string{s.request}
	if s.version != nil {
		header[versionHeader] = s.version.number[:]
		if s.variant != "" {
			header[variantHeader] = []string{s.variant}
		}
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)), StatusCode: r.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: r.body, ContentLength: r.length, Request: s.req,
	}
}

func (s *callSink) whole(status int, h http.Header, body []byte) error {
	if s.exchange.bodiless() {
		body = nil
	}
	s.answer <- reply{status, h, io.NopCloser(bytes.NewReader(body)), int64(len(body))}
	return nil
}

func (s *callSink) problem(code invocation.Code, f *invocation.Failure) {
	p := newProblem(code, sentence(s.exchange, code), s.request)
	if s.g.cfg.Dev { // else the caller might show its own visitors what they may not see
		p = p.of(f)
	}
	body := p.body()
	s.answer <- reply{p.Status, p.header(), io.NopCloser(bytes.NewReader(body)), int64(len(body))}
}

func (s *callSink) begin(status int, h http.Header, _ bool) error {
	reader, writer := io.Pipe()
	s.pipe = writer
	ctx := s.exchange.ctx
	// A caller that neither reads nor closes must not hold the callee longer than
	// its time.
	s.unbound = context.AfterFunc(ctx, func() { _ = writer.CloseWithError(context.Cause(ctx)) })
	s.answer <- reply{status, h, &callBody{reader, s.hangUp}, -1}
	return nil
}

func (s *callSink) write(p []byte) error {
	if _, err := s.pipe.Write(p); err != nil {
		return fmt.Errorf("write response: %w", err)
	}
	return nil
}

func (s *callSink) drain() error { return nil } // a pipe holds nothing

func (s *callSink) end(err error) {
	if s.pipe == nil {
		return
	}
	if err != nil {
		err = fmt.Errorf("read body of %s: %w", s.exchange.version.meta.ID, err)
	}
	s.unbound()
	_ = s.pipe.CloseWithError(err) // never fails; nil is the end of the body
}

// callBody is a response's body as the caller reads it; closing it early ends the callee.
type callBody struct {
	*io.PipeReader
	hangUp context.CancelCauseFunc
}

func (b *callBody) Close() error {
	b.hangUp(invocation.ErrClientClosed)
	return b.PipeReader.Close()
}
