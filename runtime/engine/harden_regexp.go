package engine

import (
	"runtime"

	"github.com/dop251/goja"
)

// expressionSymbols are the methods of expressions that goja has under symbols.
var expressionSymbols = map[string]*goja.Symbol{
	"[Symbol.match]": goja.SymMatch, "[Symbol.matchAll]": goja.SymMatchAll, "[Symbol.replace]": goja.SymReplace,
	"[Symbol.search]": goja.SymSearch, "[Symbol.split]": goja.SymSplit,
}

// receivers has what goja's expressions throw be an error of the language where they
// read what is not there: a receiver that has no exec, or a match without an index.
func (h *hardener) receivers(proto *goja.Object) {
	methods := map[string]goja.Value{"test": proto.Get("test"), "exec": proto.Get("exec"), "toString": proto.Get("toString")}
	for name, symbol := range expressionSymbols {
		methods[name] = proto.GetSymbol(symbol)
	}
	for name, method := range methods {
		h.guardValue(method, name, func(native native, call goja.FunctionCall) goja.Value {
			defer func() {
				if p := recover(); p != nil {
					if _, broken := p.(runtime.Error); broken {
						h.throw("TypeError", "RegExp.prototype."+name+" called on what is no regular expression")
					}
					panic(p)
				}
			}()
			return native(call)
		})
	}
}
