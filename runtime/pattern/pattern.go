// Package pattern rewrites regular expressions of newer JavaScript in the words of
// the engine's: `\p{…}`, which the engine takes for the letter p, becomes the
// characters it stands for, and the sets of flag v are worked out. What cannot be
// said in those words is an error, so that no expression means something else than
// its author wrote.
//
// It is a leaf: deployment checks expressions with it, and the engine runs them.
package pattern

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says why an expression cannot be run.
type Error struct{ Text string }

func (e *Error) Error() string { return "Invalid regular expression: " + e.Text }

func refuse(format string, args ...any) error { return &Error{Text: fmt.Sprintf(format, args...)} }

// Foreign reports whether the engine would misread an expression with these flags,
// so that it is to be translated.
func Foreign(source, flags string) bool {
	if strings.ContainsAny(flags, "vd") {
		return true
	}
	if !strings.Contains(flags, "u") {
		return false
	}
	return strings.Contains(source, `\p`) || strings.Contains(source, `\P`) ||
		strings.Contains(source, "(?<") || strings.Contains(source, "[]") || strings.Contains(source, "[^]")
}

// MaxSource bounds the expressions that Translate takes, in bytes.
const MaxSource = 64 << 10

// maxTranslated bounds what the classes of one expression may grow to.
const maxTranslated = 1 << 20

// Translate writes an expression in the engine's words: the same language of
// strings, and the same groups. Its error is an *Error.
func Translate(source, flags string) (text, nativeFlags string, err error) {
	if strings.Contains(flags, "d") {
		return "", "", refuse("flag d (the indices of groups) is not supported here: use the match's index")
	}
	for i, c := range flags {
		if !strings.ContainsRune("gimsuvy", c) || strings.ContainsRune(flags[i+1:], c) {
			return "", "", refuse("invalid flags %q", flags)
		}
	}
	sets := strings.Contains(flags, "v")
	if sets && strings.Contains(flags, "u") {
		return "", "", refuse("flags u and v exclude each other")
	}
	if len(source) > MaxSource {
		return "", "", refuse("it holds %d bytes, and at most %d can be taken with these flags", len(source), MaxSource)
	}
	if !sets && !strings.Contains(flags, "u") {
		return source, flags, nil
	}
	t := translation{src: source, sets: sets, fold: strings.Contains(flags, "i")}
	if err := t.run(); err != nil {
		return "", "", err
	}
	if t.named {
		// The engine's first matcher forgets the names of groups in this mode; the
		// second, which knows lookaheads, does not.
		t.out.WriteString("(?=)")
	}
	return t.out.String(), strings.Replace(flags, "v", "u", 1), nil
}

// translation walks over one expression.
type translation struct {
	src   string
	at    int
	sets  bool // flag v
	fold  bool // flag i
	named bool // a group has a name
	out   strings.Builder
}

func (t *translation) rest() string { return t.src[t.at:] }

func (t *translation) has(prefix string) bool { return strings.HasPrefix(t.rest(), prefix) }

func (t *translation) run() error {
	for t.at < len(t.src) {
		if t.out.Len() > maxTranslated {
			return refuse("its classes hold too many characters for one expression")
		}
		switch {
		case t.has(`\p{`), t.has(`\P{`):
			s, err := t.property()
			if err != nil {
				return err
			}
			t.class(s)
		case t.has(`\p`), t.has(`\P`):
			return refuse(`\p is not followed by the name of a property, as in \p{L}`)
		case t.has(`\`):
			t.copy(min(2, len(t.rest())))
		case t.has("(?<") && !t.has("(?<=") && !t.has("(?<!"):
			t.named = true
			t.copy(3)
		case t.has("["):
			if err := t.bracket(); err != nil {
				return err
			}
		default:
			t.copy(1)
		}
	}
	return nil
}

// copy passes n bytes on, and the rest of the character they end in.
func (t *translation) copy(n int) {
	for t.at+n < len(t.src) && !utf8.RuneStart(t.src[t.at+n]) {
		n++
	}
	t.out.WriteString(t.rest()[:n])
	t.at += n
}

// class writes a set as a class of its own.
func (t *translation) class(s set) {
	switch {
	case len(s) == 0:
		t.out.WriteString("(?!)")
	default:
		t.out.WriteByte('[')
		s.write(&t.out)
		t.out.WriteByte(']')
	}
}

// property reads \p{…} or \P{…}.
func (t *translation) property() (set, error) {
	inverse := t.src[t.at+1] == 'P'
	end := strings.IndexByte(t.rest(), '}')
	if end < 0 {
		return nil, refuse(`\p{ has no end`)
	}
	name := t.rest()[3:end]
	t.at += end + 1
	s, err := lookup(name)
	if err != nil {
		return nil, err
	}
	if t.sets && t.fold {
		s = s.folded()
	}
	if inverse {
		s = s.complement()
	}
	return s, nil
}

// bracket reads a class.
func (t *translation) bracket() error {
	if t.sets {
		return t.setClass()
	}
	switch {
	case t.has("[^]"):
		t.at += 3
		t.class(all)
		return nil
	case t.has("[]"):
		t.at += 2
		t.class(nil)
		return nil
	}
	t.copy(1)
	if t.has("^") {
		t.copy(1)
	}
	afterClass := false // the atom before stands for many characters: no range may begin with it
	for t.at < len(t.src) {
		switch {
		case t.has("]"):
			t.copy(1)
			return nil
		case t.has(`\p{`), t.has(`\P{`):
			s, err := t.property()
			if err != nil {
				return err
			}
			s.write(&t.out)
			afterClass = true
			continue
		case t.has("-") && !t.has("-]"):
			if next := t.rest()[1:]; afterClass || strings.HasPrefix(next, `\p`) || strings.HasPrefix(next, `\P`) {
				return refuse("a property stands at an end of a range, in %s", clip(t.src))
			}
			t.copy(1)
		case t.has(`\p`), t.has(`\P`):
			return refuse(`\p is not followed by the name of a property, as in \p{L}`)
		case t.has(`\`):
			t.copy(min(2, len(t.rest())))
		default:
			t.copy(1)
		}
		afterClass = false
	}
	return refuse("a character class has no end")
}

func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
