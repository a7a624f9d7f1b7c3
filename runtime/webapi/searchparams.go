package webapi

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// SearchParams is the class URLSearchParams.
type SearchParams struct {
	instance
	list  fieldList
	owner *URL // nil where it stands alone
}

func (p *SearchParams) changed() {
	if p.owner != nil {
		p.owner.u.SetSearch(encodeQuery(p.list))
	}
}

func (p *SearchParams) at(i int) (name, value string, ok bool) {
	if i >= len(p.list) {
		return "", "", false
	}
	return p.list[i].name, p.list[i].value, true
}

// parseQuery reads application/x-www-form-urlencoded.
func parseQuery(query string) fieldList {
	var list fieldList
	for len(query) > 0 {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		list.add(decodeForm(name), decodeForm(value))
	}
	return list
}

func decodeForm(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b = append(b, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return decodeUTF8(b)
}

// decodeUTF8 replaces what is malformed, one U+FFFD for each maximal part.
func decodeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	d := utf8Decoder{}
	d.write(&out, b)
	d.end(&out)
	return out.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func encodeQuery(list fieldList) string {
	var b strings.Builder
	for i, f := range list {
		if i > 0 {
			b.WriteByte('&')
		}
		encodeForm(&b, f.name)
		b.WriteByte('=')
		encodeForm(&b, f.value)
	}
	return b.String()
}

func encodeForm(b *strings.Builder, s string) {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			b.WriteByte('+')
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '*', c == '-', c == '.', c == '_':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
}

// compareUTF16 orders by code units, as the standard does.
func compareUTF16(a, b string) int {
	if ascii(a) && ascii(b) {
		return strings.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

func (r *Realm) searchParamsFrom(init goja.Value) fieldList {
	if absent(init) {
		return nil
	}
	o, ok := init.(*goja.Object)
	if !ok {
		return parseQuery(strings.TrimPrefix(r.text(init), "?"))
	}
	if other, ok := unwrap[*SearchParams](o); ok && r.use("URLSearchParams").pristine(o) {
		return slices.Clone(other.list)
	}
	var list fieldList
	if fn := o.GetSymbol(goja.SymIterator); !nullish(fn) {
		r.forOf(o, func(v goja.Value) {
			pair := r.sequence(v, "a parameter")
			if len(pair) != 2 {
				panic(r.typeError("a parameter is a pair of name and value; here stand %d values", len(pair)))
			}
			list.add(r.text(pair[0]), r.text(pair[1]))
		})
		return list
	}
	r.record(o, func(key string, value goja.Value) { list.set(key, r.text(value)) })
	return list
}

func newSearchParamsClass(r *Realm) *class {
	c := r.class("URLSearchParams", 0, nil, func(args []goja.Value) object {
		return &SearchParams{list: r.searchParamsFrom(arg(args, 0))}
	})
	method(c, "append", 2, func(p *SearchParams, args []goja.Value) goja.Value {
		p.list.add(r.text(args[0]), r.text(args[1]))
		p.changed()
		return goja.Undefined()
	})
	method(c, "set", 2, func(p *SearchParams, args []goja.Value) goja.Value {
		p.list.set(r.text(args[0]), r.text(args[1]))
		p.changed()
		return goja.Undefined()
	})
	matcher := func(args []goja.Value) func(field) bool {
		name := r.text(args[0])
		if v := arg(args, 1); !absent(v) {
			value := r.text(v)
			return func(f field) bool { return f.name == name && f.value == value }
		}
		return func(f field) bool { return f.name == name }
	}
	method(c, "delete", 1, func(p *SearchParams, args []goja.Value) goja.Value {
		p.list = slices.DeleteFunc(p.list, matcher(args))
		p.changed()
		return goja.Undefined()
	})
	method(c, "has", 1, func(p *SearchParams, args []goja.Value) goja.Value {
		return r.vm.ToValue(slices.ContainsFunc(p.list, matcher(args)))
	})
	method(c, "get", 1, func(p *SearchParams, args []goja.Value) goja.Value {
		if i := slices.IndexFunc(p.list, matcher(args[:1])); i >= 0 {
			return r.vm.ToValue(p.list[i].value)
		}
		return goja.Null()
	})
	method(c, "getAll", 1, func(p *SearchParams, args []goja.Value) goja.Value {
		out, match := []any{}, matcher(args[:1])
		for _, f := range p.list {
			if match(f) {
				out = append(out, f.value)
			}
		}
		return r.vm.NewArray(out...)
	})
	method(c, "sort", 0, func(p *SearchParams, _ []goja.Value) goja.Value {
		slices.SortStableFunc(p.list, func(a, b field) int { return compareUTF16(a.name, b.name) })
		p.changed()
		return goja.Undefined()
	})
	method(c, "toString", 0, func(p *SearchParams, _ []goja.Value) goja.Value {
		return r.vm.ToValue(encodeQuery(p.list))
	})
	attribute(c, "size", func(p *SearchParams) goja.Value { return r.vm.ToValue(len(p.list)) }, nil)
	pairs(c, (*SearchParams).at)
	return c
}
