package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// spares are VMs of no version, made before anybody needs one, with what most
// functions use in place. Nothing of a function has run in them: the version that takes
// one keeps it until its end. Who took one is answered before another is made.
type spares struct {
	missing atomic.Int64 // how many are to be made
	mu      sync.Mutex
	idle    []*isolate
	closed  bool
}

// take returns a spare, or nil.
func (s *spares) take() *isolate {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	v := s.idle[n-1]
	s.idle[n-1] = nil
	s.idle = s.idle[:n-1]
	s.missing.Add(1)
	return v
}

func (s *spares) add(v *isolate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.idle = append(s.idle, v)
	}
}

func (s *spares) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.idle)
}

// claim takes it on to make one that is missing.
func (s *spares) claim() bool {
	for {
		n := s.missing.Load()
		if n <= 0 {
			return false
		}
		if s.missing.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

func (s *spares) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.idle = true, nil
}

// refill makes the spares that are missing, on the goroutine of a call that is over.
func (e *Engine) refill() {
	if e.spares.missing.Load() <= 0 || !e.begin() {
		return
	}
	defer e.live.Done()
	for e.spares.claim() {
		runtime.Gosched() // whoever waits for the answer goes first
		e.contained("making a spare VM", func() {
			v := newIsolate(e, nil)
			if err := v.prepare(); err != nil {
				e.log.Error("a spare VM cannot be made", "error", err) // the next call makes its own, and says why
				return
			}
			e.spares.add(v)
		})
	}
}

// vm is a VM for a version: a spare where there is one, else it is made when it is
// warmed.
func (e *Engine) vm(p *program) *isolate {
	v := e.spares.take()
	if v == nil {
		v = newIsolate(e, nil)
	}
	v.prog = p
	return v
}

// prepare builds a VM with what most functions need.
func (v *isolate) prepare() error {
	if err := v.blank(); err != nil {
		return err
	}
	if ex := v.rt.Try(v.realm.Prepare); ex != nil {
		return ex
	}
	return v.guards.err
}
