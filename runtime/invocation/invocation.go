package invocation

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"hadron/runtime/function"
)

// Trigger is what caused an invocation; the label trigger.
type Trigger string

// The triggers.
const (
	TriggerHTTP     Trigger = "http"
	TriggerFunction Trigger = "function" // another function's fetch
	TriggerSchedule Trigger = "schedule"
)

// Request is one call of one version.
type Request struct {
	ID      string // request id, unique on its node
	Version function.ID
	Trigger Trigger
	Method  string
	URL     string // absolute, as the function sees it: the /fn prefix removed
	Header  http.Header
	Body    io.Reader // nil: no body. Reading blocks as the client sends; an error ends the function's stream
	Trace   Trace
	Depth   int // calls from function to function above this one
	// Slow is the duration from which on the call's trace is kept though it is not
	// sampled, so that its fetches are told too; 0: none is slow.
	Slow   time.Duration
	Limits function.Limits
}

// Trace is the W3C trace context of an invocation: lower-case hex.
type Trace struct {
	ID      string // 32 digits
	Span    string // 16 digits, this invocation's
	Parent  string // 16 digits, or empty
	Sampled bool
	State   string // tracestate, passed on as it came
}

// Traceparent is the header that names this span.
func (t Trace) Traceparent() string {
	if t.ID == "" {
		return ""
	}
	flags := "00"
	if t.Sampled {
		flags = "01"
	}
	return "00-" + t.ID + "-" + t.Span + "-" + flags
}

// Child is the traceparent that a callee of this span gets: of a new span below it.
// It is empty where there is no trace.
func (t Trace) Child() string {
	if t.ID == "" {
		return ""
	}
	var text [traceparentLength]byte
	copy(text[:], "00-")
	copy(text[3:35], t.ID)
	text[35] = '-'
	putSpan(text[36:52])
	copy(text[52:], "-00")
	if t.Sampled {
		text[54] = '1'
	}
	return string(text[:])
}

const traceparentLength = 55

// NewSpan returns a span id that is random, and never the invalid one.
func NewSpan() string {
	var text [16]byte
	putSpan(text[:])
	return string(text[:])
}

func putSpan(text []byte) {
	var raw [8]byte
	binary.LittleEndian.PutUint64(raw[:], rand.Uint64()|1)
	hex.Encode(text, raw[:])
}

// Writer takes a function's response as it is made. Its methods are called by
// the goroutine that called Invoke, and never after Invoke returned, but for
// Settled.
type Writer interface {
	// Head takes status and header, once, before any Write. The header is the
	// callee's to keep. streamed says that the body is not whole yet.
	Head(status int, header http.Header, streamed bool) error
	// Write takes the next bytes of the body; p is the caller's again on return.
	// It blocks while the client is slow, and fails when it is gone.
	Write(p []byte) error
	// Settled is called once, from any goroutine, when what waitUntil held has
	// ended, and only if the Outcome said Background.
	Settled(Background)
}

// Outcome is how an invocation ended: what metrics, health and traces are made
// of. It is passed by value.
type Outcome struct {
	Code       Code
	Status     int           // the function's own, or 0 where it gave none
	Init       time.Duration // module evaluation, when Cold
	CPU        time.Duration // time inside the VM, waits excluded
	Queue      time.Duration // wait for a VM
	Duration   time.Duration // to the last byte; for a stream to the head. The gateway's clock
	Cold       bool          // a VM was made for this call
	Streamed   bool
	HeadSent   bool // the client has a status already, so no problem can be written
	Background bool // waitUntil holds work; Settled follows
	Near       bool // it ended in time, but over NearTimeout of its limits.timeout was gone
	Hits       Hits // the limits it ran into, whether or not they ended it
	Failure    *Failure
	TraceID    string
	RequestID  string // Request.ID, so that an error group can name a sample
	Traced     bool   // a trace was kept under TraceID
	// Fetches are the outgoing requests, the first MaxFetches, of a call that is
	// sampled, failed or was slow; MoreFetches are those beyond.
	Fetches     []FetchSpan
	MoreFetches int
}

// NearTimeout is the share of limits.timeout from which a call that ends in time ends
// near it.
const NearTimeout = 0.8

// IsTraced reports whether a call's trace is kept: it is sampled, it failed, or it
// took at least slow, unless that is 0.
func (o *Outcome) IsTraced(sampled bool, slow time.Duration) bool {
	return sampled || o.Code.IsError() || slow > 0 && o.Duration >= slow
}

// Background is what came of the work that waitUntil held.
type Background struct {
	CPU       time.Duration
	Hits      Hits // beyond those of its Outcome
	Code      Code
	Failure   *Failure
	RequestID string // of the request that began it
}

// Failure is an error as the function's author should read it.
type Failure struct {
	Name    string  // "TypeError"
	Message string  // secrets redacted, at most MaxMessage bytes
	Stack   []Frame // innermost first, mapped to the author's files, at most MaxFrames
}

// Bounds of a Failure.
const (
	MaxMessage = 4 << 10
	MaxFrames  = 32
)

// Frame is one line of a stack.
type Frame struct {
	Function string `json:"function,omitempty"`
	File     string `json:"file"`
	Line     int    `json:"line"`   // from 1
	Column   int    `json:"column"` // from 1
}

func (f *Failure) Error() string {
	if f.Name == "" {
		return f.Message
	}
	return f.Name + ": " + f.Message
}

// Causes with which the gateway ends the context of an invocation; the invoker
// turns them into codes.
var (
	ErrTimeout      = errors.New("the function did not answer within its timeout")
	ErrClientClosed = errors.New("the client closed the connection")
	ErrDraining     = errors.New("the server is shutting down")
)

// Level of a record.
type Level string

// The levels, least severe first.
const (
	Debug Level = "debug"
	Info  Level = "info"
	Warn  Level = "warn"
	Error Level = "error"
)

// Severity orders levels; an unknown level is as Info.
func (l Level) Severity() int {
	switch l {
	case Debug:
		return 0
	case Warn:
		return 2
	case Error:
		return 3
	default:
		return 1
	}
}

// Record is one log line of a function, or of the platform about it.
type Record struct {
	Time     time.Time       `json:"time"`
	Level    Level           `json:"level"`
	Message  string          `json:"message"`
	Function function.Name   `json:"function"`
	Version  int             `json:"version,omitempty"`
	Request  string          `json:"request,omitempty"`
	Trace    string          `json:"trace,omitempty"`
	Fields   json.RawMessage `json:"fields,omitempty"` // a JSON object
}
