package engine

import "sync"

// maxIdleRunners bounds the goroutines kept for the next invocation.
const maxIdleRunners = 256

// runners are goroutines that run VMs. They are kept, because a VM grows its
// goroutine's stack and a fresh goroutine would have to grow it again.
type runners struct {
	mu     sync.Mutex
	idle   []*runner
	closed bool
	alive  sync.WaitGroup
}

type runner struct{ work chan func() }

// run starts fn on a goroutine that is not the caller's.
func (rs *runners) run(fn func()) {
	rs.mu.Lock()
	if n := len(rs.idle); n > 0 {
		r := rs.idle[n-1]
		rs.idle = rs.idle[:n-1]
		rs.mu.Unlock()
		r.work <- fn
		return
	}
	rs.alive.Add(1)
	rs.mu.Unlock()
	r := &runner{work: make(chan func(), 1)}
	r.work <- fn
	go rs.loop(r)
}

func (rs *runners) loop(r *runner) {
	defer rs.alive.Done()
	for fn := range r.work {
		fn()
		if !rs.park(r) {
			return
		}
	}
}

// park keeps a runner for later, and reports whether it is wanted.
func (rs *runners) park(r *runner) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed || len(rs.idle) >= maxIdleRunners {
		return false
	}
	rs.idle = append(rs.idle, r)
	return true
}

// close ends the idle runners; busy ones end after their work.
func (rs *runners) close() {
	rs.mu.Lock()
	rs.closed = true
	idle := rs.idle
	rs.idle = nil
	rs.mu.Unlock()
	for _, r := range idle {
		close(r.work)
	}
}
