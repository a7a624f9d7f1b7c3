package webapi

import (
	"bytes"
	"errors"
	"io"

	"github.com/dop251/goja"
)

// content is a body: bytes, something that is read off the VM's goroutine, or a
// stream. A nil *content is no body at all.
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
	const plain = "text/plain;charset=UTF-8"
	if nullish(v) {
		return nil, ""
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return &content{data: []byte(r.text(v))}, plain
	}
	if s, ok := unwrap[*ReadableStream](o); ok {
		if s.disturbed || s.locked() {
			panic(r.typeError("the stream given as a body is locked, or was read from"))
		}
		return &content{stream: s}, ""
	}
	if b, ok := unwrap[blobLike](o); ok {
		return &content{data: b.blob().data}, b.blob().kind
	}
	if p, ok := unwrap[*SearchParams](o); ok {
		return &content{data: []byte(encodeQuery(p.list))}, "application/x-www-form-urlencoded;charset=UTF-8"
	}
	if f, ok := unwrap[*FormData](o); ok {
		boundary := newBoundary()
		return &content{data: r.encodeForm(f, boundary)}, "multipart/form-data; boundary=" + boundary
	}
	if b, ok := r.bytes(o); ok {
		return &content{data: bytes.Clone(b)}, ""
	}
	return &content{data: []byte(r.text(v))}, plain
}

// asStream is the body attribute: a stream over what is there.
func (r *Realm) asStream(c *content) goja.Value {
	if c == nil {
		return goja.Null()
	}
	if c.stream == nil {
		source := c.source
		if source == nil {
			source = &memory{data: c.data}
		}
		c.source, c.data = nil, nil
		c.stream = r.nativeStream(source)
		if c.used {
			c.stream.native, c.stream.disturbed = nil, true
			r.closeBytes(c.stream.ctl.(*ByteController))
		}
	}
	return c.stream.self
}

// proxied moves a stream to another body: the old one is locked and counts as read.
func (r *Realm) proxied(s *ReadableStream) *ReadableStream {
	if source := s.untouched(); source != nil {
		return r.nativeStream(source)
	}
	t := r.newTransform(func(c *TransformController, v goja.Value) { r.transformEnqueue(c, v) }, func(*TransformController) {})
	r.quiet(r.pipeTo(s, t.writable, pipeOptions{}))
	return t.readable
}

// readAll hands over a whole body; exactly one of the functions is called. What the
// platform finds wrong later is said to be of the call at site.
func (r *Realm) readAll(c *content, site []goja.StackFrame, done func([]byte), fail func(goja.Value)) {
	switch {
	case c == nil:
		done(nil)
	case c.unusable():
		fail(r.typeError("the body was read already, or is locked to a reader"))
	case c.stream != nil:
		if source := c.stream.untouched(); source != nil {
			r.readSource(source, site, done, fail)
			return
		}
		r.drain(c.stream, done, fail)
	case c.source != nil:
		source := c.source
		c.source, c.used = nil, true
		r.readSource(source, site, done, fail)
	default:
		data := c.data
		c.data, c.used = nil, true
		done(data)
	}
}

func (r *Realm) readSource(source io.Reader, site []goja.StackFrame, done func([]byte), fail func(goja.Value)) {
	if reason := aborted(source); reason != nil {
		fail(reason)
		return
	}
	most := r.host.Limits().Bytes
	if l, ok := source.(interface{ Len() int }); ok && int64(l.Len()) <= most {
		data := make([]byte, l.Len())
		if _, err := io.ReadFull(source, data); err == nil {
			done(data)
			return
		}
	}
	off(r, func() ([]byte, error) {
		defer closeReader(source)
		data, err := io.ReadAll(io.LimitReader(source, most+1))
		if err == nil && int64(len(data)) > most {
			err = ErrBodyTooLarge
		}
		return data, err
	}, func(data []byte, err error) {
		if err != nil {
			if reason := aborted(source); reason != nil {
				fail(reason)
				return
			}
			fail(r.blame(r.bodyError(source, err), site))
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
	var again goja.Value
	next := func() {
		r.read(s, readRequest{
			chunk: func(v goja.Value) {
				b, ok := r.chunkBytes(v)
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
					r.when(goja.Undefined(), again, nil)
				}
			},
			end:  func() { done(whole) },
			fail: fail,
		})
	}
	again = r.handler(func(goja.Value) { next() })
	next()
}

// chunkBytes is what a Uint8Array holds, and of nothing else.
func (r *Realm) chunkBytes(v goja.Value) ([]byte, bool) {
	o, ok := v.(*goja.Object)
	if !ok || o.ExportType() != bytesType {
		return nil, false
	}
	if tag := o.GetSymbol(goja.SymToStringTag); tag != nil && tag.String() == "Uint8ClampedArray" {
		return nil, false
	}
	return r.viewed(o)
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
	a, b := r.split(c.stream, true)
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
			p, resolve, reject := r.newPromise()
			var site []goja.StackFrame
			if c := self.body(); c != nil && (c.source != nil || c.stream != nil) {
				site = r.here() // what goes wrong does so later
			}
			r.readAll(self.body(), site, func(data []byte) {
				var v goja.Value
				if ex := r.vm.Try(func() { v = convert(self, data) }); ex != nil {
					r.settle(reject, r.blame(ex.Value(), site))
					return
				}
				r.settle(resolve, v)
			}, func(reason goja.Value) { r.settle(reject, reason) })
			return p
		})
	}
	reads("arrayBuffer", func(_ T, data []byte) goja.Value { return r.arrayBuffer(bytes.Clone(data)) })
	reads("blob", func(self T, data []byte) goja.Value {
		kind := ""
		if m, ok := extractMIME(self.contentType()); ok {
			kind = blobKind(m.String())
		}
		return r.newBlob(bytes.Clone(data), kind)
	})
	reads("bytes", func(_ T, data []byte) goja.Value { return r.uint8Array(bytes.Clone(data)) })
	reads("formData", func(self T, data []byte) goja.Value { return r.parseForm(self.contentType(), data) })
	reads("json", func(_ T, data []byte) goja.Value { return r.parseJSON(bodyText(data)) })
	reads("text", func(_ T, data []byte) goja.Value { return r.vm.ToValue(bodyText(data)) })
}

// bodyText decodes as the standard's UTF-8 decode does: a byte order mark goes.
func bodyText(data []byte) string {
	return decodeUTF8(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
}
