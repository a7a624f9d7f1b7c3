package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/dop251/goja"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

type nullSink struct{}

func (nullSink) Head(int, http.Header, bool) error { return nil }
func (nullSink) Write([]byte) error                { return nil }
func (nullSink) Settled(invocation.Background)     {}

func benchmarkInvoke(b *testing.B, f *fixture, id function.ID) {
	req := get(id, "/a?b=c")
	req.Header.Set("Accept", "*/*")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if out := f.Invoke(ctx, req, nullSink{}); out.Code != invocation.OK {
			b.Fatalf("%+v %v", out, out.Failure)
		}
	}
}

func BenchmarkInvokeHelloJSON(b *testing.B) {
	f := newFixture(b, nil)
	benchmarkInvoke(b, f, f.add(1, `exports.default = { fetch() { return Response.json({hello: "world"}) } }`))
}

// BenchmarkInvokeParallel is the throughput with more callers than processors.
func BenchmarkInvokeParallel(b *testing.B) {
	f := newFixture(b, nil)
	id := f.add(1, `exports.default = { fetch() { return Response.json({hello: "world"}) } }`)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		req := get(id, "/")
		for pb.Next() {
			if out := f.Invoke(ctx, req, nullSink{}); out.Code != invocation.OK {
				b.Errorf("%+v %v", out, out.Failure)
				return
			}
		}
	})
}

func BenchmarkInvokeHelloAsync(b *testing.B) {
	f := newFixture(b, nil)
	benchmarkInvoke(b, f, f.add(1, handlerCode(`return Response.json({hello: "world", q: new URL(request.url).searchParams.get("b"), a: request.headers.get("accept")})`)))
}

// BenchmarkInvokeFreshVM is the cold path but for compilation: a VM each.
func BenchmarkInvokeFreshVM(b *testing.B) {
	f := newFixture(b, nil)
	benchmarkInvoke(b, f, f.add(1, `exports.default = { fetch() { return Response.json({hello: "world"}) } }`,
		func(m *function.Manifest) { m.Isolation = "request" }))
}

// BenchmarkInvokeBFF fans out to two functions and merges.
func BenchmarkInvokeBFF(b *testing.B) {
	f := newFixture(b, func(c *Config) {
		c.ExternalURL = "http://hadron.test"
		c.Call = func(_ context.Context, _ invocation.Request, req *http.Request) (*http.Response, error) {
			body := fmt.Sprintf(`{"path":%q}`, req.URL.Path)
			return &http.Response{
				StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: req,
			}, nil
		}
	})
	benchmarkInvoke(b, f, f.add(1, handlerCode(`
		const [a, b] = await Promise.all(["a", "b"].map(async n => (await fetch("http://hadron.test/fn/t/p/" + n)).json()));
		return Response.json({a, b})`)))
}

func BenchmarkNewVM(b *testing.B) {
	f := newFixture(b, nil)
	id := f.add(1, `exports.default = { fetch() {} }`)
	p, err := f.programs.get(context.Background(), id)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		v := newIsolate(f.Engine, p)
		if err := v.warm(f.cfg.InitTimeout); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareGoja is what the language itself costs: one call of a function that
// makes the same text, with nothing around it.
func BenchmarkBareGoja(b *testing.B) {
	vm := goja.New()
	v, err := vm.RunString(`(function () { return JSON.stringify({hello: "world"}) })`)
	if err != nil {
		b.Fatal(err)
	}
	fn, _ := goja.AssertFunction(v)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fn(goja.Undefined()); err != nil {
			b.Fatal(err)
		}
	}
}
