package grafana

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of one call.
const (
	mostBody      = 32 << 20         // bytes of an answer
	mostTries     = 3                // of one call
	mostPatience  = 15 * time.Second // of a Retry-After within a call; longer waits are the loop's
	shownMessage  = 300              // bytes of Grafana's words in an error
	tokenStandsIn = "hadron-datasource-token"
)

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status     int
	Reason     string        // Grafana's word, such as version-mismatch; often empty
	Message    string        // Grafana's sentence, without any token
	RetryAfter time.Duration // as the server asked; 0 where it did not
}

func (e *StatusError) Error() string {
	text := "grafana answered " + strconv.Itoa(e.Status)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

var (
	// ErrUnreachable wraps a call that got no answer.
	ErrUnreachable = errors.New("grafana cannot be reached")
	errSlowCall    = errors.New("no answer in time")
)

// transport is what stands between the client library, which knows no context,
// no types of failure and no pace, and the network: each call has a deadline and
// its place in the rate, is tried again where that can help, and fails typed.
type transport struct {
	base      http.RoundTripper
	token     string
	dataToken string
	timeout   time.Duration
	backoff   time.Duration
	bucket    *bucket
	calls     func(code string) // told of each call's status; nil: nobody
}

// callCode is the status of a call, for counting: a number, or what stood in its way.
func callCode(err error) string {
	switch status := statusOf(err); {
	case err == nil:
		return "2xx"
	case status != 0:
		return strconv.Itoa(status)
	}
	return "none"
}

// within is a transport for the calls of one pass, which end with its context.
type within struct {
	*transport
	ctx context.Context // the client library takes none, so its calls get it here
}

// RoundTrip is http.RoundTripper's.
func (w within) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
		// The library prints bodies where GF_LOG is set, so it never sees this token.
		body = bytes.ReplaceAll(body, []byte(tokenStandsIn), []byte(w.dataToken))
	}
	wait := w.backoff
	for try := 1; ; try++ {
		if err := w.bucket.take(w.ctx); err != nil {
			return nil, err
		}
		began := time.Now()
		res, err := w.once(r, body)
		if w.calls != nil {
			w.calls(callCode(err))
		}
		if err == nil {
			w.bucket.speedUp()
			return res, nil
		}
		if status := statusOf(err); status == http.StatusTooManyRequests {
			w.bucket.slowDown(began)
		}
		pause, again := w.again(r, err, wait)
		if !again || try == mostTries {
			return nil, err
		}
		if sleep(w.ctx, pause) != nil {
			return nil, err
		}
		wait *= 2
	}
}

// again says whether a call is worth another try, and after how long. A write
// whose answer was lost may have happened: the reconciler finds out by reading.
func (w within) again(r *http.Request, err error, wait time.Duration) (time.Duration, bool) {
	wait += time.Duration(rand.Int64N(int64(wait) + 1))
	var status *StatusError
	if !errors.As(err, &status) {
		return wait, r.Method == http.MethodGet && w.ctx.Err() == nil
	}
	if status.RetryAfter > 0 {
		wait = status.RetryAfter
	}
	switch status.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return wait, wait <= mostPatience
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return wait, r.Method == http.MethodGet && wait <= mostPatience
	}
	return 0, false
}

// once makes one call and reads its whole answer.
func (w within) once(r *http.Request, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(w.ctx, w.timeout, errSlowCall)
	defer cancel()
	req := r.Clone(ctx)
	req.Body, req.ContentLength = nil, int64(len(body))
	if len(body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "hadron")
	res, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, w.unreachable(ctx, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, mostBody+1))
	if err != nil {
		return nil, w.unreachable(ctx, err)
	}
	if len(text) > mostBody {
		return nil, fmt.Errorf("grafana's answer is longer than %d bytes", mostBody)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, w.refusal(res, text)
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	return res, nil
}

func (w within) unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%w: %s", ErrUnreachable, w.redact(err.Error()))
}

func (w within) refusal(res *http.Response, text []byte) *StatusError {
	message, reason := sayings(text)
	return &StatusError{
		Status: res.StatusCode, Reason: reason, Message: w.redact(message),
		RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()),
	}
}

// redact takes tokens out of what others say.
func (t *transport) redact(text string) string {
	for _, secret := range []string{t.token, t.dataToken} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "<redacted>")
		}
	}
	if len(text) > shownMessage {
		text = strings.ToValidUTF8(text[:shownMessage], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// retryAfter reads seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return min(at.Sub(now), time.Hour)
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// bucket paces calls: a second's worth at once after a pause, then at the rate. Where
// the server says that they are too many it halves the rate, and finds its way up again.
type bucket struct {
	mu     sync.Mutex
	every  time.Duration
	least  time.Duration // between calls, at full rate
	burst  time.Duration
	slowed time.Time // when the rate was halved last
	next   time.Time // when the call after those taken may be made, were there no burst
}

// slowest is the longest time between two calls.
const slowest = time.Second

func newBucket(rate float64) *bucket {
	every := time.Duration(float64(time.Second) / rate)
	return &bucket{every: every, least: every, burst: time.Second}
}

// slowDown halves the rate, and takes what was saved up: the server has had enough.
// Calls that were under way when it did so before tell nothing new: a volley of
// refusals halves once.
func (b *bucket) slowDown(began time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if began.Before(b.slowed) {
		return
	}
	b.slowed = time.Now()
	b.every = min(max(2*b.every, time.Millisecond), max(slowest, b.least))
	b.burst = 0
}

// speedUp makes the pauses shorter by a fiftieth, until they are as short as they may be.
func (b *bucket) speedUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.every > b.least {
		b.every = max(b.least, b.every-b.every/50)
		return
	}
	b.burst = time.Second
}

func (b *bucket) take(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	now := time.Now()
	if oldest := now.Add(-b.burst); b.next.Before(oldest) {
		b.next = oldest
	}
	b.next = b.next.Add(b.every)
	wait := b.next.Sub(now)
	b.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return sleep(ctx, wait)
}
