package webapi

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// Request is the class of that name.
type Request struct {
	instance
	holder
	method   string
	url      string
	headers  *Headers
	signal   *AbortSignal // made at first use
	aborted  goja.Value   // why, where that came before the signal was made
	redirect string
	fixed    map[string]string // members that are kept and not acted upon
}

// Incoming is a request as it comes to a function.
type Incoming struct {
	Method string
	URL    string
	Header http.Header // kept, and not changed
	Body   io.Reader   // nil: none. Read off the VM's goroutine, unless it has a Len method
}

// NewRequest makes the request that a handler is called with.
func (r *Realm) NewRequest(in Incoming) (*Request, *goja.Object) {
	made := &struct {
		Request
		headers Headers
	}{Request: Request{method: in.Method, url: in.URL, redirect: "follow"}, headers: Headers{wire: in.Header, immutable: true}}
	q := &made.Request
	q.headers = &made.headers
	if in.Body != nil {
		q.content = &content{source: in.Body}
	}
	return q, r.use("Request").wrap(q)
}

// Abort ends the request's signal, because the client left or time is up.
func (r *Realm) Abort(q *Request, message string) {
	reason := r.domException("AbortError", "%s", message)
	if q.signal == nil {
		q.aborted = reason
		return
	}
	r.abort(q.signal, reason)
}

// Watched reports whether the function waits for the request's signal: then a call
// with nothing else to wait for can still go on.
func (q *Request) Watched() bool {
	return q.signal != nil && q.signal.watched()
}

func (q *Request) contentType() string {
	v, _ := q.headers.get("content-type")
	return v
}

func (r *Realm) signalOf(q *Request) *AbortSignal {
	if q.signal == nil {
		q.signal = r.newSignal()
		if q.aborted != nil {
			r.abort(q.signal, q.aborted)
		}
	}
	return q.signal
}

// requestMembers are read from the init and shown again, with their defaults.
var requestMembers = map[string]struct {
	initial string
	allowed []string // empty: any string
}{
	"mode":           {"cors", []string{"cors", "no-cors", "same-origin", "navigate"}},
	"credentials":    {"same-origin", []string{"omit", "same-origin", "include"}},
	"cache":          {"default", []string{"default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"}},
	"referrerPolicy": {"", []string{"", "no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin", "origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url"}},
	"integrity":      {"", nil},
}

func (r *Realm) oneOf(v goja.Value, name string, allowed ...string) string {
	s := r.text(v)
	if len(allowed) > 0 && !slices.Contains(allowed, s) {
		panic(r.typeError("%q is no value for %s", clip(s), name))
	}
	return s
}

// normalMethod upper-cases the methods that the standard does.
func (r *Realm) normalMethod(v goja.Value) string {
	m := r.latin(v)
	if !token(m) {
		panic(r.typeError("%q is no HTTP method", clip(m)))
	}
	switch upper := strings.ToUpper(m); upper {
	case "CONNECT", "TRACE", "TRACK":
		panic(r.typeError("the method %s is not allowed", upper))
	case "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT":
		return upper
	}
	return m
}

// request is the Request constructor.
func (r *Realm) request(input, init goja.Value) *Request {
	r.options(init, "Request")
	q := &Request{method: http.MethodGet, redirect: "follow"}
	from, copied := unwrap[*Request](input)
	if copied {
		q.method, q.url, q.redirect, q.fixed = from.method, from.url, from.redirect, from.fixed
	} else {
		u, err := parseURL(r.text(input), "")
		if err != nil {
			panic(r.typeError("Invalid URL: %q; a request needs an absolute one", clip(r.text(input))))
		}
		if u.Username() != "" || u.Password() != "" {
			panic(r.typeError("a request's URL cannot hold a name and password; send them in a header"))
		}
		q.url = u.Href(false)
	}
	if v := r.member(init, "method"); !absent(v) {
		q.method = r.normalMethod(v)
	}
	if v := r.member(init, "redirect"); !absent(v) {
		q.redirect = r.oneOf(v, "redirect", "follow", "error", "manual")
	}
	r.keepMembers(q, init)
	if q.fixed["mode"] == "no-cors" && q.method != http.MethodGet && q.method != http.MethodHead && q.method != http.MethodPost {
		panic(r.typeError("the method %s needs another mode than no-cors", q.method))
	}
	r.requestSignal(q, from, init)
	if v := r.member(init, "headers"); !absent(v) {
		q.headers = r.headersFrom(v)
	} else if copied {
		q.headers = &Headers{list: slices.Clone(from.headers.fields())}
	} else {
		q.headers = &Headers{}
	}
	r.requestBody(q, from, init)
	return q
}

func (r *Realm) keepMembers(q *Request, init goja.Value) {
	if _, ok := init.(*goja.Object); !ok {
		return
	}
	if v := r.member(init, "window"); !nullish(v) {
		panic(r.typeError("window can only be null"))
	}
	kept := q.fixed // that of the request it is made of, which is not changed
	keep := func(name, value string) {
		if old, ok := kept[name]; ok && old == value {
			return
		}
		if kept = maps.Clone(kept); kept == nil {
			kept = make(map[string]string, 1)
		}
		kept[name] = value
	}
	for name, m := range requestMembers {
		if v := r.member(init, name); !absent(v) {
			keep(name, r.oneOf(v, name, m.allowed...))
		}
	}
	if v := r.member(init, "keepalive"); !absent(v) {
		keep("keepalive", strconv.FormatBool(v.ToBoolean()))
	}
	if v := r.member(init, "priority"); !absent(v) {
		r.oneOf(v, "priority", "high", "low", "auto")
	}
	if v := r.member(init, "referrer"); !absent(v) {
		keep("referrer", r.referrer(r.text(v)))
	}
	if kept["mode"] == "navigate" {
		panic(r.typeError("the mode of a request cannot be navigate"))
	}
	if kept["cache"] == "only-if-cached" && kept["mode"] != "same-origin" {
		panic(r.typeError("only-if-cached needs the mode same-origin"))
	}
	q.fixed = kept
}

// referrer is kept as the author wrote it: nothing is sent of it.
func (r *Realm) referrer(s string) string {
	if s == "" || s == "about:client" {
		return s
	}
	u, err := parseURL(s, "")
	if err != nil {
		panic(r.typeError("Invalid URL: %q; a referrer is absolute, empty or about:client", clip(s)))
	}
	return u.Href(false)
}

func (r *Realm) requestSignal(q, from *Request, init goja.Value) {
	v := r.member(init, "signal")
	switch {
	case goja.IsNull(v):
	case !absent(v):
		q.signal = r.newSignal()
		r.follow(q.signal, r.signal(v, "a request"))
	case from != nil:
		q.signal = r.newSignal()
		r.follow(q.signal, r.signalOf(from))
	}
}

func (r *Realm) requestBody(q, from *Request, init goja.Value) {
	v := r.member(init, "body")
	given := !nullish(v)
	inherited := from != nil && from.content != nil
	if (given || inherited) && (q.method == http.MethodGet || q.method == http.MethodHead) {
		panic(r.typeError("a %s request cannot have a body", q.method))
	}
	duplex := r.member(init, "duplex")
	if !absent(duplex) && r.text(duplex) != "half" {
		panic(r.typeError("a request's duplex is \"half\""))
	}
	switch {
	case given:
		var kind string
		q.content, kind = r.extract(v)
		if q.content.stream != nil && absent(duplex) {
			panic(r.typeError("a request whose body is a stream needs duplex: \"half\""))
		}
		if q.content.stream != nil && q.fixed["keepalive"] == "true" {
			panic(r.typeError("a request with keepalive cannot have a stream as its body"))
		}
		if _, has := q.headers.get("content-type"); kind != "" && !has {
			q.headers.change(func(l *fieldList) { l.add("content-type", kind) })
		}
	case inherited:
		if from.content.unusable() {
			panic(r.typeError("the body of the request was read already, or is locked to a reader"))
		}
		moved := *from.content
		q.content = &moved
		if s := moved.stream; s != nil {
			q.content = &content{stream: r.proxied(s)}
			break
		}
		// The old request keeps a body that counts as read.
		*from.content = content{used: true}
	}
}

func newRequestClass(r *Realm) *class {
	c := r.class("Request", 1, nil, func(args []goja.Value) object { return r.request(args[0], arg(args, 1)) })
	attribute(c, "method", func(q *Request) goja.Value { return r.vm.ToValue(q.method) }, nil)
	attribute(c, "url", func(q *Request) goja.Value { return r.vm.ToValue(q.url) }, nil)
	attribute(c, "headers", func(q *Request) goja.Value { return r.headersObject(q.headers) }, nil)
	attribute(c, "signal", func(q *Request) goja.Value { return r.signalOf(q).self }, nil)
	attribute(c, "redirect", func(q *Request) goja.Value { return r.vm.ToValue(q.redirect) }, nil)
	for name, m := range requestMembers {
		attribute(c, name, func(q *Request) goja.Value {
			if v, ok := q.fixed[name]; ok {
				return r.vm.ToValue(v)
			}
			return r.vm.ToValue(m.initial)
		}, nil)
	}
	attribute(c, "referrer", func(q *Request) goja.Value {
		if v, ok := q.fixed["referrer"]; ok {
			return r.vm.ToValue(v)
		}
		return r.vm.ToValue("about:client")
	}, nil)
	no := func(*Request) goja.Value { return r.vm.ToValue(false) }
	attribute(c, "isReloadNavigation", no, nil)
	attribute(c, "isHistoryNavigation", no, nil)
	attribute(c, "keepalive", func(q *Request) goja.Value { return r.vm.ToValue(q.fixed["keepalive"] == "true") }, nil)
	attribute(c, "destination", func(*Request) goja.Value { return r.vm.ToValue("") }, nil)
	attribute(c, "duplex", func(*Request) goja.Value { return r.vm.ToValue("half") }, nil)
	bodyMembers[*Request](c)
	method(c, "clone", 0, func(q *Request, _ []goja.Value) goja.Value {
		if q.content.unusable() {
			panic(r.typeError("the body of the request was read already, or is locked to a reader"))
		}
		twin := &Request{
			method: q.method, url: q.url, redirect: q.redirect, fixed: q.fixed,
			headers: &Headers{list: slices.Clone(q.headers.fields()), immutable: q.headers.immutable},
		}
		twin.content = r.cloneContent(q.content)
		twin.signal = r.newSignal()
		r.follow(twin.signal, r.signalOf(q))
		return c.wrap(twin)
	})
	return c
}

// headersObject is the function's side of a header list, made when it first looks.
func (r *Realm) headersObject(h *Headers) *goja.Object {
	if h.self == nil {
		r.use("Headers").wrap(h)
	}
	return h.self
}
