package webapi

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

var proxyType = reflect.TypeFor[goja.Proxy]()

// record walks over what WebIDL's record does: the enumerable properties of an
// object, each key converted before its value is read.
func (r *Realm) record(o *goja.Object, step func(key string, value goja.Value)) {
	if o.ExportType() != proxyType && len(o.Symbols()) == 0 {
		if keys := o.Keys(); !odd(keys) {
			for _, key := range keys {
				if v := o.Get(key); v != nil {
					step(key, v)
				}
			}
			return
		}
	}
	r.reflected(o, func(key goja.Value, get func() goja.Value) {
		name := r.text(key)
		step(name, get())
	})
}

// odd reports whether the names of an object hold what may have been half of a
// surrogate pair: no property is found by such a name.
func odd(keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return strings.ContainsRune(key, utf8.RuneError) })
}

// reflected walks over the enumerable properties of an object, those under symbols
// too, in steps that the function can see, as the standard says.
func (r *Realm) reflected(o *goja.Object, step func(key goja.Value, get func() goja.Value)) {
	language := r.lazy.language.Get("Reflect").ToObject(r.vm)
	keys := r.callable(language.Get("ownKeys"), "Reflect.ownKeys")
	describe := r.callable(language.Get("getOwnPropertyDescriptor"), "Reflect.getOwnPropertyDescriptor")
	read := r.callable(language.Get("get"), "Reflect.get")
	r.forOf(r.must(keys(goja.Undefined(), o)), func(key goja.Value) {
		desc := r.must(describe(goja.Undefined(), o, key))
		if absent(desc) || !r.member(desc, "enumerable").ToBoolean() {
			return
		}
		step(key, func() goja.Value { return r.must(read(goja.Undefined(), o, key)) })
	})
}
