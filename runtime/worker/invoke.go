package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"hadron/runtime/invocation"
)

// stopGrace is what a worker has to say how a call ended that is over: its engine
// takes up to 100 ms to stop a VM. The client has its answer either way.
const stopGrace = 150 * time.Millisecond

var errBusy = errors.New("the worker has as many calls as it can hold")

// Invoke runs one call in its team's worker. Its contract is the engine's: it
// returns within about 100 ms of ctx ending whatever the worker does, w is used on
// the calling goroutine only but for Settled, and ctx's cause decides the code.
func (p *Pool) Invoke(ctx context.Context, req *invocation.Request, w invocation.Writer) invocation.Outcome {
	if !p.enter() {
		return refused(req, invocation.NodeOverloaded, ErrClosed)
	}
	defer p.calls.Done()
	body := req.Body
	for again := false; ; again = true {
		s, queued, err := p.begin(ctx, req, body)
		if err != nil {
			out := p.notBegun(ctx, req, err)
			out.Queue = queued
			return out
		}
		out, lost := s.follow(ctx, req, w)
		out.Queue += queued
		for i := range out.Fetches {
			out.Fetches[i].Start += queued
		}
		out.TraceID = req.Trace.ID
		if lost == nil {
			return out
		}
		if !lost.started && !again && !out.HeadSent && ctx.Err() == nil {
			if whole, ok := s.body.again(); ok {
				body = whole
				p.metrics.retried.Inc()
				continue
			}
		}
		return out
	}
}

// begin finds the worker, the version within it and a place there, and sends the
// request. queued is how long that took beyond the usual.
func (p *Pool) begin(ctx context.Context, req *invocation.Request, body io.Reader) (*stream, time.Duration, error) {
	at, err := p.placeOf(req.Version)
	if err != nil {
		return nil, 0, err
	}
	if worker := p.at(at); worker != nil {
		if s, err := worker.begin(req, body); err == nil {
			return s, 0, nil
		}
	}
	started := time.Now()
	for range 8 { // each round a worker that was there went away
		worker, err := p.acquire(ctx, at, req.Limits.Memory)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return nil, time.Since(started), err
		}
		var s *stream
		if err = worker.load(ctx, req.Version); err == nil {
			s, err = worker.begin(req, body)
		}
		switch {
		case errors.Is(err, errGone):
			p.detach(worker)
		case !errors.Is(err, errNotLoaded): // else it was dropped meanwhile
			return s, time.Since(started), err
		}
	}
	return nil, time.Since(started), errStarting
}

// notBegun is the outcome of a call that reached no worker.
func (p *Pool) notBegun(ctx context.Context, req *invocation.Request, err error) invocation.Outcome {
	var q *quarantinedError
	switch {
	case errors.As(err, &q):
		return refused(req, invocation.WorkerLost, err)
	case ctx.Err() != nil:
		return refused(req, codeOfCause(context.Cause(ctx)), context.Cause(ctx))
	case errors.Is(err, errFull), errors.Is(err, errStarting), errors.Is(err, ErrClosed):
		return refused(req, invocation.NodeOverloaded, err)
	case errors.Is(err, errBusy):
		return refused(req, invocation.FunctionOverloaded, err)
	}
	p.log.Error("function cannot be loaded", "version", req.Version.String(), "error", err)
	return refused(req, invocation.FunctionError, errors.New("the function could not be loaded; its operator finds the cause in the log"))
}

func refused(req *invocation.Request, code invocation.Code, err error) invocation.Outcome {
	return invocation.Outcome{Code: code, TraceID: req.Trace.ID, Failure: &invocation.Failure{Message: err.Error()}}
}

// quarantinedError is why a version is not run.
type quarantinedError struct{ q Quarantine }

func (e *quarantinedError) Error() string {
	return fmt.Sprintf("%s is quarantined until %s: it ended its worker %s (%s); it is tried again then, or deploy a version that does not",
		e.q.Version, e.q.Until.UTC().Format(time.TimeOnly+" UTC"), times(e.q.Deaths), e.q.Reason)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// appendRequest writes REQ.
func appendRequest(b []byte, id, index uint32, req *invocation.Request, body *upload) []byte {
	at := len(b)
	b = open(b, kindReq, id)
	var flags byte
	if req.Trace.Sampled {
		flags |= flagSampled
	}
	if body != nil {
		flags |= flagBody
		if body.eager {
			flags |= flagStreamed
		}
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(index))
	b = appendText(b, string(req.Trigger))
	b = appendText(b, req.Method)
	b = appendText(b, req.URL)
	b = appendText(b, req.ID)
	b = appendText(b, req.Trace.ID)
	b = appendText(b, req.Trace.Span)
	b = appendText(b, req.Trace.Parent)
	b = appendText(b, req.Trace.State)
	b = binary.AppendUvarint(b, uint64(req.Depth))
	b = appendDuration(b, req.Slow)
	b = appendHeader(b, req.Header)
	return shut(b, at)
}

// eager reports whether a body is small and on its way already: then it is sent
// along instead of when the function asks.
func eager(req *invocation.Request) bool {
	length, err := strconv.Atoi(req.Header.Get("Content-Length"))
	return err == nil && length <= requestWindow && req.Header.Get("Expect") == ""
}

// begin opens a stream for a version that is loaded, and sends its request.
func (w *process) begin(req *invocation.Request, body io.Reader) (*stream, error) {
	s := &stream{w: w, credit: responseWindow, caller: req}
	if body != nil {
		s.body = newUpload(body, eager(req), func(k kind, payload []byte) { w.out.send(k, s.id, payload) })
	}
	s.box = newInbox()
	index, err := w.enroll(s)
	if err != nil {
		s.box.recycle()
		return nil, err
	}
	together := s.body != nil && s.body.gather()
	b := appendRequest(w.out.begin(), s.id, index, req, s.body)
	if together {
		b = s.body.gathered(b, s.id)
	}
	w.out.commit(b)
	if s.body != nil && s.body.eager && !together {
		s.body.start()
	}
	return s, nil
}

// follow hands the response on as it comes, on the goroutine of Invoke. A loss says
// that the worker ended before the call did.
func (s *stream) follow(ctx context.Context, req *invocation.Request, w invocation.Writer) (invocation.Outcome, *loss) {
	f := follower{s: s, w: w, box: s.box}
	for {
		select {
		case <-f.box.ready:
		case <-ctx.Done():
			return f.stop(context.Cause(ctx)), nil
		}
		end, lost := f.take()
		switch {
		case f.broken != nil:
			s.w.violate(f.broken)
			out := refused(req, invocation.WorkerLost, errViolated)
			f.leave(&out)
			return out, nil
		case end:
			return f.finish(), nil
		case f.refused:
			return f.stop(invocation.ErrClientClosed), nil
		case lost != nil:
			out := refused(req, lost.code, errors.New(lost.message))
			f.leave(&out)
			return out, lost
		}
	}
}

var errViolated = errors.New("the worker that ran the function ended: " + brokeProtocol)

// follower is the state of follow.
type follower struct {
	s        *stream
	w        invocation.Writer
	box      *inbox
	sent     bool // the head was given
	streamed bool
	status   int
	refused  bool // the writer takes no more
	deaf     bool // nothing more is written
	used     int  // of the body, since credit was last given
	broken   error
	out      invocation.Outcome
}

// take looks at what came. It says whether the outcome is known, or the worker lost.
func (f *follower) take() (end bool, lost *loss) {
	s, b := f.s, f.box
	s.mu.Lock()
	in := b.in
	b.in, b.taken = b.taken[:0], in
	lost = s.lost
	s.mu.Unlock()
	for len(in) > 0 && f.broken == nil {
		k, n := kind(in[0]), int(binary.LittleEndian.Uint32(in[1:]))
		data := in[5 : 5+n]
		in = in[5+n:]
		switch k { //nolint:exhaustive // deliver keeps no others
		case kindHead:
			f.head(data)
		case kindBody:
			f.body(data)
		case kindEnd:
			c := cursor{s: string(data)}
			f.out, _ = c.outcome()
			f.broken = c.end()
			return f.broken == nil, lost
		}
	}
	f.grant()
	return false, lost
}

func (f *follower) head(data []byte) {
	c := cursor{s: string(data)}
	streamed := c.byte()&flagStreamed != 0
	status, header := c.small(), c.header()
	if err := c.end(); err != nil || f.sent {
		f.broken = fmt.Errorf("%w: a second or malformed HEAD", errFrame)
		return
	}
	if f.deaf {
		return
	}
	f.sent, f.streamed, f.status = true, streamed, status
	if err := f.w.Head(status, header, streamed); err != nil {
		f.refused, f.deaf = true, true
	}
}

func (f *follower) body(data []byte) {
	f.used += len(data)
	switch {
	case f.deaf:
	case !f.sent:
		f.broken = fmt.Errorf("%w: BODY before HEAD", errFrame)
	default:
		if err := f.w.Write(data); err != nil {
			f.refused, f.deaf = true, true
		}
	}
}

// grant gives credit for what was taken, in a few large pieces.
func (f *follower) grant() {
	if f.used < responseWindow/4 {
		return
	}
	n, s := f.used, f.s
	f.used = 0
	s.mu.Lock()
	s.credit += n
	ended := s.ended
	s.mu.Unlock()
	if !ended {
		var buf [8]byte
		s.w.out.send(kindWindow, s.id, binary.AppendUvarint(buf[:0], uint64(n)))
	}
}

// finish is the outcome that the worker gave.
func (f *follower) finish() invocation.Outcome {
	out := f.out
	if f.refused { // nobody took the answer
		out.Code, out.Failure = invocation.ClientClosed, nil
	}
	f.leave(&out)
	f.s.w.pool.trials.survived(f.s.caller.Version.Plain())
	return out
}

// leave fills in what this side knows and lets go of the stream.
func (f *follower) leave(out *invocation.Outcome) {
	out.HeadSent, out.Streamed, out.Status = f.sent, f.streamed, f.status
	if out.Background {
		f.s.leave(f.w.Settled)
		return
	}
	f.s.leave(nil)
}

// stop ends a call whose time is up or whose client has left. The worker is told,
// and has a moment to say how it ended.
func (f *follower) stop(cause error) invocation.Outcome {
	s, code := f.s, codeOfCause(cause)
	s.w.out.send(kindCancel, s.id, []byte(code))
	f.deaf = true
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	for over := false; !over; {
		select {
		case <-f.box.ready:
			end, lost := f.take()
			over = end || lost != nil || f.broken != nil
		case <-grace.C:
			over = true
		}
	}
	if f.broken != nil {
		s.w.violate(f.broken)
	}
	out := f.out
	out.Code, out.Failure = code, nil
	if code != invocation.ClientClosed {
		out.Failure = &invocation.Failure{Message: cause.Error()}
	}
	f.leave(&out)
	return out
}

// codeOfCause says what an invocation ended with whose context did.
func codeOfCause(cause error) invocation.Code {
	switch {
	case errors.Is(cause, invocation.ErrClientClosed):
		return invocation.ClientClosed
	case errors.Is(cause, invocation.ErrDraining):
		return invocation.WorkerLost
	}
	return invocation.Timeout
}
