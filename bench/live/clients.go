package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

// watcher is one kind of client.
type watcher struct {
	name   string
	share  int // of 100 clients
	topics func(client, functions int) []string
}

// mix is who watches: most look at the overview, some at a team or a search of their
// own, some at one function, and a script in a hundred takes everything.
var mix = []watcher{
	{"first page of the overview", 60, func(int, int) []string {
		return []string{"overview?limit=100", "summary?", "alerts", "deployments"}
	}},
	{"page of a team", 15, func(i, _ int) []string {
		return []string{fmt.Sprintf("overview?scope=team-%d&limit=100", i%teams), fmt.Sprintf("summary?scope=team-%d", i%teams), "deployments"}
	}},
	{"search of one's own", 10, func(i, functions int) []string {
		return []string{fmt.Sprintf("overview?q=fn-%d&limit=100", i%functions), "deployments"}
	}},
	{"function with its log", 14, func(i, functions int) []string {
		name := nameOf(i * 7 % functions)
		return []string{"function:" + name, "logs:" + name, "alerts?scope=" + name, "deployments?scope=" + name}
	}},
	{"everything", 1, func(int, int) []string { return []string{"overview"} }},
}

// kindOf is which watcher client i is; kinds are spread over all clients.
func kindOf(i int) int {
	at := i * 37 % 100
	for k, w := range mix {
		if at < w.share {
			return k
		}
		at -= w.share
	}
	return 0
}

// Slow clients, one in twenty, have small socket buffers at both ends and read less than what they watch amounts to,
// so that the server has to skip for them; one in five of them reads nothing at all, and has to be let go of.
const (
	slowness   = 500 * time.Millisecond // between reads of
	slowBytes  = 1 << 10
	slowBuffer = 4 << 10 // of the sockets; the kernel doubles it
	slowQuery  = "slow"  // tells the server to make its end small too
)

// narrow is a connection that reads little, and rests after it while slow says so.
type narrow struct {
	net.Conn
	ctx     context.Context
	slow    *atomic.Bool
	stalled bool // it reads nothing while slow
}

func (n *narrow) Read(p []byte) (int, error) {
	if !n.slow.Load() {
		return n.Conn.Read(p)
	}
	rest := time.After(slowness)
	if n.stalled {
		rest = nil
	}
	select {
	case <-n.ctx.Done():
		return 0, context.Cause(n.ctx)
	case <-rest:
	}
	return n.Conn.Read(p[:min(len(p), slowBytes)])
}

// dialNarrow dials with a small receive buffer, which must be there before the window is agreed on.
func dialNarrow(ctx context.Context, slow *atomic.Bool, stalled bool) func(context.Context, string, string) (net.Conn, error) {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
			var failed error
			if err := c.Control(func(fd uintptr) { failed = setReceiveBuffer(fd, slowBuffer) }); err != nil {
				return err
			}
			return failed
		}}
		conn, err := d.DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		return &narrow{Conn: conn, ctx: ctx, slow: slow, stalled: stalled}, nil
	}
}

func isSlow(i int) bool { return (i*13+i/100)%20 == 7 }

// audience is the clients of one case.
type audience struct {
	counting atomic.Bool
	wg       sync.WaitGroup

	mu     sync.Mutex
	delays []time.Duration // of clients that are not slow
	bytes  [16]int64       // by watcher; the last is slow ones
	count  [16]int
	ended  int
}

// join connects client i and reads until ctx ends.
func (a *audience) join(ctx context.Context, base string, i, functions int, naive bool) error {
	dialer := websocket.Dialer{HandshakeTimeout: time.Minute, ReadBufferSize: 4 << 10, WriteBufferSize: 1 << 10}
	path := "/api/v1/live"
	if isSlow(i) {
		path += "?" + slowQuery
		dialer.NetDialContext = dialNarrow(ctx, &a.counting, i%5 == 0)
	}
	conn, res, err := dialer.DialContext(ctx, strings.Replace(base, "http", "ws", 1)+path, http.Header{"Authorization": {"Bearer hdn_bench"}})
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	kind := kindOf(i)
	if !naive {
		for _, topic := range mix[kind].topics(i, functions) {
			if err := conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"subscribe","topic":%q}`, topic)); err != nil {
				return err
			}
		}
	}
	if isSlow(i) {
		kind = len(a.bytes) - 1
	}
	a.mu.Lock()
	a.count[kind]++
	a.mu.Unlock()
	a.wg.Go(func() {
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		a.read(ctx, conn, kind, isSlow(i))
	})
	return nil
}

func (a *audience) read(ctx context.Context, conn *websocket.Conn, kind int, slow bool) {
	var delays []time.Duration
	var read int64
	buffer := make([]byte, 16<<10)
	for ctx.Err() == nil {
		_, r, err := conn.NextReader()
		if err != nil {
			break
		}
		size, newest, delta, err := scan(r, buffer)
		if err != nil {
			break
		}
		if !a.counting.Load() {
			continue
		}
		read += size
		if delta && !slow && !newest.IsZero() {
			delays = append(delays, time.Since(newest))
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() == nil {
		a.ended++
	}
	a.delays = append(a.delays, delays...)
	a.bytes[kind] += read
}

var stamp = []byte(`"updatedAt":"`)

// scan reads a message to its end, and finds when the newest health in its first 16 KiB was observed.
func scan(r io.Reader, buffer []byte) (size int64, newest time.Time, timed bool, err error) {
	n, err := io.ReadFull(r, buffer)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, newest, false, err
	}
	head := buffer[:n]
	size = int64(n)
	// A snapshot of the hub answers a subscription or a slow client; the naive server sends nothing else.
	timed = bytes.HasPrefix(head, []byte(`{"type":"delta"`)) || bytes.HasPrefix(head, []byte(`{"items"`))
	if timed {
		for rest := head; ; {
			at := bytes.Index(rest, stamp)
			if at < 0 {
				break
			}
			rest = rest[at+len(stamp):]
			end := bytes.IndexByte(rest, '"')
			if end < 0 {
				break
			}
			if t, err := time.Parse(time.RFC3339Nano, string(rest[:end])); err == nil && t.After(newest) {
				newest = t
			}
		}
	}
	more, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buffer)
	return size + more, newest, timed, err
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// result sums an audience up.
func (a *audience) result() (p50, p99 time.Duration, messages int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.delays)
	return quantile(a.delays, 0.5), quantile(a.delays, 0.99), len(a.delays)
}
