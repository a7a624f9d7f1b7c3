package engine

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hadron/runtime/invocation"
)

// A call that is sampled, failed or was slow says which requests it made; no other does.
func TestFetchesAreToldOfKeptTraces(t *testing.T) {
	got := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Traceparent")
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	f := newFixture(t, func(c *Config) { c.PrivateAllow = []string{"127.0.0.1"} })
	id := f.add(1, handlerCode(`
		const u = new URL(request.url);
		const n = Number(u.searchParams.get("n") ?? 1);
		if (u.pathname === "/own") { await fetch("`+server.URL+`/own", {headers: {traceparent: "00-"+"c".repeat(32)+"-"+"d".repeat(16)+"-01"}}); return new Response("") }
		for (let i = 0; i < n; i++) await fetch("`+server.URL+`" + u.pathname + "?token=secret");
		if (u.pathname === "/throw") throw new Error("no");
		return new Response("")`), allow("127.0.0.1"))
	run := func(path string, sampled bool, slow time.Duration) invocation.Outcome {
		req := get(id, path)
		req.Trace = invocation.Trace{ID: strings.Repeat("a", 32), Span: strings.Repeat("b", 16), Sampled: sampled}
		req.Slow = slow
		return f.Invoke(withTimeout(t, 2*time.Second), req, newSink())
	}
	for name, c := range map[string]struct {
		out  invocation.Outcome
		want int
	}{
		"neither": {run("/", false, time.Hour), 0},
		"sampled": {run("/", true, 0), 1},
		"slow":    {run("/", false, time.Nanosecond), 1},
		"failed":  {run("/throw", false, 0), 1},
	} {
		parent := <-got
		if len(c.out.Fetches) != c.want {
			t.Errorf("%s: %d fetches of %+v", name, len(c.out.Fetches), c.out)
		}
		for _, one := range c.out.Fetches {
			if one.Code != "4xx" || one.Status != http.StatusTeapot || one.Method != http.MethodGet || strings.ContainsAny(one.URL, "?@") ||
				!strings.HasPrefix(one.URL, server.URL) || one.Took <= 0 || one.Start <= 0 || len(parent) != 55 {
				t.Errorf("%s: %+v", name, one)
			}
			if again := one; !again.Bound() || again != one {
				t.Errorf("%s: %+v would not cross from a worker", name, one)
			}
		}
	}
	out := run("/?n=1", true, 0)
	if parent := <-got; parent[36:52] != out.Fetches[0].Span || !strings.HasSuffix(parent, "-01") {
		t.Errorf("the callee's parent is %q, the span %q", parent, out.Fetches[0].Span)
	}
	out = run(fmt.Sprintf("/?n=%d", invocation.MaxFetches+2), true, 0)
	for range invocation.MaxFetches + 2 {
		<-got
	}
	if len(out.Fetches) != invocation.MaxFetches || out.MoreFetches != 2 {
		t.Errorf("%d and %d more", len(out.Fetches), out.MoreFetches)
	}
	out = run("/own", true, 0)
	if parent := <-got; !strings.Contains(parent, strings.Repeat("d", 16)) || len(out.Fetches) != 1 || len(out.Fetches[0].Span) != 16 {
		t.Errorf("a context of the function's own: %q %+v", parent, out.Fetches)
	}
	// The one that hung when the time was up is there, without an end or with that one.
	req := get(id, "/hang")
	out = f.Invoke(withTimeout(t, 50*time.Millisecond), req, newSink())
	<-got
	if out.Code != invocation.Timeout || len(out.Fetches) != 1 || out.Fetches[0].Code != "" && out.Fetches[0].Code != "aborted" {
		t.Errorf("%+v", out)
	}
}
