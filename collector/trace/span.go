package trace

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"

	"hadron/runtime/invocation"
)

// Kind is what a span stands for, as OpenTelemetry names it.
type Kind string

// The kinds.
const (
	Server   Kind = "server"
	Client   Kind = "client"
	Internal Kind = "internal"
)

// Span is a part of a trace.
type Span struct {
	ID, Parent string // 16 lower-case hex digits; Parent may be empty
	Name       string
	Kind       Kind
	Began      time.Time
	Duration   time.Duration
	Error      bool
	Message    string // of an error
	Attributes []Attribute
	Failure    *invocation.Failure // of an invocation that threw
}

// Attribute is a detail of a span, named as OpenTelemetry's conventions do where they
// have a name. Value is a string, an int, a float64 or a bool.
type Attribute struct {
	Key   string
	Value any
}

// Spans are the call's, its own first, each with a parent before it or elsewhere.
func (c *Call) Spans() []Span {
	out := make([]Span, 0, 5+len(c.Fetches))
	out = append(out, c.invocation())
	run := c.Began
	phase := func(name string, length time.Duration) {
		out = append(out, Span{ID: c.part(name), Parent: c.Span, Name: name, Kind: Internal, Began: run, Duration: length})
		run = run.Add(length)
	}
	if c.Queue > 0 {
		phase("queue", min(c.Queue, c.Duration))
	}
	if c.Cold {
		phase("init", max(0, min(c.Init, c.Duration-run.Sub(c.Began))))
	}
	phase("run", max(0, c.Duration-run.Sub(c.Began)))
	for _, f := range c.Fetches {
		out = append(out, c.fetch(f))
	}
	if c.Background != nil {
		out = append(out, c.background(c.Background))
	}
	return out
}

func (c *Call) invocation() Span {
	s := Span{
		ID: c.Span, Parent: c.Parent, Name: string(c.Function.Name), Kind: Server, Began: c.Began, Duration: c.Duration,
		Error: c.Code.IsError(), Failure: c.Failure,
		Attributes: []Attribute{
			{"faas.name", string(c.Function.Name)},
			{"faas.version", fmt.Sprint(c.Function.Version)},
			{"faas.trigger", faasTrigger(c.Trigger)},
			{"faas.invocation_id", c.Request},
			{"faas.coldstart", c.Cold},
			{"http.request.method", c.Method},
			{"url.path", c.Path},
			{"hadron.code", string(c.Code)},
			{"hadron.kept", string(c.Why)},
			{"hadron.cpu_seconds", c.CPU.Seconds()},
		},
	}
	if c.Trigger == invocation.TriggerSchedule {
		s.Kind = Internal
	}
	if c.Status != 0 {
		s.add("http.response.status_code", c.Status)
	}
	if c.MoreFetches > 0 {
		s.add("hadron.fetches_left_out", c.MoreFetches)
	}
	if s.Error {
		s.Message = string(c.Code)
		s.add("error.type", string(c.Code))
		if c.Failure != nil {
			s.Message = c.Failure.Error()
		}
	}
	return s
}

func (s *Span) add(key string, value any) { s.Attributes = append(s.Attributes, Attribute{key, value}) }

// faasTrigger is the convention's word for a trigger.
func faasTrigger(t invocation.Trigger) string {
	switch t {
	case invocation.TriggerSchedule:
		return "timer"
	case invocation.TriggerHTTP, invocation.TriggerFunction:
	}
	return "http"
}

func (c *Call) fetch(f invocation.FetchSpan) Span {
	s := Span{
		ID: f.Span, Parent: c.part("run"), Name: f.Method, Kind: Client, Began: c.Began.Add(f.Start), Duration: f.Took,
		Attributes: []Attribute{{"http.request.method", f.Method}, {"url.full", f.URL}},
	}
	if u, err := url.Parse(f.URL); err == nil && u.Host != "" {
		s.Name += " " + u.Host
		s.add("server.address", u.Hostname())
	}
	switch {
	case f.Code == "":
		s.Duration = max(0, c.Duration-f.Start)
		s.Error, s.Message = true, "it had not ended when the invocation did"
		s.add("error.type", "unfinished")
	case f.Code == "error", f.Code == "refused", f.Code == "aborted":
		s.Error, s.Message = true, f.Code
		s.add("error.type", f.Code)
	case f.Status >= 400: // OpenTelemetry's rule for clients
		s.Error, s.Message = true, fmt.Sprint(f.Status)
		s.add("error.type", fmt.Sprint(f.Status))
	}
	if f.Status != 0 {
		s.add("http.response.status_code", f.Status)
	}
	return s
}

func (c *Call) background(b *Background) Span {
	s := Span{
		ID: c.part("background"), Parent: c.Span, Name: "background", Kind: Internal, Began: b.Began, Duration: b.Duration, Error: b.Error,
		Attributes: []Attribute{{"hadron.code", b.Code}, {"hadron.cpu_seconds", b.CPU.Seconds()}},
	}
	if b.Error {
		s.Message = b.Message
		if s.Message == "" {
			s.Message = b.Code
		}
		s.add("error.type", b.Code)
	}
	return s
}

// part is the span id of a phase: the same each time it is asked for.
func (c *Call) part(name string) string {
	raw, err := hex.DecodeString(c.Span)
	if err != nil || len(raw) != 8 {
		return ""
	}
	id := binary.BigEndian.Uint64(raw)
	for _, b := range []byte(name) { // a step of a bijection for each letter: distinct for distinct names
		id = (id ^ uint64(b)) * 0x9e3779b97f4a7c15
	}
	binary.BigEndian.PutUint64(raw, max(id, 1))
	return hex.EncodeToString(raw)
}

// Stack is a failure's, as one text.
func stackOf(f *invocation.Failure) string {
	var b strings.Builder
	b.WriteString(f.Error())
	for _, at := range f.Stack {
		fmt.Fprintf(&b, "\n    at %s (%s:%d:%d)", at.Function, at.File, at.Line, at.Column)
	}
	return b.String()
}
