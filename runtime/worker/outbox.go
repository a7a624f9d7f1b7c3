package worker

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"syscall"
)

// outbox is the one writer of a side. Whoever has a frame appends it, and the one
// who finds nobody writing writes for all, without waiting: under load one call of
// the kernel carries many frames, and nobody is woken to write. What the socket
// does not take at once is left to a goroutine.
type outbox struct {
	conn *net.UnixConn
	raw  syscall.RawConn

	mu      sync.Mutex
	pending []byte
	spare   []byte
	busy    bool // somebody writes
	closed  bool

	rest chan []byte // to the goroutine, which then is the one who writes
	done chan struct{}

	// Of the one who writes.
	try  func(fd uintptr) bool
	buf  []byte
	n    int
	werr error
}

// Bounds of an outbox.
const (
	keepBuffer = 256 << 10 // larger ones are let go
	maxRounds  = 4         // that a caller writes for others
)

func newOutbox(conn *net.UnixConn) (*outbox, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	o := &outbox{conn: conn, raw: raw, rest: make(chan []byte, 1), done: make(chan struct{})}
	o.try = func(fd uintptr) bool {
		for {
			o.n, o.werr = syscall.Write(int(fd), o.buf)
			if !errors.Is(o.werr, syscall.EINTR) {
				return true // never waits
			}
		}
	}
	go o.loop()
	return o, nil
}

// begin returns the buffer to append frames to; commit must follow with it.
func (o *outbox) begin() []byte {
	o.mu.Lock()
	return o.pending
}

// commit hands over what was appended. It never blocks on the socket.
func (o *outbox) commit(b []byte) {
	if o.closed {
		o.pending = nil
		o.mu.Unlock()
		return
	}
	o.pending = b
	if o.busy {
		o.mu.Unlock()
		return
	}
	o.busy = true
	o.mu.Unlock()
	runtime.Gosched() // whoever can run now may have a frame as well
	o.flush()
}

// commitLater is commit for one who may go on to more of the same at once: the
// goroutine writes, and what comes before it gets to run goes with it.
func (o *outbox) commitLater(b []byte) {
	defer o.mu.Unlock()
	if o.closed {
		o.pending = nil
		return
	}
	o.pending = b
	if !o.busy {
		o.busy = true
		o.rest <- nil // room for one, and nobody else writes
	}
}

// hold appends a message to what is written next.
func (o *outbox) hold(k kind, stream uint32, payload []byte) {
	b := o.begin()
	defer o.mu.Unlock()
	if !o.closed {
		o.pending = appendFrame(b, k, stream, payload)
	}
}

// send writes one message.
func (o *outbox) send(k kind, stream uint32, payload []byte) {
	o.commit(appendFrame(o.begin(), k, stream, payload))
}

// take returns what is to be written next; nil: nothing is, and nobody writes now.
func (o *outbox) take(used []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if used != nil && cap(used) <= keepBuffer {
		o.spare = used[:0]
	}
	if len(o.pending) == 0 || o.closed {
		o.busy = false
		return nil
	}
	buf := o.pending
	o.pending, o.spare = o.spare, nil
	return buf
}

// idle reports whether all that was handed over is with the kernel.
func (o *outbox) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.busy && len(o.pending) == 0
}

func (o *outbox) flush() {
	var buf []byte
	for range maxRounds {
		if buf = o.take(buf); buf == nil {
			return
		}
		o.buf, o.n, o.werr = buf, 0, nil
		err := o.raw.Write(o.try)
		o.buf = nil
		n := max(0, o.n)
		if err == nil {
			err = o.werr
		}
		if err != nil && !errors.Is(err, syscall.EAGAIN) {
			o.fail()
			return
		}
		if n < len(buf) {
			o.hand(buf[n:])
			return
		}
	}
	o.hand(nil)
}

// hand leaves the writing to the goroutine.
func (o *outbox) hand(rest []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		o.busy = false
		return
	}
	o.rest <- rest // room for one, and only the one who writes sends
}

func (o *outbox) loop() {
	defer close(o.done)
	for buf := range o.rest {
		for first := true; first || buf != nil; first = false {
			if len(buf) > 0 {
				if _, err := o.conn.Write(buf); err != nil {
					o.fail()
					break
				}
			}
			buf = o.take(nil)
		}
	}
}

// fail drops what nobody will read: the other side is gone, as the reader will see.
func (o *outbox) fail() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut()
}

func (o *outbox) shut() {
	o.pending, o.spare, o.busy = nil, nil, false
	if !o.closed {
		o.closed = true
		close(o.rest)
	}
}

// close ends the outbox once its connection is closed.
func (o *outbox) close() {
	o.fail()
	<-o.done
}
