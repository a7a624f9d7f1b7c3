package webapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/dop251/goja"
)

func newFetch(r *Realm) goja.Value {
	fn := r.function("fetch", 0, func(args []goja.Value) (result goja.Value) {
		ex := r.vm.Try(func() {
			if len(args) == 0 {
				panic(r.typeError("fetch takes 1 argument(s), and got 0"))
			}
			result = r.fetch(args[0], arg(args, 1))
		})
		if ex != nil {
			return r.rejected(ex.Value())
		}
		return result
	})
	r.label(fn, "fetch", 1)
	return fn
}

// fetching is a request under way, on the VM's goroutine.
type fetching struct {
	realm   *Realm
	request *Request
	answer  *Response
	body    *fetchedBody // of the answer, once there is one
	upload  *Chunks      // what of the request's body is a stream of the function's
	done    *deferred
	settled bool
	cancel  context.CancelFunc
	forget  func()
	site    []goja.StackFrame
}

func (r *Realm) fetch(input, init goja.Value) goja.Value {
	parent := r.host.Context()
	if parent == nil {
		panic(r.typeError("fetch cannot be called while the module loads; call it in the handler"))
	}
	q := r.request(input, init)
	f := &fetching{realm: r, request: q, answer: &Response{}, done: r.deferred(), forget: func() {}, site: r.here()}
	if q.signal != nil && q.signal.aborted {
		f.cancel = func() {}
		r.dropBody(q.content, q.signal.reason)
		panic(q.signal.reason)
	}
	if strings.HasPrefix(q.url, "data:") {
		f.data()
		return f.done.promise
	}
	if r.fetches++; r.fetches > r.host.Limits().Subrequests {
		panic(r.typeError("too many fetches: one invocation can make %d", r.host.Limits().Subrequests))
	}
	ctx, cancel := context.WithCancel(parent)
	f.cancel = cancel
	out := f.outgoing(ctx)
	if q.signal != nil {
		f.forget = q.signal.onAbort(f.aborted)
	}
	off(r, func() (*http.Response, error) {
		res, err := send(ctx, r.host, out)
		if err == nil && out.integrity != "" {
			err = verify(res, out.integrity, out.most)
		}
		if err != nil {
			cancel()
			return nil, err
		}
		return res, nil
	}, f.answered)
	return f.done.promise
}

// aborted ends what is under way because the request's signal did.
func (f *fetching) aborted() {
	r, reason := f.realm, f.request.signal.reason
	f.cancel()
	if f.upload != nil {
		f.upload.stop(reason)
	}
	if !f.settled {
		f.settled = true
		f.done.fail(r, reason)
		return
	}
	if f.body == nil {
		return
	}
	f.body.reason = reason
	if c := f.answer.content; c != nil && c.stream != nil {
		r.failStream(c.stream, reason)
	}
}

// answered takes what came back.
func (f *fetching) answered(res *http.Response, err error) {
	r := f.realm
	switch {
	case f.settled:
		if res != nil {
			_ = res.Body.Close()
		}
	case err != nil:
		f.settled = true
		f.cancel() // also where the work panicked
		f.forget()
		f.done.fail(r, r.blame(r.fetchError(err), f.site))
	default:
		f.settled = true
		f.received(res)
		f.done.fulfil(r, f.answer.self)
	}
}

// fetchError is what a function sees of a request that failed.
func (r *Realm) fetchError(err error) goja.Value {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return r.domException("AbortError", "the fetch was given up, because the invocation ended")
	}
	o := r.typeError("fetch failed: %s", err.Error())
	_ = o.DefineDataProperty("cause", r.newError("Error", err.Error()), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return o
}

// fetchedBody is a response's body. It gives up the request's context when it was
// read or closed.
type fetchedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
	reason goja.Value // why it was aborted; the VM's goroutine alone looks
}

func (b *fetchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.cancel()
	}
	return n, err
}

func (b *fetchedBody) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// aborted is why a body cannot be read any more; nil where it can.
func aborted(source io.Reader) goja.Value {
	switch b := source.(type) {
	case *fetchedBody:
		return b.reason
	case *contentDecoder:
		return aborted(b.raw)
	}
	return nil
}

// received fills in the Response from what came back.
func (f *fetching) received(res *http.Response) {
	p := f.answer
	p.status, p.kind = res.StatusCode, "basic"
	p.statusText = reasonPhrase(res)
	p.url = res.Request.URL.String()
	p.redirected = res.Request.Response != nil
	p.headers = &Headers{wire: res.Header, immutable: true}
	if nullBodyStatus(res.StatusCode) || res.Request.Method == http.MethodHead || res.Body == http.NoBody {
		_ = res.Body.Close()
		f.cancel()
	} else {
		f.body = &fetchedBody{ReadCloser: res.Body, cancel: f.cancel}
		p.content = &content{source: f.body}
		coding := strings.ToLower(strings.TrimSpace(res.Header.Get("Content-Encoding")))
		if codings[coding] != "" && len(res.Header["Content-Encoding"]) == 1 {
			p.content.source = &contentDecoder{raw: f.body, coding: coding}
			p.headers.decoded = true
		}
	}
	f.realm.use("Response").wrap(p)
}

func reasonPhrase(res *http.Response) string {
	if len(res.Status) > 4 {
		return textFromWire(res.Status[4:])
	}
	return http.StatusText(res.StatusCode)
}

// data answers with what a data: URL holds.
func (f *fetching) data() {
	r, q, p := f.realm, f.request, f.answer
	address, _, _ := strings.Cut(q.url, "#")
	kind, body, ok := parseDataURL(address)
	if !ok {
		f.done.fail(r, r.typeError("fetch failed: the data: URL is malformed"))
		return
	}
	p.status, p.statusText, p.kind, p.url = http.StatusOK, "OK", "basic", address
	p.headers = &Headers{list: fieldList{{"content-type", kind}}, immutable: true}
	p.content = &content{data: body}
	if q.method == http.MethodHead {
		p.content = nil
	}
	r.use("Response").wrap(p)
	f.done.fulfil(r, p.self)
}
