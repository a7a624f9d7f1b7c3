package webapi

import (
	"math"

	"github.com/dop251/goja"
)

type streamState int

const (
	readable streamState = iota
	closed
	errored
)

// ReadableStream is the class of that name, with default readers: byte streams are
// taken, and read the same way.
type ReadableStream struct {
	instance
	state     streamState
	reason    goja.Value // when errored
	reader    *StreamReader
	disturbed bool
	ctl       *StreamController
}

// StreamController is the class ReadableStreamDefaultController.
type StreamController struct {
	instance
	stream         *ReadableStream
	queue          []chunk
	total          float64
	started        bool
	closeRequested bool
	pulling        bool
	pullAgain      bool
	bytesOnly      bool
	highWater      float64
	size           goja.Callable                      // nil: each chunk counts 1
	pull           func() goja.Value                  // nil: nothing to call
	cancel         func(reason goja.Value) goja.Value // nil: nothing to call
}

type chunk struct {
	value goja.Value
	size  float64
}

// maxQueue bounds the chunks that wait in one stream.
const maxQueue = 100_000

// newStream makes a stream over native algorithms.
func (r *Realm) newStream(highWater float64, pull func(c *StreamController) goja.Value, cancel func(goja.Value) goja.Value) *ReadableStream {
	s := &ReadableStream{}
	s.ctl = &StreamController{stream: s, highWater: highWater, cancel: cancel, started: true}
	s.ctl.pull = func() goja.Value { return pull(s.ctl) }
	r.use("ReadableStream").wrap(s)
	r.pullIfNeeded(s.ctl)
	return s
}

func (s *ReadableStream) locked() bool { return s.reader != nil }

// pullIfNeeded asks the source for more where the queue or a reader wants it.
func (r *Realm) pullIfNeeded(c *StreamController) {
	s := c.stream
	wanted := s.state == readable && !c.closeRequested && c.started && c.pull != nil &&
		(s.reader != nil && len(s.reader.requests) > 0 || c.desired() > 0)
	if !wanted {
		return
	}
	if c.pulling {
		c.pullAgain = true
		return
	}
	c.pulling = true
	var result goja.Value
	if ex := r.vm.Try(func() { result = c.pull() }); ex != nil {
		result = r.rejected(ex.Value())
	}
	r.then(result, func(goja.Value) {
		c.pulling = false
		if c.pullAgain {
			c.pullAgain = false
			r.pullIfNeeded(c)
		}
	}, func(reason goja.Value) { r.failStream(s, reason) })
}

func (c *StreamController) desired() float64 {
	if c.stream.state != readable {
		return 0
	}
	return c.highWater - c.total
}

// enqueue hands a chunk to a waiting reader or keeps it.
func (r *Realm) enqueue(c *StreamController, v goja.Value) {
	s := c.stream
	if s.state != readable || c.closeRequested {
		panic(r.typeError("the stream is closed: nothing can be enqueued"))
	}
	if s.reader != nil && len(s.reader.requests) > 0 {
		next := s.reader.requests[0]
		s.reader.requests = s.reader.requests[1:]
		next.chunk(v)
		r.pullIfNeeded(c)
		return
	}
	size := 1.0
	if c.size != nil {
		if ex := r.vm.Try(func() { size = number(r.must(c.size(goja.Undefined(), v))) }); ex != nil {
			r.failStream(s, ex.Value())
			panic(ex)
		}
	}
	if math.IsNaN(size) || size < 0 || math.IsInf(size, 1) {
		problem := r.rangeError("the size of a chunk is no number from 0")
		r.failStream(s, problem)
		panic(problem)
	}
	if len(c.queue) >= maxQueue {
		panic(r.rangeError("more than %d chunks wait in one stream", maxQueue))
	}
	c.queue = append(c.queue, chunk{v, size})
	c.total += size
	r.pullIfNeeded(c)
}

func (r *Realm) closeController(c *StreamController) {
	if c.stream.state != readable || c.closeRequested {
		panic(r.typeError("the stream is closed already"))
	}
	c.closeRequested = true
	if len(c.queue) == 0 {
		r.endStream(c.stream)
	}
}

func (r *Realm) endStream(s *ReadableStream) {
	if s.state != readable {
		return
	}
	s.state = closed
	s.ctl.pull, s.ctl.cancel = nil, nil
	if rd := s.reader; rd != nil {
		requests := rd.requests
		rd.requests = nil
		for _, q := range requests {
			q.end()
		}
		rd.settleClosed(r, nil)
	}
}

func (r *Realm) failStream(s *ReadableStream, reason goja.Value) {
	if s.state != readable {
		return
	}
	s.state, s.reason = errored, reason
	s.ctl.queue, s.ctl.total = nil, 0
	s.ctl.pull, s.ctl.cancel = nil, nil
	if rd := s.reader; rd != nil {
		requests := rd.requests
		rd.requests = nil
		for _, q := range requests {
			q.fail(reason)
		}
		rd.settleClosed(r, reason)
	}
}

// cancelStream tells the source that nobody reads on. It returns a promise.
func (r *Realm) cancelStream(s *ReadableStream, reason goja.Value) goja.Value {
	s.disturbed = true
	if s.state == closed {
		return r.resolved(nil)
	}
	if s.state == errored {
		return r.rejected(s.reason)
	}
	cancel := s.ctl.cancel
	r.endStream(s)
	s.ctl.queue, s.ctl.total = nil, 0
	if cancel == nil {
		return r.resolved(nil)
	}
	var result goja.Value
	if ex := r.vm.Try(func() { result = cancel(reason) }); ex != nil {
		return r.rejected(ex.Value())
	}
	p, resolve, reject := r.vm.NewPromise()
	r.then(result, func(goja.Value) { r.settle(resolve, goja.Undefined()) }, func(v goja.Value) { r.settle(reject, v) })
	return r.vm.ToValue(p)
}

// read takes the next chunk, now or when there is one.
func (r *Realm) read(s *ReadableStream, q readRequest) {
	s.disturbed = true
	switch {
	case s.state == closed:
		q.end()
	case s.state == errored:
		q.fail(s.reason)
	case len(s.ctl.queue) > 0:
		c := s.ctl
		head := c.queue[0]
		c.queue = c.queue[1:]
		c.total = max(c.total-head.size, 0)
		if c.closeRequested && len(c.queue) == 0 {
			r.endStream(s)
		} else {
			r.pullIfNeeded(c)
		}
		q.chunk(head.value)
	default:
		s.reader.requests = append(s.reader.requests, q)
		r.pullIfNeeded(s.ctl)
	}
}

// strategy reads a queuing strategy.
func (r *Realm) strategy(v goja.Value, highWater float64) (float64, goja.Callable) {
	r.options(v, "a queuing strategy")
	if h := r.member(v, "highWaterMark"); !absent(h) {
		highWater = number(h)
		if math.IsNaN(highWater) || highWater < 0 {
			panic(r.rangeError("highWaterMark is no number from 0"))
		}
	}
	var size goja.Callable
	if s := r.member(v, "size"); !absent(s) {
		size = r.callable(s, "the size of a queuing strategy")
	}
	return highWater, size
}

// streamFrom makes a stream over an underlying source of the function's.
func (r *Realm) streamFrom(source, strategy goja.Value) *ReadableStream {
	if absent(source) {
		source = r.vm.NewObject()
	}
	if _, ok := source.(*goja.Object); !ok {
		panic(r.typeError("the source of a ReadableStream is no object"))
	}
	s := &ReadableStream{}
	c := &StreamController{stream: s}
	s.ctl = c
	highWater := 1.0
	if kind := r.member(source, "type"); !absent(kind) {
		if r.text(kind) != "bytes" {
			panic(r.typeError("a ReadableStream's type is \"bytes\" or left out"))
		}
		c.bytesOnly, highWater = true, 0
	}
	c.highWater, c.size = r.strategy(strategy, highWater)
	self := r.use("ReadableStreamDefaultController").wrap(c)
	algorithm := func(name string) goja.Callable {
		v := r.member(source, name)
		if absent(v) {
			return nil
		}
		return r.callable(v, "the source's "+name)
	}
	start, pull, cancel := algorithm("start"), algorithm("pull"), algorithm("cancel")
	if pull != nil {
		c.pull = func() goja.Value { return r.must(pull(source, self)) }
	}
	if cancel != nil {
		c.cancel = func(reason goja.Value) goja.Value { return r.must(cancel(source, reason)) }
	}
	result := goja.Undefined()
	if start != nil {
		result = r.must(start(source, self))
	}
	r.then(result, func(goja.Value) {
		c.started = true
		r.pullIfNeeded(c)
	}, func(reason goja.Value) { r.failStream(s, reason) })
	return s
}

func newStreamControllerClass(r *Realm) *class {
	c := r.class("ReadableStreamDefaultController", 0, nil, nil)
	attribute(c, "desiredSize", func(c *StreamController) goja.Value {
		if c.stream.state == errored {
			return goja.Null()
		}
		return r.vm.ToValue(c.desired())
	}, nil)
	method(c, "enqueue", 0, func(c *StreamController, args []goja.Value) goja.Value {
		v := arg(args, 0)
		if c.bytesOnly {
			b, ok := r.bytes(v)
			if !ok || len(b) == 0 {
				panic(r.typeError("a byte stream takes views that hold something"))
			}
		}
		r.enqueue(c, v)
		return goja.Undefined()
	})
	method(c, "close", 0, func(c *StreamController, _ []goja.Value) goja.Value {
		r.closeController(c)
		return goja.Undefined()
	})
	method(c, "error", 0, func(c *StreamController, args []goja.Value) goja.Value {
		r.failStream(c.stream, arg(args, 0))
		return goja.Undefined()
	})
	attribute(c, "byobRequest", func(*StreamController) goja.Value { return goja.Null() }, nil)
	return c
}
