package pagerduty

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	pd "github.com/PagerDuty/go-pagerduty"
)

// Error says what PagerDuty refused, or why it could not be asked. Its text is one
// line without secrets.
type Error struct {
	Doing  string // "create service"
	Status int    // 0: there was no answer
	Text   string // PagerDuty's own, or what became of the connection
	cause  error
}

// Error is a sentence that says what to do where that is known.
func (e *Error) Error() string {
	switch e.Status {
	case 0:
		return fmt.Sprintf("%s: PagerDuty cannot be reached: %s", e.Doing, e.Text)
	case http.StatusUnauthorized:
		return e.Doing + ": PagerDuty does not know the token (401): check pagerduty.token"
	case http.StatusForbidden:
		return e.Doing + ": PagerDuty's token may not do that (403): pagerduty.token has to be allowed to write"
	case http.StatusTooManyRequests:
		return e.Doing + ": PagerDuty's rate limit is used up (429)"
	}
	return fmt.Sprintf("%s: PagerDuty answered %d: %s", e.Doing, e.Status, e.Text)
}

// Unwrap returns the cause, such as a deadline.
func (e *Error) Unwrap() error { return e.cause }

// everyone reports whether the error would meet any other request too.
func (e *Error) everyone() bool {
	return e.Status == 0 || e.Status == http.StatusTooManyRequests || e.Status >= 500
}

func status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return -1
}

// nameTaken reports PagerDuty's refusal of a service's name.
func nameTaken(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Text), "already been taken")
}

const maxErrorText = 400

// keyLike matches what may be a routing key, wherever it came from.
var keyLike = regexp.MustCompile(`\b[0-9A-Za-z]{32}\b`)

// plain makes text of others fit for logs: one line, bounded, without the secrets.
func plain(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "<redacted>")
		}
	}
	text = keyLike.ReplaceAllString(text, "<redacted>")
	return oneLine(text, maxErrorText)
}

// oneLine is valid UTF-8 without control characters, of at most limit characters. It
// looks at no more of s than can matter.
func oneLine(s string, limit int) string {
	most := 16 * limit
	cut := len(s) > most
	if cut {
		s = s[:most]
	}
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	n, short := 0, len(s) // where the last character that leaves room for a mark ends
	for i := range s {
		if n == limit-1 {
			short = i
		}
		n++
	}
	if n > limit || cut {
		return s[:short] + "…"
	}
	return s
}

// refusal gives PagerDuty's own words out of the client's error.
func refusal(err error) string {
	var e pd.APIError
	if !errors.As(err, &e) || !e.APIError.Valid {
		return "it gave no reason"
	}
	parts := []string{e.APIError.ErrorObject.Message}
	parts = append(parts, e.APIError.ErrorObject.Errors...)
	return strings.Join(parts, ": ")
}
