package gateway

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hadron/runtime/function"
)

const (
	missTTL     = time.Second // how long a reference that named nothing is not asked again
	resolveWait = 2 * time.Second
	resolvers   = 16 // questions at once, so that callers cannot flood the store
)

// resolver remembers versions that no alias names. What it found stays true as long
// as the route lives, since versions are immutable, or until retention removes it;
// what it did not find is asked
// again once the function changed or missTTL passed.
type resolver struct {
	resolve func(context.Context, function.Ref) (function.Version, error)
	most    int
	slots   chan struct{}

	mu    sync.Mutex
	known map[resolveKey]*list.Element
	order *list.List // of *resolution, most recently used first
}

// resolveKey holds the route and not its name, so that a function made anew under
// an old name starts empty.
type resolveKey struct {
	route *route
	ref   string
}

type resolution struct {
	key     resolveKey
	version *version // nil: none
	missed  error    // of a miss: ErrNotFound, or a *RemovedError
	state   *state   // of a miss: the state it is true of
	until   time.Time
}

func newResolver(resolve func(context.Context, function.Ref) (function.Version, error), most int) *resolver {
	return &resolver{
		resolve: resolve, most: most, slots: make(chan struct{}, resolvers),
		known: map[resolveKey]*list.Element{}, order: list.New(),
	}
}

// find returns the version that ref names beyond the state's own. Its error is
// ErrNotFound, or another where the store could not say.
func (r *resolver) find(ctx context.Context, rt *route, s *state, ref function.Ref) (*version, error) {
	if r.resolve == nil || ref.Version > s.latest {
		return nil, ErrNotFound
	}
	k := resolveKey{rt, ref.String()}
	if got, ok := r.get(k, s); ok {
		if got.version == nil {
			return nil, got.missed
		}
		if v := s.version(got.version.meta.ID.Version); v != nil {
			return v, nil // an alias names it by now
		}
		return got.version, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, resolveWait, errors.New("the function index did not answer in time"))
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("resolve %s: %w", ref, context.Cause(ctx))
	}
	meta, err := r.resolve(ctx, ref)
	switch {
	case errors.Is(err, ErrNotFound):
		missed := ErrNotFound
		if removed := (*RemovedError)(nil); errors.As(err, &removed) {
			missed = removed
		}
		r.put(&resolution{key: k, missed: missed, state: s, until: time.Now().Add(missTTL)})
		return nil, missed
	case err != nil:
		return nil, fmt.Errorf("resolve %s: %w", ref, err)
	}
	if v := s.version(meta.ID.Version); v != nil {
		return v, nil
	}
	// Two references can name one version; its count must be one.
	byNumber := resolveKey{rt, function.Ref{Name: ref.Name, Version: meta.ID.Version}.String()}
	v := r.put(&resolution{key: byNumber, version: newVersion(&meta)})
	return r.put(&resolution{key: k, version: v}), nil
}

func (r *resolver) get(k resolveKey, s *state) (*resolution, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.known[k]
	if !ok {
		return nil, false
	}
	got := e.Value.(*resolution)
	if got.version == nil && (got.state != s || time.Now().After(got.until)) {
		return nil, false
	}
	r.order.MoveToFront(e)
	return got, true
}

// forget drops what is remembered of versions that are gone.
func (r *resolver) forget(name function.Name, gone []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, e := range r.known {
		if v := e.Value.(*resolution).version; k.route.name == name && v != nil && slices.Contains(gone, v.meta.ID.Version) {
			r.order.Remove(e)
			delete(r.known, k)
		}
	}
}

// put remembers res and returns the version to use: one that another goroutine
// remembered first stays.
func (r *resolver) put(res *resolution) *version {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.known[res.key]; ok {
		r.order.MoveToFront(e)
		if before := e.Value.(*resolution); before.version != nil {
			return before.version
		}
		e.Value = res
		return res.version
	}
	r.known[res.key] = r.order.PushFront(res)
	for r.order.Len() > r.most {
		oldest := r.order.Back()
		r.order.Remove(oldest)
		delete(r.known, oldest.Value.(*resolution).key)
	}
	return res.version
}
