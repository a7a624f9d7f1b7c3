package webapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"

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
}

// maxRedirects is what the Fetch standard allows.
const maxRedirects = 20

// droppedHeaders are the connection's affair, not the function's.
var droppedHeaders = []string{
	"Accept-Encoding", "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func newFetch(r *Realm) goja.Value {
	return r.function("fetch", 1, func(args []goja.Value) (result goja.Value) {
		if ex := r.vm.Try(func() { result = r.fetch(args[0], arg(args, 1)) }); ex != nil {
			return r.rejected(ex.Value())
		}
		return result
	})
}

func (r *Realm) fetch(input, init goja.Value) goja.Value {
	parent := r.host.Context()
	if parent == nil {
		panic(r.typeError("fetch cannot be called while the module loads; call it in the handler"))
	}
	q := r.request(input, init)
	if q.signal != nil && q.signal.aborted {
		panic(q.signal.reason)
	}
	if r.fetches++; r.fetches > r.host.Limits().Subrequests {
		panic(r.typeError("too many fetches: one invocation can make %d", r.host.Limits().Subrequests))
	}
	site := r.here()
	ctx, cancel := context.WithCancel(parent)
	out := r.outgoing(q, ctx)
	p, resolve, reject := r.vm.NewPromise()
	settled := false
	forget := func() {}
	answer := &Response{}
	if q.signal != nil {
		forget = q.signal.onAbort(func() {
			cancel()
			reason := q.signal.reason
			if !settled {
				settled = true
				r.settle(reject, reason)
			} else if c := answer.content; c != nil && c.stream != nil {
				r.failStream(c.stream, reason)
			}
		})
	}
	off(r, func() (*http.Response, error) {
		res, err := send(ctx, r.host, out)
		if err != nil {
			cancel()
			return nil, err
		}
		res.Body = &body{ReadCloser: res.Body, cancel: cancel}
		return res, nil
	}, func(res *http.Response, err error) {
		switch {
		case settled:
			if res != nil {
				_ = res.Body.Close()
			}
		case err != nil:
			settled = true
			cancel() // also where the work panicked
			forget()
			r.settle(reject, r.blame(r.fetchError(err), site))
		default:
			settled = true
			r.received(answer, res)
			r.settle(resolve, answer.self)
		}
	})
	return r.vm.ToValue(p)
}

// fetchError is what a function sees of a request that failed.
func (r *Realm) fetchError(err error) goja.Value {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return r.domException("AbortError", "the fetch was given up, because the invocation ended")
	}
	return r.typeError("fetch failed: %s", err.Error())
}

// body gives up the request's context when it was read or closed.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.cancel()
	}
	return n, err
}

func (b *body) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// outgoing turns a Request into plain data.
func (r *Realm) outgoing(q *Request, ctx context.Context) *outgoing {
	o := &outgoing{method: q.method, url: q.url, header: q.headers.fields().wire(), redirect: q.redirect}
	for _, name := range droppedHeaders {
		delete(o.header, name)
	}
	if o.header["Accept"] == nil {
		o.header.Set("Accept", "*/*")
	}
	if o.header["User-Agent"] == nil {
		o.header.Set("User-Agent", "Hadron")
	}
	c := q.content
	if c == nil {
		return o
	}
	if c.unusable() {
		panic(r.typeError("the body of the request was read already, or is locked to a reader"))
	}
	switch {
	case c.stream != nil:
		o.source = r.pipe(ctx, c.stream)
	case c.source != nil:
		o.source = c.source
		c.source, c.used = nil, true
	default:
		o.data = c.data
		c.data, c.used = nil, true
	}
	return o
}

// pipe reads a function's stream from another goroutine, a chunk at a time: the
// next is asked for when the last was taken.
func (r *Realm) pipe(ctx context.Context, s *ReadableStream) io.Reader {
	reader, writer := io.Pipe()
	chunks := r.ReadStream(s)
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

// received fills in a Response from what came back.
func (r *Realm) received(p *Response, res *http.Response) {
	p.status, p.kind = res.StatusCode, "basic"
	p.statusText = reasonPhrase(res)
	p.url = res.Request.URL.String()
	p.redirected = res.Request.Response != nil
	p.headers = &Headers{wire: res.Header, immutable: true}
	if nullBodyStatus(res.StatusCode) || res.Request.Method == http.MethodHead || res.Body == http.NoBody {
		_ = res.Body.Close()
	} else {
		p.content = &content{source: res.Body}
	}
	r.use("Response").wrap(p)
}

func reasonPhrase(res *http.Response) string {
	if len(res.Status) > 4 {
		return textFromWire(res.Status[4:])
	}
	return http.StatusText(res.StatusCode)
}

// send makes a request and follows redirects as the standard says. It runs off the
// VM's goroutine.
func send(ctx context.Context, host Host, o *outgoing) (*http.Response, error) {
	var last *http.Response
	target := o.url
	for hop := 0; ; hop++ {
		req, err := hopRequest(ctx, o, target)
		if err != nil {
			return nil, err
		}
		req.Response = last
		res, err := host.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		res.Request = req
		if res.Body == nil {
			res.Body = http.NoBody
		}
		location := res.Header.Get("Location")
		if !redirectStatus(res.StatusCode) || location == "" || o.redirect == "manual" {
			return res, nil
		}
		_ = res.Body.Close()
		if o.redirect == "error" {
			return nil, errors.New("the answer is a redirect, and the request says redirect: error")
		}
		if hop == maxRedirects {
			return nil, errors.New("more than 20 redirects")
		}
		next, err := parseURL(textFromWire(location), target)
		if err != nil {
			return nil, errors.New("the redirect's Location is no URL")
		}
		if next.Scheme() != "http" && next.Scheme() != "https" {
			return nil, errors.New("the redirect leads to an address that is not http or https")
		}
		if err := o.redirected(res.StatusCode); err != nil {
			return nil, err
		}
		if before, err := parseURL(target, ""); err != nil || origin(before) != origin(next) {
			for _, name := range []string{"Authorization", "Cookie"} {
				delete(o.header, name)
			}
		}
		target, last = next.Href(true), res
	}
}

// redirected changes method and body as a redirect's status asks.
func (o *outgoing) redirected(status int) error {
	toGet := status == 303 && o.method != http.MethodGet && o.method != http.MethodHead ||
		(status == 301 || status == 302) && o.method == http.MethodPost
	if toGet {
		o.method, o.data, o.source = http.MethodGet, nil, nil
		for _, name := range []string{"Content-Encoding", "Content-Language", "Content-Location", "Content-Type"} {
			delete(o.header, name)
		}
		return nil
	}
	if o.source != nil {
		return errors.New("the answer is a redirect, and the request's stream was sent already")
	}
	return nil
}

// hopRequest makes the request of one hop; target was serialised by the URL parser.
func hopRequest(ctx context.Context, o *outgoing, target string) (*http.Request, error) {
	if !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "https://") {
		return nil, errors.New("only http and https can be fetched")
	}
	target, _, _ = strings.Cut(target, "#")
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
	req.Header = o.header.Clone()
	return req, nil
}

var strayPercent = regexp.MustCompile(`%([0-9a-fA-F]?(?:[^0-9a-fA-F]|$))`)
