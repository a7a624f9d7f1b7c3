package webapi

import (
	"math"
	"strconv"
	"unicode/utf8"
)

func isJSONSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// wordPrefix is how much of w text begins with.
func wordPrefix(text, w string) int {
	n := 0
	for n < len(w) && n < len(text) && text[n] == w[n] {
		n++
	}
	return n
}

// arrayIndex reads a key that JavaScript takes for an array's index.
func arrayIndex(key string) (int64, bool) {
	if key == "" || len(key) > 10 || key[0] == '0' && len(key) > 1 {
		return 0, false
	}
	n := int64(0)
	for i := range len(key) {
		c := key[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, n < math.MaxUint32
}

// plainText are the bytes that stand for themselves in a string of JSON.
var plainText = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// hex4 reads four hexadecimal digits.
func hex4(s string) (unit uint16, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | uint16(c)
	}
	return unit, true
}

func upperHex(s string) bool {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'F' {
			return true
		}
	}
	return false
}

// numeral is what a number looks like.
type numeral struct {
	length   int // of its text, or of what could begin one
	digits   int // but for leading zeros
	fraction bool
	exponent bool
}

// readNumber reads the number that text begins with.
func readNumber(text string) (n numeral, ok bool) {
	i := 0
	if i < len(text) && text[i] == '-' {
		i++
	}
	first := i
	for i < len(text) && text[i]-'0' < 10 {
		i++
	}
	n.length, n.digits = i, i-first
	if i == first || text[first] == '0' && i > first+1 {
		n.length = first + min(i-first, 1)
		return n, false
	}
	if text[first] == '0' {
		n.digits = 0
	}
	if i < len(text) && text[i] == '.' {
		n.fraction = true
		point := i
		for i++; i < len(text) && text[i]-'0' < 10; i++ {
			if n.digits > 0 || text[i] != '0' {
				n.digits++
			}
		}
		if n.length = i; i == point+1 {
			return n, false
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		n.exponent = true
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		mark := i
		for i < len(text) && text[i]-'0' < 10 {
			i++
		}
		if n.length = i; i == mark {
			return n, false
		}
	}
	return n, true
}

// canonical reports whether JavaScript writes the number with these very bytes.
func (n numeral) canonical(text string) bool {
	switch {
	case n.exponent || n.digits > 15:
	case !n.fraction:
		return text != "-0"
	case text[len(text)-1] != '0' && n.length-n.digits <= len("-0.00000"):
		// Up to 15 digits always come back; small numbers get an exponent.
		if text[0] != '-' {
			return n.length-n.digits <= len("0.00000")
		}
		return true
	}
	f, err := strconv.ParseFloat(text, 64)
	var buf [32]byte
	return err == nil && string(appendNumber(buf[:0], f)) == text
}

// appendNumber writes a finite number as JavaScript does.
func appendNumber(b []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case f == 0:
		return append(b, '0')
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	// Go pads the exponent to two digits.
	if n := len(b); n >= 4 && b[n-2] == '0' && (b[n-3] == '-' || b[n-3] == '+') {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// shortEscape is the letter behind the backslash of a control character that has one.
func shortEscape(c byte) byte {
	switch c {
	case '\b':
		return 'b'
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}

const lowerHex = "0123456789abcdef"

// appendQuoted writes a string of valid UTF-8.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; !plainText[c] {
			b = append(b, s[done:i]...)
			b = appendEscape(b, c)
			done = i + 1
		}
	}
	b = append(b, s[done:]...)
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch short := shortEscape(c); {
	case short != 0:
		return append(b, '\\', short)
	case c < ' ':
		return append(b, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
	}
	return append(b, '\\', c)
}

// appendQuotedUnits writes a string by its UTF-16 units: surrogates that stand alone
// are escaped.
func appendQuotedUnits(b []byte, length int, at func(int) uint16) []byte {
	b = append(b, '"')
	for i := 0; i < length; i++ {
		u := rune(at(i))
		switch {
		case u < utf8.RuneSelf && plainText[u]:
			b = append(b, byte(u))
		case u < utf8.RuneSelf:
			b = appendEscape(b, byte(u))
		case u < 0xd800 || u > 0xdfff:
			b = utf8.AppendRune(b, u)
		case u < 0xdc00 && i+1 < length && at(i+1)&0xfc00 == 0xdc00:
			i++
			b = utf8.AppendRune(b, (u-0xd800)<<10|(rune(at(i))-0xdc00)+0x10000)
		default:
			b = append(b, '\\', 'u', lowerHex[u>>12], lowerHex[u>>8&15], lowerHex[u>>4&15], lowerHex[u&15])
		}
	}
	return append(b, '"')
}
