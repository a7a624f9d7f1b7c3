package engine

import (
	"unicode/utf16"

	"github.com/dop251/goja"

	"hadron/runtime/webapi"
)

// emptySearch reports whether replaceAll is to look for nothing. goja finds it
// behind the end of a text beyond ASCII for ever.
func emptySearch(v goja.Value) bool {
	if o, object := v.(*goja.Object); object {
		if replace := o.GetSymbol(goja.SymReplace); replace != nil && !goja.IsUndefined(replace) && !goja.IsNull(replace) {
			return false
		}
	}
	s, _ := text(v)
	found, ok := s.(goja.String)
	return ok && found.Length() == 0
}

// between puts the replacement before each code unit of a text and behind the last:
// replaceAll of nothing.
func (h *hardener) between(call goja.FunctionCall) goja.Value {
	s := call.This.(goja.String)
	fn, function := webapi.Function(h.rt, call.Argument(1))
	var by []uint16
	if !function {
		by = units(call.Argument(1).String())
		if v, ok := call.Argument(1).(goja.String); ok {
			by = unitsOf(v, 0, v.Length())
		}
	}
	var out []uint16
	for i := 0; i <= s.Length(); i++ {
		if function {
			answer, err := fn(goja.Undefined(), h.rt.ToValue(""), h.rt.ToValue(i), s)
			if err != nil {
				panic(err)
			}
			made, _ := text(answer)
			if v, ok := made.(goja.String); ok {
				out = append(out, unitsOf(v, 0, v.Length())...)
			} else {
				out = append(out, units(made.String())...)
			}
		} else {
			out = expandAt(out, by, s, i)
		}
		if i < s.Length() {
			out = append(out, s.CharAt(i))
		}
	}
	return goja.StringFromUTF16(out)
}

// expandAt appends a replacement for the empty match at an index.
func expandAt(out, by []uint16, s goja.String, at int) []uint16 {
	for i := 0; i < len(by); i++ {
		if by[i] != '$' || i+1 == len(by) {
			out = append(out, by[i])
			continue
		}
		switch by[i+1] {
		case '$':
			out = append(out, '$')
		case '&':
		case '`':
			out = append(out, unitsOf(s, 0, at)...)
		case '\'':
			out = append(out, unitsOf(s, at, s.Length())...)
		default:
			out = append(out, '$')
			continue
		}
		i++
	}
	return out
}

func units(s string) []uint16 { return utf16.Encode([]rune(s)) }

func unitsOf(s goja.String, from, to int) []uint16 {
	out := make([]uint16, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, s.CharAt(i))
	}
	return out
}
