package webapi

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// TextEncoder is the class of that name; it has no state.
type TextEncoder struct{ instance }

func newTextEncoderClass(r *Realm) *class {
	c := r.class("TextEncoder", 0, nil, func([]goja.Value) object { return &TextEncoder{} })
	attribute(c, "encoding", func(*TextEncoder) goja.Value { return r.vm.ToValue("utf-8") }, nil)
	method(c, "encode", 0, func(_ *TextEncoder, args []goja.Value) goja.Value {
		text := ""
		if v := arg(args, 0); !absent(v) {
			text = r.text(v)
		}
		return r.uint8Array([]byte(text))
	})
	method(c, "encodeInto", 2, func(_ *TextEncoder, args []goja.Value) goja.Value {
		text := r.text(args[0])
		into, ok := r.bytes(args[1])
		if o, is := args[1].(*goja.Object); !ok || !is || o.ExportType() != bytesType || tagOf(o) != "Uint8Array" {
			panic(r.typeError("encodeInto writes into a Uint8Array"))
		}
		read, written := encodeInto(into, text)
		o := r.vm.NewObject()
		_ = o.Set("read", read)
		_ = o.Set("written", written)
		return o
	})
	return c
}

// encodeInto writes whole characters as far as there is room, and counts the units
// of UTF-16 that it read.
func encodeInto(into []byte, text string) (read, written int) {
	if len(text) <= len(into) && ascii(text) {
		n := copy(into, text)
		return n, n
	}
	for _, char := range text {
		n := utf8.RuneLen(char)
		if written+n > len(into) {
			break
		}
		written += utf8.EncodeRune(into[written:], char)
		read += utf16.RuneLen(char)
	}
	return read, written
}

// tagOf is what an object says that it is.
func tagOf(o *goja.Object) string {
	if tag := o.GetSymbol(goja.SymToStringTag); tag != nil && goja.IsString(tag) {
		return tag.String()
	}
	return ""
}
