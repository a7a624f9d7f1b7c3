package gateway

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"hadron/runtime/function"
)

var (
	errBodyTooLarge = errors.New("the request's body is larger than the function takes")
	errBodyClosed   = errors.New("the call is over; its body cannot be read any more")
)

// body is a request's body under its limit. It is read by one goroutine at a time;
// the other methods may be called beside it.
type body struct {
	src     io.Reader
	left    int64
	arrived bool // the connection waits for nobody to read it

	mu      sync.Mutex
	idle    sync.Cond // reading became false
	reading bool      // a Read waits for the client
	eof     bool
	over    bool // it was larger than the limit
	broken  bool // the client did not send it whole
	closed  bool
}

func newBody(src io.Reader, limit function.Size) *body {
	b := &body{src: src, left: int64(limit), arrived: arrived(src)}
	b.idle.L = &b.mu
	return b
}

// arrived reports whether a body is here whole, as the server that read it says.
func arrived(src io.Reader) bool {
	a, ok := src.(interface{ Arrived() bool })
	return ok && a.Arrived()
}

// Arrived says that reading does not block.
func (b *body) Arrived() bool { return b.arrived }

// Read fails with errBodyTooLarge behind the limit, never with fewer bytes than it.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		return 0, errBodyClosed
	case b.over:
		b.mu.Unlock()
		return 0, errBodyTooLarge
	}
	b.reading = true
	b.mu.Unlock()

	// One byte more than is left tells a body at the limit from one above it.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.src.Read(p)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	b.idle.Broadcast()
	if int64(n) > b.left {
		n, b.left, b.over = int(b.left), 0, true
		return n, errBodyTooLarge
	}
	b.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF):
		b.eof = true
		return n, io.EOF
	case err != nil:
		b.broken = true
		return n, fmt.Errorf("read request body: %w", err)
	}
	return n, nil
}

func (b *body) isOver() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

func (b *body) isBroken() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken
}

// unread reports whether more may come, and whether a Read waits for it now.
func (b *body) unread() (more, reading bool) {
	if b == nil || b.arrived {
		return false, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.eof, b.reading
}

// close makes every further Read fail.
func (b *body) close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// await returns once no Read is under way.
func (b *body) await() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.reading {
		b.idle.Wait()
	}
}
