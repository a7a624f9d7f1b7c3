// Package http1 is an HTTP/1.1 server for the requests that a function server gets
// all day: plain ones, which arrive whole. It reads them without net/http's cost,
// and hands the connection of anything else, with all that was read of it, to a
// net/http server behind it: what is odd, long, slow, encoded or upgraded, or asks
// for something else. Both call the same kind of handler.
//
//	accept ─▶ conn: read ─▶ parse ─┬─ plain and whole ─▶ Handler ─▶ response ─┐
//	            ▲                  └─ anything else ──▶ Rest (net/http)       │
//	            └─────────────────────────── keep-alive ──────────────────────┘
//
// What it takes is a subset of what net/http takes, and it means the same there
// (parse_test.go compares them), so nothing can be smuggled between the two. A
// connection that was handed over stays there.
package http1

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Server needs. Handler and Rest are required.
type Config struct {
	// Handler answers plain requests. It differs from net/http's in this: the body
	// is whole, nobody guesses a Content-Type, an answer without a Content-Length is
	// chunked, and there are no trailers and no Hijack. A panic ends the connection;
	// http.ErrAbortHandler does so in silence. The request with its URL and header, and
	// the ResponseWriter with its own, are the handler's until it returns: the next
	// request has their memory. Only their strings, and the values of the request's
	// header, can be kept.
	Handler http.Handler
	// Gone is the cause with which a request's context ends when its client leaves;
	// nil: context.Canceled. The ResponseWriter's method Gone returns it.
	Gone error
	// Prefix is what the targets of plain requests begin with; it begins with "/".
	Prefix string
	// Rest serves every other connection; its limits and timeouts hold for them, and
	// its ReadHeaderTimeout and IdleTimeout for the plain ones as well.
	Rest   *http.Server
	Logger *slog.Logger // default: discards
}

// Server serves listeners until Shutdown.
type Server struct {
	cfg     Config
	closing atomic.Bool
	running sync.WaitGroup // connections

	mu    sync.Mutex
	live  map[*conn]struct{}
	doors []net.Listener // those accepted from
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	if cfg.Handler == nil || cfg.Rest == nil || cfg.Prefix == "" || cfg.Prefix[0] != '/' {
		return nil, errors.New("http1: Handler, Rest and a Prefix with a leading slash are required")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, live: map[*conn]struct{}{}}, nil
}

// Serve accepts connections until Shutdown or Close, and then returns
// http.ErrServerClosed; any other error is the listener's.
func (s *Server) Serve(l net.Listener) error {
	handed := &handedOver{addr: l.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
	if !s.enter(l) {
		_ = l.Close() // nobody has come in
		return http.ErrServerClosed
	}
	behind := make(chan error, 1)
	go func() { behind <- s.cfg.Rest.Serve(handed) }()
	err := s.accept(l, handed)
	if s.closing.Load() {
		err = http.ErrServerClosed // Rest takes what is handed over until it is shut down itself
	} else {
		_ = handed.Close() // never fails
	}
	if restErr := <-behind; !errors.Is(restErr, http.ErrServerClosed) && !errors.Is(restErr, net.ErrClosed) {
		err = errors.Join(err, restErr)
	}
	return err
}

// enter takes note of a listener; false: the server takes no more.
func (s *Server) enter(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.doors = append(s.doors, l)
	return true
}

// accept starts a connection for each that comes. Like net/http it waits a moment
// where the process has run out of something.
func (s *Server) accept(l net.Listener, handed *handedOver) error {
	wait := time.Duration(0)
	for {
		rwc, err := l.Accept()
		if err == nil {
			wait = 0
			s.start(rwc, handed)
			continue
		}
		var passing interface{ Temporary() bool }
		if s.closing.Load() || !errors.As(err, &passing) || !passing.Temporary() {
			return fmt.Errorf("accept on %s: %w", l.Addr(), err)
		}
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		s.cfg.Logger.Warn("cannot accept a connection, trying again", "error", err, "wait", wait)
		time.Sleep(wait)
	}
}

func (s *Server) start(rwc net.Conn, handed *handedOver) {
	c := newConn(s, rwc, handed)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		_ = rwc.Close() // nobody has asked for anything yet
		return
	}
	s.live[c] = struct{}{}
	s.running.Add(1)
	go c.serve()
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.live, c)
	s.mu.Unlock()
	s.running.Done()
}

// stop takes no more connections and requests, and returns those that still run.
func (s *Server) stop() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	for _, l := range s.doors {
		_ = l.Close() // it may be closed already
	}
	s.doors = nil
	busy := make([]*conn, 0, len(s.live))
	for c := range s.live {
		if !c.closeIdle() {
			busy = append(busy, c)
		}
	}
	return busy
}

// Shutdown closes listeners and idle connections, waits for the requests that run,
// and shuts Rest down. Its error wraps the cause for which ctx ended first; then
// Close ends what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	rest := s.cfg.Rest.Shutdown(ctx)
	select {
	case <-done:
		return rest
	case <-ctx.Done():
		return fmt.Errorf("shut down with requests still running: %w", context.Cause(ctx))
	}
}

// Close ends everything at once.
func (s *Server) Close() error {
	for _, c := range s.stop() {
		_ = c.rwc.Close() // the handler notices
	}
	return s.cfg.Rest.Close()
}

// handedOver is the listener from which Rest takes its connections.
type handedOver struct {
	addr   net.Addr
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// pass hands a connection over; false: nobody takes any more.
func (h *handedOver) pass(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.closed:
		return false
	}
}

// Accept implements net.Listener.
func (h *handedOver) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handedOver) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handedOver) Addr() net.Addr { return h.addr }

// begun is a connection of which the first bytes were read already.
type begun struct {
	net.Conn
	before []byte
}

// Read implements net.Conn.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.before) > 0 {
		n := copy(p, b.before)
		b.before = b.before[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

// CloseWrite lets net/http end a connection without cutting its last answer off.
func (b *begun) CloseWrite() error {
	if c, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}
