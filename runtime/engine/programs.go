package engine

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"hadron/runtime/function"
)

// programs keeps compiled versions, least recently used out first.
type programs struct {
	load func(ctx context.Context, id function.ID) (*program, error)
	run  func(ctx context.Context, fn func(ctx context.Context)) // off the caller's goroutine, as long as the engine lives
	most int
	mu   sync.Mutex
	by   map[function.ID]*list.Element // of *loading
	used *list.List                    // most recent in front
}

type loading struct {
	id    function.ID
	ready chan struct{}
	prog  *program
	err   error
}

func newPrograms(cfg Config, counts *recorder, run func(context.Context, func(context.Context))) *programs {
	ps := &programs{most: cfg.MaxPrograms, run: run, by: map[function.ID]*list.Element{}, used: list.New()}
	ps.load = func(ctx context.Context, id function.ID) (*program, error) {
		bundle, err := cfg.Bundle(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("load bundle: %w", err)
		}
		p, err := newProgram(id, bundle)
		if err == nil {
			p.measures = counts.of(id)
		}
		return p, err
	}
	return ps
}

// get returns a compiled version, compiling it once for all who ask at a time. A
// failure is not kept: the store may be back next time.
func (ps *programs) get(ctx context.Context, id function.ID) (*program, error) {
	ps.mu.Lock()
	if el, ok := ps.by[id]; ok {
		ps.used.MoveToFront(el)
		l := el.Value.(*loading)
		ps.mu.Unlock()
		select {
		case <-l.ready:
			return l.prog, l.err
		default:
		}
		select {
		case <-l.ready:
			return l.prog, l.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	l := &loading{id: id, ready: make(chan struct{})}
	el := ps.used.PushFront(l)
	ps.by[id] = el
	for ps.used.Len() > ps.most {
		last := ps.used.Back()
		delete(ps.by, last.Value.(*loading).id)
		ps.used.Remove(last)
	}
	ps.mu.Unlock()
	// The work is for all who wait: it outlives the one who came first.
	ps.run(ctx, func(ctx context.Context) {
		defer close(l.ready)
		l.err = errors.New("load bundle: the platform failed") // stays where the load panics
		defer func() {
			if l.err != nil {
				ps.forget(id, el)
			}
		}()
		l.prog, l.err = ps.load(ctx, id)
	})
	select {
	case <-l.ready:
		return l.prog, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (ps *programs) forget(id function.ID, el *list.Element) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.by[id] == el {
		delete(ps.by, id)
		ps.used.Remove(el)
	}
}

func (ps *programs) drop(name function.Name) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for id, el := range ps.by {
		if id.Name == name {
			delete(ps.by, id)
			ps.used.Remove(el)
		}
	}
}

func (ps *programs) count() int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return len(ps.by)
}
