package webapi

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// Blob is the class of that name. Its bytes are never changed: slices share them.
type Blob struct {
	instance
	data []byte
	kind string
}

// File is the class of that name.
type File struct {
	Blob
	name     string
	modified int64 // milliseconds since 1970
}

func (b *Blob) blob() *Blob { return b }

// blobLike is a Blob or a File.
type blobLike interface {
	object
	blob() *Blob
}

func (r *Realm) newBlob(data []byte, kind string) *goja.Object {
	return r.use("Blob").wrap(&Blob{data: data, kind: kind})
}

// blobKind is the type of a Blob: nothing where it holds what a type cannot.
func blobKind(s string) string {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return ""
		}
	}
	return strings.ToLower(s)
}

// blobPart is one part of a Blob: text, or bytes.
type blobPart struct {
	text string
	data []byte
}

// blobParts converts a list of parts.
func (r *Realm) blobParts(v goja.Value, class string) []blobPart {
	var parts []blobPart
	r.each(v, "the parts of a "+class, func(part goja.Value) {
		if b, ok := unwrap[blobLike](part); ok {
			parts = append(parts, blobPart{data: b.blob().data})
		} else if b, ok := r.bytes(part); ok {
			parts = append(parts, blobPart{data: b})
		} else {
			parts = append(parts, blobPart{text: r.text(part)})
		}
	})
	return parts
}

// assemble joins parts as the options say.
func (r *Realm) assemble(parts []blobPart, init goja.Value, class string) *Blob {
	r.options(init, class)
	native := false
	if e := r.member(init, "endings"); !absent(e) {
		native = r.oneOf(e, "endings", "transparent", "native") == "native"
	}
	size := int64(0)
	for _, part := range parts {
		size += int64(len(part.text) + len(part.data))
	}
	if most := r.host.Limits().Bytes; size > most {
		panic(r.rangeError("a %s holds at most %d bytes here", class, most))
	}
	b := &Blob{data: make([]byte, 0, size)}
	for _, part := range parts {
		if native {
			part.text = strings.ReplaceAll(strings.ReplaceAll(part.text, "\r\n", "\n"), "\r", "\n")
		}
		b.data = append(append(b.data, part.text...), part.data...)
	}
	return b
}

func (r *Realm) blobType(init goja.Value) string {
	if t := r.member(init, "type"); !absent(t) {
		return blobKind(r.text(t))
	}
	return ""
}

// clampIndex converts as [Clamp] long long does, and counts from the end where
// negative.
func clampIndex(v goja.Value, size, otherwise int) int {
	if absent(v) {
		return otherwise
	}
	f := number(v)
	if math.IsNaN(f) {
		return 0
	}
	f = math.RoundToEven(f)
	if f < 0 {
		return int(max(float64(size)+f, 0))
	}
	return int(min(f, float64(size)))
}

func newBlobClass(r *Realm) *class {
	c := r.class("Blob", 0, nil, func(args []goja.Value) object {
		var parts []blobPart
		if v := arg(args, 0); !absent(v) {
			parts = r.blobParts(v, "Blob")
		}
		b := r.assemble(parts, arg(args, 1), "Blob")
		b.kind = r.blobType(arg(args, 1))
		return b
	})
	attribute(c, "size", func(b blobLike) goja.Value { return r.vm.ToValue(len(b.blob().data)) }, nil)
	attribute(c, "type", func(b blobLike) goja.Value { return r.vm.ToValue(b.blob().kind) }, nil)
	method(c, "slice", 0, func(b blobLike, args []goja.Value) goja.Value {
		data := b.blob().data
		from := clampIndex(arg(args, 0), len(data), 0)
		to := max(clampIndex(arg(args, 1), len(data), len(data)), from)
		kind := ""
		if v := arg(args, 2); !absent(v) {
			kind = blobKind(r.text(v))
		}
		return r.newBlob(data[from:to:to], kind)
	})
	method(c, "stream", 0, func(b blobLike, _ []goja.Value) goja.Value {
		return r.nativeStream(&memory{data: b.blob().data}).self
	})
	promised(c, "text", 0, func(b blobLike, _ []goja.Value) goja.Value {
		return r.resolved(r.vm.ToValue(bodyText(b.blob().data)))
	})
	promised(c, "arrayBuffer", 0, func(b blobLike, _ []goja.Value) goja.Value {
		return r.resolved(r.arrayBuffer(bytes.Clone(b.blob().data)))
	})
	promised(c, "bytes", 0, func(b blobLike, _ []goja.Value) goja.Value {
		return r.resolved(r.uint8Array(bytes.Clone(b.blob().data)))
	})
	return c
}

func newFileClass(r *Realm) *class {
	c := r.class("File", 2, r.use("Blob"), func(args []goja.Value) object {
		parts, name, init := r.blobParts(args[0], "File"), r.text(args[1]), arg(args, 2)
		b := r.assemble(parts, init, "File")
		f := &File{Blob: *b, name: name, modified: time.Now().UnixMilli()}
		if v := r.member(init, "lastModified"); !absent(v) {
			f.modified = whole(v, math.MinInt64, 1<<53)
		}
		f.kind = r.blobType(init)
		return f
	})
	attribute(c, "name", func(f *File) goja.Value { return r.vm.ToValue(f.name) }, nil)
	attribute(c, "lastModified", func(f *File) goja.Value { return r.vm.ToValue(f.modified) }, nil)
	attribute(c, "webkitRelativePath", func(*File) goja.Value { return r.vm.ToValue("") }, nil)
	return c
}
