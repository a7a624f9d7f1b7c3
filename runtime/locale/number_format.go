package locale

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Float formats a number.
func (n *Number) Float(x float64) []Part { return n.parts(fromFloat(x)) }

// Digits formats a whole number of any size, or a decimal, given as text. It answers
// false for other text.
func (n *Number) Digits(s string) ([]Part, bool) {
	d, ok := parseDecimal(s)
	if !ok {
		return nil, false
	}
	return n.parts(d), true
}

// round rounds as the options say, and writes the digits.
func (n *Number) round(d decimal) (decimal, string, string) {
	switch {
	case n.signific:
		d = d.round(n.maxSig)
		least := n.minSig - d.point
		if d.zero() {
			least = n.minSig - 1
		}
		whole, fraction := d.split(n.whole, least)
		return d, whole, fraction
	case n.relaxed:
		d = d.round(max(2, d.point))
		whole, fraction := d.split(n.whole, 0)
		return d, whole, fraction
	}
	d = d.fraction(n.maxFrac)
	whole, fraction := d.split(n.whole, n.minFrac)
	return d, whole, fraction
}

func (n *Number) parts(d decimal) []Part {
	text := "#"
	negative := d.negative
	var digits []Part
	switch {
	case d.nan:
		digits, negative = []Part{{"nan", n.data.Numbers.NaN}}, false
	case d.inf:
		digits = []Part{{"infinity", n.data.Numbers.Inf}}
	default:
		if n.Options.Style == "percent" {
			d = d.scaled(2)
		}
		var whole, fraction string
		if n.Options.Notation == "compact" {
			d, whole, fraction, text = n.compact(d)
		} else {
			d, whole, fraction = n.round(d)
		}
		digits = n.grouped(whole, fraction)
	}
	zero := d.zero() || d.nan
	sign := ""
	switch n.Options.SignDisplay {
	case "auto":
		if negative {
			sign = n.data.Numbers.Minus
		}
	case "negative":
		if negative && !zero {
			sign = n.data.Numbers.Minus
		}
	case "always":
		sign = n.data.Numbers.Plus
		if negative {
			sign = n.data.Numbers.Minus
		}
	case "exceptZero":
		if !zero {
			sign = n.data.Numbers.Plus
			if negative {
				sign = n.data.Numbers.Minus
			}
		}
	}
	return n.fill(n.pattern(text, sign != "", negative && sign != ""), digits, sign)
}

// compact divides by a power of ten and finds how that is written.
func (n *Number) compact(d decimal) (out decimal, whole, fraction, pattern string) {
	rows := n.data.Numbers.Compact
	if n.Options.CompactDisplay == "long" {
		rows = n.data.Numbers.CompactLong
	}
	exponent := d.point - 1
	for {
		if d.zero() || exponent < 3 {
			out, whole, fraction = n.round(d)
			if out.point-1 < 3 || d.zero() {
				return out, whole, fraction, "#"
			}
			exponent = 3 // rounding made a thousand
			continue
		}
		row := rows[min(exponent, 14)-3]
		shift := min(exponent, 14) - row.digits + 1
		out, whole, fraction = n.round(d.scaled(-shift))
		if rounded := out.point - 1 + shift; rounded > exponent && exponent < 14 {
			exponent = rounded
			continue
		}
		return out, whole, fraction, form(row.forms, cardinal(n.data.language, operands{whole, fraction}))
	}
}

// grouped writes digits with the locale's marks.
func (n *Number) grouped(whole, fraction string) []Part {
	nums := &n.data.Numbers
	group, point, least := nums.Group, nums.Decimal, nums.Min
	if n.Options.Style == "currency" {
		group, point, least = nums.CurGroup, nums.CurDecimal, nums.CurMin
	}
	if n.Options.Notation == "compact" && n.Options.UseGrouping == "auto" {
		least = 2
	}
	switch n.Options.UseGrouping {
	case "always":
		least = 1
	case "min2":
		least = 2
	}
	var parts []Part
	if n.Options.UseGrouping == "false" || len(whole) < 3+least {
		parts = append(parts, Part{"integer", whole})
	} else {
		var pieces []string
		for at, size := len(whole), 3; at > 0; size = nums.Secondary {
			from := max(0, at-size)
			pieces = append(pieces, whole[from:at])
			at = from
		}
		slices.Reverse(pieces)
		for i, piece := range pieces {
			if i > 0 {
				parts = append(parts, Part{"group", group})
			}
			parts = append(parts, Part{"integer", piece})
		}
	}
	if fraction != "" {
		parts = append(parts, Part{"decimal", point}, Part{"fraction", fraction})
	}
	return parts
}

// symbol is how the currency is shown.
func (n *Number) symbol() string {
	code := n.Options.Currency
	if n.Options.CurrencyDisplay == "code" {
		return code
	}
	if n.Options.CurrencyDisplay == "narrowSymbol" {
		if s, ok := n.data.Numbers.Narrow[code]; ok {
			return s
		}
	}
	if s, ok := n.data.Numbers.Symbols[code]; ok {
		return s
	}
	if code == "XXX" { // no currency
		return "¤"
	}
	return code
}

// pattern is what stands around the digits.
func (n *Number) pattern(text string, signed, negative bool) string {
	nums := &n.data.Numbers
	switch n.Options.Style {
	case "percent":
		if signed {
			return nums.PercentNeg
		}
		return nums.Percent
	case "currency":
		s := n.symbol()
		last, _ := utf8.DecodeLastRuneInString(s)
		first, _ := utf8.DecodeRuneInString(s)
		plain, minus, accounting := nums.Cur, nums.CurNeg, nums.Acc
		if strings.Contains(plain, "¤#") && unicode.IsLetter(last) || strings.Contains(plain, "#¤") && unicode.IsLetter(first) {
			plain, minus, accounting = nums.Code, nums.CodeNeg, nums.AccCode
		}
		switch {
		case !signed:
			return plain
		case negative && n.Options.CurrencySign == "accounting":
			return accounting
		}
		return minus
	}
	if signed {
		return "-" + text
	}
	return text
}

// fill puts digits, sign and currency into a pattern.
func (n *Number) fill(pattern string, digits []Part, sign string) []Part {
	var parts []Part
	for _, r := range pattern {
		switch {
		case r == '#':
			parts = append(parts, digits...)
		case r == '-' && sign != "":
			kind := "minusSign"
			if sign == n.data.Numbers.Plus {
				kind = "plusSign"
			}
			parts = append(parts, Part{kind, sign})
		case r == '¤':
			parts = append(parts, Part{"currency", n.symbol()})
		case r == '%' || r == '٪':
			parts = append(parts, Part{"percentSign", string(r)})
		case n.Options.Notation == "compact" && !unicode.IsSpace(r):
			if last := len(parts) - 1; last >= 0 && parts[last].Type == "compact" {
				parts[last].Value += string(r)
				continue
			}
			parts = append(parts, Part{"compact", string(r)})
		default:
			parts = literal(parts, string(r))
		}
	}
	return parts
}
