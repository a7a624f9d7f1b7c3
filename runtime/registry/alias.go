package registry

import (
	"context"
	"fmt"
	"slices"

	"hadron/runtime/function"
)

const wholeWeight = 100

// PutAlias sets an alias and returns it as stored; setting what is there already
// writes nothing. With ifMatch, the alias must be there with that revision, else
// ErrStale. Other errors: ErrNotFound, ErrVersionNotFound, ErrTooMany, function.ErrAlias.
func (r *Registry) PutAlias(ctx context.Context, by string, name function.Name, alias function.Alias, ifMatch *int64) (function.Alias, error) {
	if err := alias.Validate(); err != nil {
		return function.Alias{}, err
	}
	alias.Weights = slices.Clone(alias.Weights)
	rec, err := r.write(ctx, name, func(cur Record) (*edit, error) {
		if !cur.exists() {
			return nil, notFound(name)
		}
		old, had := cur.Function.Alias(alias.Name)
		if ifMatch != nil && (!had || old.Revision != *ifMatch) {
			return nil, fmt.Errorf("%s@%s: %w", name, alias.Name, ErrStale)
		}
		if had && slices.Equal(old.Weights, alias.Weights) && old.Sticky == alias.Sticky {
			return nil, nil
		}
		return r.repoint(ctx, begin(cur, KindRepointed, by, ""), alias)
	})
	if err != nil {
		return function.Alias{}, err
	}
	stored, _ := rec.Function.Alias(alias.Name)
	return stored, nil
}

// Alias returns one alias, ErrNotFound or ErrAliasNotFound.
func (r *Registry) Alias(_ context.Context, name function.Name, alias string) (function.Alias, error) {
	rec, ok := r.index.get(name)
	if !ok {
		return function.Alias{}, notFound(name)
	}
	a, ok := rec.Function.Alias(alias)
	if !ok {
		return function.Alias{}, fmt.Errorf("%s@%s: %w", name, alias, ErrAliasNotFound)
	}
	return a, nil
}

// Rollback points live whole at a version and returns it with the version that
// live last pointed at whole. Version 0 means the previous: while traffic is
// split, the version from before the split, else the one that live pointed at
// whole before, going further back each time. Errors: ErrNotFound,
// ErrVersionNotFound, ErrNoPrevious.
func (r *Registry) Rollback(ctx context.Context, by string, name function.Name, version int) (live function.Alias, from int, err error) {
	rec, err := r.write(ctx, name, func(cur Record) (*edit, error) {
		if !cur.exists() {
			return nil, notFound(name)
		}
		old, _ := cur.Function.Alias(function.Live)
		from = cur.Function.SpecOf
		to := version
		if to == 0 {
			to = previous(cur, old)
		}
		if to == 0 {
			return nil, fmt.Errorf("roll back %s: %w", name, ErrNoPrevious)
		}
		if old.Whole() == to {
			return nil, nil
		}
		next := function.Alias{Name: function.Live, Weights: whole(to), Sticky: old.Sticky}
		return r.repoint(ctx, begin(cur, KindRolledBack, by, ""), next)
	})
	if err != nil {
		return function.Alias{}, 0, err
	}
	live, _ = rec.Function.Alias(function.Live)
	return live, from, nil
}

func previous(cur Record, live function.Alias) int {
	last := len(cur.Lived) - 1
	switch {
	case last >= 0 && live.Whole() != cur.Lived[last]:
		return cur.Lived[last]
	case last >= 1:
		return cur.Lived[last-1]
	}
	return 0
}

func whole(version int) []function.Weight {
	return []function.Weight{{Version: version, Weight: wholeWeight}}
}

// repoint adds to the edit that the alias is set, having read the versions it names.
func (r *Registry) repoint(ctx context.Context, e *edit, alias function.Alias) (*edit, error) {
	e.known = slices.Clone(e.known)
	for _, w := range alias.Weights {
		v, err := kept(r.version(ctx, e.cur.Function, w.Version))
		if err != nil {
			return nil, err
		}
		e.known = append(e.known, v)
	}
	if e.points = alias.Whole(); e.points != 0 {
		e.digest = digestOf(e.known, e.points)
	}
	return e, e.put(alias)
}

func digestOf(versions []function.Version, number int) string {
	for _, v := range versions {
		if v.ID.Version == number {
			return v.Digest
		}
	}
	return ""
}
