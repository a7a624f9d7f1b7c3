package http1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hadron/runtime/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a server whose two halves say which they are.
type rig struct {
	t    *testing.T
	srv  *http1.Server
	addr string
	done chan error
}

func open(t *testing.T, h http.HandlerFunc) *rig {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	by := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("By", name)
			h(w, r)
		})
	}
	srv, err := http1.New(http1.Config{
		Handler: by("http1"), Prefix: "/fn/", Gone: errGone,
		Rest: &http.Server{Handler: by("net/http"), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t, srv, l.Addr().String(), make(chan error, 1)}
	go func() { r.done <- srv.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-r.done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return r
}

// client is one connection.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (r *rig) dial() *client {
	r.t.Helper()
	c, err := (&net.Dialer{}).DialContext(r.t.Context(), "tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{c, r.t, bufio.NewReader(c)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads a response and returns who gave it, and its body.
func (c *client) answer(method string) (by, body string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.Header.Get("By"), string(b)
}

func (c *client) wantEnd() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err == nil {
		c.t.Fatalf("the connection goes on with %q", b)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s %v", r.Method, r.URL, body, err)
}

const get = "GET /fn/a HTTP/1.1\r\nHost: x\r\n\r\n"

// What is plain is answered here, and from the first request that is not, the
// connection is net/http's, with every byte in its place.
func TestHandsOver(t *testing.T) {
	c := open(t, echo).dial()
	c.send(get + "POST /fn/b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" + get)
	for i, want := range []string{"GET /fn/a  <nil>", "POST /fn/b hi <nil>", "GET /fn/a  <nil>"} {
		if by, body := c.answer("GET"); by != "http1" || body != want {
			t.Errorf("%d: %s: %q", i, by, body)
		}
	}
	c.send(get + "POST /fn/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + get)
	for i, want := range [][2]string{{"http1", "GET /fn/a  <nil>"}, {"net/http", "POST /fn/c abc <nil>"}, {"net/http", "GET /fn/a  <nil>"}} {
		if by, body := c.answer("GET"); by != want[0] || body != want[1] {
			t.Errorf("%d: %s: %q", i, by, body)
		}
	}
}

// A request that comes in pieces is taken, and one that comes slowly is handed over;
// which of the two a piece is, its sender's pace decides.
func TestPieces(t *testing.T) {
	r := open(t, echo)
	const req = "POST /fn/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
	for cut := range len(req) {
		c := r.dial()
		c.send(req[:cut])
		c.send(req[cut:])
		if _, body := c.answer("POST"); body != "POST /fn/a hello <nil>" {
			t.Fatalf("cut at %d: %q", cut, body)
		}
		c.Close()
	}
	c := r.dial()
	c.send(req[:len(req)-1])
	time.AfterFunc(100*time.Millisecond, func() { _, _ = io.WriteString(c, req[len(req)-1:]) })
	if by, body := c.answer("POST"); by != "net/http" || body != "POST /fn/a hello <nil>" {
		t.Errorf("%s: %q", by, body)
	}
}

func TestLongRequests(t *testing.T) {
	r := open(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, len(r.Header.Get("A")), err)
	})
	for _, c := range []struct {
		header, body int
		by           string
	}{{10, 0, "http1"}, {20_000, 0, "http1"}, {10, 60_000, "http1"}, {30_000, 30_000, "http1"}, {10, 70_000, "net/http"}} {
		cl := r.dial()
		// Twice, so that the buffer that grew is used again.
		for range 2 {
			cl.send(fmt.Sprintf("POST /fn/a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nA: %s\r\n\r\n%s", c.body, strings.Repeat("x", c.header), strings.Repeat("y", c.body)))
			if by, body := cl.answer("POST"); by != c.by && !slow(by) || body != fmt.Sprint(c.body, c.header, nil) {
				t.Errorf("%+v: %s: %q", c, by, body)
			}
		}
	}
}

// slow excuses a machine that was too busy to send a request in one go.
func slow(by string) bool { return by == "net/http" }

func TestResponses(t *testing.T) {
	r := open(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		switch r.URL.Path {
		case "/fn/length":
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "hello")
		case "/fn/none":
		case "/fn/204":
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Error(err)
			}
		case "/fn/stream":
			for i := range 3 {
				fmt.Fprint(w, i)
				if err := rc.Flush(); err != nil {
					t.Error(err)
				}
			}
		case "/fn/large":
			for range 8 {
				fmt.Fprint(w, strings.Repeat("z", 20_000))
			}
		case "/fn/inject":
			w.Header()["A"] = []string{"b\r\nC: d"}
			w.Header()["E\r\nF"] = []string{"g"}
			w.Header()["Transfer-Encoding"] = []string{"gzip"}
		case "/fn/odd-status":
			w.WriteHeader(299)
		}
	})
	c := r.dial()
	for _, s := range []struct{ method, path, body string }{
		{"GET", "length", "hello"},
		{"HEAD", "length", ""},
		{"GET", "none", ""},
		{"HEAD", "none", ""},
		{"GET", "204", ""},
		{"GET", "stream", "012"},
		{"HEAD", "stream", ""},
		{"GET", "large", strings.Repeat("z", 160_000)},
		{"GET", "inject", ""},
		{"GET", "odd-status", ""},
		{"GET", "length", "hello"},
	} {
		c.send(s.method + " /fn/" + s.path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(c.r, &http.Request{Method: s.method})
		if err != nil {
			t.Fatalf("%s %s: %v", s.method, s.path, err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || string(body) != s.body || res.Header.Get("By") != "http1" || res.Header.Get("Date") == "" || res.Header.Get("C") != "" || res.Header.Get("F") != "" {
			t.Errorf("%s %s: %d bytes, %v, %v", s.method, s.path, len(body), err, res.Header)
		}
	}
}

// An answer that is shorter than it said, one that was cut, and a panic end the
// connection: the client must see that this was not all.
func TestBrokenAnswersEndTheConnection(t *testing.T) {
	r := open(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fn/short":
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "hell")
		case "/fn/cut":
			fmt.Fprint(w, "hell")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/fn/panic":
			panic("a mistake")
		case "/fn/close":
			w.Header().Set("Connection", "close")
		}
	})
	for _, path := range []string{"short", "cut", "panic", "close"} {
		c := r.dial()
		c.send("GET /fn/" + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if res, err := http.ReadResponse(c.r, nil); err == nil {
			_, err := io.ReadAll(res.Body)
			if (err == nil) != (path == "close") || res.Close != (path == "close") {
				t.Errorf("%s: %v, close %t", path, err, res.Close)
			}
		} else if path != "panic" {
			t.Errorf("%s: %v", path, err)
		}
		c.wantEnd()
	}
}

// A client that leaves ends the context of its request, also of one behind others.
func TestClientGone(t *testing.T) {
	left := make(chan error, 2)
	r := open(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fn/wait" {
			<-r.Context().Done()
			left <- r.Context().Err()
			left <- context.Cause(r.Context())
		}
	})
	c := r.dial()
	c.send(get)
	c.answer("GET")
	c.send("GET /fn/wait HTTP/1.1\r\nHost: x\r\n\r\n")
	c.Close()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-left; !errors.Is(err, errGone) {
		t.Error(err)
	}
}

var errGone = errors.New("the client has left")

// A request and its answer show nothing of those before them, whose memory they have.
func TestNothingOfOneBefore(t *testing.T) {
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			w.Header().Set("Left", "over")
			w.WriteHeader(http.StatusNotFound)
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Method, r.URL, r.Header, r.ContentLength, string(body), w.Header())
	}).dial()
	const want = "GET/fn/a map[] 0map[By:[http1]]"
	many := "POST /fn/b%20c?d HTTP/1.1\r\nHost: y\r\nA: b\r\nA: c\r\nContent-Length: 2\r\n"
	for i := range 40 {
		many += fmt.Sprintf("X-%d: 1\r\n", i)
		c.send(many + "\r\nhi" + get)
		if _, body := c.answer("POST"); !strings.Contains(body, "hi") || !strings.Contains(body, "A:[b c]") {
			t.Fatal(body)
		}
		if _, body := c.answer("GET"); body != want {
			t.Fatalf("%q, not %q", body, want)
		}
	}
}

// What comes while a request runs is the next one, however long it runs.
func TestPipelinedBehindALongOne(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	r := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fn/long" {
			close(arrived)
			<-release
		}
		echo(w, r)
	})
	c := r.dial()
	c.send("GET /fn/long HTTP/1.1\r\nHost: x\r\n\r\n")
	<-arrived
	time.AfterFunc(50*time.Millisecond, func() {
		_, _ = io.WriteString(c, get+get[:7])
		time.AfterFunc(50*time.Millisecond, func() { close(release); _, _ = io.WriteString(c, get[7:]) })
	})
	for _, want := range []string{"GET /fn/long  <nil>", "GET /fn/a  <nil>", "GET /fn/a  <nil>"} {
		if _, body := c.answer("GET"); body != want {
			t.Errorf("%q", body)
		}
	}
}

// Shutdown closes connections that wait, lets requests that run end, and takes no more.
func TestShutdown(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	r := open(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		echo(w, r)
	})
	idle, busy := r.dial(), r.dial()
	busy.send(get + get)
	<-arrived
	ended := make(chan error, 1)
	go func() { ended <- r.srv.Shutdown(context.Background()) }()
	idle.wantEnd()
	close(release)
	if _, body := busy.answer("GET"); body != "GET /fn/a  <nil>" {
		t.Errorf("%q", body)
	}
	busy.wantEnd()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestServeBehindShutdown(t *testing.T) {
	srv, err := http1.New(http1.Config{Handler: http.NotFoundHandler(), Prefix: "/fn/", Rest: &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// Shutdown gives up with its context, and Close ends what is left.
func TestClose(t *testing.T) {
	arrived := make(chan struct{})
	r := open(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	c := r.dial()
	c.send(get)
	<-arrived
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.srv.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := r.srv.Close(); err != nil {
		t.Error(err)
	}
	c.wantEnd()
}

// One connection that keeps asking, beside net/http's own loop with the same handler.
func BenchmarkServe(b *testing.B) {
	for name, path := range map[string]string{"http1": "/fn/a", "net": "/a"} {
		b.Run(name, func(b *testing.B) {
			l, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Length"], w.Header()["Content-Type"] = []string{"5"}, []string{"text/plain"}
				_, _ = w.Write([]byte("hello"))
			})
			srv, err := http1.New(http1.Config{Handler: h, Prefix: "/fn/", Rest: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}})
			if err != nil {
				b.Fatal(err)
			}
			go srv.Serve(l)                              //nolint:errcheck // ended below
			defer srv.Shutdown(context.Background())     //nolint:errcheck // nothing runs
			c, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // a test's own
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			req, buf := []byte("GET "+path+" HTTP/1.1\r\nHost: x\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"), make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(req); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Read(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
