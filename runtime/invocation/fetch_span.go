package invocation

import (
	"strings"
	"time"
	"unicode/utf8"
)

// FetchSpan is one outgoing request of an invocation, as the process saw it that ran the
// function: a detail of its trace.
type FetchSpan struct {
	Span   string        // 16 lower-case hex digits: the request's traceparent named it
	Method string        // "GET"
	URL    string        // without user, query and fragment; secrets redacted
	Code   string        // one of FetchCodes; empty: it had not ended when the invocation did
	Status int           // 0: no answer
	Start  time.Duration // since the Invoker was called
	Took   time.Duration // to the head of the answer
}

// Bounds of what an Outcome says of its fetches.
const (
	MaxFetches     = 32 // of one invocation; more are only counted
	MaxFetchURL    = 512
	maxFetchMethod = 32
	maxFetchTime   = 7 * 24 * time.Hour
)

// Bound keeps what a process that is not trusted says within its bounds. It reports
// false for what no engine says.
func (f *FetchSpan) Bound() bool {
	if !isSpan(f.Span) || f.Method == "" || len(f.Method) > maxFetchMethod || f.Status < 0 || f.Status > 999 ||
		f.Start < 0 || f.Start > maxFetchTime || f.Took < 0 || f.Took > maxFetchTime {
		return false
	}
	known := f.Code == ""
	for _, c := range FetchCodes {
		known = known || f.Code == c
	}
	for i := range len(f.Method) {
		known = known && f.Method[i] > ' ' && f.Method[i] < 0x7f
	}
	f.URL = ClipURL(f.URL)
	return known
}

// ClipURL cuts an address to MaxFetchURL bytes of valid UTF-8 without control
// characters.
func ClipURL(s string) string {
	if len(s) > MaxFetchURL {
		s = s[:MaxFetchURL-len("…")] + "…"
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	if strings.ContainsFunc(s, control) {
		s = strings.Map(func(r rune) rune {
			if control(r) {
				return -1
			}
			return r
		}, s)
	}
	return s
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

func isSpan(s string) bool {
	if len(s) != 16 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != "0000000000000000"
}
