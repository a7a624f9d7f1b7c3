package grafanatest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault is a way in which the server fails. Its zero value is health.
type Fault struct {
	Status  int         // answered instead of what is right; 0 keeps that
	Message string      // of that answer
	Header  http.Header // added to the answer, such as Retry-After
	Delay   time.Duration
	Drop    bool // the connection is closed without an answer
	After   bool // what was asked is done before Status or Drop hides it
	Times   int  // how often; 0 is until ClearFaults

	// Method and Path narrow the fault down: the method and the beginning of the path.
	Method, Path string
}

func (f Fault) message() string {
	if f.Message != "" {
		return f.Message
	}
	return http.StatusText(f.Status)
}

func (f Fault) hits(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) && strings.HasPrefix(r.URL.Path, f.Path)
}

// SetFault replaces the faults. Each request meets the first that hits it.
func (s *Server) SetFault(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	for _, f := range faults {
		s.faults = append(s.faults, &f)
	}
}

// SetDown drops every connection without an answer, as a server that is gone.
func (s *Server) SetDown() { s.SetFault(Fault{Drop: true}) }

// ClearFaults makes the server well.
func (s *Server) ClearFaults() { s.SetFault() }

func (s *Server) fault(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.hits(r) })
	if at < 0 {
		return Fault{}
	}
	f := s.faults[at]
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, at, at+1)
		}
	}
	return *f
}

// limit is what a proxy in front of a Grafana takes: so many requests a second, a tenth
// of that at once after a pause, and the rest is refused without a word of when.
type limit struct {
	rate   float64 // a second; 0: no limit
	tokens float64
	at     time.Time
}

// SetLimit refuses what is more than so many requests a second; 0 takes all.
func (s *Server) SetLimit(rate float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = limit{rate: rate, tokens: max(1, rate/10), at: time.Now()}
}

func (s *Server) tooMany() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.limit
	if l.rate == 0 {
		return false
	}
	now := time.Now()
	l.tokens = min(max(1, l.rate/10), l.tokens+l.rate*now.Sub(l.at).Seconds())
	l.at = now
	if l.tokens < 1 {
		return true
	}
	l.tokens--
	return false
}
