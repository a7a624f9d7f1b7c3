package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"hadron/runtime/invocation"
)

// errResponseTooLarge ends a response that is over limits.response.
var errResponseTooLarge = errors.New("the response's body is larger than limits.response allows")

// errHeaderTooLarge wraps the refusal of a response whose header is over
// limits.headers.
var errHeaderTooLarge = errors.New("the response's header is larger than limits.headers allows")

// sizeOf is what the names and values of a header hold.
func sizeOf(h http.Header) (bytes int64) {
	for name, values := range h {
		for _, v := range values {
			bytes += int64(len(name) + len(v))
		}
	}
	return bytes
}

// oversized says which of a version's limits a request is over before it is read.
func oversized(v *version, h http.Header, length int64) invocation.Code {
	switch {
	case length > int64(v.limits.Body):
		return invocation.BodyTooLarge
	case sizeOf(h) > int64(v.limits.Headers):
		return invocation.HeadersTooLarge
	}
	return invocation.OK
}

// tooLarge says what a version takes of requests.
func tooLarge(v *version, code invocation.Code) string {
	if code == invocation.HeadersTooLarge {
		return fmt.Sprintf("The function takes headers of at most %s altogether (limits.headers).", v.limits.Headers)
	}
	return fmt.Sprintf("The function takes a body of at most %s (limits.body).", v.limits.Body)
}

// refuseHead marks a response that cannot be sent.
func (e *exchange) refuseHead(err error) error {
	e.invalid = err
	if errors.Is(err, errHeaderTooLarge) {
		e.hits |= invocation.HitHeaders
	}
	return err
}

// within counts the next bytes of the response's body against their limit.
func (e *exchange) within(n int) error {
	if e.passed += int64(n); e.passed <= int64(e.version.limits.Response) {
		return nil
	}
	e.invalid = errResponseTooLarge
	e.hits |= invocation.HitResponse
	return errResponseTooLarge
}

// near reports whether a call ended in time, and not long before its time was over.
func (e *exchange) near(code invocation.Code, took time.Duration) bool {
	return code != invocation.Timeout && float64(took) > invocation.NearTimeout*float64(e.version.limits.Timeout)
}

// hit is what a call ran into, as far as its end tells.
func (e *exchange) hit(code invocation.Code) invocation.Hits {
	hits := e.hits
	switch {
	case code == invocation.CPULimit:
		hits |= invocation.HitCPU
	case code == invocation.MemoryLimit:
		hits |= invocation.HitMemory
	case code == invocation.Timeout && e.status == 0:
		hits |= invocation.HitTimeout
	case code == invocation.Timeout:
		hits |= invocation.HitStream
	}
	return hits
}
