package webapi

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
)

// upstream is a server that the cases of fetch talk to through a real transport.
func upstream(t *testing.T) *httptest.Server {
	t.Helper()
	pack := func(open func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		w := open(&b)
		_, _ = io.WriteString(w, "squeezed")
		_ = w.Close()
		return b.Bytes()
	}
	packed := map[string][]byte{
		"gzip":    pack(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"deflate": pack(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }),
		"br":      pack(func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d [%s]", r.Method, r.Header.Get("Content-Type"), r.ContentLength, body)
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get(r.URL.Query().Get("h")))
	})
	mux.HandleFunc("/redirect/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.PathValue("code"), &code)
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(code)
	})
	mux.HandleFunc("/packed/{coding}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", r.PathValue("coding"))
		_, _ = w.Write(packed[r.PathValue("coding")])
	})
	mux.HandleFunc("/mangled", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		fmt.Fprint(w, "not compressed at all")
	})
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "first")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/never", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestFetchOverTheNetwork(t *testing.T) {
	server := upstream(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	network := func(h *testHost) {
		h.limits.Subrequests = 50
		h.trip = transport.RoundTrip
	}
	prefix := bodyTools + `const U = "` + server.URL + `", OTHER = U.replace("127.0.0.1", "localhost"); const text = async (...a) => (await fetch(...a)).text(); const to = (code, path, init) => fetch(U + "/redirect/" + code + "?to=" + encodeURIComponent(path), init);`
	cases{
		{`const out = []; for (const code of [301, 302, 303, 307, 308]) out.push(await (await to(code, "/echo", {method: "POST", body: "b"})).text()); return out`, `["GET  0 []","GET  0 []","GET  0 []","POST text/plain;charset=UTF-8 1 [b]","POST text/plain;charset=UTF-8 1 [b]"]`},
		{`const out = []; for (const code of [301, 303, 308]) out.push(await (await to(code, "/echo", {method: "PUT", body: "b"})).text()); return out`, `["PUT text/plain;charset=UTF-8 1 [b]","GET  0 []","PUT text/plain;charset=UTF-8 1 [b]"]`},
		{`const r = await to(302, "/headers?h=x#frag"); return [r.redirected, r.url.replace(U, ""), r.status, (await fetch(U + "/headers")).redirected]`, `[true,"/headers?h=x",200,false]`},
		{`const init = {headers: {authorization: "s", cookie: "c", x: "y"}}; const out = []; for (const h of ["authorization", "cookie", "x"]) out.push(await (await to(307, OTHER + "/headers?h=" + h, init)).text(), await (await to(307, "/headers?h=" + h, init)).text()); return out`, `["","s","","c","y","y"]`},
		{`const r = await to(302, "/echo", {redirect: "manual"}); return [r.status, r.headers.get("location"), r.redirected]`, `[302,"/echo",false]`},
		{`return [await fails(to(302, "/echo", {redirect: "error"})), await fails(to(302, "data:,x")), await fails(to(302, "http://")), await fails(to(307, "/echo", {method: "POST", body: of("x"), duplex: "half"})), (await to(303, "/echo", {method: "POST", body: of("x"), duplex: "half"})).status]`, `["TypeError","TypeError","TypeError","TypeError",200]`},
		{`const loop = U + "/redirect/302?to="; return fails(fetch(loop + encodeURIComponent(loop)))`, `"TypeError"`},
		{`return [await text(U + "/echo", {method: "POST", body: of("a", "b"), duplex: "half"}), await text(U + "/echo", {method: "POST"}), await text(U + "/echo", {method: "POST", body: new Blob(["xyz"], {type: "t/t"})})]`, `["POST  -1 [ab]","POST  0 []","POST t/t 3 [xyz]"]`},
		{`const f = new FormData(); f.append("a", "1"); const r = await text(U + "/echo", {method: "POST", body: f}); return [r.includes("multipart/form-data; boundary="), r.includes('name="a"\r\n\r\n1\r\n')]`, `[true,true]`},
		{`const out = []; for (const c of ["gzip", "deflate", "br"]) { const r = await fetch(U + "/packed/" + c); out.push(await r.text(), r.headers.get("content-encoding")) } return out`, `["squeezed","gzip","squeezed","deflate","squeezed","br"]`},
		{`const r = await fetch(U + "/packed/gzip"); const k = r.clone(); return [await r.text(), await k.text(), await text(U + "/headers?h=accept-encoding"), await text(U + "/headers?h=accept-encoding", {headers: {"accept-encoding": "gzip"}}), await text(U + "/headers?h=accept-encoding", {headers: {range: "bytes=0-1"}})]`, `["squeezed","squeezed","gzip, deflate, br","gzip","identity"]`},
		{`return fails(text(U + "/mangled"))`, `"TypeError"`},
		{`const a = new AbortController(), r = await fetch(U + "/drip", {signal: a.signal}); const reader = r.body.getReader(); const first = new TextDecoder().decode((await reader.read()).value); const p = reader.read(); a.abort("stop"); return [first, await fails(p), await fails(reader.closed)]`, `["first","stop","stop"]`},
		{`const a = new AbortController(), r = await fetch(U + "/drip", {signal: a.signal}); const p = r.text(); setTimeout(() => a.abort(), 5); return fails(p)`, `"AbortError"`},
		{`const a = new AbortController(), r = await fetch(U + "/drip", {signal: a.signal}); a.abort(); return [await fails(r.text()), await fails(fetch(U + "/echo", {signal: a.signal}))]`, `["AbortError","AbortError"]`},
		{`const a = new AbortController(); const p = fetch(U + "/never", {signal: a.signal}); await tick(); a.abort(); return [await fails(p), await fails(fetch(U + "/never", {signal: AbortSignal.timeout(5)}))]`, `["AbortError","TimeoutError"]`},
		{`const a = new AbortController(); let why; const body = new ReadableStream({pull() { return new Promise(() => {}) }, cancel(r) { why = r }}); const p = fetch(U + "/echo", {method: "POST", body, duplex: "half", signal: a.signal}); await tick(); a.abort("x"); return [await fails(p), why]`, `["x","x"]`},
		{`return fails(fetch(U + "/echo", {method: "POST", duplex: "half", body: new ReadableStream({start(c) { c.enqueue("text") }})}))`, `"TypeError"`},
		{`return fails(fetch(U + "/echo", {method: "POST", duplex: "half", body: new ReadableStream({start(c) { c.error(new Error("mine")) }})}))`, `"TypeError"`},
		{`const rs = await Promise.all([..."abcdef"].map(x => text(U + "/echo", {method: "POST", body: x}))); return rs.map(r => r.at(-2)).join("")`, `"abcdef"`},
		{`const r = await fetch(U + "/echo", {method: "HEAD"}); return [r.body, await r.text(), r.bodyUsed]`, `[null,"",false]`},
		{`const r = await fetch('data:text/x;a=",",X'); return [r.headers.get("content-type"), await r.text(), fetch.length, await fails(fetch())]`, `["text/x;a=\"\"","\",X",1,"TypeError"]`},
		{`const r = await fetch("data:text/x;charset=a,h%20i#f"), b = await fetch("data:;base64,aGk="), c = await fetch("data:,x"); return [r.status, r.statusText, r.type, r.url, r.headers.get("content-type"), await r.text(), await b.text(), b.headers.get("content-type"), c.headers.get("content-type"), await fails(fetch("data:x")), await fails(fetch("data:;base64,a"))]`, `[200,"OK","basic","data:text/x;charset=a,h%20i","text/x;charset=a","h i","hi","text/plain;charset=US-ASCII","text/plain;charset=US-ASCII","TypeError","TypeError"]`},
		{`return [await fails(fetch("blob:x")), await fails(fetch("about:blank")), await fails(fetch("ftp://a/")), await fails(fetch("http://u:p@a/"))]`, `["TypeError","TypeError","TypeError","TypeError"]`},
		{`try { await fetch("http://127.0.0.1:1/") } catch (e) { return [e.name, e.cause instanceof Error] }`, `["TypeError",true]`},
		{`const i = "sha256-" + btoa(String.fromCharCode(...new Uint8Array(32))); return [await fails(fetch(U + "/echo", {integrity: i})), await text(U + "/echo", {integrity: "junk"}), await text(U + "/headers?h=x", {headers: {x: ""}, integrity: "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}), await fails(fetch(U + "/packed/gzip", {integrity: i}))]`, `["TypeError","GET  0 []","","TypeError"]`},
		{`return [await fails(fetch("http://127.0.0.1:6667/")), await fails(to(302, "http://127.0.0.1:25/")), throws(() => new Request("http://a", {mode: "no-cors", method: "PUT"}))]`, `["TypeError","TypeError","TypeError"]`},
		{`const r = await fetch(U + "/echo"); return [r.type, throws(() => r.headers.set("a", "b")), r.statusText]`, `["basic","TypeError","OK"]`},
		{`return [await text(U + "/headers?h=accept"), await text(U + "/headers?h=accept-language"), await text(U + "/headers?h=cache-control", {cache: "no-store"})]`, `["*/*","*","no-cache"]`},
	}.with(prefix).run(t, network)
}

// TestBodiesPassBy: what the function does not read never enters the VM, and what
// came compressed goes on so.
func TestBodiesPassBy(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, "squeezed")
	_ = w.Close()
	serve := func(h *testHost) {
		h.trip = func(req *http.Request) (*http.Response, error) {
			return respond(req, 200, packed.String(), "Content-Encoding", "gzip", "Content-Length", fmt.Sprint(packed.Len()), "X", "y"), nil
		}
	}
	for body, want := range map[string]struct {
		coding string
		data   string
		source bool
	}{
		`return fetch("http://h/")`: {"gzip", packed.String(), true},
		`const r = await fetch("http://h/"); return new Response(r.body, r)`:                                                                            {"gzip", packed.String(), true},
		`const r = await fetch("http://h/"); const n = new Response(r.body, r); n.headers.set("x", "z"); return n`:                                      {"gzip", packed.String(), true},
		`const r = await fetch("http://h/"); return new Response(await r.text() + "!", r)`:                                                              {"", "squeezed!", false},
		`const r = await fetch("http://h/"); const h = new Headers(r.headers); h.delete("content-encoding"); return new Response(r.body, {headers: h})`: {"", "squeezed", true},
		`return new Response(new Response("abc").body)`:                                                                                                 {"", "abc", false},
	} {
		h := newHost(t)
		serve(h)
		v, err := h.vm.RunString("globalThis.out = undefined; (async () => {" + body + "})().then(v => out = v)")
		if err != nil {
			t.Fatal(err)
		}
		_ = v
		if got := h.eval(t, `for (let i = 0; i < 500 && out === undefined; i++) await new Promise(r => setTimeout(r, 1)); return typeof out`); got != `"object"` {
			t.Fatalf("%s: %s", body, got)
		}
		p, ok := ResponseOf(h.vm.Get("out"))
		if !ok {
			t.Fatalf("%s gave no response", body)
		}
		data, source, stream, ok := p.Take()
		if !ok || stream != nil || (source != nil) != want.source {
			t.Errorf("%s: source %v, stream %v, ok %v", body, source, stream, ok)
			continue
		}
		if source != nil {
			if data, err = io.ReadAll(source); err != nil {
				t.Errorf("%s: %v", body, err)
			}
		}
		if head := p.Header(); string(data) != want.data || head.Get("Content-Encoding") != want.coding {
			t.Errorf("%s: %q as %q", body, data, head.Get("Content-Encoding"))
		}
	}
}

// TestAbortedInvocationEndsDecompression: no coroutine outlives its invocation.
func TestAbortedInvocationEndsDecompression(t *testing.T) {
	h := newHost(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	h.ctx = ctx
	h.eval(t, `const d = new DecompressionStream("gzip"), w = d.writable.getWriter(); d.readable.getReader().read(); w.write(new Uint8Array([0x1f, 0x8b])); await new Promise(r => setTimeout(r, 1)); return 1`)
	cancel(errors.New("over"))
	// TestMain's leak check finds what is left.
	deadline := time.Now().Add(time.Second)
	for ctx.Err() == nil && time.Now().Before(deadline) {
		<-ctx.Done()
	}
}

func TestNativeStreamReadsOnDemand(t *testing.T) {
	reads := 0
	h := newHost(t)
	h.trip = func(req *http.Request) (*http.Response, error) {
		res := respond(req, 200, "")
		res.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
			reads++
			return copy(p, strings.Repeat("x", 10)), nil
		}))
		return res, nil
	}
	if got := h.eval(t, `const r = await fetch("http://h/"); const b = r.body; await new Promise(r => setTimeout(r, 5)); const reader = b.getReader(); await reader.read(); await reader.read(); await reader.cancel(); return 1`); got != "1" {
		t.Fatal(got)
	}
	if reads != 2 {
		t.Fatalf("%d reads", reads)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
