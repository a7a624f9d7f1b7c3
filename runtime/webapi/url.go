package webapi

import (
	"strings"

	"github.com/dop251/goja"
)

// URL is the class of that name.
type URL struct {
	instance
	u      *urlRecord
	params *SearchParams // made at first use; its list is the query's from then on
}

// changed brings the parameters in line with a query that was set.
func (u *URL) changed() {
	if u.params != nil {
		u.params.list = parseQuery(u.u.Query())
	}
}

func (u *URL) replace(href string) error {
	parsed, err := parseURL(href, "")
	if err == nil {
		u.u = parsed
		u.changed()
	}
	return err
}

func (r *Realm) newURL(input, base goja.Value) (*URL, error) {
	from := ""
	text := r.text(input)
	if !absent(base) {
		from = r.text(base)
		if from == "" {
			return nil, errEmptyBase
		}
	}
	u, err := parseURL(text, from)
	if err != nil {
		return nil, err
	}
	return &URL{u: u}, nil
}

func newURLClass(r *Realm) *class {
	refuse := func(input goja.Value) *goja.Object {
		o := r.typeError("Invalid URL: %q", clip(r.text(input)))
		_ = o.Set("code", "ERR_INVALID_URL")
		return o
	}
	c := r.class("URL", 1, nil, func(args []goja.Value) object {
		u, err := r.newURL(args[0], arg(args, 1))
		if err != nil {
			panic(refuse(args[0]))
		}
		return u
	})
	c.static("canParse", 1, func(args []goja.Value) goja.Value {
		_, err := r.newURL(args[0], arg(args, 1))
		return r.vm.ToValue(err == nil)
	})
	c.static("parse", 1, func(args []goja.Value) goja.Value {
		u, err := r.newURL(args[0], arg(args, 1))
		if err != nil {
			return goja.Null()
		}
		return c.wrap(u)
	})
	part := func(name string, get func(*urlRecord) string, set func(*urlRecord, string)) {
		var put func(*URL, goja.Value)
		if set != nil {
			put = func(u *URL, v goja.Value) {
				s := r.text(v)
				if len(s) <= maxURL {
					set(u.u, s)
					u.changed()
				}
			}
		}
		attribute(c, name, func(u *URL) goja.Value { return r.vm.ToValue(get(u.u)) }, put)
	}
	href := func(u *urlRecord) string { return u.Href(false) }
	attribute(c, "href", func(u *URL) goja.Value { return r.vm.ToValue(href(u.u)) }, func(u *URL, v goja.Value) {
		if u.replace(r.text(v)) != nil {
			panic(refuse(v))
		}
	})
	part("origin", origin, nil)
	part("protocol", (*urlRecord).Protocol, (*urlRecord).SetProtocol)
	part("username", (*urlRecord).Username, (*urlRecord).SetUsername)
	part("password", (*urlRecord).Password, (*urlRecord).SetPassword)
	part("host", (*urlRecord).Host, (*urlRecord).SetHost)
	part("hostname", (*urlRecord).Hostname, (*urlRecord).SetHostname)
	part("port", (*urlRecord).Port, (*urlRecord).SetPort)
	part("pathname", (*urlRecord).Pathname, (*urlRecord).SetPathname)
	part("search", (*urlRecord).Search, (*urlRecord).SetSearch)
	part("hash", (*urlRecord).Hash, (*urlRecord).SetHash)
	attribute(c, "searchParams", func(u *URL) goja.Value {
		if u.params == nil {
			u.params = &SearchParams{list: parseQuery(u.u.Query()), owner: u}
			r.use("URLSearchParams").wrap(u.params)
		}
		return u.params.self
	}, nil)
	text := func(u *URL, _ []goja.Value) goja.Value { return r.vm.ToValue(href(u.u)) }
	method(c, "toString", 0, text)
	method(c, "toJSON", 0, text)
	return c
}

// origin serialises the origin; schemes without one have the opaque "null".
func origin(u *urlRecord) string {
	switch u.Scheme() {
	case "http", "https", "ws", "wss", "ftp":
		return u.Scheme() + "://" + u.Host()
	case "blob":
		inner, err := parseURL(u.Pathname(), "")
		if err == nil && strings.HasPrefix(inner.Scheme(), "http") {
			return origin(inner)
		}
	}
	return "null"
}
