package webapi

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errPattern is a pattern that cannot be: functions see a TypeError.
type errPattern struct{ message string }

func (e *errPattern) Error() string { return e.message }

func badPattern(format string, args ...any) error {
	return &errPattern{message: fmt.Sprintf(format, args...)}
}

type tokenKind int

const (
	tokenOpen tokenKind = iota
	tokenClose
	tokenRegexp
	tokenName
	tokenChar
	tokenEscaped
	tokenModifier
	tokenAsterisk
	tokenEnd
	tokenInvalid
)

// patternToken is a piece of a pattern; at is the byte it begins at.
type patternToken struct {
	kind  tokenKind
	at    int
	value string
}

// nameCharacter reports whether a group's name may hold c.
func nameCharacter(c rune, first bool) bool {
	if c == '$' || c == '_' || unicode.IsLetter(c) || unicode.Is(unicode.Nl, c) || unicode.Is(unicode.Other_ID_Start, c) {
		return true
	}
	return !first && (c == 0x200c || c == 0x200d || unicode.In(c, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue))
}

// tokenize takes a pattern apart. Under a lenient policy, what is malformed becomes
// an invalid token.
func tokenize(s string, lenient bool) ([]patternToken, error) {
	var out []patternToken
	for at := 0; at < len(s); {
		c, n := utf8.DecodeRuneInString(s[at:])
		next := at + n
		t := patternToken{kind: tokenChar, at: at, value: s[at:next]}
		ok := true
		switch c {
		case '*':
			t.kind = tokenAsterisk
		case '+', '?':
			t.kind = tokenModifier
		case '{':
			t.kind = tokenOpen
		case '}':
			t.kind = tokenClose
		case '\\':
			if ok = next < len(s); ok {
				_, n := utf8.DecodeRuneInString(s[next:])
				t.kind, t.value = tokenEscaped, s[next:next+n]
				next += n
			}
		case ':':
			end := next
			for end < len(s) {
				c, n := utf8.DecodeRuneInString(s[end:])
				if !nameCharacter(c, end == next) {
					break
				}
				end += n
			}
			if ok = end > next; ok {
				t.kind, t.value = tokenName, s[next:end]
				next = end
			}
		case '(':
			end := regexpEnd(s, next)
			if ok = end > next; ok {
				t.kind, t.value = tokenRegexp, s[next:end]
				next = end + 1
			}
		}
		if !ok {
			if !lenient {
				return nil, badPattern("the pattern %q is malformed at %d", clip(s), at)
			}
			t.kind = tokenInvalid
		}
		out = append(out, t)
		at = next
	}
	return append(out, patternToken{kind: tokenEnd, at: len(s)}), nil
}

// regexpEnd finds the parenthesis that closes a regular expression, or -1.
func regexpEnd(s string, start int) int {
	depth := 1
	for i := start; i < len(s); i++ {
		switch c := s[i]; {
		case c >= utf8.RuneSelf, i == start && c == '?':
			return -1
		case c == '\\':
			i++
			if i == len(s) || s[i] >= utf8.RuneSelf {
				return -1
			}
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		case c == '(':
			depth++
			if i+1 == len(s) || s[i+1] != '?' { // only groups that capture nothing
				return -1
			}
		}
	}
	return -1
}

type partKind int

const (
	partText partKind = iota
	partRegexp
	partSegment // up to the delimiter
	partAll
)

// patternPart is a piece of a component's pattern.
type patternPart struct {
	kind     partKind
	value    string // of text and regular expressions
	modifier string // empty, ?, * or +
	name     string
	prefix   string
	suffix   string
}

// patternOptions are those of a component: what ends a segment, and what may stand
// before a group as a part of it.
type patternOptions struct {
	delimiter  string
	prefix     string
	ignoreCase bool
}

// segment is the regular expression of a named group.
func (o patternOptions) segment() string { return "[^" + escapeWith(o.delimiter, regexpSyntax) + "]+?" }

const (
	regexpSyntax  = `.+*?^${}()[]|/\`
	patternSyntax = `+*?:{}()\`
)

func escapeWith(s, syntax string) string {
	if !strings.ContainsAny(s, syntax) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(syntax, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// patternParser makes parts of a component's tokens.
type patternParser struct {
	tokens  []patternToken
	options patternOptions
	encode  func(string) (string, error)
	parts   []patternPart
	names   map[string]bool
	fixed   []byte
	number  int
	at      int
}

// parsePattern reads a component; encode makes fixed text canonical.
func parsePattern(s string, options patternOptions, encode func(string) (string, error)) ([]patternPart, error) {
	tokens, err := tokenize(s, false)
	if err != nil {
		return nil, err
	}
	p := patternParser{tokens: tokens, options: options, encode: encode, names: map[string]bool{}}
	for p.tokens[p.at].kind != tokenEnd {
		if err := p.part(); err != nil {
			return nil, err
		}
	}
	return p.parts, p.flush()
}

func (p *patternParser) take(kind tokenKind) *patternToken {
	if t := &p.tokens[p.at]; t.kind == kind && kind != tokenEnd {
		p.at++
		return t
	}
	return nil
}

// matcher takes a regular expression, or an asterisk that no name stands before.
func (p *patternParser) matcher(name *patternToken) *patternToken {
	t := p.take(tokenRegexp)
	if t == nil && name == nil {
		t = p.take(tokenAsterisk)
	}
	return t
}

func (p *patternParser) modifier() string {
	t := p.take(tokenModifier)
	if t == nil {
		t = p.take(tokenAsterisk)
	}
	if t == nil {
		return ""
	}
	return t.value
}

func (p *patternParser) text() string {
	var b strings.Builder
	for {
		t := p.take(tokenChar)
		if t == nil {
			t = p.take(tokenEscaped)
		}
		if t == nil {
			return b.String()
		}
		b.WriteString(t.value)
	}
}

func (p *patternParser) part() error {
	char := p.take(tokenChar)
	name := p.take(tokenName)
	matcher := p.matcher(name)
	if name != nil || matcher != nil {
		prefix := ""
		if char != nil {
			prefix = char.value
		}
		if prefix != "" && prefix != p.options.prefix {
			p.fixed = append(p.fixed, prefix...)
			prefix = ""
		}
		if err := p.flush(); err != nil {
			return err
		}
		return p.add(prefix, name, matcher, "", p.modifier())
	}
	if char == nil {
		char = p.take(tokenEscaped)
	}
	if char != nil {
		p.fixed = append(p.fixed, char.value...)
		return nil
	}
	if p.take(tokenOpen) == nil {
		return badPattern("the pattern is malformed at %q", p.tokens[p.at].value)
	}
	prefix := p.text()
	name = p.take(tokenName)
	matcher = p.matcher(name)
	suffix := p.text()
	if p.take(tokenClose) == nil {
		return badPattern("a group of the pattern is not closed")
	}
	return p.add(prefix, name, matcher, suffix, p.modifier())
}

// flush makes a part of the fixed text so far.
func (p *patternParser) flush() error {
	if len(p.fixed) == 0 {
		return nil
	}
	text, err := p.encode(string(p.fixed))
	p.fixed = p.fixed[:0]
	if err == nil {
		p.parts = append(p.parts, patternPart{value: text})
	}
	return err
}

func (p *patternParser) add(prefix string, name, matcher *patternToken, suffix, modifier string) error {
	if name == nil && matcher == nil && modifier == "" {
		p.fixed = append(p.fixed, prefix...)
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	if name == nil && matcher == nil {
		if prefix == "" {
			return nil
		}
		text, err := p.encode(prefix)
		if err == nil {
			p.parts = append(p.parts, patternPart{value: text, modifier: modifier})
		}
		return err
	}
	part := patternPart{kind: partSegment, modifier: modifier}
	switch {
	case matcher == nil:
	case matcher.kind == tokenAsterisk, matcher.value == ".*":
		part.kind = partAll
	case matcher.value != p.options.segment():
		part.kind, part.value = partRegexp, matcher.value
	}
	if name != nil {
		part.name = name.value
	} else {
		part.name = fmt.Sprint(p.number)
		p.number++
	}
	if p.names[part.name] {
		return badPattern("the pattern has two groups named %q", clip(part.name))
	}
	p.names[part.name] = true
	var err error
	if part.prefix, err = p.encode(prefix); err != nil {
		return err
	}
	if part.suffix, err = p.encode(suffix); err != nil {
		return err
	}
	p.parts = append(p.parts, part)
	return nil
}
