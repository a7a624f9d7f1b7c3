package engine

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// budgeted is an engine that may add so much to what the test's process holds.
func budgeted(t *testing.T, more int64) *fixture {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return newFixture(t, func(c *Config) { c.MemoryBudget = int64(m.HeapAlloc) + more })
}

// Who fills the memory is ended, and not who runs beside it.
func TestMemoryEndsTheCallThatUsesMost(t *testing.T) {
	f := budgeted(t, 96<<20)
	hog := f.add(1, handlerCode(`const a = []; for (;;) a.push({a: [1, 2, 3]})`))
	good := f.add(2, handlerCode(`await new Promise(r => setTimeout(r, 5)); return new Response("fine")`))
	stop := make(chan struct{})
	var calls sync.WaitGroup
	calls.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			// While memory is short, calls are refused; none is ended.
			if out := f.Invoke(t.Context(), get(good, "/"), newSink()); out.Code != invocation.OK && out.Code != invocation.NodeOverloaded {
				t.Errorf("the neighbour ended with %+v (%v)", out, out.Failure)
				return
			}
		}
	})
	// However long that takes where others take the processors: no deadline may come first.
	out := f.Invoke(t.Context(), get(hog, "/"), newSink())
	if out.Code != invocation.MemoryLimit || out.Hits&invocation.HitMemory == 0 {
		t.Errorf("outcome %+v (%v)", out, out.Failure)
	}
	close(stop)
	calls.Wait()
	// Once the memory is free again, calls are taken.
	f.takesCalls(t, good)
	if used := heapInUse(); used > f.cfg.MemoryBudget {
		t.Errorf("%d MiB are in use, of %d", used>>20, f.cfg.MemoryBudget>>20)
	}
}

// A bundle that is long in coming lets the watchdog fall asleep before the call runs.
func TestMemoryIsWatchedHoweverLongABundleTakes(t *testing.T) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var f *fixture
	f = newFixture(t, func(c *Config) {
		c.MemoryBudget = int64(m.HeapAlloc) + 96<<20
		bundle := c.Bundle
		c.Bundle = func(ctx context.Context, id function.ID) (function.Bundle, error) {
			for w := f.watchdog; len(w.wake) > 0 || !w.asleep.Load(); { // it looked, and found nobody
				<-time.After(time.Millisecond)
			}
			return bundle(ctx, id)
		}
	})
	hog := f.add(1, handlerCode(`const a = []; for (;;) a.push({a: [1, 2, 3]})`))
	if out := f.Invoke(t.Context(), get(hog, "/"), newSink()); out.Code != invocation.MemoryLimit {
		t.Errorf("outcome %+v (%v)", out, out.Failure)
	}
}

// What a call held that was ended is free afterwards, also where it is the function's
// promises that held it, and calls are taken again.
func TestMemoryOfAnEndedCallIsGivenBack(t *testing.T) {
	f := budgeted(t, 96<<20)
	hog := f.add(1, handlerCode(`const all = []; for (;;) all.push(new Promise((r) => all.push(r)))`))
	good := f.add(2, handlerCode(`return new Response("fine")`))
	if out := f.Invoke(t.Context(), get(hog, "/"), newSink()); out.Code != invocation.MemoryLimit {
		t.Fatalf("outcome %+v (%v)", out, out.Failure)
	}
	f.takesCalls(t, good)
}

// takesCalls waits until a call is no longer refused, and wants it well then.
func (f *fixture) takesCalls(t *testing.T, id function.ID) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		s, out := f.run(t, get(id, "/"))
		if out.Code == invocation.OK && s.body.String() == "fine" {
			return
		}
		if out.Code != invocation.NodeOverloaded || time.Now().After(deadline) {
			t.Fatalf("outcome %+v (%v)", out, out.Failure)
		}
	}
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What idle VMs hold goes before any call does, and then the call that ran longest.
func TestMemoryOfIdleVMsGoesFirst(t *testing.T) {
	f := newFixture(t, nil)
	w := &watchdog{engine: f.Engine}
	idle := f.add(1, handlerCode(`return new Response("x")`))
	ok(t, f, idle, get(idle, "/"))
	body, send := io.Pipe()
	waits, runs := f.add(2, handlerCode(`return new Response(await request.text())`)), f.add(3, handlerCode(`for (;;) await new Promise(r => setTimeout(r, 1))`))
	outcomes := map[int]chan invocation.Outcome{}
	for _, id := range []function.ID{waits, runs} {
		req := get(id, "/")
		if id == waits {
			req.Method, req.Body = http.MethodPost, body
		}
		out := make(chan invocation.Outcome, 1)
		outcomes[id.Version] = out
		go func() { out <- f.Invoke(t.Context(), req, newSink()) }()
	}
	for v := w.heaviest(); v == nil || v.prog.id != runs || f.pool.busy() < 2; v = w.heaviest() {
		<-time.After(time.Millisecond)
	}
	w.relieve(time.Now(), false)
	if n := f.pool.idleOf(idle); n != 0 || !w.full.Load() {
		t.Fatalf("%d idle VMs are left", n)
	}
	w.relieve(time.Now(), false)
	if out := <-outcomes[runs.Version]; out.Code != invocation.MemoryLimit {
		t.Errorf("who ran longest ended with %+v", out)
	}
	_ = send.Close()
	if out := <-outcomes[waits.Version]; out.Code != invocation.OK {
		t.Errorf("who waited ended with %+v", out)
	}
}

// The watchdog's limit is gone with its engine.
func TestMemoryWatchdogCleansUp(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	e, err := New(Config{Bundle: func(context.Context, function.ID) (function.Bundle, error) { return function.Bundle{}, nil }, MemoryBudget: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	if now := debug.SetMemoryLimit(-1); now != 1<<30*7/10 && now >= before {
		t.Errorf("the collector may use %d", now)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := debug.SetMemoryLimit(-1); now != before {
		t.Errorf("the collector may use %d, was %d", now, before)
	}
}
