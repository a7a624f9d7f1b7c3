package webapi

import "strings"

// charset is a set of bytes that are percent-encoded.
type charset uint16

// The sets of the URL standard, each a bit of a byte's entry in charsets.
const (
	setControl charset = 1 << iota
	setFragment
	setQuery
	setSpecialQuery
	setPath
	setUserinfo
	setComponent
	forbiddenHost
	forbiddenDomain
)

var charsets = func() (t [256]charset) {
	add := func(set charset, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= set
		}
	}
	all := setControl | setFragment | setQuery | setSpecialQuery | setPath | setUserinfo | setComponent
	for c := range t {
		if c < 0x20 || c > 0x7e {
			t[c] |= all
		}
		if c < 0x20 || c == 0x7f {
			t[c] |= forbiddenDomain
		}
	}
	path := setPath | setUserinfo | setComponent
	add(setFragment, " \"<>`")
	add(setQuery|setSpecialQuery|path, " \"#<>")
	add(setSpecialQuery, "'")
	add(path, "?^`{}")
	add(setUserinfo|setComponent, "/:;=@[\\]|")
	add(setComponent, "$%&+,")
	add(forbiddenHost|forbiddenDomain, "\x00\t\n\r #/:<>?@[\\]^|")
	add(forbiddenDomain, "%")
	return t
}()

// holds reports whether a byte of the set is in s.
func holds(s string, set charset) bool {
	for i := range len(s) {
		if charsets[s[i]]&set != 0 {
			return true
		}
	}
	return false
}

// encode percent-encodes the bytes of a set.
func encode(s string, set charset) string {
	n := 0
	for i := range len(s) {
		if charsets[s[i]]&set != 0 {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s) + 2*n)
	for i := range len(s) {
		c := s[i]
		if charsets[c]&set == 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// percentDecode turns each sequence of a percent sign and two digits into its byte.
func percentDecode(s string) string {
	at := strings.IndexByte(s, '%')
	if at < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	b = append(b, s[:at]...)
	for i := at; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			b = append(b, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

// withoutBreaks is s without tabs and line breaks, which URLs ignore.
func withoutBreaks(s string) string {
	if !strings.ContainsAny(s, "\t\n\r") {
		return s
	}
	return strings.Map(func(c rune) rune {
		if c == '\t' || c == '\n' || c == '\r' {
			return -1
		}
		return c
	}, s)
}
