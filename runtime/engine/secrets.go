package engine

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Secrets are what one version gets of its team's secrets, and what keeps them out
// of all that leaves its VMs but responses and requests: lines, failures, labels.
// A nil one has none and changes nothing.
type Secrets struct {
	values   map[string]string
	forms    []form // longest first
	replacer *strings.Replacer
	longest  int
}

// form is one way of writing a secret, and what is written in its place.
type form struct{ text, mark string }

const (
	minRedacted = 6  // bytes: what is shorter stands in too much that is no secret
	minLine     = 12 // of one line of a secret that has several, such as a key's
	minEncoded  = 7  // characters of base64 that all depend on the secret
)

// NewSecrets makes the Secrets of a version; the values are not changed after.
func NewSecrets(values map[string]string) *Secrets {
	if len(values) == 0 {
		return nil
	}
	s := &Secrets{values: values}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		mark := "[redacted " + name + "]"
		for _, text := range formsOf(values[name]) {
			if !seen[text] {
				seen[text] = true
				s.forms = append(s.forms, form{text, mark})
			}
		}
	}
	slices.SortStableFunc(s.forms, func(a, b form) int { return cmp.Compare(len(b.text), len(a.text)) })
	pairs := make([]string, 0, 2*len(s.forms))
	for _, f := range s.forms {
		pairs = append(pairs, f.text, f.mark)
		s.longest = max(s.longest, len(f.text))
	}
	s.replacer = strings.NewReplacer(pairs...)
	return s
}

// formsOf lists the ways in which a value is written: as it is, a line of it, escaped
// for JSON or a URL, in hex and within base64.
func formsOf(value string) []string {
	var out []string
	add := func(text string, least int) {
		if len(text) >= least {
			out = append(out, text)
		}
	}
	for _, raw := range []string{value, strings.TrimSpace(value)} {
		if len(raw) < minRedacted {
			continue
		}
		add(raw, minRedacted)
		for _, escaped := range []string{escapeJSON(raw, false), escapeJSON(raw, true), quoted(strconv.Quote(raw)), quoted(strconv.QuoteToASCII(raw))} {
			add(escaped, minRedacted)
		}
		for _, escaped := range []string{url.QueryEscape(raw), url.PathEscape(raw), escapeURI(raw, "-_.!~*'()"), escapeURI(raw, "-_.!~*'();/?:@&=+$,#")} {
			add(escaped, minRedacted)
			add(lowerEscapes(escaped), minRedacted)
		}
		add(hex.EncodeToString([]byte(raw)), minRedacted)
		add(strings.ToUpper(hex.EncodeToString([]byte(raw))), minRedacted)
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for shift := range 3 {
				add(within64(enc, raw, shift), minEncoded)
			}
		}
	}
	if lines := strings.Split(value, "\n"); len(lines) > 1 {
		for _, line := range lines {
			add(strings.TrimSpace(line), minLine)
		}
	}
	return out
}

// within64 is what a text looks like in base64 of something longer, shift bytes into
// a group of three: the characters that depend on it alone.
func within64(enc *base64.Encoding, text string, shift int) string {
	all := enc.EncodeToString(append(make([]byte, shift), text...))
	from, to := []int{0, 2, 3}[shift], (shift+len(text))*8/6
	if from >= to {
		return ""
	}
	return all[from:to]
}

func escapeJSON(s string, html bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(html)
	if enc.Encode(s) != nil {
		return ""
	}
	return quoted(strings.TrimSuffix(b.String(), "\n"))
}

func quoted(s string) string { return s[1 : len(s)-1] }

// escapeURI is JavaScript's encodeURIComponent or encodeURI: of ASCII, letters,
// digits and those in safe stay.
func escapeURI(s, safe string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return b.String()
}

// lowerEscapes is a URL's text with its escapes in lower case.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], bytes.ToLower(b[i+1:i+3]))
			i += 2
		}
	}
	return string(b)
}

// Equal reports whether both hold the same values.
func (s *Secrets) Equal(o *Secrets) bool {
	if s == nil || o == nil {
		return s == o
	}
	return maps.Equal(s.values, o.values)
}

// ellipsis is what stands where a text was cut.
const ellipsis = "…"

// text redacts a text; also the beginning of a secret that was cut at the text's end,
// or before an ellipsis within it.
func (s *Secrets) text(t string) string {
	if s == nil || len(s.forms) == 0 || len(t) < minRedacted {
		return t
	}
	t = s.replacer.Replace(t)
	if !strings.Contains(t, ellipsis) {
		return s.end(t)
	}
	parts := strings.Split(t, ellipsis)
	for i := range parts {
		parts[i] = s.end(parts[i])
	}
	return strings.Join(parts, ellipsis)
}

// end redacts the beginning of a secret that a text ends with.
func (s *Secrets) end(t string) string {
	from := max(0, len(t)-s.longest)
	for _, f := range s.forms {
		if len(f.text) <= minRedacted {
			continue
		}
		head := f.text[:minRedacted]
		for at := from; ; at++ {
			found := strings.Index(t[at:], head)
			if found < 0 {
				break
			}
			at += found
			if strings.HasPrefix(f.text, t[at:]) {
				return t[:at] + f.mark
			}
		}
	}
	return t
}

// json redacts the JSON of a line's fields, and leaves JSON.
func (s *Secrets) json(data json.RawMessage) json.RawMessage {
	if s == nil || len(data) == 0 {
		return data
	}
	plain := s.text(string(data))
	if plain == string(data) && !strings.Contains(plain, ellipsis) {
		return data
	}
	// Value by value: a number may be a secret, and a text that was cut end with one.
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return json.RawMessage(`{"hadron.dropped":"fields that held a secret"}`)
	}
	out, err := json.Marshal(s.value(v))
	if err != nil {
		return json.RawMessage(`{"hadron.dropped":"fields that held a secret"}`)
	}
	return out
}

func (s *Secrets) value(v any) any {
	switch v := v.(type) {
	case string:
		return s.text(v)
	case json.Number:
		if t := s.text(string(v)); t != string(v) {
			return t
		}
	case []any:
		for i := range v {
			v[i] = s.value(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[s.text(key)] = s.value(item)
		}
		return out
	}
	return v
}

// failure redacts why a call failed. It returns another, since the one given may be
// shared.
func (s *Secrets) failure(f *invocation.Failure) *invocation.Failure {
	if s == nil || f == nil {
		return f
	}
	out := &invocation.Failure{Name: s.text(f.Name), Message: clipMessage(s.text(f.Message)), Stack: slices.Clone(f.Stack)}
	for i := range out.Stack {
		at := &out.Stack[i]
		at.Function, at.File = s.text(at.Function), s.text(at.File)
	}
	return out
}

func (s *Secrets) labels(list []invocation.Label) []invocation.Label {
	if s == nil {
		return list
	}
	out := slices.Clone(list)
	for i := range out {
		out[i].Value = s.text(out[i].Value)
	}
	return out
}

// Renew has the versions that match get new VMs, with the secrets as they are now:
// idle ones go at once, busy ones when their call ends.
func (e *Engine) Renew(match func(function.ID) bool) {
	e.pool.renew(match)
}
