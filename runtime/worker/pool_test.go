package worker

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func TestRoundTrip(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/hello", 1, handler(`console.log("hi", request.method); return Response.json({path: new URL(request.url).pathname, h: request.headers.get("x-a")}, {status: 201, headers: {"X-B": "c"}})`))
	req := get(id, "/a/b")
	req.Header.Set("X-A", "1")
	s, out := f.call(req)
	if out.Code != invocation.OK || out.Status != 201 || !out.HeadSent || !out.Cold || out.CPU == 0 || out.Init == 0 || out.TraceID != req.Trace.ID {
		t.Fatalf("%+v %v", out, out.Failure)
	}
	if got := s.body.String(); got != `{"path":"/a/b","h":"1"}` || s.status != 201 || s.header.Get("X-B") != "c" || s.streamed {
		t.Errorf("%d %v %s", s.status, s.header, got)
	}
	eventually(t, "the line is there", func() bool { return strings.Join(f.lines(), "|") == "hi GET" })
	if _, out := f.call(get(id, "/")); out.Cold {
		t.Error("the second call made another VM")
	}
}

// Two teams never share a worker, and a team has one for all its functions.
func TestATeamAWorker(t *testing.T) {
	f := newFixture(t, nil)
	a := f.add("a/p/f", 1, handler(`return new Response("1")`))
	b := f.add("a/q/g", 1, handler(`return new Response("1")`))
	c := f.add("b/p/f", 1, handler(`return new Response("1")`))
	for _, id := range []function.ID{a, b, c, a} {
		f.ok(get(id, "/"))
	}
	if f.team("a") == nil || f.team("a") == f.team("b") || len(f.all()) != 2 {
		t.Errorf("%d workers", len(f.all()))
	}
}

// There are never more workers than may be: idle ones make room, and who finds all
// busy waits, then is told.
func TestCap(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxWorkers, c.MaxQueue = 2, 4*time.Second })
	var ids []function.ID
	for _, team := range []function.Name{"a/p/f", "b/p/f", "c/p/f"} {
		ids = append(ids, f.add(team, 1, handler(`return new Response("1")`)))
	}
	for range 2 {
		for _, id := range ids {
			f.ok(get(id, "/"))
			if n := len(f.all()); n > 2 {
				t.Fatalf("%d workers", n)
			}
		}
	}
	slow := handler(wait)
	x, y := f.add("x/p/f", 1, slow), f.add("y/p/f", 1, slow)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(invocation.ErrClientClosed)
	var wg sync.WaitGroup
	for _, id := range []function.ID{x, y} {
		wg.Go(func() { f.Invoke(ctx, get(id, "/"), newSink()) })
	}
	f.waiting(2)
	if _, out := f.call(get(ids[0], "/")); out.Code != invocation.NodeOverloaded {
		t.Errorf("%+v %v", out, out.Failure)
	}
	cancel(invocation.ErrClientClosed)
	wg.Wait()
	f.ok(get(ids[0], "/"))
}

func TestIdleStop(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.IdleFor = 50 * time.Millisecond })
	id := f.add("t/p/f", 1, handler(`return new Response("1")`))
	f.ok(get(id, "/"))
	w := f.team("t")
	if w != nil {
		<-w.read
	}
	if n := len(f.all()); n != 0 {
		t.Errorf("%d workers", n)
	}
	f.ok(get(id, "/"))
	if w != nil && w.verdict.reason != notNeeded {
		t.Errorf("it was told to end and did not: %+v", w.verdict)
	}
}

func TestLoadsOnceAndForgets(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, handler(`return new Response("1")`))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { f.ok(get(id, "/")) })
	}
	wg.Wait()
	if f.loads != 1 {
		t.Errorf("%d loads", f.loads)
	}
	if err := f.Prewarm(t.Context(), id); err != nil {
		t.Error(err)
	}
	f.Drop(id.Name)
	f.ok(get(id, "/"))
	if f.loads != 2 {
		t.Errorf("%d loads", f.loads)
	}
	missing := function.ID{Name: "t/p/none", Version: 1}
	if _, out := f.call(get(missing, "/")); out.Code != invocation.FunctionError || !strings.Contains(out.Failure.Message, "could not be loaded") {
		t.Errorf("%+v %v", out, out.Failure)
	}
	bad := f.add("t/p/bad", 1, "throw new Error('at load')")
	if err := f.Prewarm(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "at load") {
		t.Error(err)
	}
}

// A worker of another program is not taken.
func TestOtherProgram(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Command = append(c.Command[:2:2], "rubbish", "other-program")
		c.MaxQueue = 500 * time.Millisecond
	})
	id := f.add("t/p/f", 1, "")
	if _, out := f.call(get(id, "/")); out.Code != invocation.NodeOverloaded {
		t.Errorf("%+v", out)
	}
}

// Engines' counters are summed over workers, and keep what ended ones counted.
func TestMetrics(t *testing.T) {
	f := newFixture(t, nil)
	made := func() float64 {
		families, err := f.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range families {
			if m.GetName() == "hadron_engine_vms_made_total" {
				return m.Metric[0].Counter.GetValue()
			}
		}
		return -1
	}
	for _, team := range []function.Name{"a/p/f", "b/p/f"} {
		f.ok(get(f.add(team, 1, handler(`return new Response("1")`)), "/"))
	}
	eventually(t, "two VMs are counted", func() bool { return made() == 2 })
	f.team("a").retire()
	eventually(t, "one worker is left", func() bool { return len(f.all()) == 1 })
	if n := made(); n != 2 {
		t.Errorf("%v VMs", n)
	}
}

func TestClosed(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, handler(`return new Response("1")`))
	f.ok(get(id, "/"))
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, out := f.call(get(id, "/")); out.Code != invocation.NodeOverloaded {
		t.Errorf("%+v", out)
	}
	if err := f.Prewarm(t.Context(), id); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
