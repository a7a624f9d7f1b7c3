package webapi

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"
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
	if utf8.Valid(b) {
		out.Write(b)
		return
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

// TextDecoder is the class of that name, for the encodings of the standard.
type TextDecoder struct {
	instance
	encoding  string
	fatal     bool
	ignoreBOM bool
	utf8      utf8Decoder
	legacy    transform.Transformer // of encodings that are no form of Unicode
	table     *charmap.Charmap      // of those with a byte for each character
	held      []byte                // what such a one, or UTF-16, has to see the end of
	bomDone   bool
	streaming bool
}

// unicodeLabels are those of the encodings that are decoded here.
var unicodeLabels = func() map[string]string {
	m := map[string]string{}
	for name, labels := range map[string]string{
		"utf-8":    "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
		"utf-16le": "utf-16le utf-16 ucs-2 unicode unicodefeff iso-10646-ucs-2 csunicode",
		"utf-16be": "utf-16be unicodefffe",
	} {
		for _, label := range strings.Fields(labels) {
			m[label] = name
		}
	}
	return m
}()

// newTextDecoder reads the arguments of the constructor.
func (r *Realm) newTextDecoder(args []goja.Value) *TextDecoder {
	d := &TextDecoder{encoding: "utf-8"}
	if v := arg(args, 0); !absent(v) {
		label := strings.ToLower(strings.Trim(r.text(v), "\t\n\f\r "))
		if d.encoding = unicodeLabels[label]; d.encoding == "" && !d.find(label) {
			panic(r.rangeError("the encoding %q is not known", clip(label)))
		}
	}
	options := r.options(arg(args, 1), "TextDecoder")
	d.fatal = r.member(options, "fatal").ToBoolean()
	d.ignoreBOM = r.member(options, "ignoreBOM").ToBoolean()
	return d
}

func (d *TextDecoder) find(label string) bool {
	e, err := htmlindex.Get(label)
	if err != nil || strings.ContainsAny(label, " \v\u00a0\u0085\u2028") {
		return false
	}
	name, err := htmlindex.Name(e)
	if err != nil || name == "replacement" {
		return false
	}
	d.encoding, d.legacy = name, e.NewDecoder()
	d.table, _ = e.(*charmap.Charmap)
	return true
}

// decode decodes the next bytes; it answers false where a fatal decoder met what is
// malformed.
func (d *TextDecoder) decode(b []byte, stream bool) (string, bool) {
	if !d.streaming {
		d.utf8, d.held, d.bomDone = utf8Decoder{}, nil, false
		if d.legacy != nil {
			d.legacy.Reset()
		}
	}
	d.streaming = stream
	var out strings.Builder
	var ok bool
	switch {
	case d.table != nil:
		ok = d.decodeBytes(&out, b)
	case d.legacy != nil:
		ok = d.decodeLegacy(&out, b, stream)
	case d.encoding == "utf-8":
		d.utf8.write(&out, b)
		if !stream {
			d.utf8.end(&out)
		}
		ok, d.utf8.bad = !d.utf8.bad, false
	default:
		ok = d.decodeWide(&out, b, stream)
	}
	text := out.String()
	if !d.bomDone && text != "" {
		d.bomDone = true
		if !d.ignoreBOM && d.legacy == nil {
			text = strings.TrimPrefix(text, "\uFEFF")
		}
	}
	return text, ok || !d.fatal
}

func (d *TextDecoder) decodeBytes(out *strings.Builder, b []byte) bool {
	windows := strings.HasPrefix(d.encoding, "windows-")
	out.Grow(len(b))
	ok := true
	for _, b := range b {
		c := d.table.DecodeByte(b)
		if c == utf8.RuneError && windows && b < 0xa0 {
			c = rune(b) // the standard leaves no holes among these
		}
		ok = ok && c != utf8.RuneError
		out.WriteRune(c)
	}
	return ok
}

func (d *TextDecoder) decodeLegacy(out *strings.Builder, b []byte, stream bool) bool {
	if len(d.held) > 0 {
		b = append(d.held, b...)
		d.held = nil
	}
	var buf [4096]byte
	ok := true
	for {
		n, read, err := d.legacy.Transform(buf[:], b, !stream)
		out.Write(buf[:n])
		ok = ok && !strings.Contains(string(buf[:n]), "\uFFFD")
		b = b[read:]
		switch {
		case err == nil:
			return ok
		case errors.Is(err, transform.ErrShortDst) && (n > 0 || read > 0):
		case errors.Is(err, transform.ErrShortSrc) && stream:
			d.held = append([]byte(nil), b...)
			return ok
		default: // a decoder that stands still
			out.WriteRune(utf8.RuneError)
			return false
		}
	}
}

func (d *TextDecoder) decodeWide(out *strings.Builder, b []byte, stream bool) bool {
	b = append(d.held, b...)
	d.held = nil
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
				d.held = append(d.held, b[i:]...)
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
			d.held = append(d.held, b[i:]...)
		} else {
			ok = false
			out.WriteRune(utf8.RuneError)
		}
	}
	return ok
}

func newTextDecoderClass(r *Realm) *class {
	c := r.class("TextDecoder", 0, nil, func(args []goja.Value) object { return r.newTextDecoder(args) })
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
