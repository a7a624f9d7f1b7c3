package webapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func TestStreams(t *testing.T) {
	cases{
		{`let n = 0; const s = new ReadableStream({pull(c) { n < 3 ? c.enqueue(n++) : c.close() }}); const r = s.getReader(), out = []; for (;;) { const {done, value} = await r.read(); if (done) break; out.push(value) } await r.closed; return [out, s.locked]`, `[[0,1,2],true]`},
		{`const s = new ReadableStream({start(c) { c.enqueue("a"); c.error(new Error("bad")) }}); return s.getReader().read()`, `rejected: Error: bad`},
		{`const s = new ReadableStream({async pull() { throw new Error("pull") }}); return s.getReader().read()`, `rejected: Error: pull`},
		{`return new ReadableStream({start() { throw new Error("start") }})`, `rejected: Error: start`},
		{`let why; const s = new ReadableStream({cancel(r) { why = r }}); await s.cancel("enough"); return [why, s.locked]`, `["enough",false]`},
		{`const s = new ReadableStream({start(c) { c.enqueue(1); c.close() }}); const [a, b] = s.tee(); const read = async x => { const r = x.getReader(), o = []; for (;;) { const {done, value} = await r.read(); if (done) return o; o.push(value) } }; return [await read(a), await read(b), s.locked]`, `[[1],[1],true]`},
		{`const s = new ReadableStream(); s.getReader(); return s.getReader()`, `rejected: TypeError`},
		{`const s = new ReadableStream({start(c) { c.enqueue(1) }}), r = s.getReader(); r.releaseLock(); return [s.locked, (await s.getReader().read()).value]`, `[false,1]`},
		{`const s = new ReadableStream(), r = s.getReader(); const p = r.read(); r.releaseLock(); return p`, `rejected: TypeError`},
		{`const it = ReadableStream.from([1, 2])[Symbol.asyncIterator](); return [await it.next(), await it.next(), await it.next()]`, `[{"value":1,"done":false},{"value":2,"done":false},{"done":true}]`},
		{`let c; const s = new ReadableStream({start(x) { c = x }}, {highWaterMark: 2}); const d = [c.desiredSize]; c.enqueue(1); d.push(c.desiredSize); c.close(); try { c.enqueue(2) } catch (e) { d.push(e.name) } return d`, `[2,1,"TypeError"]`},
		{`let pulls = 0; new ReadableStream({pull() { pulls++ }}); await new Promise(r => setTimeout(r, 2)); return pulls`, `1`},
		{`return new Response(new ReadableStream({start(c) { c.enqueue("text"); c.close() }})).text()`, `rejected: TypeError`},
		{`const e = new TextEncoder(); return new Response(new ReadableStream({start(c) { c.enqueue(e.encode("a")); c.enqueue(e.encode("b")); c.close() }})).text()`, `"ab"`},
		{`const r = new Response("abc"), c = r.clone(); const [x, y] = [await c.text(), await r.text()]; return x + y`, `"abcabc"`},
		{`const s = new ReadableStream({start(c) { c.enqueue(new Uint8Array([65])); c.close() }}); const r = new Response(s), c = r.clone(); return [await r.text(), await c.text()]`, `["A","A"]`},
	}.run(t)
}

func TestEncoding(t *testing.T) {
	cases{
		{`return [...new TextEncoder().encode("h\u00e9\ud83d\ude00\ud800")]`, `[104,195,169,240,159,152,128,239,191,189]`},
		{`const u = new Uint8Array(4); return [new TextEncoder().encodeInto("a\u20acb", u), [...u]]`, `[{"read":2,"written":4},[97,226,130,172]]`},
		{`return new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xe2, 0x82, 0x62, 0xff]))`, "\"a\uFFFDb\uFFFD\""},
		{`const d = new TextDecoder(); return d.decode(new Uint8Array([0xe2, 0x82]), {stream: true}) + d.decode(new Uint8Array([0xac])) + d.decode()`, `"€"`},
		{`return new TextDecoder("utf-8", {fatal: true}).decode(new Uint8Array([0xff]))`, `rejected: TypeError`},
		{`return [new TextDecoder("latin1").encoding, new TextDecoder("latin1").decode(new Uint8Array([0xe9, 0x80])), new TextDecoder("utf-16le").decode(new Uint8Array([0x61, 0, 0x3d, 0xd8, 0, 0xde]))]`, `["windows-1252","é€","a😀"]`},
		{`return new TextDecoder("nope")`, `rejected: RangeError`},
		{`return new TextDecoder("utf-8", {ignoreBOM: true}).decode(new Uint8Array([0xef, 0xbb, 0xbf])).length`, `1`},
		{`return new TextDecoder().decode(new DataView(new Uint8Array([65, 66, 67]).buffer, 1, 1))`, `"B"`},
		{`return [btoa("h\u00e9"), atob("aOk="), atob(" a O k "), btoa("")]`, `["aOk=","hé","hé",""]`},
		{`try { btoa("\u0100") } catch (e) { return [e.name, e.code, e instanceof DOMException, e instanceof Error] }`, `["InvalidCharacterError",5,true,true]`},
		{`for (const s of ["a", "a===", "ab=c", "!"]) { try { atob(s); return s } catch {} } return "all"`, `"all"`},
		{`return [crypto.randomUUID().length, crypto.randomUUID()[14], crypto.getRandomValues(new Uint8Array(4)).length]`, `[36,"4",4]`},
		{`try { crypto.getRandomValues(new Uint8Array(65537)) } catch (e) { return e.name }`, `"QuotaExceededError"`},
		{`try { crypto.getRandomValues(new Float32Array(1)) } catch (e) { return e.name }`, `"TypeMismatchError"`},
		{`return [typeof performance.now(), performance.timeOrigin > 1e12, navigator.userAgent]`, `["number",true,"Hadron"]`},
	}.run(t)
}

func TestEventsAndAbort(t *testing.T) {
	cases{
		{`const t = new EventTarget(), out = []; const f = e => out.push(e.type, e.target === t, e.currentTarget === t); t.addEventListener("x", f); t.addEventListener("x", f); t.addEventListener("x", {handleEvent(e) { out.push("obj"); e.preventDefault() }}, {once: true}); const e = new Event("x", {cancelable: true}); return [t.dispatchEvent(e), t.dispatchEvent(new Event("x")), out]`, `[false,true,["x",true,true,"obj","x",true,true]]`},
		{`const t = new EventTarget(); let n = 0; t.addEventListener("x", () => { throw new Error("in listener") }); t.addEventListener("x", () => n++); t.dispatchEvent(new Event("x")); return n`, `1`},
		{`const t = new EventTarget(), out = []; t.addEventListener("x", e => { out.push(1); e.stopImmediatePropagation() }); t.addEventListener("x", () => out.push(2)); t.dispatchEvent(new CustomEvent("x", {detail: 5})); return [out, new CustomEvent("y", {detail: 5}).detail]`, `[[1],5]`},
		{`class T extends EventTarget { #p = 1; go() { this.dispatchEvent(new Event("go")); return this.#p } }; const t = new T(); let ok; t.addEventListener("go", e => ok = e.target === t); return [t.go(), ok]`, `[1,true]`},
		{`const c = new AbortController(); let got = []; c.signal.onabort = () => got.push("on"); c.signal.addEventListener("abort", () => got.push("listener")); c.abort(); c.abort(); return [got, c.signal.aborted, c.signal.reason.name, c.signal.reason instanceof DOMException]`, `[["on","listener"],true,"AbortError",true]`},
		{`return [AbortSignal.abort("r").reason, AbortSignal.any([AbortSignal.abort("first"), AbortSignal.abort("b")]).reason]`, `["r","first"]`},
		{`const s = AbortSignal.timeout(1); await new Promise(r => s.addEventListener("abort", r)); return s.reason.name`, `"TimeoutError"`},
		{`AbortSignal.abort().throwIfAborted()`, `rejected: AbortError`},
		{`return new AbortSignal()`, `rejected: TypeError`},
		{`const e = new DOMException("m", "DataCloneError"); return [e.message, e.name, e.code, DOMException.ABORT_ERR, typeof e.stack]`, `["m","DataCloneError",25,20,"string"]`},
	}.run(t)
}

func TestTimersAndMicrotasks(t *testing.T) {
	cases{
		{`const out = []; setTimeout(a => out.push(a), 30, "t2"); setTimeout(() => out.push("t0")); queueMicrotask(() => out.push("m")); out.push("s"); await new Promise(r => setTimeout(r, 100)); return out`, `["s","m","t0","t2"]`},
		{`let n = 0; await new Promise(r => { const id = setInterval(() => { if (++n === 3) { clearInterval(id); r() } }, 1) }); return n`, `3`},
		{`let ran = false; clearTimeout(setTimeout(() => ran = true, 0)); clearTimeout(undefined); clearTimeout(99); await new Promise(r => setTimeout(r, 5)); return ran`, `false`},
		{`setTimeout("code")`, `rejected: TypeError`},
	}.run(t)
}

func TestStructuredClone(t *testing.T) {
	cases{
		{`const o = {a: [1, {b: new Date(5)}], m: new Map([[1, new Set([2])]]), r: /x/gi, u: undefined, n: null, big: 1n.toString()}; o.self = o; const c = structuredClone(o); return [c !== o, c.self === c, c.a[1].b.getTime(), c.m.get(1).has(2), c.r.source + c.r.flags, "u" in c, c.n]`, `[true,true,5,true,"xgi",true,null]`},
		{`const e = structuredClone(new RangeError("x", {cause: 1})); return [e instanceof RangeError, e.message, e.cause]`, `[true,"x",1]`},
		{`const u = new Uint16Array([1, 2]), c = structuredClone(u); c[0] = 9; return [u[0], c instanceof Uint16Array, c.length]`, `[1,true,2]`},
		{`try { structuredClone(() => 1) } catch (e) { return e.name }`, `"DataCloneError"`},
		{`try { structuredClone({s: Symbol()}) } catch (e) { return e.name }`, `"DataCloneError"`},
		{`try { structuredClone(new Headers()) } catch (e) { return e.name }`, `"DataCloneError"`},
		{`let o = {}; for (let i = 0; i < 1e5; i++) o = {o}; return structuredClone(o)`, `rejected: RangeError`},
		{`const b = new ArrayBuffer(4), c = structuredClone(b, {transfer: [b]}); return [b.byteLength, c.byteLength]`, `[0,4]`},
		{`const a = [1, , 3]; const c = structuredClone(a); return [c.length, 1 in c]`, `[3,false]`},
	}.run(t)
}

func TestConsole(t *testing.T) {
	h := newHost(t)
	h.eval(t, `
		console.log("a", 1, {b: [1, "x", null, undefined], f() {}, d: {e: {f: {g: {h: 1}}}}}, [new Map([[1, 2]]), new Set("a")]);
		console.warn("%s is %d%% %o %j", "it", 42.5, {a: 1}, [1], "rest");
		console.error(new TypeError("bad"));
		console.debug(Symbol("s"), 10n, new Headers({a: "b"}), new URL("http://a"), class X {}, -0);
		const o = {}; o.o = o; console.info(o);
		console.assert(1 === 2, "math"); console.count(); console.count(); console.group("g"); console.log("in"); console.groupEnd();
		console.log({get bad() { throw new Error("getter") }});
		console.log("x".repeat(100000));`)
	want := []string{
		`info a 1 { b: [1, "x", null, undefined], f: [Function: f], d: { e: { f: { g: [Object] } } } } [Map(1) { 1 => 2 }, Set(1) { "a" }]`,
		`warn it is 42% { a: 1 } [1] rest`,
		`error TypeError: bad`,
		`debug Symbol(s) 10n Headers { a: "b" } URL { "http://a/" } [class: X] -0`,
		`info { o: [Circular] }`,
		`error Assertion failed: math`, `info default: 1`, `info default: 2`, `info g`, `info   in`,
		`info { bad: [could not be shown]`,
	}
	for i, w := range want {
		if i >= len(h.logs) || !strings.HasPrefix(h.logs[i], w) {
			t.Errorf("line %d\n got %q\nwant %q", i, h.logs[min(i, len(h.logs)-1)], w)
		}
	}
	if last := h.logs[len(h.logs)-1]; len(last) > maxLine+100 || !strings.Contains(last, "bytes more") {
		t.Errorf("a long line was logged with %d bytes", len(last))
	}
}

func respond(req *http.Request, status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req}
}

func TestFetch(t *testing.T) {
	network := func(h *testHost) {
		h.trip = func(req *http.Request) (*http.Response, error) {
			var body []byte
			if req.Body != nil {
				body, _ = io.ReadAll(req.Body)
			}
			switch req.URL.Path {
			case "/json":
				return respond(req, 200, `{"m":"`+req.Method+`"}`, "Content-Type", "application/json", "Set-Cookie", "a=1", "Set-Cookie", "b=2"), nil
			case "/move":
				return respond(req, 302, "", "Location", "/json"), nil
			case "/away":
				return respond(req, 307, "", "Location", "http://other/auth"), nil
			case "/auth":
				return respond(req, 200, req.Header.Get("Authorization")+"|"+req.Header.Get("X")), nil
			case "/loop":
				return respond(req, 302, "", "Location", "/loop"), nil
			case "/echo":
				return respond(req, 200, string(body)+"|"+req.Header.Get("Content-Type")), nil
			case "/broken":
				res := respond(req, 200, "")
				res.Body = io.NopCloser(io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(errors.New("cut"))))
				return res, nil
			case "/slow":
				<-req.Context().Done()
				return nil, req.Context().Err()
			case "/large":
				return respond(req, 200, strings.Repeat("x", 2<<20)), nil
			}
			return nil, errors.New("refused")
		}
	}
	cases{
		{`const r = await fetch("http://h/json"); return [r.status, r.ok, r.type, r.url, r.redirected, r.headers.getSetCookie(), await r.json()]`, `[200,true,"basic","http://h/json",false,["a=1","b=2"],{"m":"GET"}]`},
		{`const r = await fetch("http://h/move", {method: "POST", body: "x"}); return [r.url, r.redirected, await r.json()]`, `["http://h/json",true,{"m":"GET"}]`},
		{`const r = await fetch("http://h/move", {redirect: "manual"}); return [r.status, r.headers.get("location")]`, `[302,"/json"]`},
		{`return fetch("http://h/move", {redirect: "error"})`, `rejected: TypeError`},
		{`return fetch("http://h/loop")`, `rejected: TypeError: fetch failed: more than 20 redirects`},
		{`const r = await fetch("http://h/away", {headers: {authorization: "secret", x: "kept"}}); return r.text()`, `"|kept"`},
		{`return (await fetch("http://h/echo", {method: "POST", body: JSON.stringify({a: 1}), headers: {"content-type": "application/json"}})).text()`, `"{\"a\":1}|application/json"`},
		{`const e = new TextEncoder(); let n = 0; return (await fetch("http://h/echo", {method: "PUT", duplex: "half", body: new ReadableStream({async pull(c) { await null; n < 3 ? c.enqueue(e.encode("p" + n++)) : c.close() }})})).text()`, `"p0p1p2|"`},
		{`return (await fetch("http://h/broken")).text()`, `rejected: TypeError`},
		{`return (await fetch("http://h/large")).text()`, `rejected: TypeError`},
		{`return fetch("http://h/none")`, `rejected: TypeError: fetch failed: refused`},
		{`return fetch("file:///etc/passwd")`, `rejected: TypeError`},
		{`return fetch("/relative")`, `rejected: TypeError`},
		{`return fetch()`, `rejected: TypeError`},
		{`return fetch("http://h/json", {signal: AbortSignal.abort()})`, `rejected: AbortError`},
		{`return fetch("http://h/slow", {signal: AbortSignal.timeout(5)})`, `rejected: TimeoutError`},
		{`const c = new AbortController(), p = fetch("http://h/slow", {signal: c.signal}); c.abort("stop"); return p`, `rejected: stop`},
		{`for (let i = 0; i < 10; i++) await fetch("http://h/json"); return fetch("http://h/json")`, `rejected: TypeError: too many fetches`},
		{`const r = await fetch(new Request("http://h/echo", {method: "POST", body: "b"})); return [await r.text(), r.bodyUsed]`, `["b|text/plain;charset=UTF-8",true]`},
		{`const r = await fetch("http://h/json"); const c = r.clone(); return [await r.json(), await c.json()]`, `[{"m":"GET"},{"m":"GET"}]`},
		{`const r = await fetch("http://h/json"), reader = r.body.getReader(); const {value} = await reader.read(); return new TextDecoder().decode(value)`, `"{\"m\":\"GET\"}"`},
	}.run(t, network)
}

// TestBridgeKeepsBytes sends each byte a header can hold both ways.
func TestBridgeKeepsBytes(t *testing.T) {
	var all bytes.Buffer
	for c := 0x20; c < 0x100; c++ {
		if c != 0x7f {
			all.WriteByte(byte(c))
		}
	}
	value := strings.Trim(all.String(), " ")
	if got := wireFromText(textFromWire(value)); got != value {
		t.Fatalf("%q became %q", value, got)
	}
}
