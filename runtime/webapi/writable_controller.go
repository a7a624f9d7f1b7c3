package webapi

import "github.com/dop251/goja"

// WriteController is the class WritableStreamDefaultController.
type WriteController struct {
	instance
	stream    *WritableStream
	queue     sizedQueue // a nil value: close
	started   bool
	highWater float64
	size      goja.Callable
	write     func(goja.Value) goja.Value // promise; nil: nothing to call
	close     func() goja.Value           // promise; nil: nothing to call
	abort     func(goja.Value) goja.Value // promise; nil: nothing to call
	aborted   *AbortSignal                // made when asked for
	written   goja.Value                  // reactions to write, made once
	unwritten goja.Value
}

// signal tells the sink that the stream was aborted.
func (c *WriteController) signal(r *Realm) *AbortSignal {
	if c.aborted == nil {
		c.aborted = r.newSignal()
	}
	return c.aborted
}

func (c *WriteController) desired() float64 { return c.highWater - c.queue.total }

func (c *WriteController) forget() { c.write, c.close, c.abort, c.size = nil, nil, nil, nil }

// setUp makes a stream of a controller; started is what the sink's start answered.
func (r *Realm) setUpWritable(s *WritableStream, c *WriteController, start func() goja.Value) {
	c.stream, s.ctl = s, c
	r.updateBackpressure(s, c.desired() <= 0)
	r.then(start(), func(goja.Value) {
		c.started = true
		r.advance(c)
	}, func(reason goja.Value) {
		c.started = true
		r.dealWithRejection(s, reason)
	})
}

// sizeOf asks the strategy; where it throws, the stream fails and the size is 1.
func (r *Realm) sizeOf(c *WriteController, v goja.Value) float64 {
	if c.size == nil {
		return 1
	}
	size := 1.0
	if ex := r.vm.Try(func() { size = number(r.must(c.size(goja.Undefined(), v))) }); ex != nil {
		r.failWritableIfNeeded(c, ex.Value())
		return 1
	}
	return size
}

func (r *Realm) failWritableIfNeeded(c *WriteController, reason goja.Value) {
	if c.stream.state == writable {
		r.failWritable(c, reason)
	}
}

func (r *Realm) failWritable(c *WriteController, reason goja.Value) {
	c.forget()
	r.startErroring(c.stream, reason)
}

func (c *WriteController) abortSteps(r *Realm, reason goja.Value) goja.Value {
	result := goja.Undefined()
	if c.abort != nil {
		result = c.abort(reason)
	}
	c.forget()
	return r.promiseOf(result)
}

func (r *Realm) writeChunk(c *WriteController, v goja.Value, size float64) {
	if ex := r.vm.Try(func() { r.push(&c.queue, v, size) }); ex != nil {
		r.failWritableIfNeeded(c, ex.Value())
		return
	}
	s := c.stream
	if !s.closeQueued() && s.state == writable {
		r.updateBackpressure(s, c.desired() <= 0)
	}
	r.advance(c)
}

// advance hands the next chunk to the sink if it does nothing else.
func (r *Realm) advance(c *WriteController) {
	s := c.stream
	if !c.started || s.inFlight != nil {
		return
	}
	if s.state == erroring {
		r.finishErroring(s)
		return
	}
	if c.queue.len() == 0 {
		return
	}
	if v := c.queue.front(); v == nil {
		r.processClose(c)
	} else {
		r.processWrite(c, v)
	}
}

func (r *Realm) processClose(c *WriteController) {
	s := c.stream
	s.closingNow, s.closing = s.closing, nil
	c.queue.pop()
	result := goja.Undefined()
	if c.close != nil {
		result = c.close()
	}
	c.forget()
	r.then(result, func(goja.Value) { r.finishClose(s, nil) }, func(reason goja.Value) { r.finishClose(s, reason) })
}

func (r *Realm) processWrite(c *WriteController, v goja.Value) {
	s := c.stream
	s.inFlight, s.requests = s.requests[0], s.requests[1:]
	result := goja.Undefined()
	if c.write != nil {
		result = c.write(v)
	}
	if c.written == nil {
		c.written = r.handler(func(goja.Value) { r.wrote(c) })
		c.unwritten = r.handler(func(reason goja.Value) { r.failedWrite(c, reason) })
	}
	r.when(result, c.written, c.unwritten)
}

// wrote takes note that the sink took a chunk.
func (r *Realm) wrote(c *WriteController) {
	s := c.stream
	s.inFlight.fulfil(r)
	s.inFlight = nil
	c.queue.pop()
	if !s.closeQueued() && s.state == writable {
		r.updateBackpressure(s, c.desired() <= 0)
	}
	r.advance(c)
}

func (r *Realm) failedWrite(c *WriteController, reason goja.Value) {
	s := c.stream
	if s.state == writable {
		c.forget()
	}
	s.inFlight.fail(r, reason)
	s.inFlight = nil
	r.dealWithRejection(s, reason)
}

func newWriteControllerClass(r *Realm) *class {
	c := r.class("WritableStreamDefaultController", 0, nil, nil)
	attribute(c, "signal", func(c *WriteController) goja.Value { return c.signal(r).self }, nil)
	method(c, "error", 0, func(c *WriteController, args []goja.Value) goja.Value {
		if c.stream.state == writable {
			r.failWritable(c, arg(args, 0))
		}
		return goja.Undefined()
	})
	return c
}
