package webapi

import (
	"bytes"
	"context"
	"io"
	"slices"

	"github.com/dop251/goja"
)

// CompressionStream is the class of that name.
type CompressionStream struct{ transformed }

// DecompressionStream is the class of that name.
type DecompressionStream struct{ transformed }

// maxSqueezing bounds the compressors and decompressors that one invocation has at
// work: each holds up to a megabyte.
const maxSqueezing = 32

func (r *Realm) compression(v goja.Value) string {
	format := r.text(v)
	if !slices.Contains(compressions, format) {
		panic(r.typeError("%q is no format of compression; gzip, deflate, deflate-raw and brotli are", clip(format)))
	}
	return format
}

// squeeze counts one that begins to work; the function it returns, once it ends.
func (r *Realm) squeeze() (end func()) {
	if r.squeezing >= maxSqueezing {
		panic(r.rangeError("more than %d streams are being compressed or decompressed at once", maxSqueezing))
	}
	r.squeezing++
	ended := false
	return func() {
		if !ended {
			ended = true
			r.squeezing = max(r.squeezing-1, 0) // an invocation begins at 0
		}
	}
}

func newCompressionStreamClass(r *Realm) *class {
	c := r.class("CompressionStream", 1, nil, func(args []goja.Value) object {
		format := r.compression(args[0])
		var out bytes.Buffer
		var w io.WriteCloser
		end := func() {}
		emit := func(c *TransformController) {
			if out.Len() > 0 {
				r.transformEnqueue(c, r.uint8Array(bytes.Clone(out.Bytes())))
				out.Reset()
			}
		}
		open := func() {
			if w == nil { // compressors are large: not before one is needed
				end = r.squeeze()
				w = compressor(format, &out)
			}
		}
		s := &CompressionStream{}
		s.stream = r.newTransform(func(c *TransformController, v goja.Value) {
			b := r.bufferSource(v, "a CompressionStream")
			open()
			_, _ = w.Write(b) // into memory: it cannot fail
			emit(c)
		}, func(c *TransformController) {
			open()
			_ = w.Close()
			w = nil
			end()
			emit(c)
		})
		s.stream.whenGone(func() {
			w = nil
			end()
		})
		return s
	})
	transformMembers[*CompressionStream](c)
	return c
}

func newDecompressionStreamClass(r *Realm) *class {
	c := r.class("DecompressionStream", 1, nil, func(args []goja.Value) object {
		format := r.compression(args[0])
		var f *inflater
		end := func() {}
		stop := func() {
			if f != nil {
				f.close()
			}
			end()
		}
		open := func() {
			if f != nil {
				return
			}
			ctx := r.host.Context()
			if ctx == nil {
				panic(r.typeError("nothing can be decompressed while the module loads; do it in the handler"))
			}
			end = r.squeeze()
			f = newInflater(format, r.host.Limits().Bytes)
			context.AfterFunc(ctx, f.close)
		}
		give := func(c *TransformController, b []byte, last bool) {
			open()
			out, err := f.write(b, last)
			if err != nil || last {
				stop()
			}
			if len(out) > 0 {
				r.transformEnqueue(c, r.uint8Array(out))
			}
			if err != nil {
				panic(r.typeError("%s", err.Error()))
			}
		}
		s := &DecompressionStream{}
		s.stream = r.newTransform(
			func(c *TransformController, v goja.Value) {
				give(c, r.bufferSource(v, "a DecompressionStream"), false)
			},
			func(c *TransformController) { give(c, nil, true) },
		)
		s.stream.whenGone(stop)
		return s
	})
	transformMembers[*DecompressionStream](c)
	return c
}
