package webapi

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// object is the Go side of an instance of a web class.
type object interface {
	base() *instance
}

// instance is what every web object embeds: the object it is to the function.
type instance struct {
	self *goja.Object
	slot slot
}

func (i *instance) base() *instance { return i }

// slot is the internal slot of a web object. goja has none for Go code, but its
// wrapper objects (new Number(1)) are ordinary objects with one hidden value, and
// take any value that says it is a number. So a web object is a wrapper that holds
// its slot: it takes symbols, accessors and private fields, can be frozen, and does
// not show that it is more than an ordinary object.
type slot struct {
	goja.Value // undefined
	held       object
}

// ToNumber is asked once, by the constructor of Number.
func (s *slot) ToNumber() goja.Value { return s }

// Export returns the Go side.
func (s *slot) Export() any { return s.held }

// ExportType returns the type of the Go side.
func (s *slot) ExportType() reflect.Type { return reflect.TypeOf(s.held) }

// wrapping says where goja's wrapper objects keep what they hold. Its layout is
// found by reflection, as that of plain objects is.
type wrapping struct {
	kind              unsafe.Pointer // of the interface that implements a wrapper
	impl              reflect.Type   // what implements it
	value, extensible uintptr
}

var wrapperLayout = sync.OnceValue(func() *wrapping {
	w, l := &wrapping{}, objectLayout()
	o, err := goja.New().RunString("new Number(1)")
	if err != nil {
		panic(fmt.Sprintf("webapi: goja makes no wrapper objects: %v", err))
	}
	wrapper := o.(*goja.Object)
	t := reflect.ValueOf(wrapper).Elem().FieldByName("self").Elem().Type().Elem()
	_, w.value = fieldOf(t, "pValue", reflect.TypeFor[goja.Value]())
	if _, at := fieldOf(t, "baseObject", nil); at != 0 {
		panic("webapi: goja's wrapper objects do not begin as its objects do")
	}
	base, _ := fieldOf(t, "baseObject", nil)
	_, w.extensible = fieldOf(base, "extensible", reflect.TypeFor[bool]())
	w.kind, _ = l.word(wrapper)
	w.impl = t
	return w
})

// house makes the function's side of a Go object. All but the first are made as
// goja makes them, at half the cost.
func (r *Realm) house(o object, proto *goja.Object) *goja.Object {
	b := o.base()
	b.slot = slot{goja.Undefined(), o}
	if r.wrapper == nil {
		first, err := r.vm.New(r.lazy.language.Get("Number"), &slot{Value: goja.Undefined()})
		if err != nil {
			panic(err)
		}
		r.wrapper = first
	}
	l, w := objectLayout(), wrapperLayout()
	js := new(goja.Object)
	*js = *r.wrapper
	at := reflect.New(w.impl).UnsafePointer()
	*(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(js), l.impl+unsafe.Sizeof(at))) = at
	*(*string)(unsafe.Add(at, l.class)) = "Object"
	*(**goja.Object)(unsafe.Add(at, l.val)) = js
	*(**goja.Object)(unsafe.Add(at, l.proto)) = proto
	*(*map[unistring.String]goja.Value)(unsafe.Add(at, l.values)) = map[unistring.String]goja.Value{}
	*(*bool)(unsafe.Add(at, w.extensible)) = true
	*(*goja.Value)(unsafe.Add(at, w.value)) = &b.slot
	b.self = js
	if _, ok := o.(*Event); ok {
		r.trust(js)
	}
	return js
}

// carrier holds the Go side of an exception, which is an Error to the language.
var carrier = goja.NewSymbol("hadron")

// carry makes an ordinary object the function's side of a Go object.
func (r *Realm) carry(js *goja.Object, o object) *goja.Object {
	_ = js.DefineDataPropertySymbol(carrier, r.house(o, nil), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	o.base().self = js
	return js
}

// housed is the Go side of o, or nil.
func housed(o *goja.Object) object {
	w := wrapperLayout()
	kind, at := objectLayout().word(o)
	if kind != w.kind {
		return nil
	}
	if s, ok := (*(*goja.Value)(unsafe.Add(at, w.value))).(*slot); ok {
		return s.held
	}
	return nil
}

// unwrap returns the Go side of v if it is a T, which may be an interface.
func unwrap[T object](v goja.Value) (T, bool) {
	var none T
	o, ok := v.(*goja.Object)
	if !ok {
		return none, false
	}
	if made, ok := housed(o).(T); ok {
		return made, true
	}
	if o.ClassName() != "Error" || o.ExportType() != ordinary { // a proxy would be asked
		return none, false
	}
	held, ok := o.GetSymbol(carrier).(*goja.Object)
	if !ok {
		return none, false
	}
	made, ok := housed(held).(T)
	return made, ok
}

// ordinary is what goja says of plain objects.
var ordinary = reflect.TypeFor[map[string]any]()
