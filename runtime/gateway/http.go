package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// drainWait bounds how long an answer waits for the rest of a body that the function
// did not read.
const drainWait = time.Second

// smallBody is what any socket takes without waiting for its reader.
const smallBody = 8 << 10

// ServeHTTP answers /fn/… on a listener that serves Hadron's own pages too: what
// functions send cannot act on the origin. Callers dispatch to it by
// URL.EscapedPath, ahead of any mux.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.serve(w, r, true) }

// Dedicated answers /fn/… on a listener that serves functions only.
func (g *Gateway) Dedicated() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, false) })
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, shared bool) {
	start := time.Now()
	s := &httpSink{g: g, w: w, r: r, shared: shared, request: newRequestID()}
	trace, traceparent := g.newTrace(r.Header)
	s.traceparent = s.value(traceparent)

	t, route, why := g.route(rawPath(r.URL))
	if route == nil {
		s.refuse("", invocation.FunctionNotFound, why)
		return
	}
	s.name = t.name
	state := route.state.Load()
	if !s.identify(r.Context()) || !s.permit(state.access) {
		return
	}
	picked, err := g.pick(r.Context(), r.Header, route, state, t, true)
	switch {
	case errors.Is(err, ErrNotFound):
		s.refuse(t.name, invocation.FunctionNotFound, missing(t, err))
		return
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // nobody is left to answer
	case err != nil:
		g.cfg.Logger.WarnContext(r.Context(), "cannot resolve reference", "function", string(t.name), "request", s.request, "error", err)
		s.refuse(t.name, invocation.NodeOverloaded, "The version cannot be looked up now. Try again.")
		return
	}
	v := picked.version
	s.version, s.variant, s.issued = v, picked.variant, picked.issued
	if !s.permit(v.meta.Manifest.Access) {
		return
	}
	if code := oversized(v, r.Header, r.ContentLength); code != invocation.OK {
		s.refuse(t.name, code, tooLarge(v, code))
		return
	}
	if code, why := g.admit(v, route.share, invocation.TriggerHTTP); code != invocation.OK {
		s.refuse(t.name, code, busy(v, route.share, why))
		return
	}
	s.traceparent[0] = v.offer(g, &trace, start, traceparent)
	header := g.requestHeader(r.Header, trace, s.traceparent)
	g.setForwarded(header, r, s.value)
	e := &exchange{g: g, version: v, share: route.share, compared: picked.compared, sink: s, start: start, leaves: leaves(w), request: invocation.Request{
		ID: s.request, Version: v.meta.ID, Trigger: invocation.TriggerHTTP, Method: r.Method,
		URL: g.address(t.rest, r.URL), Header: header, Trace: trace, Slow: v.tracer(g.cfg.Trace).Slow(), Limits: *v.limits,
	}}
	if hasBody(r) {
		e.body = newBody(r.Body, v.limits.Body)
		e.request.Body = e.body
	}
	s.exchange = e
	e.run(r.Context())
	if s.cut {
		panic(http.ErrAbortHandler) // the only way to show the client that this is not the whole answer
	}
}

// leaves reports whether a server ends a request's context with ErrClientClosed where
// the client leaves, so that nobody need translate it.
func leaves(w http.ResponseWriter) bool {
	s, ok := w.(interface{ Gone() error })
	return ok && errors.Is(s.Gone(), invocation.ErrClientClosed)
}

func hasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

// route finds whom a path calls; why is a sentence where there is none.
func (g *Gateway) route(raw string) (t target, r *route, why string) {
	t, ok := split(raw)
	if !ok {
		return t, nil, "A function's address is /fn/{team}/{project}/{name}, with @version or @alias behind the name if need be."
	}
	if r = g.routes.get(t.name); r != nil {
		return t, r, ""
	}
	if _, err := function.ParseName(string(t.name)); err != nil {
		return t, nil, err.Error() + "."
	}
	return t, nil, fmt.Sprintf("There is no function %s.", t.name)
}

// httpSink is an HTTP client waiting for its answer.
type httpSink struct {
	g           *Gateway
	w           http.ResponseWriter
	r           *http.Request
	shared      bool
	request     string // id
	traceparent []string
	name        function.Name
	who         access.Principal
	version     *version  // nil: not known yet
	variant     string    // see pick
	issued      string    // see pick
	exchange    *exchange // nil: not admitted yet
	flush       *http.ResponseController
	stream      *flusher // of a streamed answer that has begun
	cut         bool
	values      [7]string // the single values of headers, in one piece of memory
	used        int
}

// value returns a header's values: v alone.
func (s *httpSink) value(v string) []string {
	i := s.used
	if i == len(s.values) {
		return []string{v}
	}
	s.values[i] = v
	s.used++
	return s.values[i : i+1 : i+1]
}

// identify finds out who calls; false means that the answer is given.
func (s *httpSink) identify(ctx context.Context) bool {
	if s.g.cfg.Dev {
		return true
	}
	who, err := s.g.cfg.Authorize(asking(s.r))
	switch {
	case errors.Is(err, ErrUnavailable):
		s.g.cfg.Logger.WarnContext(ctx, "cannot authorize request", "function", string(s.name), "request", s.request, "error", err)
		s.refuse(s.name, invocation.NodeOverloaded, "Tokens cannot be checked now. Try again.")
		return false
	case errors.Is(err, ErrExpired):
		s.refuse(s.name, invocation.Unauthorized, "The token has expired. Make a new one, or leave it out where the function is public.")
		return false
	case err != nil:
		s.refuse(s.name, invocation.Unauthorized, "The token is not valid. Make a new one, or leave it out where the function is public.")
		return false
	}
	s.who = who
	return true
}

// permit holds the caller to one access rule; false means that the answer is given.
// Both the function's rule and that of the version picked must let the caller in, so
// that neither an old version nor one on trial opens what is closed.
func (s *httpSink) permit(rule string) bool {
	switch {
	case s.g.cfg.Dev || opens(rule, s.who, s.name):
		return true
	case s.who == (access.Principal{}):
		s.refuse(s.name, invocation.Unauthorized, "This function is not public. Send a token: Authorization: Bearer hdn_…")
	default:
		s.refuse(s.name, invocation.Forbidden, fmt.Sprintf("%s may not call %s.", s.who.Name, s.name))
	}
	return false
}

// opens reports whether a rule lets somebody call the function: private to those
// who may call functions there, team to whoever was granted anything there.
func opens(rule string, who access.Principal, name function.Name) bool {
	return rule == function.AccessPublic || access.Can(who, access.Invoke, name) ||
		rule == function.AccessTeam && access.Can(who, access.Read, name) // every role has one of the two
}

// mayRead reports whether the caller may know why the function failed.
func (s *httpSink) mayRead() bool {
	return s.g.cfg.Dev || access.Can(s.who, access.ReadSource, s.name)
}

// refuse answers a request for which no version is called.
func (s *httpSink) refuse(name function.Name, code invocation.Code, detail string) {
	s.g.cfg.Refused(name, code)
	s.send(newProblem(code, detail, s.request))
}

func (s *httpSink) problem(code invocation.Code, f *invocation.Failure) {
	p := newProblem(code, sentence(s.exchange, code), s.request)
	if s.mayRead() {
		p = p.of(f)
	}
	s.send(p)
}

func (s *httpSink) send(p problem) {
	body := p.body()
	// A client that is gone already needs no problem; net/http notices by itself.
	_ = s.answer(p.Status, p.header(), body, false)
}

func (s *httpSink) whole(status int, h http.Header, body []byte) error {
	return s.answer(status, h, body, s.exchange.bodiless())
}

func (s *httpSink) answer(status int, h http.Header, body []byte, bodiless bool) error {
	header := s.head(h)
	switch {
	case !bodiless:
		header["Content-Length"] = s.value(strconv.Itoa(len(body)))
	case s.r.Method == http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified:
		if n, ok := headLength(h, body); ok {
			header["Content-Length"] = []string{n}
		}
	}
	settle := s.settleBody(false)
	s.w.WriteHeader(status)
	if settle != nil {
		settle()
	}
	if bodiless || s.r.Method == http.MethodHead || len(body) == 0 {
		return nil
	}
	if len(body) > smallBody {
		s.bound()
	}
	if _, err := s.w.Write(body); err != nil {
		return fmt.Errorf("write response: %w", err)
	}
	return nil
}

// headLength is the Content-Length of an answer to HEAD: the function's own, or that
// of the body it made although nobody will see it.
func headLength(h http.Header, body []byte) (string, bool) {
	for name, values := range h {
		if http.CanonicalHeaderKey(name) == "Content-Length" && len(values) == 1 {
			if n, err := strconv.ParseInt(values[0], 10, 64); err == nil && n >= 0 {
				return strconv.FormatInt(n, 10), true
			}
		}
	}
	return strconv.Itoa(len(body)), len(body) > 0 && len(body) <= maxHeld
}

// head puts into the client's header what goes with every answer, and h.
func (s *httpSink) head(h http.Header) http.Header {
	out := s.w.Header()
	if s.shared {
		out["Content-Security-Policy"] = sandbox
	}
	if s.issued != "" {
		out["Set-Cookie"] = []string{s.issued} // ahead of the function's, whose own cookie of that name counts
	}
	copyResponse(out, h, s.shared)
	out["Traceparent"] = s.traceparent
	out[requestIDHeader] = s.value(s.request)
	if s.version != nil {
		out[versionHeader] = s.version.number[:]
		if s.variant != "" {
			out[variantHeader] = s.value(s.variant)
		}
	}
	if _, ok := out["Content-Type"]; !ok {
		out["Content-Type"] = nil // else net/http would guess one from the bytes
	}
	return out
}

var sandbox = []string{"sandbox"}

func (s *httpSink) begin(status int, h http.Header, streamed bool) error {
	s.head(h)
	s.settleBody(true)
	s.bound()
	s.w.WriteHeader(status)
	if streamed {
		s.stream = newFlusher(s.w, s.control())
	}
	return nil
}

// bound ends writing to a client that takes longer than a stream may.
func (s *httpSink) bound() {
	_ = s.control().SetWriteDeadline(time.Now().Add(time.Duration(s.version.limits.Stream))) // unsupported: the client's pace is the server's to bound
}

func (s *httpSink) write(p []byte) error {
	if s.stream != nil {
		return s.stream.write(p)
	}
	if _, err := s.w.Write(p); err != nil {
		return fmt.Errorf("write response: %w", err)
	}
	return nil
}

func (s *httpSink) drain() error {
	if s.stream == nil {
		return nil
	}
	return s.stream.stop()
}

func (s *httpSink) end(err error) {
	s.cut = err != nil
	_ = s.drain() // its error is known, or nobody asked
	s.exchange.body.close()
	more, reading := s.unread()
	if !more {
		return
	}
	// net/http waits for a Read under way and for what is left of the body, both
	// without end; and aborting the Read itself it would forget our deadline.
	if reading && s.control().SetReadDeadline(time.Now()) == nil {
		s.exchange.body.await()
	}
	_ = s.control().SetReadDeadline(time.Now().Add(drainWait)) // unsupported: they end with the client
}

// unread reports whether the request's body was not read to its end, and whether the
// function waits for more of it now.
func (s *httpSink) unread() (more, reading bool) {
	if s.exchange != nil {
		return s.exchange.body.unread()
	}
	return hasBody(s.r) && !arrived(s.r.Body), false
}

func (s *httpSink) control() *http.ResponseController {
	if s.flush == nil {
		s.flush = http.NewResponseController(s.w)
	}
	return s.flush
}

// settleBody prepares for an answer to a request whose body is not read to its end.
// HTTP/1 then either reads the rest first, which is bounded here and lets the
// connection live, or, where function and client still talk, gives the connection
// up afterwards: its next bytes could not be told from a request. The function
// returned, if any, is to be called behind WriteHeader.
func (s *httpSink) settleBody(talking bool) (after func()) {
	more, reading := s.unread()
	if !more || s.r.ProtoMajor != 1 {
		return nil
	}
	if talking || reading {
		_ = s.control().EnableFullDuplex() // unsupported: then reading ends with the head
		s.w.Header()["Connection"] = []string{"close"}
		return nil
	}
	if s.control().SetReadDeadline(time.Now().Add(drainWait)) != nil {
		return nil
	}
	return func() {
		_ = s.control().Flush() // reads the rest; what fails, the following Write reports
		_ = s.control().SetReadDeadline(time.Time{})
	}
}
