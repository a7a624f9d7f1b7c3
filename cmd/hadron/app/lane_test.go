package app

import (
	"context"
	"errors"
	"testing"
)

func TestLaneDoesOnePieceAfterAnother(t *testing.T) {
	l := newLane()
	held, let := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		first <- l.run(t.Context(), func() {
			close(held)
			<-let
		})
	}()
	<-held
	cause := errors.New("nobody waits any more")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := l.run(ctx, func() { t.Error("two at once") }); !errors.Is(err, cause) {
		t.Errorf("whoever no longer waits is told %v", err)
	}
	close(let)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := l.close(t.Context()); err != nil {
		t.Error(err)
	}
	done := false
	if err := l.run(t.Context(), func() { done = true }); err != nil || !done {
		t.Errorf("a closed lane: done %t, %v", done, err)
	}
}

func TestLanePassesOnWhatPanics(t *testing.T) {
	l := newLane()
	defer func() { _ = l.close(t.Context()) }()
	func() {
		defer func() {
			if problem := recover(); problem != "broken" {
				t.Errorf("panicked with %v", problem)
			}
		}()
		_ = l.run(t.Context(), func() { panic("broken") })
		t.Error("went on")
	}()
	done := false
	if err := l.run(t.Context(), func() { done = true }); err != nil || !done {
		t.Errorf("afterwards: done %t, %v", done, err)
	}
}
