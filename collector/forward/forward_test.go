package forward_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"hadron/collector/forward"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver answers as it is told, one after another, then with 204.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	answers []func(w http.ResponseWriter)
	bodies  []string
	headers []http.Header
	asked   chan struct{}
}

func listen(t *testing.T, answers ...func(w http.ResponseWriter)) *receiver {
	r := &receiver{answers: answers, asked: make(chan struct{}, 1000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.bodies, r.headers = append(r.bodies, string(body)), append(r.headers, req.Header)
		answer := func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }
		if len(r.answers) > 0 {
			answer, r.answers = r.answers[0], r.answers[1:]
		}
		r.mu.Unlock()
		answer(w)
		r.asked <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func status(code int, text string, header ...string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, text)
	}
}

// books count what became of items.
type books struct {
	mu      sync.Mutex
	sent    int
	dropped map[forward.Reason]int
	log     bytes.Buffer
}

func (b *books) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *books) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

func (b *books) counts() (int, map[forward.Reason]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[forward.Reason]int{}
	for k, v := range b.dropped {
		out[k] = v
	}
	return b.sent, out
}

func config(url string, b *books) forward.Config[string] {
	return forward.Config[string]{
		Name: "test", Endpoint: forward.Endpoint{URL: url},
		Encode: func(batch []string) ([]byte, string, error) {
			return []byte(strings.Join(batch, ",")), "text/plain", nil
		},
		Size: func(s string) int { return len(s) }, Linger: time.Millisecond, MinWait: time.Millisecond, MaxWait: 4 * time.Millisecond,
		Sent: func(n int) { b.mu.Lock(); b.sent += n; b.mu.Unlock() },
		Dropped: func(why forward.Reason, n int) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.dropped == nil {
				b.dropped = map[forward.Reason]int{}
			}
			b.dropped[why] += n
		},
		Logger: slog.New(slog.NewTextHandler(b, nil)),
	}
}

// run sends items and returns once all were sent or dropped.
func run(t *testing.T, cfg forward.Config[string], b *books, items ...string) {
	t.Helper()
	q, err := forward.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		q.Put(i)
	}
	q.Start(t.Context())
	for deadline := time.Now().Add(20 * time.Second); ; {
		sent, dropped := b.counts()
		for _, n := range dropped {
			sent += n
		}
		if sent >= len(items) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d were settled", sent, len(items))
		}
		<-time.After(time.Millisecond)
	}
	if err := q.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if q.Put("late") {
		t.Error("taken after the end")
	}
}

func TestRetriesWhatMayBeTakenLater(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("# ours\nAuthorization: Bearer s3cr3t-token\n\nX-Scope-OrgID: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &books{}
	r := listen(t, status(503, "busy, Bearer s3cr3t-token was yours, or s3cr3t-token"), status(429, "", "Retry-After", "0"), status(502, ""), status(504, ""))
	cfg := config(r.URL, b)
	cfg.Endpoint.HeadersFile = file
	run(t, cfg, b, "a", "b")
	if sent, dropped := b.counts(); sent != 2 || dropped[forward.Rejected]+dropped[forward.Unreachable] != 0 {
		t.Errorf("%d sent, %v", sent, dropped)
	}
	for i, body := range r.bodies {
		if body != "a,b" || r.headers[i].Get("Authorization") != "Bearer s3cr3t-token" || r.headers[i].Get("X-Scope-Orgid") != "7" {
			t.Errorf("try %d was %q %v", i, body, r.headers[i])
		}
	}
	if len(r.bodies) != 5 {
		t.Errorf("%d tries", len(r.bodies))
	}
	if text := b.text(); strings.Contains(text, "s3cr3t") || !strings.Contains(text, "busy, [redacted] was yours") {
		t.Errorf("the log says %s", text)
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	t.Parallel()
	b := &books{}
	var first, second time.Time
	r := listen(t, func(w http.ResponseWriter) { first = time.Now(); status(429, "", "Retry-After", "1")(w) }, func(w http.ResponseWriter) { second = time.Now(); w.WriteHeader(http.StatusNoContent) })
	run(t, config(r.URL, b), b, "a")
	if gap := second.Sub(first); gap < 900*time.Millisecond {
		t.Errorf("asked again after %s", gap)
	}
}

func TestRefusalsAreFinal(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 401, 404, 500, 307} {
		b := &books{}
		r := listen(t, status(code, "no\nway", "Location", "/elsewhere"))
		run(t, config(r.URL, b), b, "a", "b")
		if sent, dropped := b.counts(); sent != 0 || dropped[forward.Rejected] != 2 || len(r.bodies) != 1 {
			t.Errorf("%d: %d sent, %v, %d tries", code, sent, dropped, len(r.bodies))
		}
		if text := b.text(); !strings.Contains(text, "no way") || !strings.Contains(text, "dropped_rejected=2") {
			t.Errorf("%d: %s", code, text)
		}
	}
	b := &books{}
	cfg := config(listen(t, status(500, "")).URL, b)
	cfg.RetryErrors = true
	run(t, cfg, b, "a")
	if sent, _ := b.counts(); sent != 1 {
		t.Error("500 was final")
	}
}

func TestTooLargeIsHalved(t *testing.T) {
	t.Parallel()
	b := &books{}
	r := listen(t, status(413, ""), status(204, ""), status(413, ""))
	run(t, config(r.URL, b), b, "a", "b", "c")
	if sent, dropped := b.counts(); sent != 3 || len(dropped) > 1 {
		t.Errorf("%d sent, %v of %q", sent, dropped, r.bodies)
	}
	if got := strings.Join(r.bodies, " "); got != "a,b,c a b,c b c" {
		t.Errorf("tried %s", got)
	}
}

func TestPartOfABatchIsRefused(t *testing.T) {
	t.Parallel()
	b := &books{}
	cfg := config(listen(t, status(200, "one is bad")).URL, b)
	cfg.Judge = func(_, _ int, body []byte) (int, string) { return 1, string(body) }
	run(t, cfg, b, "a", "b", "c")
	if sent, dropped := b.counts(); sent != 2 || dropped[forward.Rejected] != 1 || !strings.Contains(b.text(), "one is bad") {
		t.Errorf("%d sent, %v, %s", sent, dropped, b.text())
	}
}

// A receiver that is gone costs what it must, and no more.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	b := &books{}
	cfg := config(gone.URL+"?key=hidden", b)
	cfg.GiveUp = 5 * time.Millisecond
	run(t, cfg, b, "a")
	if _, dropped := b.counts(); dropped[forward.Unreachable] != 1 || strings.Contains(b.text(), "hidden") {
		t.Errorf("%v %s", dropped, b.text())
	}
	b = &books{}
	cfg = config(gone.URL, b)
	q, err := forward.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	q.Start(t.Context())
	q.Put("a")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := q.Stop(ctx); err != nil || ctx.Err() != nil {
		t.Errorf("%v", err)
	}
	if _, dropped := b.counts(); dropped[forward.Shutdown] != 1 {
		t.Errorf("%v", dropped)
	}
}

// However much comes, no more waits than may, and each item is sent once or counted.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := &books{}
		cfg := config("http://127.0.0.1:1", b)
		cfg.MaxItems, cfg.MaxBytes = rapid.IntRange(1, 20).Draw(rt, "items"), rapid.IntRange(1, 60).Draw(rt, "bytes")
		q, err := forward.New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		held, bytes, n := 0, 0, rapid.IntRange(0, 50).Draw(rt, "n")
		for range n {
			item := strings.Repeat("x", rapid.IntRange(0, 8).Draw(rt, "size"))
			if q.Put(item) {
				held, bytes = held+1, bytes+len(item)
			}
		}
		if q.Waiting() != held || held > cfg.MaxItems || bytes > cfg.MaxBytes {
			rt.Fatalf("%d wait, %d bytes", held, bytes)
		}
		if _, dropped := b.counts(); dropped[forward.Full] != n-held {
			rt.Fatalf("%v of %d", dropped, n-held)
		}
	})
}

func TestBadEndpoints(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("Authorization Bearer s3cr3t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, e := range []forward.Endpoint{
		{URL: "ftp://x"}, {URL: "http://u:p@x/"}, {URL: "x"}, {URL: "http://x", HeadersFile: file}, {URL: "http://x", HeadersFile: file + "-none"},
	} {
		if err := e.Validate(); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%+v: %v", e, err)
		}
	}
}
