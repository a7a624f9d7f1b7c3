package webapi

import "github.com/dop251/goja"

// pipeOptions are StreamPipeOptions.
type pipeOptions struct {
	keepOpen, keepRunning, keepReading bool // preventClose, preventAbort, preventCancel
	signal                             *AbortSignal
}

func (r *Realm) pipeOptions(v goja.Value) pipeOptions {
	r.options(v, "a pipe")
	o := pipeOptions{
		keepRunning: r.member(v, "preventAbort").ToBoolean(),
		keepReading: r.member(v, "preventCancel").ToBoolean(),
		keepOpen:    r.member(v, "preventClose").ToBoolean(),
	}
	if s := r.member(v, "signal"); !absent(s) {
		o.signal = r.signal(s, "a pipe")
	}
	return o
}

// pipeThrough is the method of that name.
func (r *Realm) pipeThrough(s *ReadableStream, pair, options goja.Value) goja.Value {
	if _, ok := pair.(*goja.Object); !ok {
		panic(r.typeError("a stream is piped through an object with readable and writable"))
	}
	out, ok := unwrap[*ReadableStream](r.member(pair, "readable"))
	if !ok {
		panic(r.typeError("the readable of what a stream is piped through is no ReadableStream"))
	}
	in, ok := unwrap[*WritableStream](r.member(pair, "writable"))
	if !ok {
		panic(r.typeError("the writable of what a stream is piped through is no WritableStream"))
	}
	o := r.pipeOptions(options)
	if s.locked() || in.locked() {
		panic(r.typeError("a stream that is locked cannot be piped"))
	}
	r.quiet(r.pipeTo(s, in, o))
	return out.self
}

// piping is a stream that is being written to another.
type piping struct {
	realm   *Realm
	source  *ReadableStream
	dest    *WritableStream
	options pipeOptions
	reader  *StreamReader
	writer  *StreamWriter
	held    goja.Value // a chunk that was read and is about to be written
	write   *outcome   // of the last chunk
	ending  bool
	done    *deferred
	forget  func()
	again   goja.Value // reactions, made once
	ready   goja.Value
}

// pipeTo writes all of a stream to another. It returns a promise.
func (r *Realm) pipeTo(s *ReadableStream, dest *WritableStream, o pipeOptions) goja.Value {
	p := &piping{realm: r, source: s, dest: dest, options: o, forget: func() {}}
	p.reader, p.writer = r.acquire(s), r.acquireWriter(dest)
	s.disturbed = true
	p.write = &outcome{settled: true}
	p.done = r.deferred()
	if o.signal != nil {
		if o.signal.aborted {
			p.aborted()
			return p.done.promise
		}
		p.forget = o.signal.onAbort(p.aborted)
	}
	p.watch()
	p.next()
	return p.done.promise
}

// watch ends the pipe when either side ends.
func (p *piping) watch() {
	r := p.realm
	sourceFailed := func(reason goja.Value) {
		p.end(p.unless(p.options.keepRunning, func() goja.Value { return r.abortStream(p.dest, reason) }), reason)
	}
	sourceClosed := func() {
		p.end(p.unless(p.options.keepOpen, func() goja.Value { return r.closeFully(p.writer) }), nil)
	}
	destFailed := func(reason goja.Value) {
		p.end(p.unless(p.options.keepReading, func() goja.Value { return r.cancelStream(p.source, reason) }), reason)
	}
	if p.source.state == errored {
		sourceFailed(p.source.reason)
	} else {
		r.then(p.reader.closed.get(r), nil, sourceFailed)
	}
	if p.dest.state == writeErrored {
		destFailed(p.dest.reason)
	} else {
		r.then(p.writer.closed.get(r), nil, destFailed)
	}
	if p.source.state == closed {
		sourceClosed()
	} else {
		r.then(p.reader.closed.get(r), func(goja.Value) { sourceClosed() }, nil)
	}
	if p.dest.closeQueued() || p.dest.state == writeClosed {
		destFailed(r.typeError("the stream that is piped to is closed"))
	}
}

func (p *piping) unless(prevented bool, action func() goja.Value) func() goja.Value {
	if prevented {
		return nil
	}
	return action
}

// next reads a chunk when the writer wants one.
func (p *piping) next() {
	r := p.realm
	if p.ending {
		return
	}
	if p.ready == nil {
		p.ready = r.handler(func(goja.Value) { p.read() })
		p.again = r.handler(func(goja.Value) {
			p.write, p.held = r.write(p.writer, p.held), nil
			p.write.loud = false
			p.next()
		})
	}
	p.writer.ready.when(r, p.ready, nil)
}

func (p *piping) read() {
	r := p.realm
	if p.ending {
		return
	}
	r.read(p.source, readRequest{
		chunk: func(v goja.Value) {
			p.held = v // who enqueues does not find its chunk written when that returns
			r.when(goja.Undefined(), p.again, nil)
		},
		end:  func() {},
		fail: func(goja.Value) {},
	})
}

// aborted ends the pipe because its signal did.
func (p *piping) aborted() {
	r := p.realm
	reason := p.options.signal.reason
	p.end(func() goja.Value {
		var actions []goja.Value
		if !p.options.keepRunning {
			if p.dest.state == writable {
				actions = append(actions, r.abortStream(p.dest, reason))
			} else {
				actions = append(actions, r.resolved(nil))
			}
		}
		if !p.options.keepReading {
			if p.source.state == readable {
				actions = append(actions, r.cancelStream(p.source, reason))
			} else {
				actions = append(actions, r.resolved(nil))
			}
		}
		return r.all(actions)
	}, reason)
}

// all is a promise that fulfils when all given do.
func (r *Realm) all(list []goja.Value) goja.Value {
	d := r.deferred()
	left := len(list)
	if left == 0 {
		d.fulfil(r, nil)
	}
	for _, p := range list {
		r.then(p, func(goja.Value) {
			if left--; left == 0 {
				d.fulfil(r, nil)
			}
		}, func(reason goja.Value) { d.fail(r, reason) })
	}
	return d.promise
}

// end stops the pipe, once what was read is written. action may be nil; the pipe
// fails where reason is not.
func (p *piping) end(action func() goja.Value, reason goja.Value) {
	if p.ending {
		return
	}
	p.ending = true
	if p.held != nil {
		p.realm.soon(func() { p.conclude(action, reason) })
		return
	}
	p.conclude(action, reason)
}

func (p *piping) conclude(action func() goja.Value, reason goja.Value) {
	finish := func() {
		if action == nil {
			p.finish(reason)
			return
		}
		p.realm.then(action(), func(goja.Value) { p.finish(reason) }, p.finish)
	}
	if p.dest.state == writable && !p.dest.closeQueued() {
		p.written(finish)
		return
	}
	finish()
}

// written waits until all that was handed to the writer is written.
func (p *piping) written(then func()) {
	last := p.write
	done := func(goja.Value) {
		if p.write != last {
			p.written(then)
			return
		}
		then()
	}
	react := p.realm.handler(done)
	last.when(p.realm, react, react)
}

func (p *piping) finish(reason goja.Value) {
	r := p.realm
	r.releaseWriter(p.writer)
	r.release(p.reader)
	p.forget()
	if reason != nil {
		p.done.fail(r, reason)
		return
	}
	p.done.fulfil(r, nil)
}
