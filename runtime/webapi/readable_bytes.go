package webapi

import (
	"bytes"

	"github.com/dop251/goja"
)

// ByteController is the class ReadableByteStreamController.
type ByteController struct {
	instance
	stream         *ReadableStream
	queue          []piece
	total          int
	started        bool
	closeRequested bool
	pulling        bool
	pullAgain      bool
	highWater      float64
	allocate       int                                // autoAllocateChunkSize; 0: left out
	pull           func() goja.Value                  // promise; nil: nothing to call
	cancel         func(reason goja.Value) goja.Value // promise; nil: nothing to call
	pulled         goja.Value                         // reactions to pull, made once
	unpulled       goja.Value
	request        *BYOBRequest
	pending        []*pullInto
}

// piece is part of a buffer that waits to be read.
type piece struct {
	buffer *block
	offset int
	length int
}

// pullInto is a buffer that is being filled: a reader's own, or one that was
// allocated for it.
type pullInto struct {
	buffer  *block
	offset  int
	length  int
	filled  int
	minimum int
	size    int    // of an element
	kind    string // class of the view that is made in the end
	reader  readerKind
}

type readerKind int

const (
	noReader readerKind = iota // it was released
	defaultReader
	byobReader
)

func (r *Realm) startBytes(c *ByteController, result goja.Value) {
	r.then(result, func(goja.Value) {
		c.started = true
		r.pullBytes(c)
	}, func(reason goja.Value) { r.failBytes(c, reason) })
}

func (c *ByteController) open() bool { return c.stream.state == readable && !c.closeRequested }

func (c *ByteController) byob() *BYOBReader {
	b, _ := c.stream.reader.(*BYOBReader)
	return b
}

func (c *ByteController) desired() float64 {
	if c.stream.state != readable {
		return 0
	}
	return c.highWater - float64(c.total)
}

func (c *ByteController) wanted() bool {
	if !c.open() || !c.started {
		return false
	}
	b := c.byob()
	return c.stream.waiting() > 0 || b != nil && len(b.requests) > 0 || c.desired() > 0
}

// pullBytes asks the source for more where somebody wants it.
func (r *Realm) pullBytes(c *ByteController) {
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
				r.pullBytes(c)
			}
		})
		c.unpulled = r.handler(func(reason goja.Value) { r.failBytes(c, reason) })
	}
	r.when(result, c.pulled, c.unpulled)
}

func (c *ByteController) forget() { c.pull, c.cancel = nil, nil }

// invalidate takes the request away from the function.
func (c *ByteController) invalidate() {
	if c.request != nil {
		c.request.controller, c.request.view = nil, nil
		c.request = nil
	}
}

func (c *ByteController) shift() *pullInto {
	c.invalidate()
	d := c.pending[0]
	c.pending = c.pending[1:]
	return d
}

func (c *ByteController) resetQueue() { c.queue, c.total = nil, 0 }

func (r *Realm) closeBytes(c *ByteController) {
	if !c.open() {
		return
	}
	if c.total > 0 {
		c.closeRequested = true
		return
	}
	if len(c.pending) > 0 && c.pending[0].filled%c.pending[0].size != 0 {
		problem := r.typeError("the stream was closed within an element of the reader's view")
		r.failBytes(c, problem)
		panic(problem)
	}
	c.forget()
	r.endStream(c.stream)
}

func (r *Realm) failBytes(c *ByteController, reason goja.Value) {
	if c.stream.state != readable {
		return
	}
	c.invalidate()
	c.pending = nil
	c.resetQueue()
	c.forget()
	r.errorStream(c.stream, reason)
}

func (c *ByteController) cancelSteps(r *Realm, reason goja.Value) goja.Value {
	c.invalidate()
	c.pending = nil
	c.resetQueue()
	result := goja.Undefined()
	if c.cancel != nil {
		result = c.cancel(reason)
	}
	c.forget()
	return r.promiseOf(result)
}

func (c *ByteController) releaseSteps() {
	if len(c.pending) > 0 {
		c.pending[0].reader = noReader
		c.pending = c.pending[:1]
	}
}

func (c *ByteController) pullSteps(r *Realm, q readRequest) {
	if c.total > 0 {
		r.readQueued(c, q)
		return
	}
	if c.allocate > 0 {
		if int64(c.allocate) > r.host.Limits().Bytes {
			q.fail(r.rangeError("autoAllocateChunkSize is more than this function may hold"))
			return
		}
		c.pending = append(c.pending, &pullInto{
			buffer: newBlock(make([]byte, c.allocate)), length: c.allocate, minimum: 1, size: 1, kind: "Uint8Array", reader: defaultReader,
		})
	}
	c.stream.addRead(q)
	r.pullBytes(c)
}

// readQueued answers a read with the piece that waits longest.
func (r *Realm) readQueued(c *ByteController, q readRequest) {
	p := c.queue[0]
	c.queue = c.queue[1:]
	c.total -= p.length
	r.drained(c)
	q.chunk(r.newView("Uint8Array", p.buffer, p.offset, p.length))
}

func (r *Realm) drained(c *ByteController) {
	if c.total == 0 && c.closeRequested {
		c.forget()
		r.endStream(c.stream)
		return
	}
	r.pullBytes(c)
}

// enqueueView takes a view of the function's.
func (r *Realm) enqueueView(c *ByteController, v view) {
	if !c.open() {
		return
	}
	if v.detached() {
		panic(r.typeError("the chunk's buffer was given away already"))
	}
	r.enqueueBlock(c, r.take(v), v.offset, v.length)
}

// enqueueBytes takes bytes that are the stream's from then on.
func (r *Realm) enqueueBytes(c *ByteController, b []byte) {
	if c.open() {
		r.enqueueBlock(c, newBlock(b), 0, len(b))
	}
}

func (r *Realm) enqueueBlock(c *ByteController, b *block, offset, length int) {
	if len(c.pending) > 0 {
		first := c.pending[0]
		if first.buffer.detached() {
			panic(r.typeError("the buffer that is to be filled was given away"))
		}
		c.invalidate()
		first.buffer = first.buffer.transfer()
		if first.reader == noReader {
			r.queueFilled(c, first)
		}
	}
	switch reader := c.stream.reader.(type) {
	case *StreamReader:
		for len(reader.requests) > 0 && c.total > 0 {
			q := reader.requests[0]
			reader.requests = reader.requests[1:]
			r.readQueued(c, q)
		}
		if len(reader.requests) == 0 {
			r.queuePiece(c, b, offset, length)
			break
		}
		if len(c.pending) > 0 {
			c.shift()
		}
		c.stream.fulfilRead(r.newView("Uint8Array", b, offset, length))
	case *BYOBReader:
		r.queuePiece(c, b, offset, length)
		r.commitAll(c, c.fillPending())
	default:
		r.queuePiece(c, b, offset, length)
	}
	r.pullBytes(c)
}

func (r *Realm) queuePiece(c *ByteController, b *block, offset, length int) {
	if len(c.queue) >= maxQueue {
		problem := r.rangeError("more than %d chunks wait in one stream", maxQueue)
		r.failBytes(c, problem)
		panic(problem)
	}
	c.queue = append(c.queue, piece{b, offset, length})
	c.total += length
}

func (r *Realm) queueCopy(c *ByteController, d *pullInto, offset, length int) {
	r.queuePiece(c, newBlock(bytes.Clone(d.buffer.data[offset:offset+length])), 0, length)
}

// queueFilled keeps what was filled for a reader that is gone.
func (r *Realm) queueFilled(c *ByteController, d *pullInto) {
	if d.filled > 0 {
		r.queueCopy(c, d, d.offset, d.filled)
	}
	c.shift()
}

// fill copies from the queue; it answers true when the view can be handed over.
func (c *ByteController) fill(d *pullInto) bool {
	most := min(c.total, d.length-d.filled)
	aligned := d.filled + most
	aligned -= aligned % d.size
	ready := aligned >= d.minimum
	if ready {
		most = aligned - d.filled
	}
	for most > 0 {
		head := &c.queue[0]
		n := min(most, head.length)
		copy(d.buffer.data[d.offset+d.filled:], head.buffer.data[head.offset:head.offset+n])
		if n == head.length {
			c.queue = c.queue[1:]
		} else {
			head.offset += n
			head.length -= n
		}
		c.total -= n
		d.filled += n
		most -= n
	}
	return ready
}

// fillPending fills the readers' views from the queue, and returns the full ones.
func (c *ByteController) fillPending() []*pullInto {
	var out []*pullInto
	for len(c.pending) > 0 && c.total > 0 {
		d := c.pending[0]
		if c.fill(d) {
			c.shift()
			out = append(out, d)
		}
	}
	return out
}

func (r *Realm) commitAll(c *ByteController, list []*pullInto) {
	for _, d := range list {
		r.commit(c, d)
	}
}

// commit hands a filled view to who waits for it.
func (r *Realm) commit(c *ByteController, d *pullInto) {
	done := c.stream.state == closed
	v := r.filledView(d)
	if d.reader == defaultReader {
		if done {
			reader := c.stream.reader.(*StreamReader)
			q := reader.requests[0]
			reader.requests = reader.requests[1:]
			q.end()
			return
		}
		c.stream.fulfilRead(v)
		return
	}
	b := c.byob()
	q := b.requests[0]
	b.requests = b.requests[1:]
	if done {
		q.end(v)
	} else {
		q.chunk(v)
	}
}

func (r *Realm) filledView(d *pullInto) *goja.Object {
	d.buffer = d.buffer.transfer()
	return r.newView(d.kind, d.buffer, d.offset, d.filled/d.size*d.size)
}

func newByteControllerClass(r *Realm) *class {
	c := r.class("ReadableByteStreamController", 0, nil, nil)
	attribute(c, "byobRequest", func(c *ByteController) goja.Value { return r.byobRequest(c) }, nil)
	attribute(c, "desiredSize", func(c *ByteController) goja.Value {
		if c.stream.state == errored {
			return goja.Null()
		}
		return r.vm.ToValue(c.desired())
	}, nil)
	method(c, "close", 0, func(c *ByteController, _ []goja.Value) goja.Value {
		if !c.open() {
			panic(r.typeError("the stream is closed already, or has failed"))
		}
		r.closeBytes(c)
		return goja.Undefined()
	})
	method(c, "enqueue", 1, func(c *ByteController, args []goja.Value) goja.Value {
		v := r.viewOf(args[0], "the chunk of a byte stream")
		if v.length == 0 {
			panic(r.typeError("a byte stream takes views that hold something"))
		}
		if !c.open() {
			panic(r.typeError("the stream is closed or has failed: nothing can be enqueued"))
		}
		r.enqueueView(c, v)
		return goja.Undefined()
	})
	method(c, "error", 0, func(c *ByteController, args []goja.Value) goja.Value {
		r.failBytes(c, arg(args, 0))
		return goja.Undefined()
	})
	return c
}
