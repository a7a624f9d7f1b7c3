package engine

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"hadron/runtime/function"
)

var (
	errNodeFull     = errors.New("all VMs of this node are busy")
	errFunctionFull = errors.New("all VMs that this function may have are busy")
)

// idleFor is how long a VM is kept that nobody calls.
const idleFor = 10 * time.Minute

// pool holds the VMs of all versions within one bound. Each version has its own:
// a VM never serves two.
type pool struct {
	most     int
	waitMost int
	queue    time.Duration

	mu      sync.Mutex
	live    int
	homes   map[function.ID]*home
	all     map[*isolate]struct{}
	idle    *list.List // of *isolate, most recently used in front
	waiting *list.List // of *waiter, first come in front
	closed  bool
}

// home is the part of the pool that belongs to one version.
type home struct {
	id   function.ID
	most int
	live int
	idle []*isolate // a stack: the warmest on top
}

type waiter struct {
	home *home
	got  chan *isolate // nil: make one
}

func newPool(cfg Config) *pool {
	return &pool{
		most: cfg.MaxVMs, waitMost: cfg.MaxWaiting, queue: cfg.MaxQueue,
		homes: map[function.ID]*home{}, all: map[*isolate]struct{}{}, idle: list.New(), waiting: list.New(),
	}
}

func (p *pool) home(prog *program) *home {
	h := p.homes[prog.id]
	if h == nil {
		// Background work holds VMs beyond the calls that the gateway admits.
		h = &home{id: prog.id, most: 2*prog.bounds.Concurrency + 8}
		p.homes[prog.id] = h
	}
	return h
}

// acquire returns an idle VM of the version, or its home and no VM: then the caller
// makes one. It waits where all are busy. What it returns goes back with release.
func (p *pool) acquire(ctx context.Context, prog *program) (*isolate, *home, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, nil, ErrClosed
	}
	h := p.home(prog)
	if n := len(h.idle); n > 0 {
		v := h.idle[n-1]
		p.unpark(v)
		p.mu.Unlock()
		return v, h, nil
	}
	if p.room(h) {
		p.live++
		h.live++
		p.mu.Unlock()
		return nil, h, nil
	}
	full := errNodeFull
	if h.live >= h.most {
		full = errFunctionFull
	}
	if p.waiting.Len() >= p.waitMost {
		p.mu.Unlock()
		return nil, nil, full
	}
	w := &waiter{home: h, got: make(chan *isolate, 1)}
	el := p.waiting.PushBack(w)
	p.mu.Unlock()
	timeout := time.NewTimer(min(p.queue, time.Duration(prog.bounds.Queue)))
	defer timeout.Stop()
	var err error
	select {
	case v, ok := <-w.got:
		if !ok {
			return nil, nil, ErrClosed
		}
		return v, h, nil
	case <-timeout.C:
		err = full
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case v, ok := <-w.got: // it came at the same moment
		if ok {
			return v, h, nil
		}
		return nil, nil, ErrClosed
	default:
	}
	p.waiting.Remove(el)
	return nil, nil, err
}

// room makes place for one more VM of h, at the cost of one that is idle.
func (p *pool) room(h *home) bool {
	if h.live >= h.most {
		return false
	}
	if p.live < p.most {
		return true
	}
	if last := p.idle.Back(); last != nil {
		p.discard(last.Value.(*isolate))
		return true
	}
	return false
}

// discard forgets an idle VM.
func (p *pool) discard(v *isolate) {
	p.unpark(v)
	delete(p.all, v)
	p.live--
	v.home.live--
	p.tidy(v.home)
}

// tidy forgets a home that nobody lives in.
func (p *pool) tidy(h *home) {
	if h.live == 0 && p.homes[h.id] == h {
		delete(p.homes, h.id)
	}
}

func (p *pool) unpark(v *isolate) {
	p.idle.Remove(v.parked)
	v.parked = nil
	for i := len(v.home.idle) - 1; i >= 0; i-- {
		if v.home.idle[i] == v {
			v.home.idle = append(v.home.idle[:i], v.home.idle[i+1:]...)
			return
		}
	}
}

// release takes back what acquire gave. A VM that cannot be used again is
// forgotten.
func (p *pool) release(v *isolate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := !v.spent() && !p.closed && p.homes[v.home.id] == v.home
	if keep {
		if w := p.next(func(w *waiter) bool { return w.home == v.home }); w != nil {
			w.got <- v
			return
		}
		v.since = time.Now()
		v.parked = p.idle.PushFront(v)
		v.home.idle = append(v.home.idle, v)
	} else {
		delete(p.all, v)
		p.live--
		v.home.live--
	}
	for last := p.idle.Back(); last != nil && time.Since(last.Value.(*isolate).since) > idleFor; last = p.idle.Back() {
		p.discard(last.Value.(*isolate))
	}
	if w := p.next(func(w *waiter) bool { return p.room(w.home) }); w != nil {
		p.live++
		w.home.live++
		w.got <- nil
	}
	p.tidy(v.home)
}

// next takes the first waiter that fits.
func (p *pool) next(fits func(*waiter) bool) *waiter {
	for el := p.waiting.Front(); el != nil; el = el.Next() {
		if w := el.Value.(*waiter); fits(w) {
			p.waiting.Remove(el)
			return w
		}
	}
	return nil
}

func (p *pool) idleOf(id function.ID) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.homes[id]; h != nil {
		return len(h.idle)
	}
	return 0
}

func (p *pool) drop(name function.Name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, h := range p.homes {
		if id.Name != name {
			continue
		}
		for len(h.idle) > 0 {
			p.discard(h.idle[0])
		}
		delete(p.homes, id)
	}
}

// renew forgets the VMs of the versions that match, as drop does.
func (p *pool) renew(match func(function.ID) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, h := range p.homes {
		if !match(id) {
			continue
		}
		for len(h.idle) > 0 {
			p.discard(h.idle[0])
		}
		delete(p.homes, id)
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for el := p.idle.Front(); el != nil; el = p.idle.Front() {
		p.discard(el.Value.(*isolate))
	}
	for el := p.waiting.Front(); el != nil; el = el.Next() {
		close(el.Value.(*waiter).got)
	}
	p.waiting.Init()
}

// settle takes a new VM in at the home that acquire gave.
func (p *pool) settle(v *isolate, h *home) *isolate {
	p.mu.Lock()
	defer p.mu.Unlock()
	v.home = h
	p.all[v] = struct{}{}
	return v
}

// each calls fn for all VMs alive, which must not call back.
func (p *pool) each(fn func(*isolate)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for v := range p.all {
		fn(v)
	}
}

// busy returns how many VMs are not idle.
func (p *pool) busy() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live - p.idle.Len()
}

// trim forgets all idle VMs and returns how many those were.
func (p *pool) trim() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.idle.Len()
	for last := p.idle.Back(); last != nil; last = p.idle.Back() {
		p.discard(last.Value.(*isolate))
	}
	return n
}

// count returns how many VMs live, how many of them are idle, and who waits.
func (p *pool) count() (live, idle, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live, p.idle.Len(), p.waiting.Len()
}
