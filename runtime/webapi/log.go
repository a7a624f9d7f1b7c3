package webapi

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dop251/goja"

	"hadron/runtime/invocation"
)

// maxFields bounds the fields of one log line, in bytes of JSON: what the log keeps.
const maxFields = 8 << 10

// newLog makes ctx.log: a function of (message, fields), and its methods debug,
// info, warn and error. It is not bound to its invocation: a line belongs to the
// one that runs.
func newLog(r *Realm) *goja.Object {
	at := func(name string, level invocation.Level) *goja.Object {
		return r.function(name, 1, func(args []goja.Value) goja.Value {
			fields := arg(args, 1)
			message := ""
			if goja.IsString(args[0]) {
				message = args[0].String()
			} else if o, is := args[0].(*goja.Object); is && o.ClassName() == "Error" && nullish(fields) {
				message, fields = o.String(), o // log.error(e) alone
			} else {
				message = r.inspect(args[0])
			}
			r.host.LogWith(level, cut(message, maxLine), r.fields(fields))
			return goja.Undefined()
		})
	}
	log := at("log", invocation.Info)
	for _, level := range []invocation.Level{invocation.Debug, invocation.Info, invocation.Warn, invocation.Error} {
		_ = log.Set(string(level), at(string(level), level))
	}
	return log
}

// fields makes the JSON object of a line. It never throws: what cannot be written
// is said in a field.
func (r *Realm) fields(v goja.Value) json.RawMessage {
	if nullish(v) {
		return nil
	}
	o, ok := v.(*goja.Object)
	if !ok || r.touched(o).ClassName() == "Array" {
		return r.note("value", r.inspect(v))
	}
	var text string
	ex := r.vm.Try(func() {
		plain := r.vm.NewObject()
		if o.ClassName() == "Error" {
			_ = plain.Set("error", r.errorFields(o))
		} else {
			for _, key := range o.Keys() {
				value := o.Get(key)
				if value == nil { // a name that is no text, or a getter took it away
					continue
				}
				if e, is := value.(*goja.Object); is && e.ClassName() == "Error" {
					value = r.errorFields(e)
				} else if goja.IsBigInt(value) {
					value = r.vm.ToValue(value.String())
				}
				_ = plain.DefineDataProperty(key, value, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
			}
		}
		text, _ = r.toJSON(plain)
	})
	switch {
	case ex != nil:
		return r.note("hadron.dropped", "fields that cannot be written as JSON: "+clip(ex.Value().String()))
	case len(text) > maxFields:
		return r.note("hadron.dropped", fmt.Sprintf("fields of %d bytes; at most %d are kept", len(text), maxFields))
	case text == "" || text == "{}" || !strings.HasPrefix(text, "{"):
		return nil
	}
	return json.RawMessage(text)
}

// errorFields is an error as the log shows it; JSON.stringify would make it {}.
func (r *Realm) errorFields(o *goja.Object) *goja.Object {
	out := r.vm.NewObject()
	for _, key := range []string{"name", "message", "stack", "code"} {
		if v := o.Get(key); v != nil && !goja.IsUndefined(v) {
			if goja.IsString(v) {
				v = r.vm.ToValue(cut(v.String(), maxFields/4))
			}
			_ = out.Set(key, v)
		}
	}
	if cause := o.Get("cause"); !nullish(cause) {
		_ = out.Set("cause", cut(r.inspect(cause), maxFields/4))
	}
	return out
}

func (r *Realm) note(key, text string) json.RawMessage {
	data, err := json.Marshal(map[string]string{key: cut(text, maxFields/2)})
	if err != nil {
		return nil
	}
	return data
}
