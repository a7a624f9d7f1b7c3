package webapi

import (
	"bytes"
	"errors"
	"io"

	"github.com/dop251/goja"
)

// memory is a source that is there whole.
type memory struct{ data []byte }

func (m *memory) Len() int { return len(m.data) }

func (m *memory) Read(p []byte) (int, error) {
	if len(m.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, m.data)
	m.data = m.data[n:]
	return n, nil
}

// readSize is how much is read at once from what goes on off the VM.
const readSize = 32 << 10

// nativeStream makes a byte stream of what is read off the VM's goroutine. Nothing
// is read before the function asks, and nothing of it enters the VM if it never does.
func (r *Realm) nativeStream(source io.Reader) *ReadableStream {
	var s *ReadableStream
	s = r.newStartedStream(func() goja.Value {
		s.native = nil
		if m, ok := source.(*memory); ok {
			return r.pullMemory(s, m)
		}
		return r.pullSource(s, source)
	}, func(goja.Value) goja.Value {
		s.native = nil
		closeReader(source)
		return goja.Undefined()
	})
	s.native = source
	return s
}

func (r *Realm) pullMemory(s *ReadableStream, m *memory) goja.Value {
	c := s.ctl.(*ByteController)
	if len(m.data) > 0 {
		chunk := bytes.Clone(m.data)
		m.data = nil
		r.enqueueBytes(c, chunk)
		return goja.Undefined()
	}
	r.closeNative(c)
	return goja.Undefined()
}

func (r *Realm) pullSource(s *ReadableStream, source io.Reader) goja.Value {
	c := s.ctl.(*ByteController)
	d := r.deferred()
	off(r, func() ([]byte, error) { return readChunk(source) }, func(b []byte, err error) {
		if s.state == readable && len(b) > 0 {
			r.enqueueBytes(c, b)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			r.closeNative(c)
		default:
			d.fail(r, r.bodyError(source, err))
			return
		}
		d.fulfil(r, nil)
	})
	return d.promise
}

// readChunk reads what is there into memory of its own.
func readChunk(source io.Reader) ([]byte, error) {
	buf := make([]byte, readSize)
	n, err := source.Read(buf)
	for n == 0 && err == nil {
		n, err = source.Read(buf)
	}
	if n < readSize/2 { // a stream of small chunks does not hold large buffers
		return bytes.Clone(buf[:n]), err
	}
	return buf[:n:n], err
}

// closeNative ends a host's stream, and with it what still waits to be filled.
func (r *Realm) closeNative(c *ByteController) {
	if !c.open() {
		return
	}
	r.closeBytes(c)
	if len(c.pending) > 0 && c.stream.state == closed {
		r.respond(c, 0)
	}
}

func closeReader(source io.Reader) {
	if c, ok := source.(io.Closer); ok {
		_ = c.Close()
	}
}

// bodyError is what a function sees of a body that could not be read.
func (r *Realm) bodyError(source io.Reader, err error) goja.Value {
	if reason := aborted(source); reason != nil {
		return reason
	}
	return r.typeError("the body could not be read: %s", err.Error())
}
