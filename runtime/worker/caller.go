package worker

import (
	"context"
	"errors"
	"io"
	"net/http"

	"hadron/runtime/invocation"
)

// caller is a call of another function, made in this worker and answered by the
// gateway through the parent.
type caller struct {
	c    *child
	id   uint32
	body *inflow // the answer's
	out  *outflow
	head chan answered // holds one
}

type answered struct {
	res *http.Response
	err error
}

// call implements engine.Call.
func (c *child) call(ctx context.Context, _ invocation.Request, req *http.Request) (*http.Response, error) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		closeRequest(req)
		return nil, errEnded
	}
	k := &caller{c: c, out: newOutflow(callWindow), head: make(chan answered, 1)}
	hasBody := req.Body != nil && req.Body != http.NoBody
	c.mu.Lock()
	for taken := true; taken; _, taken = c.calls[k.id] {
		c.numbered++
		k.id = c.numbered | callBit
	}
	c.calls[k.id] = k
	c.mu.Unlock()
	k.body = newInflow(callWindow, true, func(n int) { sendWindow(c.out, k.id, n) })

	b := c.out.begin()
	at := len(b)
	b = open(b, kindCall, k.id)
	b = appendUint(b, uint64(x.id))
	b = appendText(b, req.Method)
	b = appendText(b, req.URL.String())
	length := req.ContentLength
	if length == 0 && hasBody {
		length = -1 // net/http's word for "not known"
	}
	b = appendUint(b, uint64(max(length, -1)+1))
	b = append(b, 0)
	if hasBody {
		b[len(b)-1] = 1
	}
	b = appendHeader(b, req.Header)
	c.out.commit(shut(b, at))
	if hasBody {
		go func() {
			defer closeRequest(req)
			copyOut(c.out, k.id, k.out, req.Body, kindEOF)
		}()
	}
	select {
	case a := <-k.head:
		if a.err != nil {
			k.forget(a.err)
			return nil, a.err
		}
		a.res.Request = req
		stop := context.AfterFunc(ctx, func() { k.giveUp(context.Cause(ctx)) })
		a.res.Body = &callerBody{k, stop}
		return a.res, nil
	case <-ctx.Done():
		k.giveUp(context.Cause(ctx))
		return nil, context.Cause(ctx)
	}
}

func closeRequest(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // the function's own stream; nothing is lost by its failure
	}
}

// callerBody is the answer's body; closing it early ends the callee.
type callerBody struct {
	k    *caller
	stop func() bool
}

func (b *callerBody) Read(p []byte) (int, error) { return b.k.body.Read(p) }

func (b *callerBody) Close() error {
	b.stop()
	b.k.giveUp(errCallOver)
	return nil
}

// giveUp ends a call from this side, unless it has ended.
func (k *caller) giveUp(err error) {
	if k.forget(err) {
		k.c.out.send(kindCancel, k.id, nil)
	}
	k.body.close()
}

// forget takes a call out of the table, and reports whether it was there.
func (k *caller) forget(err error) bool {
	k.c.mu.Lock()
	_, there := k.c.calls[k.id]
	delete(k.c.calls, k.id)
	k.c.mu.Unlock()
	k.out.stop(err)
	return there
}

// takeCall takes what the parent says of a call.
func (c *child) takeCall(f frame) {
	c.mu.RLock()
	k := c.calls[f.stream]
	c.mu.RUnlock()
	if k == nil {
		return
	}
	cur := cursor{s: string(f.data)}
	switch f.kind { //nolint:exhaustive // the parent sends no others
	case kindHead:
		res := &http.Response{StatusCode: cur.small(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
		res.ContentLength, res.Header = int64(cur.uint())-1, cur.header()
		res.Status = http.StatusText(res.StatusCode)
		k.head <- answered{res: res}
	case kindBody:
		_ = k.body.add(f.data) // the parent keeps to its credit
	case kindWindow:
		k.out.give(cur.small())
	case kindEnd:
		err := io.EOF
		if len(f.data) > 0 {
			err = errors.New(string(f.data))
		}
		select {
		case k.head <- answered{err: err}: // without effect where the head came
		default:
		}
		k.body.end(err)
		k.forget(errCallOver)
	}
}
