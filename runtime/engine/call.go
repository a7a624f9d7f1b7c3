package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"hadron/runtime/invocation"
	"hadron/runtime/webapi"
)

// call is one invocation, as the goroutine that owns the VM sees it. What crosses
// to the goroutine that called Invoke goes through events, and back through the
// loop.
type call struct {
	v       *isolate
	req     *invocation.Request
	epoch   uint64
	events  chan *event
	request *webapi.Request
	result  *goja.Promise // what the handler returned, while it is pending
	waits   []*goja.Promise
	watched []*goja.Promise // all that were handed to waitUntil, and result
	cpu     time.Duration
	records int
	hits    invocation.Hits
	dropped int
	// uncaught is the first error that nothing caught: the reason given when the
	// handler then never answers.
	uncaught *invocation.Failure
	outcome  invocation.Outcome
	answered bool // the response's last byte was handed over, or there is none
	gone     bool // the client left: no response is wanted

	ctxOnce sync.Once
	ctx     context.Context
	cancel  context.CancelCauseFunc
	base    context.Context

	last        event                  // the one that ends the response
	acknowledge func(error)            // goes on once the client has the last chunk
	late        *invocation.Background // what came of waitUntil, where Invoke returned before it
	before      time.Duration          // cpu when Invoke returned
	writer      invocation.Writer
	queued      time.Duration
	started     time.Time // when Invoke was called
	settleOnce  sync.Once
	stopTimers  func()
	cpuTimer    *time.Timer
	abandoned   atomic.Bool
	fetches     fetches
}

// event is a step of the response. An event with done is the last one.
type event struct {
	head     bool
	streamed bool
	status   int
	header   http.Header
	data     []byte
	source   io.Reader // the rest of the body is here
	done     bool
	ends     error               // the engine ends the call for this cause; nothing else is set
	outcome  *invocation.Outcome // of the last one
}

func newCall(ctx context.Context, req *invocation.Request) *call {
	return &call{req: req, base: ctx, events: make(chan *event, 5)}
}

// context is what host work of this call runs under. It is made when first asked
// for: most calls start none.
func (c *call) context() context.Context {
	c.ctxOnce.Do(func() {
		ctx := context.WithValue(context.WithoutCancel(c.base), callKey{}, c)
		c.ctx, c.cancel = context.WithCancelCause(ctx)
	})
	return c.ctx
}

// give hands an event over. It never blocks: at most a chunk and the end are on
// their way at a time.
func (c *call) give(e *event) { c.events <- e }

func (c *call) watches(p *goja.Promise) bool { return slices.Contains(c.watched, p) }

// watch says that the engine looks at the promise that the handler returned, within
// the turn that may reject it already.
func (c *call) watch(result goja.Value) {
	if o, ok := result.(*goja.Object); ok && o.ExportType() == promiseType {
		c.result = o.Export().(*goja.Promise)
		c.watched = append(c.watched, c.result)
	}
}

// serve runs the call from start to end, on the goroutine that owns the VM, and
// gives the VM back.
func (v *isolate) serve(c *call) {
	defer func() {
		if p := recover(); p != nil {
			_ = v.panicked(p)
			c.finish(invocation.FunctionError, &invocation.Failure{Name: "InternalError", Message: "the platform failed while it ran this function; its operator finds the cause in the log"})
		}
		v.end(c)
	}()
	if w := c.watcher(); w != nil {
		w.Started()
	}
	v.call = c
	v.current.Store(c)
	v.fatal = nil
	if !v.ready {
		started := time.Now()
		v.call = nil // the module belongs to no call
		err := v.warm(v.engine.cfg.InitTimeout)
		v.call = c
		c.outcome.Cold, c.outcome.Init = true, time.Since(started)
		if err != nil {
			c.finish(v.initFailure(err))
			return
		}
	}
	c.begin()
	c.boundCPU(time.Duration(v.prog.bounds.CPU))
	if v.start(c) {
		v.await(c)
	}
	if !c.answered {
		v.stopped(c)
	}
}

// contained calls what others gave; a panic of it ends nothing.
func (e *Engine) contained(what string, fn func()) {
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("callback panicked", "callback", what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	fn()
}

// panicked contains a panic: goja's or ours.
func (v *isolate) panicked(p any) error {
	v.discard(reasonPanic)
	v.engine.log.Error("function VM panicked", "version", v.prog.id.String(), "panic", v.secrets.text(fmt.Sprint(p)), "stack", string(debug.Stack()))
	return errors.New("the platform failed while it ran this function")
}

// begin takes the VM over from the call before.
func (c *call) begin() {
	c.v.rejected = nil
	c.v.realm.Reset()
}

// end leaves nothing of the call behind but the module's state, and tells Invoke.
func (v *isolate) end(c *call) {
	c.endContext(errEnded)
	v.loop.reset()
	v.call = nil
	v.current.Store(nil)
	if c.cpuTimer != nil {
		c.cpuTimer.Stop()
	}
	if v.realm != nil && v.realm.OverFetched() {
		c.hits |= invocation.HitSubrequests
	}
	if v.prog.fresh() {
		v.discard(reasonFresh)
	}
	if c.stopTimers != nil {
		c.stopTimers()
	}
	if v.stopping.Load() != nil {
		v.discard(reasonInterrupted)
	}
	if c.late == nil { // else Invoke has it already
		c.outcome.CPU, c.outcome.Hits = c.cpu, c.hits
		c.last.outcome = &c.outcome
	} else {
		c.late.Hits |= c.hits &^ c.last.outcome.Hits
	}
	engine := v.engine
	engine.pool.release(v) // from here on the VM is another's
	if c.late != nil {
		c.late.CPU = c.cpu - c.before
		c.settle(*c.late)
	} else {
		c.give(&c.last)
	}
	engine.ended(c)
}

var errEnded = errors.New("the invocation has ended")

// start calls the handler. It answers false when the VM is to do no more.
func (v *isolate) start(c *call) bool {
	if c.req.Trigger == invocation.TriggerSchedule {
		return v.startScheduled(c)
	}
	if v.handler.fetch == nil {
		c.finish(invocation.FunctionError, &invocation.Failure{Message: "the module has no fetch handler, only scheduled"})
		return false
	}
	request, object := v.realm.NewRequest(webapi.Incoming{
		Method: c.req.Method, URL: c.req.URL, Header: c.req.Header, Body: c.req.Body,
	})
	c.request = request
	return v.handle(c, v.handler.fetch, object)
}

// handle calls the handler in a turn of its own. It is a frame of the VM by itself,
// behind which microtasks run: the trampoline would add nothing but its cost.
func (v *isolate) handle(c *call, fn goja.Callable, about goja.Value) bool {
	var result goja.Value
	var thrown error
	ok := v.within(func() error {
		result, thrown = fn(v.handler.this, about, v.env, v.context(c))
		c.watch(result)
		if isThrown(thrown) {
			return nil // the call's failure, not the VM's
		}
		return thrown
	})
	if !ok {
		return false
	}
	return v.take(c, result, thrown)
}

// isThrown reports whether code of the function threw.
func isThrown(err error) bool {
	if err == nil {
		return false
	}
	var ex *goja.Exception
	return errors.As(err, &ex)
}

func (v *isolate) startScheduled(c *call) bool {
	if v.handler.scheduled == nil {
		c.finish(invocation.FunctionError, &invocation.Failure{Message: "the module has no scheduled handler"})
		return false
	}
	event := v.rt.NewObject()
	_ = event.Set("type", "scheduled")
	_ = event.Set("cron", c.req.Header.Get("Hadron-Cron"))
	_ = event.Set("scheduledTime", time.Now().UnixMilli())
	return v.handle(c, v.handler.scheduled, event)
}

// stopOn passes on what ends the VM, from inside a turn.
func (v *isolate) stopOn(err error) {
	if err != nil && !isThrown(err) {
		panic(err)
	}
}

// context makes the third argument of a handler.
func (v *isolate) context(c *call) *goja.Object {
	return v.realm.NewExecution(func(value goja.Value) {
		if v.call != c {
			panic(v.rt.NewTypeError("waitUntil was called after its invocation had ended"))
		}
		if len(c.waits) >= maxWaits {
			panic(v.rt.NewTypeError("waitUntil holds %d promises already", maxWaits))
		}
		if p := v.promise(value); p != nil {
			c.waits = append(c.waits, p)
			c.watched = append(c.watched, p)
		}
	})
}

// maxWaits bounds what waitUntil holds at a time.
const maxWaits = 1000

// promise makes a promise of a thenable; nil for any other value.
func (v *isolate) promise(value goja.Value) *goja.Promise {
	o, ok := value.(*goja.Object)
	if !ok {
		return nil
	}
	if o.ExportType() == promiseType {
		return o.Export().(*goja.Promise)
	}
	then := o.Get("then")
	if _, callable := goja.AssertFunction(then); !callable {
		return nil
	}
	p, resolve, _ := v.rt.NewPromise()
	v.stopOn(resolve(o))
	return p
}

// take looks at what the handler returned.
func (v *isolate) take(c *call, result goja.Value, thrown error) bool {
	if thrown != nil {
		c.finish(invocation.FunctionError, v.failure(thrown))
		return false
	}
	switch {
	case c.result != nil:
		return v.settledResult(c)
	case webapi.IsResponse(result):
		return v.respond(c, result)
	case !v.enter(func() { c.result = v.promise(result) }):
		return false
	case c.result == nil:
		return v.respond(c, result)
	}
	c.watched = append(c.watched, c.result)
	return v.settledResult(c)
}

// settledResult answers once the handler's promise has settled.
func (v *isolate) settledResult(c *call) bool {
	switch c.result.State() {
	case goja.PromiseStateFulfilled:
		p := c.result
		c.result = nil
		return v.respond(c, p.Result())
	case goja.PromiseStateRejected:
		reason := c.result.Result()
		c.result = nil
		c.finish(invocation.FunctionError, v.failureOf(reason))
		return false
	default:
		return true
	}
}

// await turns the loop until the call is answered and all that waitUntil holds has
// settled.
func (v *isolate) await(c *call) {
	for c.result == nil || v.settledResult(c) {
		c.dropSettled()
		if c.answered && len(c.waits) == 0 {
			return
		}
		if v.loop.idle() && (c.request == nil || !c.request.Watched()) {
			v.stalled(c)
			return
		}
		if !v.turn() {
			break
		}
	}
	if c.late != nil {
		v.stoppedBackground(c)
	}
}

func (c *call) dropSettled() {
	if len(c.waits) == 0 {
		return
	}
	c.waits = slices.DeleteFunc(c.waits, func(p *goja.Promise) bool {
		if p.State() == goja.PromiseStateRejected {
			failure := c.v.failureOf(p.Result())
			c.v.logFailure(failure, "A promise of waitUntil was rejected: ")
			c.backgroundFailed(invocation.FunctionError, failure)
		}
		return p.State() != goja.PromiseStatePending
	})
}

// stalled ends a call that can never go on: nothing is left to wait for.
func (v *isolate) stalled(c *call) {
	v.discard(reasonStalled)
	if c.answered {
		failure := &invocation.Failure{Message: "a promise of waitUntil never settles: nothing is left that could settle it"}
		v.logFailure(failure, "")
		c.backgroundFailed(invocation.FunctionError, failure)
		return
	}
	failure := c.uncaught
	if failure == nil {
		failure = &invocation.Failure{Message: "the handler's promise never settles: nothing is left that could settle it"}
	}
	c.finish(invocation.FunctionError, failure)
}

// logRecord hands a line to the log, within the bound of one call.
func (v *isolate) logRecord(level invocation.Level, message string, fields json.RawMessage) {
	record := invocation.Record{
		Time: time.Now(), Level: level, Message: v.secrets.text(message), Function: v.prog.id.Name, Version: v.prog.id.Version, Fields: v.secrets.json(fields),
	}
	if c := v.call; c != nil {
		record.Request, record.Trace = c.req.ID, c.req.Trace.ID
		c.records++
		if most := v.prog.bounds.Logs; c.records > most {
			c.hits |= invocation.HitLogs
			v.engine.metrics.dropped.Inc()
			if c.dropped++; c.dropped > 1 {
				return
			}
			record.Level, record.Fields = invocation.Warn, nil
			record.Message = fmt.Sprintf("this invocation wrote more than %d lines; the rest is dropped", most)
		}
	}
	v.engine.contained("log sink", func() { v.engine.cfg.Log(record) })
}

// Log implements webapi.Host.
func (v *isolate) Log(level invocation.Level, message string) { v.logRecord(level, message, nil) }

// LogWith implements webapi.Host.
func (v *isolate) LogWith(level invocation.Level, message string, fields json.RawMessage) {
	v.logRecord(level, message, fields)
}

var promiseType = reflect.TypeFor[*goja.Promise]()

// endContext ends the host work of this call, from any goroutine. Work that comes
// later finds it ended.
func (c *call) endContext(cause error) {
	c.ctxOnce.Do(func() { c.ctx, c.cancel = over, func(error) {} })
	c.cancel(cause)
}

// over is a context that ended before anything was started under it.
var over = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errEnded)
	return ctx
}()
