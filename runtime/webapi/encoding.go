package webapi

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
	"golang.org/x/text/encoding/charmap"
)

// utf8Decoder decodes as the Encoding standard does: each maximal part of a
// malformed sequence becomes one U+FFFD, and a sequence can be split over writes.
type utf8Decoder struct {
	held []byte // the start of a sequence that has not ended
	bad  bool   // something was malformed
}

func (d *utf8Decoder) write(out *strings.Builder, b []byte) {
	if len(d.held) > 0 {
		b = append(d.held, b...)
		d.held = nil
	}
	for len(b) > 0 {
		c, size := utf8.DecodeRune(b)
		switch {
		case c != utf8.RuneError || size > 1:
			out.WriteRune(c)
		case !utf8.FullRune(b):
			d.held = append([]byte(nil), b...)
			return
		default:
			d.bad = true
			out.WriteRune(utf8.RuneError)
			size = malformed(b)
		}
		b = b[size:]
	}
}

func (d *utf8Decoder) end(out *strings.Builder) {
	if len(d.held) > 0 {
		d.bad = true
		out.WriteRune(utf8.RuneError)
		d.held = nil
	}
}

// malformed is the length of the maximal part that one U+FFFD stands for.
func malformed(b []byte) int {
	need, low, high := 0, byte(0x80), byte(0xbf)
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c >= 0xe0 && c <= 0xef:
		need = 2
		switch c {
		case 0xe0:
			low = 0xa0
		case 0xed:
			high = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 3
		switch c {
		case 0xf0:
			low = 0x90
		case 0xf4:
			high = 0x8f
		}
	}
	n := 1
	for n <= need && n < len(b) && b[n] >= low && b[n] <= high {
		n, low, high = n+1, 0x80, 0xbf
	}
	return n
}

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
		into, ok := r.bytes(args[1])
		if !ok {
			panic(r.typeError("encodeInto writes into a Uint8Array"))
		}
		read, written := 0, 0
		for _, char := range r.text(args[0]) {
			n := utf8.RuneLen(char)
			if written+n > len(into) {
				break
			}
			utf8.EncodeRune(into[written:], char)
			written += n
			read += utf16.RuneLen(char)
		}
		o := r.vm.NewObject()
		_ = o.Set("read", read)
		_ = o.Set("written", written)
		return o
	})
	return c
}

// TextDecoder is the class of that name, for UTF-8, UTF-16 and windows-1252.
type TextDecoder struct {
	instance
	encoding  string
	fatal     bool
	ignoreBOM bool
	utf8      utf8Decoder
	wide      []byte // an incomplete UTF-16 unit or surrogate pair
	bomDone   bool
	streaming bool
}

var encodingLabels = func() map[string]string {
	m := map[string]string{}
	for name, labels := range map[string]string{
		"utf-8":        "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
		"utf-16le":     "utf-16le utf-16 ucs-2 unicode unicodefeff iso-10646-ucs-2 csunicode",
		"utf-16be":     "utf-16be unicodefffe",
		"windows-1252": "windows-1252 latin1 iso-8859-1 iso8859-1 ascii us-ascii ansi_x3.4-1968 cp1252 cp819 csisolatin1 ibm819 iso-ir-100 iso88591 iso_8859-1 iso_8859-1:1987 l1 x-cp1252",
	} {
		for _, label := range strings.Fields(labels) {
			m[label] = name
		}
	}
	return m
}()

func (d *TextDecoder) decode(b []byte, stream bool) (string, bool) {
	if !d.streaming {
		d.utf8, d.wide, d.bomDone = utf8Decoder{}, nil, false
	}
	d.streaming = stream
	var out strings.Builder
	ok := true
	switch d.encoding {
	case "utf-8":
		d.utf8.write(&out, b)
		if !stream {
			d.utf8.end(&out)
		}
		ok, d.utf8.bad = !d.utf8.bad, false
	case "windows-1252":
		for _, c := range b {
			out.WriteRune(charmap.Windows1252.DecodeByte(c))
		}
	default:
		ok = d.decodeWide(&out, b, stream)
	}
	text := out.String()
	if !d.bomDone && text != "" {
		d.bomDone = true
		if !d.ignoreBOM && d.encoding != "windows-1252" {
			text = strings.TrimPrefix(text, "\uFEFF")
		}
	}
	return text, ok || !d.fatal
}

func (d *TextDecoder) decodeWide(out *strings.Builder, b []byte, stream bool) bool {
	b = append(d.wide, b...)
	d.wide = nil
	ok := true
	unit := func(i int) rune {
		if d.encoding == "utf-16be" {
			return rune(b[i])<<8 | rune(b[i+1])
		}
		return rune(b[i+1])<<8 | rune(b[i])
	}
	i := 0
	for ; i+1 < len(b); i += 2 {
		u := unit(i)
		switch {
		case !utf16.IsSurrogate(u):
			out.WriteRune(u)
		case u < 0xdc00 && i+3 >= len(b):
			if stream {
				d.wide = append(d.wide, b[i:]...)
				return ok
			}
			ok = false
			out.WriteRune(utf8.RuneError)
			if i+2 < len(b) {
				i++ // an odd byte behind the lead is part of the same error
			}
		default:
			c := rune(utf8.RuneError)
			if u < 0xdc00 {
				c = utf16.DecodeRune(u, unit(i+2))
			}
			if c == utf8.RuneError {
				ok = false
			} else {
				i += 2
			}
			out.WriteRune(c)
		}
	}
	if i < len(b) {
		if stream {
			d.wide = append(d.wide, b[i:]...)
		} else {
			ok = false
			out.WriteRune(utf8.RuneError)
		}
	}
	return ok
}

func newTextDecoderClass(r *Realm) *class {
	c := r.class("TextDecoder", 0, nil, func(args []goja.Value) object {
		d := &TextDecoder{encoding: "utf-8"}
		if v := arg(args, 0); !absent(v) {
			label := strings.ToLower(strings.Trim(r.text(v), "\t\n\f\r "))
			if d.encoding = encodingLabels[label]; d.encoding == "" {
				panic(r.rangeError("the encoding %q is not known; utf-8, utf-16le, utf-16be and windows-1252 are", clip(label)))
			}
		}
		options := r.options(arg(args, 1), "TextDecoder")
		d.fatal = r.member(options, "fatal").ToBoolean()
		d.ignoreBOM = r.member(options, "ignoreBOM").ToBoolean()
		return d
	})
	attribute(c, "encoding", func(d *TextDecoder) goja.Value { return r.vm.ToValue(d.encoding) }, nil)
	attribute(c, "fatal", func(d *TextDecoder) goja.Value { return r.vm.ToValue(d.fatal) }, nil)
	attribute(c, "ignoreBOM", func(d *TextDecoder) goja.Value { return r.vm.ToValue(d.ignoreBOM) }, nil)
	method(c, "decode", 0, func(d *TextDecoder, args []goja.Value) goja.Value {
		var b []byte
		if v := arg(args, 0); !absent(v) {
			var ok bool
			if b, ok = r.bytes(v); !ok {
				panic(r.typeError("decode takes an ArrayBuffer or a view of one"))
			}
		}
		stream := r.member(r.options(arg(args, 1), "decode"), "stream").ToBoolean()
		text, ok := d.decode(b, stream)
		if !ok {
			panic(r.typeError("the data is not valid %s", d.encoding))
		}
		return r.vm.ToValue(text)
	})
	return c
}
