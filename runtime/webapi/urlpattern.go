package webapi

import (
	"errors"
	"strconv"

	"github.com/dop251/goja"
)

// URLPattern is the class of that name.
type URLPattern struct {
	instance
	parts [urlParts]*patternComponent
}

// maxPattern bounds the bytes of a pattern.
const maxPattern = 16 << 10

// readInit copies a URLPatternInit; its members are read in the order of their names.
func (r *Realm) readInit(o *goja.Object) *patternInit {
	i := &patternInit{}
	read := func(name string) *string {
		v := r.member(o, name)
		if absent(v) {
			return nil
		}
		s := r.text(v)
		return &s
	}
	i.base = read("baseURL")
	for _, part := range []int{partHash, partHostname, partPassword, partPathname, partPort, partProtocol, partSearch, partUsername} {
		i.parts[part] = read(urlPartNames[part])
	}
	return i
}

func (r *Realm) newURLPattern(args []goja.Value) (*URLPattern, error) {
	input, second := arg(args, 0), arg(args, 1)
	options := arg(args, 2)
	var base *string
	if _, ok := second.(*goja.Object); ok || nullish(second) {
		if len(args) < 3 {
			options = second
		} else {
			text := r.text(second)
			base = &text
		}
	} else {
		text := r.text(second)
		base = &text
	}
	ignoreCase := r.member(r.options(options, "URLPattern"), "ignoreCase").ToBoolean()
	var given *patternInit
	switch o, ok := input.(*goja.Object); {
	case ok:
		if base != nil {
			return nil, badPattern("a base URL goes with a pattern that is a string")
		}
		given = r.readInit(o)
	case absent(input):
		given = &patternInit{}
	default:
		text := r.text(input)
		if len(text) > maxPattern {
			return nil, badPattern("the pattern holds more than %d bytes", maxPattern)
		}
		var err error
		if given, err = r.parsePatternString(text); err != nil {
			return nil, err
		}
		if base == nil && given.parts[partProtocol] == nil {
			return nil, badPattern("the pattern %q needs a base URL", clip(text))
		}
		given.base = base
	}
	full, err := given.resolve(true)
	if err != nil {
		return nil, err
	}
	return r.compilePattern(full, ignoreCase)
}

func (r *Realm) compilePattern(full *patternInit, ignoreCase bool) (*URLPattern, error) {
	for part, s := range full.parts {
		if s == nil {
			full.set(part, "*")
		} else if len(*s) > maxPattern {
			return nil, badPattern("the pattern holds more than %d bytes", maxPattern)
		}
	}
	if port, special := defaultPort(*full.parts[partProtocol]); special && *full.parts[partPort] == strconv.Itoa(port) {
		full.set(partPort, "")
	}
	p := &URLPattern{}
	special := false
	for part, s := range full.parts {
		options := patternOptions{ignoreCase: ignoreCase && part >= partPathname}
		encode := func(text string) (string, error) { return canonical(part, text, "") }
		switch part {
		case partHostname:
			options.delimiter = "."
			if address(*s) {
				encode = canonicalIPv6
			} else if !special {
				encode = func(text string) (string, error) { return canonicalHost(text, true) }
			}
		case partPathname:
			if special {
				options.delimiter, options.prefix = "/", "/"
			} else {
				encode = func(text string) (string, error) { return canonical(part, text, "dummy") }
			}
		}
		c, err := r.component(*s, options, encode)
		if err != nil {
			return nil, err
		}
		p.parts[part] = c
		if part == partProtocol {
			special = r.special(c)
		}
	}
	return p, nil
}

// address reports whether the pattern of a hostname is one of an IPv6 address.
func address(s string) bool {
	return len(s) >= 2 && (s[0] == '[' || s[:2] == "{[" || s[:2] == `\[`)
}

// matching reads what test and exec are given; nil where it is no URL.
func (r *Realm) matching(args []goja.Value) (parts [urlParts]string, inputs []goja.Value, ok bool) {
	input, base := arg(args, 0), arg(args, 1)
	if o, is := input.(*goja.Object); is || absent(input) {
		if !absent(base) {
			panic(r.typeError("a base URL goes with a URL that is a string"))
		}
		if !is {
			o = r.vm.NewObject()
		}
		if u, is := unwrap[*URL](o); is {
			return u.u.parts(), []goja.Value{o}, true
		}
		full, err := r.readInit(o).resolve(false)
		if err != nil {
			return parts, nil, false
		}
		for i, s := range full.parts {
			parts[i] = *s
		}
		return parts, []goja.Value{o}, true
	}
	text, from := r.text(input), ""
	inputs = []goja.Value{r.vm.ToValue(text)}
	if !absent(base) {
		if from = r.text(base); from == "" {
			return parts, nil, false
		}
		inputs = append(inputs, r.vm.ToValue(from))
	}
	u, err := parseURL(text, from)
	if err != nil {
		return parts, nil, false
	}
	return u.parts(), inputs, true
}

func (u *urlRecord) parts() [urlParts]string {
	return [urlParts]string{u.scheme, u.username, u.password, u.host, u.Port(), u.path, u.query, u.fragment}
}

func newURLPatternClass(r *Realm) *class {
	c := r.class("URLPattern", 0, nil, func(args []goja.Value) object {
		p, err := r.newURLPattern(args)
		if err != nil {
			panic(r.patternError(err))
		}
		return p
	})
	for part, name := range urlPartNames {
		attribute(c, name, func(p *URLPattern) goja.Value { return r.vm.ToValue(p.parts[part].pattern) }, nil)
	}
	attribute(c, "hasRegExpGroups", func(p *URLPattern) goja.Value {
		for _, part := range p.parts {
			if part.custom {
				return r.vm.ToValue(true)
			}
		}
		return r.vm.ToValue(false)
	}, nil)
	method(c, "test", 0, func(p *URLPattern, args []goja.Value) goja.Value {
		parts, _, ok := r.matching(args)
		for i := 0; ok && i < urlParts; i++ {
			_, ok = r.match(p.parts[i], parts[i])
		}
		return r.vm.ToValue(ok)
	})
	method(c, "exec", 0, func(p *URLPattern, args []goja.Value) goja.Value {
		parts, inputs, ok := r.matching(args)
		if !ok {
			return goja.Null()
		}
		result, list := r.vm.NewObject(), make([]any, len(inputs))
		for i, v := range inputs {
			list[i] = v
		}
		_ = result.Set("inputs", r.vm.NewArray(list...))
		for i, name := range urlPartNames {
			found, ok := r.match(p.parts[i], parts[i])
			if !ok {
				return goja.Null()
			}
			groups := r.vm.NewObject()
			for n, text := range found {
				if text == nil {
					_ = groups.Set(p.parts[i].names[n], goja.Undefined())
				} else {
					_ = groups.Set(p.parts[i].names[n], *text)
				}
			}
			part := r.vm.NewObject()
			_ = part.Set("input", parts[i])
			_ = part.Set("groups", groups)
			_ = result.Set(name, part)
		}
		return result
	})
	return c
}

func (r *Realm) patternError(err error) *goja.Object {
	var bad *errPattern
	if errors.As(err, &bad) {
		return r.typeError("%s", bad.message)
	}
	return r.typeError("the pattern is malformed")
}
