package worker

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// inflow is a body that comes in frames: whoever reads it gives the credit for
// more. It holds at most a window.
type inflow struct {
	window int
	grant  func(n int) // tells the other side

	mu     sync.Mutex
	cond   sync.Cond
	buf    []byte
	at     int
	credit int // what may still come
	taken  int // since credit was last given
	idle   bool
	err    error // io.EOF: it came whole
}

var (
	errClosed   = errors.New("the call is over; its body cannot be read any more")
	errTooQuick = errOverrun
)

// newInflow makes a body; unless begun, credit is given at the first Read.
func newInflow(window int, begun bool, grant func(n int)) *inflow {
	f := &inflow{window: window, grant: grant, idle: !begun}
	f.cond.L = &f.mu
	if begun {
		f.credit = window
	}
	return f
}

// add takes bytes that came.
func (f *inflow) add(p []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.credit -= len(p); f.credit < 0 {
		return errTooQuick
	}
	if f.err != nil {
		return nil // nobody reads any more
	}
	if f.at == len(f.buf) {
		f.buf, f.at = f.buf[:0], 0
	}
	f.buf = append(f.buf, p...)
	f.cond.Broadcast()
	return nil
}

// end says that no more comes.
func (f *inflow) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.cond.Broadcast()
}

// close makes every further Read fail at once.
func (f *inflow) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || errors.Is(f.err, io.EOF) && f.at < len(f.buf) {
		f.err = errClosed
	}
	f.buf, f.at = nil, 0
	f.cond.Broadcast()
}

// Read implements io.Reader.
func (f *inflow) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	f.mu.Lock()
	if f.idle && f.err == nil {
		f.idle = false
		f.credit += f.window
		f.mu.Unlock()
		f.grant(f.window)
		f.mu.Lock()
	}
	for f.at == len(f.buf) && f.err == nil {
		f.cond.Wait()
	}
	if f.at == len(f.buf) {
		defer f.mu.Unlock()
		return 0, f.err
	}
	n := copy(p, f.buf[f.at:])
	f.at += n
	give := 0
	if f.taken += n; f.taken >= f.window/2 && f.err == nil {
		give, f.taken = f.taken, 0
		f.credit += give
	}
	f.mu.Unlock()
	if give > 0 {
		f.grant(give)
	}
	return n, nil
}

// outflow bounds a body that goes out in frames by the credit that comes back.
type outflow struct {
	mu     sync.Mutex
	cond   sync.Cond
	credit int
	window int
	err    error
}

func newOutflow(window int) *outflow {
	f := new(outflow)
	f.open(window)
	return f
}

func (f *outflow) open(window int) {
	f.credit, f.window = window, window
	f.cond.L = &f.mu
}

// take waits for credit and returns how many bytes of at most want may go.
func (f *outflow) take(want int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.credit == 0 && f.err == nil {
		f.cond.Wait()
	}
	if f.err != nil {
		return 0, f.err
	}
	n := min(want, f.credit)
	f.credit -= n
	return n, nil
}

// try takes the credit for n bytes, or nothing.
func (f *outflow) try(n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil || f.credit < n {
		return false
	}
	f.credit -= n
	return true
}

func (f *outflow) give(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.credit = min(f.credit+n, f.window)
	f.cond.Broadcast()
}

// stop makes whoever waits fail.
func (f *outflow) stop(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.cond.Broadcast()
}

// sendWindow gives credit.
func sendWindow(o *outbox, stream uint32, n int) {
	var buf [binary.MaxVarintLen64]byte
	o.send(kindWindow, stream, binary.AppendUvarint(buf[:0], uint64(n)))
}

// copyOut sends a body under credit, and then its end. It returns early when the
// flow is stopped.
func copyOut(o *outbox, stream uint32, flow *outflow, src io.Reader, last kind) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		for sent := 0; sent < n; {
			m, stopped := flow.take(n - sent)
			if stopped != nil {
				return
			}
			o.send(kindBody, stream, buf[sent:sent+m])
			sent += m
		}
		switch {
		case errors.Is(err, io.EOF):
			o.send(last, stream, nil)
			return
		case err != nil:
			o.send(last, stream, []byte(clip(err.Error(), 1<<10)))
			return
		}
	}
}
