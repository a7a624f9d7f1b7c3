package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hadron/runtime/invocation"
)

// How a call is ended whose context is over: the function sees its signal abort,
// then the VM is interrupted, then it is left to itself.
const (
	stopGrace = 20 * time.Millisecond
	killGrace = 60 * time.Millisecond
)

// Invoke runs one call. It returns within about 100 ms of ctx ending, also when the
// VM cannot be stopped; ctx's cause decides the code: ErrTimeout, ErrClientClosed or
// ErrDraining of package invocation. w is used on the calling goroutine only, but
// for Settled. Nothing panics out of it, but what w's methods panic.
func (e *Engine) Invoke(ctx context.Context, req *invocation.Request, w invocation.Writer) invocation.Outcome {
	if !e.begin() {
		return refused(req, invocation.NodeOverloaded, ErrClosed)
	}
	defer e.live.Done()
	if n := e.abandoned.Load(); n >= int64(e.cfg.MaxAbandoned) {
		return refused(req, invocation.NodeOverloaded, fmt.Errorf("%d VMs could not be stopped", n))
	}
	if !e.watchdog.admits() {
		return refused(req, invocation.NodeOverloaded, errMemoryFull)
	}
	begun := time.Now()
	p, err := e.programs.get(ctx, req.Version)
	if err != nil {
		return e.loadFailed(ctx, req, err)
	}
	started := time.Now()
	v, home, err := e.pool.acquire(ctx, p)
	queued := time.Since(started)
	if err != nil {
		out := e.loadFailed(ctx, req, err)
		out.Queue = queued
		return out
	}
	e.watchdog.stir()
	if v == nil {
		v = e.pool.settle(e.vm(p), home)
	}
	c := newCall(ctx, req)
	c.v, c.writer, c.queued, c.started = v, w, queued, begun
	c.epoch = v.loop.reset()
	c.outcome.Queue, c.outcome.TraceID = queued, req.Trace.ID
	e.live.Add(1)          // for the VM's goroutine; begin holds another meanwhile
	e.runners.run(func() { //nolint:contextcheck // the call carries its own
		v.serve(c)
		e.refill()
	})
	out := e.follow(ctx, c, w)
	out.Fetches, out.MoreFetches = c.fetches.close(v, req.Trace.Sampled || out.Code.IsError() || req.Slow > 0 && time.Since(begun) >= req.Slow)
	return out
}

// follow writes the response as it comes.
func (e *Engine) follow(ctx context.Context, c *call, w invocation.Writer) invocation.Outcome {
	var sent, streamed bool
	for {
		select {
		case ev := <-c.events:
			if ev.ends != nil {
				return e.stop(ev.ends, c, sent, streamed)
			}
			if ev.head {
				sent, streamed = true, ev.streamed
				if err := w.Head(ev.status, ev.header, ev.streamed); err != nil {
					if ev.done {
						return left(*ev.outcome)
					}
					return e.stop(invocation.ErrClientClosed, c, sent, streamed)
				}
			}
			if len(ev.data) > 0 {
				err := w.Write(ev.data)
				if err != nil && ev.done {
					return left(*ev.outcome)
				}
				if !ev.done {
					c.taken(err)
				}
			}
			if ev.source != nil {
				release := context.AfterFunc(ctx, func() { c.endContext(context.Cause(ctx)) })
				err := copySource(w, ev.source)
				release()
				c.taken(err)
			}
			if ev.done {
				return *ev.outcome
			}
		case <-ctx.Done():
			return e.stop(context.Cause(ctx), c, sent, streamed)
		}
	}
}

// left turns the outcome of a whole response into that of one nobody took.
func left(out invocation.Outcome) invocation.Outcome {
	out.Code, out.Failure = invocation.ClientClosed, nil
	return out
}

// stop ends a call in three steps, each with its grace.
func (e *Engine) stop(cause error, c *call, sent, streamed bool) invocation.Outcome {
	code := codeOfCause(cause)
	v, started, queued := c.v, time.Now(), c.queued
	v.loop.post(c.epoch, func() { c.abortSignal(code) })
	out, ended := c.drain(stopGrace)
	if !ended && code == invocation.ClientClosed {
		v.loop.post(c.epoch, c.giveUp)
		out, ended = c.drain(stopGrace)
	}
	if !ended {
		v.interruptCall(c, cause)
		c.endContext(cause)
		out, ended = c.drain(killGrace)
	}
	if !ended {
		e.abandon(c)
		out = invocation.Outcome{CPU: time.Since(started), Queue: queued}
		e.log.Warn("function VM could not be stopped", "version", v.prog.id.String(), "request", c.req.ID)
	}
	out.Code, out.HeadSent, out.TraceID = code, sent, c.req.Trace.ID
	out.Hits |= hitOf(cause)
	out.Streamed = streamed
	if !sent {
		out.Status = 0
	}
	out.Failure = nil
	if code != invocation.ClientClosed {
		out.Failure = &invocation.Failure{Message: cause.Error()}
	}
	return out
}

// drain waits for the call's end; what it still writes has no reader.
func (c *call) drain(grace time.Duration) (invocation.Outcome, bool) {
	timeout := time.NewTimer(grace)
	defer timeout.Stop()
	for {
		select {
		case ev := <-c.events:
			if ev.done {
				return *ev.outcome, true
			}
			if ev.ends == nil {
				c.taken(errWrite)
			}
		case <-timeout.C:
			return invocation.Outcome{}, false
		}
	}
}

// abortSignal tells the function, on the VM's goroutine.
func (c *call) abortSignal(code invocation.Code) {
	if c.request == nil || c.answered {
		return
	}
	message := "the time of this invocation is up"
	if code == invocation.ClientClosed {
		message = "the client has left"
		c.gone = true
	}
	c.v.realm.Abort(c.request, message)
}

// giveUp ends a call that does not heed its signal; what waitUntil holds goes on.
func (c *call) giveUp() { c.answer(invocation.ClientClosed, nil) }

// interruptCall interrupts the VM if it still serves this call, and reports whether
// it does.
func (v *isolate) interruptCall(c *call, cause error) bool {
	v.loop.mu.Lock() // end takes it to begin another epoch: no other call can be hit
	defer v.loop.mu.Unlock()
	if v.loop.epoch != c.epoch {
		return false
	}
	v.interrupt(cause)
	return true
}

// abandon leaves a VM to itself that cannot be stopped.
func (e *Engine) abandon(c *call) {
	if c.abandoned.CompareAndSwap(false, true) {
		e.abandoned.Add(1)
		if w := c.watcher(); w != nil {
			w.Stuck()
		}
		e.live.Done()
	}
}

// ended takes note that the VM's goroutine is done with a call.
func (e *Engine) ended(c *call) {
	if w := c.watcher(); w != nil {
		defer w.Freed()
	}
	if c.abandoned.CompareAndSwap(false, true) {
		e.live.Done()
		return
	}
	e.abandoned.Add(-1)
}

// loadFailed is the outcome of a call that no VM could be found for.
func (e *Engine) loadFailed(ctx context.Context, req *invocation.Request, err error) invocation.Outcome {
	switch {
	case ctx.Err() != nil:
		return refused(req, codeOfCause(context.Cause(ctx)), context.Cause(ctx))
	case errors.Is(err, ErrClosed):
		return refused(req, invocation.NodeOverloaded, err)
	case errors.Is(err, errNodeFull):
		out := refused(req, invocation.NodeOverloaded, err)
		out.Hits = invocation.HitQueue
		return out
	case errors.Is(err, errFunctionFull):
		out := refused(req, invocation.FunctionOverloaded, err)
		out.Hits = invocation.HitQueue
		return out
	}
	e.log.Error("function cannot be loaded", "version", req.Version.String(), "error", err)
	return refused(req, invocation.FunctionError, errors.New("the function could not be loaded; its operator finds the cause in the log"))
}

func refused(req *invocation.Request, code invocation.Code, err error) invocation.Outcome {
	return invocation.Outcome{Code: code, TraceID: req.Trace.ID, Failure: &invocation.Failure{Message: err.Error()}}
}
