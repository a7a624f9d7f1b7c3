package webapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"
	"go.uber.org/goleak"

	"hadron/runtime/invocation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testHost is the least that a realm runs on.
type testHost struct {
	vm      *goja.Runtime
	realm   *Realm
	ctx     context.Context
	mu      sync.Mutex
	queue   []func()
	wake    chan struct{}
	pending int
	timers  map[int]*time.Timer
	logs    []string
	errors  []string
	limits  Limits
	trip    func(*http.Request) (*http.Response, error)
	enter   goja.Callable
}

func newHost(t testing.TB) *testHost {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	h := &testHost{
		vm: goja.New(), ctx: ctx, wake: make(chan struct{}, 1), timers: map[int]*time.Timer{},
		limits: Limits{Bytes: 1 << 20, Subrequests: 10},
	}
	t.Cleanup(func() {
		for _, timer := range h.timers {
			if timer != nil {
				timer.Stop()
			}
		}
	})
	enter, err := h.vm.RunString(`(function (f) { f() })`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.vm.RunString(`Object.defineProperty(Symbol, "asyncIterator", {value: Symbol.for("Symbol.asyncIterator")})`); err != nil {
		t.Fatal(err)
	}
	h.enter, _ = goja.AssertFunction(enter)
	h.realm = New(h.vm, h, func(_ string, v goja.Value) goja.Value { return v })
	h.realm.Start()
	return h
}

func (h *testHost) Context() context.Context { return h.ctx }
func (h *testHost) Begin() func(func()) {
	h.pending++
	return func(done func()) {
		h.post(func() {
			h.pending--
			done()
		})
	}
}

func (h *testHost) post(fn func()) {
	h.mu.Lock()
	h.queue = append(h.queue, fn)
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *testHost) After(delay time.Duration, every bool, run func()) (int, error) {
	id := len(h.timers) + 1
	h.pending++
	h.timers[id] = time.AfterFunc(delay, func() {
		h.post(func() {
			if h.timers[id] == nil {
				return
			}
			if every {
				h.timers[id].Reset(delay)
			} else {
				h.pending--
			}
			run()
		})
	})
	return id, nil
}

func (h *testHost) Clear(id int) {
	if t := h.timers[id]; t != nil {
		t.Stop()
		h.timers[id] = nil
		h.pending--
	}
}

func (h *testHost) Log(level invocation.Level, m string) {
	h.logs = append(h.logs, string(level)+" "+m)
}
func (h *testHost) Report(err error)    { h.errors = append(h.errors, err.Error()) }
func (h *testHost) Contain(p any) error { return fmt.Errorf("panicked: %v", p) }
func (h *testHost) Limits() Limits      { return h.limits }
func (h *testHost) RoundTrip(req *http.Request) (*http.Response, error) {
	if h.trip == nil {
		return nil, fmt.Errorf("no network in this test")
	}
	return h.trip(req)
}

// eval runs the body of an async function and returns what it returned, as JSON.
func (h *testHost) eval(t testing.TB, body string) string {
	t.Helper()
	v, err := h.vm.RunString("(async () => {" + body + "\n})().then(v => JSON.stringify(v) + '', e => 'rejected: ' + e)")
	if err != nil {
		t.Fatalf("%v\nin %s", err, body)
	}
	p := v.Export().(*goja.Promise)
	deadline := time.After(20 * time.Second)
	for p.State() == goja.PromiseStatePending {
		h.mu.Lock()
		tasks := h.queue
		h.queue = nil
		h.mu.Unlock()
		for _, fn := range tasks {
			run := h.vm.ToValue(func(goja.FunctionCall) goja.Value { fn(); return nil })
			if _, err := h.enter(goja.Undefined(), run); err != nil {
				h.Report(err)
			}
		}
		if len(tasks) > 0 {
			continue
		}
		select {
		case <-h.wake:
		case <-deadline:
			t.Fatalf("never settled: %s", body)
		}
	}
	return p.Result().String()
}

// cases maps the body of an async function to what it returns, as JSON.
type cases [][2]string

func (cs cases) run(t *testing.T, change ...func(*testHost)) {
	t.Helper()
	for _, c := range cs {
		h := newHost(t)
		for _, fn := range change {
			fn(h)
		}
		if got := h.eval(t, c[0]); got != c[1] && (!strings.HasPrefix(c[1], "rejected") || !strings.HasPrefix(got, c[1])) {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

func TestGlobalsComeWhenTouched(t *testing.T) {
	cases{
		{`return [typeof nope, typeof URL, "URL" in globalThis, globalThis === self, URL === self.URL, typeof undefined]`, `["undefined","function",true,true,true,"undefined"]`},
		{`globalThis.fetch = 1; return fetch`, `1`},
		{`return [Object.prototype.toString.call(new Headers()), Headers.name, Headers.length, URL.length, Headers.prototype.get.name, Headers.prototype.get.length]`, `["[object Headers]","Headers",0,1,"get",1]`},
		{`try { Headers.prototype.get.call({}, "a") } catch (e) { return e instanceof TypeError }`, `true`},
		{`class H extends Headers { #n = 2; get n() { return this.#n } get(k) { return super.get(k) + "!" } }; const h = new H({a: "b"}); return [h.n, h.get("a"), h instanceof Headers, [...h]]`, `[2,"b!",true,[["a","b"]]]`},
		{`const h = new Headers(); h.mine = 1; return [h.mine, Object.keys(h), "mine" in h, delete h.mine, h.mine]`, `[1,["mine"],true,true,null]`},
		{`try { undefined = 1 } catch {}; return typeof undefined`, `"undefined"`},
		{`return Array.from(new Set([1])).map(x => x + Math.max(1, 2))`, `[3]`},
	}.run(t)
}

func TestHeaders(t *testing.T) {
	cases{
		{`return [...new Headers({"B": " x ", a: "1"})]`, `[["a","1"],["b","x"]]`},
		{`const h = new Headers([["a", "1"], ["A", "2"]]); h.append("a", "3"); return [h.get("A"), [...h.keys()], [...h.values()]]`, `["1, 2, 3",["a"],["1, 2, 3"]]`},
		{`const h = new Headers(); h.append("Set-Cookie", "a=1"); h.append("set-cookie", "b=2"); return [h.getSetCookie(), h.get("set-cookie"), [...h]]`, `[["a=1","b=2"],"a=1, b=2",[["set-cookie","a=1"],["set-cookie","b=2"]]]`},
		{`const h = new Headers({a: "1"}); h.set("A", "2"); h.delete("nope"); return [h.has("a"), h.get("a"), h.get("nope")]`, `[true,"2",null]`},
		{`return new Headers({"bad name": "x"})`, `rejected: TypeError`},
		{`return new Headers({"": "x"})`, `rejected: TypeError`},
		{`return new Headers({a: "x\ny"})`, `rejected: TypeError`},
		{`return new Headers({a: "x\0y"})`, `rejected: TypeError`},
		{`return new Headers({a: "\u0100"})`, `rejected: TypeError`},
		{`return new Headers([["a"]])`, `rejected: TypeError`},
		{`return new Headers(null)`, `rejected: TypeError`},
		{`return new Headers("a")`, `rejected: TypeError`},
		{`return new Headers({a: "\u00e9"}).get("a")`, `"é"`},
		{`const out = []; new Headers({b: 1, a: 2}).forEach((v, k, h) => out.push([v, k, h instanceof Headers])); return out`, `[["2","a",true],["1","b",true]]`},
		{`const h = new Headers({a: 1}); const it = h.entries(); h.set("b", 2); return [it[Symbol.toStringTag], it[Symbol.iterator]() === it, it.next(), it.next(), it.next()]`, `["Headers Iterator",true,{"value":["a","1"],"done":false},{"value":["b","2"],"done":false},{"done":true}]`},
		{`Response.redirect("http://a/").headers.set("a", "b")`, `rejected: TypeError`},
		{`return new Headers(new Map([["a", "1"]])).get("a")`, `"1"`},
	}.run(t)
}

func TestURL(t *testing.T) {
	cases{
		{`const u = new URL("HTTP://User:pw@EXAMPLE.com:80/a/../b?q=1#h"); return [u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash]`, `["http://User:pw@example.com/b?q=1#h","http://example.com","http:","User","pw","example.com","example.com","","/b","?q=1","#h"]`},
		{`return new URL("../x", "http://a/b/c/d").href`, `"http://a/b/x"`},
		{`return new URL("nope")`, `rejected: TypeError`},
		{`return new URL("x", "")`, `rejected: TypeError`},
		{`return [URL.canParse("a:b"), URL.canParse("b"), URL.parse("x") === null, URL.parse("/x", "http://a").href]`, `[true,false,true,"http://a/x"]`},
		{`const u = new URL("http://a/?x=1"); u.searchParams.append("y", "a b"); const s = u.href; u.search = "?z=2"; return [s, [...u.searchParams], u.searchParams === u.searchParams]`, `["http://a/?x=1&y=a+b",[["z","2"]],true]`},
		{`const u = new URL("http://a/?x=1"); u.search = "?a=1"; u.search = "b=2"; u.hash = "z"; u.hash = "y"; u.port = "81"; u.pathname = "/p q"; u.host = "b:82"; return u.href`, `"http://b:82/p%20q?b=2#y"`},
		{`const u = new URL("http://a/?x=1"); u.searchParams.delete("x"); return u.href`, `"http://a/"`},
		{`const u = new URL("http://a/?x=1"); u.href = "https://b/?y"; return [u.searchParams.get("y"), u.searchParams.has("x")]`, `["",false]`},
		{`const u = new URL("http://a/"); u.href = "bad"`, `rejected: TypeError`},
		{`return [JSON.stringify({u: new URL("http://a")}), "" + new URL("http://a"), new URL("data:x").origin]`, `["{\"u\":\"http://a/\"}","http://a/","null"]`},
		{`return new URL("http://ex\u00e4mple/\u00e4?\u00e4").href`, `"http://xn--exmple-cua/%C3%A4?%C3%A4"`},
	}.run(t)
}

func TestURLSearchParams(t *testing.T) {
	cases{
		{`const p = new URLSearchParams("?a=1&b=%2B+c&&d"); return [[...p], p.toString(), p.size]`, `[[["a","1"],["b","+ c"],["d",""]],"a=1&b=%2B+c&d=",3]`},
		{`return new URLSearchParams({a: "1", b: "é&"}).toString()`, `"a=1&b=%C3%A9%26"`},
		{`return new URLSearchParams([["a", "1"], ["a", "2"]]).getAll("a")`, `["1","2"]`},
		{`const p = new URLSearchParams("a=1&a=2&b=3"); p.set("a", "9"); p.delete("b", "x"); p.append("c", null); return [p + "", p.has("a", "9"), p.has("a", "1"), p.get("zz")]`, `["a=9&b=3&c=null",true,false,null]`},
		{`const p = new URLSearchParams("z=1&a=2&z=0"); p.sort(); return p + ""`, `"a=2&z=1&z=0"`},
		{`return new URLSearchParams("a=%zz%4").toString()`, `"a=%25zz%254"`},
		{`return new URLSearchParams("a=%ff%e2%82").get("a")`, "\"\uFFFD\uFFFD\""},
		{`return new URLSearchParams([["a"]])`, `rejected: TypeError`},
		{`const a = new URLSearchParams("x=1"), b = new URLSearchParams(a); b.append("y", 2); return [a + "", b + ""]`, `["x=1","x=1&y=2"]`},
		{`const f = []; new URLSearchParams("a=1").forEach((v, k) => f.push(k + v)); return f`, `["a1"]`},
	}.run(t)
}

func TestRequest(t *testing.T) {
	cases{
		{`const r = new Request("http://a/b#c"); return [r.method, r.url, r.redirect, r.body, r.bodyUsed, r.signal.aborted, r.mode, r.credentials]`, `["GET","http://a/b#c","follow",null,false,false,"cors","same-origin"]`},
		{`const r = new Request("http://a", {method: "post", body: "x", headers: {A: "b"}}); return [r.method, r.headers.get("content-type"), r.headers.get("a"), await r.text(), r.bodyUsed]`, `["POST","text/plain;charset=UTF-8","b","x",true]`},
		{`return new Request("http://a", {method: "patch"}).method`, `"patch"`},
		{`return new Request("http://a", {method: "TRACE"})`, `rejected: TypeError`},
		{`return new Request("http://a", {method: "a b"})`, `rejected: TypeError`},
		{`return new Request("http://a", {body: "x"})`, `rejected: TypeError`},
		{`return new Request("/relative")`, `rejected: TypeError`},
		{`return new Request("http://u:p@a")`, `rejected: TypeError`},
		{`return new Request("http://a", {redirect: "x"})`, `rejected: TypeError`},
		{`const a = new Request("http://a", {method: "POST", body: "x"}), b = new Request(a); return [a.bodyUsed, await b.text(), b.headers.get("content-type")]`, `[true,"x","text/plain;charset=UTF-8"]`},
		{`const a = new Request("http://a", {method: "POST", body: "x"}), b = a.clone(); return [await a.text(), await b.text()]`, `["x","x"]`},
		{`const a = new Request("http://a", {method: "POST", body: "x"}); await a.text(); return a.clone()`, `rejected: TypeError`},
		{`const a = new Request("http://a", {method: "POST", body: "x"}); await a.text(); return a.text()`, `rejected: TypeError`},
		{`const c = new AbortController(), r = new Request("http://a", {signal: c.signal}); c.abort("why"); return [r.signal.aborted, r.signal.reason, r.signal === c.signal]`, `[true,"why",false]`},
		{`const r = new Request("http://a", {method: "POST", body: new URLSearchParams({a: 1})}); return [r.headers.get("content-type"), await r.text()]`, `["application/x-www-form-urlencoded;charset=UTF-8","a=1"]`},
		{`const r = new Request("http://a", {method: "POST", body: new Uint8Array([65, 66]), headers: {"content-type": "x/y"}}); return [r.headers.get("content-type"), await r.text()]`, `["x/y","AB"]`},
	}.run(t)
}

func TestResponse(t *testing.T) {
	cases{
		{`const r = new Response(); return [r.status, r.ok, r.statusText, r.type, r.url, r.redirected, r.body, await r.text(), r.bodyUsed]`, `[200,true,"","default","",false,null,"",false]`},
		{`const r = Response.json({a: 1}, {status: 201, headers: {x: "y"}}); return [r.status, r.headers.get("content-type"), r.headers.get("x"), await r.json()]`, `[201,"application/json","y",{"a":1}]`},
		{`return Response.json(undefined)`, `rejected: TypeError`},
		{`return Response.json({}, {status: 204})`, `rejected: TypeError`},
		{`const r = Response.redirect("http://a/b", 301); return [r.status, r.headers.get("location")]`, `[301,"http://a/b"]`},
		{`return Response.redirect("http://a/b", 200)`, `rejected: RangeError`},
		{`return Response.redirect("nope")`, `rejected: TypeError`},
		{`const r = Response.error(); return [r.type, r.status, r.ok]`, `["error",0,false]`},
		{`return new Response("x", {status: 204})`, `rejected: TypeError`},
		{`return new Response("", {status: 199})`, `rejected: RangeError`},
		{`return new Response("", {status: 600})`, `rejected: RangeError`},
		{`return new Response("", {statusText: "a\nb"})`, `rejected: TypeError`},
		{`return new Response(null, {status: 204}).status`, `204`},
		{`const r = new Response("héj"); return [new Uint8Array(await r.clone().arrayBuffer()).length, (await r.clone().bytes()).length, await r.text()]`, `[4,4,"héj"]`},
		{`return await new Response("\ufeffx").text()`, `"x"`},
		{`return await new Response("{").json()`, `rejected: SyntaxError`},
		{`const r = new Response("x"); const reader = r.body.getReader(); const first = await reader.read(); return [r.bodyUsed, first.value[0], (await reader.read()).done]`, `[true,120,true]`},
		{`const r = new Response("x"); r.body.getReader(); return r.text()`, `rejected: TypeError`},
		{`return new Response(new Response("x").body).text()`, `"x"`},
		{`return new Response(String(12), {headers: [["a", "b"]]}).headers.get("a")`, `"b"`},
	}.run(t)
}
