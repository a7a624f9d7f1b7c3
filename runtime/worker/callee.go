package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"hadron/runtime/invocation"
)

// Bounds of the calls that one worker's functions make of others at a time.
const maxCalls = 2048

// callWindow is the credit of each body of a call.
const callWindow = 64 << 10

var (
	errCallOver = errors.New("the call was given up")
	errNoCall   = errors.New("functions cannot be called from here")
)

// callee is a call that a function in the worker makes of another one: a request to
// the gateway, on behalf of a stream that this side knows.
type callee struct {
	w      *process
	id     uint32
	cancel context.CancelCauseFunc
	body   *inflow // nil: none
	out    *outflow
}

// openCall takes CALL. Who calls is what the parent's own table says.
func (w *process) openCall(f frame) error {
	c := cursor{s: string(f.data)}
	from, method, address := uint32(c.uint()), c.text(), c.text()
	length, hasBody := int64(c.uint())-1, c.byte() != 0
	header := c.header()
	if err := c.end(); err != nil {
		return err
	}
	if f.stream&callBit == 0 {
		return fmt.Errorf("%w: CALL with a stream's number", errFrame)
	}
	call := &callee{w: w, id: f.stream, out: newOutflow(callWindow)}
	var body io.Reader
	if hasBody {
		call.body = newInflow(callWindow, true, func(n int) { sendWindow(w.out, f.stream, n) })
		body = call.body
	}
	ctx, cancel := context.WithCancelCause(w.pool.closing)
	call.cancel = cancel
	w.mu.Lock()
	var s *stream
	if slot := slotOf(from); int(slot) < len(w.table) {
		if s = w.table[slot]; s != nil && s.id != from {
			s = nil
		}
	}
	_, twice := w.calls[f.stream]
	refusal := ""
	switch {
	case twice:
	case s == nil:
		refusal = "the invocation has ended" // it crossed the stream's end
	case len(w.calls) >= maxCalls:
		refusal = "the functions of this team make too many calls at a time"
	case w.pool.cfg.Call == nil:
		refusal = errNoCall.Error()
	case w.stage == over:
		refusal = errGone.Error()
	default:
		w.calls[f.stream] = call
	}
	w.mu.Unlock()
	if twice {
		cancel(nil)
		return fmt.Errorf("%w: a second CALL of one number", errFrame)
	}
	if refusal != "" {
		cancel(nil)
		w.out.send(kindEnd, f.stream, []byte(refusal))
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		w.closeCall(call)
		w.out.send(kindEnd, f.stream, []byte("the address is malformed"))
		return nil //nolint:nilerr // the function's mistake, and it is told
	}
	req.Header, req.ContentLength = header, length
	by := s.caller
	caller := invocation.Request{ID: by.ID, Version: by.Version, Trigger: by.Trigger, Trace: by.Trace, Depth: by.Depth}
	w.pool.wg.Go(func() { call.run(ctx, caller, req) })
	return nil
}

// run makes the call and sends the answer back.
func (c *callee) run(ctx context.Context, caller invocation.Request, req *http.Request) {
	defer c.w.closeCall(c)
	res, err := c.w.pool.cfg.Call(ctx, caller, req)
	if err != nil {
		c.w.out.send(kindEnd, c.id, []byte(clip(err.Error(), 1<<10)))
		return
	}
	defer res.Body.Close()
	b := c.w.out.begin()
	at := len(b)
	b = open(b, kindHead, c.id)
	b = appendUint(b, uint64(res.StatusCode))
	b = appendUint(b, uint64(max(res.ContentLength, -1)+1))
	b = appendHeader(b, res.Header)
	c.w.out.commit(shut(b, at))
	copyOut(c.w.out, c.id, c.out, res.Body, kindEnd)
}

// closeCall forgets a call and ends what it still does.
func (w *process) closeCall(c *callee) {
	w.mu.Lock()
	delete(w.calls, c.id)
	w.mu.Unlock()
	c.end(errCallOver)
}

func (c *callee) end(err error) {
	c.cancel(err)
	c.out.stop(err)
	if c.body != nil {
		c.body.close()
	}
}

// takeCall takes what belongs to a call: frames for one that has ended crossed its
// end.
func (w *process) takeCall(f frame) error {
	w.mu.Lock()
	c := w.calls[f.stream]
	w.mu.Unlock()
	if c == nil {
		return nil
	}
	switch f.kind { //nolint:exhaustive // the rest is refused
	case kindBody:
		if c.body == nil {
			break
		}
		return c.body.add(f.data)
	case kindEOF:
		if c.body == nil {
			break
		}
		if len(f.data) > 0 {
			c.body.end(errors.New(string(f.data)))
			return nil
		}
		c.body.end(io.EOF)
		return nil
	case kindWindow:
		cur := cursor{s: string(f.data)}
		c.out.give(cur.small())
		return cur.end()
	case kindCancel:
		c.end(invocation.ErrClientClosed)
		return nil
	}
	return fmt.Errorf("%w: kind %d on a call", errFrame, f.kind)
}
