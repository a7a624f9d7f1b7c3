package engine

import (
	"github.com/dop251/goja"
)

// maxEval bounds the text that code is made of at run time, in bytes.
const maxEval = 1 << 20

// codeGeneration replaces the constructors that compile text. What many libraries
// ask of Function, the global object, is still answered. Where the manifest asks for
// code from text, the text is held to what the parser bears.
func (h *hardener) codeGeneration(asyncProto, generatorProto *goja.Object) {
	global := h.rt.ToValue(func(goja.FunctionCall) goja.Value { return h.rt.GlobalObject() }).(*goja.Object)
	stub := func(name string, proto *goja.Object) *goja.Object {
		original, _ := proto.Get("constructor").(*goja.Object)
		fn := h.rt.ToValue(func(call goja.ConstructorCall) *goja.Object {
			switch {
			case h.evals != nil && original != nil:
				return h.compile(original, call.Arguments)
			case name == "Function" && len(call.Arguments) == 1 && goja.IsString(call.Argument(0)) && call.Argument(0).String() == "return this":
				return global
			}
			h.refuseCode()
			return nil
		}).(*goja.Object)
		h.name(fn, name, 1)
		h.fail(fn.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE))
		h.fail(proto.DefineDataProperty("constructor", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
		return fn
	}
	h.function = stub("Function", asyncProto.Prototype())
	stub("AsyncFunction", asyncProto)
	stub("GeneratorFunction", generatorProto)
}

// compile makes a function of text that was checked.
func (h *hardener) compile(class *goja.Object, args []goja.Value) *goja.Object {
	texts := make([]goja.Value, len(args))
	for i, arg := range args {
		texts[i], _ = text(arg)
		h.evals(texts[i])
	}
	fn, err := h.rt.New(class, texts...)
	if err != nil {
		panic(err)
	}
	return fn
}

// checkText refuses what would take the parser too deep, or too long.
func (h *hardener) checkText(v goja.Value) {
	s, ok := v.(goja.String)
	if !ok {
		return
	}
	if s.Length() > maxEval {
		h.throw("EvalError", "the text is too long to make code of it")
	}
	if nesting([]byte(s.String())) > maxNesting {
		h.throw("EvalError", errNesting.Error())
	}
}

func (h *hardener) refuseCode() {
	h.throw("EvalError", "making code from text is not allowed here (unsafe_eval)")
}

// eval is the indirect one: its code sees globals and nothing of its caller.
func (h *hardener) eval(original *goja.Object) *goja.Object {
	run, _ := inner(original)
	eval := h.rt.ToValue(func(call goja.FunctionCall) goja.Value {
		if h.evals == nil || run == nil {
			h.refuseCode()
		}
		h.evals(call.Argument(0))
		return run(call)
	}).(*goja.Object)
	h.name(eval, "eval", 1)
	return eval
}
