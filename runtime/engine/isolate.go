package engine

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/webapi"
)

// isolate is one VM of one version, with its event loop. One goroutine at a time
// owns it; interrupt is all that others may call.
type isolate struct {
	engine *Engine
	prog   *program
	home   *home
	parked *list.Element // in the pool's list, while idle
	since  time.Time

	rt         *goja.Runtime
	realm      *webapi.Realm
	loop       loop
	trampoline goja.Callable // runs task within a frame, so that microtasks wait for its end
	task       func()
	inside     bool // a turn is running
	handler    handler
	guards     *hardener
	env        *goja.Object
	secrets    *Secrets // nil: none
	ready      bool
	fatal      *invocation.Failure // what ended the VM, where that was an error of the function's
	reason     string              // why it cannot be used again; empty while it can
	call       *call
	rejected   []*goja.Promise              // rejected in this turn, and nobody looks yet
	target     atomic.Pointer[goja.Runtime] // rt, for interrupt
	current    atomic.Pointer[call]         // call, for the heap watchdog
	meter      meter
	stopping   atomic.Pointer[stop]
}

type stop struct{ cause error }

// handler is what a module exports.
type handler struct {
	this      goja.Value
	fetch     goja.Callable
	scheduled goja.Callable
}

func newIsolate(e *Engine, p *program) *isolate {
	v := &isolate{engine: e, prog: p}
	v.loop.wake = make(chan struct{}, 1)
	return v
}

// spent reports that the VM cannot serve again.
func (v *isolate) spent() bool { return v.reason != "" }

func (v *isolate) discard(reason string) {
	if v.reason == "" {
		v.reason = reason
		v.engine.metrics.discarded.WithLabelValues(reason).Inc()
	}
}

// interrupt ends what the VM does, from any goroutine: running code at its next
// instruction, waiting at once. The VM is not used again.
func (v *isolate) interrupt(cause error) {
	if v.stopping.CompareAndSwap(nil, &stop{cause}) {
		if rt := v.target.Load(); rt != nil {
			rt.Interrupt(cause)
		}
		v.loop.nudge()
	}
}

const preludeName = "hadron:prelude"

// prelude hands out what cannot be named from Go, and makes the trampoline.
var prelude = goja.MustCompile(preludeName, `(function () {
	"use strict";
	return [
		function (run) { run(); },
		(async function () {}).__proto__,
		(function* () {}).__proto__,
	];
})()`, true)

// blank builds a VM of no version yet: intrinsics guarded, web platform in place. What
// is of a version comes with make.
func (v *isolate) blank() error {
	rt := goja.New()
	v.rt = rt
	made, err := rt.RunProgram(prelude)
	if err != nil {
		return fmt.Errorf("run prelude: %w", err)
	}
	parts := made.(*goja.Object)
	trampoline, _ := goja.AssertFunction(parts.Get("0"))
	run := rt.ToValue(func(goja.FunctionCall) goja.Value {
		v.task()
		return goja.Undefined()
	})
	v.trampoline = func(this goja.Value, _ ...goja.Value) (goja.Value, error) { return trampoline(this, run) }
	if v.guards, err = harden(rt, parts.Get("1").(*goja.Object), parts.Get("2").(*goja.Object), v.hit); err != nil {
		return err
	}
	v.realm = webapi.New(rt, v, v.guards.global)
	rt.SetPromiseRejectionTracker(v.track)
	return nil
}

// make builds the VM, unless it is there, and makes it the version's: with its bounds
// and secrets, nothing of the function's run yet.
func (v *isolate) make() error {
	if v.prog.manifest.UnsafeEval && !v.engine.cfg.Eval {
		return errNoEval
	}
	if secrets := v.engine.cfg.Secrets; secrets != nil && len(v.prog.manifest.Secrets) > 0 && v.prog.id.Version > 0 {
		var err error
		if v.secrets, err = secrets(v.prog.id); err != nil {
			return fmt.Errorf("the function's secrets cannot be read now: %w", err)
		}
	}
	if v.rt == nil {
		if err := v.blank(); err != nil {
			return err
		}
	}
	v.target.Store(v.rt)
	if s := v.stopping.Load(); s != nil {
		return s.cause
	}
	v.rt.SetMaxCallStackSize(v.prog.bounds.Stack)
	v.loop.most = v.prog.bounds.Timers
	v.guards.belong(v.prog)
	v.realm.Start()
	if ex := v.rt.Try(func() { v.guards.language(v.prog.mentions) }); ex != nil {
		return fmt.Errorf("fill in the language: %w", ex)
	}
	v.engine.metrics.made.Inc()
	return nil
}

// warm makes the VM and evaluates the module, within the time given. It runs on the
// goroutine that owns the VM.
func (v *isolate) warm(timeout time.Duration) (err error) {
	if v.ready {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = v.panicked(p)
		}
		if err != nil {
			v.discard(reasonInit)
		}
	}()
	if err := v.make(); err != nil {
		return err
	}
	watchdog := time.AfterFunc(timeout, func() { v.interrupt(errSlowModule) })
	defer watchdog.Stop()
	started := time.Now()
	v.meter.enter(started)
	defer func() { v.meter.leave(time.Since(started)) }()
	if err := v.evaluate(); err != nil {
		return err
	}
	v.ready = true
	v.afterTurn()
	return nil
}

var errNoEval = errors.New("unsafe_eval is only for servers that run functions in worker processes")

var errSlowModule = errors.New("the module took too long to load: do less at its top level")

// evaluate runs the module and finds its handler.
func (v *isolate) evaluate() error {
	wrapper, err := v.rt.RunProgram(v.prog.code)
	if err != nil {
		return err
	}
	body, ok := goja.AssertFunction(wrapper)
	if !ok {
		return errors.New("the bundle is no module")
	}
	module := v.rt.NewObject()
	exports := v.rt.NewObject()
	if err := module.Set("exports", exports); err != nil {
		return err
	}
	args := []goja.Value{exports, module}
	if v.prog.powers {
		power, shift := v.guards.operators()
		args = append(args, power, shift)
	}
	if _, err := body(goja.Undefined(), args...); err != nil {
		return err
	}
	exported, err := v.awaited(module.Get("exports"))
	if err != nil {
		return err
	}
	v.env = v.rt.NewObject()
	for key, value := range v.prog.manifest.Env {
		if err := v.env.Set(key, value); err != nil {
			return err
		}
	}
	if v.secrets != nil {
		for key, value := range v.secrets.values {
			if err := v.env.Set(key, value); err != nil {
				return err
			}
		}
	}
	if err := v.env.Set(function.ReservedEnv+"URL", strings.TrimSuffix(v.engine.cfg.ExternalURL, "/")); err != nil {
		return err
	}
	var found error
	if ex := v.rt.Try(func() { v.handler, found = findHandler(v.rt, exported) }); ex != nil {
		return ex
	}
	return found
}

// errNoHandler is what a module without handler is refused with.
var errNoHandler = errors.New("the module exports no handler: write export default { fetch(request, env, ctx) { … } }")

// findHandler takes Workers-style modules, objects with a fetch method such as
// Hono's, and bare functions.
func findHandler(rt *goja.Runtime, exports goja.Value) (handler, error) {
	candidates := []goja.Value{exports}
	if o, ok := exports.(*goja.Object); ok {
		if d := o.Get("default"); d != nil && !goja.IsUndefined(d) {
			candidates = []goja.Value{d, exports}
		}
	}
	for _, c := range candidates {
		o, ok := c.(*goja.Object)
		if !ok {
			continue
		}
		h := handler{this: o}
		h.fetch, _ = goja.AssertFunction(o.Get("fetch"))
		h.scheduled, _ = goja.AssertFunction(o.Get("scheduled"))
		if h.fetch == nil && h.scheduled == nil {
			if fn, ok := goja.AssertFunction(o); ok {
				h = handler{this: goja.Undefined(), fetch: fn}
			}
		}
		if h.fetch != nil || h.scheduled != nil {
			return h, nil
		}
	}
	return handler{}, errNoHandler
}

// enter runs fn inside the VM: counted as its time, with microtasks after it, and
// what was thrown reported. It answers false when the VM is to do no more.
func (v *isolate) enter(fn func()) bool {
	if v.inside { // within a turn already, whose time and rejections count once
		if ex := v.rt.Try(fn); ex != nil {
			v.Report(ex)
		}
		return v.reason == "" && v.stopping.Load() == nil
	}
	return v.within(func() error {
		v.task = fn
		_, err := v.trampoline(goja.Undefined())
		v.task = nil
		return err
	})
}

// within is a turn of the VM: what run does in it is counted as its time, and what
// it returns is reported. It answers false when the VM is to do no more.
func (v *isolate) within(run func() error) bool {
	started := time.Now()
	v.meter.enter(started)
	v.inside = true
	err := run()
	v.inside = false
	if err != nil {
		v.Report(err)
	}
	v.afterTurn()
	took := time.Since(started)
	v.meter.leave(took)
	if v.call != nil {
		v.call.cpu += took
	}
	return v.reason == "" && v.stopping.Load() == nil
}

// turn runs what is due, or waits for it. It answers false when the VM is to stop.
func (v *isolate) turn() bool {
	if v.stopping.Load() != nil || v.spent() {
		return false
	}
	ran := false
	for _, fn := range v.loop.take() {
		ran = true
		if !v.enter(fn) {
			return false
		}
	}
	if fn := v.loop.due(time.Now()); fn != nil {
		return v.enter(fn)
	}
	if !ran {
		v.loop.wait()
	}
	return v.stopping.Load() == nil
}

// track keeps rejected promises until the turn's end.
func (v *isolate) track(p *goja.Promise, op goja.PromiseRejectionOperation) {
	if op == goja.PromiseRejectionReject {
		v.rejected = append(v.rejected, p)
		return
	}
	for i, have := range v.rejected {
		if have == p {
			v.rejected[i] = nil
		}
	}
}

// afterTurn reports rejections that no code of the function looks at.
func (v *isolate) afterTurn() {
	if len(v.rejected) == 0 {
		return
	}
	rejected := v.rejected
	v.rejected = nil
	for _, p := range rejected {
		if p == nil || v.call != nil && v.call.watches(p) {
			continue
		}
		reason := p.Result()
		if ex := v.rt.Try(func() { panic(reason) }); ex != nil {
			v.uncaught(ex, "Unhandled promise rejection: ")
		}
	}
}

// hit takes note of limits that the running call ran into.
func (v *isolate) hit(hits invocation.Hits) {
	if v.call != nil {
		v.call.hits |= hits
	}
}

// Context implements webapi.Host.
func (v *isolate) Context() context.Context {
	if v.call == nil {
		return nil
	}
	return v.call.context()
}

// Begin implements webapi.Host.
func (v *isolate) Begin() func(func()) {
	epoch := v.loop.epoch // written by this goroutine alone while it owns the VM
	v.loop.pending++
	return func(done func()) {
		v.loop.post(epoch, func() {
			v.loop.pending--
			done()
		})
	}
}

// After implements webapi.Host.
func (v *isolate) After(delay time.Duration, every bool, run func()) (int, error) {
	id, err := v.loop.after(delay, every, run)
	if err != nil {
		v.hit(invocation.HitTimers)
	}
	return id, err
}

// Clear implements webapi.Host.
func (v *isolate) Clear(id int) { v.loop.clear(id) }

// Limits implements webapi.Host.
func (v *isolate) Limits() webapi.Limits { return v.prog.limits() }
