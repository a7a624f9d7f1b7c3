package worker

import (
	"sync/atomic"
	"time"
)

// loaders are goroutines that read bundles. They are kept for the next one: a database's
// code goes deep, and a fresh goroutine would grow its stack for it each time.
type loaders struct {
	work chan func() // to one that rests
	idle atomic.Int32
}

const (
	maxIdleLoaders = 8
	loaderRest     = time.Minute // without work; then it ends
)

// aside runs fn on a loader. Close waits for it.
func (p *Pool) aside(fn func()) {
	select {
	case p.loaders.work <- fn:
		return
	default: // none rests
	}
	p.wg.Go(func() {
		for fn != nil {
			fn()
			fn = p.nextLoad()
		}
	})
}

// nextLoad waits for more work; nil: there was none for long, or others wait for it.
func (p *Pool) nextLoad() func() {
	defer p.loaders.idle.Add(-1)
	if p.loaders.idle.Add(1) > maxIdleLoaders {
		return nil
	}
	timeout := time.NewTimer(loaderRest)
	defer timeout.Stop()
	select {
	case fn := <-p.loaders.work:
		return fn
	case <-timeout.C:
	case <-p.closing.Done():
	}
	return nil
}
