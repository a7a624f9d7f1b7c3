package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// onStop registers a named step of Stop. Steps run last registered first, so a
// part registers its step at the moment it exists.
func (a *App) onStop(name string, stop func(context.Context) error) {
	a.stops = append(a.stops, step{name, stop})
}

type step struct {
	name string
	stop func(context.Context) error
}

// Stop drains and ends every part, last started first, and joins their errors.
// ctx bounds the whole; a part that has no time left is still told to stop.
// Stop is safe to call on an App whose Start failed, and more than once.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		a.draining.Store(true)
		var errs []error
		for _, s := range slices.Backward(a.stops) {
			if err := s.stop(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", s.name, err))
			}
		}
		a.stopErr = errors.Join(errs...)
	})
	return a.stopErr
}
