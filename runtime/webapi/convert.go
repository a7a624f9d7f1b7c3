package webapi

import (
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

func arg(args []goja.Value, i int) goja.Value {
	if i < len(args) {
		return args[i]
	}
	return goja.Undefined()
}

// absent reports whether an optional argument or member was left out.
func absent(v goja.Value) bool { return v == nil || goja.IsUndefined(v) }

func nullish(v goja.Value) bool { return absent(v) || goja.IsNull(v) }

// text converts as WebIDL's USVString does: a lone surrogate becomes U+FFFD.
func (r *Realm) text(v goja.Value) string {
	if _, is := v.(*goja.Symbol); is {
		panic(r.vm.NewTypeError("a Symbol cannot be made a string"))
	}
	return v.String()
}

// latin converts as WebIDL's ByteString does: each character stands for a byte.
func (r *Realm) latin(v goja.Value) string {
	s := r.text(v)
	for _, c := range s {
		if c > 0xff {
			panic(r.vm.NewTypeError("%q holds a character beyond U+00FF, which a header cannot carry", clip(s)))
		}
	}
	return s
}

// member reads one member of an options bag, or undefined where there is none.
func (r *Realm) member(options goja.Value, name string) goja.Value {
	o, ok := options.(*goja.Object)
	if !ok {
		return goja.Undefined()
	}
	if v := o.Get(name); v != nil {
		return v
	}
	return goja.Undefined()
}

// options checks that v can stand where a dictionary is expected.
func (r *Realm) options(v goja.Value, of string) goja.Value {
	if _, ok := v.(*goja.Object); !ok && !nullish(v) {
		panic(r.vm.NewTypeError("the options of %s are no object", of))
	}
	return v
}

func (r *Realm) callable(v goja.Value, what string) goja.Callable {
	fn, ok := Function(r.vm, v)
	if !ok {
		panic(r.vm.NewTypeError("%s is no function", what))
	}
	return fn
}

// must passes on what a nested call threw, or what ended the VM meanwhile.
func (r *Realm) must(v goja.Value, err error) goja.Value {
	if err != nil {
		panic(err)
	}
	return v
}

// guarded calls into the function from native code: what it threw comes back, what
// ends the VM goes on up.
func (r *Realm) guarded(fn goja.Callable, this goja.Value, args ...goja.Value) (goja.Value, *goja.Exception) {
	v, err := fn(this, args...)
	if err == nil {
		return v, nil
	}
	var ex *goja.Exception
	if errors.As(err, &ex) {
		return nil, ex
	}
	panic(err)
}

// then runs one of two functions when a value, promise or not, has settled.
func (r *Realm) then(v goja.Value, fulfilled, rejected func(goja.Value)) {
	r.when(v, r.handler(fulfilled), r.handler(rejected))
}

// arrayBuffer wraps bytes, which become the function's.
func (r *Realm) arrayBuffer(b []byte) goja.Value {
	r.intrinsic("ArrayBuffer") // so that its constructor is guarded before one is seen
	return r.vm.ToValue(r.vm.NewArrayBuffer(b))
}

func (r *Realm) resolved(v goja.Value) goja.Value {
	p, resolve, _ := r.newPromise()
	if v == nil {
		v = goja.Undefined()
	}
	r.settle(resolve, v)
	return p
}

func (r *Realm) rejected(reason goja.Value) goja.Value {
	p, _, reject := r.newPromise()
	r.settle(reject, reason)
	return p
}

// settle resolves or rejects; only what ends the VM can come of it.
func (r *Realm) settle(how goja.Callable, v goja.Value) { r.must(how(goja.Undefined(), v)) }

// off does work off the VM's goroutine, and done with its outcome on it. A panic of
// the work becomes its error.
func off[T any](r *Realm, work func() (T, error), done func(T, error)) {
	finish := r.host.Begin()
	go func() {
		var out T
		err := error(nil)
		defer func() {
			if p := recover(); p != nil {
				err = r.host.Contain(p)
			}
			finish(func() { done(out, err) })
		}()
		out, err = work()
	}()
}

// bytes returns what an ArrayBuffer or a view of one holds. It is the function's
// own memory: copy what is to outlive the call.
func (r *Realm) bytes(v goja.Value) ([]byte, bool) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, false
	}
	switch t := o.ExportType(); {
	case t == bufferType:
		return o.Export().(goja.ArrayBuffer).Bytes(), true
	case t == ordinary && !r.dataView(o):
		return nil, false
	case t != ordinary && !typedArray(t):
		return nil, false
	}
	return r.viewed(o)
}

// viewed is what a view holds; nothing where its buffer was given away.
func (r *Realm) viewed(o *goja.Object) (out []byte, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, bounds := p.(runtime.Error); !bounds {
				panic(p)
			}
			out, ok = nil, true // goja slices a buffer that is no more, and was told to say that it is
		}
	}()
	if b, ok := o.Get("buffer").(*goja.Object); ok && b.ExportType() == bufferType && b.Export().(goja.ArrayBuffer).Detached() {
		return nil, true
	}
	if err := r.vm.ExportTo(o, &out); err != nil {
		return nil, false
	}
	return out, true
}

var bufferType = reflect.TypeFor[goja.ArrayBuffer]()

// typedArray reports whether goja exports a typed array as this type.
func typedArray(t reflect.Type) bool {
	if t.Kind() != reflect.Slice {
		return false
	}
	switch t.Elem().Kind() {
	case reflect.Uint8, reflect.Int8, reflect.Uint16, reflect.Int16, reflect.Uint32, reflect.Int32,
		reflect.Float32, reflect.Float64, reflect.Int64, reflect.Uint64:
		return true
	default:
		return false
	}
}

var (
	mapType     = reflect.TypeFor[[][2]any]()
	listType    = reflect.TypeFor[[]any]()
	promiseType = reflect.TypeFor[*goja.Promise]()
)

// collection is "Map" or "Set" for objects that are one, else empty.
func collection(o *goja.Object) string {
	switch t := o.ExportType(); {
	case t == mapType:
		return "Map"
	case t == listType && o.ClassName() != "Array" && o.ClassName() != "Arguments":
		return "Set"
	}
	return ""
}

// dataView reports whether an object that goja exports as a map is a DataView.
func (r *Realm) dataView(o *goja.Object) bool {
	if tag := o.GetSymbol(goja.SymToStringTag); tag == nil || tag.String() != "DataView" {
		return false
	}
	isView, ok := Function(r.vm, r.vm.Get("ArrayBuffer").ToObject(r.vm).Get("isView"))
	return ok && r.must(isView(goja.Undefined(), o)).ToBoolean()
}

// uint8Array wraps bytes, which become the function's.
func (r *Realm) uint8Array(b []byte) *goja.Object {
	o, err := r.vm.New(r.intrinsic("Uint8Array"), r.arrayBuffer(b))
	if err != nil {
		panic(err)
	}
	return o
}

// number converts as WebIDL's unrestricted double does.
func number(v goja.Value) float64 { return v.ToFloat() }

// whole converts to an integer within bounds; NaN is 0.
func whole(v goja.Value, least, most int64) int64 {
	f := v.ToFloat()
	switch {
	case math.IsNaN(f):
		return max(least, 0)
	case f <= float64(least):
		return least
	case f >= float64(most):
		return most
	}
	return int64(f)
}

func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// wireFromText turns characters that stand for bytes into those bytes.
func wireFromText(s string) string {
	if ascii(s) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		b.WriteByte(byte(c))
	}
	return b.String()
}

// textFromWire turns bytes into characters that stand for them.
func textFromWire(s string) string {
	if ascii(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
