package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// keepBlanks starts workers ahead of need: one more than the channel holds. Whoever
// took the last one has a call to answer first, unless others wait.
func (p *Pool) keepBlanks() {
	var failed time.Duration
	for p.closing.Err() == nil {
		w, err := p.newProcess()
		if err != nil {
			failed = min(max(2*failed, 200*time.Millisecond), 10*time.Second)
			if p.closing.Err() == nil {
				p.log.Error("worker cannot be started", "error", err, "again_in", failed)
			}
			p.pause(failed)
			continue
		}
		failed = 0
		select {
		case p.blanks <- w:
		case <-w.read: // it ended while it waited
			p.pause(200 * time.Millisecond)
			continue
		case <-p.closing.Done():
			w.end("the server ends")
			return
		}
		if len(p.blanks) == cap(p.blanks) {
			p.rest(refill)
		}
	}
}

// refill is how long the next blank worker waits to be started.
const refill = 250 * time.Millisecond

// rest waits, unless somebody needs a worker.
func (p *Pool) rest(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.hungry:
	case <-p.closing.Done():
	}
}

// pause waits, and reports whether the pool is still open.
func (p *Pool) pause(d time.Duration) bool { return p.pauseFor(p.closing, d) }

// takeBlank returns a worker that belongs to nobody yet.
func (p *Pool) takeBlank(ctx context.Context) (*process, error) {
	for {
		var w *process
		select {
		case w = <-p.blanks:
		default:
			select {
			case p.hungry <- struct{}{}:
			default:
			}
			select {
			case w = <-p.blanks:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-p.closing.Done():
			}
		}
		if w == nil {
			return nil, ErrClosed
		}
		select {
		case <-w.read: // it has ended meanwhile
		default:
			return w, nil
		}
	}
}

// adopt tells a blank worker what it is.
func (w *process) adopt(o orders, at place) error {
	data, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("adopt worker: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stage != blank {
		return errGone
	}
	w.stage, w.place, w.budget, w.idleAt = serving, at, o.Memory, time.Now()
	w.out.send(kindAdopt, 0, data)
	return nil
}
