package webapi

import "github.com/dop251/goja"

type writeState int

const (
	writable writeState = iota
	writeClosed
	erroring
	writeErrored
)

// WritableStream is the class of that name.
type WritableStream struct {
	instance
	state        writeState
	reason       goja.Value
	writer       *StreamWriter // nil: not locked
	ctl          *WriteController
	backpressure bool
	requests     []*outcome // writes that wait
	inFlight     *outcome   // the write that the sink does
	closing      *deferred  // close was asked for
	closingNow   *deferred  // the sink closes
	aborting     *pendingAbort
}

type pendingAbort struct {
	done     *deferred
	reason   goja.Value
	erroring bool // it failed already when abort came
}

// StreamWriter is the class WritableStreamDefaultWriter.
type StreamWriter struct {
	instance
	stream *WritableStream // nil once released
	closed outcome
	ready  outcome
}

func (s *WritableStream) locked() bool { return s.writer != nil }

func (s *WritableStream) closeQueued() bool { return s.closing != nil || s.closingNow != nil }

func (r *Realm) acquireWriter(s *WritableStream) *StreamWriter {
	if s.locked() {
		panic(r.typeError("the stream is locked to a writer already"))
	}
	w := &StreamWriter{stream: s}
	s.writer = w
	switch s.state {
	case writable:
		if s.closeQueued() || !s.backpressure {
			w.ready = fulfilledOutcome()
		}
	case erroring:
		w.ready = rejectedOutcome(s.reason)
	case writeClosed:
		w.ready, w.closed = fulfilledOutcome(), fulfilledOutcome()
	case writeErrored:
		w.ready, w.closed = rejectedOutcome(s.reason), rejectedOutcome(s.reason)
	}
	return w
}

// failReady rejects ready, with a new promise where it was fulfilled.
func (w *StreamWriter) failReady(r *Realm, reason goja.Value) {
	if w.ready.pending() {
		w.ready.fail(r, reason)
	} else {
		w.ready = rejectedOutcome(reason)
	}
}

func (w *StreamWriter) failClosed(r *Realm, reason goja.Value) {
	if w.closed.pending() {
		w.closed.fail(r, reason)
	} else {
		w.closed = rejectedOutcome(reason)
	}
}

func (r *Realm) releaseWriter(w *StreamWriter) {
	s := w.stream
	if s == nil {
		return
	}
	gone := r.typeError("the writer was released")
	w.failReady(r, gone)
	w.failClosed(r, gone)
	s.writer, w.stream = nil, nil
}

// abortStream ends a stream at once. It returns a promise.
func (r *Realm) abortStream(s *WritableStream, reason goja.Value) goja.Value {
	if s.state == writeClosed || s.state == writeErrored {
		return r.resolved(nil)
	}
	r.abort(s.ctl.signal(r), reason)
	if s.state == writeClosed || s.state == writeErrored { // by who heard of it
		return r.resolved(nil)
	}
	if s.aborting != nil {
		return s.aborting.done.promise
	}
	was := s.state == erroring
	if was {
		reason = goja.Undefined()
	}
	p := &pendingAbort{done: r.deferred(), reason: reason, erroring: was}
	s.aborting = p
	if !was {
		r.startErroring(s, reason)
	}
	return p.done.promise
}

// closeWritable closes a stream once all was written. It returns a promise.
func (r *Realm) closeWritable(s *WritableStream) goja.Value {
	if s.state == writeClosed || s.state == writeErrored {
		return r.rejected(r.typeError("the stream is closed already, or has failed"))
	}
	s.closing = r.deferred()
	done := s.closing.promise
	if s.writer != nil && s.backpressure && s.state == writable {
		s.writer.ready.fulfil(r)
	}
	c := s.ctl
	c.queue.chunks = append(c.queue.chunks, sizedChunk{value: nil})
	r.advance(c)
	return done
}

func (r *Realm) dealWithRejection(s *WritableStream, reason goja.Value) {
	if s.state == writable {
		r.startErroring(s, reason)
		return
	}
	r.finishErroring(s)
}

func (r *Realm) startErroring(s *WritableStream, reason goja.Value) {
	s.state, s.reason = erroring, reason
	if s.writer != nil {
		s.writer.failReady(r, reason)
	}
	if s.inFlight == nil && s.closingNow == nil && s.ctl.started {
		r.finishErroring(s)
	}
}

func (r *Realm) finishErroring(s *WritableStream) {
	s.state = writeErrored
	s.ctl.queue.reset()
	requests := s.requests
	s.requests = nil
	for _, w := range requests {
		w.fail(r, s.reason)
	}
	p := s.aborting
	if p == nil {
		r.rejectClose(s)
		return
	}
	s.aborting = nil
	if p.erroring {
		p.done.fail(r, s.reason)
		r.rejectClose(s)
		return
	}
	r.then(s.ctl.abortSteps(r, p.reason), func(goja.Value) {
		p.done.fulfil(r, nil)
		r.rejectClose(s)
	}, func(reason goja.Value) {
		p.done.fail(r, reason)
		r.rejectClose(s)
	})
}

// rejectClose ends what waits for a close that cannot be.
func (r *Realm) rejectClose(s *WritableStream) {
	if s.closing != nil {
		s.closing.fail(r, s.reason)
		s.closing = nil
	}
	if s.writer != nil {
		s.writer.closed.fail(r, s.reason)
	}
}

// finishClose takes note that the sink has closed, or not.
func (r *Realm) finishClose(s *WritableStream, reason goja.Value) {
	done := s.closingNow
	s.closingNow = nil
	if reason != nil {
		done.fail(r, reason)
		if s.aborting != nil {
			s.aborting.done.fail(r, reason)
			s.aborting = nil
		}
		r.dealWithRejection(s, reason)
		return
	}
	done.fulfil(r, nil)
	if s.state == erroring {
		s.reason = nil
		if s.aborting != nil {
			s.aborting.done.fulfil(r, nil)
			s.aborting = nil
		}
	}
	s.state = writeClosed
	if s.writer != nil {
		s.writer.closed.fulfil(r)
	}
}

func (r *Realm) updateBackpressure(s *WritableStream, on bool) {
	if s.writer != nil && on != s.backpressure {
		if on {
			s.writer.ready = outcome{}
		} else {
			s.writer.ready.fulfil(r)
		}
	}
	s.backpressure = on
}

// write hands a chunk to a stream through its writer.
func (r *Realm) write(w *StreamWriter, v goja.Value) *outcome {
	s := w.stream
	c := s.ctl
	size := r.sizeOf(c, v)
	refused := func(reason goja.Value) *outcome { return &outcome{settled: true, reason: reason, loud: true} }
	switch {
	case s != w.stream:
		return refused(r.typeError("the writer was released"))
	case s.state == writeErrored:
		return refused(s.reason)
	case s.closeQueued() || s.state == writeClosed:
		return refused(r.typeError("the stream is closed, or about to be: nothing can be written"))
	case s.state == erroring:
		return refused(s.reason)
	}
	o := &outcome{loud: true}
	s.requests = append(s.requests, o)
	r.writeChunk(c, v, size)
	return o
}

// closeFully is a writer's close for pipes: a stream that is closed is fine.
func (r *Realm) closeFully(w *StreamWriter) goja.Value {
	s := w.stream
	switch {
	case s.closeQueued() || s.state == writeClosed:
		return r.resolved(nil)
	case s.state == writeErrored:
		return r.rejected(s.reason)
	}
	return r.closeWritable(s)
}

// desired is a writer's desiredSize; false where the stream failed.
func (s *WritableStream) desired() (float64, bool) {
	switch s.state {
	case writeErrored, erroring:
		return 0, false
	case writeClosed:
		return 0, true
	default:
		return s.ctl.desired(), true
	}
}
