package webapi

import "github.com/dop251/goja"

// asyncIterator is the symbol of that name, which the engine lends the language.
func (r *Realm) asyncIterator() *goja.Symbol {
	o, ok := r.vm.Get("Symbol").(*goja.Object)
	if !ok {
		return nil
	}
	symbol, _ := o.Get("asyncIterator").(*goja.Symbol)
	return symbol
}

// StreamIterator is what for await walks over a stream with.
type StreamIterator struct {
	instance
	reader  *StreamReader
	keep    bool       // preventCancel
	ongoing goja.Value // promise of the step under way
	done    bool
}

func (r *Realm) streamIterator(s *ReadableStream, preventCancel bool) goja.Value {
	it := &StreamIterator{reader: r.acquire(s), keep: preventCancel}
	return r.use("ReadableStreamAsyncIterator").wrap(it)
}

// newStreamIteratorClass makes the prototype that all such iterators share; the
// class itself has no name that functions could use.
func newStreamIteratorClass(r *Realm) *class {
	base := r.vm.NewObject()
	if symbol := r.asyncIterator(); symbol != nil {
		self := r.vm.ToValue(func(call goja.FunctionCall) goja.Value { return call.This }).(*goja.Object)
		r.label(self, "[Symbol.asyncIterator]", 0)
		_ = base.DefineDataPropertySymbol(symbol, self, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	c := &class{realm: r, name: "ReadableStreamAsyncIterator", proto: r.vm.CreateObject(base)}
	promised(c, "next", 0, func(it *StreamIterator, _ []goja.Value) goja.Value {
		return r.inTurn(it, func() goja.Value { return r.nextChunk(it) })
	})
	promised(c, "return", 0, func(it *StreamIterator, args []goja.Value) goja.Value {
		v := arg(args, 0)
		return r.inTurn(it, func() goja.Value { return r.stopIteration(it, v) })
	})
	r.label(c.proto.Get("return").(*goja.Object), "return", 1)
	c.tag(c.proto, "ReadableStream AsyncIterator")
	return c
}

// inTurn runs a step when the one before it has settled.
func (r *Realm) inTurn(it *StreamIterator, step func() goja.Value) goja.Value {
	if it.ongoing == nil {
		it.ongoing = step()
	} else {
		after := func(goja.Value) goja.Value { return step() }
		it.ongoing = r.chain(it.ongoing, after, after)
	}
	return it.ongoing
}

func (r *Realm) nextChunk(it *StreamIterator) goja.Value {
	if it.done {
		return r.resolved(r.iterResult(nil, true))
	}
	d := r.deferred()
	r.read(it.reader.stream, readRequest{
		chunk: func(v goja.Value) { d.fulfil(r, r.iterResult(v, false)) },
		end: func() {
			it.done = true
			r.release(it.reader)
			d.fulfil(r, r.iterResult(nil, true))
		},
		fail: func(reason goja.Value) {
			it.done = true
			r.release(it.reader)
			d.fail(r, reason)
		},
	})
	return d.promise
}

func (r *Realm) stopIteration(it *StreamIterator, v goja.Value) goja.Value {
	if it.done {
		return r.resolved(r.iterResult(v, true))
	}
	it.done = true
	end := func(goja.Value) goja.Value { return r.iterResult(v, true) }
	if it.keep {
		r.release(it.reader)
		return r.chain(goja.Undefined(), end, nil)
	}
	result := r.cancelStream(it.reader.stream, v)
	r.release(it.reader)
	return r.chain(result, end, nil)
}

// iteration is an iterator that ReadableStream.from reads; a plain one's values are
// waited for.
type iteration struct {
	realm *Realm
	it    *goja.Object
	next  goja.Callable
	plain bool
}

func (r *Realm) iterate(v goja.Value) *iteration {
	if nullish(v) {
		panic(r.typeError("ReadableStream.from takes something that can be iterated"))
	}
	o := v.ToObject(r.vm)
	var begin goja.Value
	if symbol := r.asyncIterator(); symbol != nil {
		begin = o.GetSymbol(symbol)
	}
	plain := nullish(begin)
	if plain {
		begin = o.GetSymbol(goja.SymIterator)
	}
	it, ok := r.must(r.callable(begin, "the iterator of what ReadableStream.from was given")(v)).(*goja.Object)
	if !ok {
		panic(r.typeError("the iterator of ReadableStream.from is no object"))
	}
	next := r.callable(it.Get("next"), "the iterator's next")
	return &iteration{r, it, next, plain}
}

// result checks what an iterator's method answered.
func (i *iteration) result(v goja.Value) *goja.Object {
	o, ok := v.(*goja.Object)
	if !ok {
		panic(i.realm.typeError("the iterator's result is no object"))
	}
	return o
}

// step asks for the next value; a promise of the iterator's result comes back.
func (i *iteration) step() goja.Value {
	r := i.realm
	return r.attempt(func() goja.Value {
		v := r.must(i.next(i.it))
		if !i.plain {
			return v
		}
		return i.settled(i.result(v))
	})
}

// settled waits for the value in a plain iterator's result.
func (i *iteration) settled(o *goja.Object) goja.Value {
	r := i.realm
	done := r.member(o, "done").ToBoolean()
	return r.chain(r.member(o, "value"), func(v goja.Value) goja.Value { return r.iterResult(v, done) }, nil)
}

// end tells the iterator that no more is asked for.
func (i *iteration) end(reason goja.Value) goja.Value {
	r := i.realm
	return r.chain(r.attempt(func() goja.Value {
		stop := i.it.Get("return")
		if nullish(stop) {
			return r.iterResult(nil, true)
		}
		v := r.must(r.callable(stop, "the iterator's return")(i.it, reason))
		if !i.plain {
			return v
		}
		return i.settled(i.result(v))
	}), func(v goja.Value) goja.Value {
		i.result(v)
		return nil
	}, nil)
}

// streamFromIterable is ReadableStream.from.
func (r *Realm) streamFromIterable(v goja.Value) *ReadableStream {
	i := r.iterate(v)
	var s *ReadableStream
	s = r.newStream(0, func() goja.Value {
		return r.chain(i.step(), func(v goja.Value) goja.Value {
			o := i.result(v)
			c := s.ctl.(*StreamController)
			if r.member(o, "done").ToBoolean() {
				r.closeController(c)
			} else {
				r.enqueue(c, r.member(o, "value"))
			}
			return nil
		}, nil)
	}, i.end)
	return s
}
