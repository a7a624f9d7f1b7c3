package webapi

import (
	"strings"

	"github.com/dop251/goja"
	whatwg "github.com/nlnwa/whatwg-url/url"
)

// URL is the class of that name.
type URL struct {
	instance
	u      *whatwg.Url
	params *SearchParams // made at first use; its list is the query's from then on
}

// parseURL parses as the URL standard does; base may be empty.
func parseURL(input, base string) (*whatwg.Url, error) {
	if len(input) > maxURL || len(base) > maxURL {
		return nil, errLongURL
	}
	if base == "" {
		return urlParser.Parse(input)
	}
	return urlParser.ParseRef(base, input)
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
	part := func(name string, get func(*whatwg.Url) string, set func(*whatwg.Url, string)) {
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
	href := func(u *whatwg.Url) string { return u.Href(false) }
	attribute(c, "href", func(u *URL) goja.Value { return r.vm.ToValue(href(u.u)) }, func(u *URL, v goja.Value) {
		if u.replace(r.text(v)) != nil {
			panic(refuse(v))
		}
	})
	part("origin", origin, nil)
	part("protocol", (*whatwg.Url).Protocol, (*whatwg.Url).SetProtocol)
	part("username", (*whatwg.Url).Username, (*whatwg.Url).SetUsername)
	part("password", (*whatwg.Url).Password, (*whatwg.Url).SetPassword)
	part("host", (*whatwg.Url).Host, (*whatwg.Url).SetHost)
	part("hostname", (*whatwg.Url).Hostname, (*whatwg.Url).SetHostname)
	part("port", (*whatwg.Url).Port, (*whatwg.Url).SetPort)
	part("pathname", (*whatwg.Url).Pathname, (*whatwg.Url).SetPathname)
	part("search", (*whatwg.Url).Search, (*whatwg.Url).SetSearch)
	part("hash", (*whatwg.Url).Hash, (*whatwg.Url).SetHash)
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
func origin(u *whatwg.Url) string {
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
