package engine

import (
	"strings"

	"github.com/dop251/goja"
)

// strings bounds what makes a long string, or a long array, of a short one.
func (h *hardener) strings(proto *goja.Object) {
	h.guard(proto, "repeat", func(native native, call goja.FunctionCall) goja.Value {
		var n float64
		var size int64
		call.This, size = text(call.This)
		n, call = h.number(call, 0)
		if n*float64(size) > float64(h.most) {
			h.refuseText("repeat")
		}
		return native(call)
	})
	for _, name := range []string{"padStart", "padEnd"} {
		h.guard(proto, name, func(native native, call goja.FunctionCall) goja.Value {
			var n float64
			if n, call = h.number(call, 0); n > float64(h.most) {
				h.refuseText(name)
			}
			return native(call)
		})
	}
	h.guard(proto, "concat", func(native native, call goja.FunctionCall) goja.Value {
		var size int64
		call.This, size = text(call.This)
		for i, arg := range call.Arguments {
			s, n := text(arg)
			if _, object := arg.(*goja.Object); object {
				call = with(call, i, s)
			}
			size += n
		}
		if size > h.most {
			h.refuseText("concat")
		}
		return native(call)
	})
	h.guard(proto, "split", func(native native, call goja.FunctionCall) goja.Value {
		var size int64
		if call.This, size = text(call.This); size <= h.elements {
			return native(call)
		}
		separator := call.Argument(0)
		if s, ok := separator.(goja.String); !ok || s.Length() == 0 || int64(strings.Count(call.This.String(), s.String())) > h.elements {
			h.refuseElements("split")
		}
		return native(call)
	})
	h.guard(proto, "match", func(native native, call goja.FunctionCall) goja.Value {
		var size int64
		if call.This, size = text(call.This); size > h.elements && isGlobal(call.Argument(0)) {
			h.refuseElements("match with flag g")
		}
		return native(call)
	})
	h.guard(proto, "normalize", func(native native, call goja.FunctionCall) goja.Value {
		var size int64
		if call.This, size = text(call.This); size > h.most/maxNormalized {
			h.refuseText("normalize")
		}
		return native(call)
	})
	h.guard(proto, "replace", func(native native, call goja.FunctionCall) goja.Value { return h.replace("replace", native, call) })
	h.guard(proto, "replaceAll", func(native native, call goja.FunctionCall) goja.Value { return h.replace("replaceAll", native, call) })
}

// maxNormalized is how many characters a normal form may make of one.
const maxNormalized = 18

func isGlobal(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	return ok && o.ClassName() == "RegExp" && o.Get("global").ToBoolean()
}

// replace bounds what the matches' replacements add up to.
func (h *hardener) replace(name string, native native, call goja.FunctionCall) goja.Value {
	var size int64
	call.This, size = text(call.This)
	if _, is := call.This.(goja.String); is && name == "replaceAll" && emptySearch(call.Argument(0)) {
		native = h.between
	}
	if _, function := goja.AssertFunction(call.Argument(1)); function {
		return native(with(call, 1, h.counted(name, call.Argument(1), size)))
	}
	by, long := text(call.Argument(1))
	if _, object := call.Argument(1).(*goja.Object); object {
		call = with(call, 1, by)
	}
	each, whole := long, int64(0)
	if s, ok := by.(goja.String); ok {
		each, whole = expansion(s, size)
	}
	matches := int64(1)
	if name == "replaceAll" || isGlobal(call.Argument(0)) {
		matches = size + 1
	}
	if size+whole+each <= h.most/max(1, matches) {
		return native(call)
	}
	if matches > 1 { // a match a character is rare: count them
		matches = 0
		count := h.rt.ToValue(func(goja.FunctionCall) goja.Value {
			matches++
			return h.rt.ToValue("")
		})
		native(with(call, 1, count))
	}
	if size+whole > h.most || each > 0 && matches > (h.most-size-whole)/each {
		h.refuseText(name)
	}
	return native(call)
}

// expansion is how long a replacement may become for each match, and, of what
// repeats parts of the matches, for all of them together.
func expansion(by goja.String, size int64) (each, all int64) {
	each = int64(by.Length())
	if s := by.String(); strings.IndexByte(s, '$') >= 0 {
		around := int64(strings.Count(s, "$`") + strings.Count(s, "$'"))
		each += around * size
		all = int64(strings.Count(s, "$")) * size
	}
	return each, all
}

// counted stands before a replacing function and adds up what it returns.
func (h *hardener) counted(name string, v goja.Value, size int64) goja.Value {
	fn, ok := inner(v)
	if !ok {
		return v
	}
	return h.rt.ToValue(func(call goja.FunctionCall) goja.Value {
		s, n := text(fn(call))
		if size += n; size > h.most {
			h.refuseText(name)
		}
		return s
	})
}
