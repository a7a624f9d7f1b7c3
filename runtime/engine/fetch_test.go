package engine

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func allow(hosts ...string) func(*function.Manifest) {
	return func(m *function.Manifest) { m.Fetch.Allow = hosts }
}

func TestEgressDeniesWhatIsPrivate(t *testing.T) {
	open, err := newPolicy([]string{"10.0.0.0/8", "127.0.0.1", "db.internal", "[::1]:99", "169.254.169.254", "0.0.0.0/0", "::/0"})
	if err != nil {
		t.Fatal(err)
	}
	operator, err := newPolicy([]string{"10.1.0.0/16", "127.0.0.0/8", "db.internal:5432", "::1", "0.0.0.0/0"})
	if err != nil {
		t.Fatal(err)
	}
	listen := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	e := &egress{operator: operator, own: func() []net.Addr { return []net.Addr{listen, &net.TCPAddr{IP: net.IPv6unspecified, Port: 9090}} }}
	for _, c := range []struct {
		host, port, ip string
		allow          *policy
		want           bool
	}{
		{"example.com", "443", "93.184.216.34", &policy{}, true},
		{"example.com", "443", "2606:2800:220:1:248:1893:25c8:1946", &policy{}, true},
		{"x", "80", "127.0.0.1", &policy{}, false},
		{"x", "80", "::1", &policy{}, false},
		{"x", "80", "10.1.2.3", &policy{}, false},
		{"x", "80", "192.168.1.1", &policy{}, false},
		{"x", "80", "172.16.0.1", &policy{}, false},
		{"x", "80", "169.254.1.1", &policy{}, false},
		{"x", "80", "fe80::1", &policy{}, false},
		{"x", "80", "fc00::1", &policy{}, false},
		{"x", "80", "0.0.0.0", &policy{}, false},
		{"x", "80", "::", &policy{}, false},
		{"x", "80", "100.64.0.1", &policy{}, false},
		{"x", "80", "64:ff9b::7f00:1", &policy{}, false},
		{"x", "80", "2002:7f00:1::", &policy{}, false},
		{"x", "80", "224.0.0.1", open, false},
		{"x", "80", "255.255.255.255", &policy{}, false},
		{"x", "80", "10.1.2.3", open, true},
		{"x", "80", "127.0.0.1", open, true},
		{"x", "8080", "127.0.0.1", open, false}, // Hadron itself
		{"x", "9090", "127.0.0.1", open, false},
		{"x", "8080", "127.0.0.2", open, true},
		{"x", "80", "169.254.169.254", open, false},
		{"x", "80", "fd00:ec2::254", open, false},
		{"db.internal", "5432", "192.168.1.1", open, true},
	} {
		err := e.may(c.host, c.port, netip.MustParseAddr(c.ip), c.allow)
		if (err == nil) != c.want {
			t.Errorf("%s:%s at %s: %v", c.host, c.port, c.ip, err)
		}
	}
	narrow, err := newPolicy([]string{"db.internal:5432"})
	if err != nil {
		t.Fatal(err)
	}
	if narrow.covers("db.internal", "80", netip.MustParseAddr("10.1.1.1")) || narrow.covers("evil", "5432", netip.MustParseAddr("10.1.1.1")) {
		t.Error("a rule for one host and port covers others")
	}
	if _, err := newPolicy([]string{"http://x/"}); err == nil {
		t.Error("a URL was taken for a host")
	}
}

func TestFetchReachesOnlyWhatIsOpen(t *testing.T) {
	var hits atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		fmt.Fprintf(w, "%s %s", r.Header.Get("Traceparent"), r.Header.Get("Tracestate"))
	}))
	defer server.Close()
	f := newFixture(t, func(c *Config) { c.PrivateAllow = []string{"127.0.0.1"} })
	code := handlerCode(`try { return await fetch(request.url.slice(request.url.indexOf("?") + 1)) } catch (e) { return new Response(e.message, {status: 400}) }`)
	opened, shut := f.add(1, code, allow("127.0.0.1")), f.add(2, code)
	call := func(id function.ID, target string) *sink {
		req := get(id, "/?"+target)
		req.Trace = invocation.Trace{ID: strings.Repeat("a", 32), Span: strings.Repeat("b", 16), State: "x=y"}
		s := newSink()
		f.Invoke(withTimeout(t, 5*time.Second), req, s)
		return s
	}
	// The callee's parent is a span of the fetch's own, within the invocation's trace.
	if s := call(opened, server.URL); !regexp.MustCompile(`^00-a{32}-[0-9a-f]{16}-00 x=y$`).MatchString(s.body.String()) || strings.Contains(s.body.String(), strings.Repeat("b", 16)) || !s.streamed {
		t.Fatalf("answered %d %q", s.status, s.body.String())
	}
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	for _, target := range []string{server.URL, "http://localhost" + port, "http://0x7f.1" + port, "http://[::1]" + port, "http://169.254.169.254/", "http://[::ffff:127.0.0.1]" + port} {
		if s := call(shut, target); s.status != 400 {
			t.Errorf("%s was reached: %q", target, s.body.String())
		}
	}
	if hits.Load() != 1 {
		t.Errorf("%d requests reached the server", hits.Load())
	}
}

func TestRedirectsAreCheckedAtEachHop(t *testing.T) {
	var inner atomic.Int64
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inner.Add(1) }))
	defer private.Close()
	public := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, private.URL, http.StatusFound) }))
	defer public.Close()
	host := strings.TrimPrefix(public.URL, "http://")
	f := newFixture(t, func(c *Config) { c.PrivateAllow = []string{"127.0.0.1"} })
	id := f.add(1, handlerCode(`await fetch("`+public.URL+`"); return new Response("reached")`), allow(host))
	if _, out := f.run(t, get(id, "/")); out.Code != invocation.FunctionError || inner.Load() != 0 {
		t.Fatalf("outcome %+v, %d requests reached the private server", out, inner.Load())
	}
}

func TestFunctionsCallEachOtherWithoutTheNetwork(t *testing.T) {
	var mu sync.Mutex
	var callers []invocation.Request
	f := newFixture(t, func(c *Config) {
		c.ExternalURL = "http://hadron.test:8080/base"
		c.Call = func(_ context.Context, caller invocation.Request, req *http.Request) (*http.Response, error) {
			mu.Lock()
			callers = append(callers, caller)
			mu.Unlock()
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(req.URL.Path)), Request: req}, nil
		}
	})
	id := f.add(1, handlerCode(`
		const reach = async u => { try { return await (await fetch(u)).text() } catch (e) { return "refused: " + e.message } };
		return Response.json(await Promise.all([
			reach("http://hadron.test:8080/base/fn/a/b/c?x=1"), reach("http://HADRON.test:8080/base/fn/a/b/c/p"),
			reach("http://hadron.test:8080/base/api/v1/functions"), reach("http://hadron.test:8080/"), reach("http://hadron.test:8080/base/%66n/../api"),
		]))`))
	req := get(id, "/")
	req.Depth = 3
	s := ok(t, f, id, req)
	refused := `"refused: fetch failed: of Hadron's own addresses a function reaches only those below /fn/"`
	if want := `["/base/fn/a/b/c","/base/fn/a/b/c/p",` + refused + "," + refused + "," + refused + "]"; s.body.String() != want {
		t.Fatalf("answered %s", s.body.String())
	}
	if len(callers) != 2 || callers[0].Depth != 3 || callers[0].Version != id || callers[0].ID != "r1" {
		t.Fatalf("callers %+v", callers)
	}
}

func TestFanOutIsParallel(t *testing.T) {
	const width = 8
	var arrived sync.WaitGroup
	arrived.Add(width)
	f := newFixture(t, func(c *Config) {
		c.ExternalURL = "http://hadron.test"
		c.Call = func(_ context.Context, _ invocation.Request, req *http.Request) (*http.Response, error) {
			arrived.Done()
			arrived.Wait() // none answers before all are under way
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("1")), Request: req}, nil
		}
	})
	id := f.add(1, handlerCode(`
		const all = await Promise.all(Array.from({length: 8}, (_, i) => fetch("http://hadron.test/fn/t/p/f" + i).then(r => r.json())));
		return Response.json(all.reduce((a, b) => a + b))`))
	if s := ok(t, f, id, get(id, "/")); s.body.String() != "8" {
		t.Fatalf("answered %s", s.body.String())
	}
}

func TestPanicsAreContained(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.ExternalURL = "http://hadron.test"
		c.Call = func(context.Context, invocation.Request, *http.Request) (*http.Response, error) { panic("in call") }
	})
	id := f.add(1, handlerCode(`await fetch("http://hadron.test/fn/a/b/c"); return new Response("")`))
	if _, out := f.run(t, get(id, "/")); out.Code != invocation.FunctionError || !strings.Contains(out.Failure.Message, "the platform failed") {
		t.Fatalf("outcome %+v, failure %v", out, out.Failure)
	} else if len(out.Failure.Stack) == 0 {
		t.Error("the failure does not name the line that called fetch")
	}
	f.cfg.Log = func(invocation.Record) { panic("in log") }
	noisy := f.add(2, handlerCode(`console.log("x"); return new Response("fine")`))
	if s := ok(t, f, noisy, get(noisy, "/")); s.body.String() != "fine" {
		t.Fatalf("answered %q", s.body.String())
	}
}

func TestFetchEndsWithTheInvocation(t *testing.T) {
	left := make(chan struct{})
	f := newFixture(t, func(c *Config) {
		c.ExternalURL = "http://hadron.test"
		c.Call = func(ctx context.Context, _ invocation.Request, _ *http.Request) (*http.Response, error) {
			<-ctx.Done()
			close(left)
			return nil, ctx.Err()
		}
	})
	id := f.add(1, handlerCode(`fetch("http://hadron.test/fn/a/b/c"); return new Response("not waiting")`))
	ok(t, f, id, get(id, "/"))
	<-left
}
