package webapi

import "github.com/dop251/goja"

// readRequest is who waits for a chunk; exactly one of its functions is called.
type readRequest struct {
	chunk func(goja.Value)
	end   func()
	fail  func(reason goja.Value)
}

// StreamReader is the class ReadableStreamDefaultReader.
type StreamReader struct {
	instance
	stream   *ReadableStream // nil once released
	requests []readRequest
	closed   goja.Value // promise, made when asked for
	settled  bool
	reason   goja.Value // of closed, when it rejects
	resolve  func(any) error
	reject   func(any) error
}

// settleClosed settles the closed promise: fulfilled where reason is nil.
func (d *StreamReader) settleClosed(r *Realm, reason goja.Value) {
	if d.settled {
		return
	}
	d.settled, d.reason = true, reason
	switch {
	case d.closed == nil:
	case reason == nil:
		r.settle(d.resolve, goja.Undefined())
	default:
		r.settle(d.reject, reason)
	}
}

func (d *StreamReader) closedPromise(r *Realm) goja.Value {
	if d.closed == nil {
		p, resolve, reject := r.vm.NewPromise()
		d.closed, d.resolve, d.reject = r.vm.ToValue(p), resolve, reject
		// Nobody has to watch this promise: its rejection is never reported.
		r.then(d.closed, nil, func(goja.Value) {})
		if d.settled {
			if d.reason == nil {
				r.settle(resolve, goja.Undefined())
			} else {
				r.settle(reject, d.reason)
			}
		}
	}
	return d.closed
}

// acquire locks a stream. The reader is the function's only if it is wrapped.
func (r *Realm) acquire(s *ReadableStream) *StreamReader {
	if s.locked() {
		panic(r.typeError("the stream is locked to a reader already"))
	}
	d := &StreamReader{stream: s}
	s.reader = d
	d.settled, d.reason = s.state != readable, s.reason
	return d
}

func (d *StreamReader) release(r *Realm) {
	s := d.stream
	if s == nil {
		return
	}
	requests := d.requests
	d.requests, d.stream, s.reader = nil, nil, nil
	gone := r.typeError("the reader was released")
	if d.closed == nil || d.settled {
		d.closed, d.settled = nil, false
	}
	d.settleClosed(r, gone)
	for _, q := range requests {
		q.fail(gone)
	}
}

// readPromise is reader.read(): a promise of {value, done}.
func (r *Realm) readPromise(s *ReadableStream) goja.Value {
	p, resolve, reject := r.vm.NewPromise()
	r.read(s, readRequest{
		chunk: func(v goja.Value) { r.settle(resolve, r.iterResult(v, false)) },
		end:   func() { r.settle(resolve, r.iterResult(nil, true)) },
		fail:  func(reason goja.Value) { r.settle(reject, reason) },
	})
	return r.vm.ToValue(p)
}

func newStreamReaderClass(r *Realm) *class {
	c := r.class("ReadableStreamDefaultReader", 1, nil, func(args []goja.Value) object {
		s, ok := unwrap[*ReadableStream](args[0])
		if !ok {
			panic(r.typeError("a reader is made for a ReadableStream"))
		}
		return r.acquire(s)
	})
	attribute(c, "closed", func(d *StreamReader) goja.Value { return d.closedPromise(r) }, nil)
	promised(c, "read", 0, func(d *StreamReader, _ []goja.Value) goja.Value {
		if d.stream == nil {
			panic(r.typeError("the reader was released"))
		}
		return r.readPromise(d.stream)
	})
	promised(c, "cancel", 0, func(d *StreamReader, args []goja.Value) goja.Value {
		if d.stream == nil {
			panic(r.typeError("the reader was released"))
		}
		return r.cancelStream(d.stream, arg(args, 0))
	})
	method(c, "releaseLock", 0, func(d *StreamReader, _ []goja.Value) goja.Value {
		d.release(r)
		return goja.Undefined()
	})
	return c
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
		if mode := r.member(r.options(arg(args, 0), "getReader"), "mode"); !absent(mode) {
			panic(r.typeError("readers that bring their own buffer are not supported; leave mode out"))
		}
		return r.use("ReadableStreamDefaultReader").wrap(r.acquire(s))
	})
	method(c, "tee", 0, func(s *ReadableStream, _ []goja.Value) goja.Value {
		a, b := r.tee(s)
		return r.vm.NewArray(a.self, b.self)
	})
	values := method(c, "values", 0, func(s *ReadableStream, args []goja.Value) goja.Value {
		keep := r.member(r.options(arg(args, 0), "values"), "preventCancel").ToBoolean()
		return r.streamIterator(s, keep)
	})
	if symbol, ok := r.vm.Get("Symbol").ToObject(r.vm).Get("asyncIterator").(*goja.Symbol); ok {
		_ = c.proto.DefineDataPropertySymbol(symbol, values, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	c.static("from", 1, func(args []goja.Value) goja.Value { return r.streamFromIterable(args[0]).self })
	return c
}

// tee splits a stream in two that see the same chunks.
func (r *Realm) tee(s *ReadableStream) (a, b *ReadableStream) {
	r.acquire(s)
	reading := false
	var canceled [2]bool
	var reasons [2]goja.Value
	p, resolve, reject := r.vm.NewPromise()
	all := r.vm.ToValue(p)
	var branches [2]*ReadableStream
	live := func(do func(branch *ReadableStream)) {
		for i, branch := range branches {
			if !canceled[i] && branch.state == readable && !branch.ctl.closeRequested {
				do(branch)
			}
		}
	}
	again := false
	var pull func(*StreamController) goja.Value
	pull = func(*StreamController) goja.Value {
		if reading {
			again = true
			return goja.Undefined()
		}
		reading = true
		r.read(s, readRequest{
			chunk: func(v goja.Value) {
				r.then(goja.Undefined(), func(goja.Value) {
					reading = false
					live(func(branch *ReadableStream) { r.enqueue(branch.ctl, v) })
					if again {
						again = false
						pull(nil)
					}
				}, nil)
			},
			end: func() {
				live(func(branch *ReadableStream) { r.closeController(branch.ctl) })
				if !canceled[0] || !canceled[1] {
					r.settle(resolve, goja.Undefined())
				}
			},
			fail: func(reason goja.Value) {
				live(func(branch *ReadableStream) { r.failStream(branch, reason) })
				if !canceled[0] || !canceled[1] {
					r.settle(resolve, goja.Undefined())
				}
			},
		})
		return goja.Undefined()
	}
	for i := range branches {
		branches[i] = &ReadableStream{}
		branches[i].ctl = &StreamController{stream: branches[i], highWater: 1, started: true}
		branches[i].ctl.pull = func() goja.Value { return pull(branches[i].ctl) }
		branches[i].ctl.cancel = func(reason goja.Value) goja.Value {
			canceled[i], reasons[i] = true, reason
			if canceled[0] && canceled[1] {
				r.then(r.cancelStream(s, r.vm.NewArray(reasons[0], reasons[1])),
					func(goja.Value) { r.settle(resolve, goja.Undefined()) },
					func(v goja.Value) { r.settle(reject, v) })
			}
			return all
		}
		r.use("ReadableStream").wrap(branches[i])
	}
	// A native source starts to read ahead at once, as the standard says.
	r.then(goja.Undefined(), func(goja.Value) {
		r.pullIfNeeded(branches[0].ctl)
		r.pullIfNeeded(branches[1].ctl)
	}, nil)
	return branches[0], branches[1]
}

// streamIterator is the async iterator over a stream.
func (r *Realm) streamIterator(s *ReadableStream, preventCancel bool) goja.Value {
	d := r.acquire(s)
	o := r.vm.NewObject()
	_ = o.Set("next", r.function("next", 0, func([]goja.Value) goja.Value {
		if d.stream == nil {
			return r.resolved(r.iterResult(nil, true))
		}
		p, resolve, reject := r.vm.NewPromise()
		r.read(s, readRequest{
			chunk: func(v goja.Value) { r.settle(resolve, r.iterResult(v, false)) },
			end: func() {
				d.release(r)
				r.settle(resolve, r.iterResult(nil, true))
			},
			fail: func(reason goja.Value) {
				d.release(r)
				r.settle(reject, reason)
			},
		})
		return r.vm.ToValue(p)
	}))
	_ = o.Set("return", r.function("return", 0, func(args []goja.Value) goja.Value {
		v := arg(args, 0)
		if d.stream == nil {
			return r.resolved(r.iterResult(v, true))
		}
		done := r.resolved(nil)
		if !preventCancel {
			done = r.cancelStream(s, v)
		}
		d.release(r)
		p, resolve, reject := r.vm.NewPromise()
		r.then(done, func(goja.Value) { r.settle(resolve, r.iterResult(v, true)) }, func(e goja.Value) { r.settle(reject, e) })
		return r.vm.ToValue(p)
	}))
	if symbol, ok := r.vm.Get("Symbol").ToObject(r.vm).Get("asyncIterator").(*goja.Symbol); ok {
		_ = o.SetSymbol(symbol, r.vm.ToValue(func(call goja.FunctionCall) goja.Value { return call.This }))
	}
	return o
}

// streamFromIterable is ReadableStream.from.
func (r *Realm) streamFromIterable(v goja.Value) *ReadableStream {
	o := v.ToObject(r.vm)
	var make goja.Value
	if symbol, ok := r.vm.Get("Symbol").ToObject(r.vm).Get("asyncIterator").(*goja.Symbol); ok {
		make = o.GetSymbol(symbol)
	}
	if nullish(make) {
		make = o.GetSymbol(goja.SymIterator)
	}
	it, ok := r.must(r.callable(make, "the iterator of ReadableStream.from")(v)).(*goja.Object)
	if !ok {
		panic(r.typeError("the iterator of ReadableStream.from is no object"))
	}
	next := r.callable(it.Get("next"), "the iterator's next")
	s := r.newStreamLater(0)
	s.ctl.pull = func() goja.Value {
		p, resolve, reject := r.vm.NewPromise()
		r.then(r.must(next(it)), func(result goja.Value) {
			o, ok := result.(*goja.Object)
			if !ok {
				r.settle(reject, r.typeError("the iterator's result is no object"))
				return
			}
			if o.Get("done") != nil && o.Get("done").ToBoolean() {
				r.closeController(s.ctl)
				r.settle(resolve, goja.Undefined())
				return
			}
			r.then(r.member(o, "value"), func(v goja.Value) {
				r.enqueue(s.ctl, v)
				r.settle(resolve, goja.Undefined())
			}, func(e goja.Value) { r.settle(reject, e) })
		}, func(e goja.Value) { r.settle(reject, e) })
		return r.vm.ToValue(p)
	}
	s.ctl.cancel = func(reason goja.Value) goja.Value {
		if fn := it.Get("return"); !nullish(fn) {
			return r.must(r.callable(fn, "the iterator's return")(it, reason))
		}
		return goja.Undefined()
	}
	return s
}

func (r *Realm) newStreamLater(highWater float64) *ReadableStream {
	s := &ReadableStream{}
	s.ctl = &StreamController{stream: s, highWater: highWater, started: true}
	r.use("ReadableStream").wrap(s)
	return s
}
