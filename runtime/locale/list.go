package locale

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// List is Intl.ListFormat.
type List struct {
	Locale, Type, Style string
	glue                [4]string // between two; after the first, between, before the last of several
}

// NewList takes a type (conjunction, disjunction, unit) and a style.
func NewList(tags []string, kind, style string) (*List, error) {
	name, d, err := resolve(tags)
	if err != nil {
		return nil, err
	}
	if err := oneOf("type", &kind, "conjunction", "disjunction", "unit"); err != nil {
		return nil, err
	}
	if err := oneOf("style", &style, "long", "short", "narrow"); err != nil {
		return nil, err
	}
	return &List{name, kind, style, d.Lists[kind[:1]+style[:1]]}, nil
}

// Format joins words.
func (l *List) Format(words []string) []Part {
	parts := []Part{}
	for i, w := range words {
		switch {
		case i == 0:
		case len(words) == 2:
			parts = literal(parts, l.between(l.glue[0], w))
		case i == len(words)-1:
			parts = literal(parts, l.between(l.glue[3], w))
		case i == 1:
			parts = literal(parts, l.glue[1])
		default:
			parts = literal(parts, l.glue[2])
		}
		parts = append(parts, Part{"element", w})
	}
	return parts
}

// between changes what Spanish and Italian change before a vowel that is alike.
func (l *List) between(glue, next string) string {
	language, first, second := l.Locale, "", ""
	if len(language) > 2 {
		language = language[:2]
	}
	if len(next) > 0 {
		first = lower(next[:1])
	}
	if len(next) > 1 {
		second = lower(next[1:2])
	}
	if language != "es" {
		return glue
	}
	switch glue {
	case " y ":
		// Not where the i is part of another sound, as in hierro.
		glides := len(next) > 2 && strings.Contains("ae", lower(next[2:3]))
		if first == "i" || first == "h" && second == "i" && !glides {
			return " e "
		}
	case " o ":
		if first == "o" || first == "h" && second == "o" || first == "8" || next == "11" || len(next) > 2 && next[:3] == "11 " {
			return " u "
		}
	}
	return glue
}

func lower(s string) string {
	if s >= "A" && s <= "Z" {
		return string(s[0] + 32)
	}
	return s
}

// relative is how a unit is counted from now.
type relative struct {
	past, future map[string]string
	auto         map[int]string
}

// UnmarshalJSON reads [past, future, words].
func (r *relative) UnmarshalJSON(raw []byte) error {
	var three [3]json.RawMessage
	if err := json.Unmarshal(raw, &three); err != nil {
		return err
	}
	var err error
	if r.past, err = byCategory(three[0]); err != nil {
		return err
	}
	if r.future, err = byCategory(three[1]); err != nil {
		return err
	}
	words := map[string]string{}
	if err := json.Unmarshal(three[2], &words); err != nil {
		return err
	}
	r.auto = map[int]string{}
	for n, text := range words {
		at, err := strconv.Atoi(n)
		if err != nil {
			return err
		}
		r.auto[at] = text
	}
	return nil
}

// Relative is Intl.RelativeTimeFormat.
type Relative struct {
	Locale, Style, Numeric string
	units                  map[string]relative
	rules                  *PluralRules
}

// NewRelative takes a style and whether words such as yesterday may be used (auto).
func NewRelative(tags []string, style, numeric string) (*Relative, error) {
	name, d, err := resolve(tags)
	if err != nil {
		return nil, err
	}
	if err := oneOf("style", &style, "long", "short"); err != nil {
		return nil, err
	}
	if err := oneOf("numeric", &numeric, "always", "auto"); err != nil {
		return nil, err
	}
	rules, err := NewPluralRules([]string{name}, "cardinal", NumberOptions{})
	if err != nil {
		return nil, err
	}
	return &Relative{name, style, numeric, d.Relative[style], rules}, nil
}

// Format writes so many units from now; before now where the sign is negative.
func (r *Relative) Format(value float64, unit string) ([]Part, error) {
	name, ok := unitOf(unit)
	if !ok {
		return nil, refuse("Invalid unit argument for format() %q", clip(unit))
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil, refuse("Invalid time value")
	}
	of := r.units[name]
	if r.Numeric == "auto" && value == math.Trunc(value) && math.Abs(value) <= 2 {
		if text, ok := of.auto[int(value)]; ok {
			return []Part{{"literal", text}}, nil
		}
	}
	forms := of.future
	if math.Signbit(value) {
		forms = of.past
	}
	size := math.Abs(value)
	var parts []Part
	for _, c := range form(forms, r.rules.Select(size)) {
		if c == '#' {
			parts = append(parts, r.rules.Number.Float(size)...)
			continue
		}
		parts = literal(parts, string(c))
	}
	return parts, nil
}

var units = []string{"second", "minute", "hour", "day", "week", "month", "quarter", "year"}

func unitOf(name string) (string, bool) {
	name = strings.TrimSuffix(name, "s")
	return name, slices.Contains(units, name)
}
