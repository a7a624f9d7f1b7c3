package pagerduty

import (
	"net/http"
	"time"
)

// NewTransport is the transport under the client, over another.
func NewTransport(next http.RoundTripper) http.RoundTripper {
	return &transport{next: next, from: "ops@example.com", timeout: 10 * time.Second, attempts: 3, backoff: 100 * time.Millisecond, maxWait: time.Minute, now: time.Now, called: func(string) {}}
}

// OneLine is for its own test.
var OneLine = oneLine
