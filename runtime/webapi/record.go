package webapi

import (
	"reflect"

	"github.com/dop251/goja"
)

var proxyType = reflect.TypeFor[goja.Proxy]()

// record walks over what WebIDL's record does: the enumerable properties of an
// object, each key converted before its value is read.
func (r *Realm) record(o *goja.Object, step func(key string, value goja.Value)) {
	if o.ExportType() != proxyType && len(o.Symbols()) == 0 {
		for _, key := range o.Keys() {
			if v := o.Get(key); v != nil {
				step(key, v)
			}
		}
		return
	}
	// Where the function can see how its object is looked at, it is looked at as the
	// standard says.
	language := r.lazy.language.Get("Reflect").ToObject(r.vm)
	keys := r.callable(language.Get("ownKeys"), "Reflect.ownKeys")
	describe := r.callable(language.Get("getOwnPropertyDescriptor"), "Reflect.getOwnPropertyDescriptor")
	get := r.callable(language.Get("get"), "Reflect.get")
	r.forOf(r.must(keys(goja.Undefined(), o)), func(key goja.Value) {
		desc := r.must(describe(goja.Undefined(), o, key))
		if absent(desc) || !r.member(desc, "enumerable").ToBoolean() {
			return
		}
		name := r.text(key)
		step(name, r.must(get(goja.Undefined(), o, key)))
	})
}
