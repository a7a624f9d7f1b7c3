package pagerduty_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hadron/alerting/pagerduty"
)

// answers is a transport that gives one after the other, the last for ever.
type answers struct {
	list   []any // an error, or an answer
	bodies []string
	times  []time.Time
	closed int
}

type answer struct {
	status int
	header map[string]string
	body   string
}

type closing struct {
	io.Reader
	closed *int
}

func (c closing) Close() error { *c.closed++; return nil }

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.bodies, a.times = append(a.bodies, string(body)), append(a.times, time.Now())
	if r.Header.Get("From") != "ops@example.com" || r.ContentLength != int64(len(body)) {
		return nil, errors.New("the request is not whole")
	}
	next := a.list[min(len(a.bodies), len(a.list))-1]
	switch next := next.(type) {
	case error:
		return nil, next
	case answer:
		h := http.Header{}
		for k, v := range next.header {
			h.Set(k, v)
		}
		return &http.Response{StatusCode: next.status, Header: h, Body: closing{strings.NewReader(next.body), &a.closed}}, nil
	}
	<-r.Context().Done() // it hangs
	return nil, r.Context().Err()
}

var (
	errDial  = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	errReset = &net.OpError{Op: "read", Err: errors.New("connection reset")}
)

// request is one with a body, which has to arrive whole however often it is sent.
func request(t *testing.T, ctx context.Context, method string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://pagerduty.example/services", strings.NewReader("whole"))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestWhatIsRepeatedAndWhen(t *testing.T) {
	wait := func(header, value string) map[string]string { return map[string]string{header: value} }
	for name, c := range map[string]struct {
		method      string
		list        []any
		tries       int
		status      int // 0: an error
		least, most time.Duration
	}{
		"fine":                   {"POST", []any{answer{status: 201}}, 1, 201, 0, 0},
		"refused":                {"PUT", []any{answer{status: 400}}, 1, 400, 0, 0},
		"put broken once":        {"PUT", []any{answer{status: 500}, answer{status: 200}}, 2, 200, 50 * time.Millisecond, 100 * time.Millisecond},
		"post broken":            {"POST", []any{answer{status: 500}, answer{status: 201}}, 1, 500, 0, 0},
		"post reset":             {"POST", []any{errReset, answer{status: 201}}, 1, 0, 0, 0},
		"get reset":              {"GET", []any{errReset, answer{status: 200}}, 2, 200, 50 * time.Millisecond, 100 * time.Millisecond},
		"post not sent":          {"POST", []any{errDial, errDial, answer{status: 201}}, 3, 201, 150 * time.Millisecond, 300 * time.Millisecond},
		"broken for good":        {"GET", []any{answer{status: 503}}, 3, 503, 150 * time.Millisecond, 300 * time.Millisecond},
		"limit, post too":        {"POST", []any{answer{status: 429, header: wait("Ratelimit-Reset", "20")}, answer{status: 201}}, 2, 201, 20 * time.Second, 21 * time.Second},
		"retry-after wins":       {"GET", []any{answer{status: 429, header: map[string]string{"Retry-After": "5", "Ratelimit-Reset": "20"}}, answer{status: 200}}, 2, 200, 5 * time.Second, 6 * time.Second},
		"limit of unknown time":  {"GET", []any{answer{status: 429}, answer{status: 200}}, 2, 200, 50 * time.Millisecond, 100 * time.Millisecond},
		"too long to wait":       {"GET", []any{answer{status: 429, header: wait("Retry-After", "3600")}}, 1, 429, 0, 0},
		"busy with word":         {"GET", []any{answer{status: 503, header: wait("Retry-After", "3")}, answer{status: 200}}, 2, 200, 3 * time.Second, 4 * time.Second},
		"hangs, then fine":       {"GET", []any{nil, answer{status: 200}}, 2, 200, 10 * time.Second, 11 * time.Second},
		"post hangs":             {"POST", []any{nil, answer{status: 201}}, 1, 0, 10 * time.Second, 10 * time.Second},
		"more than can be right": {"GET", []any{answer{status: 200, body: strings.Repeat("x", 9<<20)}}, 1, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: c.list}
				req := request(t, t.Context(), c.method)
				began := time.Now()
				resp, err := pagerduty.NewTransport(a).RoundTrip(req)
				took := time.Since(began)
				if len(a.bodies) != c.tries || took < c.least || took > c.most {
					t.Errorf("%d tries in %v", len(a.bodies), took)
				}
				for _, b := range a.bodies {
					if b != "whole" {
						t.Errorf("body %q", b)
					}
				}
				if (err != nil) != (c.status == 0) {
					t.Fatal(err)
				}
				if err == nil {
					_ = resp.Body.Close()
					if resp.StatusCode != c.status {
						t.Errorf("status %d", resp.StatusCode)
					}
				}
				answered := 0
				for i := range a.bodies {
					if _, ok := c.list[min(i, len(c.list)-1)].(answer); ok {
						answered++
					}
				}
				if a.closed != answered {
					t.Errorf("%d of %d answers closed", a.closed, answered)
				}
			})
		})
	}
}

// waits are how long a transport waited before each of the requests but the first, where
// PagerDuty answers the first with that header and the others with none.
func waits(t *testing.T, requests int, header map[string]string) (out []time.Duration) {
	t.Helper()
	a := &answers{list: []any{answer{status: 200, header: header}, answer{status: 200}}}
	rt := pagerduty.NewTransport(a)
	for range requests {
		resp, err := rt.RoundTrip(request(t, t.Context(), http.MethodGet))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	for i := range requests - 1 {
		out = append(out, a.times[i+1].Sub(a.times[i]))
	}
	return out
}

// A limit that is used up is waited for before it is hit, but not for ever.
func TestUsedUpLimitIsWaitedForAhead(t *testing.T) {
	for reset, want := range map[string]time.Duration{"7": 7 * time.Second, "90000": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			if got := waits(t, 3, map[string]string{"Ratelimit-Remaining": "0", "Ratelimit-Reset": reset}); got[0] != want || got[1] != 0 {
				t.Errorf("waited %v, want %v once", got, want)
			}
		})
	}
}

// The last tenth of the limit is spread over the time to its renewal.
func TestLastOfTheLimitIsSpread(t *testing.T) {
	for left, want := range map[string]time.Duration{"50": 0, "10": 0, "9": time.Second, "4": 2 * time.Second, "1": 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			if got := waits(t, 2, map[string]string{"Ratelimit-Limit": "100", "Ratelimit-Remaining": left, "Ratelimit-Reset": "10"}); got[0] != want {
				t.Errorf("with %s left it waited %v, want %v", left, got, want)
			}
		})
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("stopping")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, reason)
		defer cancel()
		a := &answers{list: []any{answer{status: 429, header: map[string]string{"Retry-After": "30"}}}}
		req := request(t, ctx, http.MethodGet)
		began := time.Now()
		if _, err := pagerduty.NewTransport(a).RoundTrip(req); !errors.Is(err, reason) || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
