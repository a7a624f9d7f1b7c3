package target

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"hadron/alerting"
)

const (
	maxAnswer     = 64 << 10
	maxAnswerText = 300
)

var errSlow = errors.New("no answer in time")

// Error says what a target refused, or why it could not be reached. Its text is one line
// without secrets.
type Error struct {
	Target string
	Status int // 0: there was no answer
	Text   string
	cause  error
}

// Error is a sentence.
func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s cannot be reached: %s", e.Target, e.Text)
	}
	return fmt.Sprintf("%s answered %d: %s", e.Target, e.Status, e.Text)
}

// Unwrap returns the cause, such as a deadline.
func (e *Error) Unwrap() error { return e.cause }

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// post gives one body to the target and judges the answer.
func (s *Sender) post(ctx context.Context, address string, body []byte, headers map[string]string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.Timeout, errSlow)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return &alerting.FinalError{Err: &Error{Target: s.cfg.Name, Text: "its address cannot be used"}}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "hadron")
	if s.cfg.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.cfg.token)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return &alerting.RetryError{Err: s.unreachable(ctx, err)}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return &alerting.RetryError{Err: s.unreachable(ctx, err)}
	}
	return s.judge(resp, answer)
}

func (s *Sender) judge(resp *http.Response, answer []byte) error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	err := &Error{Target: s.cfg.Name, Status: code, Text: s.plain(string(answer))}
	switch code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusGone:
		return &alerting.FinalError{Err: err}
	}
	// Anything else may be a proxy's, or mended by whoever runs the target.
	return &alerting.RetryError{After: min(asked(resp.Header, s.opts.Now()), s.opts.MaxWait), Err: err}
}

// unreachable keeps the reason for errors.Is, and its text free of the address.
func (s *Sender) unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	return &Error{Target: s.cfg.Name, Text: s.plain(err.Error()), cause: err}
}

// plain makes text of others fit for logs: one line, bounded, without the secrets.
func (s *Sender) plain(text string) string {
	secrets := []string{s.cfg.URL, s.cfg.token, s.cfg.secret}
	if u, err := url.Parse(s.cfg.URL); err == nil && len(u.Path) > 1 {
		secrets = append(secrets, u.Path)
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "<redacted>")
		}
	}
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "�"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if text == "" {
		return "it gave no reason"
	}
	if runes := []rune(text); len(runes) > maxAnswerText {
		text = string(runes[:maxAnswerText-1]) + "…"
	}
	return text
}

// asked is how long the answer asks to wait; 0: it does not say.
func asked(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 86400) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
