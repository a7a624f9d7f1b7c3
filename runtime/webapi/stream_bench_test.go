package webapi

import (
	"net/http"
	"strings"
	"testing"
)

func benchmarkEval(b *testing.B, body string, bytes int64) {
	h := newHost(b)
	h.limits.Bytes, h.limits.Subrequests = 1<<30, 1<<30
	page := strings.Repeat("x", 30<<10)
	h.trip = func(req *http.Request) (*http.Response, error) { return respond(req, 200, page), nil }
	h.eval(b, "globalThis.run = async () => {"+body+"}; await run(); return 1")
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		h.eval(b, "return run()")
	}
}

// BenchmarkStreamPump moves 1,000 chunks of the function's from a stream to a reader.
func BenchmarkStreamPump(b *testing.B) {
	benchmarkEval(b, `let n = 0; const r = new ReadableStream({pull(c) { n++ < 1000 ? c.enqueue(n) : c.close() }}).getReader(); for (;;) { const {done} = await r.read(); if (done) return }`, 0)
}

// BenchmarkStreamPipe moves 1,000 chunks through a transform.
func BenchmarkStreamPipe(b *testing.B) {
	benchmarkEval(b, `let n = 0; await new ReadableStream({pull(c) { n++ < 1000 ? c.enqueue(n) : c.close() }}).pipeThrough(new TransformStream({transform(c, t) { t.enqueue(c) }})).pipeTo(new WritableStream())`, 0)
}

func BenchmarkBodyText(b *testing.B) {
	benchmarkEval(b, `return (await (await fetch("http://h/")).text()).length`, 30<<10)
}

func BenchmarkBodyStream(b *testing.B) {
	benchmarkEval(b, `let n = 0; const r = (await fetch("http://h/")).body.getReader(); for (;;) { const {done, value} = await r.read(); if (done) return n; n += value.length }`, 30<<10)
}

func BenchmarkFormDataParse(b *testing.B) {
	benchmarkEval(b, `const f = new FormData(); for (let i = 0; i < 20; i++) f.append("k" + i, "v".repeat(100)); return [...await new Response(f).formData()].length`, 0)
}

func BenchmarkGzip(b *testing.B) {
	benchmarkEval(b, `return (await new Response((await fetch("http://h/")).body.pipeThrough(new CompressionStream("gzip"))).bytes()).length`, 30<<10)
}
