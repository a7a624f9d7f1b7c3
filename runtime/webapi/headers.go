package webapi

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// field is one header as functions see it: the name in lower case, each character
// of the value standing for a byte.
type field struct{ name, value string }

// fieldList is a header list of the Fetch standard, in the order of its making.
type fieldList []field

func (l fieldList) get(name string) (string, bool) {
	var first string
	var more []string
	found := false
	for _, f := range l {
		switch {
		case f.name != name:
		case !found:
			first, found = f.value, true
		default:
			more = append(more, f.value)
		}
	}
	if more != nil {
		return strings.Join(append([]string{first}, more...), ", "), true
	}
	return first, found
}

func (l *fieldList) add(name, value string) { *l = append(*l, field{name, value}) }

// set gives the first of that name the value and drops the others.
func (l *fieldList) set(name, value string) {
	at := slices.IndexFunc(*l, func(f field) bool { return f.name == name })
	if at < 0 {
		l.add(name, value)
		return
	}
	(*l)[at].value = value
	rest := slices.DeleteFunc((*l)[at+1:], func(f field) bool { return f.name == name })
	*l = (*l)[:at+1+len(rest)]
}

func (l *fieldList) remove(name string) {
	*l = slices.DeleteFunc(*l, func(f field) bool { return f.name == name })
}

// combined sorts by name and joins values, but for Set-Cookie, which cannot be.
func (l fieldList) combined() fieldList {
	sorted := slices.Clone(l)
	slices.SortStableFunc(sorted, func(a, b field) int { return strings.Compare(a.name, b.name) })
	out := sorted[:0]
	for _, f := range sorted {
		if last := len(out) - 1; last >= 0 && out[last].name == f.name && f.name != "set-cookie" {
			out[last].value += ", " + f.value
			continue
		}
		out = append(out, f)
	}
	return out
}

// wire makes the map that net/http takes; values become bytes again.
func (l fieldList) wire() http.Header {
	h := make(http.Header, len(l)+2)
	all := make([]string, 0, len(l)) // most fields have one value: all share one array
	for _, f := range l {
		key, value := textproto.CanonicalMIMEHeaderKey(f.name), wireFromText(f.value)
		if before := h[key]; before != nil {
			h[key] = append(before, value)
			continue
		}
		all = append(all, value)
		h[key] = all[len(all)-1 : len(all) : len(all)]
	}
	return h
}

// fieldsFromWire reads what came over the network; names are sorted, since a map
// has no order.
func fieldsFromWire(h http.Header) fieldList {
	l := make(fieldList, 0, len(h))
	for name, values := range h {
		lower := strings.ToLower(name)
		for _, v := range values {
			l = append(l, field{lower, textFromWire(v)})
		}
	}
	slices.SortStableFunc(l, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return l
}

// headerName checks and lower-cases a name.
func headerName(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("a header's name cannot be empty")
	}
	lower := true
	for i := range len(s) {
		c := s[i]
		if !tokenByte(c) {
			return "", fmt.Errorf("%q is not a header's name", clip(s))
		}
		lower = lower && (c < 'A' || c > 'Z')
	}
	if lower {
		return s, nil
	}
	return strings.ToLower(s), nil
}

// headerValue trims and checks a value.
func headerValue(s string) (string, error) {
	s = strings.Trim(s, "\t\n\r ")
	if strings.ContainsAny(s, "\x00\r\n") {
		return "", fmt.Errorf("a header's value cannot hold line breaks or NUL")
	}
	return s, nil
}

// tokenByte reports whether c can stand in an HTTP token.
func tokenByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func token(s string) bool {
	for i := range len(s) {
		if !tokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}
