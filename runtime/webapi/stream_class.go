package webapi

import (
	"math"

	"github.com/dop251/goja"
)

func newStreamReaderClass(r *Realm) *class {
	c := r.class("ReadableStreamDefaultReader", 1, nil, func(args []goja.Value) object {
		s, ok := unwrap[*ReadableStream](args[0])
		if !ok {
			panic(r.typeError("a reader is made for a ReadableStream"))
		}
		return r.acquire(s)
	})
	readerMembers[*StreamReader](c)
	promised(c, "read", 0, func(d *StreamReader, _ []goja.Value) goja.Value {
		if d.stream == nil {
			panic(r.typeError("the reader was released"))
		}
		return r.readPromise(d.stream)
	})
	return c
}

// streamFrom makes a stream over an underlying source of the function's.
func (r *Realm) streamFrom(given, strategy goja.Value) *ReadableStream {
	queue := r.readStrategy(strategy)
	src := r.sourceOf(given, "source")
	s := &ReadableStream{}
	allocate := 0
	if v := src.member("autoAllocateChunkSize"); !absent(v) {
		n := r.enforceRange(v, "autoAllocateChunkSize")
		if n == 0 {
			panic(r.typeError("autoAllocateChunkSize has to be more than 0"))
		}
		allocate = int(min(n, math.MaxInt32))
	}
	cancel, pull, start := src.callable("cancel"), src.callable("pull"), src.callable("start")
	kind := src.member("type")
	bytes := !absent(kind)
	if bytes && r.text(kind) != "bytes" {
		panic(r.typeError("a ReadableStream's type is \"bytes\" or left out"))
	}
	var self *goja.Object
	algorithm := func(fn goja.Callable) func() goja.Value {
		if fn == nil {
			return nil
		}
		return func() goja.Value { return r.ask(fn, src.value, self) }
	}
	var onCancel func(goja.Value) goja.Value
	if cancel != nil {
		onCancel = func(reason goja.Value) goja.Value { return r.ask(cancel, src.value, reason) }
	}
	begin := func() goja.Value {
		if start == nil {
			return goja.Undefined()
		}
		return r.must(start(src.value, self))
	}
	if bytes {
		if queue.size != nil {
			panic(r.rangeError("a byte stream's strategy has no size"))
		}
		c := &ByteController{stream: s, highWater: r.waterMark(queue, 0), allocate: allocate, pull: algorithm(pull), cancel: onCancel}
		s.ctl = c
		self = r.use("ReadableByteStreamController").wrap(c)
		r.startBytes(c, begin())
		return s
	}
	c := &StreamController{stream: s, highWater: r.waterMark(queue, 1), size: queue.size, pull: algorithm(pull), cancel: onCancel}
	s.ctl = c
	self = r.use("ReadableStreamDefaultController").wrap(c)
	r.startController(c, begin())
	return s
}

func newReadableStreamClass(r *Realm) *class {
	c := r.class("ReadableStream", 0, nil, func(args []goja.Value) object {
		return r.streamFrom(arg(args, 0), arg(args, 1))
	})
	attribute(c, "locked", func(s *ReadableStream) goja.Value { return r.vm.ToValue(s.locked()) }, nil)
	promised(c, "cancel", 0, func(s *ReadableStream, args []goja.Value) goja.Value {
		if s.locked() {
			panic(r.typeError("the stream is locked to a reader"))
		}
		return r.cancelStream(s, arg(args, 0))
	})
	method(c, "getReader", 0, func(s *ReadableStream, args []goja.Value) goja.Value {
		mode := r.member(r.options(arg(args, 0), "getReader"), "mode")
		if absent(mode) {
			return r.use("ReadableStreamDefaultReader").wrap(r.acquire(s))
		}
		if r.text(mode) != "byob" {
			panic(r.typeError("the mode of a reader is \"byob\" or left out"))
		}
		return r.use("ReadableStreamBYOBReader").wrap(r.acquireBYOB(s))
	})
	method(c, "pipeThrough", 1, func(s *ReadableStream, args []goja.Value) goja.Value {
		return r.pipeThrough(s, args[0], arg(args, 1))
	})
	promised(c, "pipeTo", 1, func(s *ReadableStream, args []goja.Value) goja.Value {
		dest, ok := unwrap[*WritableStream](args[0])
		if !ok {
			panic(r.typeError("a stream is piped to a WritableStream"))
		}
		options := r.pipeOptions(arg(args, 1))
		if s.locked() || dest.locked() {
			panic(r.typeError("a stream that is locked cannot be piped"))
		}
		return r.pipeTo(s, dest, options)
	})
	method(c, "tee", 0, func(s *ReadableStream, _ []goja.Value) goja.Value {
		a, b := r.tee(s)
		return r.vm.NewArray(a.self, b.self)
	})
	values := method(c, "values", 0, func(s *ReadableStream, args []goja.Value) goja.Value {
		keep := r.member(r.options(arg(args, 0), "values"), "preventCancel").ToBoolean()
		return r.streamIterator(s, keep)
	})
	if symbol := r.asyncIterator(); symbol != nil {
		_ = c.proto.DefineDataPropertySymbol(symbol, values, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	c.static("from", 1, func(args []goja.Value) goja.Value { return r.streamFromIterable(args[0]).self })
	return c
}
