package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
)

var hello = []byte("hello")

func quiet(b *testing.B) *gateway.Gateway {
	b.Helper()
	g, err := gateway.New(gateway.Config{Dev: true, ExternalURL: "http://127.0.0.1:8080", Invoker: invoke(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		if w.Head(200, http.Header{"Content-Type": {"text/plain"}}, false) == nil {
			_ = w.Write(hello)
		}
		return ok
	})})
	if err != nil {
		b.Fatal(err)
	}
	g.Apply(function2(greeting, "public", 1))
	return g
}

type nowhere struct{ h http.Header }

func (n *nowhere) Header() http.Header         { return n.h }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(int)             {}

// The gateway's own cost of a call, without network and function.
func BenchmarkServe(b *testing.B) {
	g := quiet(b)
	req := httptest.NewRequest(http.MethodGet, "/fn/"+string(greeting)+"/a/b?c=d", nil)
	req.Header = http.Header{"User-Agent": {"bench"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}}
	b.ReportAllocs()
	for b.Loop() {
		g.ServeHTTP(&nowhere{http.Header{}}, req)
	}
}

// The same while a rollout compares all calls of the function.
func BenchmarkServeCompared(b *testing.B) {
	g := quiet(b)
	g.Apply(weighted([]function.Weight{{Version: 1, Weight: 50}, {Version: 2, Weight: 50}}, function.Sticky{}))
	g.Compare(greeting, gateway.Comparison{
		ID: 1, Alias: function.Live, Canary: 2, Baseline: 1,
		OnCanary: func(invocation.Outcome) {}, OnBaseline: func(invocation.Outcome) {},
	})
	req := httptest.NewRequest(http.MethodGet, "/fn/"+string(greeting)+"/a/b?c=d", nil)
	req.Header = http.Header{"User-Agent": {"bench"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}}
	b.ReportAllocs()
	for b.Loop() {
		g.ServeHTTP(&nowhere{http.Header{}}, req)
	}
}

// A call over a connection, against a bare handler that answers the same.
func BenchmarkHTTP(b *testing.B) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(hello)
	})
	for name, h := range map[string]http.Handler{"bare": bare, "gateway": quiet(b)} {
		b.Run(name, func(b *testing.B) {
			srv := httptest.NewServer(h)
			defer srv.Close()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				tr := &http.Transport{}
				defer tr.CloseIdleConnections()
				cl := &http.Client{Transport: tr}
				for pb.Next() {
					res, err := cl.Get(srv.URL + "/fn/" + string(greeting))
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = res.Body.Read(make([]byte, 16))
					res.Body.Close()
				}
			})
		})
	}
}

// A repoint costs the same however many functions there are.
func BenchmarkRepoint(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("of %d", n), func(b *testing.B) {
			g := quiet(b)
			for i := range n {
				g.Apply(function2(function.Name(fmt.Sprintf("team/project/f%d", i)), "public", 1))
			}
			both := [2]function.Function{function2(greeting, "public", 1), function2(greeting, "public", 2)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				g.Apply(both[i&1])
			}
		})
	}
}

// The same with a tracer that keeps no call: tracing must cost such a call no
// allocation.
func BenchmarkServeTraced(b *testing.B) {
	g, err := gateway.New(gateway.Config{
		Dev: true, ExternalURL: "http://127.0.0.1:8080",
		Sample: func(string) bool { return false },
		Trace:  func(function.Version) gateway.Tracer { return &tracer{slow: time.Hour} },
		Invoker: invoke(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
			if w.Head(200, http.Header{"Content-Type": {"text/plain"}}, false) == nil {
				_ = w.Write(hello)
			}
			return ok
		}),
	})
	if err != nil {
		b.Fatal(err)
	}
	g.Apply(function2(greeting, "public", 1))
	req := httptest.NewRequest(http.MethodGet, "/fn/"+string(greeting)+"/a/b?c=d", nil)
	req.Header = http.Header{"User-Agent": {"bench"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}}
	b.ReportAllocs()
	for b.Loop() {
		g.ServeHTTP(&nowhere{http.Header{}}, req)
	}
}
