package webapi

import (
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// Keys are remembered from text to text: so many, and so long.
const (
	knownNames   = 256
	maxKnownName = 32
)

// jsonRealm reads and writes JSON in one VM. The names of its fields follow
// JavaScript: what of the language it uses is taken before functions can change it.
type jsonRealm struct {
	vm       *goja.Runtime
	language func(name string) *goja.Object
	most     int // bytes of a text

	yes, no     goja.Value
	objectProto *goja.Object
	arrayProto  *goja.Object
	bare        *goja.Object // an object and an array with nothing of their own
	bareList    *goja.Object
	keysOf      goja.Callable            // Object.keys
	reflected   map[string]goja.Callable // the functions of Reflect; see prepare
	proxy       goja.Constructor
	handler     *goja.Object // of stand-ins, made at first use

	lazyText, lazyPart int

	parser jsonParser
	writer *jsonWriter // idle
	names  []string    // keys seen lately, by hash; made at first use
	nodes  []jsonNode  // scratch
	hashes []uint32
}

// newJSON takes what it needs of the language: language returns its globals.
func newJSON(vm *goja.Runtime, language func(name string) *goja.Object) *jsonRealm {
	objectLayout()
	j := &jsonRealm{vm: vm, language: language, lazyText: lazyText, lazyPart: lazyPart}
	j.yes, j.no = vm.ToValue(true), vm.ToValue(false)
	j.bare, j.bareList = vm.NewObject(), vm.NewArray()
	j.objectProto, j.arrayProto = j.bare.Prototype(), j.bareList.Prototype()
	j.keysOf = j.native("Object", "keys")
	return j
}

func (j *jsonRealm) native(global, name string) goja.Callable {
	fn, ok := Function(j.vm, j.language(global).Get(name))
	if !ok {
		panic(j.vm.NewTypeError("the language has no %s.%s", global, name))
	}
	return fn
}

// prepare takes what it needs of Proxy and Reflect. It must be called before
// functions get hold of either.
func (j *jsonRealm) prepare() {
	if j.reflected != nil {
		return
	}
	j.reflected = make(map[string]goja.Callable, 11)
	for _, name := range []string{
		"get", "set", "has", "deleteProperty", "ownKeys", "getOwnPropertyDescriptor", "defineProperty",
		"getPrototypeOf", "setPrototypeOf", "isExtensible", "preventExtensions",
	} {
		j.reflected[name] = j.native("Reflect", name)
	}
	var ok bool
	if j.proxy, ok = goja.AssertConstructor(j.language("Proxy")); !ok {
		panic(j.vm.NewTypeError("the language has no Proxy"))
	}
}

func (j *jsonRealm) known() []string {
	if j.names == nil {
		j.names = make([]string, knownNames)
	}
	return j.names
}

// install puts parse and stringify in the place of goja's.
func (j *jsonRealm) install(json *goja.Object) {
	define := func(name string, length int, fn func(goja.FunctionCall) goja.Value) {
		o := j.vm.ToValue(fn).(*goja.Object)
		_ = o.DefineDataProperty("name", j.vm.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		_ = o.DefineDataProperty("length", j.vm.ToValue(length), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		_ = json.DefineDataProperty(name, o, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	define("parse", 2, func(call goja.FunctionCall) goja.Value {
		text, lone := j.textOf(call.Argument(0))
		v := j.parse(text, lone)
		if reviver, ok := Function(j.vm, call.Argument(1)); ok {
			root := j.vm.NewObject()
			_ = root.DefineDataProperty("", v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
			return newReviver(j, reviver).walk(root, j.vm.ToValue(""), 0)
		}
		return v
	})
	define("stringify", 3, func(call goja.FunctionCall) goja.Value {
		b := j.stringify(call.Argument(0), call.Argument(1), call.Argument(2))
		if b == nil {
			return goja.Undefined()
		}
		return j.vm.ToValue(string(b))
	})
}

// textOf converts to a string; lone says that surrogates stand alone in it, as three
// bytes each.
func (j *jsonRealm) textOf(v goja.Value) (text string, lone bool) {
	if _, symbol := v.(*goja.Symbol); symbol {
		panic(j.vm.NewTypeError("Cannot convert a Symbol value to a string"))
	}
	s := j.string(v)
	text = s.String()
	if len(text) > j.most {
		j.throw("RangeError", "JSON.parse: the text is longer than this function may hold")
	}
	// A surrogate alone has become U+FFFD.
	if !objectLayout().isWide(s) || !strings.ContainsRune(text, utf8.RuneError) {
		return text, false
	}
	units := make([]uint16, s.Length())
	for i := range units {
		units[i] = s.CharAt(i)
	}
	if !alone(units) {
		return text, false
	}
	var b strings.Builder
	for i := 0; i < len(units); i++ {
		u := rune(units[i])
		switch {
		case u&0xfc00 == 0xd800 && i+1 < len(units) && units[i+1]&0xfc00 == 0xdc00:
			i++
			b.WriteRune((u-0xd800)<<10 | (rune(units[i]) - 0xdc00) + 0x10000)
		case u&0xf800 == 0xd800:
			b.Write([]byte{0xe0 | byte(u>>12), 0x80 | byte(u>>6)&0x3f, 0x80 | byte(u)&0x3f})
		default:
			b.WriteRune(u)
		}
	}
	return b.String(), true
}

// string is what String(v) gives; v is no symbol.
func (j *jsonRealm) string(v goja.Value) goja.String {
	if o, ok := v.(*goja.Object); ok {
		v = o.ToString() // may still be a number
	}
	if s, ok := v.(goja.String); ok {
		return s
	}
	return j.vm.ToValue(v.String()).(goja.String)
}

// throw raises an error of one of the language's classes.
func (j *jsonRealm) throw(class, message string) {
	o, err := j.vm.New(j.language(class), j.vm.ToValue(message))
	if err != nil {
		o = j.vm.NewTypeError("%s", message)
	}
	panic(o)
}

// parseJSON is JSON.parse of a text that is valid UTF-8.
func (r *Realm) parseJSON(text string) goja.Value { return r.json.parse(text, false) }

// toJSON is JSON.stringify: false where there is nothing to write.
func (r *Realm) toJSON(v goja.Value) (string, bool) {
	b := r.json.stringify(v, goja.Undefined(), goja.Undefined())
	return string(b), b != nil
}

// jsonBody is JSON.stringify as bytes that are the caller's to keep; nil where there
// is nothing to write.
func (r *Realm) jsonBody(v goja.Value) []byte {
	b := r.json.stringify(v, goja.Undefined(), goja.Undefined())
	if b == nil {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}
