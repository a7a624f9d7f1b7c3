package engine

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"unicode"

	"github.com/dop251/goja"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"hadron/runtime/locale"
	"hadron/runtime/webapi"
)

const maxTextDigits = 10_000 // of a number given as text

// locales puts the methods in place that speak a locale's language: goja's speak
// none.
func (h *hardener) locales() {
	install, ok := webapi.Function(h.rt, h.internationals().Get("install"))
	if !ok {
		return
	}
	if _, err := install(goja.Undefined()); err != nil {
		panic(err)
	}
}

// intl is the global of that name. Who names it may format without it, too.
func (h *hardener) intl() goja.Value { return h.internationals().Get("Intl") }

// internationals are made once for a VM.
func (h *hardener) internationals() *goja.Object {
	if h.international == nil {
		h.international = h.run("Intl", h.formatters())
	}
	return h.international
}

// formatters are what the JavaScript side of Intl stands on.
func (h *hardener) formatters() *goja.Object {
	o := h.rt.NewObject()
	set := func(name string, fn func(args []goja.Value) goja.Value) {
		_ = o.Set(name, func(call goja.FunctionCall) goja.Value { return fn(call.Arguments) })
	}
	set("supported", func(args []goja.Value) goja.Value {
		tags, err := locale.Supported(h.tags(args[0]))
		return h.list(h.known(tags, err))
	})
	set("canonical", func(args []goja.Value) goja.Value {
		out := []string{}
		for _, tag := range h.tags(args[0]) {
			c, err := locale.Canonical(tag)
			out = append(out, h.known([]string{c}, err)...)
		}
		return h.list(out)
	})
	set("number", func(args []goja.Value) goja.Value {
		var options locale.NumberOptions
		h.read(args[1], &options)
		n, err := locale.NewNumber(h.tags(args[0]), options)
		h.refused(err)
		return h.formatter(n.Resolved(), func(args []goja.Value) ([]locale.Part, error) {
			if s, ok := args[0].(goja.String); ok {
				if s.Length() > maxTextDigits {
					h.throw("RangeError", "a number of so many digits cannot be formatted")
				}
				if parts, ok := n.Digits(s.String()); ok {
					return parts, nil
				}
				return n.Float(math.NaN()), nil
			}
			return n.Float(args[0].ToFloat()), nil
		})
	})
	set("date", func(args []goja.Value) goja.Value {
		var options locale.DateOptions
		h.read(args[1], &options)
		d, err := locale.NewDate(h.tags(args[0]), options)
		h.refused(err)
		return h.formatter(d.Resolved(), func(args []goja.Value) ([]locale.Part, error) { return d.Format(args[0].ToFloat()) })
	})
	set("list", func(args []goja.Value) goja.Value {
		l, err := locale.NewList(h.tags(args[0]), args[1].String(), args[2].String())
		h.refused(err)
		return h.formatter(locale.Resolved{{Name: "locale", Value: l.Locale}, {Name: "type", Value: l.Type}, {Name: "style", Value: l.Style}}, func(args []goja.Value) ([]locale.Part, error) {
			return l.Format(h.tags(args[0])), nil
		})
	})
	set("relative", func(args []goja.Value) goja.Value {
		r, err := locale.NewRelative(h.tags(args[0]), args[1].String(), args[2].String())
		h.refused(err)
		resolved := locale.Resolved{
			{Name: "locale", Value: r.Locale}, {Name: "style", Value: r.Style}, {Name: "numeric", Value: r.Numeric}, {Name: "numberingSystem", Value: "latn"},
		}
		return h.formatter(resolved, func(args []goja.Value) ([]locale.Part, error) { return r.Format(args[0].ToFloat(), args[1].String()) })
	})
	set("plural", func(args []goja.Value) goja.Value {
		var options locale.NumberOptions
		h.read(args[2], &options)
		p, err := locale.NewPluralRules(h.tags(args[0]), args[1].String(), options)
		h.refused(err)
		it := h.formatter(p.Resolved(), nil)
		_ = it.Set("select", func(call goja.FunctionCall) goja.Value { return h.rt.ToValue(p.Select(call.Argument(0).ToFloat())) })
		return it
	})
	set("collator", func(args []goja.Value) goja.Value {
		return h.collator(h.tags(args[0]), args[1].String(), args[2].ToBoolean())
	})
	set("casing", func(args []goja.Value) goja.Value {
		return h.casing(args[0].String(), h.tags(args[1]), args[2].ToBoolean())
	})
	return o
}

// formatter is an object that writes text, tells its parts, and what it resolved.
func (h *hardener) formatter(resolved locale.Resolved, write func(args []goja.Value) ([]locale.Part, error)) *goja.Object {
	o := h.rt.NewObject()
	if write != nil {
		parts := func(call goja.FunctionCall) []locale.Part {
			p, err := write(call.Arguments)
			h.refused(err)
			return p
		}
		_ = o.Set("format", func(call goja.FunctionCall) goja.Value { return h.rt.ToValue(locale.Text(parts(call))) })
		_ = o.Set("parts", func(call goja.FunctionCall) goja.Value { return h.asJSON(parts(call)) })
	}
	_ = o.Set("resolved", func(goja.FunctionCall) goja.Value { return h.asJSON(resolved) })
	return o
}

func (h *hardener) asJSON(v any) goja.Value {
	data, err := json.Marshal(v)
	if err != nil {
		panic(h.rt.NewGoError(err))
	}
	return h.rt.ToValue(string(data))
}

func (h *hardener) read(v goja.Value, into any) {
	if err := json.Unmarshal([]byte(v.String()), into); err != nil {
		h.throw("RangeError", "Intl: an option has a value of a wrong kind")
	}
}

// refused throws what package locale does not know.
func (h *hardener) refused(err error) {
	var unknown *locale.Error
	switch {
	case errors.As(err, &unknown):
		h.throw("RangeError", unknown.Text)
	case err != nil:
		panic(h.rt.NewGoError(err))
	}
}

func (h *hardener) known(tags []string, err error) []string {
	h.refused(err)
	return tags
}

// tags reads a list of texts that the JavaScript side made.
func (h *hardener) tags(v goja.Value) []string {
	var out []string
	if err := h.rt.ExportTo(v, &out); err != nil {
		panic(h.rt.NewTypeError("a list holds what is no text"))
	}
	return out
}

func (h *hardener) list(words []string) goja.Value {
	items := make([]any, len(words))
	for i, w := range words {
		items[i] = w
	}
	return h.rt.NewArray(items...)
}

// collator compares texts in a locale's order.
func (h *hardener) collator(tags []string, sensitivity string, numeric bool) *goja.Object {
	if len(tags) == 0 {
		tags = []string{locale.Default}
	}
	known := h.known(locale.Supported(tags))
	if len(known) == 0 {
		h.throw("RangeError", "the locale "+tags[0]+" is not known here: docs/javascript.md lists those that are")
	}
	var options []collate.Option
	if numeric {
		options = append(options, collate.Numeric)
	}
	switch sensitivity {
	case "", "variant":
		sensitivity = "variant"
	case "base":
		options = append(options, collate.IgnoreCase, collate.IgnoreDiacritics)
	case "accent":
		options = append(options, collate.IgnoreCase)
	default:
		h.throw("RangeError", "Value "+sensitivity+" out of range for Intl options property sensitivity: known here are base, accent, variant")
	}
	tag, err := language.Parse(known[0])
	if err != nil {
		h.throw("RangeError", "Incorrect locale information provided")
	}
	c := collate.New(tag, options...)
	o := h.formatter(locale.Resolved{
		{Name: "locale", Value: known[0]},
		{Name: "usage", Value: "sort"},
		{Name: "sensitivity", Value: sensitivity},
		{Name: "ignorePunctuation", Value: false},
		{Name: "collation", Value: "default"},
		{Name: "numeric", Value: numeric},
		{Name: "caseFirst", Value: "false"},
	}, nil)
	_ = o.Set("compare", func(call goja.FunctionCall) goja.Value {
		return h.rt.ToValue(c.CompareString(call.Argument(0).String(), call.Argument(1).String()))
	})
	return o
}

// casing makes letters small or capital as a language does: Turkish and Azeri have
// an i of their own.
func (h *hardener) casing(s string, tags []string, upper bool) goja.Value {
	tag := locale.Default
	if len(tags) > 0 {
		c, err := locale.Canonical(tags[0])
		h.refused(err)
		tag = c
	}
	method := "toLowerCase"
	if upper {
		method = "toUpperCase"
	}
	switch name, _, _ := strings.Cut(tag, "-"); name {
	case "tr", "az":
		if upper {
			return h.rt.ToValue(strings.ToUpperSpecial(unicode.TurkishCase, s))
		}
		return h.rt.ToValue(strings.ToLowerSpecial(unicode.TurkishCase, s))
	case "lt":
		h.throw("RangeError", "letters of Lithuanian cannot be made small or capital here")
	}
	fn, ok := webapi.Function(h.rt, h.object("String", "prototype").Get(method))
	if !ok {
		panic(h.rt.NewTypeError("String.prototype.%s was taken away", method))
	}
	v, err := fn(h.rt.ToValue(s))
	if err != nil {
		panic(err)
	}
	return v
}
