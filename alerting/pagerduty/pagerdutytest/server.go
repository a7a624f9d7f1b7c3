// Package pagerdutytest is a PagerDuty for tests: the routes of its REST and Events
// APIs that Hadron uses, with state. It refuses what the real one refuses, checks each
// request and answer against PagerDuty's own descriptions where they are at hand, can be
// told to fail, and shows what became of it.
package pagerdutytest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is one account, with the escalation policy "Default".
type Server struct {
	URL   string // origin of both APIs
	Token string // of the REST API
	Name  string // of the account's subdomain, in html_url

	http     *httptest.Server
	contract *contract // nil: no descriptions at hand

	mu         sync.Mutex
	changed    chan struct{} // closed at each change of what can be seen
	next       int           // for ids
	services   []*service
	policies   []Policy
	business   []*BusinessService
	relations  []Relation
	events     []Event
	incidents  []*Incident
	hooks      []*Subscription
	requests   []Request
	violations []string
	faults     []*Fault
	rest       window
	perKey     map[string]*window
	eventLimit int
	noUrgency  bool
	noBusiness bool
}

// Policy is an escalation policy.
type Policy struct{ ID, Name string }

// Request is one request as it came in.
type Request struct {
	Method, Path string
	Status       int // 0: the connection was dropped
	Body         []byte
	Time         time.Time
}

// Write reports whether it asked the REST API for a change.
func (r Request) Write() bool {
	return r.Method != http.MethodGet && !strings.HasPrefix(r.Path, "/v2/")
}

// New starts a server that ends with the test. What it was asked or answered against
// PagerDuty's descriptions fails the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		Token: "pdtoken-" + random(10), Name: "acme", changed: make(chan struct{}),
		perKey: map[string]*window{}, rest: window{most: 960}, eventLimit: 120,
	}
	var err error
	if s.contract, err = loadContract(); errors.Is(err, errNoContracts) {
		tb.Log(err)
	} else if err != nil {
		tb.Fatal(err) // there, and of no use: nothing would be checked
	}
	s.AddEscalationPolicy("Default")
	s.http = httptest.NewServer(s)
	s.URL = s.http.URL
	tb.Cleanup(func() {
		s.ClearFaults()
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// id makes an id as PagerDuty's look: P and six of its alphabet.
func (s *Server) id() string {
	s.next++
	n := strings.ToUpper(strconv.FormatInt(int64(s.next)*7919%2_176_782_336, 36))
	return "P" + strings.Repeat("0", 6-len(n)) + n
}

// notify tells those who wait; the lock is held.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Wait returns when cond is true, which it asks at the start and after each change; its
// error is the cause for which ctx ended first. cond may use the server.
func (s *Server) Wait(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for PagerDuty: %w", context.Cause(ctx))
		}
	}
}

const maxRequest = 4 << 20

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	fault := s.fault(r)
	if fault != nil && fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
		}
	}
	if fault != nil && fault.Drop && !fault.After {
		s.note(r, body, 0)
		panic(http.ErrAbortHandler)
	}
	if fault != nil && fault.Status > 0 && !fault.After {
		for name, value := range fault.Header {
			w.Header().Set(name, value)
		}
		s.note(r, body, fault.Status)
		answer := any(restError(0, "Something is wrong"))
		if fault.Body != "" {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(fault.Status)
			_, _ = io.WriteString(w, fault.Body)
			return
		}
		write(w, fault.Status, answer)
		return
	}
	rec := httptest.NewRecorder()
	s.serve(rec, r, body)
	status := rec.Code
	if fault != nil && fault.After {
		if fault.Drop {
			s.note(r, body, 0)
			panic(http.ErrAbortHandler)
		}
		s.note(r, body, fault.Status)
		write(w, fault.Status, restError(0, "Something is wrong"))
		return
	}
	s.note(r, body, status)
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(rec.Body.Bytes())
}

func (s *Server) note(r *http.Request, body []byte, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.RequestURI(), Status: status, Body: body, Time: time.Now()})
	s.notify()
}

// serve answers one request, checked both ways.
func (s *Server) serve(w *httptest.ResponseRecorder, r *http.Request, body []byte) {
	path, events := strings.CutPrefix(r.URL.Path, "/v2")
	if !events || path != "/enqueue" && path != "/change/enqueue" {
		path, events = r.URL.Path, false
	}
	if s.contract == nil {
		s.answer(w, r, path, events, body, nil)
		return
	}
	doc := s.contract.rest
	if events {
		doc = s.contract.events
	}
	invalid := s.contract.request(r.Context(), doc, r, path)
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.answer(w, r, path, events, body, invalid)
	if err := s.contract.response(r.Context(), doc, r, path, w.Code, w.Header(), w.Body.Bytes()); err != nil {
		s.mu.Lock()
		s.violations = append(s.violations, err.Error())
		s.mu.Unlock()
	}
}

// answer takes the lock for the whole of the request: PagerDuty asks for one at a time.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, path string, events bool, body []byte, invalid error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	if invalid != nil {
		s.violations = append(s.violations, invalid.Error())
	}
	if events {
		s.serveEvent(w, r, path, body, invalid)
		return
	}
	s.serveREST(w, r, body, invalid)
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if v != nil {
		_ = json.NewEncoder(w).Encode(v)
	}
}

// Fault is something that goes wrong. The zero Fault does nothing.
type Fault struct {
	Match  func(*http.Request) bool // which requests; nil: all
	Times  int                      // how many of them; 0: until ClearFaults
	Delay  time.Duration            // before anything else
	Status int                      // answered instead
	Header map[string]string        // of that answer, such as Retry-After
	Body   string                   // of that answer, as HTML; default: an error object
	Drop   bool                     // the connection ends without an answer
	After  bool                     // the request is carried out first, its answer lost
}

// REST and EventsAPI are what a Fault can match.
func REST(r *http.Request) bool { return !EventsAPI(r) }

// EventsAPI matches requests to the Events API.
func EventsAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v2/") }

// SetFault makes requests fail, in place of what was set before. Of several the first
// that matches holds.
func (s *Server) SetFault(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	for _, f := range faults {
		s.faults = append(s.faults, &f)
	}
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() { s.SetFault() }

// Down drops every connection until ClearFaults.
func (s *Server) Down() { s.SetFault(Fault{Drop: true}) }

func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Match != nil && !f.Match(r) {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = slices.Delete(slices.Clone(s.faults), i, i+1)
			}
		}
		c := *f
		return &c
	}
	return nil
}

// Requests returns all requests so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Writes counts the REST requests that asked for a change.
func (s *Server) Writes() int {
	n := 0
	for _, r := range s.Requests() {
		if r.Write() {
			n++
		}
	}
	return n
}

// Violations returns what PagerDuty's descriptions do not allow, in requests and in the
// server's own answers. Such requests were refused.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// window is a rate limit over a minute.
type window struct {
	most int
	span time.Duration // 0: a minute
	hits []time.Time
}

// hit counts a request; ok is false where it is one too many.
func (w *window) hit(now time.Time) (left int, reset time.Duration, ok bool) {
	span := cmp.Or(w.span, time.Minute)
	w.hits = slices.DeleteFunc(w.hits, func(t time.Time) bool { return now.Sub(t) >= span })
	reset = span
	if len(w.hits) > 0 {
		reset = w.hits[0].Add(span).Sub(now)
	}
	if len(w.hits) >= w.most {
		return 0, reset, false
	}
	w.hits = append(w.hits, now)
	return w.most - len(w.hits), reset, true
}

// Limit sets the requests a minute to the REST API and, per routing key, events.
func (s *Server) Limit(rest, events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = window{most: rest}
	s.eventLimit, s.perKey = events, map[string]*window{}
}

// LimitEvery sets the REST API's limit over another span than a minute, which the headers
// tell with its fraction.
func (s *Server) LimitEvery(span time.Duration, rest int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = window{most: rest, span: span}
}
