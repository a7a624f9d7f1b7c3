package locale

import "strings"

// operands are what plural rules look at: the digits before and behind the point,
// as written.
type operands struct{ whole, fraction string }

// tail is the number that the last digits before the point are.
func (o operands) tail(digits int) int {
	s := o.whole
	if len(s) > digits {
		s = s[len(s)-digits:]
	}
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// is reports whether the digits before the point are this number.
func (o operands) is(n int) bool {
	return len(strings.TrimLeft(o.whole, "0")) <= 6 && o.tail(7) == n
}

func (o operands) plain() bool { return o.fraction == "" }

// exact reports whether the number is this one, whatever zeros are written.
func (o operands) exact(n int) bool { return o.is(n) && strings.Trim(o.fraction, "0") == "" }

// million reports whether it is a whole number of millions, not zero.
func (o operands) million() bool {
	return o.plain() && !o.is(0) && o.tail(6) == 0
}

func between(n, from, to int) bool { return n >= from && n <= to }

// cardinal is the category of a count.
func cardinal(language string, o operands) string {
	one, two := o.tail(1), o.tail(2)
	switch language {
	case "ja", "ko", "zh":
		return "other"
	case "en", "de", "nl", "sv", "fi":
		if o.is(1) && o.plain() {
			return "one"
		}
	case "it":
		switch {
		case o.is(1) && o.plain():
			return "one"
		case o.million():
			return "many"
		}
	case "nb", "tr":
		if o.exact(1) {
			return "one"
		}
	case "da":
		if o.exact(1) || strings.Trim(o.fraction, "0") != "" && (o.is(0) || o.is(1)) {
			return "one"
		}
	case "es":
		switch {
		case o.exact(1):
			return "one"
		case o.million():
			return "many"
		}
	case "fr", "pt":
		switch {
		case o.is(0) || o.is(1):
			return "one"
		case o.million():
			return "many"
		}
	case "pt-PT":
		switch {
		case o.is(1) && o.plain():
			return "one"
		case o.million():
			return "many"
		}
	case "cs":
		switch {
		case !o.plain():
			return "many"
		case o.is(1):
			return "one"
		case o.is(2) || o.is(3) || o.is(4):
			return "few"
		}
	case "pl":
		switch {
		case !o.plain():
			return "other"
		case o.is(1):
			return "one"
		case between(one, 2, 4) && !between(two, 12, 14):
			return "few"
		default:
			return "many"
		}
	case "uk":
		switch {
		case !o.plain():
			return "other"
		case one == 1 && two != 11:
			return "one"
		case between(one, 2, 4) && !between(two, 12, 14):
			return "few"
		default:
			return "many"
		}
	}
	return "other"
}

// ordinal is the category of a place in a row.
func ordinal(language string, o operands) string {
	one, two := o.tail(1), o.tail(2)
	if strings.Trim(o.fraction, "0") != "" {
		return "other"
	}
	switch language {
	case "en":
		switch {
		case one == 1 && two != 11:
			return "one"
		case one == 2 && two != 12:
			return "two"
		case one == 3 && two != 13:
			return "few"
		}
	case "fr":
		if o.is(1) {
			return "one"
		}
	case "it":
		if o.is(8) || o.is(11) || o.is(80) || o.is(800) {
			return "many"
		}
	case "sv":
		if (one == 1 || one == 2) && two != 11 && two != 12 {
			return "one"
		}
	case "uk":
		if one == 3 && two != 13 {
			return "few"
		}
	}
	return "other"
}

// categories are those a language has, in the order they are listed.
func categories(language, kind string) []string {
	of := map[string]string{
		"en": "one other", "de": "one other", "nl": "one other", "sv": "one other", "fi": "one other", "nb": "one other", "tr": "one other",
		"da": "one other", "it": "many one other", "es": "many one other", "fr": "many one other", "pt": "many one other",
		"cs": "few many one other", "pl": "few many one other", "uk": "few many one other",
	}
	if kind == "ordinal" {
		of = map[string]string{"en": "few one two other", "fr": "one other", "it": "many other", "sv": "one other", "uk": "few other"}
	}
	if list := of[language]; list != "" {
		return strings.Fields(list)
	}
	return []string{"other"}
}

// PluralRules are Intl.PluralRules.
type PluralRules struct {
	Number *Number
	Kind   string // cardinal or ordinal
}

// NewPluralRules takes the kind, and the options of numbers that say which digits
// count.
func NewPluralRules(tags []string, kind string, o NumberOptions) (*PluralRules, error) {
	if err := oneOf("type", &kind, "cardinal", "ordinal"); err != nil {
		return nil, err
	}
	n, err := NewNumber(tags, o)
	if err != nil {
		return nil, err
	}
	if n.Options.Notation != "standard" {
		return nil, refuse("Intl.PluralRules: notation %s is not supported here", n.Options.Notation)
	}
	return &PluralRules{n, kind}, nil
}

func (p *PluralRules) language() string {
	if p.Number.Locale == "pt-PT" && p.Kind == "cardinal" {
		return "pt-PT"
	}
	return p.Number.data.language
}

// Select is the category of a number.
func (p *PluralRules) Select(x float64) string {
	d := fromFloat(x)
	if d.nan || d.inf {
		return "other"
	}
	_, whole, fraction := p.Number.round(d)
	o := operands{whole, fraction}
	if p.Kind == "ordinal" {
		return ordinal(p.language(), o)
	}
	return cardinal(p.language(), o)
}

// Resolved are the options as they were taken.
func (p *PluralRules) Resolved() Resolved {
	out := Resolved{{"locale", p.Number.Locale}, {"type", p.Kind}}
	for _, s := range p.Number.Resolved() {
		switch s.Name {
		case "notation", "minimumIntegerDigits", "minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits", "maximumSignificantDigits":
			out = append(out, s)
		}
	}
	out = append(out, Setting{"pluralCategories", p.Categories()})
	return append(out, Setting{"roundingIncrement", 1}, Setting{"roundingMode", "halfExpand"}, Setting{"roundingPriority", "auto"}, Setting{"trailingZeroDisplay", "auto"})
}

// Categories are those that Select may answer.
func (p *PluralRules) Categories() []string { return categories(p.Number.data.language, p.Kind) }
