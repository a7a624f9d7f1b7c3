package webapi

import (
	"strconv"
	"strings"
)

func (p *urlParser) scheme() (urlState, error) {
	n := 0
	for n < len(p.in) && (letter(p.in[n]) || n > 0 && (digit(p.in[n]) || strings.IndexByte("+-.", p.in[n]) >= 0)) {
		n++
	}
	if n == 0 || n == len(p.in) || p.in[n] != ':' {
		if p.override {
			return 0, errURL
		}
		return stateNoScheme, nil
	}
	u, scheme := &p.url, strings.ToLower(p.in[:n])
	port, special := defaultPort(scheme)
	if p.override {
		if special != u.special() || scheme == "file" && (u.credentials() || u.port >= 0) || u.scheme == "file" && u.host == "" {
			return stateDone, nil
		}
		u.scheme = scheme
		if u.port == port {
			u.port = -1
		}
		return stateDone, nil
	}
	u.scheme = scheme
	p.at = n + 1
	switch {
	case scheme == "file":
		return stateFile, nil
	case special && p.base != nil && p.base.scheme == scheme:
		return stateRelativeOrAuthority, nil
	case special:
		return stateAuthoritySlashes, nil
	case p.next() == '/':
		p.at++
		return statePathOrAuthority, nil
	}
	u.opaque = true
	return stateOpaque, nil
}

// authority takes the credentials, if there are any.
func (p *urlParser) authority() error {
	start := p.at
	text := p.until(p.authorityEnds())
	p.at = start
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return nil
	}
	if at == len(text)-1 {
		return errURL
	}
	name, password, _ := strings.Cut(text[:at], ":")
	p.url.username, p.url.password = encode(name, setUserinfo), encode(password, setUserinfo)
	p.at += at + 1
	return nil
}

func (p *urlParser) host(state urlState) (urlState, error) {
	u := &p.url
	if p.override && u.scheme == "file" {
		return stateFileHost, nil
	}
	text := p.until(p.authorityEnds())
	colon, inside := -1, false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case c == ':' && !inside && colon < 0:
			colon = i
		}
	}
	if colon >= 0 {
		if colon == 0 || p.override && state == stateHostname {
			return 0, errURL
		}
		p.at += colon + 1 - len(text)
		text = text[:colon]
	} else if text == "" && (u.special() || p.override && (u.credentials() || u.port >= 0)) {
		return 0, errURL
	}
	host, err := parseHost(text, !u.special())
	if err != nil {
		return 0, err
	}
	u.host, u.hasHost = host, true
	switch {
	case colon >= 0:
		return statePort, nil
	case p.override:
		return stateDone, nil
	}
	return statePathStart, nil
}

func (p *urlParser) port() (urlState, error) {
	start := p.at
	for p.at < len(p.in) && digit(p.in[p.at]) {
		p.at++
	}
	text, c := p.in[start:p.at], p.next()
	if p.at < len(p.in) && !p.override && !p.slash(c) && c != '?' && c != '#' {
		return 0, errURL
	}
	if text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return p.keep()
		}
		p.url.port = int(n)
		if usual, _ := defaultPort(p.url.scheme); usual == p.url.port {
			p.url.port = -1
		}
	}
	if p.override {
		return stateDone, nil
	}
	return statePathStart, nil
}

// keep ends a part that is set with what was read of it so far; a whole URL fails.
func (p *urlParser) keep() (urlState, error) {
	if p.override {
		return stateDone, nil
	}
	return 0, errURL
}

func (p *urlParser) fileHost() (urlState, error) {
	start := p.at
	text := p.until(`/\?#`)
	if !p.override && driveLetter(text, false) {
		p.at = start // it is the path's first segment
		return statePath, nil
	}
	host := ""
	if text != "" {
		var err error
		if host, err = parseHost(text, false); err != nil {
			return 0, err
		}
		if host == "localhost" {
			host = ""
		}
	}
	p.url.host, p.url.hasHost = host, true
	if p.override {
		return stateDone, nil
	}
	return statePathStart, nil
}
