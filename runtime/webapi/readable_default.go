package webapi

import (
	"math"

	"github.com/dop251/goja"
)

// StreamController is the class ReadableStreamDefaultController.
type StreamController struct {
	instance
	stream         *ReadableStream
	queue          sizedQueue
	started        bool
	closeRequested bool
	pulling        bool
	pullAgain      bool
	highWater      float64
	size           goja.Callable                      // nil: each chunk counts 1
	pull           func() goja.Value                  // promise; nil: nothing to call
	cancel         func(reason goja.Value) goja.Value // promise; nil: nothing to call
	pulled         goja.Value                         // reactions to pull, made once
	unpulled       goja.Value
}

// sizedQueue is chunks with their sizes.
type sizedQueue struct {
	chunks []sizedChunk
	head   int
	total  float64
}

type sizedChunk struct {
	value goja.Value
	size  float64
}

// maxQueue bounds the chunks that wait in one stream.
const maxQueue = 100_000

func (q *sizedQueue) len() int { return len(q.chunks) - q.head }

func (q *sizedQueue) front() goja.Value { return q.chunks[q.head].value }

func (q *sizedQueue) pop() goja.Value {
	c := q.chunks[q.head]
	q.chunks[q.head] = sizedChunk{}
	if q.head++; q.head == len(q.chunks) {
		q.chunks, q.head = q.chunks[:0], 0
	}
	q.total = max(q.total-c.size, 0) // rounding may leave it below
	return c.value
}

func (q *sizedQueue) reset() { *q = sizedQueue{} }

// push adds a chunk, or throws where its size is none.
func (r *Realm) push(q *sizedQueue, v goja.Value, size float64) {
	if math.IsNaN(size) || size < 0 || math.IsInf(size, 1) {
		panic(r.rangeError("the size of a chunk is no number from 0"))
	}
	if q.len() >= maxQueue {
		panic(r.rangeError("more than %d chunks wait in one stream", maxQueue))
	}
	if q.head > 64 && q.head > len(q.chunks)/2 {
		q.chunks = append(q.chunks[:0], q.chunks[q.head:]...)
		q.head = 0
	}
	q.chunks = append(q.chunks, sizedChunk{v, size})
	q.total += size
}

func (r *Realm) startController(c *StreamController, result goja.Value) {
	r.then(result, func(goja.Value) {
		c.started = true
		r.pullIfNeeded(c)
	}, func(reason goja.Value) { r.failController(c, reason) })
}

func (c *StreamController) open() bool { return c.stream.state == readable && !c.closeRequested }

// wanted reports whether the queue or a reader wants more.
func (c *StreamController) wanted() bool {
	return c.open() && c.started && (c.stream.waiting() > 0 || c.desired() > 0)
}

// pullIfNeeded asks the source for more where that is wanted.
func (r *Realm) pullIfNeeded(c *StreamController) {
	if !c.wanted() {
		return
	}
	if c.pulling {
		c.pullAgain = true
		return
	}
	c.pulling = true
	result := goja.Undefined()
	if c.pull != nil {
		result = c.pull()
	}
	if c.pulled == nil {
		c.pulled = r.handler(func(goja.Value) {
			c.pulling = false
			if c.pullAgain {
				c.pullAgain = false
				r.pullIfNeeded(c)
			}
		})
		c.unpulled = r.handler(func(reason goja.Value) { r.failController(c, reason) })
	}
	r.when(result, c.pulled, c.unpulled)
}

func (c *StreamController) desired() float64 {
	if c.stream.state != readable {
		return 0
	}
	return c.highWater - c.queue.total
}

func (c *StreamController) forget() { c.pull, c.cancel, c.size = nil, nil, nil }

// enqueue hands a chunk to a waiting reader or keeps it.
func (r *Realm) enqueue(c *StreamController, v goja.Value) {
	if !c.open() {
		return
	}
	if c.stream.waiting() > 0 {
		c.stream.fulfilRead(v)
		r.pullIfNeeded(c)
		return
	}
	if ex := r.vm.Try(func() {
		size := 1.0
		if c.size != nil {
			size = number(r.must(c.size(goja.Undefined(), v)))
		}
		r.push(&c.queue, v, size)
	}); ex != nil {
		r.failController(c, ex.Value())
		panic(ex.Value())
	}
	r.pullIfNeeded(c)
}

func (r *Realm) closeController(c *StreamController) {
	if !c.open() {
		return
	}
	c.closeRequested = true
	if c.queue.len() == 0 {
		c.forget()
		r.endStream(c.stream)
	}
}

func (r *Realm) failController(c *StreamController, reason goja.Value) {
	if c.stream.state != readable {
		return
	}
	c.queue.reset()
	c.forget()
	r.errorStream(c.stream, reason)
}

func (c *StreamController) cancelSteps(r *Realm, reason goja.Value) goja.Value {
	c.queue.reset()
	cancel := c.cancel
	result := goja.Undefined()
	if cancel != nil {
		result = cancel(reason)
	}
	c.forget()
	return r.promiseOf(result)
}

func (c *StreamController) pullSteps(r *Realm, q readRequest) {
	if c.queue.len() == 0 {
		c.stream.addRead(q)
		r.pullIfNeeded(c)
		return
	}
	v := c.queue.pop()
	if c.closeRequested && c.queue.len() == 0 {
		c.forget()
		r.endStream(c.stream)
	} else {
		r.pullIfNeeded(c)
	}
	q.chunk(v)
}

func (c *StreamController) releaseSteps() {}

func newStreamControllerClass(r *Realm) *class {
	c := r.class("ReadableStreamDefaultController", 0, nil, nil)
	attribute(c, "desiredSize", func(c *StreamController) goja.Value {
		if c.stream.state == errored {
			return goja.Null()
		}
		return r.vm.ToValue(c.desired())
	}, nil)
	method(c, "close", 0, func(c *StreamController, _ []goja.Value) goja.Value {
		if !c.open() {
			panic(r.typeError("the stream is closed already, or has failed"))
		}
		r.closeController(c)
		return goja.Undefined()
	})
	method(c, "enqueue", 0, func(c *StreamController, args []goja.Value) goja.Value {
		if !c.open() {
			panic(r.typeError("the stream is closed or has failed: nothing can be enqueued"))
		}
		r.enqueue(c, arg(args, 0))
		return goja.Undefined()
	})
	method(c, "error", 0, func(c *StreamController, args []goja.Value) goja.Value {
		r.failController(c, arg(args, 0))
		return goja.Undefined()
	})
	return c
}
