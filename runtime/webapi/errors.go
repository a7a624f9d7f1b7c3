package webapi

import (
	"fmt"

	"github.com/dop251/goja"
)

// DOMException names that have a legacy code.
var legacyCodes = map[string]int{
	"IndexSizeError": 1, "HierarchyRequestError": 3, "WrongDocumentError": 4, "InvalidCharacterError": 5,
	"NoModificationAllowedError": 7, "NotFoundError": 8, "NotSupportedError": 9, "InUseAttributeError": 10,
	"InvalidStateError": 11, "SyntaxError": 12, "InvalidModificationError": 13, "NamespaceError": 14,
	"InvalidAccessError": 15, "TypeMismatchError": 17, "SecurityError": 18, "NetworkError": 19, "AbortError": 20,
	"URLMismatchError": 21, "QuotaExceededError": 22, "TimeoutError": 23, "InvalidNodeTypeError": 24, "DataCloneError": 25,
}

// domException makes an exception that is an Error with a stack, as the standard
// asks, under the prototype of DOMException.
func (r *Realm) domException(name, format string, args ...any) *goja.Object {
	return r.makeDOMException(fmt.Sprintf(format, args...), name, r.use("DOMException").proto)
}

func (r *Realm) makeDOMException(message, name string, proto *goja.Object) *goja.Object {
	o := r.newError("Error", message)
	_ = o.SetPrototype(proto)
	fixed := func(key string, v any) {
		_ = o.DefineDataProperty(key, r.vm.ToValue(v), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	fixed("name", name)
	fixed("message", message)
	fixed("code", legacyCodes[name])
	return o
}

// newError makes an Error of one of the language's classes.
func (r *Realm) newError(class, message string) *goja.Object {
	o, err := r.vm.New(r.vm.Get(class), r.vm.ToValue(message))
	if err != nil {
		// The function replaced the class by something else.
		return r.vm.NewTypeError("%s", message)
	}
	return o
}

func (r *Realm) rangeError(format string, args ...any) *goja.Object {
	return r.newError("RangeError", fmt.Sprintf(format, args...))
}

func (r *Realm) typeError(format string, args ...any) *goja.Object {
	return r.vm.NewTypeError(append([]any{format}, args...)...)
}

func newDOMExceptionClass(r *Realm) *class {
	c := &class{realm: r, name: "DOMException"}
	c.ctor = r.vm.ToValue(func(call goja.ConstructorCall) *goja.Object {
		message, name := "", "Error"
		if v := call.Argument(0); !absent(v) {
			message = r.text(v)
		}
		if v := call.Argument(1); !absent(v) {
			name = r.text(v)
		}
		return r.makeDOMException(message, name, call.This.Prototype())
	}).(*goja.Object)
	c.proto = c.ctor.Get("prototype").(*goja.Object)
	r.label(c.ctor, "DOMException", 0)
	if parent, ok := r.vm.Get("Error").(*goja.Object); ok {
		if proto, ok := parent.Get("prototype").(*goja.Object); ok {
			_ = c.proto.SetPrototype(proto)
		}
	}
	c.tag(c.proto, "DOMException")
	for name, code := range map[string]int{"ABORT_ERR": 20, "TIMEOUT_ERR": 23, "DATA_CLONE_ERR": 25, "INVALID_STATE_ERR": 11, "INVALID_CHARACTER_ERR": 5, "SYNTAX_ERR": 12, "NOT_SUPPORTED_ERR": 9, "NETWORK_ERR": 19, "QUOTA_EXCEEDED_ERR": 22} {
		c.constant(name, code)
	}
	return c
}
