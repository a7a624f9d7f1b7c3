package webapi

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// layout says where goja keeps the properties of plain objects and arrays. JSON
// reads and fills them in place: through goja's public methods each property costs
// several times as much, and listing an object's keys more than writing them. Only
// objects of exactly these two types are touched, everything else goes the public
// way. The layout is found by reflection, so that a goja that differs is refused
// when a VM is made and not misread.
type layout struct {
	impl                 uintptr // of goja.Object: the interface that implements it
	plain, array, proxy  unsafe.Pointer
	class, proto, val    uintptr // of both types
	values, names        uintptr
	elements             uintptr // of arrays
	length, count        uintptr
	property             reflect.Type // what stands for accessors and properties with flags
	whole, float, wide   reflect.Type // of integers, other numbers, and strings beyond ASCII
	boolean, null, undef reflect.Type
}

var objectLayout = sync.OnceValue(func() *layout {
	l := &layout{}
	vm := goja.New()
	_, l.impl = fieldOf(reflect.TypeFor[goja.Object](), "self", nil)
	plain, array := vm.NewObject(), vm.NewArray(1)
	impl := func(o *goja.Object) reflect.Type {
		return reflect.ValueOf(o).Elem().FieldByName("self").Elem().Type().Elem()
	}
	base, list := impl(plain), impl(array)
	_, l.class = fieldOf(base, "class", reflect.TypeFor[string]())
	_, l.proto = fieldOf(base, "prototype", reflect.TypeFor[*goja.Object]())
	_, l.val = fieldOf(base, "val", reflect.TypeFor[*goja.Object]())
	_, l.values = fieldOf(base, "values", reflect.TypeFor[map[unistring.String]goja.Value]())
	_, l.names = fieldOf(base, "propNames", reflect.TypeFor[[]unistring.String]())
	_, l.elements = fieldOf(list, "values", reflect.TypeFor[[]goja.Value]())
	_, l.length = fieldOf(list, "length", reflect.TypeFor[uint32]())
	_, l.count = fieldOf(list, "objCount", reflect.TypeFor[int]())
	if _, at := fieldOf(list, "baseObject", base); at != 0 {
		panic("webapi: goja's arrays do not begin as its objects do")
	}
	l.plain, _ = l.word(plain)
	l.array, _ = l.word(array)
	l.proxy, _ = l.word(vm.ToValue(vm.NewProxy(plain, &goja.ProxyTrapConfig{})).(*goja.Object))
	_ = plain.DefineDataProperty("p", goja.Null(), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	l.property = reflect.TypeOf(l.object(plain).values["p"])
	l.whole, l.float = reflect.TypeOf(vm.ToValue(1)), reflect.TypeOf(vm.ToValue(1.5))
	l.wide = reflect.TypeOf(goja.StringFromUTF16([]uint16{0x100}))
	l.boolean, l.null, l.undef = reflect.TypeOf(vm.ToValue(true)), reflect.TypeOf(goja.Null()), reflect.TypeOf(goja.Undefined())
	return l
})

// fieldOf finds a field, and panics where it is not of the type wanted.
func fieldOf(of reflect.Type, name string, want reflect.Type) (reflect.Type, uintptr) {
	f, ok := of.FieldByName(name)
	if !ok || len(f.Index) != 1 || want != nil && f.Type != want {
		panic(fmt.Sprintf("webapi: goja's %s has no field %s of type %v", of, name, want))
	}
	return f.Type, f.Offset
}

// word returns the two words of the interface that implements o: its type, which is
// one pointer per type, and its data.
func (l *layout) word(o *goja.Object) (kind, data unsafe.Pointer) {
	w := (*[2]unsafe.Pointer)(unsafe.Add(unsafe.Pointer(o), l.impl))
	return w[0], w[1]
}

// isWide reports whether s is kept in UTF-16, which may hold surrogates alone.
func (l *layout) isWide(s goja.String) bool { return reflect.TypeOf(s) == l.wide }

// members are the own properties of a plain object.
type members struct {
	values map[unistring.String]goja.Value
	names  []unistring.String // as they were added: keys like array indexes not sorted yet
	proto  *goja.Object
}

// object reads a plain object; it must be one.
func (l *layout) object(o *goja.Object) members {
	_, at := l.word(o)
	return members{
		*(*map[unistring.String]goja.Value)(unsafe.Add(at, l.values)),
		*(*[]unistring.String)(unsafe.Add(at, l.names)),
		*(**goja.Object)(unsafe.Add(at, l.proto)),
	}
}

// isPlain reports whether o is an ordinary object; an Error or Math is not.
func (l *layout) isPlain(o *goja.Object) bool {
	kind, at := l.word(o)
	return kind == l.plain && *(*string)(unsafe.Add(at, l.class)) == "Object"
}

func (l *layout) isArray(o *goja.Object) bool {
	kind, _ := l.word(o)
	return kind == l.array
}

func (l *layout) isProxy(o *goja.Object) bool {
	kind, _ := l.word(o)
	return kind == l.proxy
}

// prototype of a plain object or an array.
func (l *layout) prototype(o *goja.Object) *goja.Object {
	_, at := l.word(o)
	return *(**goja.Object)(unsafe.Add(at, l.proto))
}

// itself is the object that a plain object or an array was made as: o, unless o is a
// copy.
func (l *layout) itself(o *goja.Object) *goja.Object {
	_, at := l.word(o)
	return *(**goja.Object)(unsafe.Add(at, l.val))
}

// list reads an array; it must be one. Its elements may be fewer than its length,
// and nil where there is none.
func (l *layout) list(o *goja.Object) (elements []goja.Value, length int) {
	_, at := l.word(o)
	return *(*[]goja.Value)(unsafe.Add(at, l.elements)), int(*(*uint32)(unsafe.Add(at, l.length)))
}

// fillObject gives an empty object its properties; of those with one name the last
// one counts, at the place of the first.
func (l *layout) fillObject(o *goja.Object, names []unistring.String, values []goja.Value) {
	if len(names) == 0 {
		return
	}
	_, at := l.word(o)
	own := (*map[unistring.String]goja.Value)(unsafe.Add(at, l.values))
	if len(names) > 8 {
		*own = make(map[unistring.String]goja.Value, len(names))
	}
	m := *own
	order := make([]unistring.String, 0, len(names))
	for i, name := range names {
		m[name] = values[i]
		if len(m) > len(order) {
			order = append(order, name)
		}
	}
	*(*[]unistring.String)(unsafe.Add(at, l.names)) = order[:len(order):len(order)]
}

// fillArray gives an empty array its elements, which it keeps.
func (l *layout) fillArray(o *goja.Object, elements []goja.Value) {
	_, at := l.word(o)
	*(*[]goja.Value)(unsafe.Add(at, l.elements)) = elements
	*(*uint32)(unsafe.Add(at, l.length)) = uint32(len(elements))
	*(*int)(unsafe.Add(at, l.count)) = len(elements)
}
