package engine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func TestHostileLoopsEndInTime(t *testing.T) {
	for name, code := range map[string]string{
		"loop":          handlerCode(`for (;;);`),
		"finally":       handlerCode(`for (;;) { try { for (;;); } finally { continue } }`),
		"microtasks":    handlerCode(`const f = () => Promise.resolve().then(f); await f()`),
		"async":         handlerCode(`for (;;) await null`),
		"timers":        handlerCode(`const f = () => setTimeout(f, 0); f(); await new Promise(() => {})`),
		"interval":      handlerCode(`setInterval(() => {}, 1); await new Promise(() => {})`),
		"catch":         handlerCode(`for (;;) { try { (function f() { f() })() } catch {} }`),
		"sort":          handlerCode(`[3,1,2].sort(() => { for (;;); })`),
		"waiting":       handlerCode(`await new Promise(r => setTimeout(r, 60000))`),
		"abort handler": handlerCode(`request.signal.addEventListener("abort", () => { for (;;); }); await new Promise(r => setTimeout(r, 60000))`),
		"module":        `for (;;);`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			id := f.add(1, code)
			s := newSink()
			started := time.Now()
			out := f.Invoke(withTimeout(t, 100*time.Millisecond), get(id, "/"), s)
			took := time.Since(started)
			if want := invocation.Timeout; out.Code != want && name != "catch" || took > 2*time.Second || s.heads != 0 {
				t.Fatalf("outcome %+v (%v) after %s", out, out.Failure, took)
			}
			good := f.add(2, handlerCode(`return new Response("fine")`))
			if s := ok(t, f, good, get(good, "/")); s.body.String() != "fine" {
				t.Fatal("the neighbour does not answer")
			}
		})
	}
}

func TestAbandonedVMsAreCountedAndBounded(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxAbandoned = 1 })
	// A backtracking expression runs natively, where no interrupt reaches; this one
	// ends by itself after a while.
	id := f.add(1, handlerCode(`/^(?:(a+)+)(?=x)$/.test("a".repeat(19) + "b"); return new Response("")`))
	out := f.Invoke(withTimeout(t, 20*time.Millisecond), get(id, "/"), newSink())
	if out.Code != invocation.Timeout {
		t.Skipf("the expression ended in time on this machine: %+v", out)
	}
	if f.abandoned.Load() == 1 {
		if out := f.Invoke(withTimeout(t, time.Second), get(id, "/"), newSink()); out.Code != invocation.NodeOverloaded {
			t.Fatalf("outcome %+v", out)
		}
	}
	f.returns(t)
}

func TestClientThatLeavesIsNotAnError(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, `let aborted = 0; exports.default = { async fetch(request) {
		if (new URL(request.url).pathname === "/count") return Response.json(aborted);
		await new Promise((_, no) => request.signal.addEventListener("abort", () => { aborted++; no(request.signal.reason) }));
	} }`)
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(20*time.Millisecond, func() { cancel(invocation.ErrClientClosed) })
	if out := f.Invoke(ctx, get(id, "/"), newSink()); out.Code != invocation.ClientClosed || out.Failure != nil {
		t.Fatalf("outcome %+v", out)
	}
	// The function heeded its signal, so its VM serves on.
	s, out := f.run(t, get(id, "/count"))
	if s.body.String() != "1" || out.Cold {
		t.Fatalf("answered %q, outcome %+v", s.body.String(), out)
	}
}

func TestStreamReachesTheClientAsItIsMade(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`
		let n = 0;
		return new Response(new ReadableStream({
			async pull(c) {
				await new Promise(r => setTimeout(r, 1));
				if (n === 3) return c.close();
				c.enqueue(new TextEncoder().encode("c" + n++));
			},
		}), {headers: {"content-type": "text/event-stream"}})`))
	s := ok(t, f, id, get(id, "/"))
	if !s.streamed || strings.Join(s.chunks, "|") != "c0|c1|c2" || s.header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("streamed %v, chunks %q, header %v", s.streamed, s.chunks, s.header)
	}
}

func TestClientThatLeavesAStreamCancelsIt(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, `let canceled = "no"; exports.default = { fetch(request) {
		if (request.url.endsWith("/why")) return new Response(canceled);
		let n = 0;
		return new Response(new ReadableStream({
			pull(c) { c.enqueue(new TextEncoder().encode("x" + n++)) },
			cancel(reason) { canceled = reason.name },
		}));
	} }`)
	s := newSink()
	s.onWrite = func([]byte) error {
		if len(s.chunks) == 3 {
			return errors.New("gone")
		}
		return nil
	}
	out := f.Invoke(withTimeout(t, 5*time.Second), get(id, "/"), s)
	if out.Code != invocation.ClientClosed || !out.Streamed || !out.HeadSent || out.Status != 200 || len(s.chunks) != 3 {
		t.Fatalf("outcome %+v, chunks %q", out, s.chunks)
	}
	if s := ok(t, f, id, get(id, "/why")); s.body.String() != "AbortError" {
		t.Fatalf("the stream was told %q", s.body.String())
	}
}

func TestStreamThatBreaksOffIsAnError(t *testing.T) {
	f := newFixture(t, nil)
	for version, body := range map[int]string{
		1: `return new Response(new ReadableStream({start(c) { c.enqueue(new Uint8Array(1)); c.error(new Error("broke")) }}))`,
		2: `return new Response(new ReadableStream({start(c) { c.enqueue("text") }}))`,
		3: `return new Response(new ReadableStream({pull() {}}))`,
		4: `return new Response(new ReadableStream({async pull(c) { await new Promise(r => setTimeout(r, 1)); throw new Error("broke") }}))`,
	} {
		id := f.add(version, handlerCode(body))
		_, out := f.run(t, get(id, "/"))
		if out.Code != invocation.FunctionError || !out.HeadSent || out.Failure == nil {
			t.Errorf("%s: outcome %+v", body, out)
		}
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`return new Response(new ReadableStream({async pull(c) { await new Promise(r => setTimeout(r, 5)); c.enqueue(new Uint8Array(1)) }}))`))
	s := newSink()
	out := f.Invoke(withTimeout(t, 50*time.Millisecond), get(id, "/"), s)
	if out.Code != invocation.Timeout || !out.HeadSent || !out.Streamed || out.Status != 200 || len(s.chunks) == 0 {
		t.Fatalf("outcome %+v, %d chunks", out, len(s.chunks))
	}
}

func TestWaitUntilOutlivesTheClient(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`
		ctx.waitUntil(new Promise(r => setTimeout(() => { console.log("kept"); r() }, 60)));
		await new Promise(r => setTimeout(r, 60000));`))
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(10*time.Millisecond, func() { cancel(invocation.ErrClientClosed) })
	s := newSink()
	out := f.Invoke(ctx, get(id, "/"), s)
	if out.Code != invocation.ClientClosed || !out.Background {
		t.Fatalf("outcome %+v", out)
	}
	if b := <-s.settled; b.Code != invocation.OK {
		t.Fatalf("background %+v", b)
	}
}

func TestBodyErrorsReachTheFunction(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`try { await request.text() } catch (e) { return new Response(e.message, {status: 413}) }`))
	req := get(id, "/")
	req.Method = http.MethodPost
	req.Body = io.MultiReader(strings.NewReader("half"), failing{})
	s, _ := f.run(t, req)
	if s.status != 413 || !strings.Contains(s.body.String(), "over the limit") {
		t.Fatalf("answered %d %q", s.status, s.body.String())
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("over the limit") }

func TestCodeOfCause(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`await new Promise(r => setTimeout(r, 60000))`))
	for cause, want := range map[error]invocation.Code{
		invocation.ErrTimeout: invocation.Timeout, invocation.ErrClientClosed: invocation.ClientClosed, invocation.ErrDraining: invocation.WorkerLost,
	} {
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(5*time.Millisecond, func() { cancel(cause) })
		if out := f.Invoke(ctx, get(id, "/"), newSink()); out.Code != want {
			t.Errorf("%v: outcome %+v", cause, out)
		}
	}
}

func TestTimersAreCapped(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`try { for (;;) setTimeout(() => {}, 1e6) } catch (e) { return new Response(e.name) }`))
	if s := ok(t, f, id, get(id, "/")); s.body.String() != "RangeError" {
		t.Fatalf("answered %q", s.body.String())
	}
	if s := ok(t, f, id, get(id, "/")); s.body.String() != "RangeError" { // the first call's timers are gone
		t.Fatalf("answered %q", s.body.String())
	}
}

func TestScheduled(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, `exports.default = { async scheduled(event, env, ctx) { ctx.waitUntil(Promise.resolve()); console.log(event.type, event.cron) } }`,
		func(m *function.Manifest) { m.Env = nil })
	req := get(id, "/")
	req.Trigger = invocation.TriggerSchedule
	req.Header.Set("Hadron-Cron", "* * * * *")
	s, out := f.run(t, req)
	if out.Code != invocation.OK || s.heads != 0 || f.logged()[0].Message != "scheduled * * * * *" {
		t.Fatalf("outcome %+v, records %+v", out, f.logged())
	}
	if _, out := f.run(t, get(id, "/")); out.Code != invocation.FunctionError {
		t.Fatalf("outcome %+v", out)
	}
}
