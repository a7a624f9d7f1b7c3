package registry

import (
	"context"
	"fmt"
	"sync"

	"hadron/runtime/function"
)

// Follower is kept in step with the index: it is told of each function in the
// order of commits, by one goroutine at a time, before the write returns. Its
// methods must not write to the registry nor call Follow.
type Follower interface {
	Apply(f function.Function)
	Remove(name function.Name)
}

// Follow adds a follower and tells it of every function that is there.
func (r *Registry) Follow(f Follower) {
	r.writer <- struct{}{}
	defer release(r.writer)
	r.followers = append(r.followers, f)
	if r.started {
		for _, fn := range r.index.every() {
			f.Apply(*fn)
		}
	}
}

// Wake returns a channel that gets a value after changes: look again. It has one
// slot and carries nothing. It is not closed; cancel ends it.
func (r *Registry) Wake() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	r.wakeMu.Lock()
	defer r.wakeMu.Unlock()
	r.wakes[ch] = struct{}{}
	var once sync.Once
	return ch, func() {
		once.Do(func() {
			r.wakeMu.Lock()
			defer r.wakeMu.Unlock()
			delete(r.wakes, ch)
		})
	}
}

// Nudge wakes everybody who waits for changes, for one that the index does not hold,
// such as a team's settings.
func (r *Registry) Nudge() { r.wake() }

func (r *Registry) wake() {
	r.wakeMu.Lock()
	defer r.wakeMu.Unlock()
	for ch := range r.wakes {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Sync takes over what other nodes wrote to the Store since the last look. What
// it has taken over stays so when it fails half way.
func (r *Registry) Sync(ctx context.Context) error {
	if err := acquire(ctx, r.writer); err != nil {
		return err
	}
	defer release(r.writer)
	changed := false
	defer func() {
		if changed {
			r.wake()
		}
	}()
	for {
		changes, err := r.cfg.Store.Changes(ctx, ChangeFilter{After: r.seen, Limit: MaxPage})
		if err != nil {
			return fmt.Errorf("sync function index: %w", err)
		}
		if len(changes) == 0 {
			return nil
		}
		names := make(map[function.Name]struct{}, len(changes))
		var list []function.Name
		for _, c := range changes {
			if _, twice := names[c.Function]; !twice {
				names[c.Function] = struct{}{}
				list = append(list, c.Function)
			}
		}
		snap, err := r.cfg.Store.Load(ctx, list...)
		if err != nil {
			return fmt.Errorf("sync function index: %w", err)
		}
		for _, rec := range snap.Records {
			changed = r.adopt(rec) || changed
		}
		for _, c := range changes {
			r.forget(c.Function, c.removed())
		}
		r.seen = changes[len(changes)-1].Cursor
	}
}

// adopt puts a record into the index and tells the followers, unless it is known.
func (r *Registry) adopt(rec Record) bool {
	name := rec.Function.Name
	if rec.Deleted {
		if !r.index.remove(name) {
			return false
		}
		r.cache.drop(name)
		for _, f := range r.followers {
			f.Remove(name)
		}
		return true
	}
	if known, ok := r.index.get(name); ok && known.Revision >= rec.Revision {
		return false
	}
	r.index.put(rec)
	r.tellApply(rec.Function)
	return true
}

func (r *Registry) tellApply(fn function.Function) {
	for _, f := range r.followers {
		f.Apply(fn)
	}
}
