package worker

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

type nullSink struct{}

func (nullSink) Head(int, http.Header, bool) error { return nil }
func (nullSink) Write([]byte) error                { return nil }
func (nullSink) Settled(invocation.Background)     {}

type invoker interface {
	Invoke(ctx context.Context, req *invocation.Request, w invocation.Writer) invocation.Outcome
}

const hello = `exports.default = { fetch() { return Response.json({hello: "world"}) } }`

// both runs a benchmark through a worker and in this process, side by side.
func both(b *testing.B, code string, run func(b *testing.B, v invoker, id function.ID)) {
	f := newFixture(b, func(c *Config) { c.IdleFor = 0 })
	id := f.add("t/p/f", 1, code)
	b.Run("worker", func(b *testing.B) {
		f.ok(get(id, "/"))
		run(b, f, id)
	})
	b.Run("inprocess", func(b *testing.B) {
		e, err := engine.New(engine.Config{Bundle: f.bundle})
		if err != nil {
			b.Fatal(err)
		}
		defer e.Close(context.Background()) //nolint:errcheck // nothing runs
		run(b, e, id)
	})
}

// BenchmarkInvoke is one call after another: what a hop costs.
func BenchmarkInvoke(b *testing.B) {
	both(b, hello, func(b *testing.B, v invoker, id function.ID) {
		req := get(id, "/a?b=c")
		req.Header.Set("Accept", "*/*")
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		b.ReportAllocs()
		for b.Loop() {
			if out := v.Invoke(ctx, req, nullSink{}); out.Code != invocation.OK {
				b.Fatalf("%+v %v", out, out.Failure)
			}
		}
	})
}

// BenchmarkInvokeParallel is the throughput with 32 callers at a time.
func BenchmarkInvokeParallel(b *testing.B) {
	both(b, hello, func(b *testing.B, v invoker, id function.ID) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		b.ReportAllocs()
		var wg sync.WaitGroup
		const callers = 32
		for range callers {
			wg.Go(func() {
				req := get(id, "/")
				for range b.N / callers {
					if out := v.Invoke(ctx, req, nullSink{}); out.Code != invocation.OK {
						b.Errorf("%+v %v", out, out.Failure)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// BenchmarkStream is what a response of a mebibyte costs.
func BenchmarkStream(b *testing.B) {
	both(b, streamer, func(b *testing.B, v invoker, id function.ID) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		b.SetBytes(64 * 16384)
		for b.Loop() {
			if out := v.Invoke(ctx, get(id, "/?n=64"), nullSink{}); out.Code != invocation.OK {
				b.Fatalf("%+v %v", out, out.Failure)
			}
		}
	})
}
