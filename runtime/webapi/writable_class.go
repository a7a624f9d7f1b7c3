package webapi

import "github.com/dop251/goja"

// writableFrom makes a stream over an underlying sink of the function's.
func (r *Realm) writableFrom(given, strategy goja.Value) *WritableStream {
	queue := r.readStrategy(strategy)
	sink := r.sourceOf(given, "sink")
	abort, closing, start := sink.callable("abort"), sink.callable("close"), sink.callable("start")
	if v := sink.member("type"); !absent(v) {
		panic(r.rangeError("a WritableStream's type has to be left out"))
	}
	write := sink.callable("write")
	c := &WriteController{highWater: r.waterMark(queue, 1), size: queue.size}
	self := r.use("WritableStreamDefaultController").wrap(c)
	if write != nil {
		c.write = func(v goja.Value) goja.Value { return r.ask(write, sink.value, v, self) }
	}
	if closing != nil {
		c.close = func() goja.Value { return r.ask(closing, sink.value) }
	}
	if abort != nil {
		c.abort = func(reason goja.Value) goja.Value { return r.ask(abort, sink.value, reason) }
	}
	s := &WritableStream{}
	r.setUpWritable(s, c, func() goja.Value {
		if start == nil {
			return goja.Undefined()
		}
		return r.must(start(sink.value, self))
	})
	return s
}

// newWritable makes a stream over native algorithms, which may be nil.
func (r *Realm) newWritable(c *WriteController, started goja.Value) *WritableStream {
	s := &WritableStream{}
	r.use("WritableStream").wrap(s)
	r.use("WritableStreamDefaultController").wrap(c)
	r.setUpWritable(s, c, func() goja.Value { return started })
	return s
}

func newWritableStreamClass(r *Realm) *class {
	c := r.class("WritableStream", 0, nil, func(args []goja.Value) object {
		return r.writableFrom(arg(args, 0), arg(args, 1))
	})
	attribute(c, "locked", func(s *WritableStream) goja.Value { return r.vm.ToValue(s.locked()) }, nil)
	promised(c, "abort", 0, func(s *WritableStream, args []goja.Value) goja.Value {
		if s.locked() {
			panic(r.typeError("the stream is locked to a writer"))
		}
		return r.abortStream(s, arg(args, 0))
	})
	promised(c, "close", 0, func(s *WritableStream, _ []goja.Value) goja.Value {
		switch {
		case s.locked():
			panic(r.typeError("the stream is locked to a writer"))
		case s.closeQueued():
			panic(r.typeError("the stream is about to be closed already"))
		}
		return r.closeWritable(s)
	})
	method(c, "getWriter", 0, func(s *WritableStream, _ []goja.Value) goja.Value {
		return r.use("WritableStreamDefaultWriter").wrap(r.acquireWriter(s))
	})
	return c
}

func newStreamWriterClass(r *Realm) *class {
	c := r.class("WritableStreamDefaultWriter", 1, nil, func(args []goja.Value) object {
		s, ok := unwrap[*WritableStream](args[0])
		if !ok {
			panic(r.typeError("a writer is made for a WritableStream"))
		}
		return r.acquireWriter(s)
	})
	owned := func(w *StreamWriter) *WritableStream {
		if w.stream == nil {
			panic(r.typeError("the writer was released"))
		}
		return w.stream
	}
	promisedAttribute(c, "closed", func(w *StreamWriter) goja.Value { return w.closed.get(r) })
	promisedAttribute(c, "ready", func(w *StreamWriter) goja.Value { return w.ready.get(r) })
	attribute(c, "desiredSize", func(w *StreamWriter) goja.Value {
		size, ok := owned(w).desired()
		if !ok {
			return goja.Null()
		}
		return r.vm.ToValue(size)
	}, nil)
	promised(c, "abort", 0, func(w *StreamWriter, args []goja.Value) goja.Value {
		return r.abortStream(owned(w), arg(args, 0))
	})
	promised(c, "close", 0, func(w *StreamWriter, _ []goja.Value) goja.Value {
		if owned(w).closeQueued() {
			panic(r.typeError("the stream is about to be closed already"))
		}
		return r.closeWritable(w.stream)
	})
	promised(c, "write", 0, func(w *StreamWriter, args []goja.Value) goja.Value {
		owned(w)
		return r.write(w, arg(args, 0)).get(r)
	})
	method(c, "releaseLock", 0, func(w *StreamWriter, _ []goja.Value) goja.Value {
		r.releaseWriter(w)
		return goja.Undefined()
	})
	return c
}
