package webapi

import (
	"bytes"
	"errors"
	"strings"
)

var (
	errLongURL   = errors.New("the URL is longer than a server would take")
	errEmptyBase = errors.New("the base is empty")
	errURL       = errors.New("the URL is malformed")
)

// maxURL bounds what is parsed natively, where no interrupt reaches.
const maxURL = 1 << 20

// urlState is a state of the standard's parser.
type urlState int

const (
	stateDone urlState = iota
	stateSchemeStart
	stateScheme
	stateNoScheme
	stateRelativeOrAuthority
	statePathOrAuthority
	stateRelative
	stateRelativeSlash
	stateAuthoritySlashes
	stateIgnoreSlashes
	stateAuthority
	stateHost
	stateHostname
	statePort
	stateFile
	stateFileSlash
	stateFileHost
	statePathStart
	statePath
	stateOpaque
	stateQuery
	stateFragment
)

// urlParser is the standard's basic URL parser. Its states take all that is theirs
// at once, not a character at a time.
type urlParser struct {
	url      urlRecord
	base     *urlRecord
	in       string
	at       int
	override bool // one part of url is parsed, in its place
}

// parseURL parses as the URL standard does; base may be empty.
func parseURL(input, base string) (*urlRecord, error) {
	if len(input) > maxURL || len(base) > maxURL {
		return nil, errLongURL
	}
	p := urlParser{url: urlRecord{port: -1}}
	if base != "" {
		from, err := parseURL(base, "")
		if err != nil {
			return nil, err
		}
		p.base = from
	}
	return p.parse(input)
}

func (p *urlParser) parse(input string) (*urlRecord, error) {
	p.in = withoutBreaks(strings.TrimFunc(input, func(c rune) bool { return c <= ' ' }))
	if err := p.run(stateSchemeStart); err != nil {
		return nil, err
	}
	return &p.url, nil
}

// run goes from state to state until one ends the URL.
func (p *urlParser) run(state urlState) (err error) {
	for state != stateDone && err == nil {
		state, err = p.step(state)
	}
	return err
}

// next is the character the parser stands at, or 0 at the end; the input's own NUL
// matters to no state that asks.
func (p *urlParser) next() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *urlParser) rest() string { return p.in[min(p.at, len(p.in)):] }

// slash reports whether c separates segments here.
func (p *urlParser) slash(c byte) bool { return c == '/' || c == '\\' && p.url.special() }

// until takes what comes before one of the characters.
func (p *urlParser) until(ends string) string {
	rest := p.rest()
	if n := strings.IndexAny(rest, ends); n >= 0 {
		rest = rest[:n]
	}
	p.at += len(rest)
	return rest
}

// authorityEnds are the characters that end an authority.
func (p *urlParser) authorityEnds() string {
	if p.url.special() {
		return `/\?#`
	}
	return "/?#"
}

func (p *urlParser) step(state urlState) (urlState, error) {
	u, c := &p.url, p.next()
	switch state {
	case stateSchemeStart, stateScheme:
		return p.scheme()
	case stateNoScheme:
		switch b := p.base; {
		case b == nil || b.opaque && c != '#':
			return 0, errURL
		case b.opaque:
			*u = *b
			return p.fragment(), nil
		case b.scheme != "file":
			return stateRelative, nil
		}
		return stateFile, nil
	case stateRelativeOrAuthority:
		if strings.HasPrefix(p.rest(), "//") {
			p.at += 2
			return stateIgnoreSlashes, nil
		}
		return stateRelative, nil
	case statePathOrAuthority:
		if c == '/' {
			p.at++
			return stateAuthority, nil
		}
		return statePath, nil
	case stateRelative:
		u.scheme = p.base.scheme
		if p.slash(c) {
			p.at++
			return stateRelativeSlash, nil
		}
		*u = *p.base
		u.fragment, u.hasFragment = "", false
		return p.inherit(u.shorten), nil
	case stateRelativeSlash:
		switch {
		case p.slash(c) && u.special():
			p.at++
			return stateIgnoreSlashes, nil
		case c == '/':
			p.at++
			return stateAuthority, nil
		}
		u.username, u.password, u.host, u.hasHost, u.port = p.base.username, p.base.password, p.base.host, p.base.hasHost, p.base.port
		return statePath, nil
	case stateAuthoritySlashes:
		p.at += len(p.rest()) - len(strings.TrimPrefix(p.rest(), "//"))
		return stateIgnoreSlashes, nil
	case stateIgnoreSlashes:
		p.at += len(p.rest()) - len(strings.TrimLeft(p.rest(), `/\`))
		return stateAuthority, nil
	case stateAuthority:
		return stateHost, p.authority()
	case stateHost, stateHostname:
		return p.host(state)
	case statePort:
		return p.port()
	case stateFile:
		u.scheme, u.host, u.hasHost = "file", "", true
		if c == '/' || c == '\\' {
			p.at++
			return stateFileSlash, nil
		}
		if p.base == nil || p.base.scheme != "file" {
			return statePath, nil
		}
		u.host, u.path, u.query, u.hasQuery = p.base.host, p.base.path, p.base.query, p.base.hasQuery
		return p.inherit(func() {
			if startsWithDrive(p.rest()) {
				u.path = ""
			} else {
				u.shorten()
			}
		}), nil
	case stateFileSlash:
		if c == '/' || c == '\\' {
			p.at++
			return stateFileHost, nil
		}
		if b := p.base; b != nil && b.scheme == "file" {
			u.host = b.host
			if first := b.path[:min(3, len(b.path))]; !startsWithDrive(p.rest()) && len(first) == 3 && driveLetter(first[1:], true) && (len(b.path) == 3 || b.path[3] == '/') {
				u.path = first
			}
		}
		return statePath, nil
	case stateFileHost:
		return p.fileHost()
	case statePathStart:
		return p.pathStart(), nil
	case statePath:
		return p.path(), nil
	case stateOpaque:
		return p.opaquePath(), nil
	case stateQuery:
		rest := p.rest()
		if !p.override {
			rest = p.until("#")
		} else {
			p.at = len(p.in)
		}
		set := setQuery
		if u.special() {
			set = setSpecialQuery
		}
		u.query, u.hasQuery = encode(rest, set), true
		if p.at < len(p.in) {
			return p.fragment(), nil
		}
	default: // the fragment
		u.fragment, u.hasFragment = encode(p.rest(), setFragment), true
		p.at = len(p.in)
	}
	return stateDone, nil
}

// fragment goes on behind the sign that the parser stands at.
func (p *urlParser) fragment() urlState {
	p.at++
	return stateFragment
}

// inherit goes on from a path and query that were the base's; path makes room for
// another one.
func (p *urlParser) inherit(path func()) urlState {
	switch c := p.next(); {
	case p.at >= len(p.in):
		return stateDone
	case c == '?':
		p.at++
		return stateQuery
	case c == '#':
		return p.fragment()
	}
	p.url.query, p.url.hasQuery = "", false
	path()
	return statePath
}

func (p *urlParser) pathStart() urlState {
	u, c := &p.url, p.next()
	switch {
	case u.special():
		if p.slash(c) {
			p.at++
		}
		return statePath
	case !p.override && c == '?':
		p.at++
		return stateQuery
	case !p.override && c == '#':
		return p.fragment()
	case p.at < len(p.in):
		if c == '/' {
			p.at++
		}
		return statePath
	case p.override && !u.hasHost:
		u.path += "/"
	}
	return stateDone
}

// path takes segments; the parser stands behind the slash of the first.
func (p *urlParser) path() urlState {
	u := &p.url
	ends := "/?#"
	if p.override {
		ends = "/"
	}
	if u.special() {
		ends += `\`
	}
	path := make([]byte, 0, len(u.path)+len(p.rest())+1)
	path = append(path, u.path...)
	for {
		segment := p.until(ends)
		c := p.next()
		last := p.at >= len(p.in) || !p.override && (c == '?' || c == '#')
		dots := dotSegment(segment)
		switch {
		case dots == 0:
			segment = encode(segment, setPath)
			if u.scheme == "file" && len(path) == 0 && driveLetter(segment, false) {
				segment = segment[:1] + ":"
			}
			path = append(append(path, '/'), segment...)
		case dots == 2 && (u.scheme != "file" || len(path) != 3 || !driveLetter(string(path[1:]), true)):
			path = path[:max(bytes.LastIndexByte(path, '/'), 0)]
		}
		if dots > 0 && last {
			path = append(path, '/')
		}
		if !last {
			p.at++
			continue
		}
		u.path = string(path)
		switch {
		case p.at >= len(p.in):
			return stateDone
		case c == '?':
			p.at++
			return stateQuery
		}
		return p.fragment()
	}
}

// dotSegment is 1 for a segment that stands for its own place, 2 for the one above.
func dotSegment(s string) int {
	if len(s) == 0 || len(s) > 6 || s[0] != '.' && s[0] != '%' {
		return 0
	}
	switch s = strings.ReplaceAll(strings.ToLower(s), "%2e", "."); s {
	case ".":
		return 1
	case "..":
		return 2
	}
	return 0
}

func (p *urlParser) opaquePath() urlState {
	u := &p.url
	text := p.until("?#")
	if p.at < len(p.in) && strings.HasSuffix(text, " ") {
		text = text[:len(text)-1] + "%20"
	}
	u.path = encode(text, setControl)
	switch p.next() {
	case '?':
		p.at++
		return stateQuery
	case '#':
		return p.fragment()
	}
	return stateDone
}
