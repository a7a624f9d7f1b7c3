package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
)

func caller(name function.Name, depth int) invocation.Request {
	return invocation.Request{
		Version: function.ID{Name: name, Version: 9}, Depth: depth,
		Trace: invocation.Trace{ID: strings.Repeat("a", 32), Span: strings.Repeat("b", 16), Sampled: true},
	}
}

func fetch(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

const callee = "https://hadron.example/fn/growth/signup/greeting"

func (g *rig) call(t testing.TB, from invocation.Request, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := g.Call(t.Context(), from, req)
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

func TestCall(t *testing.T) {
	g := open(t, echo, func(c *gateway.Config) { c.ExternalURL = "https://hadron.example/base" })
	req := fetch(t, "POST", "https://hadron.example/base/fn/growth/signup/greeting@2//a%2Fb?q", strings.NewReader("hello"))
	req.Header["x-lower"] = []string{"1"}
	res, body := g.call(t, caller("growth/web/bff", 2), req)
	if res.StatusCode != http.StatusOK || res.Header.Get("Hadron-Version") != "2" || res.ContentLength != int64(len(body)) || res.Header.Get("Content-Security-Policy") != "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	for _, want := range []string{
		`"URL":"https://hadron.example//a%2Fb?q"`, `"Method":"POST"`, `"Body":"hello"`, `"Depth":3`, `"Trigger":"function"`, `"X-Lower":["1"]`,
		`"ID":"` + strings.Repeat("a", 32), `"Parent":"` + strings.Repeat("b", 16), `"Sampled":true`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if g.one(t); g.triggers[0] != invocation.TriggerFunction {
		t.Errorf("trigger %s", g.triggers[0])
	}
}

func TestCallIsRefused(t *testing.T) {
	g := open(t, echo, nil)
	g.Apply(function2("growth/signup/closed", "private", 1))
	g.Apply(with(function2("growth/signup/shared", "team", 1), func(l *function.Limits) { l.Body = 3 }))
	base := "https://hadron.example/fn/growth/signup/"
	for _, c := range []struct {
		from, to, token string
		depth           int
		status          int
		code            string
	}{
		{"growth/web/bff", "shared", "", 7, 200, ""},
		{"growth/web/bff", "shared", "", 8, 508, "loop_detected"},
		{"growth/web/bff", "closed", "", 0, 403, "forbidden"},
		{"growth/web/bff", "closed", "hdn_ada", 0, 200, ""},
		{"growth/web/bff", "closed", "hdn_vera", 0, 403, "forbidden"},
		{"growth/web/bff", "shared", "hdn_stranger", 0, 200, ""},
		{"pay/web/bff", "shared", "", 0, 403, "forbidden"},
		{"pay/web/bff", "shared", "hdn_vera", 0, 200, ""},
		{"pay/web/bff", "greeting", "", 0, 200, ""},
		{"pay/web/bff", "closed", "", 0, 403, "forbidden"},
		{"pay/web/bff", "closed", "hdn_ada", 0, 200, ""},
		{"pay/web/bff", "closed", "hdn_stranger", 0, 403, "forbidden"},
		{"pay/web/bff", "greeting", "hdn_wrong", 0, 401, "unauthorized"},
		{"pay/web/bff", "greeting", "hdn_down", 0, 503, "overloaded"},
		{"growth/web/bff", "nobody", "", 0, 404, "function_not_found"},
		{"growth/web/bff", "greeting@nope", "", 0, 404, "function_not_found"},
	} {
		req := fetch(t, "GET", base+c.to, nil)
		if c.token != "" {
			req.Header["authorization"] = []string{"Bearer " + c.token}
		}
		res, body := g.call(t, caller(function.Name(c.from), c.depth), req)
		if c.code != "" {
			wantProblem(t, res, body, c.status, c.code)
		} else if res.StatusCode != c.status || strings.Contains(body, "hdn_") {
			t.Errorf("%+v: %d %s", c, res.StatusCode, body)
		}
	}
	res, body := g.call(t, caller("growth/web/bff", 0), fetch(t, "POST", base+"shared", strings.NewReader("long")))
	wantProblem(t, res, body, 413, "body_too_large")
	if _, err := g.Call(t.Context(), caller("growth/web/bff", 0), fetch(t, "GET", "https://hadron.example/api/v1/functions?token=x", nil)); !errors.Is(err, gateway.ErrNotCallable) || strings.Contains(err.Error(), "token") {
		t.Errorf("another address: %v", err)
	}
}

func TestForwardedHeadersOfACall(t *testing.T) {
	g := open(t, echo, nil)
	for from, kept := range map[function.Name]bool{"growth/web/bff": true, "pay/web/bff": false} {
		req := fetch(t, "GET", callee, nil)
		req.Header.Set("X-Forwarded-For", "1.2.3.4")
		if _, body := g.call(t, caller(from, 0), req); strings.Contains(body, "1.2.3.4") != kept {
			t.Errorf("from %s: %s", from, body)
		}
	}
}

func TestFailureOfACalleeIsNotToldToItsCaller(t *testing.T) {
	g := open(t, invoke(func(context.Context, *invocation.Request, invocation.Writer) invocation.Outcome {
		return invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{Message: "the password is"}}
	}), nil)
	res, body := g.call(t, caller("growth/web/bff", 0), fetch(t, "GET", callee, nil))
	if p := wantProblem(t, res, body, 500, "function_error"); strings.Contains(p.Detail, "password") {
		t.Error(p.Detail)
	}
}

func TestCallStreams(t *testing.T) {
	read := make(chan struct{})
	g := open(t, streaming(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		for _, word := range []string{"one", "two"} {
			if w.Write([]byte(word)) != nil {
				return invocation.Outcome{Code: invocation.ClientClosed}
			}
			<-read
		}
		return ok
	}), nil)
	res, err := g.Call(t.Context(), caller("growth/web/bff", 0), fetch(t, "GET", callee, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf := make([]byte, 3)
	for _, word := range []string{"one", "two"} {
		if _, err := io.ReadFull(res.Body, buf); err != nil || string(buf) != word {
			t.Fatalf("%q, %v", buf, err)
		}
		read <- struct{}{}
	}
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	if out := g.one(t); out.Code != invocation.OK || !out.Streamed {
		t.Errorf("outcome %+v", out)
	}
}

func TestCallEndsWithItsCaller(t *testing.T) {
	t.Run("before the head", func(t *testing.T) {
		begun := make(chan struct{})
		g := open(t, invoke(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
			close(begun)
			return stuck(ctx, r, w)
		}), nil)
		gone := errors.New("the caller timed out")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { <-begun; cancel(gone) }()
		if _, err := g.Call(ctx, caller("growth/web/bff", 0), fetch(t, "GET", callee, nil)); !errors.Is(err, gone) && !errors.Is(err, invocation.ErrClientClosed) {
			t.Errorf("error %v", err)
		}
		if out := g.one(t); out.Code != invocation.ClientClosed {
			t.Errorf("outcome %+v", out)
		}
	})
	idle := streaming(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		_ = w.Write([]byte("x"))
		return stuck(ctx, r, w)
	})
	t.Run("closing the body", func(t *testing.T) {
		g := open(t, idle, nil)
		res, err := g.Call(t.Context(), caller("growth/web/bff", 0), fetch(t, "GET", callee, nil))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if out := g.one(t); out.Code != invocation.ClientClosed {
			t.Errorf("outcome %+v", out)
		}
	})
	t.Run("without closing or reading the body", func(t *testing.T) {
		g := open(t, idle, nil)
		ctx, cancel := context.WithCancel(t.Context())
		res, err := g.Call(ctx, caller("growth/web/bff", 0), fetch(t, "GET", callee, nil))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if out := g.one(t); out.Code != invocation.ClientClosed {
			t.Errorf("outcome %+v", out)
		}
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Error("the body ended as if whole")
		}
		res.Body.Close()
	})
	t.Run("the callee's stream takes too long", func(t *testing.T) {
		g := open(t, idle, nil)
		g.Remove(greeting)
		g.Apply(with(function2(greeting, "public", 1), func(l *function.Limits) { l.Stream = function.Duration(20 * time.Millisecond) }))
		res, err := g.Call(t.Context(), caller("growth/web/bff", 0), fetch(t, "GET", callee, nil))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); string(body) != "x" || err == nil {
			t.Errorf("%q, %v", body, err)
		}
		if out := g.one(t); out.Code != invocation.Timeout {
			t.Errorf("outcome %+v", out)
		}
	})
}

func TestCallsInFlightMayCallWhileDraining(t *testing.T) {
	enter, leave := make(chan struct{}), make(chan struct{})
	var g *rig
	g = open(t, invoke(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		if r.Trigger == invocation.TriggerFunction {
			return text(200, nil, "from below")(ctx, r, w)
		}
		close(enter)
		<-leave
		res, err := g.Call(ctx, *r, fetch(t, "GET", callee, nil))
		if err != nil {
			return invocation.Outcome{Code: invocation.FunctionError}
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return text(res.StatusCode, nil, string(body))(ctx, r, w)
	}), nil)
	req, cl := g.request(t, "GET", "/fn/growth/signup/greeting", nil), client(t)
	answer := make(chan string, 1)
	go func() {
		res, err := cl.Do(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-enter
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_ = g.Drain(ended) // begins
	close(leave)
	if err := g.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-answer; got != "from below" {
		t.Errorf("%q", got)
	}
}
