package locale

import (
	"math"
	"strconv"
	"strings"
)

// decimal is a number in base ten: 0.digits × 10^point, without zeros at either end;
// no digits are zero.
type decimal struct {
	negative bool
	digits   string
	point    int
	nan, inf bool
}

func fromFloat(x float64) decimal {
	switch {
	case math.IsNaN(x):
		return decimal{nan: true}
	case math.IsInf(x, 0):
		return decimal{inf: true, negative: x < 0}
	}
	d, _ := parseDecimal(strconv.FormatFloat(x, 'e', -1, 64))
	d.negative = math.Signbit(x)
	return d
}

// maxExponent bounds the numbers that text may hold.
const maxExponent = 400

// parseDecimal reads digits with an optional sign, point and exponent.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	if s, d.negative = strings.CutPrefix(s, "-"); !d.negative {
		s = strings.TrimPrefix(s, "+")
	}
	exponent := 0
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		n, err := strconv.Atoi(s[at+1:])
		if err != nil {
			return d, false
		}
		exponent, s = n, s[:at]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	d.digits = whole + fraction
	if d.digits == "" || strings.Trim(d.digits, "0123456789") != "" {
		return d, false
	}
	d.point = len(whole) + exponent
	return d.trimmed(), d.point <= maxExponent+len(whole) && d.point >= -maxExponent
}

func (d decimal) trimmed() decimal {
	lead := len(d.digits) - len(strings.TrimLeft(d.digits, "0"))
	d.digits, d.point = strings.TrimRight(d.digits[lead:], "0"), d.point-lead
	if d.digits == "" {
		d.point = 0
	}
	return d
}

func (d decimal) zero() bool { return d.digits == "" && !d.nan && !d.inf }

// round keeps n digits, half away from zero.
func (d decimal) round(n int) decimal {
	if n >= len(d.digits) {
		return d
	}
	if n < 0 {
		d.digits, d.point = "", 0
		return d
	}
	up := d.digits[n] >= '5'
	kept := []byte("0" + d.digits[:n])
	if up {
		for i := len(kept) - 1; ; i-- {
			if kept[i] != '9' {
				kept[i]++
				break
			}
			kept[i] = '0'
		}
	}
	d.digits, d.point = string(kept), d.point+1
	return d.trimmed()
}

// fraction rounds to at most n digits behind the point.
func (d decimal) fraction(n int) decimal { return d.round(d.point + n) }

func (d decimal) scaled(by int) decimal {
	if d.digits != "" {
		d.point += by
	}
	return d
}

// split writes the digits before and behind the point, at least so many of each.
func (d decimal) split(leastWhole, leastFraction int) (whole, fraction string) {
	switch {
	case d.digits == "":
	case d.point <= 0:
		fraction = strings.Repeat("0", -d.point) + d.digits
	case d.point >= len(d.digits):
		whole = d.digits + strings.Repeat("0", d.point-len(d.digits))
	default:
		whole, fraction = d.digits[:d.point], d.digits[d.point:]
	}
	if n := leastWhole - len(whole); n > 0 {
		whole = strings.Repeat("0", n) + whole
	}
	if n := leastFraction - len(fraction); n > 0 {
		fraction += strings.Repeat("0", n)
	}
	return whole, fraction
}
