package webapi

import (
	"unicode/utf16"

	"github.com/dop251/goja"
)

// transformed is what the classes share that are a transform of the platform's own.
type transformed struct {
	instance
	stream *TransformStream
}

func (t *transformed) sides() *TransformStream { return t.stream }

// transformMembers adds readable and writable to a class.
func transformMembers[T interface {
	object
	sides() *TransformStream
}](c *class) {
	attribute(c, "readable", func(t T) goja.Value { return t.sides().readable.self }, nil)
	attribute(c, "writable", func(t T) goja.Value { return t.sides().writable.self }, nil)
}

// TextEncoderStream is the class of that name.
type TextEncoderStream struct {
	transformed
	lead uint16 // the first half of a surrogate pair, when the second is to come
}

// encode makes bytes of a chunk, and keeps half a pair at its end.
func (e *TextEncoderStream) encode(s goja.String) []byte {
	n := s.Length()
	if n == 0 {
		return nil
	}
	var out []byte
	from := 0
	if e.lead != 0 {
		c := rune(0xfffd)
		if next := s.CharAt(0); next >= 0xdc00 && next < 0xe000 {
			c = utf16.DecodeRune(rune(e.lead), rune(next))
			from = 1
		}
		out = append(out, string(c)...)
		e.lead = 0
	}
	if last := s.CharAt(n - 1); from < n && last >= 0xd800 && last < 0xdc00 {
		e.lead = last
		n--
	}
	if from == 0 && n == s.Length() && out == nil {
		return []byte(s.String())
	}
	return append(out, s.Substring(from, n).String()...)
}

func newTextEncoderStreamClass(r *Realm) *class {
	c := r.class("TextEncoderStream", 0, nil, func([]goja.Value) object {
		e := &TextEncoderStream{}
		e.stream = r.newTransform(func(c *TransformController, v goja.Value) {
			if _, symbol := v.(*goja.Symbol); symbol {
				panic(r.typeError("a Symbol cannot be made a string"))
			}
			s, ok := v.ToString().(goja.String)
			if !ok {
				s, _ = r.vm.ToValue(r.text(v)).(goja.String)
			}
			if b := e.encode(s); len(b) > 0 {
				r.transformEnqueue(c, r.uint8Array(b))
			}
		}, func(c *TransformController) {
			if e.lead != 0 {
				r.transformEnqueue(c, r.uint8Array([]byte("\uFFFD")))
			}
		})
		return e
	})
	attribute(c, "encoding", func(*TextEncoderStream) goja.Value { return r.vm.ToValue("utf-8") }, nil)
	transformMembers[*TextEncoderStream](c)
	return c
}

// TextDecoderStream is the class of that name.
type TextDecoderStream struct {
	transformed
	decoder *TextDecoder
}

func newTextDecoderStreamClass(r *Realm) *class {
	c := r.class("TextDecoderStream", 0, nil, func(args []goja.Value) object {
		made, err := r.vm.New(r.use("TextDecoder").ctor, args...)
		if err != nil {
			panic(err)
		}
		d := &TextDecoderStream{}
		d.decoder, _ = unwrap[*TextDecoder](made)
		decode := func(c *TransformController, b []byte, more bool) {
			text, ok := d.decoder.decode(b, more)
			if !ok {
				panic(r.typeError("the data is not valid %s", d.decoder.encoding))
			}
			if text != "" {
				r.transformEnqueue(c, r.vm.ToValue(text))
			}
		}
		d.stream = r.newTransform(func(c *TransformController, v goja.Value) {
			decode(c, r.bufferSource(v, "a TextDecoderStream"), true)
		}, func(c *TransformController) { decode(c, nil, false) })
		return d
	})
	attribute(c, "encoding", func(d *TextDecoderStream) goja.Value { return r.vm.ToValue(d.decoder.encoding) }, nil)
	attribute(c, "fatal", func(d *TextDecoderStream) goja.Value { return r.vm.ToValue(d.decoder.fatal) }, nil)
	attribute(c, "ignoreBOM", func(d *TextDecoderStream) goja.Value { return r.vm.ToValue(d.decoder.ignoreBOM) }, nil)
	transformMembers[*TextDecoderStream](c)
	return c
}

// bufferSource is what an ArrayBuffer or a view holds.
func (r *Realm) bufferSource(v goja.Value, what string) []byte {
	b, ok := r.bytes(v)
	if !ok {
		panic(r.typeError("%s takes ArrayBuffers and views of them", what))
	}
	return b
}
