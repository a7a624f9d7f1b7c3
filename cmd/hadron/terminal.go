package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// terminal is the screen of a person: letters come one by one, and what was there
// before is there again when it is closed.
type terminal struct {
	in, out int
	w       io.Writer
	before  *term.State
}

// openTerminal takes the terminal over.
func openTerminal(in, out *os.File) func() (screen, error) {
	return func() (screen, error) {
		t := &terminal{in: int(in.Fd()), out: int(out.Fd()), w: out}
		if !term.IsTerminal(t.in) {
			return nil, errors.New("keys cannot be read: standard input is no terminal; --once prints once")
		}
		var err error
		if t.before, err = term.MakeRaw(t.in); err != nil {
			return nil, fmt.Errorf("read keys one by one: %w", err)
		}
		_, err = io.WriteString(out, "\x1b[?1049h\x1b[?25l") // another screen, no cursor
		return t, err
	}
}

// Size implements screen.
func (t *terminal) Size() (width, height int) {
	width, height, err := term.GetSize(t.out)
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// Close implements screen.
func (t *terminal) Close() error {
	_, err := io.WriteString(t.w, "\x1b[?25h\x1b[?1049l")
	return errors.Join(err, term.Restore(t.in, t.before))
}
