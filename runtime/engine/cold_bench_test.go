package engine

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/project"
)

// coldSource is a small function as an author writes it.
const coldSource = `interface Greeting { hello: string; number: number }

const greeting = (name: string): Greeting => ({ hello: name, number: 42 });

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    return Response.json(greeting(url.searchParams.get("name") ?? "world"));
  },
};
`

// coldEngine runs versions of one bundle, as many as are asked for.
func coldEngine(b *testing.B) *Engine {
	b.Helper()
	built, err := project.Build(b.Context(), project.Input{Source: coldSource, Entry: "index.ts"})
	if err != nil {
		b.Fatal(err)
	}
	e, err := New(Config{MaxVMs: 64, MaxPrograms: 64, Bundle: func(_ context.Context, id function.ID) (function.Bundle, error) {
		code := strings.ReplaceAll(string(built.Code), "42", strconv.Itoa(id.Version)) // no two are the same
		return function.Bundle{ID: id, Code: []byte(code), Map: built.Map, Manifest: function.DefaultManifest()}, nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return e
}

// BenchmarkFirstCall is the call of a version that nobody called before, while nothing
// else runs, and the one after it: what a cold start adds is the difference.
func BenchmarkFirstCall(b *testing.B) {
	call := func(b *testing.B, e *Engine, version int) {
		out := e.Invoke(b.Context(), &invocation.Request{
			Version: function.ID{Name: "team/project/cold", Version: version}, Trigger: invocation.TriggerHTTP, Method: http.MethodGet,
			URL: "http://hadron.test/?name=bench", Header: http.Header{"Accept": {"*/*"}}, Limits: function.DefaultLimits(),
		}, nullSink{})
		if out.Code != invocation.OK {
			b.Fatalf("%+v %v", out, out.Failure)
		}
	}
	b.Run("cold", func(b *testing.B) {
		e := coldEngine(b)
		b.ReportAllocs()
		version := 0
		for b.Loop() {
			b.StopTimer()
			for e.spares.count() < e.cfg.Spares {
				runtime.Gosched()
			}
			b.StartTimer()
			version++
			call(b, e, version)
		}
	})
	b.Run("warm", func(b *testing.B) {
		e := coldEngine(b)
		call(b, e, 1)
		b.ReportAllocs()
		for b.Loop() {
			call(b, e, 1)
		}
	})
}
