package webapi

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// key reads a property's name. Most were seen before: those take no memory.
func (p *jsonParser) key() unistring.String {
	text, start := p.text, p.pos+1
	i, hash := start, uint32(0)
	for i < len(text) && plainText[text[i]] && text[i] < utf8.RuneSelf {
		hash = hash*31 + uint32(text[i])
		i++
	}
	if i < len(text) && text[i] == '"' {
		p.pos = i + 1
		known := &p.j.known()[hash%knownNames]
		if key := text[start:i]; *known != key {
			if len(key) > maxKnownName {
				return unistring.String(strings.Clone(key))
			}
			*known = strings.Clone(key)
		}
		return unistring.String(*known)
	}
	plain, units := p.characters()
	if units != nil {
		return unistring.FromUtf16(append([]uint16{unistring.BOM}, units...))
	}
	return unistring.NewFromString(strings.Clone(plain))
}

func (p *jsonParser) string() goja.Value {
	plain, units := p.characters()
	if units != nil {
		return goja.StringFromUTF16(units)
	}
	return p.j.vm.ToValue(p.keep(plain))
}

// keep copies a part of the text, so that a value that lives on does not hold all
// of it. Short ones share a piece of memory.
func (p *jsonParser) keep(s string) string {
	const piece = 1 << 10
	if len(s) > piece/4 {
		return strings.Clone(s)
	}
	at := p.chunk.Len()
	if p.chunk.Cap()-at < len(s) {
		p.chunk, at = strings.Builder{}, 0
		p.chunk.Grow(max(len(s), min(piece, len(p.text)-p.pos)))
	}
	p.chunk.WriteString(s)
	return p.chunk.String()[at:]
}

// characters reads a string: as UTF-8, which may be a part of the text, or as
// UTF-16 where surrogates stand alone in it.
func (p *jsonParser) characters() (plain string, units []uint16) {
	text, start := p.text, p.pos+1
	i := start
	for i < len(text) && plainText[text[i]] {
		i++
	}
	if i < len(text) && text[i] == '"' && !p.lone {
		p.pos = i + 1
		return text[start:i], nil
	}
	return p.escaped(start)
}

// escaped reads a string with escapes in it.
func (p *jsonParser) escaped(i int) (string, []uint16) {
	text := p.text
	var out []uint16
	for {
		if i >= len(text) {
			p.pos = i
			p.fail(false)
		}
		c := text[i]
		switch {
		case c == '"':
			p.pos = i + 1
			if alone(out) {
				return "", out
			}
			return string(utf16.Decode(out)), nil
		case c < ' ':
			p.pos = i
			p.fail(false)
		case c == '\\':
			unit, size := p.escape(i)
			out = append(out, unit)
			i += size
		case c < utf8.RuneSelf:
			out = append(out, uint16(c))
			i++
		case c == 0xed && i+2 < len(text) && text[i+1] >= 0xa0: // a surrogate as three bytes
			out = append(out, 0xd000|uint16(text[i+1]&0x3f)<<6|uint16(text[i+2]&0x3f))
			i += 3
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			out = utf16.AppendRune(out, r)
			i += size
		}
	}
}

func (p *jsonParser) escape(i int) (unit uint16, size int) {
	rest := p.text[i+1:]
	if rest == "" {
		p.pos = len(p.text)
		p.fail(false)
	}
	switch rest[0] {
	case '"', '\\', '/':
		return uint16(rest[0]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		if unit, ok := hex4(rest[1:]); ok {
			return unit, 6
		}
	}
	p.pos = i
	p.fail(false)
	return 0, 0
}

// alone reports whether a surrogate stands alone.
func alone(units []uint16) bool {
	for i := 0; i < len(units); i++ {
		switch u := units[i]; {
		case u&0xfc00 == 0xd800 && i+1 < len(units) && units[i+1]&0xfc00 == 0xdc00:
			i++
		case u&0xf800 == 0xd800:
			return true
		}
	}
	return false
}
