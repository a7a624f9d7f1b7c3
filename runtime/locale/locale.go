// Package locale writes numbers, dates, lists and times for people of some thirty
// locales: what the engine's Intl stands on. Its data is what Unicode's CLDR says,
// taken from ICU 78 by way of Node.js 24. What it does not know it says, and never
// guesses: an unknown locale or option is an *Error.
//
// It is a leaf, and safe for use by several goroutines.
package locale

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Error says what is not known or not allowed. It is a RangeError to functions.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

func refuse(format string, args ...any) error { return &Error{Text: fmt.Sprintf(format, args...)} }

// Default is the locale of who names none.
const Default = "en-US"

//go:embed locales.json
var file []byte

// index is the file, with each locale read when it is first asked for.
type index struct {
	Same    map[string]string          `json:"same"`   // regional locales that say all as another does
	Absent  []string                   `json:"absent"` // those that differ and are not here
	Locales map[string]json.RawMessage `json:"locales"`
	read    sync.Map                   // name → *data
}

var contents = sync.OnceValue(func() *index {
	var ix index
	if err := json.Unmarshal(file, &ix); err != nil {
		panic(err) // embedded: a test reads all of it
	}
	return &ix
})

// data is what is known of one locale.
type data struct {
	Numbers  numbers                        `json:"numbers"`
	Dates    dates                          `json:"dates"`
	Lists    map[string][4]string           `json:"lists"`
	Relative map[string]map[string]relative `json:"relative"` // style → unit
	language string
}

func (ix *index) get(name string) *data {
	if d, ok := ix.read.Load(name); ok {
		return d.(*data)
	}
	d := &data{}
	if err := json.Unmarshal(ix.Locales[name], d); err != nil {
		panic(err) // embedded: a test reads all of it
	}
	d.language, _, _ = strings.Cut(name, "-")
	kept, _ := ix.read.LoadOrStore(name, d)
	return kept.(*data)
}

// find is the name of the data for a canonical tag, or "".
func (ix *index) find(tag string) string {
	parts := strings.Split(tag, "-")
	language := parts[0]
	if language == "no" {
		language = "nb"
	}
	script, region := "", ""
	for _, p := range parts[1:] {
		switch {
		case len(p) == 4 && script == "" && region == "":
			script = p
		case len(p) == 2 || len(p) == 3 && p[0] <= '9':
			region = p
		case len(p) == 1:
			// An extension asks for another calendar, numbering or order.
			return ""
		default:
			return ""
		}
	}
	if script != "" && script != likelyScript(language, region) {
		if language != "zh" || script != "Hant" || region != "" && region != "TW" {
			return ""
		}
		return "zh-Hant"
	}
	if region == "" {
		if ix.Locales[language] == nil {
			return ""
		}
		return language
	}
	tag = language + "-" + region
	switch {
	case ix.Locales[tag] != nil:
		return tag
	case ix.Same[tag] != "":
		return ix.Same[tag]
	case slices.Contains(ix.Absent, tag) || region[0] <= '9' || ix.Locales[language] == nil:
		return ""
	}
	return language
}

func likelyScript(language, region string) string {
	switch language {
	case "zh":
		if region == "TW" || region == "HK" || region == "MO" {
			return "Hant"
		}
		return "Hans"
	case "ja":
		return "Jpan"
	case "ko":
		return "Kore"
	case "uk":
		return "Cyrl"
	}
	return "Latn"
}

// Canonical writes a language tag as it is to be written, or is an error where it is
// none.
func Canonical(tag string) (string, error) {
	parts := strings.Split(tag, "-")
	extension := false
	for i, p := range parts {
		if p == "" || len(p) > 8 || strings.ContainsFunc(p, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		}) {
			return "", refuse("Incorrect locale information provided: %q is no language tag", clip(tag))
		}
		p = strings.ToLower(p)
		switch {
		case i == 0:
			if len(p) < 2 || len(p) == 4 || strings.ContainsAny(p, "0123456789") {
				return "", refuse("Incorrect locale information provided: %q is no language tag", clip(tag))
			}
		case extension:
		case len(p) == 1:
			extension = true
			if i == len(parts)-1 {
				return "", refuse("Incorrect locale information provided: %q is no language tag", clip(tag))
			}
		case len(p) == 4 && (p[0] > '9'):
			p = strings.ToUpper(p[:1]) + p[1:]
		case len(p) == 2:
			p = strings.ToUpper(p)
		}
		parts[i] = p
	}
	return strings.Join(parts, "-"), nil
}

// Supported are those of the tags that are known here, canonical.
func Supported(tags []string) ([]string, error) {
	out := []string{}
	for _, tag := range tags {
		c, err := Canonical(tag)
		if err != nil {
			return nil, err
		}
		if contents().find(c) != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out, nil
}

// resolve picks the first tag that is known. Without any it is the default; where
// all are unknown, an error.
func resolve(tags []string) (string, *data, error) {
	if len(tags) == 0 {
		tags = []string{Default}
	}
	known, err := Supported(tags)
	if err != nil {
		return "", nil, err
	}
	if len(known) == 0 {
		return "", nil, refuse("the locale %q is not known here: docs/javascript.md lists those that are", clip(tags[0]))
	}
	ix := contents()
	return known[0], ix.get(ix.find(known[0])), nil
}

// Names are the locales that there is data of, regional ones that say the same left
// out.
func Names() []string {
	var out []string
	for name := range contents().Locales {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Part is a piece of what was written, and what it stands for.
type Part struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Text is what parts read as.
func Text(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Value)
	}
	return b.String()
}

func literal(parts []Part, text string) []Part {
	if text == "" {
		return parts
	}
	if n := len(parts); n > 0 && parts[n-1].Type == "literal" {
		parts[n-1].Value += text
		return parts
	}
	return append(parts, Part{"literal", text})
}

// Setting is an option as it was taken.
type Setting struct {
	Name  string
	Value any
}

// Resolved are settings in the order in which they are listed.
type Resolved []Setting

func ordered(values map[string]any, names ...string) Resolved {
	var out Resolved
	for _, name := range names {
		if v, ok := values[name]; ok {
			out = append(out, Setting{name, v})
		}
	}
	return out
}

// MarshalJSON writes an object.
func (r Resolved) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, s := range r {
		if i > 0 {
			out = append(out, ',')
		}
		value, err := json.Marshal(s.Value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, '"'), s.Name...), '"', ':')
		out = append(out, value...)
	}
	return append(out, '}'), nil
}

// oneOf checks an option that is one of some words; empty is the first.
func oneOf(name string, value *string, allowed ...string) error {
	if *value == "" {
		*value = allowed[0]
		return nil
	}
	if !slices.Contains(allowed, *value) {
		return refuse("Value %s out of range for Intl options property %s: known here are %s", clip(*value), name, strings.Join(allowed, ", "))
	}
	return nil
}

func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
