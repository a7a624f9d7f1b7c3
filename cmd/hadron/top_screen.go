package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hadron/ui/client"
)

// screen is a terminal that is drawn on as a whole.
type screen interface {
	Size() (width, height int) // in letters
	Close() error              // gives the terminal back as it was
}

const (
	topRows   = 200 // functions that are asked for: more than a screen has
	firstWait = 500 * time.Millisecond
	mostWait  = 15 * time.Second
)

// top is the overview on a terminal.
type top struct {
	api    *client.Client
	std    stdio
	screen screen
	keys   <-chan rune

	look   topLook
	typing bool // keys go into the filter
	skip   int  // functions above the first line
	state  *topState
	heard  time.Time // the last message
	lost   error     // why there is no connection
}

// keysOf reads keys until there are no more. A read cannot be taken back, so that
// this may outlive its reader: until the next key, or the end of the process.
func keysOf(in io.Reader) <-chan rune {
	keys := make(chan rune)
	go func() {
		defer close(keys)
		r := bufio.NewReader(in)
		for {
			key, _, err := r.ReadRune()
			if err != nil {
				return
			}
			if key == '\x1b' && r.Buffered() >= 2 { // an arrow is three bytes
				if next, _ := r.Peek(2); next[0] == '[' {
					_, _ = r.Discard(2)
					key = map[byte]rune{'A': 'k', 'B': 'j', 'C': 's', 'D': 'S'}[next[1]]
				}
			}
			keys <- key
		}
	}()
	return keys
}

// errQuit is the wish to leave.
var errQuit = errors.New("quit")

// run draws until q is pressed or ctx ends. A connection that is lost comes back by itself.
func (t *top) run(ctx context.Context) error {
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		page, counts := t.look.topics(topRows)
		if t.state == nil || t.state.page != page {
			t.state = newTopState(page, counts)
		}
		before := t.heard
		err := t.watch(ctx)
		var bye *client.Closed
		switch {
		case errors.Is(err, errQuit), ctx.Err() != nil:
			return nil //nolint:nilerr // whoever leaves, or interrupts, has seen what there was
		case t.heard.IsZero(), errors.As(err, &bye) && !bye.Retry(), client.Code(err) == "unauthorized":
			return err // it never worked, or never will
		}
		if t.heard.After(before) {
			wait = firstWait
		}
		t.lost = err
		if t.pause(ctx, wait) != nil {
			return nil //nolint:nilerr // whoever leaves while there is no connection leaves all the same
		}
	}
}

// pause waits before the next attempt; keys go on working.
func (t *top) pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		t.draw()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			return nil
		case key, more := <-t.keys:
			if _, err := t.press(key, more); err != nil {
				return err
			}
		}
	}
}

// watch shows what one connection brings.
func (t *top) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live, err := t.api.Live(ctx, t.state.counts, t.state.page)
	if err != nil {
		return err
	}
	messages, failed, done := make(chan client.Message), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, err := live.Next(ctx)
			if err != nil {
				failed <- err
				return
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() {
		cancel()
		_ = live.Close()
		<-done
	}()
	t.lost = nil
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		t.draw()
		select {
		case m := <-messages:
			t.heard = time.Now()
			if err := t.state.apply(m); err != nil {
				return err
			}
		case err := <-failed:
			return err
		case <-tick.C: // ages, and the size of the terminal
		case <-ctx.Done():
			return context.Cause(ctx)
		case key, more := <-t.keys:
			again, err := t.press(key, more)
			if err != nil {
				return err
			}
			if again {
				if err := t.ask(live); err != nil {
					return err
				}
			}
		}
	}
}

// ask looks at something else on the same connection.
func (t *top) ask(live *client.Live) error {
	page, counts := t.look.topics(topRows)
	old := t.state
	if page == old.page {
		return nil
	}
	t.state = newTopState(page, counts)
	errs := []error{live.Unsubscribe(old.page), live.Subscribe(page, nil)}
	if counts != old.counts {
		errs = append(errs, live.Unsubscribe(old.counts), live.Subscribe(counts, nil))
	} else {
		t.state.summary = old.summary
	}
	return errors.Join(errs...)
}

// press takes a key, and reports whether something else is looked at now.
func (t *top) press(key rune, more bool) (again bool, err error) {
	if !more || key == 3 { // ^C: a raw terminal sends no signal
		return false, errQuit
	}
	if t.typing {
		return t.typed(key), nil
	}
	_, height := t.screen.Size()
	switch key {
	case 'q', 'Q':
		return false, errQuit
	case '/':
		t.typing, t.look.query = true, ""
	case 's', 'S':
		at := slices.Index(topSorts, t.look.sort)
		if key == 's' {
			at++
		} else {
			at += len(topSorts) - 1
		}
		t.look.sort, t.skip = topSorts[at%len(topSorts)], 0
		return true, nil
	case 'a':
		t.look.state, t.skip = map[string]string{"": "failing,degraded"}[t.look.state], 0
		return true, nil
	case 'j':
		t.skip++
	case 'k':
		t.skip--
	case ' ':
		t.skip += max(1, height/2)
	case 'g':
		t.skip = 0
	}
	t.skip = min(max(0, t.skip), max(0, len(t.state.items)-1))
	return false, nil
}

// typed takes a letter of the filter.
func (t *top) typed(key rune) bool {
	switch {
	case key == '\r' || key == '\n':
		t.typing = false
		return false
	case key == '\x1b':
		t.typing, t.look.query = false, ""
	case key == 0x7f || key == '\b':
		runes := []rune(t.look.query)
		t.look.query = string(runes[:max(0, len(runes)-1)])
	case key >= ' ' && len(t.look.query) < 100:
		t.look.query += string(key)
	}
	t.skip = 0
	return true
}

// draw paints the whole screen in one write, so that it does not flicker.
func (t *top) draw() {
	width, height := t.screen.Size()
	width, height = max(20, width), max(4, height)
	lines := []string{"", "waiting for the server …"}
	if t.state.whole() {
		rows := t.state.rows(t.look.sort)
		lines = topLines(topList{Summary: *t.state.summary, Total: t.state.total, Items: rows[min(t.skip, len(rows)):]}, colourStyle, width)
		if len(rows) == 0 {
			lines = append(lines, "No function fits.")
		}
	}
	if len(lines) > height-1 {
		lines = lines[:height-1]
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for _, line := range lines {
		b.WriteString(line + "\x1b[K\r\n")
	}
	b.WriteString("\x1b[J")
	fmt.Fprintf(&b, "\x1b[%d;1H%s\x1b[K", height, clipLine(t.foot(), width))
	_, _ = io.WriteString(t.std.Out, b.String()) // a terminal that is gone ends the keys, too
}

// foot says what is shown, how old it is, and which keys there are.
func (t *top) foot() string {
	if t.typing {
		return "filter: " + plain(t.look.query) + "▏ enter keeps it, esc clears it"
	}
	var what []string
	if t.lost != nil {
		what = append(what, colourStyle("lost", " connection lost ")+" values are "+ageText(time.Since(t.heard))+" old, trying again")
	}
	what = append(what, "by "+t.look.sort)
	for _, part := range []struct{ name, value string }{{"in", t.look.scope}, {"only", t.look.state}, {"filter", t.look.query}} {
		if part.value != "" {
			what = append(what, part.name+" "+plain(part.value))
		}
	}
	return strings.Join(what, " · ") + colourStyle("head", "   q quit  s sort  / filter  a attention  j k space scroll")
}
