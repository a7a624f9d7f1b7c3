package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dop251/goja"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/webapi"
)

// respond hands over what the handler returned. It answers false where the call is
// over.
func (v *isolate) respond(c *call, value goja.Value) bool {
	if c.gone {
		c.answer(invocation.ClientClosed, nil)
		return true
	}
	if c.req.Trigger == invocation.TriggerSchedule {
		c.answer(invocation.OK, nil)
		return true
	}
	p, ok := webapi.ResponseOf(value)
	if !ok {
		c.finish(invocation.FunctionError, v.notResponse(value))
		return false
	}
	if p.Status() == 0 {
		c.finish(invocation.FunctionError, &invocation.Failure{Message: "the handler returned Response.error(), which cannot be sent"})
		return false
	}
	data, source, stream, ok := p.Take()
	if !ok {
		c.finish(invocation.FunctionError, &invocation.Failure{Name: "TypeError", Message: "the body of the returned response was read already, or is locked to a reader"})
		return false
	}
	c.outcome.Status = p.Status()
	head := event{head: true, status: p.Status(), header: p.Header(), streamed: source != nil || stream != nil}
	if err := v.oversized(head.header); err != nil {
		c.finish(invocation.FunctionError, &invocation.Failure{Name: "TypeError", Message: err.Error()})
		return false
	}
	c.outcome.HeadSent, c.outcome.Streamed = true, head.streamed
	switch {
	case stream != nil:
		c.give(headOf(head))
		return v.enter(func() { v.pump(c, v.realm.ReadStream(stream)) })
	case source != nil:
		head.source = source
		v.loop.pending++ // the copying, which the caller does
		c.give(headOf(head))
		return true
	}
	head.data = data
	c.answerWith(head, codeOfStatus(p.Status()), nil)
	return true
}

// headOf is e in memory of its own: most heads come with their end, in that of the call.
func headOf(e event) *event { return &e }

func codeOfStatus(status int) invocation.Code {
	if status >= 500 {
		return invocation.HTTP5xx
	}
	return invocation.OK
}

func (v *isolate) notResponse(value goja.Value) *invocation.Failure {
	what := "undefined"
	if value != nil {
		var shown string
		v.enter(func() { shown = v.realm.Inspect(value) })
		what = shown
	}
	return &invocation.Failure{
		Name:    "TypeError",
		Message: clipMessage("the handler returned " + what + ", which is no Response: return new Response(…) or Response.json(…)"),
	}
}

// pump reads the function's stream, a chunk at a time: the next is asked for when
// the client has taken the last.
func (v *isolate) pump(c *call, chunks *webapi.Chunks) {
	chunks.Next(func(b []byte) {
		c.give(&event{data: bytes.Clone(b)})
		v.loop.pending++
		c.acknowledge = func(err error) {
			v.loop.pending--
			if err != nil {
				chunks.Cancel("the client has left")
				c.answer(invocation.ClientClosed, nil)
				return
			}
			v.pump(c, chunks)
		}
	}, func() {
		c.answer(codeOfStatus(c.outcome.Status), nil)
	}, func(reason goja.Value) {
		failure := v.failureOf(reason)
		v.logFailure(failure, "The response's stream failed: ")
		c.answer(invocation.FunctionError, failure)
	})
}

// taken says that the last chunk, or the whole source, has reached the client. It
// is called from the goroutine of Invoke.
func (c *call) taken(err error) {
	c.v.loop.post(c.epoch, func() {
		if ack := c.acknowledge; ack != nil {
			c.acknowledge = nil
			ack(err)
			return
		}
		c.v.loop.pending--
		switch {
		case err == nil:
			c.answer(codeOfStatus(c.outcome.Status), nil)
		case errors.Is(err, errWrite):
			c.answer(invocation.ClientClosed, nil)
		default:
			failure := &invocation.Failure{Message: clipMessage("the response's body broke off: " + err.Error())}
			c.v.logFailure(failure, "")
			c.answer(invocation.FunctionError, failure)
		}
	})
}

var errWrite = errors.New("write to client")

// copySource writes a body that is read off the VM to the client.
func copySource(w invocation.Writer, source io.Reader) error {
	buf := make([]byte, 32<<10)
	defer func() {
		if closer, ok := source.(io.Closer); ok {
			_ = closer.Close()
		}
	}()
	for {
		n, err := source.Read(buf)
		if n > 0 {
			if werr := w.Write(buf[:n]); werr != nil {
				return errors.Join(errWrite, werr)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// answer ends the response; what waitUntil holds may go on.
func (c *call) answer(code invocation.Code, failure *invocation.Failure) {
	c.answerWith(event{}, code, failure)
}

func (c *call) answerWith(e event, code invocation.Code, failure *invocation.Failure) {
	if c.answered {
		return
	}
	c.answered = true
	c.result = nil
	c.dropSettled()
	c.outcome.Code, c.outcome.Failure = code, failure
	c.last = e
	c.last.done = true
	if len(c.waits) > 0 && !c.v.spent() {
		c.outcome.Background = true
		c.background()
	}
}

// finish ends a call that failed before it gave a response, and all it held.
func (c *call) finish(code invocation.Code, failure *invocation.Failure) {
	if c.answered {
		return
	}
	failure = c.v.secrets.failure(failure)
	if failure != nil && code != invocation.ClientClosed {
		c.v.logFailure(failure, "")
	}
	c.waits = nil
	c.answer(code, failure)
}

// background lets Invoke return and bounds what goes on after it.
func (c *call) background() {
	limit := time.Duration(c.req.Limits.Background)
	if limit <= 0 {
		limit = time.Duration(function.DefaultManifest().Limits.Background)
	}
	v := c.v
	c.late = &invocation.Background{Code: invocation.OK}
	c.before = c.cpu
	stop := time.AfterFunc(limit, func() { v.interruptCall(c, errBackground) })
	wedged := time.AfterFunc(limit+stopGrace+killGrace, func() {
		v.engine.abandon(c)
		c.settle(invocation.Background{Code: invocation.Timeout, Failure: &invocation.Failure{Message: errBackground.Error()}})
	})
	c.stopTimers = func() {
		stop.Stop()
		wedged.Stop()
	}
	out := c.outcome
	out.CPU, out.Hits = c.cpu, c.hits
	c.last.outcome = &out
	c.give(&c.last)
}

// settle tells the gateway how the background work ended, once.
func (c *call) settle(b invocation.Background) {
	c.settleOnce.Do(func() { c.v.engine.contained("settled", func() { c.writer.Settled(b) }) })
}

var errBackground = errors.New("what waitUntil held took longer than limits.background allows")

func (c *call) backgroundFailed(code invocation.Code, failure *invocation.Failure) {
	if c.late != nil && c.late.Failure == nil {
		c.late.Code, c.late.Failure = code, c.v.secrets.failure(failure)
	}
}

func (v *isolate) stoppedBackground(c *call) {
	failure := v.fatal
	code := invocation.FunctionError
	if s := v.stopping.Load(); s != nil && failure == nil {
		failure, code = &invocation.Failure{Message: s.cause.Error()}, codeOfCause(s.cause)
		c.late.Hits |= hitOf(s.cause)
	}
	if failure == nil {
		failure = &invocation.Failure{Message: "the invocation was ended"}
	}
	v.logFailure(failure, "waitUntil: ")
	c.backgroundFailed(code, failure)
}

// stopped ends a call whose VM is to do no more.
func (v *isolate) stopped(c *call) {
	if v.fatal != nil {
		c.finish(invocation.FunctionError, v.fatal)
		return
	}
	code, cause := invocation.FunctionError, errors.New("the invocation was ended")
	if s := v.stopping.Load(); s != nil {
		code, cause = codeOfCause(s.cause), s.cause
		c.hits |= hitOf(s.cause)
	}
	c.finish(code, &invocation.Failure{Message: fmt.Sprint(cause)})
}

// codeOfCause says what an invocation ended with whose context did.
func codeOfCause(cause error) invocation.Code {
	switch {
	case errors.Is(cause, errCPU):
		return invocation.CPULimit
	case errors.Is(cause, errMemory):
		return invocation.MemoryLimit
	case errors.Is(cause, invocation.ErrClientClosed):
		return invocation.ClientClosed
	case errors.Is(cause, invocation.ErrDraining):
		return invocation.WorkerLost
	}
	return invocation.Timeout
}
