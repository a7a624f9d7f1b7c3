package project

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SourceError is what is wrong in an author's file: one cause, where it stands,
// and how many more there were.
type SourceError struct {
	File   string // as the author names it, relative to the project; empty where no file is at fault
	Line   int    // from 1; 0 where unknown
	Column int    // from 1, in UTF-16 units as editors count; 0 where unknown
	Text   string
	Frame  string // the lines around it with a mark below the column; empty where they are unknown
	More   int    // further errors found in the same run

	cause error
	fatal bool // what was found compiles, and cannot work
}

// Error is one line: place, cause, and the number of further errors.
func (e *SourceError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
			if e.Column > 0 {
				fmt.Fprintf(&b, ":%d", e.Column)
			}
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Text)
	switch {
	case e.More == 1:
		b.WriteString(" (and 1 more error)")
	case e.More > 1:
		fmt.Fprintf(&b, " (and %d more errors)", e.More)
	}
	return b.String()
}

// Unwrap returns the cause, such as a *function.ManifestError, or nil.
func (e *SourceError) Unwrap() error { return e.cause }

// Bounds of a code frame: minified lines are shown around the column only.
const (
	frameWidth = 100
	frameLead  = 60 // columns kept before the mark in a clipped line
)

// frame shows a line of the text, the one above it, and a mark below the column.
func frame(text string, line, column int) string {
	shown, ok := lineOf(text, line)
	if !ok {
		return ""
	}
	width := len(fmt.Sprint(line))
	var b strings.Builder
	start := 0
	if column > frameLead && utf8.RuneCountInString(shown) > frameWidth {
		start = column - frameLead
	}
	if above, ok := lineOf(text, line-1); ok && strings.TrimSpace(above) != "" {
		fmt.Fprintf(&b, "  %*d │ %s\n", width, line-1, window(above, start))
	}
	fmt.Fprintf(&b, "  %*d │ %s\n", width, line, window(shown, start))
	if column > 0 {
		fmt.Fprintf(&b, "  %*s │ %s^\n", width, "", indent(shown, start, column))
	}
	return strings.TrimRight(b.String(), "\n")
}

// window is the part of a line that a frame shows, without control characters:
// the text may come from anyone and goes to terminals.
func window(line string, start int) string {
	runes := []rune(line)
	if start >= len(runes) {
		return ""
	}
	runes = runes[start:]
	cut := len(runes) > frameWidth
	if cut {
		runes = runes[:frameWidth]
	}
	var b strings.Builder
	if start > 0 {
		b.WriteString("…")
	}
	for _, r := range runes {
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == utf8.RuneError:
			b.WriteRune('�')
		default:
			b.WriteRune(r)
		}
	}
	if cut {
		b.WriteString("…")
	}
	return b.String()
}

// indent is the blank before the mark: one column for each character, as window writes them.
func indent(line string, start, column int) string {
	n, units := 0, 1
	for _, r := range line {
		if units >= column {
			break
		}
		units += unitsOf(r)
		n++
	}
	n -= start
	if start > 0 {
		n++
	}
	return strings.Repeat(" ", max(0, n))
}

// lineOf is a line of the text, from 1, without its end.
func lineOf(text string, line int) (string, bool) {
	if line < 1 {
		return "", false
	}
	for ; line > 1; line-- {
		at := strings.IndexByte(text, '\n')
		if at < 0 {
			return "", false
		}
		text = text[at+1:]
	}
	head, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(head, "\r"), true
}

// utf16Column turns a byte offset in a line, from 0, into an editor's column, from 1.
func utf16Column(line string, offset int) int {
	units := 1
	for _, r := range line[:min(offset, len(line))] {
		units += unitsOf(r)
	}
	return units
}

func unitsOf(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}
