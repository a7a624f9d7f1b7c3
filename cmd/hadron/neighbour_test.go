package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// neighbour calls a function at a steady pace, however long answers take.
type neighbour struct {
	p    *process
	path string
	end  chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex
	took   []time.Duration
	failed []string
}

// pace is the time between two calls of a neighbour.
const pace = 40 * time.Millisecond

// load is what a neighbour saw over a while.
type load struct {
	count    int
	p50, p99 time.Duration
}

func startNeighbour(p *process, path string) *neighbour {
	n := &neighbour{p: p, path: path, end: make(chan struct{})}
	n.wg.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for {
			select {
			case <-n.end:
				return
			case <-tick.C:
				n.wg.Go(n.call)
			}
		}
	})
	p.t.Cleanup(n.stop)
	return n
}

func (n *neighbour) call() {
	end, took := n.p.provoke(n.path, "")
	n.mu.Lock()
	defer n.mu.Unlock()
	n.took = append(n.took, took)
	if end != "ok" && len(n.failed) < 20 {
		n.failed = append(n.failed, fmt.Sprintf("%s after %s", end, took))
	}
}

func (n *neighbour) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.took, n.failed = nil, nil
}

// measure looks on for a while.
func (n *neighbour) measure(d time.Duration) load {
	n.reset()
	<-time.After(d)
	return n.seen()
}

func (n *neighbour) seen() load {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.took) == 0 {
		return load{}
	}
	sorted := slices.Sorted(slices.Values(n.took))
	return load{count: len(sorted), p50: sorted[len(sorted)/2], p99: sorted[len(sorted)*99/100]}
}

func (n *neighbour) failures() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.failed)
}

func (n *neighbour) stop() {
	n.mu.Lock()
	select {
	case <-n.end:
	default:
		close(n.end)
	}
	n.mu.Unlock()
	n.wg.Wait()
}
