package webapi

import (
	"bytes"

	"github.com/dop251/goja"
)

// tee splits a stream in two that see the same chunks.
func (r *Realm) tee(s *ReadableStream) (a, b *ReadableStream) { return r.split(s, false) }

// split is tee; the second of the two gets clones of the chunks where asked to.
func (r *Realm) split(s *ReadableStream, clone bool) (a, b *ReadableStream) {
	if s.locked() {
		panic(r.typeError("the stream is locked to a reader"))
	}
	if s.depth >= maxTees {
		panic(r.rangeError("a stream that came of %d others cannot be split again", maxTees))
	}
	defer func() {
		if a != nil {
			a.depth, b.depth = s.depth+1, s.depth+1
		}
	}()
	if _, ok := s.ctl.(*ByteController); ok {
		return r.teeBytes(s)
	}
	t := &teeing{realm: r, stream: s, canceled: r.deferred()}
	if clone {
		t.clone, _ = Function(r.vm, newStructuredClone(r))
	}
	t.reader = r.acquire(s)
	for i := range t.branches {
		t.branches[i] = r.newStream(1, t.pull, func(reason goja.Value) goja.Value { return t.cancel(i, reason) })
	}
	t.watch(t.reader)
	return t.branches[0], t.branches[1]
}

// maxTees bounds how deep native code recurses from branch to branch.
const maxTees = 500

// teeing is a stream that is being split.
type teeing struct {
	realm    *Realm
	stream   *ReadableStream
	reader   streamReader
	branches [2]*ReadableStream
	gone     [2]bool
	reasons  [2]goja.Value
	canceled *deferred
	clone    goja.Callable // for the second branch; nil: chunks are shared
	reading  bool
	again    [2]bool // bytes: per branch; else the first
}

// watch fails the branches when the stream does.
func (t *teeing) watch(reader streamReader) {
	r := t.realm
	r.then(reader.generic().closed.get(r), nil, func(reason goja.Value) {
		if reader != t.reader {
			return
		}
		for _, branch := range t.branches {
			r.failStream(branch, reason)
		}
		t.finish()
	})
}

func (t *teeing) finish() {
	if !t.gone[0] || !t.gone[1] {
		t.canceled.fulfil(t.realm, nil)
	}
}

func (t *teeing) cancel(i int, reason goja.Value) goja.Value {
	r := t.realm
	t.gone[i], t.reasons[i] = true, reason
	if t.gone[1-i] {
		t.canceled.fulfil(r, r.cancelStream(t.stream, r.vm.NewArray(t.reasons[0], t.reasons[1])))
	}
	return t.canceled.promise
}

func (t *teeing) pull() goja.Value {
	r := t.realm
	if t.reading {
		t.again[0] = true
		return goja.Undefined()
	}
	t.reading = true
	r.read(t.stream, readRequest{
		chunk: func(v goja.Value) {
			r.soon(func() {
				t.again[0] = false
				chunks, ok := t.chunks(v)
				if !ok {
					return
				}
				for i, branch := range t.branches {
					if !t.gone[i] {
						r.enqueue(branch.ctl.(*StreamController), chunks[i])
					}
				}
				t.reading = false
				if t.again[0] {
					t.pull()
				}
			})
		},
		end: func() {
			t.reading = false
			for i, branch := range t.branches {
				if !t.gone[i] {
					r.closeController(branch.ctl.(*StreamController))
				}
			}
			t.finish()
		},
		fail: func(goja.Value) { t.reading = false },
	})
	return goja.Undefined()
}

// chunks is what each branch gets. Where the chunk cannot be cloned, both fail.
func (t *teeing) chunks(v goja.Value) (out [2]goja.Value, ok bool) {
	r := t.realm
	out = [2]goja.Value{v, v}
	if t.clone == nil || t.gone[1] {
		return out, true
	}
	twin, ex := r.guarded(t.clone, goja.Undefined(), v)
	if ex != nil {
		for _, branch := range t.branches {
			r.failStream(branch, ex.Value())
		}
		t.canceled.fulfil(r, r.cancelStream(t.stream, ex.Value()))
		return out, false
	}
	out[1] = twin
	return out, true
}

// teeBytes splits a byte stream: each branch gets memory of its own, and a reader's
// buffer is filled from the source where one is given.
func (r *Realm) teeBytes(s *ReadableStream) (a, b *ReadableStream) {
	t := &teeing{realm: r, stream: s, canceled: r.deferred()}
	t.reader = r.acquire(s)
	for i := range t.branches {
		t.branches[i] = r.newByteStream(0, func() goja.Value { return t.pullBranch(i) },
			func(reason goja.Value) goja.Value { return t.cancel(i, reason) })
	}
	t.watch(t.reader)
	return t.branches[0], t.branches[1]
}

func (t *teeing) controller(i int) *ByteController { return t.branches[i].ctl.(*ByteController) }

func (t *teeing) pullBranch(i int) goja.Value {
	if t.reading {
		t.again[i] = true
		return goja.Undefined()
	}
	t.reading = true
	if q, ok := t.realm.byobRequest(t.controller(i)).(*goja.Object); ok {
		request, _ := unwrap[*BYOBRequest](q)
		t.pullInto(i, request.view)
	} else {
		t.pullChunk()
	}
	return goja.Undefined()
}

// swap changes the kind of the reader.
func (t *teeing) swap(reader streamReader) {
	t.realm.release(t.reader)
	t.reader = reader
	t.realm.lock(t.stream, reader)
	t.watch(reader)
}

func (t *teeing) pullChunk() {
	r := t.realm
	if _, ok := t.reader.(*StreamReader); !ok {
		t.swap(&StreamReader{})
	}
	r.read(t.stream, readRequest{
		chunk: func(v goja.Value) {
			r.soon(func() {
				t.again = [2]bool{}
				chunk := r.viewOf(v, "a chunk of a byte stream")
				var twin []byte
				if !t.gone[0] && !t.gone[1] {
					twin = bytes.Clone(chunk.data[chunk.offset : chunk.offset+chunk.length])
				}
				switch {
				case !t.gone[0]:
					r.enqueueView(t.controller(0), chunk)
					if twin != nil {
						r.enqueueBytes(t.controller(1), twin)
					}
				case !t.gone[1]:
					r.enqueueView(t.controller(1), chunk)
				}
				t.next()
			})
		},
		end: func() {
			t.reading = false
			for i := range t.branches {
				if !t.gone[i] {
					r.closeBytes(t.controller(i))
				}
			}
			for i := range t.branches {
				if len(t.controller(i).pending) > 0 {
					r.respond(t.controller(i), 0)
				}
			}
			t.finish()
		},
		fail: func(goja.Value) { t.reading = false },
	})
}

// next goes on with what was asked for meanwhile.
func (t *teeing) next() {
	t.reading = false
	switch {
	case t.again[0]:
		t.pullBranch(0)
	case t.again[1]:
		t.pullBranch(1)
	}
}

// pullInto fills the buffer that the reader of branch i brought.
func (t *teeing) pullInto(i int, into *goja.Object) {
	r := t.realm
	if _, ok := t.reader.(*BYOBReader); !ok {
		t.swap(&BYOBReader{})
	}
	other := 1 - i
	r.readInto(t.stream, r.viewOf(into, "the view"), 1, readIntoRequest{
		chunk: func(v goja.Value) {
			r.soon(func() {
				t.again = [2]bool{}
				chunk := r.viewOf(v, "a chunk of a byte stream")
				var twin []byte
				if !t.gone[other] {
					twin = bytes.Clone(chunk.data[chunk.offset : chunk.offset+chunk.length])
				}
				if !t.gone[i] {
					r.respondView(t.controller(i), chunk)
				}
				if twin != nil {
					r.enqueueBytes(t.controller(other), twin)
				}
				t.next()
			})
		},
		end: func(v goja.Value) {
			t.reading = false
			for _, k := range [2]int{i, other} {
				if !t.gone[k] {
					r.closeBytes(t.controller(k))
				}
			}
			if !absent(v) {
				if !t.gone[i] && len(t.controller(i).pending) > 0 {
					r.respondView(t.controller(i), r.viewOf(v, "the view"))
				}
				if !t.gone[other] && len(t.controller(other).pending) > 0 {
					r.respond(t.controller(other), 0)
				}
			}
			t.finish()
		},
		fail: func(goja.Value) { t.reading = false },
	})
}
