package wire

import "time"

// Trace is one call of a function whose trace is kept.
type Trace struct {
	ID         string    `json:"id"` // of the trace: 32 hex digits
	Span       string    `json:"span"`
	Time       time.Time `json:"time"`
	Function   string    `json:"function"`
	Version    int       `json:"version"`
	Request    string    `json:"request"`
	Trigger    string    `json:"trigger"`
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Duration   float64   `json:"duration"` // seconds
	Code       string    `json:"code"`     // ok, or how it failed
	Error      bool      `json:"error"`
	Status     int       `json:"status"` // 0: no answer
	Cold       bool      `json:"cold"`
	Why        string    `json:"why"`                               // sampled, error or slow
	Queue      float64   `json:"queue"`                             // seconds
	Init       float64   `json:"init"`                              // seconds
	Run        float64   `json:"run"`                               // seconds
	CPU        float64   `json:"cpu"`                               // seconds
	Background *float64  `json:"background" tstype:"number | null"` // seconds; null: none, or it has not ended
	Fetches    int       `json:"fetches"`
}

// TraceDetail is a trace as this node knows it.
type TraceDetail struct {
	ID     string `json:"id"`
	Spans  []Span `json:"spans"`  // in the order in which they began, as far as one call's
	Hidden int    `json:"hidden"` // calls of functions that the caller may not read
}

// Span is a part of a trace.
type Span struct {
	ID         string         `json:"id"`
	Parent     string         `json:"parent"` // may be of a span elsewhere; empty: none
	Name       string         `json:"name"`
	Kind       string         `json:"kind"` // server, client, internal
	Function   string         `json:"function"`
	Version    int            `json:"version"`
	Request    string         `json:"request"`
	Time       time.Time      `json:"time"`
	Duration   float64        `json:"duration"` // seconds
	Error      string         `json:"error"`    // empty: none
	Attributes map[string]any `json:"attributes" tstype:"Record<string, string | number | boolean>"`
}
