package main

import (
	"context"
	"fmt"
	"time"
)

// passPoll is between two looks at a pass.
const passPoll = 250 * time.Millisecond

// followed looks at a pass that was begun until it is over, and shows how far it is each
// time that this is another. see is the command that tells more.
func followed[T any](
	ctx context.Context, most time.Duration, see string, now T, again func(context.Context) (T, error), how func(T) (line string, over bool), show func(string),
) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	shown := ""
	for {
		line, over := how(now)
		if over {
			return now, nil
		}
		if line != shown {
			show(line)
			shown = line
		}
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("the pass is not over after %s; see %s", most, see)
		case <-time.After(passPoll):
		}
		var err error
		if now, err = again(ctx); err != nil {
			return now, err
		}
	}
}

// shower prints lines for whoever watches: on a terminal, and not before JSON.
func shower(std stdio, asJSON bool) func(string) {
	if asJSON || !std.Terminal {
		return func(string) {}
	}
	return func(line string) { fmt.Fprintln(std.Out, line) }
}

// later reports whether a pass ended after another one did.
func later(a, b *time.Time) bool { return a != nil && (b == nil || a.After(*b)) }
