package pattern

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// operand is what a part of a class of flag v stands for: characters, and strings
// of several.
type operand struct {
	runes   set
	strings []string
}

// maxNested bounds how deep classes of flag v may stand in one another.
const maxNested = 50

// setClass reads a class of flag v and writes what it comes to.
func (t *translation) setClass() error {
	o, err := t.class0(0)
	if err != nil {
		return err
	}
	if len(o.strings) == 0 {
		t.class(o.runes)
		return nil
	}
	slices.SortStableFunc(o.strings, func(a, b string) int { return len(utf16.Encode([]rune(b))) - len(utf16.Encode([]rune(a))) })
	t.out.WriteString("(?:")
	for _, s := range o.strings {
		if s == "" {
			continue // the shortest, so it is the last choice
		}
		for _, r := range s {
			escape(&t.out, r)
		}
		t.out.WriteByte('|')
	}
	t.class(o.runes)
	if slices.Contains(o.strings, "") {
		t.out.WriteByte('|')
	}
	t.out.WriteByte(')')
	return nil
}

// class0 reads a class from its [ to its ].
func (t *translation) class0(depth int) (operand, error) {
	if depth > maxNested {
		return operand{}, refuse("its classes are nested more than %d deep", maxNested)
	}
	t.at++
	inverse := t.has("^")
	if inverse {
		t.at++
	}
	total, err := t.contents(depth)
	if err != nil {
		return operand{}, err
	}
	if inverse {
		if len(total.strings) > 0 {
			return operand{}, refuse("an inverted class holds strings of several characters")
		}
		total.runes = total.runes.complement()
	}
	return total, nil
}

// contents reads what stands between the brackets, the closing one included.
func (t *translation) contents(depth int) (operand, error) {
	var total operand
	first, operator := true, ""
	for t.at < len(t.src) {
		if t.has("]") {
			t.at++
			return total, nil
		}
		if t.has("&&") || t.has("--") {
			next := t.rest()[:2]
			if first || operator != "" && operator != next || t.at+2 < len(t.src) && next == "&&" && t.src[t.at+2] == '&' {
				return total, refuse("%s stands where it cannot, in %s", next, clip(t.src))
			}
			operator = next
			t.at += 2
		} else if operator != "" {
			return total, refuse("put brackets around the parts of %s, in %s", operator, clip(t.src))
		}
		part, single, err := t.part(depth)
		if err != nil {
			return total, err
		}
		if operator == "" && t.has("-") && !t.has("--") {
			if part, err = t.rangeFrom(part, single); err != nil {
				return total, err
			}
			if t.has("&&") || t.has("--") {
				return total, refuse("put brackets around a range beside an operator, in %s", clip(t.src))
			}
		}
		if t.fold {
			part.runes = part.runes.folded()
		}
		switch {
		case operator == "&&":
			total.runes = total.runes.intersect(part.runes)
			total.strings = slices.DeleteFunc(total.strings, func(s string) bool { return !t.among(s, part.strings) })
		case operator == "--":
			total.runes = total.runes.subtract(part.runes)
			total.strings = slices.DeleteFunc(total.strings, func(s string) bool { return t.among(s, part.strings) })
		case !first && (t.has("&&") || t.has("--")):
			return total, refuse("put brackets around what stands before %s, in %s", t.rest()[:2], clip(t.src))
		default:
			total.runes = total.runes.union(part.runes)
			for _, s := range part.strings {
				if !t.among(s, total.strings) {
					total.strings = append(total.strings, s)
				}
			}
		}
		first = false
	}
	return total, refuse("a character class has no end")
}

func (t *translation) among(s string, list []string) bool {
	return slices.ContainsFunc(list, func(o string) bool { return o == s || t.fold && strings.EqualFold(o, s) })
}

// rangeFrom reads the rest of a range whose first end was read.
func (t *translation) rangeFrom(first operand, single bool) (operand, error) {
	t.at++
	if t.at >= len(t.src) || t.has("[") || t.has("]") {
		return first, refuse("a - stands where it cannot, in %s: write \\-", clip(t.src))
	}
	last, lastSingle, err := t.part(maxNested)
	if err != nil {
		return first, err
	}
	if !single || !lastSingle || first.runes[0].from > last.runes[0].from {
		return first, refuse("a range of characters has no proper ends, in %s", clip(t.src))
	}
	return operand{runes: set{{first.runes[0].from, last.runes[0].from}}}, nil
}

const (
	setSyntax = "()[]{}/-|"
	doubled   = "&!#$%*+,.:;<=>?@^`~"
)

// part reads one operand; single says that it is one character as such.
func (t *translation) part(depth int) (o operand, single bool, err error) {
	switch {
	case t.at >= len(t.src):
		return o, false, refuse("a character class has no end")
	case t.has("["):
		o, err = t.class0(depth + 1)
		return o, false, err
	case t.has(`\p{`), t.has(`\P{`):
		o.runes, err = t.property()
		return o, false, err
	case t.has(`\q{`):
		o, err = t.quoted()
		return o, false, err
	case t.has(`\`):
		return t.escaped()
	}
	r, size := utf8.DecodeRuneInString(t.rest())
	if strings.ContainsRune(setSyntax, r) || strings.ContainsRune(doubled, r) && t.has(string(r)+string(r)) {
		return o, false, refuse(`%c stands where it cannot with flag v, in %s: write \%c`, r, clip(t.src), r)
	}
	t.at += size
	return operand{runes: set{{r, r}}}, true, nil
}

// quoted reads \q{one|other}.
func (t *translation) quoted() (operand, error) {
	t.at += len(`\q{`)
	var o operand
	var word []rune
	for t.at < len(t.src) {
		switch {
		case t.has("|"), t.has("}"):
			end := t.has("}")
			t.at++
			if len(word) == 1 {
				o.runes = o.runes.union(set{{word[0], word[0]}})
			} else {
				o.strings = append(o.strings, string(word))
			}
			if end {
				return o, nil
			}
			word = nil
		default:
			c, single, err := t.part(maxNested)
			if err != nil {
				return o, err
			}
			if !single {
				return o, refuse(`\q{…} takes characters only`)
			}
			word = append(word, c.runes[0].from)
		}
	}
	return o, refuse(`\q{ has no end`)
}

var (
	digits = set{{'0', '9'}}
	words  = set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	blanks = set{
		{'\t', '\r'},
		{' ', ' '},
		{0xa0, 0xa0},
		{0x1680, 0x1680},
		{0x2000, 0x200a},
		{0x2028, 0x2029},
		{0x202f, 0x202f},
		{0x205f, 0x205f},
		{0x3000, 0x3000},
		{0xfeff, 0xfeff},
	}
	controls = map[byte]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '0': 0}
)

// escaped reads an escape of one character or of a class of them.
func (t *translation) escaped() (o operand, single bool, err error) {
	if len(t.rest()) < 2 {
		return o, false, refuse(`\ stands at the end`)
	}
	c := t.src[t.at+1]
	t.at += 2
	classes := map[byte]set{'d': digits, 'w': words, 's': blanks}
	if s, ok := classes[c|0x20]; ok && unicode.IsLetter(rune(c)) {
		if t.fold {
			s = s.folded()
		}
		if c < 'a' {
			s = s.complement()
		}
		return operand{runes: s}, false, nil
	}
	one := func(r rune) (operand, bool, error) { return operand{runes: set{{r, r}}}, true, nil }
	if r, ok := controls[c]; ok {
		return one(r)
	}
	switch {
	case c == 'x':
		if r, ok := t.hex(2); ok {
			return one(r)
		}
	case c == 'u':
		if r, ok := t.unit(); ok {
			return one(r)
		}
	case c == 'c' && t.at < len(t.src) && unicode.IsLetter(rune(t.src[t.at])) && t.src[t.at] < utf8.RuneSelf:
		t.at++
		return one(rune(t.src[t.at-1] & 31))
	case strings.IndexByte(`^$\.*+?()[]{}|/-&!#%,:;<=>@`+"`~", c) >= 0:
		return one(rune(c))
	}
	return o, false, refuse(`\%c is no escape with flag v`, c)
}

// hex reads n hexadecimal digits.
func (t *translation) hex(n int) (rune, bool) {
	if len(t.rest()) < n {
		return 0, false
	}
	v, err := strconv.ParseUint(t.rest()[:n], 16, 32)
	if err != nil || v > unicode.MaxRune {
		return 0, false
	}
	t.at += n
	return rune(v), true
}

// unit reads what follows \u, and a second half where the first asks for one.
func (t *translation) unit() (rune, bool) {
	if t.has("{") {
		end := strings.IndexByte(t.rest(), '}')
		if end < 2 {
			return 0, false
		}
		t.at++
		r, ok := t.hex(end - 1)
		t.at++
		return r, ok
	}
	r, ok := t.hex(4)
	if ok && utf16.IsSurrogate(r) && t.has(`\u`) {
		at := t.at
		t.at += 2
		if low, second := t.hex(4); second {
			if whole := utf16.DecodeRune(r, low); whole != unicode.ReplacementChar {
				return whole, true
			}
		}
		t.at = at
	}
	return r, ok
}
