package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"hadron/runtime/invocation"
)

// maxHeld is how much of a buffered body waits for its end. A body within it is sent
// with its length, and until then a failure can still be told as a problem.
const maxHeld = 64 << 10

var (
	errHeadTwice = errors.New("the response's head was given twice")
	errNoHead    = errors.New("the response's body came before its head")
	errNoBody    = errors.New("this response has no body")
)

// sink is where an answer goes: an HTTP client or a calling function. Exactly one of
// begin, whole and problem is called, if the caller is still there; end is last.
type sink interface {
	begin(status int, h http.Header, streamed bool) error // write calls follow
	whole(status int, h http.Header, body []byte) error   // body is the sink's to keep
	write(p []byte) error
	drain() error // a streamed answer was written whole: is it sent?
	problem(code invocation.Code, f *invocation.Failure)
	end(err error) // err: the answer is cut short
}

// exchange is one admitted call: the invocation.Writer that the Invoker sees, and
// the judge of what came of it.
type exchange struct {
	g       *Gateway
	version *version
	share   *share // of the function's project
	// compared is the side of a rollout's comparison that the call counts for; nil: none.
	compared *side
	request  invocation.Request
	body     *body // nil: none
	sink     sink
	start    time.Time
	// leaves says that the parent's context ends with ErrClientClosed, and by that only.
	leaves bool

	ctx   context.Context // of this invocation only; Writer's methods have none
	timer *time.Timer     // ends ctx with ErrTimeout

	// The Invoker's goroutine owns what follows.
	status   int // 0: no head yet
	header   http.Header
	streamed bool
	sent     bool // the sink has the head
	sentAt   time.Time
	held     []byte
	invalid  error // why the response could not be taken
	passed   int64 // bytes of the body
	hits     invocation.Hits
	sinkErr  error
	traced   bool      // the call's trace was kept
	ended    time.Time // of a call that was

	mu       sync.Mutex
	observed bool
	holds    bool // the outcome said Background
	settled  *invocation.Background
}

var _ invocation.Writer = (*exchange)(nil)

// run invokes the version and returns the outcome once it is counted. parent is the
// caller's patience.
func (e *exchange) run(parent context.Context) invocation.Outcome {
	within := parent
	if !e.leaves {
		within = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithCancelCause(within)
	defer cancel(nil)
	if !e.leaves {
		defer context.AfterFunc(parent, func() { cancel(invocation.ErrClientClosed) })()
	}
	e.ctx = ctx
	e.timer = time.AfterFunc(time.Duration(e.version.limits.Timeout), func() { cancel(invocation.ErrTimeout) })
	defer e.timer.Stop()

	observer := e.version.observer(e.g.cfg.Observe)
	observer.Begin()
	if e.compared != nil {
		e.request.Version.Baseline = e.compared.baseline
	}
	out := e.answer(e.invoke(ctx))
	if out.IsTraced(e.request.Trace.Sampled, e.request.Slow) {
		e.ended = e.start.Add(out.Duration)
		out.Traced = e.version.tracer(e.g.cfg.Trace).Ended(&e.request, e.start, out)
		e.traced = out.Traced
	}
	observer.Observe(e.request.Trigger, out)
	if e.compared != nil {
		e.compared.count(out)
	}

	e.mu.Lock()
	e.observed, e.holds = true, out.Background
	early := e.settled
	e.mu.Unlock()
	switch {
	case !out.Background:
		e.g.unbusy()
	case early != nil:
		e.settle(*early)
	}
	return out
}

// invoke calls the Invoker, which promises not to panic: if it does, one call fails
// and not the process.
func (e *exchange) invoke(ctx context.Context) (out invocation.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			e.g.cfg.Logger.ErrorContext(ctx, "invoker panicked", "function", string(e.request.Version.Name),
				"version", e.request.Version.Version, "request", e.request.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out = invocation.Outcome{Code: invocation.FunctionError}
		}
	}()
	return e.g.cfg.Invoker.Invoke(ctx, &e.request, e)
}

// Head takes the response's head. It fails when the call is over already, and when
// the head cannot be sent as it is.
func (e *exchange) Head(status int, header http.Header, streamed bool) error {
	if e.status != 0 || e.invalid != nil {
		return errHeadTwice
	}
	if err := context.Cause(e.ctx); err != nil {
		return err
	}
	if e.body.isOver() {
		return errBodyTooLarge
	}
	if err := checkHead(status, header, e.version.limits.Headers); err != nil {
		return e.refuseHead(err)
	}
	if !e.timer.Stop() {
		return invocation.ErrTimeout
	}
	e.status, e.header, e.streamed = status, header, streamed
	// A body that is not streamed is whole by now: what is left is the client's pace.
	e.timer.Reset(time.Duration(e.version.limits.Stream))
	if !streamed {
		return nil
	}
	return e.begin()
}

func (e *exchange) begin() error {
	e.sent, e.sentAt = true, time.Now()
	if err := e.sink.begin(e.status, e.header, e.streamed); err != nil {
		e.sinkErr = err
	}
	return e.sinkErr
}

// Write takes the next bytes of the body.
func (e *exchange) Write(p []byte) error {
	switch {
	case e.status == 0:
		return errNoHead
	case e.sinkErr != nil:
		return e.sinkErr
	case e.bodiless():
		if e.streamed {
			return errNoBody // nobody waits for it, so it need not be made
		}
		e.held = appendCapped(e.held, p)
		return nil
	}
	if err := context.Cause(e.ctx); err != nil {
		return err
	}
	if err := e.within(len(p)); err != nil {
		return err
	}
	if !e.sent {
		if len(e.held)+len(p) <= maxHeld {
			e.held = append(e.held, p...)
			return nil
		}
		if err := e.begin(); err != nil {
			return err
		}
		if err := e.pass(e.held); err != nil {
			return err
		}
		e.held = nil
	}
	return e.pass(p)
}

func (e *exchange) pass(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	e.sinkErr = e.sink.write(p)
	return e.sinkErr
}

// appendCapped keeps what a HEAD request's answer would have held as far as its
// length can be told.
func appendCapped(held, p []byte) []byte {
	return append(held, p[:min(len(p), maxHeld+1-len(held))]...)
}

// bodiless reports whether HTTP gives this response no body, whatever the function wrote.
func (e *exchange) bodiless() bool {
	switch e.status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return e.request.Method == http.MethodHead
}

// answer gives the sink what is still due and returns the outcome as it is counted.
func (e *exchange) answer(out invocation.Outcome) invocation.Outcome {
	if e.sent && e.streamed && e.sinkErr == nil {
		e.sinkErr = e.sink.drain()
	}
	out.Code, out.Failure = e.judge(out)
	out.Hits |= e.hit(out.Code)
	served := out.Code == invocation.OK || out.Code == invocation.HTTP5xx
	var cut error
	e.g.leave(e.version, e.share) // the function is done; how slowly its answer is read is not its load
	switch {
	case e.sent:
		if !served {
			cut = fmt.Errorf("response cut short: %s", out.Code)
		}
	case served:
		if cut = e.sink.whole(e.status, e.header, e.held); cut != nil {
			out.Code, out.Failure = e.gone(), nil
		}
		e.sent, e.sentAt = true, time.Now()
	case out.Code == invocation.ClientClosed:
		cut = invocation.ErrClientClosed
	default:
		e.sink.problem(out.Code, out.Failure)
	}
	out.Duration = time.Since(e.start)
	if e.sent && e.streamed {
		out.Duration = e.sentAt.Sub(e.start)
	}
	out.Near = e.near(out.Code, out.Duration)
	out.Status, out.Streamed, out.HeadSent = e.status, e.streamed, e.sent
	out.TraceID, out.RequestID = e.request.Trace.ID, e.request.ID
	e.sink.end(cut)
	return out
}

// judge says how the call ended, by what the gateway saw itself before what the
// Invoker says.
func (e *exchange) judge(out invocation.Outcome) (invocation.Code, *invocation.Failure) {
	code, cause := out.Code, context.Cause(e.ctx)
	proven := code == invocation.MemoryLimit || code == invocation.CPULimit || code == invocation.WorkerLost ||
		code == invocation.NodeOverloaded || code == invocation.FunctionOverloaded // what was never begun
	switch {
	case e.invalid != nil:
		return invocation.FunctionError, &invocation.Failure{Name: "TypeError", Message: e.invalid.Error()}
	case proven:
		return code, out.Failure
	case e.body.isOver() && !e.complete(code):
		return invocation.BodyTooLarge, nil
	case e.unheard():
		return e.gone(), nil
	case errors.Is(cause, invocation.ErrTimeout) && (!e.complete(code) || code == invocation.Timeout):
		return invocation.Timeout, nil
	case (errors.Is(cause, invocation.ErrClientClosed) || e.body.isBroken()) && !e.complete(code):
		return invocation.ClientClosed, nil
	case e.bodiless() && e.streamed && code != invocation.Timeout:
		// Whatever it says: it was told not to go on.
	case code == invocation.ClientClosed || code == invocation.Timeout || code == invocation.FunctionError:
		return code, out.Failure
	case e.status == 0:
		return invocation.FunctionError, &invocation.Failure{Name: "TypeError", Message: "the function ended without a response"}
	}
	if e.status >= http.StatusInternalServerError {
		return invocation.HTTP5xx, nil
	}
	return invocation.OK, nil
}

// complete reports whether the function gave its whole answer.
func (e *exchange) complete(code invocation.Code) bool {
	return e.status != 0 && (code == invocation.OK || code == invocation.HTTP5xx || code == "")
}

// unheard reports whether the caller did not take what was sent.
func (e *exchange) unheard() bool { return e.sinkErr != nil }

// gone is the code of a call whose caller took no more.
func (e *exchange) gone() invocation.Code {
	if e.streamed && errors.Is(context.Cause(e.ctx), invocation.ErrTimeout) {
		return invocation.Timeout
	}
	return invocation.ClientClosed
}

// Settled passes the end of background work on, after the outcome that said there
// is some.
func (e *exchange) Settled(b invocation.Background) {
	e.mu.Lock()
	first := e.settled == nil
	if first {
		e.settled = &b
	}
	ready := first && e.observed && e.holds
	e.mu.Unlock()
	if ready {
		e.settle(b)
	}
}

func (e *exchange) settle(b invocation.Background) {
	e.version.observer(e.g.cfg.Observe).Settled(b)
	if e.traced {
		e.version.tracer(e.g.cfg.Trace).Settled(e.request.Trace, e.ended, b)
	}
	e.g.unbusy()
}
