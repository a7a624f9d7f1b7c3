package gateway

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"hadron/runtime/invocation"
)

// parseTraceparent reads a W3C traceparent strictly: of version 00 exactly, of a
// later version its known beginning. ok is false for anything else.
func parseTraceparent(s string) (traceID, parent string, sampled, ok bool) {
	const length = 55
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return "", "", false, false
	}
	version, id, span, flags := s[:2], s[3:35], s[36:52], s[53:55]
	switch {
	case !lowerHex(version) || !lowerHex(id) || !lowerHex(span) || !lowerHex(flags):
		return "", "", false, false
	case version == "ff" || version == "00" && len(s) != length || len(s) > length && s[length] != '-':
		return "", "", false, false
	case zeros(id) || zeros(span):
		return "", "", false, false
	}
	return id, span, (unhex(flags[1]) & 1) == 1, true
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func zeros(s string) bool { return strings.Trim(s, "0") == "" }

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// maxTracestate is what the standard asks everyone to pass on at least.
const maxTracestate = 512

// newTrace makes the span of one call: a child of the caller's traceparent where h
// holds one valid one, else the first of a new trace. It also returns the
// traceparent of the new span.
func (g *Gateway) newTrace(h http.Header) (invocation.Trace, string) {
	t := invocation.Trace{}
	if given := h["Traceparent"]; len(given) == 1 {
		if id, parent, sampled, ok := parseTraceparent(given[0]); ok {
			t = invocation.Trace{ID: id, Parent: parent, Sampled: sampled, State: tracestate(h)}
		}
	}
	return g.span(t)
}

// span gives t an id of its own, and a trace where it has none.
func (g *Gateway) span(t invocation.Trace) (invocation.Trace, string) {
	var raw [24]byte
	binary.LittleEndian.PutUint64(raw[16:], rand.Uint64()|1) // never zero
	var text [55]byte
	copy(text[:], "00-")
	if t.ID == "" {
		binary.LittleEndian.PutUint64(raw[:], rand.Uint64()|1)
		binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
		hex.Encode(text[3:35], raw[:16])
		t.Sampled = g.cfg.Sample(string(text[3:35]))
	} else {
		copy(text[3:35], t.ID)
	}
	text[35] = '-'
	hex.Encode(text[36:52], raw[16:])
	copy(text[52:], "-00")
	if t.Sampled {
		text[54] = '1'
	}
	traceparent := string(text[:]) // the ids share its bytes
	t.ID, t.Span = traceparent[3:35], traceparent[36:52]
	return t, traceparent
}

// offer asks the version's tracer about a call that its trace's sampling left out, and
// returns the traceparent as it is then.
func (v *version) offer(g *Gateway, t *invocation.Trace, start time.Time, traceparent string) string {
	if t.Sampled || t.Parent != "" || !v.tracer(g.cfg.Trace).Begin(start) {
		return traceparent
	}
	t.Sampled = true
	return traceparent[:len(traceparent)-1] + "1"
}

func tracestate(h http.Header) string {
	all := h["Tracestate"]
	if len(all) == 0 {
		return ""
	}
	s := all[0]
	if len(all) > 1 {
		s = strings.Join(all, ",")
	}
	if len(s) > maxTracestate {
		return ""
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return ""
		}
	}
	return s
}

// newRequestID returns 80 random bits in letters and digits that are hard to confuse.
func newRequestID() string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	var id [16]byte
	a, b := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		id[i], id[8+i] = alphabet[a&31], alphabet[b&31]
		a, b = a>>5, b>>5
	}
	return string(id[:])
}
