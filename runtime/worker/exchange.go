package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"

	"hadron/runtime/engine"
	"hadron/runtime/invocation"
)

// maxTogether is how much of an answer is held to be sent with its end.
const maxTogether = 48 << 10

// exchange is one invocation in the child: the engine's Writer, and the way back.
type exchange struct {
	c      *child
	id     uint32
	index  *version
	raw    string // REQ
	req    invocation.Request
	ctx    context.Context
	cancel context.CancelCauseFunc
	body   *inflow // nil: none
	out    outflow

	// Of the goroutine that runs Invoke.
	held     []byte // frames that wait for more, in memory of the goroutine's
	streamed bool

	mu       sync.Mutex
	ended    bool                // END was sent
	done     *invocation.Outcome // DONE, while END was not sent
	stuck    bool                // the VM could not be stopped
	freed    bool                // the VM is done with the call
	reported bool                // the parent knows that it is stuck
}

var (
	_ invocation.Writer = (*exchange)(nil)
	_ engine.Watcher    = (*exchange)(nil)
)

// exchangeKey finds the invocation that a fetch belongs to in its context.
type exchangeKey struct{}

// request takes REQ and has it run.
func (c *child) request(f frame) error {
	x := &exchange{c: c, id: f.stream, raw: string(f.data)}
	x.out.open(responseWindow)
	cur := cursor{s: x.raw}
	flags := cur.byte()
	if x.index = c.version(uint32(cur.uint())); x.index == nil {
		return fmt.Errorf("%w: REQ of a version that is not loaded", errFrame)
	}
	x.raw = cur.s
	if flags&flagBody != 0 {
		x.body = newInflow(requestWindow, flags&flagStreamed != 0, x.grant)
	}
	x.req.Trace.Sampled = flags&flagSampled != 0
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), exchangeKey{}, x))
	x.ctx, x.cancel = ctx, cancel
	c.streams[slotOf(x.id)] = x
	c.hands.run(x)
	return nil
}

// grant lets the parent send more of the request's body.
func (x *exchange) grant(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ended {
		sendWindow(x.c.out, x.id, n)
	}
}

// take passes on what the parent says of this stream.
func (x *exchange) take(f frame) {
	switch f.kind { //nolint:exhaustive // the rest is of calls
	case kindBody:
		if x.body != nil {
			_ = x.body.add(f.data) // the parent keeps to its credit
		}
	case kindEOF:
		switch {
		case x.body == nil:
		case len(f.data) > 0:
			x.body.end(errors.New(string(f.data)))
		default:
			x.body.end(io.EOF)
		}
	case kindWindow:
		cur := cursor{s: string(f.data)}
		x.out.give(cur.small())
	case kindCancel:
		cause := invocation.ErrTimeout
		switch invocation.Code(f.data) { //nolint:exhaustive // others are not sent; a timeout is the rest
		case invocation.ClientClosed:
			cause = invocation.ErrClientClosed
		case invocation.WorkerLost:
			cause = invocation.ErrDraining
		}
		x.cancel(cause)
		x.out.stop(cause)
	}
}

// serve runs the invocation, on a goroutine kept for it.
func (x *exchange) serve() {
	defer func() {
		if p := recover(); p != nil { // Invoke promises that there is none
			x.c.log.Error("invocation panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			x.finish(invocation.Outcome{Code: invocation.FunctionError})
		}
	}()
	cur := cursor{s: x.raw}
	r := &x.req
	r.Version, r.Limits = x.index.id, x.index.limits
	r.Trigger, r.Method, r.URL, r.ID = invocation.Trigger(cur.text()), cur.text(), cur.text(), cur.text()
	r.Trace.ID, r.Trace.Span, r.Trace.Parent, r.Trace.State = cur.text(), cur.text(), cur.text(), cur.text()
	r.Depth, r.Slow = cur.small(), cur.duration()
	r.Header = cur.header()
	if x.body != nil {
		r.Body = x.body
	}
	x.finish(x.c.engine.Invoke(x.ctx, r, x))
}

// finish sends the outcome, with all that was held for it.
func (x *exchange) finish(out invocation.Outcome) {
	if x.body != nil {
		x.body.close()
	}
	x.out.stop(errEnded)
	x.mu.Lock()
	x.ended = true
	b := append(x.c.out.begin(), x.held...)
	b = x.appendEnd(b, kindEnd, &out)
	if x.done != nil {
		b = x.appendEnd(b, kindDone, x.done)
	}
	x.c.out.commit(b)
	x.mu.Unlock()
	x.cancel(errEnded)
}

// appendEnd writes END or DONE, and whether FREED is to follow. x.mu is held.
func (x *exchange) appendEnd(b []byte, k kind, out *invocation.Outcome) []byte {
	stuck := x.stuck && !x.freed
	x.reported = x.reported || stuck
	at := len(b)
	return shut(appendOutcome(open(b, k, x.id), out, stuck), at)
}

var errEnded = errors.New("the invocation has ended")

// Head implements invocation.Writer.
func (x *exchange) Head(status int, header http.Header, streamed bool) error {
	at := len(x.held)
	b := open(x.held, kindHead, x.id)
	var flags byte
	if streamed {
		flags |= flagStreamed
	}
	b = append(b, flags)
	b = appendUint(b, uint64(max(0, status)))
	b = appendHeader(b, header)
	x.held, x.streamed = shut(b, at), streamed
	if streamed {
		x.release()
	}
	return context.Cause(x.ctx)
}

// Write implements invocation.Writer. It blocks while the client is slow.
func (x *exchange) Write(p []byte) error {
	if !x.streamed && len(x.held)+len(p) <= maxTogether && x.out.try(len(p)) {
		x.held = appendFrame(x.held, kindBody, x.id, p)
		return nil
	}
	x.release()
	for len(p) > 0 {
		n, err := x.out.take(min(len(p), maxPayload))
		if err != nil {
			return err
		}
		x.c.out.commitLater(appendFrame(x.c.out.begin(), kindBody, x.id, p[:n]))
		p = p[n:]
	}
	return nil
}

// release sends what is held.
func (x *exchange) release() {
	if len(x.held) == 0 {
		return
	}
	x.c.out.commitLater(append(x.c.out.begin(), x.held...))
	x.held = x.held[:0]
}

// Settled implements invocation.Writer.
func (x *exchange) Settled(b invocation.Background) {
	out := invocation.Outcome{Code: b.Code, CPU: b.CPU, Hits: b.Hits, Failure: b.Failure}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ended {
		x.done = &out // Invoke is about to return
		return
	}
	x.c.out.commit(x.appendEnd(x.c.out.begin(), kindDone, &out))
}

// Started implements engine.Watcher.
func (x *exchange) Started() { x.c.page.mark(x.id) }

// Stuck implements engine.Watcher: the mark stays.
func (x *exchange) Stuck() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stuck = true
}

// Freed implements engine.Watcher.
func (x *exchange) Freed() {
	x.c.page.unmark(x.id)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.freed = true
	if x.reported {
		x.c.out.send(kindFreed, x.id, nil)
	}
}

// hands are goroutines that run invocations. They are kept for the next one: their
// stacks have grown already.
type hands struct {
	mu   sync.Mutex
	idle []chan *exchange
}

const (
	maxIdleHands = 256
	keepHeld     = 4 << 10 // of frames; more memory is let go with its invocation
)

func (h *hands) run(x *exchange) {
	h.mu.Lock()
	if n := len(h.idle); n > 0 {
		work := h.idle[n-1]
		h.idle = h.idle[:n-1]
		h.mu.Unlock()
		work <- x
		return
	}
	h.mu.Unlock()
	work := make(chan *exchange, 1)
	work <- x
	go h.loop(work)
}

func (h *hands) loop(work chan *exchange) {
	held := make([]byte, 0, 512)
	for x := range work {
		x.held = held[:0]
		x.serve()
		if cap(x.held) <= keepHeld {
			held = x.held
		}
		x.held = nil
		h.mu.Lock()
		if len(h.idle) >= maxIdleHands {
			h.mu.Unlock()
			return
		}
		h.idle = append(h.idle, work)
		h.mu.Unlock()
	}
}
