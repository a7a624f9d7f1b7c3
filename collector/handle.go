package collector

import (
	"sync/atomic"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Handle counts the invocations of one version. The gateway holds it in the
// version's route entry; all its methods may be called from any goroutine, take
// no lock and allocate nothing for an invocation that did not fail.
type Handle struct {
	id    function.ID
	owner *tracked

	inFlight   atomic.Int64
	triggers   [len(triggerNames)]atomic.Uint64
	errors     [len(errorCodes)]atomic.Uint64
	cold       atomic.Uint64
	near       atomic.Uint64
	cpu        atomic.Int64 // nanoseconds
	queue      atomic.Int64 // nanoseconds
	background atomic.Uint64
	hits       [invocation.HitCount]atomic.Uint64
	duration   histogram
	init       atomic.Pointer[histogram] // made at the first cold start

	slo          atomic.Pointer[[]*objective]
	asleep       atomic.Bool // its series have ended; the next call wakes it
	wantExemplar atomic.Bool
	exemplar     atomic.Pointer[exemplar]

	// Of the owner, under its lock.
	aliased bool
	held    bool      // somebody outside has it
	idleAt  time.Time // when it was last seen aliased or busy
	total   uint64    // invocations at idleAt
	own     own       // what the version counted itself
	born    time.Time // when its first series begins

	seen handleSeen // of the health loop
}

// objective counts one promise of a function for one version.
type objective struct {
	name      string
	ratio     float64
	threshold time.Duration // 0: an error is bad; else slower than this is bad
	*tally
}

// tally is an objective's counts, which outlive a change of its ratio or threshold.
type tally struct {
	events  atomic.Uint64
	bad     atomic.Uint64
	seenBad uint64 // of the health loop, under the owner's lock
}

type exemplar struct {
	trace   string
	seconds float64
	at      int64 // Unix milliseconds
}

// triggerNames and errorCodes give the counters their places.
var (
	triggerNames = [...]invocation.Trigger{invocation.TriggerHTTP, invocation.TriggerFunction, invocation.TriggerSchedule}
	errorCodes   = [...]invocation.Code{
		invocation.FunctionError, invocation.Timeout, invocation.MemoryLimit, invocation.WorkerLost, invocation.HTTP5xx,
		invocation.CPULimit,
	}
)

const timeoutAt = 1 // of errorCodes

func triggerAt(t invocation.Trigger) int {
	for i, name := range triggerNames {
		if name == t {
			return i
		}
	}
	return 0
}

func errorAt(c invocation.Code) int {
	for i, code := range errorCodes {
		if code == c {
			return i
		}
	}
	return 0
}

// Begin says that an invocation was handed to the function. An Observe follows.
func (h *Handle) Begin() {
	if h.asleep.Load() {
		h.owner.wake(h)
	}
	h.inFlight.Add(1) // before it is looked whether health is: see tracked.settle
	h.owner.c.activate(h.owner)
}

// Observe counts how the invocation ended.
//
// A client that left is an event of every objective: availability counts it as
// good, and latency judges it by the time it stayed. So events are always as many
// as invocations, and a function that hangs until its clients go does not look
// well for it.
func (h *Handle) Observe(trigger invocation.Trigger, o invocation.Outcome) {
	// The whole is counted before its parts and read after them, so that no reader
	// sees more errors than invocations.
	failed := o.Code.IsError()
	h.triggers[triggerAt(trigger)].Add(1)
	if failed {
		h.errors[errorAt(o.Code)].Add(1)
	}
	h.duration.observe(o.Duration)
	if o.CPU > 0 {
		h.cpu.Add(int64(o.CPU))
	}
	if o.Queue > 0 {
		h.queue.Add(int64(o.Queue))
	}
	if o.Cold {
		h.observeCold(o.Init)
	}
	if o.Near {
		h.near.Add(1)
	}
	h.hit(o.Hits)
	for _, b := range *h.slo.Load() {
		b.events.Add(1)
		if b.isBad(failed, o.Duration) {
			b.bad.Add(1)
		}
	}
	h.inFlight.Add(-1)
	if o.Traced && h.wantExemplar.CompareAndSwap(true, false) {
		h.exemplar.Store(&exemplar{trace: o.TraceID, seconds: o.Duration.Seconds(), at: h.owner.now().UnixMilli()})
	}
	if failed {
		h.owner.groups.add(h.owner.now(), h.id.Version, o.Code, o.Status, o.Failure, o.RequestID)
	}
}

func (b *objective) isBad(failed bool, took time.Duration) bool {
	if b.threshold == 0 {
		return failed
	}
	return took > b.threshold
}

// hit counts an invocation under each limit that it ran into.
func (h *Handle) hit(hits invocation.Hits) {
	if hits == 0 {
		return
	}
	for at := range hits.Known().All() {
		h.hits[at].Add(1)
	}
}

func (h *Handle) observeCold(took time.Duration) {
	h.cold.Add(1)
	in := h.init.Load()
	if in == nil {
		h.init.CompareAndSwap(nil, new(histogram))
		in = h.init.Load()
	}
	in.observe(took)
}

// Settled counts what came of the work that waitUntil held. Its invocation has
// ended already, so a failure here is no error of an objective: it is counted in
// hadron_background_errors_total and shown among the function's errors.
func (h *Handle) Settled(b invocation.Background) {
	if b.CPU > 0 {
		h.cpu.Add(int64(b.CPU))
	}
	h.hit(b.Hits)
	if b.Code.IsError() {
		h.background.Add(1)
		h.owner.groups.add(h.owner.now(), h.id.Version, b.Code, 0, b.Failure, b.RequestID)
	}
}

// invocations is the count over all triggers.
func (h *Handle) invocations() uint64 {
	var n uint64
	for i := range h.triggers {
		n += h.triggers[i].Load()
	}
	return n
}

// reset puts a sleeping handle back to the start. Nothing is in flight there.
func (h *Handle) reset() {
	for i := range h.triggers {
		h.triggers[i].Store(0)
	}
	for i := range h.errors {
		h.errors[i].Store(0)
	}
	h.cold.Store(0)
	h.near.Store(0)
	h.cpu.Store(0)
	h.queue.Store(0)
	h.background.Store(0)
	for at := range h.hits {
		h.hits[at].Store(0)
	}
	h.duration.reset()
	h.init.Store(nil)
	h.slo.Store(new([]*objective))
	h.total = 0
	h.own = own{}
	h.seen = handleSeen{}
}
