package webapi

import "github.com/dop251/goja"

// TransformStream is the class of that name.
type TransformStream struct {
	instance
	readable     *ReadableStream
	writable     *WritableStream
	ctl          *TransformController
	backpressure bool
	change       *deferred // fulfilled when backpressure changes
}

// TransformController is the class TransformStreamDefaultController.
type TransformController struct {
	instance
	stream    *TransformStream
	transform func(goja.Value) goja.Value // promise; nil: chunks go on as they are
	flush     func() goja.Value           // promise; nil: nothing to call
	cancel    func(goja.Value) goja.Value // promise; nil: nothing to call
	finish    *deferred
}

func (c *TransformController) readable() *StreamController {
	return c.stream.readable.ctl.(*StreamController)
}

// forget lets go of the function's code: what is still written goes nowhere.
func (c *TransformController) forget() {
	c.transform = func(goja.Value) goja.Value { return goja.Undefined() }
	c.flush, c.cancel = nil, nil
}

// setUpTransform makes both sides of a stream; they begin once start has settled.
func (r *Realm) setUpTransform(t *TransformStream, c *TransformController, in, out queuing, started goja.Value) {
	t.ctl, c.stream = c, t
	sink := &WriteController{
		highWater: in.highWater, size: in.size,
		write: func(v goja.Value) goja.Value { return r.transformWrite(t, v) },
		close: func() goja.Value { return r.transformClose(t) },
		abort: func(reason goja.Value) goja.Value { return r.transformAbort(t, reason) },
	}
	t.writable = r.newWritable(sink, started)
	t.readable = &ReadableStream{}
	source := &StreamController{
		stream: t.readable, highWater: out.highWater, size: out.size,
		pull: func() goja.Value {
			r.setTransformBackpressure(t, false)
			return t.change.promise
		},
		cancel: func(reason goja.Value) goja.Value { return r.transformCancel(t, reason) },
	}
	t.readable.ctl = source
	r.use("ReadableStream").wrap(t.readable)
	r.startController(source, started)
	r.setTransformBackpressure(t, true)
}

func (r *Realm) setTransformBackpressure(t *TransformStream, on bool) {
	if t.change != nil {
		t.change.fulfil(r, nil)
	}
	t.change = r.deferred()
	t.backpressure = on
}

func (r *Realm) failTransform(t *TransformStream, reason goja.Value) {
	r.failController(t.ctl.readable(), reason)
	r.failTransformWrites(t, reason)
}

func (r *Realm) failTransformWrites(t *TransformStream, reason goja.Value) {
	t.ctl.forget()
	r.failWritableIfNeeded(t.writable.ctl, reason)
	r.unblockWrite(t)
}

func (r *Realm) unblockWrite(t *TransformStream) {
	if t.backpressure {
		r.setTransformBackpressure(t, false)
	}
}

// transformEnqueue hands a chunk to the readable side.
func (r *Realm) transformEnqueue(c *TransformController, v goja.Value) {
	t, out := c.stream, c.readable()
	if !out.open() {
		panic(r.typeError("the readable side is closed or has failed: nothing can be enqueued"))
	}
	if ex := r.vm.Try(func() { r.enqueue(out, v) }); ex != nil {
		r.failTransformWrites(t, ex.Value())
		panic(t.readable.reason)
	}
	if full := !out.wanted(); full != t.backpressure {
		r.setTransformBackpressure(t, true)
	}
}

func (r *Realm) terminateTransform(c *TransformController) {
	r.closeController(c.readable())
	r.failTransformWrites(c.stream, r.typeError("the TransformStream was terminated"))
}

func (r *Realm) performTransform(c *TransformController, v goja.Value) goja.Value {
	var result goja.Value
	if c.transform != nil {
		result = c.transform(v)
	} else {
		result = r.attempt(func() goja.Value {
			r.transformEnqueue(c, v)
			return goja.Undefined()
		})
	}
	return r.chain(result, nil, func(reason goja.Value) goja.Value {
		r.failTransform(c.stream, reason)
		panic(reason)
	})
}

func (r *Realm) transformWrite(t *TransformStream, v goja.Value) goja.Value {
	if !t.backpressure {
		return r.performTransform(t.ctl, v)
	}
	return r.chain(t.change.promise, func(goja.Value) goja.Value {
		if t.writable.state == erroring {
			panic(t.writable.reason)
		}
		return r.performTransform(t.ctl, v)
	}, nil)
}

// finishing makes the promise of the stream's end, or returns the one that is.
func (r *Realm) finishing(c *TransformController) (p goja.Value, first bool) {
	if c.finish != nil {
		return c.finish.promise, false
	}
	c.finish = r.deferred()
	return c.finish.promise, true
}

func (r *Realm) transformAbort(t *TransformStream, reason goja.Value) goja.Value {
	c := t.ctl
	p, first := r.finishing(c)
	if !first {
		return p
	}
	result := goja.Undefined()
	if c.cancel != nil {
		result = c.cancel(reason)
	}
	c.forget()
	out := c.readable()
	r.then(result, func(goja.Value) {
		if t.readable.state == errored {
			c.finish.fail(r, t.readable.reason)
			return
		}
		r.failController(out, reason)
		c.finish.fulfil(r, nil)
	}, func(e goja.Value) {
		r.failController(out, e)
		c.finish.fail(r, e)
	})
	return p
}

func (r *Realm) transformClose(t *TransformStream) goja.Value {
	c := t.ctl
	p, first := r.finishing(c)
	if !first {
		return p
	}
	result := goja.Undefined()
	if c.flush != nil {
		result = c.flush()
	}
	c.forget()
	out := c.readable()
	r.then(result, func(goja.Value) {
		if t.readable.state == errored {
			c.finish.fail(r, t.readable.reason)
			return
		}
		r.closeController(out)
		c.finish.fulfil(r, nil)
	}, func(e goja.Value) {
		r.failController(out, e)
		c.finish.fail(r, e)
	})
	return p
}

func (r *Realm) transformCancel(t *TransformStream, reason goja.Value) goja.Value {
	c := t.ctl
	p, first := r.finishing(c)
	if !first {
		return p
	}
	result := goja.Undefined()
	if c.cancel != nil {
		result = c.cancel(reason)
	}
	c.forget()
	r.then(result, func(goja.Value) {
		if t.writable.state == writeErrored {
			c.finish.fail(r, t.writable.reason)
			return
		}
		r.failWritableIfNeeded(t.writable.ctl, reason)
		r.unblockWrite(t)
		c.finish.fulfil(r, nil)
	}, func(e goja.Value) {
		r.failWritableIfNeeded(t.writable.ctl, e)
		r.unblockWrite(t)
		c.finish.fail(r, e)
	})
	return p
}

// newTransform makes a stream over native algorithms.
func (r *Realm) newTransform(transform func(c *TransformController, v goja.Value), flush func(c *TransformController)) *TransformStream {
	t, c := &TransformStream{}, &TransformController{}
	c.transform = func(v goja.Value) goja.Value {
		return r.attempt(func() goja.Value {
			transform(c, v)
			return goja.Undefined()
		})
	}
	c.flush = func() goja.Value {
		return r.attempt(func() goja.Value {
			flush(c)
			return goja.Undefined()
		})
	}
	r.setUpTransform(t, c, queuing{highWater: 1}, queuing{highWater: 0}, goja.Undefined())
	return t
}

// whenGone runs end once the stream was cancelled or aborted.
func (t *TransformStream) whenGone(end func()) {
	t.ctl.cancel = func(goja.Value) goja.Value {
		end()
		return goja.Undefined()
	}
}

func newTransformStreamClass(r *Realm) *class {
	c := r.class("TransformStream", 0, nil, func(args []goja.Value) object {
		in, out := r.readStrategy(arg(args, 1)), r.readStrategy(arg(args, 2))
		src := r.sourceOf(arg(args, 0), "transformer")
		cancel, flush := src.callable("cancel"), src.callable("flush")
		if v := src.member("readableType"); !absent(v) {
			panic(r.rangeError("readableType has to be left out"))
		}
		start, transform := src.callable("start"), src.callable("transform")
		if v := src.member("writableType"); !absent(v) {
			panic(r.rangeError("writableType has to be left out"))
		}
		out.highWater, in.highWater = r.waterMark(out, 0), r.waterMark(in, 1)
		t, ctl := &TransformStream{}, &TransformController{}
		started := r.deferred()
		r.setUpTransform(t, ctl, in, out, started.promise)
		self := r.use("TransformStreamDefaultController").wrap(ctl)
		if transform != nil {
			ctl.transform = func(v goja.Value) goja.Value { return r.ask(transform, src.value, v, self) }
		}
		if flush != nil {
			ctl.flush = func() goja.Value { return r.ask(flush, src.value, self) }
		}
		if cancel != nil {
			ctl.cancel = func(reason goja.Value) goja.Value { return r.ask(cancel, src.value, reason) }
		}
		result := goja.Undefined()
		if start != nil {
			result = r.must(start(src.value, self))
		}
		started.fulfil(r, result)
		return t
	})
	attribute(c, "readable", func(t *TransformStream) goja.Value { return t.readable.self }, nil)
	attribute(c, "writable", func(t *TransformStream) goja.Value { return t.writable.self }, nil)
	return c
}

func newTransformControllerClass(r *Realm) *class {
	c := r.class("TransformStreamDefaultController", 0, nil, nil)
	attribute(c, "desiredSize", func(c *TransformController) goja.Value {
		if c.stream.readable.state == errored {
			return goja.Null()
		}
		return r.vm.ToValue(c.readable().desired())
	}, nil)
	method(c, "enqueue", 0, func(c *TransformController, args []goja.Value) goja.Value {
		r.transformEnqueue(c, arg(args, 0))
		return goja.Undefined()
	})
	method(c, "error", 0, func(c *TransformController, args []goja.Value) goja.Value {
		r.failTransform(c.stream, arg(args, 0))
		return goja.Undefined()
	})
	method(c, "terminate", 0, func(c *TransformController, _ []goja.Value) goja.Value {
		r.terminateTransform(c)
		return goja.Undefined()
	})
	return c
}
