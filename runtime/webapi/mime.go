package webapi

import "strings"

// mimeType is a MIME type of the MIME Sniffing standard.
type mimeType struct {
	essence string // type/subtype, in lower case
	params  fieldList
}

// parseMIME reads a MIME type; parameters that are malformed are left out.
func parseMIME(s string) (mimeType, bool) {
	s = strings.Trim(s, "\t\n\r ")
	essence, rest, more := strings.Cut(s, ";")
	major, minor, ok := strings.Cut(strings.TrimRight(essence, "\t\n\r "), "/")
	if !ok || !token(major) || !token(minor) {
		return mimeType{}, false
	}
	m := mimeType{essence: strings.ToLower(major + "/" + minor)}
	for more {
		var name, value string
		name, value, rest, more = nextParameter(rest)
		if _, known := m.params.get(name); token(name) && !known && mimeValue(value) {
			m.params.add(name, value)
		}
	}
	return m, true
}

// nextParameter cuts one parameter off; the name of what is none is empty.
func nextParameter(s string) (name, value, rest string, more bool) {
	s = strings.TrimLeft(s, "\t\n\r ")
	at := strings.IndexAny(s, ";=")
	if at < 0 {
		return "", "", "", false
	}
	name = strings.ToLower(s[:at])
	if s[at] == ';' {
		return "", "", s[at+1:], true
	}
	s = s[at+1:]
	if strings.HasPrefix(s, `"`) {
		value, s = quotedString(s)
		_, rest, more = strings.Cut(s, ";")
		return name, value, rest, more
	}
	value, rest, more = strings.Cut(s, ";")
	if value = strings.TrimRight(value, "\t\n\r "); value == "" {
		name = "" // only a quoted value may be empty
	}
	return name, value, rest, more
}

// quotedString reads the value that s begins with, and what stands behind it.
func quotedString(s string) (value, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i+1 < len(s) {
				i++
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// mimeValue reports whether all characters can stand in a quoted value.
func mimeValue(s string) bool {
	for _, c := range s {
		if c != '\t' && (c < ' ' || c > 0xff || c == 0x7f) {
			return false
		}
	}
	return true
}

func (m mimeType) param(name string) string {
	v, _ := m.params.get(name)
	return v
}

// String serialises the type.
func (m mimeType) String() string {
	var b strings.Builder
	b.WriteString(m.essence)
	for _, p := range m.params {
		b.WriteString(";" + p.name + "=")
		if token(p.value) {
			b.WriteString(p.value)
			continue
		}
		b.WriteByte('"')
		for _, c := range p.value {
			if c == '"' || c == '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(c)
		}
		b.WriteByte('"')
	}
	return b.String()
}

// extractMIME finds the type that a Content-Type header means: the last one that
// can be read, with the charset of one before it of the same kind.
func extractMIME(header string) (mimeType, bool) {
	var found mimeType
	charset, ok := "", false
	for _, part := range splitHeader(header) {
		m, valid := parseMIME(part)
		if !valid || m.essence == "*/*" {
			continue
		}
		if m.essence != found.essence {
			charset = m.param("charset")
		} else if _, has := m.params.get("charset"); !has && charset != "" {
			m.params.add("charset", charset)
		}
		found, ok = m, true
	}
	return found, ok
}

// splitHeader splits at commas outside of quotes.
func splitHeader(s string) []string {
	if !strings.Contains(s, ",") {
		return []string{s}
	}
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}
