package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/runtime/invocation"
)

const streamer = `exports.default = { async fetch(request) {
	const n = Number(new URL(request.url).searchParams.get("n")); let i = 0
	return new Response(new ReadableStream({ pull(c) { if (i++ < n) c.enqueue(new Uint8Array(16384).fill(65)); else c.close() } }))
} }`

func TestLargeBodies(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/echo", 1, handler(`const b = await request.arrayBuffer(); return new Response(b)`))
	data := bytes.Repeat([]byte("0123456789abcdef"), 50<<10)
	for _, length := range []string{"", "819200"} {
		req := post(id, "/", bytes.NewReader(data))
		if length != "" {
			req.Header.Set("Content-Length", length)
		}
		s, out := f.call(req)
		if out.Code != invocation.OK || !bytes.Equal(s.body.Bytes(), data) {
			t.Errorf("%+v %v: %d bytes", out, out.Failure, s.body.Len())
		}
	}
	small := post(id, "/", strings.NewReader("small"))
	small.Header.Set("Content-Length", "5")
	if got := f.ok(small); got != "small" {
		t.Error(got)
	}
}

// A client that does not read stalls its own stream, and nobody else's.
func TestSlowClientStallsItsOwnStream(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, streamer)
	fine := f.add("t/p/fine", 1, handler(`return new Response("fine")`))
	gate := make(chan struct{})
	slow := newSink()
	var once sync.Once
	stalled := make(chan struct{})
	slow.onWrite = func([]byte) error {
		once.Do(func() { close(stalled) })
		<-gate
		return nil
	}
	ended := make(chan invocation.Outcome, 1)
	go func() { ended <- f.callTo(get(id, "/?n=200"), slow) }()
	<-stalled
	for range 20 {
		f.ok(get(fine, "/"))
	}
	if s, out := f.call(get(id, "/?n=100")); out.Code != invocation.OK || s.body.Len() != 100*16384 || !s.streamed {
		t.Errorf("%+v %d", out, s.body.Len())
	}
	close(gate)
	if out := <-ended; out.Code != invocation.OK || slow.body.Len() != 200*16384 {
		t.Errorf("%+v %d", out, slow.body.Len())
	}
}

// A request's body is read as the function asks for it, and what breaks it reaches
// the function.
func TestRequestStream(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, `exports.default = { async fetch(request) {
		const reader = request.body.getReader(); let n = 0
		try { for (;;) { const {done, value} = await reader.read(); if (done) break; n += value.length } } catch (e) { return new Response("broken at " + n) }
		return new Response(String(n))
	} }`)
	unread := f.add("t/p/unread", 1, handler(`return new Response("unread")`))
	r, w := io.Pipe()
	go func() {
		for range 100 {
			if _, err := w.Write(make([]byte, 10<<10)); err != nil {
				return
			}
		}
		w.Close()
	}()
	if got := f.ok(post(id, "/", r)); got != "1024000" {
		t.Error(got)
	}
	r, w = io.Pipe()
	go func() {
		_, _ = w.Write(make([]byte, 1000))
		w.CloseWithError(errors.New("gone"))
	}()
	if got := f.ok(post(id, "/", r)); got != "broken at 1000" {
		t.Error(got)
	}
	untouched := &counting{}
	if got := f.ok(post(unread, "/", untouched)); got != "unread" || untouched.n != 0 {
		t.Errorf("%s, and %d reads of a body that nobody asked for", got, untouched.n)
	}
}

type counting struct{ n int }

func (c *counting) Read([]byte) (int, error) {
	c.n++
	return 0, io.EOF
}

func TestCancel(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, handler(`console.log("waiting"); await new Promise((ok, no) => request.signal.addEventListener("abort", () => { console.log("aborted"); no(new Error("aborted")) }))`))
	spin := f.add("t/p/spin", 1, handler(`console.log("waiting"); for (;;) {}`))
	for _, c := range []struct {
		cause error
		code  invocation.Code
		id    *invocation.Request
	}{
		{invocation.ErrTimeout, invocation.Timeout, get(id, "/1")},
		{invocation.ErrClientClosed, invocation.ClientClosed, get(id, "/2")},
		{invocation.ErrTimeout, invocation.Timeout, get(spin, "/")},
	} {
		before := len(f.lines())
		ctx, cancel := context.WithCancelCause(context.Background())
		ch := make(chan invocation.Outcome, 1)
		go func() { ch <- f.Invoke(ctx, c.id, newSink()) }()
		eventually(t, "it runs", func() bool { return len(f.lines()) > before })
		started := time.Now()
		cancel(c.cause)
		out := <-ch
		if out.Code != c.code || time.Since(started) > 500*time.Millisecond {
			t.Errorf("%v: %+v after %s", c.cause, out, time.Since(started))
		}
	}
	eventually(t, "the function saw it", func() bool { return strings.Count(strings.Join(f.lines(), "|"), "aborted") >= 2 })
	eventually(t, "nothing is left", func() bool { return len(f.team("t").streams()) == 0 })
}

// A client that leaves in the middle of a stream ends it.
func TestClientLeaves(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, streamer)
	s := newSink()
	s.onWrite = func([]byte) error { return errLeft }
	out := f.callTo(get(id, "/?n=100000"), s)
	if out.Code != invocation.ClientClosed || out.Failure != nil || !out.HeadSent {
		t.Errorf("%+v", out)
	}
	eventually(t, "nothing is left", func() bool { return len(f.team("t").streams()) == 0 })
}

func TestBackground(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, `exports.default = { fetch(request, env, ctx) {
		ctx.waitUntil(new Promise(r => setTimeout(() => { console.log("done"); r() }, 50)))
		if (request.url.endsWith("/bad")) ctx.waitUntil(new Promise((r, no) => setTimeout(() => no(new TypeError("no")), 10)))
		return new Response("now")
	} }`)
	s, out := f.call(get(id, "/"))
	if out.Code != invocation.OK || !out.Background {
		t.Fatalf("%+v", out)
	}
	if b := <-s.settled; b.Code != invocation.OK || b.RequestID == "" {
		t.Errorf("%+v", b)
	}
	if got := strings.Join(f.lines(), "|"); got != "done" {
		t.Error(got)
	}
	s, _ = f.call(get(id, "/bad"))
	if b := <-s.settled; b.Code != invocation.FunctionError || b.Failure.Name != "TypeError" {
		t.Errorf("%+v", b)
	}
}

// A fetch of another function goes to the parent, with bodies both ways, and says
// on whose behalf by the parent's own table.
func TestCallsOfOthers(t *testing.T) {
	var mu sync.Mutex
	var callers []invocation.Request
	f := newFixture(t, func(c *Config) {
		c.Call = func(_ context.Context, caller invocation.Request, req *http.Request) (*http.Response, error) {
			mu.Lock()
			callers = append(callers, caller)
			mu.Unlock()
			if strings.HasSuffix(req.URL.Path, "/fail") {
				return nil, errors.New("no such function")
			}
			var data []byte
			if req.Body != nil {
				var err error
				if data, err = io.ReadAll(req.Body); err != nil {
					return nil, err
				}
			}
			answer := req.Method + " " + req.Header.Get("X-A") + " " + string(data)
			return &http.Response{StatusCode: http.StatusAccepted, Header: http.Header{"X-B": {"b"}}, Body: io.NopCloser(strings.NewReader(answer)), ContentLength: -1}, nil
		}
	})
	id := f.add("t/p/f", 1, handler(`
		const big = "x".repeat(300000)
		const [a, b, c] = await Promise.all([
			fetch("http://hadron.test/fn/t/p/g"),
			fetch("http://hadron.test/fn/t/p/g", {method: "POST", body: big, headers: {"X-A": "1"}}),
			fetch("http://hadron.test/fn/t/p/fail").catch(e => e),
		])
		const text = await b.text()
		return Response.json([a.status, a.headers.get("x-b"), await a.text(), text === "POST 1 " + big, String(c)])`))
	req := get(id, "/")
	req.Depth = 3
	got := f.ok(req)
	if !strings.HasPrefix(got, `[202,"b","GET  ",true,"TypeError: `) {
		t.Error(got)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, c := range callers {
		if c.Version != id || c.Depth != 3 || c.ID != req.ID || c.Trace != req.Trace {
			t.Errorf("%+v", c)
		}
	}
	if len(callers) != 3 {
		t.Errorf("%d calls", len(callers))
	}
}
