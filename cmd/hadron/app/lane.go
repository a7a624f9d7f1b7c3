package app

import (
	"context"
	"sync"
)

// lane is where work is done one piece after another that gives way to calls of
// functions: on a thread of its own with a lower priority. Whoever brings some waits.
type lane struct {
	jobs   chan func()
	closed chan struct{}
	wg     sync.WaitGroup
}

func newLane() *lane {
	l := &lane{jobs: make(chan func()), closed: make(chan struct{})}
	l.wg.Go(func() {
		giveWay()
		for {
			select {
			case job := <-l.jobs:
				job()
			case <-l.closed:
				return
			}
		}
	})
	return l
}

// run does work in the lane, once it is its turn, and returns when it is done. What
// panics there does so here. Its error is why ctx ended before the turn came; on a lane
// that is closed work is done as it is.
func (l *lane) run(ctx context.Context, work func()) error {
	done := make(chan any, 1)
	select {
	case l.jobs <- func() {
		defer func() { done <- recover() }()
		work()
	}:
	case <-l.closed:
		work()
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if problem := <-done; problem != nil {
		panic(problem)
	}
	return nil
}

// close ends the lane after the piece that it is at.
func (l *lane) close(context.Context) error {
	close(l.closed)
	l.wg.Wait()
	return nil
}
