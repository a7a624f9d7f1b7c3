package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// line is a record as it lies in a segment.
type line struct {
	invocation.Record
	Gone bool `json:"gone,omitempty"` // what lies before is of a function that was deleted
}

// encode makes a line of a record within bounds, ended by a newline.
func encode(l line) ([]byte, error) {
	bound(&l.Record)
	return marshal(l)
}

// bound cuts a record to what is kept of one.
func bound(r *invocation.Record) {
	r.Time = r.Time.UTC().Round(0)
	r.Message = clip(r.Message, maxMessage)
	r.Request, r.Trace = clip(r.Request, 128), clip(r.Trace, 64)
	switch {
	case len(r.Fields) == 0:
		r.Fields = nil
	case len(r.Fields) > maxFields:
		r.Fields = json.RawMessage(fmt.Sprintf(`{"hadron.dropped":"fields of %d bytes; at most %d are kept"}`, len(r.Fields), maxFields))
	case !isObject(r.Fields):
		r.Fields = json.RawMessage(`{"hadron.dropped":"fields that are no JSON object"}`)
	}
}

func marshal(l line) ([]byte, error) {
	data, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode log record: %w", err)
	}
	return append(data, '\n'), nil
}

func isObject(raw json.RawMessage) bool {
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(raw)
}

// decode reads a line of a segment, without its newline; false for what is none.
func decode(data []byte) (line, bool) {
	var l line
	if len(data) == 0 || len(data) > maxLine || data[0] != '{' {
		return l, false
	}
	if err := json.Unmarshal(data, &l); err != nil || l.Function == "" || l.Time.IsZero() {
		return line{}, false
	}
	return l, true
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes cut)", strings.ToValidUTF8(s[:most], ""), len(s)-most)
}

// needle is what every line of a function holds; others may hold it too.
func needle(name function.Name) []byte { return []byte(`"function":"` + string(name) + `"`) }

// Filter says which records to read.
type Filter struct {
	Function function.Name
	Level    invocation.Level // and more severe ones; empty: all
	Since    time.Time        // inclusive; zero: all
	Until    time.Time        // exclusive; zero: all
	Text     string           // in message or fields, whatever the case
	Request  string
	Version  int
	Limit    int // the newest so many; 0: 1,000, at most 10,000; under 0: none, to follow only
}

// Limits of what one Query returns.
const (
	DefaultLimit = 1_000
	MaxLimit     = 10_000
)

func (f Filter) limit() int {
	if f.Limit <= 0 {
		return DefaultLimit
	}
	return min(f.Limit, MaxLimit)
}

func (f Filter) takes(r *invocation.Record) bool {
	switch {
	case r.Function != f.Function:
		return false
	case f.Level != "" && r.Level.Severity() < f.Level.Severity():
		return false
	case !f.Since.IsZero() && r.Time.Before(f.Since), !f.Until.IsZero() && !r.Time.Before(f.Until):
		return false
	case f.Request != "" && r.Request != f.Request:
		return false
	case f.Version != 0 && r.Version != f.Version:
		return false
	case f.Text != "":
		text := strings.ToLower(f.Text)
		return strings.Contains(strings.ToLower(r.Message), text) || strings.Contains(strings.ToLower(string(r.Fields)), text)
	}
	return true
}
