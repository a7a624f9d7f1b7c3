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
	"time"
)

// Bounds of one call.
const (
	mostBody      = 32 << 20         // bytes of an answer
	mostTries     = 3                // of one call, those not counted that were refused as one too many
	mostPatience  = 15 * time.Second // of all pauses after such refusals, and of one Retry-After; longer waits are the loop's
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
	var first time.Time // of being refused as one too many
	for try := 1; ; {
		if err := w.bucket.take(w.ctx); err != nil {
			return nil, err
		}
		began := time.Now()
		res, err := w.once(r, body)
		if w.calls != nil {
			w.calls(callCode(err))
		}
		if err == nil {
			w.bucket.answered()
			return res, nil
		}
		pause, again := w.again(r, err, wait)
		if status := statusOf(err); status == http.StatusTooManyRequests {
			// It is refused because there are many, which says nothing about this one: where
			// Grafana does not say when, the bucket does.
			w.bucket.refused(began)
			if first.IsZero() {
				first = time.Now()
			}
			again = time.Since(first)+pause <= mostPatience
		} else {
			try++
			again = again && try <= mostTries
			wait *= 2
		}
		if !again || sleep(w.ctx, pause) != nil {
			return nil, err
		}
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
	case http.StatusTooManyRequests:
		return status.RetryAfter, true
	case http.StatusServiceUnavailable:
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
