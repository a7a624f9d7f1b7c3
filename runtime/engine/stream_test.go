package engine

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/runtime/invocation"
)

// TestEachChunkIsSeenBeforeTheNextIsMade runs the ways a function can stream in
// lockstep with their client: a chunk is made only when the one before has arrived.
func TestEachChunkIsSeenBeforeTheNextIsMade(t *testing.T) {
	const gate = `const gate = () => fetch("http://hadron.test/fn/t/p/gate").then(r => r.text()); const enc = new TextEncoder(); let n = 0;`
	for name, body := range map[string]string{
		"source":    `return new Response(new ReadableStream({async pull(c) { await gate(); n < 4 ? c.enqueue(enc.encode("c" + n++)) : c.close() }}))`,
		"bytes":     `return new Response(new ReadableStream({type: "bytes", async pull(c) { await gate(); n < 4 ? c.enqueue(enc.encode("c" + n++)) : c.close() }}))`,
		"transform": `const t = new TransformStream(), w = t.writable.getWriter(); (async () => { for (; n < 4; n++) { await gate(); await w.write(enc.encode("c" + n)) } await w.close() })(); return new Response(t.readable, {headers: {"content-type": "text/event-stream"}})`,
		"text":      `return new Response(new ReadableStream({async pull(c) { await gate(); n < 4 ? c.enqueue("c" + n++) : c.close() }}, {highWaterMark: 0}).pipeThrough(new TextEncoderStream()))`,
		"iterable":  `return new Response(ReadableStream.from({[Symbol.asyncIterator]: () => ({async next() { await gate(); return n < 4 ? {value: enc.encode("c" + n++), done: false} : {done: true} }})}))`,
		"clone":     `const r = new Response(new ReadableStream({async pull(c) { await gate(); n < 4 ? c.enqueue(enc.encode("c" + n++)) : c.close() }}, {highWaterMark: 0})); r.clone(); return r`,
	} {
		t.Run(name, func(t *testing.T) {
			open := make(chan struct{}, 1)
			open <- struct{}{}
			f := newFixture(t, func(c *Config) {
				c.ExternalURL = "http://hadron.test"
				c.Call = func(ctx context.Context, _ invocation.Request, req *http.Request) (*http.Response, error) {
					select {
					case <-open:
					case <-ctx.Done():
						return nil, ctx.Err()
					}
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
				}
			})
			id := f.add(1, handlerCode(gate+body))
			s := newSink()
			s.onWrite = func([]byte) error {
				open <- struct{}{}
				return nil
			}
			out := f.Invoke(withTimeout(t, 5*time.Second), get(id, "/"), s)
			if out.Code != invocation.OK || strings.Join(s.chunks, "|") != "c0|c1|c2|c3" {
				t.Fatalf("outcome %+v, failure %v, chunks %q", out, out.Failure, s.chunks)
			}
		})
	}
}

// TestUpstreamStreamPassesThrough: a fetched body that nobody looks at reaches the
// client as it comes.
func TestUpstreamStreamPassesThrough(t *testing.T) {
	reader, writer := io.Pipe()
	f := newFixture(t, func(c *Config) {
		c.ExternalURL = "http://hadron.test"
		c.Call = func(_ context.Context, _ invocation.Request, req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"X": {"y"}}, Body: reader, Request: req}, nil
		}
	})
	id := f.add(1, handlerCode(`const r = await fetch("http://hadron.test/fn/t/p/up"); return new Response(r.body, r)`))
	s := newSink()
	left := []string{"two", "three"}
	s.onWrite = func([]byte) error {
		if len(left) == 0 {
			return writer.Close()
		}
		next := left[0]
		left = left[1:]
		go func() { _, _ = io.WriteString(writer, next) }()
		return nil
	}
	go func() { _, _ = io.WriteString(writer, "one") }()
	out := f.Invoke(withTimeout(t, 5*time.Second), get(id, "/"), s)
	if out.Code != invocation.OK || strings.Join(s.chunks, "|") != "one|two|three" || s.header.Get("X") != "y" {
		t.Fatalf("outcome %+v, failure %v, chunks %q, header %v", out, out.Failure, s.chunks, s.header)
	}
}

func TestStreamsAreBackedUpByTheClient(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, `let made = 0; exports.default = { fetch(request) {
		if (request.url.endsWith("/made")) return new Response(String(made));
		return new Response(new ReadableStream({ pull(c) { made++; c.enqueue(new Uint8Array(1000)) } }));
	} }`)
	s := newSink()
	s.onWrite = func([]byte) error {
		if len(s.chunks) == 5 {
			return io.ErrClosedPipe
		}
		return nil
	}
	f.Invoke(withTimeout(t, 5*time.Second), get(id, "/"), s)
	if got := ok(t, f, id, get(id, "/made")).body.String(); got != "6" && got != "7" {
		t.Fatalf("%s chunks were made for 5 that were taken", got)
	}
}
