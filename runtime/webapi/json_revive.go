package webapi

import (
	"strconv"

	"github.com/dop251/goja"
)

// reviver walks what was parsed, the innermost first.
type reviver struct {
	j      *jsonRealm
	w      *jsonWriter // for how it reads objects
	revive goja.Callable
	remove goja.Callable
	define goja.Callable
}

func newReviver(j *jsonRealm, revive goja.Callable) *reviver {
	j.prepare()
	return &reviver{
		j: j, w: &jsonWriter{j: j, l: objectLayout()}, revive: revive,
		remove: j.reflected["deleteProperty"], define: j.reflected["defineProperty"],
	}
}

func (v *reviver) walk(holder *goja.Object, name goja.Value, depth int) goja.Value {
	if depth > maxJSONDepth+1 {
		v.j.throw("RangeError", "JSON.parse: the reviver nests values more than "+strconv.Itoa(maxJSONDepth)+" deep")
	}
	value := v.w.get(holder, name)
	if o, ok := value.(*goja.Object); ok {
		if l := lazyOf(o); l != nil {
			v.j.touch(l)
		}
		if v.w.isArray(o) {
			for i, n := 0, v.w.lengthOf(o); i < n; i++ {
				v.member(o, v.j.vm.ToValue(strconv.Itoa(i)), depth)
			}
		} else {
			for _, key := range v.w.keys(o) {
				v.member(o, key, depth)
			}
		}
	}
	return v.w.call(v.revive, holder, name, value)
}

func (v *reviver) member(o *goja.Object, key goja.Value, depth int) {
	made := v.walk(o, key, depth+1)
	if goja.IsUndefined(made) {
		v.w.call(v.remove, goja.Undefined(), o, key)
		return
	}
	property := v.j.vm.NewObject()
	_ = property.Set("value", made)
	for _, flag := range []string{"writable", "enumerable", "configurable"} {
		_ = property.Set(flag, v.j.yes)
	}
	v.w.call(v.define, goja.Undefined(), o, key, property)
}
