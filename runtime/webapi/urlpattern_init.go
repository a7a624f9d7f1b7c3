package webapi

import (
	"strconv"
	"strings"
)

// The components of a URL, in the order that patterns are made in.
const (
	partProtocol = iota
	partUsername
	partPassword
	partHostname
	partPort
	partPathname
	partSearch
	partHash
	urlParts
)

var urlPartNames = [urlParts]string{"protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"}

// patternInit is a URLPatternInit: what is not given is nil.
type patternInit struct {
	parts [urlParts]*string
	base  *string
}

func (i *patternInit) set(part int, s string) { i.parts[part] = &s }

// lacks reports whether none of the parts up to one is given, but for the user's
// name and password.
func (i *patternInit) lacks(upTo int) bool {
	for part := range upTo + 1 {
		if i.parts[part] != nil && part != partUsername && part != partPassword {
			return false
		}
	}
	return true
}

// resolve completes what was given from its base, and makes it canonical where it
// is a URL and no pattern.
func (i *patternInit) resolve(pattern bool) (*patternInit, error) {
	out := &patternInit{}
	if !pattern {
		for part := range out.parts {
			out.set(part, "")
		}
	}
	var base *urlRecord
	if i.base != nil {
		var err error
		if base, err = parseURL(*i.base, ""); err != nil {
			return nil, badPattern("the base URL %q is malformed", clip(*i.base))
		}
		i.inherit(out, base, pattern)
	}
	given := *i
	if p := given.parts[partPathname]; p != nil && base != nil && !base.opaque && !absolutePath(*p, pattern) {
		path := literal(base.path, pattern)
		if slash := strings.LastIndexByte(path, '/'); slash >= 0 {
			joined := path[:slash+1] + *p
			given.parts[partPathname] = &joined
		}
	}
	for part, s := range given.parts {
		if s == nil {
			continue
		}
		text := *s
		switch part {
		case partProtocol:
			text = strings.TrimSuffix(text, ":")
		case partSearch:
			text = strings.TrimPrefix(text, "?")
		case partHash:
			text = strings.TrimPrefix(text, "#")
		}
		if !pattern {
			var err error
			if text, err = canonical(part, text, *out.parts[partProtocol]); err != nil {
				return nil, err
			}
		}
		out.set(part, text)
	}
	return out, nil
}

// inherit takes from a base what stands before everything that was given.
func (i *patternInit) inherit(out *patternInit, base *urlRecord, pattern bool) {
	put := func(part int, s string) { out.set(part, literal(s, pattern)) }
	if i.parts[partProtocol] == nil {
		put(partProtocol, base.scheme)
	}
	if !pattern && i.lacks(partPort) && i.parts[partUsername] == nil {
		put(partUsername, base.username)
		if i.parts[partPassword] == nil {
			put(partPassword, base.password)
		}
	}
	for part, s := range map[int]string{
		partHostname: base.host, partPort: base.Port(), partPathname: base.path, partSearch: base.query, partHash: base.fragment,
	} {
		if i.lacks(part) {
			put(part, s)
		}
	}
}

// literal is s so that a pattern takes it for what it is.
func literal(s string, pattern bool) string {
	if pattern {
		return escapeWith(s, patternSyntax)
	}
	return s
}

func absolutePath(s string, pattern bool) bool {
	return strings.HasPrefix(s, "/") || pattern && (strings.HasPrefix(s, `\/`) || strings.HasPrefix(s, "{/"))
}

// canonical makes a part of a URL what a parser would make of it.
func canonical(part int, s, protocol string) (string, error) {
	if s == "" {
		return "", nil
	}
	_, special := defaultPort(protocol)
	switch part {
	case partProtocol:
		u, err := parseURL(s+"://dummy.invalid/", "")
		if err != nil {
			return "", badPattern("the protocol %q is malformed", clip(s))
		}
		return u.scheme, nil
	case partUsername, partPassword:
		return encode(s, setUserinfo), nil
	case partHostname:
		return canonicalHost(s, !special && protocol != "")
	case partPort:
		return canonicalPort(s, protocol)
	case partPathname:
		if protocol == "" || special {
			return canonicalPath(s)
		}
		return encode(withoutBreaks(s), setControl), nil
	case partSearch:
		return encode(withoutBreaks(s), setQuery), nil
	}
	return encode(withoutBreaks(s), setFragment), nil
}

func canonicalHost(s string, opaque bool) (string, error) {
	if s == "" {
		return "", nil
	}
	p := urlParser{url: urlRecord{scheme: "https", port: -1}, in: withoutBreaks(s), override: true}
	if opaque {
		p.url.scheme = "dummy"
	}
	if err := p.run(stateHostname); err != nil || strings.ContainsAny(s, `/?#\`) {
		return "", badPattern("the hostname %q is malformed", clip(s))
	}
	return p.url.host, nil
}

// canonicalIPv6 checks what parts of an address can be without parsing it.
func canonicalIPv6(s string) (string, error) {
	if strings.Trim(s, "0123456789abcdefABCDEF[]:") != "" {
		return "", badPattern("the address %q is malformed", clip(s))
	}
	return strings.ToLower(s), nil
}

func canonicalPort(s, protocol string) (string, error) {
	if s == "" {
		return "", nil
	}
	s = withoutBreaks(s)
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	port, err := strconv.ParseUint(s[:n], 10, 16)
	if err != nil {
		return "", badPattern("the port %q is malformed", clip(s))
	}
	if usual, _ := defaultPort(protocol); usual == int(port) {
		return "", nil
	}
	return strconv.FormatUint(port, 10), nil
}

func canonicalPath(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	slash := strings.HasPrefix(s, "/")
	if !slash {
		s = "/-" + s // so that the parser adds no slash, and takes no dots away
	}
	p := urlParser{url: urlRecord{port: -1}, in: withoutBreaks(s), override: true}
	if err := p.run(statePathStart); err != nil {
		return "", badPattern("the pathname %q is malformed", clip(s))
	}
	if !slash {
		return strings.TrimPrefix(p.url.path, "/-"), nil
	}
	return p.url.path, nil
}
