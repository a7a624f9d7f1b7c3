package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Profile samples the JavaScript of a function for as long as d, in the worker that
// runs it now, and returns a gzipped pprof profile. Version 0 means all versions.
func (p *Pool) Profile(ctx context.Context, id function.ID, d time.Duration) ([]byte, error) {
	if !p.enter() {
		return nil, ErrClosed
	}
	defer p.calls.Done()
	at, err := p.placeOf(id)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", id, err)
	}
	until := time.Now().Add(d)
	w := p.at(at)
	for ; w == nil; w = p.at(at) { // it has no worker, so it runs nothing yet
		if time.Now().After(until) || !p.pauseFor(ctx, 20*time.Millisecond) {
			return nil, fmt.Errorf("profile %s: %w", id, cmp.Or(context.Cause(ctx), invocation.ErrNoSamples))
		}
	}
	d = time.Until(until)
	payload := appendUint(appendText(nil, string(id.Name)), uint64(max(0, id.Version)))
	answer, forget, err := w.ask(kindProfile, appendDuration(payload, d))
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", id, err)
	}
	defer forget()
	select {
	case f, ok := <-answer:
		switch {
		case !ok:
			return nil, fmt.Errorf("profile %s: %w", id, errNoAnswer)
		case f.kind == kindProfiled:
			return f.data, nil
		}
		return nil, fmt.Errorf("profile %s: %w", id, profileError(clip(string(f.data), invocation.MaxMessage)))
	case <-ctx.Done():
		return nil, fmt.Errorf("profile %s: %w", id, context.Cause(ctx))
	}
}

// profile takes PROFILE, in the worker.
func (c *child) profile(f frame) error {
	cur := cursor{s: string(f.data)}
	id := function.ID{Name: function.Name(cur.text()), Version: cur.small()}
	d := cur.duration()
	if err := cur.end(); err != nil {
		return err
	}
	number := f.stream
	go func() {
		data, err := c.engine.Profile(c.over, id, d)
		if err != nil {
			c.out.send(kindRefused, number, []byte(clip(profileText(err), invocation.MaxMessage)))
			return
		}
		c.out.send(kindProfiled, number, data)
	}()
	return nil
}

// The errors of a profile that callers know, as they cross.
var profileErrors = []error{invocation.ErrProfiling, invocation.ErrNoSamples}

func profileText(err error) string {
	for _, known := range profileErrors {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

func profileError(text string) error {
	for _, known := range profileErrors {
		if text == known.Error() {
			return known
		}
	}
	return errors.New(text)
}
