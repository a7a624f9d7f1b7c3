// Package grafanatest is a stateful fake of Grafana's HTTP API, for tests: it
// keeps folders, data sources and dashboards, refuses what a real Grafana 9.3
// refuses, and fails on demand. A test holds it to recordings of a real one.
package grafanatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a fake Grafana that ends with its test.
type Server struct {
	URL   string
	Token string // of an admin

	editor, viewer string // tokens of lesser roles

	mu          sync.Mutex
	lastID      int64 // of folders and dashboards, which share a sequence
	lastSource  int64
	folders     map[string]*folder
	dashboards  map[string]*dashboard
	datasources map[string]*datasource
	annotations []Annotation
	teams       map[int64]string
	rules       map[string]bool // folders that hold alert rules
	faults      []*Fault
	limit       limit
	requests    []Request
	closing     chan struct{}
}

// Request is one that the server answered or dropped.
type Request struct {
	Method string
	Path   string // with its query
	Status int    // 0: the connection was dropped
}

// Write says whether a request may have changed something.
func (r Request) Write() bool { return r.Method != http.MethodGet }

// New starts a server.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		Token: "glsa_" + strings.Repeat("a", 32), editor: "glsa_editor", viewer: "glsa_viewer",
		folders: map[string]*folder{}, dashboards: map[string]*dashboard{}, datasources: map[string]*datasource{},
		rules: map[string]bool{}, closing: make(chan struct{}),
	}
	srv := httptest.NewServer(s)
	s.URL = srv.URL
	t.Cleanup(func() {
		close(s.closing)
		srv.CloseClientConnections()
		srv.Close()
	})
	return s
}

// ServeHTTP is http.Handler's.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := s.fault(r)
	if fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-r.Context().Done():
		case <-s.closing:
		}
	}
	status := 0
	var body []byte
	switch {
	case fault.Drop && !fault.After:
	case fault.Status != 0 && !fault.After:
		status, body = fault.Status, encode(message("%s", fault.message()))
	case s.tooMany():
		status, body = http.StatusTooManyRequests, encode(message("Too many requests"))
	default:
		status, body = s.answer(r)
		if fault.After && fault.Drop {
			status = 0
		} else if fault.After && fault.Status != 0 {
			status, body = fault.Status, encode(message("%s", fault.message()))
		}
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method, r.URL.RequestURI(), status})
	s.mu.Unlock()
	if status == 0 {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	for key, values := range fault.Header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func encode(body any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // it came in as JSON
	}
	return text
}

type role int

const (
	nobody role = iota
	viewer
	editor
	admin
)

func (s *Server) role(r *http.Request) role {
	switch token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); token {
	case s.Token:
		return admin
	case s.editor:
		return editor
	case s.viewer:
		return viewer
	}
	return nobody
}

func message(format string, args ...any) map[string]any {
	return map[string]any{"message": fmt.Sprintf(format, args...)}
}

func refused(status, format string, args ...any) map[string]any {
	m := message(format, args...)
	m["status"] = status
	return m
}

func denied(permission string) (int, any) {
	return http.StatusForbidden, map[string]any{
		"accessErrorId": "ACE0000000000", "title": "Access denied",
		"message": "You'll need additional permissions to perform this action. Permissions needed: " + permission,
	}
}

// answer does what is asked and encodes the answer before others may change it.
func (s *Server) answer(r *http.Request) (int, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, body := s.route(r)
	return status, encode(body)
}

func (s *Server) route(r *http.Request) (int, any) {
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	if r.URL.Path == "/api/health" {
		return http.StatusOK, map[string]any{"commit": "fake", "database": "ok", "version": "9.3.0"}
	}
	who := s.role(r)
	if who == nobody {
		return http.StatusUnauthorized, message("Unauthorized")
	}
	route := r.Method + " " + strings.Join(path[:min(2, len(path))], "/")
	rest := path[min(2, len(path)):]
	switch route {
	case "GET api/folders", "POST api/folders", "PUT api/folders", "DELETE api/folders":
		return s.folderRoute(r, who, rest)
	case "POST api/dashboards", "GET api/dashboards", "DELETE api/dashboards":
		return s.dashboardRoute(r, who, rest)
	case "GET api/search":
		if len(rest) == 0 {
			return s.search(r)
		}
	case "GET api/teams":
		if len(rest) == 1 && rest[0] == "search" {
			return s.searchTeams(r)
		}
	case "GET api/annotations", "POST api/annotations":
		return s.annotationRoute(r, who)
	case "GET api/datasources", "POST api/datasources", "PUT api/datasources", "DELETE api/datasources":
		return s.datasourceRoute(r, who, rest)
	}
	return http.StatusNotFound, message("Not found")
}

// read decodes a body; ok is false where it is no JSON object.
func read(r *http.Request, into any) bool {
	return json.NewDecoder(r.Body).Decode(into) == nil
}

func badData() (int, any) { return http.StatusBadRequest, message("bad request data") }

func slug(title string) string {
	var out strings.Builder
	for _, c := range strings.ToLower(title) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			out.WriteRune(c)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	return strings.TrimSuffix(out.String(), "-")
}

// badUID says what is wrong with a uid, if anything.
func badUID(uid string) string {
	switch {
	case len(uid) > 40:
		return "uid too long, max 40 characters"
	case strings.ContainsFunc(uid, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}):
		return "uid contains illegal characters"
	}
	return ""
}

func (s *Server) nextID() int64 { s.lastID++; return s.lastID }

func (s *Server) newUID() string { return fmt.Sprintf("auto-%d", s.nextID()) }

// Requests lists what was asked so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Writes lists the requests that may have changed something.
func (s *Server) Writes() []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return !r.Write() })
}

// ForgetRequests empties the list of requests.
func (s *Server) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}
