package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dop251/goja"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/gateway"
)

const (
	hotName   = function.Name("team/project/hello")
	hotModule = `exports.default = { async fetch(request) { return Response.json({hello: "world"}) } }`
)

// nowhereStore takes samples and keeps none.
type nowhereStore struct{}

func (nowhereStore) Append(context.Context, []metric.Sample) error { return nil }

func (nowhereStore) AppendRollups(context.Context, []metric.Sample) error { return nil }

func (nowhereStore) Bounds() (oldest, newest time.Time) { return time.Time{}, time.Time{} }
func (nowhereStore) QueryDistributions(context.Context, string, time.Time) ([]metric.Distribution, error) {
	return nil, nil
}

func (nowhereStore) RollupBounds() (oldest, newest time.Time) { return time.Time{}, time.Time{} }

func (nowhereStore) Query(context.Context, string, time.Time) ([]metric.Point, error) {
	return nil, nil
}

// hotPath is what a call of a function passes through in the in-process server: the
// gateway, the engine and the collector, without what is beside them.
func hotPath(b *testing.B) http.Handler {
	b.Helper()
	measures, err := collector.New(collector.Config{Store: nowhereStore{}, Node: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	id := function.ID{Name: hotName, Version: 1}
	e, err := engine.New(engine.Config{Bundle: func(context.Context, function.ID) (function.Bundle, error) {
		return function.Bundle{ID: id, Code: []byte(hotModule), Manifest: function.DefaultManifest()}, nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	g, err := gateway.New(gateway.Config{
		Invoker: e, Dev: true, ExternalURL: "http://127.0.0.1:8080",
		Observe: func(v function.Version) gateway.Observer { return measures.Handle(v) },
	})
	if err != nil {
		b.Fatal(err)
	}
	manifest := function.DefaultManifest()
	manifest.Access = "public"
	g.Apply(function.Function{
		Name: hotName, Spec: manifest, Latest: 1,
		Versions: []function.Version{{ID: id, Manifest: manifest}},
		Aliases:  []function.Alias{{Name: function.Live, Weights: []function.Weight{{Version: 1, Weight: 1}}}},
	})
	return g
}

// ceiling calls the same function in a pool of VMs, with nothing around it.
func ceiling(b *testing.B) http.Handler {
	b.Helper()
	const platform = `const Response = {json: value => ({body: JSON.stringify(value)})}, exports = {};`
	program := goja.MustCompile("ceiling", platform+hotModule+`; (request) => exports.default.fetch(request)`, true)
	pool := sync.Pool{New: func() any {
		vm := goja.New()
		v, err := vm.RunProgram(program)
		if err != nil {
			panic(err)
		}
		fn, _ := goja.AssertFunction(v)
		return func(method, url string) (string, error) {
			request := vm.NewObject()
			_ = request.Set("method", method)
			_ = request.Set("url", url)
			made, err := fn(goja.Undefined(), request)
			if err != nil {
				return "", err
			}
			p, ok := made.Export().(*goja.Promise)
			if !ok || p.State() != goja.PromiseStateFulfilled {
				return "", errors.New("no response")
			}
			return p.Result().ToObject(vm).Get("body").String(), nil
		}
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := pool.Get().(func(method, url string) (string, error))
		body, err := call(r.Method, r.URL.String())
		if err != nil {
			b.Error(err)
		}
		pool.Put(call)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	})
}

// cpu reports the processor's time per call, which other load on the machine does not
// lengthen as it does the clock's.
func cpu(b *testing.B) (report func()) {
	b.Helper()
	spent := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := spent()
	return func() { b.ReportMetric(float64(spent()-before)/float64(b.N), "cpu-ns/op") }
}

type blank struct{ h http.Header }

func (n *blank) Header() http.Header         { return n.h }
func (n *blank) Write(p []byte) (int, error) { return len(p), nil }
func (n *blank) WriteHeader(int)             {}

// BenchmarkHotCall is a call without a network: the server's own work.
func BenchmarkHotCall(b *testing.B) {
	for _, c := range []struct {
		name string
		make func(*testing.B) http.Handler
	}{{"ceiling", ceiling}, {"hadron", hotPath}} {
		b.Run(c.name, func(b *testing.B) {
			h := c.make(b)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			req := httptest.NewRequest(http.MethodGet, "/fn/"+string(hotName)+"/a?b=c", nil).WithContext(ctx)
			req.Header = http.Header{"User-Agent": {"bench"}, "Accept": {"*/*"}}
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				h.ServeHTTP(&blank{http.Header{}}, req)
			}
		})
	}
}

// BenchmarkHotHTTP is calls over connections that are kept, 16 to a processor. The
// ratio of the two is what the platform costs.
func BenchmarkHotHTTP(b *testing.B) {
	for _, c := range []struct {
		name string
		make func(*testing.B) http.Handler
	}{{"ceiling", ceiling}, {"hadron", hotPath}} {
		b.Run(c.name, func(b *testing.B) {
			srv := httptest.NewServer(c.make(b))
			defer srv.Close()
			ask := fmt.Appendf(nil, "GET /fn/%s/a?b=c HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n", hotName)
			b.SetParallelism(16)
			b.ReportAllocs()
			defer cpu(b)()
			b.RunParallel(func(pb *testing.PB) {
				conn, err := net.Dial("tcp", srv.Listener.Addr().String())
				if err != nil {
					b.Error(err)
					return
				}
				defer conn.Close()
				in := bufio.NewReader(conn)
				for pb.Next() {
					if _, err := conn.Write(ask); err != nil {
						b.Error(err)
						return
					}
					// The body is known, and the last of what is sent.
					for {
						line, err := in.ReadSlice('}')
						if err != nil {
							b.Error(err)
							return
						}
						if len(line) > 0 {
							break
						}
					}
				}
			})
		})
	}
}
