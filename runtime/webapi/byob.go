package webapi

import (
	"math"

	"github.com/dop251/goja"
)

// BYOBReader is the class ReadableStreamBYOBReader.
type BYOBReader struct {
	genericReader
	requests []readIntoRequest
}

// readIntoRequest is who waits for a view of its own to be filled; exactly one of
// its functions is called.
type readIntoRequest struct {
	chunk func(goja.Value)
	end   func(goja.Value)
	fail  func(goja.Value)
}

func (b *BYOBReader) fail(_ *Realm, reason goja.Value) {
	requests := b.requests
	b.requests = nil
	for _, q := range requests {
		q.fail(reason)
	}
}

// BYOBRequest is the class ReadableStreamBYOBRequest.
type BYOBRequest struct {
	instance
	controller *ByteController // nil once answered
	view       *goja.Object
	buffer     *block
}

func (r *Realm) acquireBYOB(s *ReadableStream) *BYOBReader {
	if _, bytes := s.ctl.(*ByteController); !bytes {
		panic(r.typeError("only a byte stream can be read into buffers; its source says type: \"bytes\""))
	}
	b := &BYOBReader{}
	r.lock(s, b)
	return b
}

// readInto fills a view of the reader's, now or when there is something.
func (r *Realm) readInto(s *ReadableStream, v view, minimum int, q readIntoRequest) {
	s.disturbed = true
	if s.state == errored {
		q.fail(s.reason)
		return
	}
	c := s.ctl.(*ByteController)
	var buffer *block
	if ex := r.vm.Try(func() { buffer = r.take(v) }); ex != nil {
		q.fail(ex.Value())
		return
	}
	d := &pullInto{
		buffer: buffer, offset: v.offset, length: v.length, minimum: minimum * v.size,
		size: v.size, kind: v.kind, reader: byobReader,
	}
	b := c.byob()
	if len(c.pending) > 0 {
		c.pending = append(c.pending, d)
		b.requests = append(b.requests, q)
		return
	}
	if s.state == closed {
		q.end(r.newView(d.kind, d.buffer, d.offset, 0))
		return
	}
	if c.total > 0 {
		if c.fill(d) {
			filled := r.filledView(d)
			r.drained(c)
			q.chunk(filled)
			return
		}
		if c.closeRequested {
			problem := r.typeError("the stream was closed within an element of the reader's view")
			r.failBytes(c, problem)
			q.fail(problem)
			return
		}
	}
	c.pending = append(c.pending, d)
	b.requests = append(b.requests, q)
	r.pullBytes(c)
}

// byobRequest is what the source fills, or null.
func (r *Realm) byobRequest(c *ByteController) goja.Value {
	if c.request == nil && len(c.pending) > 0 {
		d := c.pending[0]
		c.request = &BYOBRequest{controller: c, buffer: d.buffer}
		c.request.view = r.newView("Uint8Array", d.buffer, d.offset+d.filled, d.length-d.filled)
		r.use("ReadableStreamBYOBRequest").wrap(c.request)
	}
	if c.request == nil {
		return goja.Null()
	}
	return c.request.self
}

// respond says that the source wrote n bytes into the request's view.
func (r *Realm) respond(c *ByteController, n int) {
	first := c.pending[0]
	if c.stream.state == closed {
		if n != 0 {
			panic(r.typeError("the stream is closed: only 0 bytes can have been written"))
		}
	} else {
		if n == 0 {
			panic(r.typeError("0 bytes can only be written once the stream is closed"))
		}
		if n > first.length-first.filled {
			panic(r.rangeError("more was written than the view holds"))
		}
	}
	first.buffer = first.buffer.transfer()
	r.respondInternal(c, n)
}

// respondView is respond with a view of the same memory that was given away.
func (r *Realm) respondView(c *ByteController, v view) {
	first := c.pending[0]
	if c.stream.state == closed {
		if v.length != 0 {
			panic(r.typeError("the stream is closed: the view has to be empty"))
		}
	} else if v.length == 0 {
		panic(r.typeError("the view can only be empty once the stream is closed"))
	}
	if first.offset+first.filled != v.offset {
		panic(r.rangeError("the view begins elsewhere than the one that was asked to be filled"))
	}
	if len(first.buffer.data) != len(v.data) {
		panic(r.rangeError("the view's buffer is of another size than the one that was given"))
	}
	if first.filled+v.length > first.length {
		panic(r.rangeError("the view is larger than the one that was asked to be filled"))
	}
	first.buffer = r.take(v)
	r.respondInternal(c, v.length)
}

func (r *Realm) respondInternal(c *ByteController, n int) {
	first := c.pending[0]
	c.invalidate()
	if c.stream.state == closed {
		if first.reader == noReader {
			c.shift()
		}
		if b := c.byob(); b != nil {
			var list []*pullInto
			for len(list) < len(b.requests) && len(c.pending) > 0 {
				list = append(list, c.shift())
			}
			r.commitAll(c, list)
		}
	} else {
		r.respondReadable(c, first, n)
	}
	r.pullBytes(c)
}

func (r *Realm) respondReadable(c *ByteController, d *pullInto, n int) {
	d.filled += n
	if d.reader == noReader {
		r.queueFilled(c, d)
		r.commitAll(c, c.fillPending())
		return
	}
	if d.filled < d.minimum {
		return
	}
	c.shift()
	if rest := d.filled % d.size; rest > 0 {
		r.queueCopy(c, d, d.offset+d.filled-rest, rest)
		d.filled -= rest
	}
	more := c.fillPending()
	r.commit(c, d)
	r.commitAll(c, more)
}

func newBYOBRequestClass(r *Realm) *class {
	c := r.class("ReadableStreamBYOBRequest", 0, nil, nil)
	attribute(c, "view", func(q *BYOBRequest) goja.Value {
		if q.view == nil {
			return goja.Null()
		}
		return q.view
	}, nil)
	usable := func(q *BYOBRequest) *ByteController {
		if q.controller == nil {
			panic(r.typeError("this request was answered already"))
		}
		if q.buffer.detached() {
			panic(r.typeError("the request's buffer was given away"))
		}
		return q.controller
	}
	method(c, "respond", 1, func(q *BYOBRequest, args []goja.Value) goja.Value {
		n := r.enforceRange(args[0], "the number of bytes")
		r.respond(usable(q), int(min(n, math.MaxInt32)))
		return goja.Undefined()
	})
	method(c, "respondWithNewView", 1, func(q *BYOBRequest, args []goja.Value) goja.Value {
		v := r.viewOf(args[0], "the view")
		if q.controller == nil {
			panic(r.typeError("this request was answered already"))
		}
		if v.detached() {
			panic(r.typeError("the view's buffer was given away"))
		}
		r.respondView(q.controller, v)
		return goja.Undefined()
	})
	return c
}

// enforceRange converts as WebIDL's [EnforceRange] unsigned long long does.
func (r *Realm) enforceRange(v goja.Value, what string) uint64 {
	f := math.Trunc(number(v))
	if math.IsNaN(f) || f < 0 || f > 1<<53-1 {
		panic(r.typeError("%s is no integer from 0", what))
	}
	return uint64(f)
}

func newBYOBReaderClass(r *Realm) *class {
	c := r.class("ReadableStreamBYOBReader", 1, nil, func(args []goja.Value) object {
		s, ok := unwrap[*ReadableStream](args[0])
		if !ok {
			panic(r.typeError("a reader is made for a ReadableStream"))
		}
		return r.acquireBYOB(s)
	})
	readerMembers[*BYOBReader](c)
	promised(c, "read", 1, func(b *BYOBReader, args []goja.Value) goja.Value {
		v := r.viewOf(args[0], "what a BYOB reader reads into")
		minimum := 1
		if m := r.member(r.options(arg(args, 1), "read"), "min"); !absent(m) {
			minimum = int(min(r.enforceRange(m, "min"), math.MaxInt32))
		}
		switch {
		case v.length == 0, len(v.data) == 0:
			panic(r.typeError("a view that is read into has to hold something"))
		case v.detached():
			panic(r.typeError("the view's buffer was given away"))
		case minimum == 0:
			panic(r.typeError("min has to be more than 0"))
		case minimum > v.length/v.size:
			panic(r.rangeError("min is more than the view holds"))
		case b.stream == nil:
			panic(r.typeError("the reader was released"))
		}
		p, resolve, reject := r.newPromise()
		r.readInto(b.stream, v, minimum, readIntoRequest{
			chunk: func(v goja.Value) { r.settle(resolve, r.iterResult(v, false)) },
			end:   func(v goja.Value) { r.settle(resolve, r.iterResult(v, true)) },
			fail:  func(reason goja.Value) { r.settle(reject, reason) },
		})
		return p
	})
	return c
}

// readerMembers adds what the readers share to a class.
func readerMembers[T interface {
	object
	streamReader
}](c *class) {
	r := c.realm
	promisedAttribute(c, "closed", func(d T) goja.Value { return d.generic().closed.get(r) })
	promised(c, "cancel", 0, func(d T, args []goja.Value) goja.Value {
		if d.generic().stream == nil {
			panic(r.typeError("the reader was released"))
		}
		return r.cancelStream(d.generic().stream, arg(args, 0))
	})
	method(c, "releaseLock", 0, func(d T, _ []goja.Value) goja.Value {
		r.release(d)
		return goja.Undefined()
	})
}
