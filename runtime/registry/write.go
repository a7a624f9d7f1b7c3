package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/runtime/function"
)

// plan makes a write out of the function as it is; nil means that nothing is to be done.
type plan func(cur Record) (*edit, error)

// edit is a write being put together: the next record and what changed on the way.
type edit struct {
	kind    Kind
	by      string
	message string
	cur     Record
	next    Record
	version *NewVersion
	known   []function.Version // metadata at hand of versions that aliases name
	touched []string           // aliases
	points  int                // version that the state speaks of
	digest  string
	beside  any
	held    bool // live's spec and way stay as they are
}

// write reads the function, plans, commits, and brings index and followers up to
// date, alone. It plans anew where another node was faster.
func (r *Registry) write(ctx context.Context, name function.Name, p plan) (Record, error) {
	if err := acquire(ctx, r.writer); err != nil {
		return Record{}, err
	}
	defer release(r.writer)
	for attempt := 1; ; attempt++ {
		cur, err := r.current(ctx, name)
		if err != nil {
			return Record{}, err
		}
		e, err := p(cur)
		if err != nil {
			return Record{}, err
		}
		if e == nil {
			return cur, nil
		}
		next, err := r.commit(ctx, e)
		if errors.Is(err, ErrConflict) && attempt < maxAttempts {
			continue
		}
		return next, err
	}
}

func (r *Registry) current(ctx context.Context, name function.Name) (Record, error) {
	snap, err := r.cfg.Store.Load(ctx, name)
	if err != nil {
		return Record{}, fmt.Errorf("read function %s: %w", name, err)
	}
	if len(snap.Records) == 0 {
		return Record{Function: function.Function{Name: name}}, nil
	}
	return snap.Records[0], nil
}

func (r *Registry) commit(ctx context.Context, e *edit) (Record, error) {
	c, err := e.commit(r.now())
	if err != nil {
		return Record{}, err
	}
	// A caller that leaves must not leave the index behind the Store.
	cursor, err := r.cfg.Store.Commit(context.WithoutCancel(ctx), c)
	if err != nil {
		return Record{}, fmt.Errorf("write function %s: %w", e.next.Function.Name, err)
	}
	next := e.next
	next.Revision = cursor
	for i, a := range next.Function.Aliases {
		if slices.Contains(e.touched, a.Name) {
			next.Function.Aliases[i].Revision = cursor
		}
	}
	if cursor == r.seen+1 {
		r.seen = cursor
	}
	if r.adopt(next) {
		r.wake()
	}
	return next, nil
}

func (r *Registry) now() time.Time { return r.cfg.Now().UTC().Truncate(time.Microsecond) }

// begin copies what an edit changes; the record it starts from is shared.
func begin(cur Record, kind Kind, by, message string) *edit {
	next := cur
	next.Deleted = false
	next.Lived = slices.Clone(cur.Lived)
	next.Function.Aliases = slices.Clone(cur.Function.Aliases)
	return &edit{kind: kind, by: by, message: message, cur: cur, next: next, known: cur.Function.Versions}
}

// put sets an alias; every version it names is among e.known.
func (e *edit) put(a function.Alias) error {
	e.touched = append(e.touched, a.Name)
	f := &e.next.Function
	at, found := slices.BinarySearchFunc(f.Aliases, a.Name, func(x function.Alias, name string) int {
		return strings.Compare(x.Name, name)
	})
	var was function.Alias
	if found {
		was = f.Aliases[at]
	}
	a = a.Arranged(was)
	switch {
	case found:
		f.Aliases[at] = a
	case len(f.Aliases) >= MaxAliases:
		return fmt.Errorf("aliases of %s: %w: a function has at most %d", f.Name, ErrTooMany, MaxAliases)
	default:
		f.Aliases = slices.Insert(f.Aliases, at, a)
	}
	if a.Name != function.Live {
		return nil
	}
	if whole := a.Whole(); whole != 0 && !e.held {
		e.next.Lived = e.lived(whole)
		f.SpecOf = whole
		for _, v := range e.known {
			if v.ID.Version == whole {
				f.Spec = v.Manifest
			}
		}
	}
	return nil
}

// lived is the way that live came, now that it points at version whole. A
// rollback shortens it, so that rolling back again goes further back and never
// to what was rolled back from.
func (e *edit) lived(whole int) []int {
	way := e.next.Lived
	if len(way) > 0 && way[len(way)-1] == whole {
		return way
	}
	if e.kind == KindRolledBack && len(way) > 0 {
		for i := len(way) - 1; i >= 0; i-- {
			if way[i] == whole {
				return way[:i+1]
			}
		}
		way = way[:len(way)-1]
	}
	way = append(way, whole)
	return way[max(0, len(way)-maxLived):]
}

// commit finishes the edit.
func (e *edit) commit(now time.Time) (Commit, error) {
	f := &e.next.Function
	f.UpdatedAt, f.UpdatedBy = now, e.by
	f.Versions = named(f.Aliases, e.known)
	before, err := stateOf(e.cur.Function, 0, "", e.touched).encode()
	if err != nil {
		return Commit{}, err
	}
	after, err := stateOf(*f, e.points, e.digest, e.touched).encode()
	if err != nil {
		return Commit{}, err
	}
	c := Commit{
		Expect: e.cur.Revision, Next: e.next, Version: e.version,
		Change: Change{Kind: e.kind, Function: f.Name, By: e.by, Message: e.message, Before: before, After: after, Time: now},
		Beside: e.beside,
	}
	if e.next.Deleted {
		c.Change.After = jsonNull
		return c, nil
	}
	for _, name := range e.touched {
		if a, ok := f.Alias(name); ok {
			c.Aliases = append(c.Aliases, a)
		}
	}
	return c, nil
}

// named returns those of the versions that an alias names, by number.
func named(aliases []function.Alias, known []function.Version) []function.Version {
	wanted := make(map[int]bool)
	for _, a := range aliases {
		for _, w := range a.Weights {
			wanted[w.Version] = true
		}
	}
	var out []function.Version
	for _, v := range known {
		if wanted[v.ID.Version] {
			out = append(out, v)
			delete(wanted, v.ID.Version)
		}
	}
	slices.SortFunc(out, func(a, b function.Version) int { return a.ID.Version - b.ID.Version })
	return out
}

// Delete removes a function with its versions and aliases. Version numbers go on
// from where they were should it come again. It returns ErrNotFound.
func (r *Registry) Delete(ctx context.Context, by string, name function.Name) error {
	_, err := r.write(ctx, name, func(cur Record) (*edit, error) {
		if !cur.exists() {
			return nil, notFound(name)
		}
		e := begin(cur, KindDeleted, by, "")
		for _, a := range cur.Function.Aliases {
			e.touched = append(e.touched, a.Name)
		}
		e.next = Record{
			Function: function.Function{Name: name, Latest: cur.Function.Latest, CreatedAt: cur.Function.CreatedAt},
			Deleted:  true,
		}
		return e, nil
	})
	return err
}
