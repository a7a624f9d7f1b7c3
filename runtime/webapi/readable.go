package webapi

import (
	"io"

	"github.com/dop251/goja"
)

type streamState int

const (
	readable streamState = iota
	closed
	errored
)

// ReadableStream is the class of that name. Its state machine, like those of the
// other streams, is the Streams standard's, under its names where that helps.
type ReadableStream struct {
	instance
	state     streamState
	reason    goja.Value   // when errored
	reader    streamReader // nil: not locked
	disturbed bool
	ctl       readController
	native    io.Reader // what a host's stream reads from, while nothing was read
	depth     int       // how many streams were split to get here
}

// readController is what a stream asks of its controller of either kind.
type readController interface {
	cancelSteps(r *Realm, reason goja.Value) goja.Value
	pullSteps(r *Realm, q readRequest)
	releaseSteps()
}

// streamReader is a reader of either kind.
type streamReader interface {
	generic() *genericReader
	fail(r *Realm, reason goja.Value) // ends what waits
}

// genericReader is what the readers share.
type genericReader struct {
	instance
	stream *ReadableStream // nil once released
	closed outcome
}

func (g *genericReader) generic() *genericReader { return g }

// readRequest is who waits for a chunk; exactly one of its functions is called.
type readRequest struct {
	chunk func(goja.Value)
	end   func()
	fail  func(reason goja.Value)
}

// StreamReader is the class ReadableStreamDefaultReader.
type StreamReader struct {
	genericReader
	requests []readRequest
}

func (d *StreamReader) fail(_ *Realm, reason goja.Value) {
	requests := d.requests
	d.requests = nil
	for _, q := range requests {
		q.fail(reason)
	}
}

func (s *ReadableStream) locked() bool { return s.reader != nil }

// waiting is how many reads of a default reader wait.
func (s *ReadableStream) waiting() int {
	if d, ok := s.reader.(*StreamReader); ok {
		return len(d.requests)
	}
	return 0
}

// fulfilRead hands a chunk to the read that waits longest.
func (s *ReadableStream) fulfilRead(v goja.Value) {
	d := s.reader.(*StreamReader)
	q := d.requests[0]
	d.requests = d.requests[1:]
	q.chunk(v)
}

// acquire locks a stream. The reader is the function's only if it is wrapped.
func (r *Realm) acquire(s *ReadableStream) *StreamReader {
	d := &StreamReader{}
	r.lock(s, d)
	return d
}

func (r *Realm) lock(s *ReadableStream, reader streamReader) {
	if s.locked() {
		panic(r.typeError("the stream is locked to a reader already"))
	}
	g := reader.generic()
	g.stream, s.reader = s, reader
	switch s.state {
	case readable:
	case closed:
		g.closed = fulfilledOutcome()
	case errored:
		g.closed = rejectedOutcome(s.reason)
	}
}

// release gives the lock back; reads that wait are rejected.
func (r *Realm) release(reader streamReader) {
	g := reader.generic()
	s := g.stream
	if s == nil {
		return
	}
	gone := r.typeError("the reader was released")
	if s.state == readable {
		g.closed.fail(r, gone)
	} else {
		g.closed = rejectedOutcome(gone)
	}
	s.ctl.releaseSteps()
	s.reader, g.stream = nil, nil
	reader.fail(r, r.typeError("the reader was released"))
}

// read takes the next chunk, now or when there is one.
func (r *Realm) read(s *ReadableStream, q readRequest) {
	s.disturbed = true
	switch s.state {
	case closed:
		q.end()
	case errored:
		q.fail(s.reason)
	case readable:
		s.ctl.pullSteps(r, q)
	}
}

// addRead lets a read wait.
func (s *ReadableStream) addRead(q readRequest) {
	d := s.reader.(*StreamReader)
	d.requests = append(d.requests, q)
}

// endStream closes a stream.
func (r *Realm) endStream(s *ReadableStream) {
	s.state = closed
	if s.reader == nil {
		return
	}
	s.reader.generic().closed.fulfil(r)
	if d, ok := s.reader.(*StreamReader); ok {
		requests := d.requests
		d.requests = nil
		for _, q := range requests {
			q.end()
		}
	}
}

// errorStream ends a stream that is readable with an error; its controller is told
// elsewhere.
func (r *Realm) errorStream(s *ReadableStream, reason goja.Value) {
	s.state, s.reason = errored, reason
	if s.reader == nil {
		return
	}
	s.reader.generic().closed.fail(r, reason)
	s.reader.fail(r, reason)
}

// failStream errors a stream through its controller.
func (r *Realm) failStream(s *ReadableStream, reason goja.Value) {
	switch c := s.ctl.(type) {
	case *StreamController:
		r.failController(c, reason)
	case *ByteController:
		r.failBytes(c, reason)
	}
}

// cancelStream tells the source that nobody reads on. It returns a promise.
func (r *Realm) cancelStream(s *ReadableStream, reason goja.Value) goja.Value {
	s.disturbed = true
	switch s.state {
	case closed:
		return r.resolved(nil)
	case errored:
		return r.rejected(s.reason)
	case readable:
	}
	r.endStream(s)
	if b, ok := s.reader.(*BYOBReader); ok {
		requests := b.requests
		b.requests = nil
		for _, q := range requests {
			q.end(goja.Undefined())
		}
	}
	return r.chain(s.ctl.cancelSteps(r, reason), func(goja.Value) goja.Value { return goja.Undefined() }, nil)
}

func (r *Realm) cancelQuietly(s *ReadableStream, reason goja.Value) {
	r.quiet(r.cancelStream(s, reason))
}

// readPromise is reader.read(): a promise of {value, done}.
func (r *Realm) readPromise(s *ReadableStream) goja.Value {
	p, resolve, reject := r.newPromise()
	r.read(s, readRequest{
		chunk: func(v goja.Value) { r.settle(resolve, r.iterResult(v, false)) },
		end:   func() { r.settle(resolve, r.iterResult(nil, true)) },
		fail:  func(reason goja.Value) { r.settle(reject, reason) },
	})
	return p
}

// newStream makes a stream of any values over native algorithms, which may be nil.
func (r *Realm) newStream(highWater float64, pull func() goja.Value, cancel func(goja.Value) goja.Value) *ReadableStream {
	s := &ReadableStream{}
	c := &StreamController{stream: s, highWater: highWater, pull: pull, cancel: cancel}
	s.ctl = c
	r.use("ReadableStream").wrap(s)
	r.startController(c, goja.Undefined())
	return s
}

// newByteStream makes a byte stream over native algorithms, which may be nil.
func (r *Realm) newByteStream(highWater float64, pull func() goja.Value, cancel func(goja.Value) goja.Value) *ReadableStream {
	s := &ReadableStream{}
	c := &ByteController{stream: s, highWater: highWater, pull: pull, cancel: cancel}
	s.ctl = c
	r.use("ReadableStream").wrap(s)
	r.startBytes(c, goja.Undefined())
	return s
}

// newStartedStream is newByteStream for a host's source: it has nothing to start, so
// that nobody waits for it, and nothing is read ahead.
func (r *Realm) newStartedStream(pull func() goja.Value, cancel func(goja.Value) goja.Value) *ReadableStream {
	s := &ReadableStream{}
	s.ctl = &ByteController{stream: s, pull: pull, cancel: cancel, started: true}
	r.use("ReadableStream").wrap(s)
	return s
}

// untouched takes what a host's stream reads from, where nothing was read yet: the
// bytes then need not come by the VM. The stream is locked from then on.
func (s *ReadableStream) untouched() io.Reader {
	source := s.native
	if source == nil || s.disturbed || s.locked() || s.state != readable {
		return nil
	}
	s.reader = &StreamReader{genericReader: genericReader{stream: s}}
	s.native, s.disturbed = nil, true
	return source
}
