package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
)

// bounded is a gateway whose functions answer at once, under a quota.
func bounded(tb testing.TB, quota func(string) gateway.Quota, serve invoke) (*gateway.Gateway, *atomic.Int64) {
	tb.Helper()
	var refused atomic.Int64
	if serve == nil {
		serve = func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
			if w.Head(200, http.Header{}, false) == nil {
				_ = w.Write(hello)
			}
			return ok
		}
	}
	g, err := gateway.New(gateway.Config{
		Dev: true, ExternalURL: "http://127.0.0.1:8080", Invoker: serve, Quota: quota,
		Refused: func(_ function.Name, code invocation.Code) {
			if code == invocation.FunctionOverloaded {
				refused.Add(1)
			}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return g, &refused
}

func call1(g http.Handler, name string) (int, string, string) {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/fn/"+name, nil))
	var p struct{ Code, Detail string }
	_ = json.Unmarshal(w.Body.Bytes(), &p)
	return w.Code, p.Detail, w.Header().Get("Retry-After")
}

func TestRequestsOfATeamAreBounded(t *testing.T) {
	g, refused := bounded(t, func(scope string) gateway.Quota {
		if scope == "growth" {
			return gateway.Quota{Requests: 5}
		}
		return gateway.Quota{}
	}, nil)
	for _, name := range []function.Name{"growth/signup/a", "growth/web/b", "pay/core/c"} {
		g.Apply(function2(name, "public", 1))
	}
	answered := 0
	started := time.Now()
	var detail, retry string
	for range 20 {
		for _, name := range []string{"growth/signup/a", "growth/web/b"} { // of two projects, one bucket
			status, d, r := call1(g, name)
			if status == http.StatusOK {
				answered++
			} else if status != http.StatusTooManyRequests {
				t.Fatalf("answered %d", status)
			} else {
				detail, retry = d, r
			}
		}
	}
	if most := 5 + int(time.Since(started).Seconds()*5) + 1; answered < 5 || answered > most {
		t.Errorf("%d were answered, want 5 to %d", answered, most)
	}
	if retry != "1" || !strings.Contains(detail, "The team growth has had its 5 requests") {
		t.Errorf("Retry-After %q, %q", retry, detail)
	}
	if int(refused.Load()) != 40-answered {
		t.Errorf("%d refusals were counted of %d", refused.Load(), 40-answered)
	}
	for range 50 {
		if status, d, _ := call1(g, "pay/core/c"); status != http.StatusOK {
			t.Fatalf("another team was held back: %d %s", status, d)
		}
	}
	g.SetQuota("growth", gateway.Quota{}) // in effect at once
	for range 50 {
		if status, d, _ := call1(g, "growth/web/b"); status != http.StatusOK {
			t.Fatalf("%d %s", status, d)
		}
	}
}

func TestCallsAtOnceOfAProjectAreBounded(t *testing.T) {
	hold, inside := make(chan struct{}), make(chan struct{}, 10)
	g, _ := bounded(t, func(scope string) gateway.Quota {
		if scope == "growth/signup" {
			return gateway.Quota{Concurrency: 2}
		}
		return gateway.Quota{}
	}, func(_ context.Context, req *invocation.Request, w invocation.Writer) invocation.Outcome {
		if req.Version.Name.Project() == "signup" {
			inside <- struct{}{}
			<-hold
		}
		_ = w.Head(200, http.Header{}, false)
		return ok
	})
	for _, name := range []function.Name{"growth/signup/a", "growth/signup/b", "growth/web/c"} {
		g.Apply(function2(name, "public", 1))
	}
	var wg sync.WaitGroup
	for _, name := range []string{"growth/signup/a", "growth/signup/b"} {
		wg.Go(func() { call1(g, name) })
		<-inside
	}
	status, detail, retry := call1(g, "growth/signup/a")
	if status != http.StatusTooManyRequests || retry != "1" || !strings.Contains(detail, "project growth/signup runs its 2 calls") {
		t.Errorf("%d %q %q", status, detail, retry)
	}
	if status, _, _ := call1(g, "growth/web/c"); status != http.StatusOK {
		t.Errorf("another project was held back: %d", status)
	}
	if n := g.InFlightOf("growth"); n != 2 {
		t.Errorf("%d in flight", n)
	}
	close(hold)
	wg.Wait()
	if n := g.InFlightOf("growth") + g.InFlightOf("growth/signup"); n != 0 {
		t.Errorf("%d left in flight", n)
	}
	if status, _, _ := call1(g, "growth/signup/a"); status != http.StatusOK {
		t.Errorf("%d after all had ended", status)
	}
}

// The cost of a quota is that of a few atomic counts.
func BenchmarkServeWithQuota(b *testing.B) {
	for name, q := range map[string]gateway.Quota{"none": {}, "both": {Requests: 1_000_000_000, Concurrency: 1_000_000}} {
		b.Run(name, func(b *testing.B) {
			g, _ := bounded(b, func(string) gateway.Quota { return q }, nil)
			g.Apply(function2(greeting, "public", 1))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				req := httptest.NewRequest(http.MethodGet, "/fn/"+string(greeting)+"/a/b?c=d", nil)
				for pb.Next() {
					g.ServeHTTP(&nowhere{http.Header{}}, req)
				}
			})
		})
	}
}
