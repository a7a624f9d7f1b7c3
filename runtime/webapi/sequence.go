package webapi

import "github.com/dop251/goja"

// forOf walks over an iterable; what the function throws goes on up.
func (r *Realm) forOf(v goja.Value, step func(goja.Value)) {
	r.vm.ForOf(v, func(v goja.Value) bool {
		step(v)
		return true
	})
}

// sequence reads an iterable object into a slice.
func (r *Realm) sequence(v goja.Value, what string) []goja.Value {
	var out []goja.Value
	r.each(v, what, func(v goja.Value) { out = append(out, v) })
	return out
}

// each walks over an iterable object as WebIDL's sequence does: each value is
// converted before the next is asked for.
func (r *Realm) each(v goja.Value, what string, step func(goja.Value)) {
	o, ok := v.(*goja.Object)
	if !ok || nullish(o.GetSymbol(goja.SymIterator)) {
		panic(r.vm.NewTypeError("%s is no list", what))
	}
	n := 0
	r.forOf(o, func(v goja.Value) {
		if n++; n > maxSequence {
			panic(r.rangeError("%s holds more than %d values", what, maxSequence))
		}
		step(v)
	})
}

// maxSequence bounds lists that are read natively, where no interrupt reaches.
const maxSequence = 1 << 20
