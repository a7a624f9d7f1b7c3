package engine

import (
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	gometrics "runtime/metrics"
	"sync/atomic"
	"time"
)

// watchdog watches the memory of the process, which goja bounds for no VM. Its steps:
// above soft after a collection, or above hard at any time, new calls are refused,
// idle VMs are dropped, and calls are ended one by one, first the one whose VM ran
// longest since the last collection.
type watchdog struct {
	engine *Engine
	soft   uint64 // bytes that may be live after a collection
	hard   uint64 // bytes that may be in use at any time
	ease   uint64 // below it, calls are taken again

	full   atomic.Bool // no new calls
	asleep atomic.Bool // nothing runs: nobody looks
	wake   chan struct{}
	stop   chan struct{}
	done   chan struct{}
	before int64 // the memory limit that was set before

	samples [3]gometrics.Sample
	cycles  uint64 // collections seen
	acted   time.Time
	forced  time.Time
	victim  *isolate // ended last, and still running
}

// The pace of the watchdog and its thresholds, as shares of the budget. The
// collector is told to keep below the first, so that only what it cannot free goes
// above the others.
const (
	heapTick    = 5 * time.Millisecond
	heapPause   = 100 * time.Millisecond // between two calls that are ended, and between forced collections
	heapCollect = 0.70
	heapSoft    = 0.75
	heapHard    = 0.90
	heapEase    = 0.65
)

var errMemoryFull = errors.New("the memory of this process is nearly used up")

func newWatchdog(e *Engine, budget int64) *watchdog {
	share := func(s float64) uint64 { return uint64(float64(budget) * s) }
	w := &watchdog{
		engine: e, soft: share(heapSoft), hard: share(heapHard), ease: share(heapEase),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	w.samples[0].Name = "/memory/classes/heap/objects:bytes"
	w.samples[1].Name = "/gc/heap/live:bytes"
	w.samples[2].Name = "/gc/cycles/total:gc-cycles"
	w.before = debug.SetMemoryLimit(-1)
	if limit := int64(share(heapCollect)); limit < w.before {
		debug.SetMemoryLimit(limit)
	}
	w.asleep.Store(true)
	go w.watch()
	return w
}

// close returns once the watchdog has ended.
func (w *watchdog) close() {
	close(w.stop)
	<-w.done
	debug.SetMemoryLimit(w.before)
}

// admits reports whether a call may begin.
func (w *watchdog) admits() bool { return w == nil || !w.full.Load() }

// stir wakes the watchdog for a VM that is busy from now on.
func (w *watchdog) stir() {
	if w == nil || !w.asleep.Load() {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watchdog) watch() {
	defer close(w.done)
	tick := time.NewTicker(heapTick)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		w.look(time.Now())
		if w.full.Load() || w.engine.pool.busy() > 0 {
			continue
		}
		w.asleep.Store(true)
		if w.engine.pool.busy() == 0 {
			select {
			case <-w.stop:
				return
			case <-w.wake:
			}
		}
		w.asleep.Store(false)
	}
}

// look does one step.
func (w *watchdog) look(now time.Time) {
	gometrics.Read(w.samples[:])
	used, live, cycles := w.samples[0].Value.Uint64(), w.samples[1].Value.Uint64(), w.samples[2].Value.Uint64()
	collected := cycles != w.cycles
	w.cycles = cycles
	if w.victim != nil && w.victim.current.Load() == nil {
		w.victim = nil // or what it holds stays, and nothing is ever taken again
	}
	switch {
	case used >= w.hard, collected && live >= w.soft:
		w.relieve(now, used >= w.hard)
	case w.full.Load() && used < w.ease:
		w.full.Store(false)
	case w.full.Load() && now.Sub(w.forced) > heapPause:
		w.forced = now
		runtime.GC() // what was ended is free only after it
	}
	if collected {
		w.engine.pool.each(func(v *isolate) { v.meter.at = int64(v.meter.total()) })
	}
}

// relieve takes the next step against a heap that is too full. A call that was ended
// has a moment to go before the next one is.
func (w *watchdog) relieve(now time.Time, urgent bool) {
	if !w.full.Swap(true) {
		w.engine.log.Warn("memory is nearly used up; new calls are refused", "soft_bytes", w.soft)
		if w.engine.pool.trim() > 0 && !urgent {
			return // the next collection shows whether that was enough
		}
	}
	if now.Sub(w.acted) < heapPause && w.victim != nil {
		return
	}
	w.acted, w.victim = now, w.heaviest()
	if w.victim == nil {
		return
	}
	w.engine.metrics.evicted.Inc()
	if c := w.victim.current.Load(); c != nil {
		w.victim.endCall(c, errMemory)
		return
	}
	w.victim.interrupt(errMemory) // it loads its module for nobody in particular
}

// heaviest is the VM that ran longest since the last collection, of those that serve
// and were not stopped yet.
func (w *watchdog) heaviest() *isolate {
	var most *isolate
	longest := int64(math.MinInt64)
	w.engine.pool.each(func(v *isolate) {
		if v.stopping.Load() != nil || v.current.Load() == nil && v.meter.turn.Load() == 0 {
			return
		}
		if ran := int64(v.meter.total()) - v.meter.at; ran > longest {
			most, longest = v, ran
		}
	})
	return most
}
