package http1

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

// Bounds of a plain request.
const (
	maxRequest = 64 << 10 // head and body together
	maxFields  = 100
)

// verdict is what the bytes of a connection are.
type verdict int

const (
	partial verdict = iota // the beginning of a request that may become plain
	odd                    // nothing for this server
	whole
)

// plain is a request that parse has taken.
type plain struct {
	method string
	target string
	host   string
	header http.Header
	length int // of the body
	size   int // of all
}

// methods are those whose requests are plain.
var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions,
}

// parse reads the request at the beginning of b. It takes only what has one meaning:
// lines end in CRLF, nothing is folded, there is one Host and at most one
// Content-Length, no encoding, no upgrade, and nothing about the connection but that
// it stay.
// The header is put into fields, which is emptied first.
func parse(b []byte, prefix string, fields http.Header) (plain, verdict) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return plain{}, begins(b, prefix)
	}
	head := string(b[:end+2])
	line, rest, _ := strings.Cut(head, "\r\n")
	p, ok := requestLine(line, prefix)
	clear(fields)
	p.header = fields
	if !ok || !p.fields(rest) {
		return plain{}, odd
	}
	p.size = end + 4 + p.length
	switch {
	case p.size > maxRequest:
		return plain{}, odd
	case p.size > len(b):
		return p, partial
	}
	return p, whole
}

// begins tells the beginning of a request that may become plain from one that will
// not, so that others need not wait.
func begins(b []byte, prefix string) verdict {
	if len(b) >= maxRequest {
		return odd
	}
	for _, m := range methods {
		start := m + " " + prefix
		n := min(len(b), len(start))
		if string(b[:n]) == start[:n] {
			return partial
		}
	}
	return odd
}

func requestLine(line, prefix string) (plain, bool) {
	method, rest, _ := strings.Cut(line, " ")
	target, ok := strings.CutSuffix(rest, " HTTP/1.1")
	if !ok || !strings.HasPrefix(target, prefix) {
		return plain{}, false
	}
	for _, m := range methods {
		if m == method {
			return plain{method: m, target: target}, visible(target)
		}
	}
	return plain{}, false
}

// visible reports whether a target holds nothing but ASCII that needs no thought.
func visible(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// fields reads the lines of the header, each with its CRLF.
func (p *plain) fields(s string) bool {
	n := strings.Count(s, "\n")
	if n > maxFields {
		return false
	}
	values := make([]string, 0, n) // one array for all: most names come once
	hosts, lengths := 0, 0
	for s != "" {
		line, rest, ok := strings.Cut(s, "\r\n")
		s = rest
		name, value, colon := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !ok || !colon || !token(name) || !text(value) {
			return false
		}
		name = http.CanonicalHeaderKey(name)
		switch name {
		case "Host":
			hosts++
			p.host = value
			continue
		case "Content-Length":
			lengths++
			if p.length, ok = number(value); !ok {
				return false
			}
		case "Connection":
			if !strings.EqualFold(value, "keep-alive") {
				return false
			}
		case "Transfer-Encoding", "Expect", "Upgrade", "Trailer", "Pragma", "Http2-Settings":
			return false
		}
		if before := p.header[name]; before != nil {
			p.header[name] = append(before, value)
			continue
		}
		values = append(values, value)
		p.header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return hosts == 1 && lengths <= 1 && authority(p.host)
}

// url is the target as net/http reads it.
func (p *plain) url(u *url.URL) bool {
	path, query, asked := strings.Cut(p.target, "?")
	if plainPath(path) && (query != "" || !asked) {
		*u = url.URL{Path: path, RawQuery: query}
		return true
	}
	read, err := url.ParseRequestURI(p.target)
	if err == nil {
		*u = *read
	}
	return err == nil
}

// plainPath reports whether a path means the same with and without its escapes: it
// has none, and needs none.
func plainPath(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		case c == '/' || c == '-' || c == '_' || c == '.' || c == '~':
		default:
			return false
		}
	}
	return true
}

// number reads a Content-Length: digits, no leading zero, within reason.
func number(s string) (int, bool) {
	if s == "" || len(s) > 6 || s[0] == '0' && len(s) > 1 {
		return 0, false // longer bodies are not plain anyway
	}
	n := 0
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// authority reports whether a Host is a name or an address, with or without a port.
func authority(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		case c == '.' || c == '-' || c == ':' || c == '[' || c == ']' || c == '_':
		default:
			return false
		}
	}
	return s != ""
}

// tokens are the bytes of a header's name.
var tokens = func() (t [256]bool) {
	for c := range 256 {
		t[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c < 0x80 && strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0
	}
	return t
}()

func token(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

// text reports whether a value holds no control character.
func text(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
