package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// streaming answers with a stream and calls f to write it.
func streaming(f func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome) invoke {
	return func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		if err := w.Head(200, http.Header{"Content-Type": {"text/event-stream"}}, true); err != nil {
			return invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{Message: err.Error()}}
		}
		return f(ctx, r, w)
	}
}

func TestStreamIsFlushedAsItIsWritten(t *testing.T) {
	read := make(chan struct{})
	g := open(t, streaming(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		for i := range 3 {
			if err := w.Write(fmt.Appendf(nil, "data: %d\n\n", i)); err != nil {
				return invocation.Outcome{Code: invocation.ClientClosed}
			}
			<-read // the next event comes only once this one was seen
		}
		return ok
	}), nil)
	res, err := client(t).Do(g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	var got []string
	for lines.Scan() {
		if lines.Text() != "" {
			got = append(got, lines.Text())
			read <- struct{}{}
		}
	}
	if lines.Err() != nil || !slices.Equal(got, []string{"data: 0", "data: 1", "data: 2"}) {
		t.Errorf("%q, %v", got, lines.Err())
	}
	if out := g.one(t); out.Code != invocation.OK || !out.Streamed || !out.HeadSent {
		t.Errorf("outcome %+v", out)
	}
}

func TestStreamThatTakesTooLongIsCut(t *testing.T) {
	g := open(t, streaming(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		_ = w.Write([]byte("begun"))
		return stuck(ctx, r, w)
	}), nil)
	g.Remove(greeting)
	const limit = 100 * time.Millisecond
	g.Apply(with(function2(greeting, "public", 1), func(l *function.Limits) { l.Stream = function.Duration(limit) }))
	start := time.Now()
	res, err := client(t).Do(g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	took := time.Since(start)
	if string(body) != "begun" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v: the client cannot tell that it was cut", body, err)
	}
	if out := g.one(t); out.Code != invocation.Timeout || !out.HeadSent || out.Duration+limit > took {
		t.Errorf("outcome %+v of %s: a stream's duration ends at its head", out, took)
	}
}

func TestStreamOutlivesTheTimeoutOfItsHead(t *testing.T) {
	g := open(t, streaming(func(ctx context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		select {
		case <-ctx.Done():
			return invocation.Outcome{Code: invocation.Timeout}
		case <-time.After(400 * time.Millisecond):
		}
		_ = w.Write([]byte("late"))
		return ok
	}), nil)
	g.Remove(greeting)
	g.Apply(with(function2(greeting, "public", 1), func(l *function.Limits) { l.Timeout = function.Duration(300 * time.Millisecond) }))
	if _, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil)); body != "late" {
		t.Errorf("%q", body)
	}
}

func TestStreamThatFailsIsCut(t *testing.T) {
	g := open(t, streaming(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		_ = w.Write([]byte("begun"))
		return invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{Message: "secret"}}
	}), nil)
	res, err := client(t).Do(g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); string(body) != "begun" || err == nil {
		t.Errorf("%q, %v", body, err)
	}
	if out := g.one(t); out.Code != invocation.FunctionError || out.Failure == nil {
		t.Errorf("outcome %+v", out)
	}
}

func TestClientThatLeavesAStream(t *testing.T) {
	g := open(t, streaming(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		for w.Write(make([]byte, 1000)) == nil {
		}
		return invocation.Outcome{Code: invocation.FunctionError}
	}), nil)
	res, err := client(t).Do(g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if out := g.one(t); out.Code != invocation.ClientClosed || !out.HeadSent {
		t.Errorf("outcome %+v", out)
	}
}

func TestStreamBothWays(t *testing.T) {
	g := open(t, streaming(func(_ context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 && w.Write(buf[:n]) != nil {
				return invocation.Outcome{Code: invocation.ClientClosed}
			}
			switch {
			case errors.Is(err, io.EOF):
				return ok
			case err != nil:
				return invocation.Outcome{Code: invocation.FunctionError}
			}
		}
	}), nil)
	pr, pw := io.Pipe()
	res, err := client(t).Do(g.request(t, "POST", "/fn/growth/signup/greeting", pr))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, word := range []string{"one", "two", "three"} {
		if _, err := io.WriteString(pw, word); err != nil {
			t.Fatal(err)
		}
		back := make([]byte, len(word))
		if _, err := io.ReadFull(res.Body, back); err != nil || string(back) != word {
			t.Fatalf("%q came back as %q: %v", word, back, err)
		}
	}
	pw.Close()
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	if out := g.one(t); out.Code != invocation.OK {
		t.Errorf("outcome %+v", out)
	}
}

func TestLargeBufferedBody(t *testing.T) {
	chunk := strings.Repeat("0123456789abcdef", 1<<10)
	fails := false
	g := open(t, invoke(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		_ = w.Head(200, nil, false)
		for range 20 {
			if err := w.Write([]byte(chunk)); err != nil {
				return invocation.Outcome{Code: invocation.ClientClosed}
			}
		}
		if fails {
			return invocation.Outcome{Code: invocation.WorkerLost}
		}
		return ok
	}), nil)
	if _, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil)); body != strings.Repeat(chunk, 20) {
		t.Errorf("%d bytes came", len(body))
	}
	fails = true
	res, err := client(t).Do(g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the client cannot tell that the body was cut")
	}
}

func TestFailureBehindASmallBufferedBodyIsStillAProblem(t *testing.T) {
	g := open(t, invoke(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		text(200, http.Header{"X-Mine": {"1"}}, "half")(ctx, r, w)
		return invocation.Outcome{Code: invocation.WorkerLost}
	}), nil)
	res, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	wantProblem(t, res, body, 502, "worker_lost")
	if res.Header.Get("X-Mine") != "" {
		t.Error("the function's header is on the problem")
	}
}

// What the invoker refuses before anything runs, for want of a worker or of memory, is
// told as that, and not as a fault of the function's.
func TestWhatWasNeverBegunIsOverloaded(t *testing.T) {
	for code, status := range map[invocation.Code]int{invocation.NodeOverloaded: 503, invocation.FunctionOverloaded: 429} {
		g := open(t, invoke(func(context.Context, *invocation.Request, invocation.Writer) invocation.Outcome {
			return invocation.Outcome{Code: code, Failure: &invocation.Failure{Message: "full"}}
		}), nil)
		res, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
		wantProblem(t, res, body, status, "overloaded")
		if res.Header.Get("Retry-After") == "" {
			t.Error("it does not say when to try again")
		}
	}
}

func TestStreamToHeadRequestIsNotMade(t *testing.T) {
	g := open(t, streaming(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		for w.Write([]byte("for ever")) == nil {
		}
		return invocation.Outcome{Code: invocation.ClientClosed}
	}), nil)
	if res, body := do(t, g.request(t, "HEAD", "/fn/growth/signup/greeting", nil)); res.StatusCode != http.StatusOK || body != "" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	if out := g.one(t); out.Code != invocation.OK {
		t.Errorf("outcome %+v", out)
	}
}

func TestUnreadBodyDoesNotCostTheConnection(t *testing.T) {
	g := open(t, text(200, nil, "done"), nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 3 {
		if _, err := io.WriteString(conn, "POST /fn/growth/signup/greeting HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "done" || res.Close {
			t.Fatalf("%q, %v, close %t", body, err, res.Close)
		}
	}
}

// A function answers while something of it still reads a body that the client never
// finishes: the client gets the answer, the reader is let go, and what comes later on
// the connection is not taken for a request.
func TestAnswerWhileTheBodyIsStillRead(t *testing.T) {
	readEnded := make(chan error, 1)
	g := open(t, invoke(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		first := make(chan struct{})
		go func() {
			buf := make([]byte, 10)
			n, err := r.Body.Read(buf)
			close(first)
			for err == nil && n >= 0 {
				_, err = r.Body.Read(buf)
			}
			readEnded <- err
		}()
		<-first
		return text(200, nil, "done")(ctx, r, w)
	}), nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /fn/growth/signup/greeting HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhello"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); string(body) != "done" || err != nil {
		t.Fatalf("%q, %v", body, err)
	}
	res.Body.Close()
	if err := <-readEnded; err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the reader ended with %v", err)
	}
	_, _ = io.WriteString(conn, "GET /fn/growth/signup/greeting HTTP/1.1\r\nHost: x\r\n\r\n")
	if again, err := http.ReadResponse(in, nil); err == nil {
		again.Body.Close()
		t.Error("bytes of the body were answered as a request")
	}
	g.until(t, "one outcome", func() bool { return len(g.outcomes) == 1 })
}

// net/http alone would wait for such a body before it sends an answer.
func TestRefusalDoesNotWaitForABodyThatNeverComes(t *testing.T) {
	g := open(t, echo, nil)
	res, body := g.raw(t, "POST /fn/growth/signup/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhello")
	wantProblem(t, res, body, 404, "function_not_found")
	if !res.Close {
		t.Error("the connection is said to live on")
	}
}

func TestHTTP2(t *testing.T) {
	g := open(t, streaming(func(_ context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		buf := make([]byte, 3)
		for {
			n, err := r.Body.Read(buf)
			if w.Write(buf[:n]) != nil || err != nil {
				return ok
			}
		}
	}), nil)
	srv := httptest.NewUnstartedServer(g)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	pr, pw := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/fn/growth/signup/greeting", pr)
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.WriteString(pw, "one"); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 3)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "one" {
		t.Fatalf("%q, %v", first, err)
	}
	pw.Close()
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil || res.ProtoMajor != 2 {
		t.Errorf("%q, %v, HTTP/%d", rest, err, res.ProtoMajor)
	}
}

func TestUploadThatBreaksOffIsNotTheFunctionsError(t *testing.T) {
	g := open(t, echo, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "POST /fn/growth/signup/greeting HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhello"); err != nil {
		t.Fatal(err)
	}
	g.until(t, "the call", func() bool { return g.begun == 1 })
	conn.Close()
	if out := g.one(t); out.Code != invocation.ClientClosed {
		t.Errorf("outcome %+v", out)
	}
}

func TestBackgroundIsCountedBehindItsOutcome(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprintf("early %t", early), func(t *testing.T) {
			let := make(chan struct{})
			g := open(t, invoke(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
				text(200, nil, "ok")(ctx, r, w)
				settle := func() {
					w.Settled(invocation.Background{Code: invocation.OK, CPU: 7})
					w.Settled(invocation.Background{})
				}
				if early {
					settle()
				} else {
					go func() { <-let; settle() }()
				}
				return invocation.Outcome{Code: invocation.OK, Background: true}
			}), nil)
			do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
			if !early {
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				if err := g.Drain(ended); err == nil {
					t.Error("drained while background work was held")
				}
				close(let)
			}
			if err := g.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(g.order, []string{"begin", "observe", "settled"}) || g.settled[0].CPU != 7 {
				t.Errorf("order %v, settled %v", g.order, g.settled)
			}
		})
	}
}

func TestDrain(t *testing.T) {
	enter, leave := make(chan struct{}), make(chan struct{})
	g := open(t, invoke(func(ctx context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
		close(enter)
		<-leave
		return text(200, nil, "whole")(ctx, r, w)
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
	short, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errors.New("no patience"))
	defer cancel()
	if err := g.Drain(short); err == nil || !strings.Contains(err.Error(), "1 calls") || !strings.Contains(err.Error(), "no patience") {
		t.Errorf("drain: %v", err)
	}
	res, body := do(t, g.request(t, "GET", "/fn/growth/signup/greeting", nil))
	wantProblem(t, res, body, 503, "overloaded")
	if res.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	drained := make(chan error, 2)
	for range 2 {
		go func() { drained <- g.Drain(context.WithoutCancel(t.Context())) }()
	}
	close(leave)
	for range 2 {
		if err := <-drained; err != nil {
			t.Error(err)
		}
	}
	if got := <-answer; got != "whole" {
		t.Errorf("the call in flight got %q", got)
	}
}
