package webapi

import (
	"bytes"
	"errors"
	"io"

	"github.com/dop251/goja"
)

// content is a body: bytes, something that is read off the VM's goroutine, or a
// stream of the function's. A nil *content is no body at all.
type content struct {
	data   []byte
	source io.Reader // not read from yet
	stream *ReadableStream
	used   bool
}

// ErrBodyTooLarge is what reading a body ends with that is longer than allowed.
var ErrBodyTooLarge = errors.New("the body is longer than this function may hold")

// holder is what Request and Response share.
type holder struct {
	content *content
}

func (h *holder) body() *content { return h.content }

type bodied interface {
	object
	body() *content
	contentType() string
}

func (c *content) disturbed() bool {
	return c != nil && (c.used || c.stream != nil && c.stream.disturbed)
}

func (c *content) unusable() bool {
	return c != nil && (c.disturbed() || c.stream != nil && c.stream.locked())
}

// extract makes a body of a BodyInit, and says what type it is if that is known.
func (r *Realm) extract(v goja.Value) (*content, string) {
	if nullish(v) {
		return nil, ""
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return &content{data: []byte(r.text(v))}, "text/plain;charset=UTF-8"
	}
	if s, ok := unwrap[*ReadableStream](o); ok {
		if s.disturbed || s.locked() {
			panic(r.typeError("the stream given as a body is locked, or was read from"))
		}
		return &content{stream: s}, ""
	}
	if p, ok := unwrap[*SearchParams](o); ok {
		return &content{data: []byte(encodeQuery(p.list))}, "application/x-www-form-urlencoded;charset=UTF-8"
	}
	if b, ok := r.bytes(o); ok {
		return &content{data: bytes.Clone(b)}, ""
	}
	return &content{data: []byte(r.text(v))}, "text/plain;charset=UTF-8"
}

// asStream is the body attribute: a stream over what is there.
func (r *Realm) asStream(c *content) goja.Value {
	if c == nil {
		return goja.Null()
	}
	if c.stream == nil {
		c.stream = r.streamOf(c)
		c.stream.disturbed = c.used
	}
	return c.stream.self
}

func (r *Realm) streamOf(c *content) *ReadableStream {
	if source := c.source; source != nil {
		c.source = nil
		return r.streamReader(source)
	}
	data := c.data
	c.data = nil
	s := r.newStreamLater(0)
	if c.used {
		r.endStream(s)
		return s
	}
	s.ctl.pull = func() goja.Value {
		if len(data) > 0 {
			r.enqueue(s.ctl, r.uint8Array(bytes.Clone(data)))
		}
		r.closeController(s.ctl)
		return goja.Undefined()
	}
	return s
}

// readSize is how much is read at once from what goes on off the VM.
const readSize = 32 << 10

// streamReader makes a stream of what is read off the VM's goroutine.
func (r *Realm) streamReader(source io.Reader) *ReadableStream {
	return r.newStream(0, func(c *StreamController) goja.Value {
		p, resolve, reject := r.vm.NewPromise()
		off(r, func() ([]byte, error) {
			buf := make([]byte, readSize)
			n, err := source.Read(buf)
			for n == 0 && err == nil {
				n, err = source.Read(buf)
			}
			return buf[:n:n], err
		}, func(b []byte, err error) {
			if c.stream.state == readable && len(b) > 0 {
				r.enqueue(c, r.uint8Array(b))
			}
			switch {
			case err == nil:
				r.settle(resolve, goja.Undefined())
			case errors.Is(err, io.EOF):
				if c.stream.state == readable {
					r.closeController(c)
				}
				r.settle(resolve, goja.Undefined())
			default:
				r.settle(reject, r.bodyError(err))
			}
		})
		return r.vm.ToValue(p)
	}, func(goja.Value) goja.Value {
		closeReader(source)
		return goja.Undefined()
	})
}

func closeReader(source io.Reader) {
	if c, ok := source.(io.Closer); ok {
		_ = c.Close()
	}
}

// bodyError is what a function sees of a body that could not be read.
func (r *Realm) bodyError(err error) *goja.Object {
	return r.typeError("the body could not be read: %s", err.Error())
}

// readAll hands over a whole body; exactly one of the functions is called.
func (r *Realm) readAll(c *content, done func([]byte), fail func(goja.Value)) {
	switch {
	case c == nil:
		done(nil)
	case c.unusable():
		fail(r.typeError("the body was read already, or is locked to a reader"))
	case c.stream != nil:
		r.drain(c.stream, done, fail)
	case c.source != nil:
		source := c.source
		c.source, c.used = nil, true
		r.readSource(source, done, fail)
	default:
		data := c.data
		c.data, c.used = nil, true
		done(data)
	}
}

func (r *Realm) readSource(source io.Reader, done func([]byte), fail func(goja.Value)) {
	if l, ok := source.(interface{ Len() int }); ok {
		data := make([]byte, l.Len())
		if _, err := io.ReadFull(source, data); err == nil {
			done(data)
			return
		}
	}
	most := r.host.Limits().Bytes
	off(r, func() ([]byte, error) {
		defer closeReader(source)
		data, err := io.ReadAll(io.LimitReader(source, most+1))
		if err == nil && int64(len(data)) > most {
			err = ErrBodyTooLarge
		}
		return data, err
	}, func(data []byte, err error) {
		if err != nil {
			fail(r.bodyError(err))
			return
		}
		done(data)
	})
}

// drain reads a stream to its end.
func (r *Realm) drain(s *ReadableStream, done func([]byte), fail func(goja.Value)) {
	r.acquire(s)
	var whole []byte
	most := r.host.Limits().Bytes
	var next func()
	next = func() {
		r.read(s, readRequest{
			chunk: func(v goja.Value) {
				b, ok := r.bytes(v)
				switch {
				case !ok:
					problem := r.typeError("a body's stream holds a chunk that is no Uint8Array")
					r.cancelQuietly(s, problem)
					fail(problem)
				case int64(len(whole)+len(b)) > most:
					problem := r.typeError("%s", ErrBodyTooLarge.Error())
					r.cancelQuietly(s, problem)
					fail(problem)
				default:
					whole = append(whole, b...)
					r.then(goja.Undefined(), func(goja.Value) { next() }, nil)
				}
			},
			end:  func() { done(whole) },
			fail: fail,
		})
	}
	next()
}

func (r *Realm) cancelQuietly(s *ReadableStream, reason goja.Value) {
	r.then(r.cancelStream(s, reason), nil, func(goja.Value) {})
}

// cloneContent splits a body in two.
func (r *Realm) cloneContent(c *content) *content {
	switch {
	case c == nil:
		return nil
	case c.stream == nil && c.source == nil:
		return &content{data: c.data}
	}
	r.asStream(c)
	a, b := r.tee(c.stream)
	c.stream = a
	return &content{stream: b}
}

// bodyMembers adds what Request and Response share to a class.
func bodyMembers[T bodied](c *class) {
	r := c.realm
	attribute(c, "body", func(self T) goja.Value { return r.asStream(self.body()) }, nil)
	attribute(c, "bodyUsed", func(self T) goja.Value { return r.vm.ToValue(self.body().disturbed()) }, nil)
	reads := func(name string, convert func(self T, data []byte) goja.Value) {
		promised(c, name, 0, func(self T, _ []goja.Value) goja.Value {
			p, resolve, reject := r.vm.NewPromise()
			var site []goja.StackFrame
			if c := self.body(); c != nil && (c.source != nil || c.stream != nil) {
				site = r.here() // what goes wrong does so later
			}
			r.readAll(self.body(), func(data []byte) {
				var v goja.Value
				if ex := r.vm.Try(func() { v = convert(self, data) }); ex != nil {
					r.settle(reject, r.blame(ex.Value(), site))
					return
				}
				r.settle(resolve, v)
			}, func(reason goja.Value) { r.settle(reject, r.blame(reason, site)) })
			return r.vm.ToValue(p)
		})
	}
	reads("text", func(_ T, data []byte) goja.Value { return r.vm.ToValue(bodyText(data)) })
	reads("json", func(_ T, data []byte) goja.Value { return r.parseJSON(bodyText(data)) })
	reads("arrayBuffer", func(_ T, data []byte) goja.Value { return r.arrayBuffer(bytes.Clone(data)) })
	reads("bytes", func(_ T, data []byte) goja.Value { return r.uint8Array(bytes.Clone(data)) })
}

// bodyText decodes as the standard's UTF-8 decode does: a byte order mark goes.
func bodyText(data []byte) string {
	return decodeUTF8(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
}

func (r *Realm) parseJSON(text string) goja.Value {
	if r.parse == nil {
		r.parse = r.callable(r.vm.Get("JSON").ToObject(r.vm).Get("parse"), "JSON.parse")
	}
	return r.must(r.parse(goja.Undefined(), r.vm.ToValue(text)))
}

// toJSON is JSON.stringify: false where there is nothing to write.
func (r *Realm) toJSON(v goja.Value) (string, bool) {
	if r.stringify == nil {
		r.stringify = r.callable(r.vm.Get("JSON").ToObject(r.vm).Get("stringify"), "JSON.stringify")
	}
	out := r.must(r.stringify(goja.Undefined(), v))
	if goja.IsUndefined(out) {
		return "", false
	}
	return out.String(), true
}
