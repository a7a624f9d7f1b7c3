package webapi

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// patternComponent is one component of a URLPattern.
type patternComponent struct {
	pattern string
	names   []string
	custom  bool           // it has regular expressions of the function's
	simple  *regexp.Regexp // where it has none
	script  *goja.Object   // the RegExp where it has
}

// maxPatternWork bounds the steps of one match, which no interrupt reaches.
const maxPatternWork = 1 << 26

// component compiles one component's pattern.
func (r *Realm) component(s string, options patternOptions, encode func(string) (string, error)) (*patternComponent, error) {
	parts, err := parsePattern(s, options, encode)
	if err != nil {
		return nil, err
	}
	c := &patternComponent{pattern: options.text(parts)}
	for _, part := range parts {
		if part.kind != partText {
			c.names = append(c.names, part.name)
		}
		c.custom = c.custom || part.kind == partRegexp
	}
	source := options.regexp(parts)
	if c.custom {
		flags := "u"
		if options.ignoreCase {
			flags = "ui"
		}
		ex := r.vm.Try(func() {
			o, err := r.vm.New(r.vm.Get("RegExp"), r.vm.ToValue(source), r.vm.ToValue(flags))
			if err != nil {
				panic(err)
			}
			c.script = o
		})
		if ex != nil {
			return nil, badPattern("a regular expression of the pattern is malformed: %s", clip(ex.Value().String()))
		}
		return c, nil
	}
	flags := "(?s)"
	if options.ignoreCase {
		flags = "(?si)"
	}
	// Where nothing delimits, "[^]" stands for any character; Go has no such class.
	c.simple, err = regexp.Compile(flags + strings.ReplaceAll(source, "[^]+?", ".+?"))
	if err != nil {
		return nil, badPattern("the pattern %q is too large", clip(s))
	}
	return c, nil
}

// match returns the groups of s, or nil where the component does not match. A group
// that took no part is not there.
func (r *Realm) match(c *patternComponent, s string) (groups []*string, ok bool) {
	if c.script != nil {
		exec := r.callable(c.script.Get("exec"), "RegExp.exec")
		found, ok := r.must(exec(c.script, r.vm.ToValue(s))).(*goja.Object)
		if !ok {
			return nil, false
		}
		items := r.sequence(found, "the match")
		for i := range c.names {
			v := arg(items, i+1)
			if absent(v) {
				groups = append(groups, nil)
				continue
			}
			text := r.text(v)
			groups = append(groups, &text)
		}
		return groups, true
	}
	if (len(c.pattern)+1)*len(s) > maxPatternWork {
		panic(r.rangeError("the pattern and the URL are too long to be matched"))
	}
	at := c.simple.FindStringSubmatchIndex(s)
	if at == nil {
		return nil, false
	}
	for i := range c.names {
		from, to := at[2*i+2], at[2*i+3]
		if from < 0 {
			groups = append(groups, nil)
			continue
		}
		text := s[from:to]
		groups = append(groups, &text)
	}
	return groups, true
}

// special reports whether a protocol's component matches a scheme that the standard
// knows.
func (r *Realm) special(c *patternComponent) bool {
	for _, scheme := range []string{"http", "https", "ws", "wss", "ftp", "file"} {
		if _, ok := r.match(c, scheme); ok {
			return true
		}
	}
	return false
}

// regexp writes parts as a regular expression.
func (o patternOptions) regexp(parts []patternPart) string {
	var b strings.Builder
	b.WriteByte('^')
	for _, part := range parts {
		if part.kind == partText {
			text := escapeWith(part.value, regexpSyntax)
			if part.modifier != "" {
				text = "(?:" + text + ")" + part.modifier
			}
			b.WriteString(text)
			continue
		}
		value := part.value
		switch part.kind { //nolint:exhaustive // the others say what they match themselves
		case partSegment:
			value = o.segment()
		case partAll:
			value = ".*"
		}
		repeats := part.modifier == "*" || part.modifier == "+"
		prefix, suffix := escapeWith(part.prefix, regexpSyntax), escapeWith(part.suffix, regexpSyntax)
		switch {
		case prefix == "" && suffix == "" && !repeats:
			b.WriteString("(" + value + ")" + part.modifier)
		case prefix == "" && suffix == "":
			b.WriteString("((?:" + value + ")" + part.modifier + ")")
		case !repeats:
			b.WriteString("(?:" + prefix + "(" + value + ")" + suffix + ")" + part.modifier)
		default:
			b.WriteString("(?:" + prefix + "((?:" + value + ")(?:" + suffix + prefix + "(?:" + value + "))*)" + suffix + ")")
			if part.modifier == "*" {
				b.WriteByte('?')
			}
		}
	}
	b.WriteByte('$')
	return b.String()
}

// text writes parts as the pattern that components answer.
func (o patternOptions) text(parts []patternPart) string {
	var b strings.Builder
	for i, part := range parts {
		if part.kind == partText {
			text := escapeWith(part.value, patternSyntax)
			if part.modifier != "" {
				text = "{" + text + "}" + part.modifier
			}
			b.WriteString(text)
			continue
		}
		var before, after *patternPart
		if i > 0 {
			before = &parts[i-1]
		}
		if i+1 < len(parts) {
			after = &parts[i+1]
		}
		named := !digit(part.name[0])
		grouped := o.grouped(part, before, after, named)
		if grouped {
			b.WriteByte('{')
		}
		b.WriteString(escapeWith(part.prefix, patternSyntax))
		if named {
			b.WriteString(":" + part.name)
		}
		switch {
		case part.kind == partRegexp:
			b.WriteString("(" + part.value + ")")
		case part.kind == partSegment && !named:
			b.WriteString("(" + o.segment() + ")")
		case part.kind == partAll && !named && (before == nil || before.kind == partText || before.modifier != "" || grouped || part.prefix != ""):
			b.WriteByte('*')
		case part.kind == partAll:
			b.WriteString("(.*)")
		}
		if part.kind == partSegment && named && startsName(part.suffix) {
			b.WriteByte('\\')
		}
		b.WriteString(escapeWith(part.suffix, patternSyntax))
		if grouped {
			b.WriteByte('}')
		}
		b.WriteString(part.modifier)
	}
	return b.String()
}

// startsName reports whether s would go on a name before it.
func startsName(s string) bool {
	c, n := utf8.DecodeRuneInString(s)
	return n > 0 && nameCharacter(c, false)
}

// grouped reports whether a part needs braces to be read as it was.
func (o patternOptions) grouped(part patternPart, before, after *patternPart, named bool) bool {
	if part.suffix != "" || part.prefix != "" && part.prefix != o.prefix {
		return true
	}
	if named && part.kind == partSegment && part.modifier == "" && after != nil && after.prefix == "" && after.suffix == "" {
		if after.kind == partText && startsName(after.value) || after.kind != partText && digit(after.name[0]) {
			return true
		}
	}
	return part.prefix == "" && o.prefix != "" && before != nil && before.kind == partText && strings.HasSuffix(before.value, o.prefix)
}
