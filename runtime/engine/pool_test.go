package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

const waits = `exports.default = { async fetch(request) { await new Promise(r => setTimeout(r, 20)); return new Response("done") } }`

func TestPoolIsBounded(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxVMs, c.MaxWaiting, c.MaxQueue = 2, 100, 5*time.Second })
	a, b := f.add(1, waits), f.add(2, waits)
	var wg sync.WaitGroup
	for i := range 20 {
		id := a
		if i%2 == 1 {
			id = b
		}
		wg.Go(func() {
			if out := f.Invoke(withTimeout(t, 10*time.Second), get(id, "/"), newSink()); out.Code != invocation.OK {
				t.Errorf("outcome %+v, failure %v", out, out.Failure)
			}
			if live, _, _ := f.pool.count(); live > 2 {
				t.Errorf("%d VMs live", live)
			}
		})
	}
	wg.Wait()
	if live, idle, waiting := f.pool.count(); live != idle || waiting != 0 || live > 2 {
		t.Errorf("%d live, %d idle, %d waiting", live, idle, waiting)
	}
}

func TestFullPoolRefuses(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxVMs, c.MaxQueue = 1, 10*time.Millisecond })
	id := f.add(1, `exports.default = { async fetch(request) { await new Promise(r => setTimeout(r, 300)); return new Response("") } }`)
	first := make(chan invocation.Outcome, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		first <- f.Invoke(withTimeout(t, 5*time.Second), get(id, "/"), newSink())
	}()
	<-started
	for {
		if live, idle, _ := f.pool.count(); live == 1 && idle == 0 {
			break
		}
	}
	out := f.Invoke(withTimeout(t, 5*time.Second), get(id, "/"), newSink())
	if out.Code != invocation.NodeOverloaded || out.Queue < 5*time.Millisecond {
		t.Errorf("outcome %+v", out)
	}
	if out := <-first; out.Code != invocation.OK {
		t.Errorf("outcome %+v", out)
	}
}

func TestDropForgetsAFunction(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, `let n = 0; exports.default = () => Response.json(++n)`)
	ok(t, f, id, get(id, "/"))
	f.Drop(testName)
	if live, _, _ := f.pool.count(); live != 0 || f.programs.count() != 0 {
		t.Errorf("%d VMs and %d programs are left", live, f.programs.count())
	}
	f.mu.Lock()
	delete(f.bundles, id)
	f.mu.Unlock()
	if out := f.Invoke(withTimeout(t, time.Second), get(id, "/"), newSink()); out.Code != invocation.FunctionError {
		t.Errorf("outcome %+v", out)
	}
}

func TestPrewarmMakesTheFirstCallWarm(t *testing.T) {
	registry := prometheus.NewRegistry()
	f := newFixture(t, func(c *Config) { c.Registerer = registry })
	id := f.add(1, `exports.default = () => new Response("")`)
	if err := f.Prewarm(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if _, out := f.run(t, get(id, "/")); out.Cold || out.Code != invocation.OK {
		t.Fatalf("outcome %+v", out)
	}
	bad := f.add(2, `throw new Error("no")`)
	if err := f.Prewarm(context.Background(), bad); err == nil {
		t.Error("a module that throws was prewarmed")
	}
	families, err := registry.Gather()
	if err != nil || len(families) < 7 {
		t.Errorf("%d metric families, %v", len(families), err)
	}
}

func TestClosedEngineRefuses(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, waits)
	first := make(chan invocation.Outcome, 1)
	go func() { first <- f.Invoke(withTimeout(t, 5*time.Second), get(id, "/"), newSink()) }()
	for {
		if live, _, _ := f.pool.count(); live == 1 {
			break
		}
	}
	if err := f.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if out := <-first; out.Code != invocation.OK {
		t.Errorf("the running call ended as %+v", out)
	}
	if out := f.Invoke(withTimeout(t, time.Second), get(id, "/"), newSink()); out.Code != invocation.NodeOverloaded {
		t.Errorf("outcome %+v", out)
	}
	if err := f.Prewarm(context.Background(), id); !errors.Is(err, ErrClosed) {
		t.Errorf("prewarm: %v", err)
	}
	if err := f.Check(context.Background(), function.Bundle{}); !errors.Is(err, ErrClosed) {
		t.Errorf("check: %v", err)
	}
}

// TestManyVersionsUnderLoad mixes everything that shares a pool, under -race.
func TestManyVersionsUnderLoad(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxVMs = 8 })
	codes := []string{
		`let n = 0; exports.default = (r, env) => Response.json({v: env.V, n: ++n})`,
		waits,
		handlerCode(`ctx.waitUntil(new Promise(r => setTimeout(r, 2))); return new Response(env.V)`),
		handlerCode(`throw new Error(env.V)`),
		handlerCode(`for (;;);`),
		handlerCode(`return new Response(request.body)`),
	}
	var ids []function.ID
	for i, code := range codes {
		ids = append(ids, f.add(i+1, code, func(m *function.Manifest) { m.Env = map[string]string{"V": fmt.Sprint(i)} }))
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 12 {
				id := ids[(worker+i)%len(ids)]
				req := post(id, "body")
				timeout := 5 * time.Second
				if id == ids[4] {
					timeout = 30 * time.Millisecond
				}
				s := newSink()
				out := f.Invoke(withTimeout(t, timeout), req, s)
				if out.Background {
					<-s.settled
				}
				want := invocation.OK
				switch id {
				case ids[3]:
					want = invocation.FunctionError
				case ids[4]:
					want = invocation.Timeout
				}
				if out.Code != want {
					t.Errorf("%s: outcome %+v, failure %v", id, out, out.Failure)
				}
			}
		})
	}
	wg.Wait()
}
