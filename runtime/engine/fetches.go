package engine

import (
	"net/http"
	"net/url"
	"sync"
	"time"

	"hadron/runtime/invocation"
)

// fetches are the outgoing requests of one call, for its trace. What they are kept in
// is used again and again, since most calls' are never asked for.
type fetches struct {
	mu     sync.Mutex
	marks  *[invocation.MaxFetches]fetchMark // nil: none yet
	count  int
	more   int
	closed bool
}

// fetchMark is a request as plain data; its address is put into words only when the
// trace is kept.
type fetchMark struct {
	url    *url.URL
	method string
	span   string // empty: the function passed a trace context of its own
	code   string
	status int
	start  time.Duration
	took   time.Duration
}

var fetchMarks = sync.Pool{New: func() any { return new([invocation.MaxFetches]fetchMark) }}

// begin takes note of a request that goes out, and returns its place; -1: there is none.
func (f *fetches) begin(req *http.Request, span string, at time.Duration) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return -1
	}
	if f.count == invocation.MaxFetches {
		f.more++
		return -1
	}
	if f.marks == nil {
		f.marks = fetchMarks.Get().(*[invocation.MaxFetches]fetchMark)
	}
	f.marks[f.count] = fetchMark{url: req.URL, method: req.Method, span: span, start: at}
	f.count++
	return f.count - 1
}

func (f *fetches) end(at int, res *http.Response, code string, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at < 0 || f.closed {
		return
	}
	m := &f.marks[at]
	m.code, m.took = code, took
	if res != nil {
		m.status = res.StatusCode
	}
}

// close takes no more, and returns what was noted where it is wanted. Requests under
// way have no code then.
func (f *fetches) close(v *isolate, wanted bool) (out []invocation.FetchSpan, more int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.marks == nil {
		return nil, 0
	}
	if wanted {
		out, more = make([]invocation.FetchSpan, f.count), f.more
		for i := range out {
			out[i] = f.marks[i].words(v)
		}
	}
	clear(f.marks[:f.count])
	fetchMarks.Put(f.marks)
	f.marks = nil
	return out, more
}

func (m *fetchMark) words(v *isolate) invocation.FetchSpan {
	out := invocation.FetchSpan{Span: m.span, Method: methodWord(m.method), Code: m.code, Status: m.status, Start: m.start, Took: m.took}
	if out.Span == "" {
		out.Span = invocation.NewSpan()
	}
	bare := url.URL{Scheme: m.url.Scheme, Host: m.url.Host, Path: m.url.Path, RawPath: m.url.RawPath}
	out.URL = invocation.ClipURL(v.secrets.text(bare.String()))
	return out
}

// methodWord is a request's method as OpenTelemetry names it: a function can make up
// any other.
func methodWord(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return method
	}
	return "_OTHER"
}
