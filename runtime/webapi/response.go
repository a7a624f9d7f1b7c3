package webapi

import (
	"io"
	"net/http"
	"slices"

	"github.com/dop251/goja"
)

// Response is the class of that name.
type Response struct {
	instance
	holder
	status     int
	statusText string
	headers    *Headers
	kind       string // "default", "basic" or "error"
	url        string
	redirected bool
	raw        bool // the body was taken as it came, compressed
}

func (p *Response) contentType() string {
	v, _ := p.headers.get("content-type")
	return v
}

// ResponseOf returns the response that v is, if it is one.
func ResponseOf(v goja.Value) (*Response, bool) { return unwrap[*Response](v) }

// IsResponse reports whether v is a Response. It runs no code of the function's.
func IsResponse(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	if !ok {
		return false
	}
	_, ok = housed(o).(*Response)
	return ok
}

// Status is the response's status, 0 for Response.error().
func (p *Response) Status() int { return p.status }

// Header is a copy of the headers for the network, after Take.
func (p *Response) Header() http.Header {
	h := p.headers.fields().wire()
	if p.headers.decoded && !p.raw {
		// What they say is true of the body as it came, and it goes out decompressed.
		delete(h, "Content-Encoding")
		delete(h, "Content-Length")
	}
	return h
}

// Take takes the body off the response. At most one of the results is set: bytes
// that are whole, something to read off the VM's goroutine, or a stream of the
// function's to be read with ReadStream. It fails where the body was used.
func (p *Response) Take() (data []byte, source io.Reader, stream *ReadableStream, ok bool) {
	c := p.content
	if c == nil {
		return nil, nil, nil, true
	}
	if c.unusable() {
		return nil, nil, nil, false
	}
	if c.stream != nil {
		if source = c.stream.untouched(); source == nil {
			return nil, nil, c.stream, true
		}
	} else {
		data, source = c.data, c.source
		c.data, c.source, c.used = nil, nil, true
	}
	switch s := source.(type) {
	case *memory:
		return s.data, nil, nil, true
	case *contentDecoder:
		if p.headers.decoded { // passed on as it came: nothing has to be decompressed
			p.raw = true
			return nil, s.raw, nil, true
		}
	}
	return data, source, nil, true
}

// Chunks reads a function's stream one chunk at a time. Each call of Next ends in
// one call of chunk, end or fail, on the VM's goroutine.
type Chunks struct {
	realm  *Realm
	stream *ReadableStream
}

// ReadStream locks the stream to the caller.
func (r *Realm) ReadStream(s *ReadableStream) *Chunks {
	r.acquire(s)
	return &Chunks{r, s}
}

// Next asks for a chunk; b is the function's memory and valid during the call.
func (k *Chunks) Next(data func(b []byte), end func(), fail func(reason goja.Value)) {
	r := k.realm
	r.read(k.stream, readRequest{
		chunk: func(v goja.Value) {
			b, ok := r.chunkBytes(v)
			if !ok {
				problem := r.typeError("the response's stream holds a chunk that is no Uint8Array; encode text with TextEncoder")
				r.cancelQuietly(k.stream, problem)
				fail(problem)
				return
			}
			data(b)
		},
		end:  end,
		fail: fail,
	})
}

// Cancel tells the function that nobody reads on.
func (k *Chunks) Cancel(message string) { k.stop(k.realm.domException("AbortError", "%s", message)) }

func (k *Chunks) stop(reason goja.Value) {
	r := k.realm
	if ex := r.vm.Try(func() { r.cancelQuietly(k.stream, reason) }); ex != nil {
		r.host.Report(ex)
	}
}

func nullBodyStatus(status int) bool {
	switch status {
	case 101, 103, 204, 205, 304:
		return true
	}
	return false
}

// responseInit reads status, statusText and headers.
func (r *Realm) responseInit(p *Response, init goja.Value) {
	r.options(init, "Response")
	p.status, p.kind = http.StatusOK, "default"
	if v := r.member(init, "status"); !absent(v) {
		f := number(v)
		p.status = int(int64(max(min(f, 1<<31), -1<<31)) & 0xffff)
		if f != f || p.status < 200 || p.status > 599 {
			panic(r.rangeError("a response's status is from 200 to 599, not %s", clip(v.String())))
		}
	}
	if v := r.member(init, "statusText"); !absent(v) {
		p.statusText = r.latin(v)
		for i := range len(p.statusText) {
			if c := p.statusText[i]; c < ' ' && c != '\t' || c == 0x7f {
				panic(r.typeError("statusText cannot hold control characters"))
			}
		}
	}
	p.headers = r.headersFrom(r.member(init, "headers"))
}

func (r *Realm) setBody(p *Response, body goja.Value, kind string) {
	c, own := r.extract(body)
	if kind == "" {
		kind = own
	}
	if c == nil {
		return
	}
	if nullBodyStatus(p.status) {
		panic(r.typeError("a response with status %d cannot have a body", p.status))
	}
	p.content = c
	if _, has := p.headers.get("content-type"); kind != "" && !has {
		p.headers.change(func(l *fieldList) { l.add("content-type", kind) })
	}
}

func newResponseClass(r *Realm) *class {
	c := r.class("Response", 0, nil, func(args []goja.Value) object {
		p := &Response{}
		r.responseInit(p, arg(args, 1))
		r.setBody(p, arg(args, 0), "")
		return p
	})
	c.static("error", 0, func([]goja.Value) goja.Value {
		return c.wrap(&Response{kind: "error", headers: &Headers{immutable: true}})
	})
	c.static("redirect", 1, func(args []goja.Value) goja.Value {
		u, err := parseURL(r.text(args[0]), "")
		if err != nil {
			panic(r.typeError("Invalid URL: %q; a redirect needs an absolute one", clip(r.text(args[0]))))
		}
		status := 302
		if v := arg(args, 1); !absent(v) {
			status = int(whole(v, 0, 1<<16))
		}
		if !redirectStatus(status) {
			panic(r.rangeError("a redirect's status is 301, 302, 303, 307 or 308, not %d", status))
		}
		return c.wrap(&Response{
			kind: "default", status: status,
			headers: &Headers{list: fieldList{{"location", u.Href(false)}}, immutable: true},
		})
	})
	c.static("json", 1, func(args []goja.Value) goja.Value {
		text := r.jsonBody(args[0])
		if text == nil {
			panic(r.typeError("the value cannot be written as JSON"))
		}
		p := &Response{}
		r.responseInit(p, arg(args, 1))
		if nullBodyStatus(p.status) {
			panic(r.typeError("a response with status %d cannot have a body", p.status))
		}
		p.content = &content{data: text}
		if _, has := p.headers.get("content-type"); !has {
			p.headers.change(func(l *fieldList) { l.add("content-type", "application/json") })
		}
		return c.wrap(p)
	})
	attribute(c, "type", func(p *Response) goja.Value { return r.vm.ToValue(p.kind) }, nil)
	attribute(c, "url", func(p *Response) goja.Value { return r.vm.ToValue(p.url) }, nil)
	attribute(c, "redirected", func(p *Response) goja.Value { return r.vm.ToValue(p.redirected) }, nil)
	attribute(c, "status", func(p *Response) goja.Value { return r.vm.ToValue(p.status) }, nil)
	attribute(c, "ok", func(p *Response) goja.Value { return r.vm.ToValue(p.status >= 200 && p.status < 300) }, nil)
	attribute(c, "statusText", func(p *Response) goja.Value { return r.vm.ToValue(p.statusText) }, nil)
	attribute(c, "headers", func(p *Response) goja.Value { return r.headersObject(p.headers) }, nil)
	bodyMembers[*Response](c)
	method(c, "clone", 0, func(p *Response, _ []goja.Value) goja.Value {
		if p.content.unusable() {
			panic(r.typeError("the body of the response was read already, or is locked to a reader"))
		}
		twin := &Response{
			status: p.status, statusText: p.statusText, kind: p.kind, url: p.url, redirected: p.redirected,
			headers: &Headers{list: slices.Clone(p.headers.fields()), immutable: p.headers.immutable, decoded: p.headers.decoded},
		}
		twin.content = r.cloneContent(p.content)
		return c.wrap(twin)
	})
	return c
}

func redirectStatus(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}
