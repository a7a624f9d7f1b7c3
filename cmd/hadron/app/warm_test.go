package app

import (
	"context"
	"log/slog"
	"testing"

	"hadron/runtime/function"
)

// Large versions that live points at are warmed when they change, and no others.
func TestWarmer(t *testing.T) {
	warmed := make(chan function.ID, 10)
	w := newWarmer(func(_ context.Context, id function.ID) error {
		warmed <- id
		return nil
	}, slog.New(slog.DiscardHandler))
	named := func(name function.Name, size int, alias string) function.Function {
		id := function.ID{Name: name, Version: 1}
		return function.Function{
			Name:     name,
			Aliases:  []function.Alias{{Name: alias, Weights: []function.Weight{{Version: 1, Weight: 1}}}},
			Versions: []function.Version{{ID: id, Size: size}},
		}
	}
	w.Apply(named("t/p/before", warmFrom, function.Live))
	w.start()
	w.Apply(named("t/p/small", warmFrom-1, function.Live))
	w.Apply(named("t/p/beta", warmFrom, "beta"))
	w.Apply(named("t/p/large", warmFrom, function.Live))
	if id := <-warmed; id.Name != "t/p/large" {
		t.Errorf("%s was warmed", id)
	}
	if err := w.stop(t.Context()); err != nil || len(warmed) != 0 {
		t.Errorf("%v, %d more warmed", err, len(warmed))
	}
}
