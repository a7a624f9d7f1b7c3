package http1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	smallBuffer = 4 << 10 // of a connection that waits
	// patience is how long the rest of a request may take; net/http takes slower ones.
	patience = 20 * time.Millisecond
	// watchAfter is how long a request runs before somebody looks whether its client
	// is still there: for the many that are shorter it is not worth a goroutine.
	watchAfter = 10 * time.Millisecond
)

// The states of a connection.
const (
	isIdle int32 = iota // no byte of a request has come
	isBusy
	isClosed
)

// conn is one connection.
type conn struct {
	srv      *Server
	rwc      net.Conn
	handed   *handedOver
	state    atomic.Int32
	deadline time.Time // for reading, as it was set last
	served   bool      // a request was

	buf     []byte // what was read and not used is buf[at:end]
	at, end int
	out     []byte // memory of the response

	ctx      context.Context // ends when the client leaves; a connection's requests come one by one
	cancel   context.CancelCauseFunc
	template *http.Request // what all requests of this connection share

	// Of the request that runs: the next one has the same memory.
	request  http.Request
	url      url.URL
	fields   http.Header
	response response
	header   http.Header // of the response

	timer   *time.Timer // starts watch
	mu      sync.Mutex
	over    bool          // the request is; watch need not go on
	watched chan struct{} // watch has ended
	gone    bool          // the client is, or its connection; of watch until it has ended
}

func newConn(s *Server, rwc net.Conn, handed *handedOver) *conn {
	c := &conn{
		srv: s, rwc: rwc, handed: handed, buf: make([]byte, smallBuffer), watched: make(chan struct{}, 1),
		fields: http.Header{}, header: http.Header{},
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.template = (&http.Request{
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: rwc.RemoteAddr().String(),
	}).WithContext(c.ctx)
	return c
}

// serve answers requests until the connection ends or is handed over.
func (c *conn) serve() {
	defer c.srv.forget(c)
	defer c.cancel(nil)
	for {
		p, v := c.next()
		if v == whole && !c.take(&p) {
			v = odd
		}
		switch {
		case v == whole && c.answer():
		case v == odd && c.handOver():
			return
		default:
			_ = c.rwc.Close() // nothing is left to say
			return
		}
		c.served = true
		c.state.Store(isIdle)
		if c.srv.closing.Load() {
			c.closeIdle()
			return
		}
	}
}

// handOver leaves the connection to net/http, with all that was read of it.
func (c *conn) handOver() bool {
	c.setDeadline(time.Time{})
	return c.handed.pass(&begun{Conn: c.rwc, before: c.buf[c.at:c.end]})
}

// closeIdle closes the connection unless a request runs.
func (c *conn) closeIdle() bool {
	if !c.state.CompareAndSwap(isIdle, isClosed) {
		return c.state.Load() == isClosed
	}
	_ = c.rwc.Close()
	return true
}

// next reads a request: whole, or odd with what was read kept for others, or
// partial where the connection has ended.
func (c *conn) next() (plain, verdict) {
	if c.at == c.end {
		c.at, c.end = 0, 0
		if len(c.buf) > smallBuffer {
			c.buf = make([]byte, smallBuffer)
		}
		c.waitAtMost(c.idleTime())
		if !c.fill() {
			return plain{}, partial
		}
	}
	if !c.state.CompareAndSwap(isIdle, isBusy) {
		return plain{}, partial // it was closed for being idle
	}
	for slow := false; ; slow = true {
		p, v := parse(c.buf[c.at:c.end], c.srv.cfg.Prefix, c.fields)
		if v != partial {
			if slow {
				c.setDeadline(time.Time{})
			}
			return p, v
		}
		if !slow {
			c.setDeadline(time.Now().Add(patience))
		}
		c.room(p.size)
		switch {
		case c.fill():
		case c.gone:
			return plain{}, partial
		default:
			return plain{}, odd // too slow
		}
	}
}

// idleTime is how long the next request may take to begin; 0: for ever.
func (c *conn) idleTime() time.Duration {
	rest := c.srv.cfg.Rest
	if !c.served && rest.ReadHeaderTimeout > 0 {
		return rest.ReadHeaderTimeout
	}
	return rest.IdleTimeout
}

// waitAtMost bounds reading. It sets the deadline with a fourth to spare, so that it
// need not be set for each request.
func (c *conn) waitAtMost(d time.Duration) {
	if d == 0 {
		if !c.deadline.IsZero() {
			c.setDeadline(time.Time{})
		}
		return
	}
	now := time.Now()
	if left := c.deadline.Sub(now); left < d || left > 2*d {
		c.setDeadline(now.Add(d + d/4))
	}
}

func (c *conn) setDeadline(t time.Time) {
	_ = c.rwc.SetReadDeadline(t) // fails on a closed connection, as reading will
	c.deadline = t
}

// room sees that a request of that size fits, or more of one whose size is unknown.
func (c *conn) room(size int) {
	if c.at > 0 {
		c.end = copy(c.buf, c.buf[c.at:c.end])
		c.at = 0
	}
	if want := max(size, c.end+1); want > len(c.buf) {
		c.buf = append(c.buf, make([]byte, min(max(want, 2*len(c.buf)), maxRequest)-len(c.buf))...)
	}
}

// fill reads more. Where it cannot, gone says whether the client is to blame or the
// deadline.
func (c *conn) fill() bool {
	n, err := c.rwc.Read(c.buf[c.end:])
	c.end += n
	if n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.gone = true
	}
	return n > 0
}

// take makes what the handler sees; false: it is nothing for this server.
func (c *conn) take(p *plain) bool {
	if !p.url(&c.url) {
		return false
	}
	r := &c.request
	*r = *c.template
	r.Method, r.URL, r.RequestURI, r.Header, r.Host, r.Body = p.method, &c.url, p.target, p.header, p.host, http.NoBody
	if p.length > 0 {
		from := c.at + p.size - p.length
		r.ContentLength, r.Body = int64(p.length), &body{left: bytes.Clone(c.buf[from : from+p.length])}
	}
	c.at += p.size
	return true
}

// answer has the request handled, and reports whether the connection can be used
// again.
func (c *conn) answer() (again bool) {
	c.startWatch()
	w := &c.response
	*w = response{c: c, method: c.request.Method, header: c.header, buf: c.out[:0]}
	defer func() {
		p := recover()
		c.endWatch()
		if p == nil {
			again = w.finish() && !c.gone
		} else if p != http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http has it
			c.srv.cfg.Logger.Error("handler panicked", "remote", c.template.RemoteAddr, "panic", p, "stack", string(debug.Stack()))
		}
		if c.out = w.buf; cap(c.out) > maxBuffer {
			c.out = nil
		}
		c.request, c.url, c.response = http.Request{}, url.URL{}, response{} // a connection that waits holds nothing of them
		c.fields, c.header = emptied(c.fields), emptied(c.header)
	}()
	c.srv.cfg.Handler.ServeHTTP(w, &c.request)
	return
}

// keptFields is how many fields a header may have had whose memory is kept.
const keptFields = 16

func emptied(h http.Header) http.Header {
	if len(h) > keptFields {
		return http.Header{}
	}
	clear(h)
	return h
}

// startWatch has the connection looked after if the request takes longer.
func (c *conn) startWatch() {
	c.over = false
	if c.timer == nil {
		c.timer = time.AfterFunc(watchAfter, c.watch)
		return
	}
	c.timer.Reset(watchAfter)
}

// watch waits for what the client says while its request runs: its end ends the
// request's context; anything else is the beginning of its next request, and is kept.
func (c *conn) watch() {
	defer func() { c.watched <- struct{}{} }()
	if c.at > 0 && c.end == len(c.buf) {
		c.end = copy(c.buf, c.buf[c.at:c.end])
		c.at = 0
	}
	if c.end == len(c.buf) {
		return // it has said much already
	}
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return
	}
	_ = c.rwc.SetReadDeadline(time.Time{}) // fails on a closed connection, as reading will
	c.mu.Unlock()
	n, err := c.rwc.Read(c.buf[c.end:])
	c.end += n
	if n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.gone = true
		c.cancel(c.srv.cfg.Gone)
	}
}

// endWatch returns once nobody else reads the connection.
func (c *conn) endWatch() {
	if c.timer.Stop() {
		return
	}
	c.mu.Lock()
	c.over = true
	_ = c.rwc.SetReadDeadline(time.Unix(1, 0)) // long ago
	c.mu.Unlock()
	<-c.watched
	c.setDeadline(time.Time{})
}

// body is a request's body, which has arrived already.
type body struct {
	mu   sync.Mutex
	left []byte
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

// Close implements io.Closer.
func (b *body) Close() error { return nil }

// Arrived tells the handler that the connection does not wait for this body to be
// read, and that reading it does not block.
func (b *body) Arrived() bool { return true }
