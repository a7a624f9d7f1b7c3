package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/http1"
	"hadron/runtime/invocation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(onBoth{m}) }

// onBoth runs the tests on each server that the gateway stands behind: plain calls
// are answered by http1, all others by net/http, and nobody may see a difference.
type onBoth struct{ m *testing.M }

var plain bool // calls go through http1

func (b onBoth) Run() int {
	if code := b.m.Run(); code != 0 {
		fmt.Fprintln(os.Stderr, "behind net/http alone")
		return code
	}
	for _, once := range []string{"test.fuzz", "test.bench", "test.list"} {
		if f := flag.Lookup(once); f != nil && f.Value.String() != "" {
			return 0
		}
	}
	plain = true
	code := b.m.Run()
	if code != 0 {
		fmt.Fprintln(os.Stderr, "behind http1")
	}
	return code
}

// listen serves h until the test ends, and returns its address.
func listen(t testing.TB, h http.Handler) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	if !plain {
		srv.Start()
		t.Cleanup(srv.Close)
		return srv.URL
	}
	front, err := http1.New(http1.Config{Handler: h, Prefix: gateway.Prefix, Rest: srv.Config, Gone: invocation.ErrClientClosed})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = front.Serve(srv.Listener)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := front.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		<-done
	})
	return "http://" + srv.Listener.Addr().String()
}

// invoke is an Invoker made of one func.
type invoke func(ctx context.Context, req *invocation.Request, w invocation.Writer) invocation.Outcome

func (f invoke) Invoke(ctx context.Context, req *invocation.Request, w invocation.Writer) invocation.Outcome {
	return f(ctx, req, w)
}

var ok = invocation.Outcome{Code: invocation.OK}

// text answers with a whole body.
func text(status int, header http.Header, body string) invoke {
	return func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		if w.Head(status, header, false) == nil {
			_ = w.Write([]byte(body))
		}
		return ok
	}
}

// books is an Observer that remembers; it is shared by all versions of a test.
type books struct {
	mu       sync.Mutex
	begun    int
	outcomes []invocation.Outcome
	triggers []invocation.Trigger
	settled  []invocation.Background
	order    []string
	refused  []invocation.Code
	names    []function.Name
	changed  chan struct{}
}

func newBooks() *books { return &books{changed: make(chan struct{})} }

func (b *books) note(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *books) Begin() { b.note(func() { b.begun++; b.order = append(b.order, "begin") }) }

func (b *books) Observe(t invocation.Trigger, out invocation.Outcome) {
	b.note(func() {
		b.outcomes, b.triggers, b.order = append(b.outcomes, out), append(b.triggers, t), append(b.order, "observe")
	})
}

func (b *books) Settled(bg invocation.Background) {
	b.note(func() { b.settled, b.order = append(b.settled, bg), append(b.order, "settled") })
}

func (b *books) Refused(name function.Name, code invocation.Code) {
	b.note(func() { b.refused, b.names = append(b.refused, code), append(b.names, name) })
}

// until waits for what the books come to hold.
func (b *books) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		b.mu.Lock()
		done, changed := cond(), b.changed
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (b *books) one(t *testing.T) invocation.Outcome {
	t.Helper()
	b.until(t, "an outcome", func() bool { return len(b.outcomes) > 0 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.outcomes) != 1 || b.begun != 1 {
		t.Fatalf("%d outcomes and %d begun, want one each: %+v", len(b.outcomes), b.begun, b.outcomes)
	}
	return b.outcomes[0]
}

// rig is a gateway behind a real listener.
type rig struct {
	*gateway.Gateway
	*books
	url string
}

const greeting = function.Name("growth/signup/greeting")

// open makes a rig; edit may change its Config. The function growth/signup/greeting
// is public and has the versions 1 and 2, of which live is 1.
func open(t testing.TB, inv gateway.Invoker, edit func(*gateway.Config)) *rig {
	t.Helper()
	b := newBooks()
	cfg := gateway.Config{
		Invoker: inv, ExternalURL: "https://hadron.example/", Refused: b.Refused,
		Observe: func(function.Version) gateway.Observer { return b },
		Authorize: func(r *http.Request) (access.Principal, error) {
			token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			switch token {
			case "":
				return access.Principal{}, nil
			case "hdn_ada":
				return access.Principal{Name: "ada", Grants: access.Granted(access.Deployer, "growth")}, nil
			case "hdn_caller":
				return access.Principal{Name: "caller", Grants: access.Granted(access.Invoker, access.Everything)}, nil
			case "hdn_vera":
				return access.Principal{Name: "vera", Grants: access.Granted(access.Viewer, "growth")}, nil
			case "hdn_stranger":
				return access.Principal{Name: "stranger", Grants: access.Granted(access.Admin, "pay")}, nil
			case "hdn_down":
				return access.Principal{}, gateway.ErrUnavailable
			}
			return access.Principal{}, io.ErrUnexpectedEOF
		},
	}
	if edit != nil {
		edit(&cfg)
	}
	g, err := gateway.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g.Apply(function2(greeting, "public", 1))
	return &rig{g, b, listen(t, g)}
}

// function2 has two versions; live is the one given.
func function2(name function.Name, rule string, live int) function.Function {
	f := function.Function{
		Name: name, Latest: 2, SpecOf: live,
		Aliases: []function.Alias{{Name: function.Live, Weights: []function.Weight{{Version: live, Weight: 1}}}},
	}
	f.Spec = function.DefaultManifest()
	f.Spec.Access = rule
	for n := 1; n <= 2; n++ {
		f.Versions = append(f.Versions, function.Version{ID: function.ID{Name: name, Version: n}, Manifest: f.Spec})
	}
	return f
}

// with changes the limits of every version of f.
func with(f function.Function, edit func(*function.Limits)) function.Function {
	for i := range f.Versions {
		edit(&f.Versions[i].Manifest.Limits)
	}
	return f
}

func (g *rig) request(t testing.TB, method, path string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func do(t testing.TB, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func client(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type problem struct {
	Title, Code, Detail, Request string
	Status                       int
	File                         string
	Line                         int
	Stack                        []invocation.Frame
}

func wantProblem(t testing.TB, res *http.Response, body string, status int, code string) problem {
	t.Helper()
	var p problem
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	if err := dec.Decode(&p); err != nil {
		t.Fatalf("%d %s: not a problem: %v\n%s", res.StatusCode, res.Header.Get("Content-Type"), err, body)
	}
	if res.StatusCode != status || p.Status != status || p.Code != code || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("answer %d %s, want %d %s\n%s", res.StatusCode, p.Code, status, code, body)
	}
	if p.Title == "" || p.Detail == "" || p.Request == "" || p.Request != res.Header.Get("Hadron-Request-Id") || res.Header.Get("Traceparent") == "" {
		t.Fatalf("a part is missing: %s %v", body, res.Header)
	}
	return p
}

// echo answers with what it was asked, as JSON.
var echo = invoke(func(_ context.Context, req *invocation.Request, w invocation.Writer) invocation.Outcome {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{Message: err.Error()}}
		}
	}
	out, err := json.Marshal(seen{req.Method, req.URL, req.Header, string(body), req.Version.Version, req.Trace, req.Depth, req.Trigger})
	if err != nil {
		panic(err)
	}
	if w.Head(200, http.Header{"Content-Type": {"application/json"}, "X-Version": {strconv.Itoa(req.Version.Version)}}, false) == nil {
		_ = w.Write(out)
	}
	return ok
})

type seen struct {
	Method, URL string
	Header      http.Header
	Body        string
	Version     int
	Trace       invocation.Trace
	Depth       int
	Trigger     invocation.Trigger
}

func (g *rig) ask(t testing.TB, path string, edit func(*http.Request)) seen {
	t.Helper()
	req := g.request(t, http.MethodGet, path, nil)
	if edit != nil {
		edit(req)
	}
	res, body := do(t, req)
	var s seen
	if err := json.Unmarshal([]byte(body), &s); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", path, res.StatusCode, body)
	}
	return s
}
