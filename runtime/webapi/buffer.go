package webapi

import (
	"github.com/dop251/goja"
)

// intrinsic is a class of the language as it was before the function could replace
// it. Those that the engine guards are guarded first, since what they make leads to
// them.
func (r *Realm) intrinsic(name string) *goja.Object {
	if made := r.intrinsics[name]; made != nil {
		return made
	}
	made := r.lazy.language.Get(name).(*goja.Object)
	r.lazy.guarded(name)
	if r.intrinsics == nil {
		r.intrinsics = make(map[string]*goja.Object, 4)
	}
	r.intrinsics[name] = made
	return made
}

// block is the memory of an ArrayBuffer that a stream has taken over. The function
// sees it only where js has made an object of it.
type block struct {
	data   []byte
	object *goja.Object
}

func newBlock(data []byte) *block { return &block{data: data} }

// js is the ArrayBuffer to the function.
func (b *block) js(r *Realm) *goja.Object {
	if b.object == nil {
		b.object = r.arrayBuffer(b.data).(*goja.Object)
	}
	return b.object
}

// detached reports whether the function gave the memory away meanwhile.
func (b *block) detached() bool {
	return b.object != nil && b.object.Export().(goja.ArrayBuffer).Detached()
}

// transfer takes the memory away from the function.
func (b *block) transfer() *block {
	if b.object == nil {
		return b
	}
	b.object.Export().(goja.ArrayBuffer).Detach()
	return &block{data: b.data}
}

// view is a typed array or DataView of the function's.
type view struct {
	kind   string // the class: Uint8Array, DataView and so on
	buffer *goja.Object
	data   []byte // all of the buffer
	offset int
	length int // bytes
	size   int // bytes of an element
}

var elementSizes = map[string]int{
	"Uint8Array": 1, "Uint8ClampedArray": 1, "Int8Array": 1, "Uint16Array": 2, "Int16Array": 2, "Uint32Array": 4,
	"Int32Array": 4, "Float32Array": 4, "Float64Array": 8, "BigInt64Array": 8, "BigUint64Array": 8, "DataView": 1,
}

// viewOf looks at an ArrayBuffer view; a detached one is empty.
func (r *Realm) viewOf(v goja.Value, what string) view {
	out := view{kind: "DataView", size: 1}
	o, ok := v.(*goja.Object)
	wrong := func() { panic(r.typeError("%s is no typed array or DataView", what)) }
	if !ok {
		wrong()
	}
	t := o.ExportType()
	if t == bufferType || t != ordinary && !typedArray(t) || t == ordinary && !r.dataView(o) {
		wrong()
	}
	if t != ordinary {
		if tag := o.GetSymbol(goja.SymToStringTag); tag != nil {
			out.kind = tag.String()
		}
		out.size = int(t.Elem().Size())
		if elementSizes[out.kind] != out.size { // the function says otherwise than the memory
			out.kind, out.size = "Uint8Array", 1
		}
	}
	out.buffer, ok = o.Get("buffer").(*goja.Object)
	if !ok || out.buffer.ExportType() != bufferType {
		wrong()
	}
	out.data = out.buffer.Export().(goja.ArrayBuffer).Bytes()
	b, ok := r.bytes(o)
	if !ok {
		wrong()
	}
	out.length = len(b)
	if out.data == nil {
		return out
	}
	out.offset = int(whole(o.Get("byteOffset"), 0, int64(len(out.data))))
	if len(b) > len(out.data)-out.offset || len(b) > 0 && &out.data[out.offset] != &b[0] {
		wrong() // the function made it say what is not so
	}
	return out
}

func (v view) detached() bool { return v.buffer.Export().(goja.ArrayBuffer).Detached() }

// take detaches the view's buffer and returns its memory.
func (r *Realm) take(v view) *block {
	if !v.buffer.Export().(goja.ArrayBuffer).Detach() {
		panic(r.typeError("the view's buffer was given away already"))
	}
	return newBlock(v.data)
}

// newView makes a view of bytes of a buffer.
func (r *Realm) newView(kind string, b *block, offset, length int) *goja.Object {
	size := elementSizes[kind]
	o, err := r.vm.New(r.intrinsic(kind), b.js(r), r.vm.ToValue(offset), r.vm.ToValue(length/size))
	if err != nil {
		panic(err)
	}
	return o
}
