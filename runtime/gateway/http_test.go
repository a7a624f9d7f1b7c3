package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
)

// raw sends bytes as they are and returns the answer.
func (g *rig) raw(t *testing.T, request string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
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

func TestPathBytesReachTheFunctionUnchanged(t *testing.T) {
	g := open(t, echo, nil)
	for path, want := range map[string]string{
		"":                            "/",
		"/":                           "/",
		"?":                           "/?",
		"?a=1&b=%2F?/":                "/?a=1&b=%2F?/",
		"/a/b":                        "/a/b",
		"//a//b/":                     "//a//b/",
		"/a/../b/./c":                 "/a/../b/./c",
		"/a%2Fb%2e%2E/%41":            "/a%2Fb%2e%2E/%41",
		"/a%2Fb|c":                    "/a%2Fb|c",
		"/%C3%A9/é":                   "/%C3%A9/é",
		"/x@y/@":                      "/x@y/@",
		"@live/x":                     "/x",
		"@2":                          "/",
		"%40live/x":                   "/x",
		"@2//?x":                      "//?x",
		"/;a=b,c/$&'()*+:=~!":         "/;a=b,c/$&'()*+:=~!",
		"/%00%ff":                     "/%00%ff",
		"/fn/growth/signup/greeting/": "/fn/growth/signup/greeting/",
	} {
		res, body := g.raw(t, "GET /fn/growth/signup/greeting"+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if wantURL := fmt.Sprintf(`"URL":%q`, "https://hadron.example"+want); res.StatusCode != http.StatusOK || !strings.Contains(strings.ReplaceAll(body, `\u0026`, "&"), wantURL) {
			t.Errorf("%q: %d, want %s in\n%s", path, res.StatusCode, wantURL, body)
		}
	}
}

func TestUnknownNamesAndReferences(t *testing.T) {
	g := open(t, echo, func(c *gateway.Config) {
		c.Resolve = func(context.Context, function.Ref) (function.Version, error) {
			return function.Version{}, gateway.ErrNotFound
		}
	})
	for _, path := range []string{
		"/fn/", "/fn/growth", "/fn/growth/signup", "/fn/growth/signup/", "/fn//signup/greeting", "/fn/growth/signup/nobody",
		"/fn/Growth/signup/greeting", "/fn/growth/signup/greeting@", "/fn/growth/signup/greeting@nope", "/fn/growth/signup/greeting@0",
		"/fn/growth/signup/greeting@3", "/fn/growth/signup/greeting@02", "/fn/growth/signup/greeting@sha256:0123456789ab",
		"/fn/growth/signup/greeting%2Fx", "/fn/growth/signup%2Fgreeting", "/fn/../signup/greeting", "/fn/growth/signup/greeting%zz", "/other",
	} {
		res, body := g.raw(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if res.StatusCode == http.StatusBadRequest && strings.Contains(path, "%zz") {
			continue // net/http's own
		}
		wantProblem(t, res, body, 404, "function_not_found")
	}
	for _, name := range g.names {
		if name != "" && name != greeting {
			t.Errorf("a name that no function has was counted: %q", name)
		}
	}
}

func TestRequestAsTheFunctionSeesIt(t *testing.T) {
	g := open(t, echo, nil)
	s := g.ask(t, "/fn/growth/signup/greeting/x", func(r *http.Request) {
		r.Header = http.Header{
			"Authorization":     {"Bearer hdn_ada"},
			"Cookie":            {"a=1; hadron_session=secret; b=2", "Hadron_x=1", "__Host-hadron_s=2", "=hadron_y; c=3"},
			"Connection":        {"keep-alive, X-Private"},
			"X-Private":         {"1"},
			"Te":                {"trailers"},
			"Keep-Alive":        {"5"},
			"Proxy-Connection":  {"x"},
			"X-Forwarded-For":   {"6.6.6.6"},
			"X-Forwarded-Proto": {"gopher"},
			"Forwarded":         {"for=6.6.6.6"},
			"X-Real-Ip":         {"6.6.6.6"},
			"X-Kept":            {"one", "two"},
		}
		r.Host = "asked.example"
	})
	if got := s.Header["Cookie"]; !slices.Equal(got, []string{"a=1; b=2", "c=3"}) {
		t.Errorf("cookies %q", got)
	}
	for _, gone := range []string{"Authorization", "Connection", "X-Private", "Te", "Keep-Alive", "Proxy-Connection", "Forwarded", "X-Real-Ip"} {
		if v, there := s.Header[gone]; there {
			t.Errorf("%s: %q reached the function", gone, v)
		}
	}
	for name, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "asked.example", "Host": "hadron.example"} {
		if got := s.Header[name]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
	if got := s.Header["X-Kept"]; !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("X-Kept: %q", got)
	}
	for _, foreign := range []string{"Basic Zm9v", "Bearer eyJhbGciOi", "hdn_x", "Bearer"} {
		s = g.ask(t, "/fn/growth/signup/greeting", func(r *http.Request) { r.Header.Set("Authorization", foreign) })
		if got := s.Header.Get("Authorization"); got != foreign {
			t.Errorf("a foreign Authorization %q became %q", foreign, got)
		}
	}
}

func TestTrustedProxyIsBelieved(t *testing.T) {
	g := open(t, echo, func(c *gateway.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	s := g.ask(t, "/fn/growth/signup/greeting", func(r *http.Request) {
		r.Header.Set("X-Forwarded-For", "1.2.3.4")
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-Host", "shop.example")
	})
	if s.Header.Get("X-Forwarded-For") != "1.2.3.4, 127.0.0.1" || s.Header.Get("X-Forwarded-Proto") != "https" || s.Header.Get("X-Forwarded-Host") != "shop.example" {
		t.Errorf("header %v", s.Header)
	}
}

func TestTraceIsContinuedOrBegun(t *testing.T) {
	g := open(t, echo, nil)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	s := g.ask(t, "/fn/growth/signup/greeting", func(r *http.Request) {
		r.Header.Set("Traceparent", parent)
		r.Header.Set("Tracestate", "congo=t61rcWkgMzE")
	})
	if s.Trace.ID != "0af7651916cd43dd8448eb211c80319c" || s.Trace.Parent != "b7ad6b7169203331" || !s.Trace.Sampled ||
		s.Trace.State != "congo=t61rcWkgMzE" || s.Trace.Span == s.Trace.Parent || s.Header.Get("Traceparent") != s.Trace.Traceparent() {
		t.Errorf("trace %+v, header %v", s.Trace, s.Header)
	}
	s = g.ask(t, "/fn/growth/signup/greeting", func(r *http.Request) {
		r.Header.Set("Traceparent", strings.ToUpper(parent))
		r.Header.Set("Tracestate", "congo=t61rcWkgMzE")
	})
	if s.Trace.Parent != "" || s.Trace.State != "" || len(s.Trace.ID) != 32 || s.Header.Get("Tracestate") != "" {
		t.Errorf("trace of an invalid parent %+v", s.Trace)
	}
	if out := g.outcomes[1]; out.TraceID != s.Trace.ID || len(out.RequestID) != 16 {
		t.Errorf("outcome %+v", out)
	}
}

func TestResponseAsTheClientSeesIt(t *testing.T) {
	g := open(t, text(201, http.Header{
		"content-type":              {"text/html"},
		"Content-Security-Policy":   {"default-src 'self'"},
		"Set-Cookie":                {"a=1", "hadron_session=evil; Path=/", " HADRON_x=1", "=hadron_y", "__Secure-hadron_z=1"},
		"set-cookie":                {"b=2"},
		"Connection":                {"upgrade"},
		"Transfer-Encoding":         {"gzip"},
		"Content-Length":            {"3"},
		"Hadron-Version":            {"99"},
		"Traceparent":               {"mine"},
		"Clear-Site-Data":           {`"cookies"`},
		"Strict-Transport-Security": {"max-age=1"},
		"X-Many":                    {"1", "2"},
	}, "hello"), nil)
	res, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	if res.StatusCode != http.StatusCreated || body != "hello" || res.ContentLength != 5 || len(res.TransferEncoding) != 0 {
		t.Errorf("%d %q, length %d", res.StatusCode, body, res.ContentLength)
	}
	cookies := res.Header["Set-Cookie"]
	slices.Sort(cookies)
	if !slices.Equal(cookies, []string{"a=1", "b=2"}) {
		t.Errorf("Set-Cookie %q", cookies)
	}
	for name, want := range map[string][]string{
		"Content-Security-Policy": {"sandbox", "default-src 'self'"}, "Content-Type": {"text/html"},
		"Hadron-Version": {"1"}, "X-Many": {"1", "2"}, "Clear-Site-Data": nil, "Strict-Transport-Security": nil,
	} {
		if got := res.Header[name]; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if tp := res.Header["Traceparent"]; len(tp) != 1 || len(tp[0]) != 55 {
		t.Errorf("Traceparent %q", tp)
	}
	out := g.one(t)
	if out.Code != invocation.OK || out.Status != 201 || !out.HeadSent || out.Streamed || out.Duration <= 0 {
		t.Errorf("outcome %+v", out)
	}
}

func TestHeadsThatCannotBeSentAreTheFunctionsError(t *testing.T) {
	for name, inv := range map[string]invoke{
		"status 101":  text(101, nil, ""),
		"status 99":   text(99, nil, ""),
		"status 600":  text(600, nil, ""),
		"status 0":    text(0, nil, ""),
		"injection":   text(200, http.Header{"X": {"a\r\nSet-Cookie: b=1"}}, ""),
		"nul":         text(200, http.Header{"X": {"\x00"}}, ""),
		"name":        text(200, http.Header{"X Y": {"1"}}, ""),
		"empty name":  text(200, http.Header{"": {"1"}}, ""),
		"trailer":     text(200, http.Header{"Trailer:X": {"1"}}, ""),
		"too large":   text(200, http.Header{"X": {strings.Repeat("x", 70<<10)}}, ""),
		"no response": func(context.Context, *invocation.Request, invocation.Writer) invocation.Outcome { return ok },
		"panic":       func(context.Context, *invocation.Request, invocation.Writer) invocation.Outcome { panic("oops") },
		"body first": func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
			if w.Write([]byte("x")) == nil {
				panic("taken")
			}
			return ok
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t, inv, nil)
			res, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
			wantProblem(t, res, body, 500, "function_error")
			if out := g.one(t); out.Code != invocation.FunctionError || out.HeadSent {
				t.Errorf("outcome %+v", out)
			}
		})
	}
}

func TestFailureIsToldToThoseWhoMayReadIt(t *testing.T) {
	failure := &invocation.Failure{Name: "TypeError", Message: "x is not a function", Stack: []invocation.Frame{{Function: "greet", File: "src/index.ts", Line: 14, Column: 9}}}
	inv := invoke(func(context.Context, *invocation.Request, invocation.Writer) invocation.Outcome {
		return invocation.Outcome{Code: invocation.FunctionError, Failure: failure}
	})
	g := open(t, inv, nil)
	for token, reads := range map[string]bool{"": false, "hdn_ada": true, "hdn_caller": false, "hdn_stranger": false} {
		req := g.request(t, "GET", "/fn/growth/signup/greeting", nil)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, body := do(t, req)
		p := wantProblem(t, res, body, 500, "function_error")
		if got := p.Detail == "TypeError: x is not a function" && p.Line == 14 && p.File == "src/index.ts" && len(p.Stack) == 1; got != reads || strings.Contains(body, "greet\"") != reads {
			t.Errorf("%q reads it: %t, want %t\n%s", token, got, reads, body)
		}
	}
	dev := open(t, inv, func(c *gateway.Config) { c.Dev, c.Authorize = true, nil })
	_, body := do(t, dev.request(t, "GET", "/fn/growth/signup/greeting", nil))
	if !strings.Contains(body, "src/index.ts") {
		t.Errorf("in dev: %s", body)
	}
}

func TestAccess(t *testing.T) {
	g := open(t, echo, nil)
	for _, rule := range []string{"public", "team", "private", ""} {
		g.Apply(function2("growth/signup/"+function.Name("f-"+rule), rule, 1))
	}
	// The live version is closed, a version of before and one on trial are open.
	mixed := function2("growth/signup/mixed", "team", 2)
	mixed.Versions[0].Manifest.Access = "public"
	g.Apply(mixed)
	// The other way: what is about to be closed is closed where it is picked.
	closing := function2("growth/signup/closing", "public", 1)
	closing.Versions[1].Manifest.Access = "team"
	g.Apply(closing)

	const no = "unauthorized"
	for _, c := range []struct{ path, token, want string }{
		{"f-public", "", ""},
		{"f-public", "hdn_ada", ""},
		{"f-public", "hdn_stranger", ""},
		{"f-public", "hdn_wrong", no},
		{"f-team", "", no},
		{"f-team", "hdn_ada", ""},
		{"f-team", "hdn_caller", ""},
		{"f-team", "hdn_vera", ""}, // whoever was granted anything there
		{"f-team", "hdn_stranger", "forbidden"},
		{"f-team", "hdn_wrong", no},
		{"f-private", "", no},
		{"f-private", "hdn_ada", ""},
		{"f-private", "hdn_caller", ""},
		{"f-private", "hdn_vera", "forbidden"}, // who only reads
		{"f-private", "hdn_stranger", "forbidden"},
		{"f-", "", no},
		{"f-team", "hdn_down", "overloaded"},
		{"mixed@1", "", no},
		{"mixed", "", no},
		{"mixed@1", "hdn_ada", ""},
		{"closing", "", ""},
		{"closing@2", "", no},
		{"closing@2", "hdn_ada", ""},
	} {
		req := g.request(t, "GET", "/fn/growth/signup/"+c.path, nil)
		if c.token != "" {
			req.Header["Authorization"] = []string{"Basic Zm9v", "bearer  " + c.token}
		}
		res, body := do(t, req)
		if c.want == "" {
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s as %q: %d %s", c.path, c.token, res.StatusCode, body)
			}
			continue
		}
		status := map[string]int{no: 401, "forbidden": 403, "overloaded": 503}[c.want]
		wantProblem(t, res, body, status, c.want)
		if c.want == no && res.Header.Get("Www-Authenticate") == "" {
			t.Errorf("%s as %q: no WWW-Authenticate", c.path, c.token)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	g := open(t, echo, nil)
	g.Apply(with(function2(greeting, "public", 1), func(l *function.Limits) { l.Body = 10 }))
	g.Remove(greeting)
	g.Apply(with(function2(greeting, "public", 1), func(l *function.Limits) { l.Body = 10 }))
	send := func(body string, chunked bool) (*http.Response, string) {
		req := g.request(t, "POST", "/fn/growth/signup/greeting", strings.NewReader(body))
		if chunked {
			req.ContentLength, req.Body = -1, io.NopCloser(io.MultiReader(strings.NewReader(body)))
		}
		return do(t, req)
	}
	for _, chunked := range []bool{false, true} {
		if res, body := send("0123456789", chunked); res.StatusCode != http.StatusOK || !strings.Contains(body, `"0123456789"`) {
			t.Errorf("at the limit: %d %s", res.StatusCode, body)
		}
		res, body := send("0123456789a", chunked)
		p := wantProblem(t, res, body, 413, "body_too_large")
		if !strings.Contains(p.Detail, "10B") {
			t.Errorf("detail %q", p.Detail)
		}
	}
	if len(g.outcomes) != 3 || g.outcomes[2].Code != invocation.BodyTooLarge || g.outcomes[2].Code.IsError() || len(g.refused) != 1 {
		t.Errorf("outcomes %+v, refused %v", g.outcomes, g.refused)
	}
}

func TestAdmission(t *testing.T) {
	enter, leave := make(chan int, 8), make(chan struct{})
	g := open(t, invoke(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		enter <- r.Version.Version
		<-leave
		return text(200, nil, "ok")(ctx, r, w)
	}), func(c *gateway.Config) { c.MaxInFlight = 3 })
	g.Remove(greeting)
	g.Apply(with(function2(greeting, "public", 1), func(l *function.Limits) { l.Concurrency = 2 }))
	answers := make(chan int, 8)
	begin := func(path string) {
		req := g.request(t, "GET", "/fn/growth/signup/greeting"+path, nil)
		cl := client(t)
		go func() {
			res, err := cl.Do(req)
			if err != nil {
				answers <- 0
				return
			}
			res.Body.Close()
			answers <- res.StatusCode
		}()
		<-enter
	}
	begin("")
	begin("")
	res, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	wantProblem(t, res, body, 429, "overloaded")
	if res.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	begin("@2") // a version has its own limit
	res, body = do(t, g.request(t, "GET", "/fn/growth/signup/greeting@2", nil))
	wantProblem(t, res, body, 503, "overloaded")
	if res.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	g.Apply(function2(greeting, "public", 2)) // the count outlives a repoint
	if n := g.InFlight(); n != 3 {
		t.Errorf("%d in flight, want 3", n)
	}
	close(leave)
	for range 3 {
		if status := <-answers; status != 200 {
			t.Errorf("an admitted call was answered %d", status)
		}
	}
	if !slices.Equal(g.refused, []invocation.Code{invocation.FunctionOverloaded, invocation.NodeOverloaded}) {
		t.Errorf("refused %v", g.refused)
	}
	if res, _ := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil)); res.StatusCode != http.StatusOK || g.InFlight() != 0 {
		t.Errorf("afterwards: %d, %d in flight", res.StatusCode, g.InFlight())
	}
}

// stuck returns soon after ctx ended, with what an engine would say.
var stuck = invoke(func(ctx context.Context, _ *invocation.Request, _ invocation.Writer) invocation.Outcome {
	<-ctx.Done()
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, invocation.ErrTimeout):
		return invocation.Outcome{Code: invocation.Timeout}
	case errors.Is(cause, invocation.ErrClientClosed):
		return invocation.Outcome{Code: invocation.ClientClosed}
	}
	return invocation.Outcome{Code: invocation.FunctionError}
})

func TestTimeout(t *testing.T) {
	g := open(t, stuck, nil)
	g.Remove(greeting)
	g.Apply(with(function2(greeting, "public", 1), func(l *function.Limits) { l.Timeout = function.Duration(30 * time.Millisecond) }))
	res, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	p := wantProblem(t, res, body, 504, "timeout")
	if !strings.Contains(p.Detail, "30ms") {
		t.Errorf("detail %q", p.Detail)
	}
	if out := g.one(t); out.Code != invocation.Timeout || out.Duration < 30*time.Millisecond {
		t.Errorf("outcome %+v", out)
	}
}

func TestClientThatLeavesIsNoError(t *testing.T) {
	for name, inv := range map[string]invoke{
		"said so": stuck,
		"threw": func(ctx context.Context, _ *invocation.Request, _ invocation.Writer) invocation.Outcome {
			<-ctx.Done()
			return invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{Message: "aborted"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			begun := make(chan struct{})
			g := open(t, invoke(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
				close(begun)
				return inv(ctx, r, w)
			}), nil)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-begun; cancel() }()
			if _, err := client(t).Do(g.request(t, "GET", "/fn/growth/signup/greeting", nil).WithContext(ctx)); err == nil {
				t.Fatal("an answer came")
			}
			if out := g.one(t); out.Code != invocation.ClientClosed || out.Code.IsError() {
				t.Errorf("outcome %+v", out)
			}
		})
	}
}

func TestStatusOf500IsAnError(t *testing.T) {
	g := open(t, text(503, http.Header{"Retry-After": {"9"}}, "later"), nil)
	res, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	if res.StatusCode != http.StatusServiceUnavailable || body != "later" || res.Header.Get("Retry-After") != "9" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	if out := g.one(t); out.Code != invocation.HTTP5xx || !out.Code.IsError() || out.Status != 503 {
		t.Errorf("outcome %+v", out)
	}
}

func TestResponsesWithoutBody(t *testing.T) {
	for _, c := range []struct {
		method string
		status int
		length int64
	}{{"HEAD", 200, 5}, {"GET", 204, 0}, {"GET", 304, 0}, {"GET", 205, 0}, {"HEAD", 204, 0}} {
		g := open(t, text(c.status, nil, "hello"), nil)
		res, body := do(t, g.request(t, c.method, "/fn/growth/signup/greeting", nil))
		if res.StatusCode != c.status || body != "" || c.length > 0 && res.ContentLength != c.length {
			t.Errorf("%s %d: %d %q, length %d", c.method, c.status, res.StatusCode, body, res.ContentLength)
		}
		if out := g.one(t); out.Code != invocation.OK {
			t.Errorf("%s %d: outcome %+v", c.method, c.status, out)
		}
	}
	g := open(t, text(200, http.Header{"Content-Length": {"1234"}}, ""), nil)
	if res, _ := do(t, g.request(t, "HEAD", "/fn/growth/signup/greeting", nil)); res.ContentLength != 1234 {
		t.Errorf("HEAD with the function's own length: %d", res.ContentLength)
	}
}
