package pagerduty

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of one exchange.
const (
	maxBody    = 8 << 20          // of an answer: a page of 100 services is far under it
	leastPause = time.Millisecond // so that a clock one tick off does not spin
)

var (
	errSlow = errors.New("no answer in time")
	errBig  = fmt.Errorf("the answer holds more than %d bytes", maxBody)
)

// transport gives each attempt a deadline and a body of its own, reads and closes
// every answer, waits as PagerDuty asks, and repeats what is safe to repeat. The
// client over it does none of that.
type transport struct {
	next     http.RoundTripper
	from     string
	timeout  time.Duration // of one attempt
	attempts int
	backoff  time.Duration // before the second; doubles
	maxWait  time.Duration // most that PagerDuty's word can make a request wait
	now      func() time.Time
	called   func(status string) // told of each answer

	mu          sync.Mutex
	resume      time.Time // not before: the limit is used up, or nearly
	limit, left int       // PagerDuty's word on calls a minute
	limited     int       // calls that were one too many
	calls       []time.Time
}

// RoundTrip implements http.RoundTripper. Its errors carry no header and no body.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
	}
	ctx := req.Context()
	for attempt := 1; ; attempt++ {
		if err := t.hold(ctx); err != nil {
			return nil, err
		}
		resp, err := t.once(req, body)
		pause, again := t.again(req, resp, err, attempt)
		if !again {
			note(ctx, resp, err)
			return resp, err
		}
		if err := wait(ctx, pause); err != nil {
			note(ctx, nil, err)
			return nil, err
		}
	}
}

func (t *transport) once(req *http.Request, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), t.timeout, errSlow)
	defer cancel()
	out := req.Clone(ctx)
	out.Body, out.GetBody, out.ContentLength = http.NoBody, nil, 0
	if len(body) > 0 {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	if t.from != "" {
		out.Header.Set("From", t.from)
	}
	t.count()
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		t.called("0")
		return nil, cause(ctx, err)
	}
	t.called(strconv.Itoa(resp.StatusCode))
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	_ = resp.Body.Close()
	switch {
	case err != nil:
		return nil, cause(ctx, err)
	case len(data) > maxBody:
		return nil, errBig
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	t.limits(resp)
	return resp, nil
}

// cause prefers the reason for which ctx ended to what the network made of it.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// again says whether the request is to be made once more, and after what pause. One
// that may have been carried out is repeated only where that does no harm.
func (t *transport) again(req *http.Request, resp *http.Response, err error, attempt int) (time.Duration, bool) {
	if attempt >= t.attempts || req.Context().Err() != nil {
		return 0, false
	}
	pause := t.backoff << (attempt - 1)
	pause -= time.Duration(rand.Float64() * 0.5 * float64(pause))
	harmless := req.Method != http.MethodPost
	switch {
	case errors.Is(err, errBig):
		return 0, false
	case err != nil:
		return pause, harmless || unsent(err)
	case resp.StatusCode == http.StatusTooManyRequests:
		asked := asked(resp.Header, t.now())
		// Longer than that is left to the next pass.
		return max(asked, pause), asked <= t.maxWait
	case resp.StatusCode >= 500:
		asked := asked(resp.Header, t.now())
		return max(asked, pause), harmless && asked <= t.maxWait
	}
	return 0, false
}

// unsent reports whether no byte of the request can have arrived.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// reserve is the part of the limit that is not used up at once: it may be another's too.
const reserve = 10 // one in ten

// limits notes PagerDuty's word on its limit. When it is used up the next request waits
// instead of being refused; when it nearly is, they are spread over what is left.
func (t *transport) limits(resp *http.Response) {
	now := t.now()
	d := min(asked(resp.Header, now), t.maxWait)
	limit, left, told := allowance(resp.Header)
	t.mu.Lock()
	defer t.mu.Unlock()
	if told {
		t.limit, t.left = limit, left
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		t.limited++
		t.resume = now.Add(d)
	case told && left == 0:
		t.resume = now.Add(d)
	case told && left*reserve < limit:
		t.resume = now.Add(d / time.Duration(left+1))
	case told:
		t.resume = time.Time{}
	}
}

// allowance reads the limit and what is left of it.
func allowance(h http.Header) (limit, left int, ok bool) {
	left, err := strconv.Atoi(h.Get("Ratelimit-Remaining"))
	if err != nil || left < 0 {
		return 0, 0, false
	}
	limit, err = strconv.Atoi(h.Get("Ratelimit-Limit"))
	if err != nil || limit < 0 {
		limit = 0
	}
	return limit, left, true
}

const maxCalls = 10_000 // that are counted in a minute

// count notes a call that is about to be made.
func (t *transport) count() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune()
	if len(t.calls) < maxCalls {
		t.calls = append(t.calls, time.Now())
	}
}

// prune forgets calls that are older than a minute. The caller holds mu.
func (t *transport) prune() {
	old := 0
	for old < len(t.calls) && time.Since(t.calls[old]) >= time.Minute {
		old++
	}
	t.calls = slices.Delete(t.calls, 0, old)
}

// rate is PagerDuty's limit a minute and what it said was left of it, the calls of the
// last minute, and how many were one too many.
func (t *transport) rate() (limit, left, calls, limited int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune()
	return t.limit, t.left, len(t.calls), t.limited
}

func (t *transport) hold(ctx context.Context) error {
	t.mu.Lock()
	d := t.resume.Sub(t.now())
	t.mu.Unlock()
	return wait(ctx, min(d, t.maxWait))
}

// asked is how long the answer asks to wait; 0: it does not say.
func asked(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"Retry-After", "Ratelimit-Reset"} {
		text := strings.TrimSpace(h.Get(name))
		if text == "" {
			continue
		}
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 {
			return time.Duration(min(seconds, 86400) * float64(time.Second))
		}
		if at, err := http.ParseTime(text); err == nil {
			return max(0, at.Sub(now))
		}
	}
	return 0
}

func wait(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(max(d, leastPause))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// exchange carries what a request came to past the client, which keeps of an error
// its text only.
type exchange struct {
	err    error
	status int
}

type exchangeKey struct{}

func note(ctx context.Context, resp *http.Response, err error) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return
	}
	x.err, x.status = err, 0
	if resp != nil {
		x.status = resp.StatusCode
	}
}
