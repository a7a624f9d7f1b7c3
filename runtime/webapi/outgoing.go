package webapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/dop251/goja"
)

// outgoing is a request on its way, as plain data: it leaves the VM's goroutine.
type outgoing struct {
	method   string
	url      string
	header   http.Header
	data     []byte
	source   io.Reader // instead of data; can be sent once only
	redirect string

	integrity string // what the answer has to hash to; empty: anything
	most      int64  // bytes of an answer that is looked at before it is handed over
}

// droppedHeaders are the connection's affair, not the function's.
var droppedHeaders = []string{
	"Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// outgoing turns the Request into plain data.
func (f *fetching) outgoing(ctx context.Context) *outgoing {
	r, q := f.realm, f.request
	o := &outgoing{method: q.method, url: q.url, header: q.headers.fields().wire(), redirect: q.redirect, integrity: q.fixed["integrity"], most: r.host.Limits().Bytes}
	o.defaults(q.fixed["cache"])
	c := q.content
	if c == nil {
		return o
	}
	if c.unusable() {
		panic(r.typeError("the body of the request was read already, or is locked to a reader"))
	}
	switch {
	case c.stream != nil:
		if source := c.stream.untouched(); source != nil {
			o.source = source
		} else {
			o.source = f.pipe(ctx, c.stream)
		}
	case c.source != nil:
		o.source = c.source
		c.source, c.used = nil, true
	default:
		o.data = c.data
		c.data, c.used = nil, true
		if o.data == nil {
			o.data = []byte{}
		}
	}
	if m, ok := o.source.(*memory); ok {
		o.data, o.source = m.data, nil
	}
	return o
}

// defaults adds the headers that the Fetch standard does.
func (o *outgoing) defaults(cache string) {
	for _, name := range droppedHeaders {
		delete(o.header, name)
	}
	add := func(name, value string) {
		if o.header[name] == nil {
			o.header[name] = []string{value}
		}
	}
	add("Accept", "*/*")
	add("Accept-Language", "*")
	add("User-Agent", "Hadron")
	if o.header["Range"] != nil {
		add("Accept-Encoding", "identity") // parts of what is compressed cannot be read
	}
	add("Accept-Encoding", "gzip, deflate, br")
	switch cache {
	case "no-cache":
		add("Cache-Control", "max-age=0")
	case "no-store", "reload":
		add("Pragma", "no-cache")
		add("Cache-Control", "no-cache")
	}
}

// pipe reads a function's stream from another goroutine, a chunk at a time: the
// next is asked for when the last was taken.
func (f *fetching) pipe(ctx context.Context, s *ReadableStream) io.Reader {
	r := f.realm
	reader, writer := io.Pipe()
	chunks := r.ReadStream(s)
	f.upload = chunks
	context.AfterFunc(ctx, func() { _ = writer.CloseWithError(context.Cause(ctx)) })
	var next func()
	next = func() {
		chunks.Next(func(b []byte) {
			taken := bytes.Clone(b)
			off(r, func() (int, error) { return writer.Write(taken) }, func(_ int, err error) {
				if err != nil {
					chunks.Cancel("the request ended")
					return
				}
				next()
			})
		}, func() { _ = writer.Close() }, func(reason goja.Value) {
			_ = writer.CloseWithError(errors.New("the request's body failed: " + clip(reason.String())))
		})
	}
	next()
	return reader
}

// dropBody ends a request's body that is not sent.
func (r *Realm) dropBody(c *content, reason goja.Value) {
	switch {
	case c == nil:
	case c.stream != nil && !c.stream.locked():
		r.cancelQuietly(c.stream, reason)
	case c.source != nil:
		closeReader(c.source)
	}
}

// hopRequest makes the request of one hop; target was serialised by the URL parser.
func hopRequest(ctx context.Context, o *outgoing, target string) (*http.Request, error) {
	var payload io.Reader
	switch {
	case o.source != nil:
		payload = o.source
	case o.data != nil:
		payload = bytes.NewReader(o.data)
	}
	req, err := http.NewRequestWithContext(ctx, o.method, target, payload)
	if err != nil {
		// A "%" that stands for itself is one to the URL standard, and none to net/url.
		req, err = http.NewRequestWithContext(ctx, o.method, strayPercent.ReplaceAllString(target, "%25$1"), payload)
	}
	if err != nil {
		return nil, errors.New("the address cannot be fetched")
	}
	if l, ok := o.source.(interface{ Len() int }); ok {
		req.ContentLength = int64(l.Len())
	}
	req.Header = o.header.Clone()
	return req, nil
}
