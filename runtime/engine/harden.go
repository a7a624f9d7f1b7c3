package engine

import (
	"embed"
	"fmt"
	"reflect"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/webapi"
)

// Bounds inside a VM. Natives cannot be interrupted, so the ones that can hold a
// processor or fill memory in one call have bounds of their own. They make the
// death of a process rare; what makes it harmless is the worker around it.
const (
	maxElements  = 1 << 24 // of an array that a native goes through, where memory allows as many
	maxArguments = 1 << 16 // of one call through apply
	maxDepth     = 1000    // of what natives go into: nested arrays, bound functions, proxies
	elementBytes = 16      // of one element of an array
)

// harden takes code generation away and bounds the natives that are worst. What can be
// reached without naming a global is done here; the rest when it is named.
func harden(rt *goja.Runtime, asyncProto, generatorProto *goja.Object, hit func(invocation.Hits)) (*hardener, error) {
	rt.SetParserOptions(parser.WithDisableSourceMaps)
	h := &hardener{rt: rt, hit: hit, plain: rt.GlobalObject()}
	h.limit(int64(function.DefaultLimits().Memory))
	h.codeGeneration(asyncProto, generatorProto)
	h.functions(h.function.Get("prototype").(*goja.Object))
	h.strings(h.object("String", "prototype"))
	h.arrays(h.object("Array"))
	return h, h.err
}

// limit sets how many bytes one native may take.
func (h *hardener) limit(most int64) {
	h.most, h.elements = most, min(maxElements, most/elementBytes)
}

// belong gives the guards a version's bounds, and code generation where its manifest
// asks for it.
func (h *hardener) belong(p *program) {
	h.limit(int64(p.bounds.Memory))
	if p.manifest.UnsafeEval {
		h.evals = h.checkText
	}
}

type hardener struct {
	rt            *goja.Runtime
	most          int64 // bytes, or characters, of one allocation
	elements      int64 // of one array
	hit           func(invocation.Hits)
	function      *goja.Object          // what stands for Function
	array         *goja.Object          // what stands for Array
	likes         map[string]native     // of guards/arraylike.js, once one is needed
	powers        [2]goja.Value         // of guards/power.js
	evals         func(text goja.Value) // checks text before code is made of it; nil: none is made
	joining       int                   // calls of join within calls of join
	bound         *goja.Symbol          // under which a bound function keeps how many are in it
	views         bool                  // what typed arrays have in common is bounded
	international *goja.Object          // what Intl is made of, once one is needed
	plain         *goja.Object          // goja's own global object
	weaks         *goja.Object          // WeakMap and WeakSet, once one is needed
	err           error
}

// native is a function of the VM as Go calls it: what it throws is a panic that the
// VM takes up again.
type native = func(call goja.FunctionCall) goja.Value

// global sees each global of the language when a function first names it.
func (h *hardener) global(name string, v goja.Value) goja.Value {
	if name == "Array" {
		v = h.array
	}
	v = h.fill(name, v)
	o, ok := v.(*goja.Object)
	if !ok {
		return v
	}
	switch name {
	case "Function":
		return h.function
	case "eval":
		return h.eval(o)
	case "BigInt":
		return h.bigints(o)
	case "Object":
		h.objects(o)
	case "Proxy":
		return h.proxies(o)
	case "Reflect":
		h.reflect(o)
	}
	if width, buffer := bufferClasses[name]; buffer {
		return h.buffer(name, o, width)
	}
	return v
}

func (h *hardener) object(path ...string) *goja.Object {
	var v goja.Value = h.rt.GlobalObject()
	for _, name := range path {
		o, ok := v.(*goja.Object)
		if !ok {
			break
		}
		v = o.Get(name)
	}
	o, ok := v.(*goja.Object)
	if !ok {
		h.fail(fmt.Errorf("harden VM: %v is no object", path))
		return h.rt.NewObject()
	}
	return o
}

func (h *hardener) fail(err error) {
	if h.err == nil && err != nil {
		h.err = err
	}
}

func (h *hardener) define(o *goja.Object, name string, v goja.Value) {
	h.fail(o.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}

// inner is the Go function that a function of the VM is.
func inner(v goja.Value) (native, bool) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	fn, ok := o.Export().(native)
	return fn, ok
}

// guard has a native called through one that stands before it.
func (h *hardener) guard(o *goja.Object, name string, stand func(native native, call goja.FunctionCall) goja.Value) {
	h.guardValue(o.Get(name), name, stand)
}

func (h *hardener) guardValue(fn goja.Value, name string, stand func(native native, call goja.FunctionCall) goja.Value) {
	if !webapi.Guard(fn, func(native native) native {
		return func(call goja.FunctionCall) goja.Value { return stand(native, call) }
	}) {
		h.fail(fmt.Errorf("harden VM: no function %s", name))
	}
}

func (h *hardener) name(fn *goja.Object, name string, length int) {
	h.fail(fn.DefineDataProperty("name", h.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	h.fail(fn.DefineDataProperty("length", h.rt.ToValue(length), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}

// with is a call with one argument replaced: by what it was converted to, so that
// the native cannot be told another value than the guard was.
func with(call goja.FunctionCall, at int, v goja.Value) goja.FunctionCall {
	args := make([]goja.Value, max(len(call.Arguments), at+1))
	for i := range args {
		args[i] = call.Argument(i)
	}
	args[at] = v
	call.Arguments = args
	return call
}

// number is an argument as a number, converted once.
func (h *hardener) number(call goja.FunctionCall, at int) (float64, goja.FunctionCall) {
	v := call.Argument(at)
	f := v.ToFloat()
	if _, object := v.(*goja.Object); object {
		call = with(call, at, h.rt.ToValue(f))
	}
	return f, call
}

// text is a value as a string, converted once. What cannot be is left to the native.
func text(v goja.Value) (goja.Value, int64) {
	if o, object := v.(*goja.Object); object {
		v = o.ToString()
	}
	if s, ok := v.(goja.String); ok {
		return s, int64(s.Length())
	}
	return v, 0
}

// refuse ends native code that would take more than the function's share.
func (h *hardener) refuse(format string, args ...any) {
	h.hit(invocation.HitMemory)
	h.throw("RangeError", fmt.Sprintf(format, args...))
}

func (h *hardener) refuseElements(name string) {
	h.refuse("Invalid array length: %s takes at most %d elements (limits.memory)", name, h.elements)
}

func (h *hardener) refuseText(name string) {
	h.refuse("Invalid string length: %s would make more than %d characters (limits.memory)", name, h.most)
}

var arrayType = reflect.TypeFor[[]any]()

// elementsOf is how many elements a value has, where it is an array and nothing that
// only looks like one.
func elementsOf(v goja.Value) (n int64, array bool) {
	o, ok := v.(*goja.Object)
	if !ok || o.ExportType() != arrayType || o.ClassName() != "Array" {
		return 0, false
	}
	return o.Get("length").ToInteger(), true
}

//go:embed guards/*.js
var guardFiles embed.FS

// guardProgram compiles one of the files, once for the process: each is a function
// of what it needs.
func guardProgram(name string) func() *goja.Program {
	return sync.OnceValue(func() *goja.Program {
		code, err := guardFiles.ReadFile("guards/" + name + ".js")
		if err != nil {
			panic(err) // embedded: each VM loads them
		}
		return goja.MustCompile("hadron:"+name, string(code), true)
	})
}

var arrayLikes, powers = guardProgram("arraylike"), guardProgram("power")

// load evaluates a file and returns what it makes.
func (h *hardener) load(program *goja.Program, args ...goja.Value) *goja.Object {
	v, err := h.rt.RunProgram(program)
	if err != nil {
		panic(err)
	}
	make, ok := inner(v)
	if !ok {
		panic(h.rt.NewTypeError("a guard is no function"))
	}
	return make(goja.FunctionCall{This: goja.Undefined(), Arguments: args}).(*goja.Object)
}
