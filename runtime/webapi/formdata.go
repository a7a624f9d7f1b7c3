package webapi

import (
	"time"

	"github.com/dop251/goja"
)

// FormData is the class of that name.
type FormData struct {
	instance
	entries []formEntry
}

// formEntry is a field of a form: text, or a file.
type formEntry struct {
	name string
	text string
	file *File // nil: text
}

// value is the entry's value to the function.
func (r *Realm) formValue(e formEntry) goja.Value {
	if e.file == nil {
		return r.vm.ToValue(e.text)
	}
	if e.file.self == nil {
		r.use("File").wrap(e.file)
	}
	return e.file.self
}

// maxFormEntries bounds the entries of a form.
const maxFormEntries = 100_000

func (r *Realm) addEntry(f *FormData, e formEntry) {
	if len(f.entries) >= maxFormEntries {
		panic(r.rangeError("a FormData holds at most %d entries", maxFormEntries))
	}
	f.entries = append(f.entries, e)
}

// formEntry converts what append and set are given.
func (r *Realm) formEntry(args []goja.Value) formEntry {
	e := formEntry{name: r.text(args[0])}
	b, blob := unwrap[blobLike](args[1])
	if !blob {
		if len(args) > 2 {
			panic(r.typeError("only a Blob can be given with a file name"))
		}
		e.text = r.text(args[1])
		return e
	}
	if file, ok := b.(*File); ok && absent(arg(args, 2)) {
		e.file = file
		return e
	}
	e.file = &File{Blob: Blob{data: b.blob().data, kind: b.blob().kind}, name: "blob", modified: time.Now().UnixMilli()}
	if file, ok := b.(*File); ok {
		e.file.modified = file.modified
	}
	if v := arg(args, 2); !absent(v) {
		e.file.name = r.text(v)
	}
	return e
}

func newFormDataClass(r *Realm) *class {
	c := r.class("FormData", 0, nil, func(args []goja.Value) object {
		if !absent(arg(args, 0)) {
			panic(r.typeError("there are no HTML forms here: FormData takes no argument"))
		}
		return &FormData{}
	})
	method(c, "append", 2, func(f *FormData, args []goja.Value) goja.Value {
		r.addEntry(f, r.formEntry(args))
		return goja.Undefined()
	})
	method(c, "delete", 1, func(f *FormData, args []goja.Value) goja.Value {
		f.remove(r.text(args[0]), 0)
		return goja.Undefined()
	})
	method(c, "get", 1, func(f *FormData, args []goja.Value) goja.Value {
		if i := f.index(r.text(args[0])); i >= 0 {
			return r.formValue(f.entries[i])
		}
		return goja.Null()
	})
	method(c, "getAll", 1, func(f *FormData, args []goja.Value) goja.Value {
		name := r.text(args[0])
		out := []any{}
		for _, e := range f.entries {
			if e.name == name {
				out = append(out, r.formValue(e))
			}
		}
		return r.vm.NewArray(out...)
	})
	method(c, "has", 1, func(f *FormData, args []goja.Value) goja.Value {
		return r.vm.ToValue(f.index(r.text(args[0])) >= 0)
	})
	method(c, "set", 2, func(f *FormData, args []goja.Value) goja.Value {
		e := r.formEntry(args)
		if i := f.index(e.name); i >= 0 {
			f.entries[i] = e
			f.remove(e.name, i+1)
		} else {
			r.addEntry(f, e)
		}
		return goja.Undefined()
	})
	pairsOf(c, func(f *FormData, i int) (string, goja.Value, bool) {
		if i >= len(f.entries) {
			return "", nil, false
		}
		return f.entries[i].name, r.formValue(f.entries[i]), true
	})
	return c
}

func (f *FormData) index(name string) int {
	for i, e := range f.entries {
		if e.name == name {
			return i
		}
	}
	return -1
}

// remove drops the entries of that name from an index on.
func (f *FormData) remove(name string, from int) {
	kept := f.entries[:from]
	for _, e := range f.entries[from:] {
		if e.name != name {
			kept = append(kept, e)
		}
	}
	clear(f.entries[len(kept):])
	f.entries = kept
}
