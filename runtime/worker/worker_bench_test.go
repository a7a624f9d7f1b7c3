package worker

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/project"
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

// small is a function as an author writes it, bundled.
const small = `interface Greeting { hello: string; number: number }

const greeting = (name: string): Greeting => ({ hello: name, number: 42 });

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    return Response.json(greeting(url.searchParams.get("name") ?? "world"));
  },
};
`

// BenchmarkFirstCall is the call of a version that nobody called before, in a worker
// that is up and has rested, and a warm one: what a cold start adds is the difference.
// The store of bundles is a map; BenchmarkRegistry/BundleRead is the real one.
func BenchmarkFirstCall(b *testing.B) {
	built, err := project.Build(b.Context(), project.Input{Source: small, Entry: "index.ts"})
	if err != nil {
		b.Fatal(err)
	}
	f := newFixture(b, nil)
	call := func(b *testing.B, version int) {
		if out := f.Invoke(b.Context(), get(function.ID{Name: "t/p/cold", Version: version}, "/?name=bench"), nullSink{}); out.Code != invocation.OK {
			b.Fatalf("%+v %v", out, out.Failure)
		}
	}
	version := 0
	next := func() int {
		version++
		id := f.add("t/p/cold", version, strings.ReplaceAll(string(built.Code), "42", strconv.Itoa(version))) // no two are the same
		f.mu.Lock()
		bundle := f.bundles[id]
		bundle.Map = built.Map
		f.bundles[id] = bundle
		f.mu.Unlock()
		return version
	}
	first := next()
	call(b, first)
	rest := func(b *testing.B) { // as long as the worker needs to make a VM in place of the one that was taken
		b.StopTimer()
		<-time.After(5 * time.Millisecond)
		b.StartTimer()
	}
	var took []time.Duration
	measure := func(b *testing.B, version func() int) {
		took = took[:0]
		for b.Loop() {
			rest(b)
			v := version()
			began := time.Now()
			call(b, v)
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	}
	b.Run("cold", func(b *testing.B) { measure(b, next) })
	b.Run("warm", func(b *testing.B) { measure(b, func() int { return first }) })
}
