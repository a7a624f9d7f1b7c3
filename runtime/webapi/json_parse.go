package webapi

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// jsonText is a scanned text that values may still come out of.
type jsonText struct {
	text  string
	nodes []jsonNode
}

// jsonParser makes JavaScript values of a text.
type jsonParser struct {
	j     *jsonRealm
	text  string
	pos   int
	depth int
	lone  bool // the text may hold surrogates that stand alone, as three bytes each
	of    *jsonText
	next  int32 // the next node of of
	chunk strings.Builder
	spent int // bytes that the values take, as far as it can be told

	// Stacks of what belongs to the objects and arrays that are open.
	names  []unistring.String
	values []goja.Value
}

// parse is JSON.parse without a reviver.
func (j *jsonRealm) parse(text string, lone bool) goja.Value {
	p := j.take()
	defer p.release()
	p.text, p.lone = text, lone
	if len(text) >= j.lazyText && len(text) <= math.MaxInt32 && !lone {
		s := jsonScanner{text: text, part: j.lazyPart, nodes: j.nodes[:0], keys: j.hashes[:0]}
		ok := s.scan()
		j.nodes, j.hashes = s.nodes[:0], s.keys[:0]
		if !ok {
			p.pos = s.pos
			p.fail(s.deep)
		}
		if len(s.nodes) > 0 {
			p.of = &jsonText{text, append([]jsonNode(nil), s.nodes...)}
		}
	}
	p.space()
	v := p.value()
	if p.space(); p.pos < len(p.text) {
		p.fail(false)
	}
	return v
}

// take returns a parser to be released: the realm's own, where that is free.
func (j *jsonRealm) take() *jsonParser {
	p := &j.parser
	if p.j != nil {
		p = &jsonParser{}
	}
	p.j = j
	return p
}

// release lets go of everything but a little memory for the next.
func (p *jsonParser) release() {
	const most = 4096
	clear(p.values[:cap(p.values)])
	if cap(p.values) > most {
		p.values = nil
	}
	if cap(p.names) > most {
		p.names = nil
	}
	*p = jsonParser{names: p.names[:0], values: p.values[:0]}
}

// fail throws what a malformed text makes JSON.parse throw.
func (p *jsonParser) fail(deep bool) {
	switch {
	case deep:
		p.j.throw("SyntaxError", "JSON is nested more than "+strconv.Itoa(maxJSONDepth)+" deep")
	case p.pos >= len(p.text):
		p.j.throw("SyntaxError", "Unexpected end of JSON input")
	}
	c, size := utf8.DecodeRuneInString(p.text[p.pos:])
	if size == 1 && c == utf8.RuneError {
		c = rune(p.text[p.pos])
	}
	p.j.throw("SyntaxError", "Unexpected token "+strconv.QuoteRune(c)+" in JSON at position "+strconv.Itoa(p.units(p.pos)))
}

// units counts characters as JavaScript does.
func (p *jsonParser) units(pos int) int {
	n := 0
	for _, c := range p.text[:pos] {
		if n++; c > 0xffff {
			n++
		}
	}
	return n
}

// What goja needs for an object, an array, and a value in either. A short text can
// stand for a lot: "[]" takes a hundred times its length.
const (
	objectBytes = 480
	arrayBytes  = 420
	valueBytes  = 24
	maxGrowth   = 4 // of the values over what one native allocation may take
)

// spend bounds what one call makes, which nothing could interrupt.
func (p *jsonParser) spend(n int) {
	if p.spent += n; p.spent > maxGrowth*p.j.most {
		p.j.throw("RangeError", "JSON.parse: the values take more memory than this function may hold")
	}
}

func (p *jsonParser) space() {
	for p.pos < len(p.text) && isJSONSpace(p.text[p.pos]) {
		p.pos++
	}
}

func (p *jsonParser) value() goja.Value {
	if p.pos >= len(p.text) {
		p.fail(false)
	}
	switch c := p.text[p.pos]; c {
	case '"':
		return p.string()
	case '{', '[':
		if v := p.later(); v != nil {
			return v
		}
		if c == '{' {
			o := p.j.vm.NewObject()
			p.object(o)
			return o
		}
		o := p.j.vm.NewArray()
		p.array(o)
		return o
	case 't':
		return p.word("true", p.j.yes)
	case 'f':
		return p.word("false", p.j.no)
	case 'n':
		return p.word("null", goja.Null())
	default:
		return p.number()
	}
}

func (p *jsonParser) word(w string, v goja.Value) goja.Value {
	n := wordPrefix(p.text[p.pos:], w)
	if p.pos += n; n < len(w) {
		p.fail(false)
	}
	return v
}

// later puts off the node that begins here; nil where none does.
func (p *jsonParser) later() goja.Value {
	if p.of == nil || int(p.next) >= len(p.of.nodes) || int(p.of.nodes[p.next].start) != p.pos {
		return nil
	}
	node := p.next
	n := &p.of.nodes[node]
	p.pos, p.next = int(n.end), n.next
	p.spend(2 * objectBytes)
	return p.j.lazy(p.of, node)
}

func (p *jsonParser) enter() {
	if p.depth++; p.depth > maxJSONDepth {
		p.fail(true)
	}
	p.pos++
	p.space()
}

// separator passes a comma and answers true, or the end.
func (p *jsonParser) separator(end byte) bool {
	p.space()
	if p.pos >= len(p.text) {
		p.fail(false)
	}
	switch p.text[p.pos] {
	case ',':
		p.pos++
		p.space()
		return true
	case end:
		p.pos++
		p.depth--
		return false
	}
	p.fail(false)
	return false
}

// array reads one into an empty array.
func (p *jsonParser) array(into *goja.Object) {
	p.enter()
	if p.pos < len(p.text) && p.text[p.pos] == ']' {
		p.pos++
		p.depth--
		p.spend(arrayBytes)
		return
	}
	first := len(p.values)
	for more := true; more; more = p.separator(']') {
		p.values = append(p.values, p.value())
	}
	p.spend(arrayBytes + valueBytes*(len(p.values)-first))
	objectLayout().fillArray(into, append([]goja.Value(nil), p.values[first:]...))
	p.values = p.values[:first]
}

// object reads one into an empty object.
func (p *jsonParser) object(into *goja.Object) {
	p.enter()
	if p.pos < len(p.text) && p.text[p.pos] == '}' {
		p.pos++
		p.depth--
		p.spend(objectBytes)
		return
	}
	first, firstName := len(p.values), len(p.names)
	for more := true; more; more = p.separator('}') {
		if p.pos >= len(p.text) || p.text[p.pos] != '"' {
			p.fail(false)
		}
		p.names = append(p.names, p.key())
		if p.space(); p.pos >= len(p.text) || p.text[p.pos] != ':' {
			p.fail(false)
		}
		p.pos++
		p.space()
		p.values = append(p.values, p.value())
	}
	p.spend(objectBytes + 3*valueBytes*(len(p.values)-first))
	objectLayout().fillObject(into, p.names[firstName:], p.values[first:])
	p.names, p.values = p.names[:firstName], p.values[:first]
}

func (p *jsonParser) number() goja.Value {
	rest := p.text[p.pos:]
	n, ok := readNumber(rest)
	if !ok {
		p.pos += n.length
		p.fail(false)
	}
	p.pos += n.length
	text := rest[:n.length]
	if !n.fraction && !n.exponent && n.digits <= 15 && text != "-0" {
		whole, negative := int64(0), false
		for i := range len(text) {
			if text[i] == '-' {
				negative = true
				continue
			}
			whole = whole*10 + int64(text[i]-'0')
		}
		if negative {
			whole = -whole
		}
		return p.j.vm.ToValue(whole)
	}
	f, _ := strconv.ParseFloat(text, 64) // beyond the largest number it is infinite, as the standard says
	return p.j.vm.ToValue(f)
}
