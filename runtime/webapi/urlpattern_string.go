package webapi

import "slices"

// patternString takes a pattern that is one string apart into components, as far as
// that goes without understanding them.
type patternString struct {
	realm   *Realm
	in      string
	tokens  []patternToken
	out     patternInit
	state   int // a component, or one of the states below
	start   int // the token that the component begins at
	at      int
	step    int
	depth   int // of groups
	address int // of brackets in a hostname
	special bool
}

const (
	stringInit = urlParts + iota
	stringAuthority
	stringDone
)

func (r *Realm) parsePatternString(s string) (*patternInit, error) {
	tokens, err := tokenize(s, true)
	if err != nil {
		return nil, err
	}
	p := patternString{realm: r, in: s, tokens: tokens, state: stringInit}
	for p.at < len(tokens) && p.state != stringDone {
		p.step = 1
		if err := p.token(); err != nil {
			return nil, err
		}
		p.at += p.step
	}
	if p.out.parts[partHostname] != nil && p.out.parts[partPort] == nil {
		p.out.set(partPort, "")
	}
	return &p.out, nil
}

func (p *patternString) token() error {
	switch t := p.tokens[p.at]; {
	case t.kind == tokenEnd && p.state == stringInit:
		p.rewind(stringInit)
		switch {
		case p.is(p.at, "#"):
			p.change(partHash, 1)
		case p.search():
			p.change(partSearch, 1)
		default:
			p.change(partPathname, 0)
		}
		return nil
	case t.kind == tokenEnd && p.state == stringAuthority:
		p.rewind(partHostname)
		return nil
	case t.kind == tokenEnd:
		p.change(stringDone, 0)
		return nil
	case t.kind == tokenOpen:
		p.depth++
		return nil
	case p.depth > 0:
		if t.kind == tokenClose {
			p.depth--
		}
		return nil
	}
	return p.within()
}

// within looks at a token for what ends the component.
func (p *patternString) within() error {
	switch p.state {
	case stringInit:
		if p.is(p.at, ":") {
			p.rewind(partProtocol)
		}
	case partProtocol:
		if p.is(p.at, ":") {
			return p.protocol()
		}
	case stringAuthority:
		switch {
		case p.is(p.at, "@"):
			p.rewind(partUsername)
		case p.is(p.at, "/"), p.search(), p.is(p.at, "#"):
			p.rewind(partHostname)
		}
	case partUsername, partPassword:
		switch {
		case p.state == partUsername && p.is(p.at, ":"):
			p.change(partPassword, 1)
		case p.is(p.at, "@"):
			p.change(partHostname, 1)
		}
	case partHostname:
		switch {
		case p.is(p.at, "["):
			p.address++
		case p.is(p.at, "]"):
			p.address--
		case p.is(p.at, ":") && p.address == 0:
			p.change(partPort, 1)
		default:
			p.ends(true)
		}
	case partPort:
		p.ends(true)
	case partPathname:
		p.ends(false)
	case partSearch:
		if p.is(p.at, "#") {
			p.change(partHash, 1)
		}
	}
	return nil
}

func (p *patternString) ends(path bool) {
	switch {
	case path && p.is(p.at, "/"):
		p.change(partPathname, 0)
	case p.search():
		p.change(partSearch, 1)
	case p.is(p.at, "#"):
		p.change(partHash, 1)
	}
}

func (p *patternString) protocol() error {
	c, err := p.realm.component(p.component(), patternOptions{}, func(s string) (string, error) { return canonical(partProtocol, s, "") })
	if err != nil {
		return err
	}
	p.special = p.realm.special(c)
	switch {
	case p.is(p.at+1, "/") && p.is(p.at+2, "/"):
		p.change(stringAuthority, 3)
	case p.special:
		p.change(stringAuthority, 1)
	default:
		p.change(partPathname, 1)
	}
	return nil
}

// is reports whether a token is that character and no syntax.
func (p *patternString) is(at int, char string) bool {
	if at >= len(p.tokens) {
		return false
	}
	t := p.tokens[at]
	return t.value == char && (t.kind == tokenChar || t.kind == tokenEscaped || t.kind == tokenInvalid)
}

// search reports whether a question mark begins the search, and is no modifier.
func (p *patternString) search() bool {
	if p.is(p.at, "?") {
		return true
	}
	if p.tokens[p.at].value != "?" {
		return false
	}
	if p.at == 0 {
		return true
	}
	return !slices.Contains([]tokenKind{tokenName, tokenRegexp, tokenClose, tokenAsterisk}, p.tokens[p.at-1].kind)
}

func (p *patternString) component() string { return p.in[p.tokens[p.start].at:p.tokens[p.at].at] }

func (p *patternString) rewind(state int) {
	p.at, p.step, p.state = p.start, 0, state
}

// change ends a component; what stands between it and the next is empty.
func (p *patternString) change(state, skip int) {
	if p.state < urlParts {
		p.out.set(p.state, p.component())
	}
	if p.state != stringInit && state < urlParts {
		from := p.state
		if from == stringAuthority {
			from = partPassword
		}
		missing := func(part int) bool { return from < part && state > part && p.out.parts[part] == nil }
		if missing(partHostname) {
			p.out.set(partHostname, "")
		}
		if missing(partPathname) {
			path := ""
			if p.special {
				path = "/"
			}
			p.out.set(partPathname, path)
		}
		if missing(partSearch) {
			p.out.set(partSearch, "")
		}
	}
	p.at += skip
	p.state, p.start, p.step = state, p.at, 0
}
