package webapi

import (
	"reflect"
	"strings"

	"github.com/dop251/goja"
)

// replace reads the second argument.
func (w *jsonWriter) replace(v goja.Value) {
	o, ok := v.(*goja.Object)
	if !ok {
		return
	}
	if w.replacer, ok = Function(w.j.vm, o); ok {
		return
	}
	if !w.isArray(o) {
		return
	}
	w.only = []goja.Value{}
	seen := map[string]bool{}
	for i, n := 0, w.lengthOf(o); i < n; i++ {
		item := w.element(o, i)
		switch t := item.(type) {
		case goja.String:
		case *goja.Object:
			if kind := t.ClassName(); kind != "Number" && kind != "String" {
				continue
			}
		default:
			if kind := reflect.TypeOf(item); kind != w.l.whole && kind != w.l.float {
				continue
			}
		}
		name := w.j.string(item)
		if key := w.unique(name); !seen[key] {
			seen[key] = true
			w.only = append(w.only, name)
		}
		w.check()
	}
}

// unique tells strings apart that become the same in UTF-8.
func (w *jsonWriter) unique(s goja.String) string {
	if !w.l.isWide(s) {
		return s.String()
	}
	return string(appendQuotedUnits(nil, s.Length(), s.CharAt))
}

// gapOf reads the third argument.
func (w *jsonWriter) gapOf(v goja.Value) string {
	if o, ok := v.(*goja.Object); ok {
		switch o.ClassName() {
		case "Number":
			v = o.ToNumber()
		case "String":
			v = w.j.string(o)
		}
	}
	const most = 10
	switch reflect.TypeOf(v) {
	case w.l.whole, w.l.float:
		return strings.Repeat(" ", int(max(0, min(v.ToFloat(), most))))
	default:
		s, ok := v.(goja.String)
		if !ok {
			return ""
		}
		return s.Substring(0, min(s.Length(), most)).String()
	}
}
