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

// DOMException is what makes an Error one.
type DOMException struct {
	instance
	message string
	name    string
}

func (r *Realm) makeDOMException(message, name string, proto *goja.Object) *goja.Object {
	o := r.newError("Error", "")
	_ = o.Delete("message")
	_ = o.SetPrototype(proto)
	return r.carry(o, &DOMException{message: message, name: name})
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
		c.constructed(call)
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
	_ = c.ctor.DefineDataProperty("prototype", c.proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	if parent, ok := r.vm.Get("Error").(*goja.Object); ok {
		if proto, ok := parent.Get("prototype").(*goja.Object); ok {
			_ = c.proto.SetPrototype(proto)
		}
	}
	attribute(c, "name", func(e *DOMException) goja.Value { return r.vm.ToValue(e.name) }, nil)
	attribute(c, "message", func(e *DOMException) goja.Value { return r.vm.ToValue(e.message) }, nil)
	attribute(c, "code", func(e *DOMException) goja.Value { return r.vm.ToValue(legacyCodes[e.name]) }, nil)
	c.tag(c.proto, "DOMException")
	for i, name := range legacyNames {
		c.constant(name, i+1)
	}
	return c
}

// legacyNames are the constants of DOMException; the first stands for 1.
var legacyNames = []string{
	"INDEX_SIZE_ERR", "DOMSTRING_SIZE_ERR", "HIERARCHY_REQUEST_ERR", "WRONG_DOCUMENT_ERR", "INVALID_CHARACTER_ERR", "NO_DATA_ALLOWED_ERR",
	"NO_MODIFICATION_ALLOWED_ERR", "NOT_FOUND_ERR", "NOT_SUPPORTED_ERR", "INUSE_ATTRIBUTE_ERR", "INVALID_STATE_ERR", "SYNTAX_ERR",
	"INVALID_MODIFICATION_ERR", "NAMESPACE_ERR", "INVALID_ACCESS_ERR", "VALIDATION_ERR", "TYPE_MISMATCH_ERR", "SECURITY_ERR", "NETWORK_ERR",
	"ABORT_ERR", "URL_MISMATCH_ERR", "QUOTA_EXCEEDED_ERR", "TIMEOUT_ERR", "INVALID_NODE_TYPE_ERR", "DATA_CLONE_ERR",
}
