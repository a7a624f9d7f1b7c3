package pagerduty

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
)

// Limits of an event at PagerDuty.
const (
	maxEvent  = 512_000 // bytes of the body
	maxSource = 255     // characters, like the next
	maxWord   = 255
	maxHref   = 2048
	maxLinks  = 20
)

var (
	errNoKey  = errors.New("the event has no routing key")
	errBadKey = errors.New("the routing key is none")
)

// Encode writes an event as PagerDuty takes it. Whatever the event holds, the result
// is valid: texts are cut to their limits, what cannot be right is left out, and when
// the whole is too large the largest details go first, and it says which. Its errors
// are about a missing routing key, dedup key or action.
func Encode(e alerting.Event) ([]byte, error) {
	action := string(e.Action)
	dedup := e.DedupKey
	switch {
	case e.RoutingKey == "":
		return nil, errNoKey
	case len(e.RoutingKey) > maxWord || oneLine(e.RoutingKey, maxWord) != e.RoutingKey:
		return nil, errBadKey
	case action != "trigger" && action != "resolve" && action != "acknowledge":
		return nil, fmt.Errorf("%q is no action of an event", oneLine(action, maxWord))
	case strings.TrimSpace(dedup) == "" && action != "trigger":
		return nil, fmt.Errorf("a %s without dedup key means nothing", action)
	case len(dedup) > alerting.MaxDedupKey:
		dedup = digest(dedup) // cut, two could be the same
	}
	out := pd.V2Event{
		RoutingKey: e.RoutingKey, Action: action, DedupKey: strings.ToValidUTF8(dedup, "�"), Client: oneLine(e.Client, maxWord),
		Payload: &pd.V2Payload{
			Summary: orElse(oneLine(e.Summary, alerting.MaxSummary), "An alert without summary"), Source: orElse(oneLine(e.Source, maxSource), "hadron"),
			Severity: severity(e.Severity), Timestamp: timestamp(e.Timestamp), Component: oneLine(e.Component, maxWord),
			Group: oneLine(e.Group, maxWord), Class: oneLine(e.Class, maxWord),
		},
	}
	if webAddress(e.ClientURL) {
		out.ClientURL = e.ClientURL
	}
	for _, l := range e.Links {
		if webAddress(l.Href) && len(out.Links) < maxLinks {
			out.Links = append(out.Links, link{l.Href, oneLine(l.Text, maxWord)})
		}
	}
	d := newDetails(e.Details)
	for {
		out.Payload.Details = nil
		if len(d.fields)+len(d.dropped) > 0 {
			out.Payload.Details = d
		}
		body, err := encode(out)
		if err != nil {
			return nil, fmt.Errorf("encode event: %w", err)
		}
		if len(body) <= maxEvent {
			return body, nil
		}
		d.shrink(len(body) - maxEvent)
	}
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text,omitempty"`
}

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}

// severity is one of PagerDuty's; what is not becomes the one that is heard.
func severity(s string) string {
	switch s {
	case "critical", "error", "warning", "info":
		return s
	}
	return "critical"
}

func timestamp(s string) string {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || at.Year() < 1 || at.Year() > 9999 {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(s) <= maxHref && oneLine(s, maxHref) == s
}

// details are custom details in the order in which they are to be read.
type details struct {
	fields  []detail
	dropped []string
}

type detail struct {
	name, value string
	size        int // of the value in JSON
}

const (
	maxFieldName = 100
	maxFields    = 200
	maxDropped   = 20 // names of them that are told
	leftOut      = "left out"
)

func newDetails(fields []alerting.Field) *details {
	d := &details{}
	seen := map[string]int{leftOut: 1} // how often
	total := 0
	for _, f := range fields[:min(len(fields), maxFields)] {
		base := orElse(oneLine(f.Name, maxFieldName), "detail")
		name := base
		for seen[name] > 0 {
			seen[base]++
			name = fmt.Sprintf("%s (%d)", base, seen[base])
		}
		seen[name]++
		d.fields = append(d.fields, detail{name, f.Value, len(f.Value)})
		total += len(f.Value)
	}
	if more := len(fields) - maxFields; more > 0 {
		d.dropped = append(d.dropped, fmt.Sprintf("%d more", more))
	}
	d.shrink(total - 2*maxEvent) // what cannot fit is not even read
	for i, f := range d.fields {
		value := text(f.value)
		d.fields[i].value, d.fields[i].size = value, written(value)
	}
	return d
}

// text is valid UTF-8 without control characters but for those of layout.
func text(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

// written is how many bytes s takes in JSON, where quotes, backslashes and layout
// take two, and two separators of lines take six.
func written(s string) int {
	n := len(s)
	for _, r := range s {
		switch r {
		case '"', '\\', '\n', '\t':
			n++
		case '\u2028', '\u2029':
			n += 3
		}
	}
	return n
}

// shrink drops the largest details until at least so many bytes are gone.
func (d *details) shrink(bytes int) {
	for bytes > 0 && len(d.fields) > 0 {
		largest := 0
		for i, f := range d.fields {
			if f.size > d.fields[largest].size {
				largest = i
			}
		}
		bytes -= d.fields[largest].size
		d.dropped = append(d.dropped, d.fields[largest].name)
		d.fields = slices.Delete(d.fields, largest, largest+1)
	}
}

// MarshalJSON writes an object in the order of the fields.
func (d *details) MarshalJSON() ([]byte, error) {
	fields := d.fields
	if n := len(d.dropped); n > 0 {
		names := strings.Join(d.dropped[:min(n, maxDropped)], ", ")
		if n > maxDropped {
			names += fmt.Sprintf(" and %d more", n-maxDropped)
		}
		fields = append(slices.Clone(fields), detail{name: leftOut, value: names + ": too large for one event"})
	}
	out := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := encode(f.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(f.value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}
