package webapi

import "testing"

const bodyTools = tools + `
	const enc = s => new TextEncoder().encode(s);
	const of = (...cs) => new ReadableStream({start(c) { for (const x of cs) c.enqueue(typeof x === "string" ? enc(x) : x); c.close() }});
	const post = (body, headers) => new Request("http://a/", {method: "POST", body, headers, duplex: "half"});
`

func TestBodies(t *testing.T) {
	cases{
		{
			`const out = []; for (const b of ["é", enc("é"), enc("é").buffer, new DataView(enc("xé").buffer, 1), new Blob(["é"]), new URLSearchParams("a=é"), of("é")]) out.push([await new Response(b).text(), new Response(typeof b === "object" && b instanceof ReadableStream ? of("é") : b).headers.get("content-type")]); return out`,
			`[["é","text/plain;charset=UTF-8"],["é",null],["é",null],["é",null],["é",null],["a=%C3%A9","application/x-www-form-urlencoded;charset=UTF-8"],["é",null]]`,
		},
		{`return [new Response(new Blob(["x"], {type: "A/B"})).headers.get("content-type"), new Response(new Blob(["x"], {type: "a/b"}), {headers: {"content-type": "c/d"}}).headers.get("content-type")]`, `["a/b","c/d"]`},
		{`return await new Response({toString() { return "obj" }}).text() + await new Response(5).text() + await new Response([1, 2]).text()`, `"obj51,2"`},
		{`for (const m of ["text", "json", "arrayBuffer", "blob", "bytes", "formData"]) { const r = new Response("1", {headers: {"content-type": "application/x-www-form-urlencoded"}}); await r[m](); if (!r.bodyUsed || await fails(r[m]()) !== "TypeError") return m } return "all"`, `"all"`},
		{`const r = new Response(null); return [await r.text(), r.bodyUsed, await r.text(), (await r.bytes()).length, await fails(r.json()), (await r.blob()).size]`, `["",false,"",0,"SyntaxError",0]`},
		{`const r = new Response("x"); r.body.getReader(); return [r.bodyUsed, await fails(r.text()), throws(() => r.clone()), throws(() => new Response(r.body))]`, `[false,"TypeError","TypeError","TypeError"]`},
		{`const s = of("x"); await s.getReader().read(); return throws(() => new Response(s))`, `"TypeError"`},
		{`const r = new Response("x"); const b = r.body; return [b === r.body, b.locked, (await all(b))[0][0], r.bodyUsed, b instanceof ReadableStream]`, `[true,false,120,true,true]`},
		{`const r = new Response("x"); await r.text(); return [r.body.locked, (await fails(r.body.cancel())), throws(() => r.body.getReader().x)]`, `[false,"fulfilled","returned"]`},
		{`const out = []; for (const c of ["text", 5, null, undefined, {}, new ArrayBuffer(1), new Uint16Array(1), new DataView(new ArrayBuffer(1)), new Uint8ClampedArray(1)]) out.push(await fails(new Response(new ReadableStream({start(x) { x.enqueue(c); x.close() }})).text())); return [...new Set(out)]`, `["TypeError"]`},
		{`return fails(new Response(new ReadableStream({start(c) { c.error("boom") }})).text())`, `"boom"`},
		{`const r = new Response(of("a", "b", "c")), k = r.clone(); return [await r.text(), await k.text(), r.bodyUsed, k.bodyUsed]`, `["abc","abc",true,true]`},
		{`const b = await new Response("x", {headers: {"content-type": "Text/Plain; Charset=\"utf-8\"; x=\"a b\""}}).blob(); return [b.type, b.size, await b.text()]`, "[\"text/plain;charset=utf-8;x=\\\"a b\\\"\",1,\"x\"]"},
		{`return [(await new Response("", {headers: {"content-type": "nope"}}).blob()).type, (await new Response("x").blob()).type]`, `["","text/plain;charset=utf-8"]`},
		{`return fails(new Response(new Uint8Array(2 << 20)).text().then(t => t.length))`, `"fulfilled"`},
		{`return fails(new Response(new ReadableStream({pull(c) { c.enqueue(new Uint8Array(1 << 18)) }})).arrayBuffer())`, `"TypeError"`},
		{`const u = new Uint8Array([1, 2]); const r = new Response(u); u[0] = 9; return [...await r.bytes()]`, `[1,2]`},
		{`return fails(Response.prototype.text.call({}))`, `"TypeError"`},
		{`const e = new Error("mine"), before = e.stack; try { await new Response(new ReadableStream({start(c) { c.error(e) }})).text() } catch (x) { return [x === e, x.stack === before] }`, `[true,true]`},
		{`Object.defineProperty(Object.prototype, "then", {get() { return undefined }, configurable: true}); Object.defineProperty(Object.prototype, "start", {get() { throw new Error("start") }, configurable: true}); return new TextDecoder().decode((await new Response("x").body.getReader().read()).value)`, `"x"`},
	}.with(bodyTools).run(t)
}

func TestRequestSemantics(t *testing.T) {
	cases{
		{`return ["get", "Post", "delete", "options", "head", "put", "patch", "Foo"].map(method => new Request("http://a", {method}).method)`, `["GET","POST","DELETE","OPTIONS","HEAD","PUT","patch","Foo"]`},
		{`return ["connect", "TRACE", "TrAcK", "", "a b", "\n"].map(method => throws(() => new Request("http://a", {method})))`, `["TypeError","TypeError","TypeError","TypeError","TypeError","TypeError"]`},
		{`return [["mode", "x"], ["credentials", "x"], ["cache", "x"], ["redirect", "x"], ["referrerPolicy", "x"], ["priority", "x"], ["duplex", "full"], ["mode", "navigate"], ["window", "x"], ["cache", "only-if-cached"], ["signal", 1], ["referrer", "no url"]].map(([k, v]) => throws(() => new Request("http://a", {[k]: v})))`, `["TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError"]`},
		{`const r = new Request("http://a", {mode: "same-origin", credentials: "omit", cache: "no-store", redirect: "manual", referrerPolicy: "origin", integrity: "sha256-x", keepalive: true, referrer: "", priority: "high", window: null, signal: null}); return [r.mode, r.credentials, r.cache, r.redirect, r.referrerPolicy, r.integrity, r.keepalive, r.referrer, r.duplex, r.destination, r.isReloadNavigation, r.isHistoryNavigation]`, `["same-origin","omit","no-store","manual","origin","sha256-x",true,"","half","",false,false]`},
		{`const a = new Request("http://a", {credentials: "omit", keepalive: true}), b = new Request(a), c = new Request(a, {keepalive: false}); return [b.credentials, b.keepalive, c.keepalive, c.credentials]`, `["omit",true,false,"omit"]`},
		{`return [throws(() => post(of("x")).x), throws(() => new Request("http://a", {method: "POST", body: of("x")}))]`, `["returned","TypeError"]`},
		{`return [throws(() => new Request("http://a", {body: ""})), throws(() => new Request("http://a", {method: "HEAD", body: "x"})), throws(() => new Request(post("x"), {method: "GET"})), throws(() => new Request(post("x"), {method: "GET", body: null})), new Request("http://a", {body: null}).body]`, `["TypeError","TypeError","TypeError","TypeError",null]`},
		{`const a = post("x"), b = new Request(a, {body: null}); return [a.bodyUsed, b.bodyUsed, await b.text(), throws(() => new Request(a))]`, `[true,false,"x","TypeError"]`},
		{`const a = post(of("s", "t")), b = new Request(a); return [a.bodyUsed, a.body.locked, await b.text()]`, `[true,true,"st"]`},
		{`const a = post("x"); a.body; const b = new Request(a); return [a.bodyUsed, a.body.locked, await b.text()]`, `[true,true,"x"]`},
		{`const a = post("x"), b = new Request(a, {body: "y"}); return [a.bodyUsed, await b.text(), await a.text()]`, `[false,"y","x"]`},
		{`const a = post("x", {a: "1"}), b = new Request(a, {headers: {b: "2"}}); return [[...b.headers], [...a.headers]]`, `[[["b","2"]],[["a","1"],["content-type","text/plain;charset=UTF-8"]]]`},
		{`return new Request("http://a/%zz?x=%1#frag").url`, `"http://a/%zz?x=%1#frag"`},
		{`const c = new AbortController(), a = new Request("http://a", {signal: c.signal}), b = new Request(a), d = a.clone(), e = new Request(a, {signal: null}); c.abort(1); return [a.signal.aborted, b.signal.aborted, d.signal.aborted, e.signal.aborted, b.signal.reason]`, `[true,true,true,false,1]`},
		{`const r = post(of("x", "y")); const k = r.clone(); return [await k.text(), await r.text(), throws(() => r.clone())]`, `["xy","xy","TypeError"]`},
		{`return [throws(() => new Request()), throws(() => new Request("")), throws(() => new Request("http://a", 1)), throws(() => new Request("http://a", {headers: 1}))]`, `["TypeError","TypeError","TypeError","TypeError"]`},
	}.with(bodyTools).run(t)
}

func TestResponseSemantics(t *testing.T) {
	cases{
		{`return [199, 600, 1000, 0, -1, NaN, "x", 65736].map(status => { try { return new Response("", {status}).status } catch (e) { return e.name } })`, `["RangeError","RangeError","RangeError","RangeError","RangeError","RangeError","RangeError",200]`},
		{`return [101, 204, 205, 304].map(status => throws(() => new Response("", {status})))`, `["RangeError","TypeError","TypeError","TypeError"]`},
		{`return ["\n", "\u0100", "\u0000"].map(statusText => throws(() => new Response("", {statusText}))).concat(new Response("", {statusText: "A\tb\u00ff"}).statusText)`, `["TypeError","TypeError","TypeError","A\tbÿ"]`},
		{`return [301, 302, 303, 307, 308].map(s => Response.redirect("http://a/x", s).status).concat([200, 304, 400].map(s => throws(() => Response.redirect("http://a", s))))`, `[301,302,303,307,308,"RangeError","RangeError","RangeError"]`},
		{`const r = Response.error(); return [r.type, r.status, r.statusText, r.url, r.body, r.redirected, [...r.headers].length, throws(() => r.headers.append("a", "b")), throws(() => Response.redirect("http://a").headers.append("a", "b"))]`, `["error",0,"","",null,false,0,"TypeError","TypeError"]`},
		{`const r = Response.json("x", {status: 418, statusText: "T", headers: {"content-type": "foo/bar"}}); return [r.status, r.statusText, r.headers.get("content-type"), await r.text(), Response.json.length, throws(() => Response.json()), throws(() => Response.json(Symbol())), throws(() => Response.json({get a() { throw "getter" }}))]`, `[418,"T","foo/bar","\"x\"",1,"TypeError","TypeError","getter"]`},
		{`const a = {}; a.a = a; return throws(() => Response.json(a))`, `"TypeError"`},
		{`const r = new Response("a", {status: 201, headers: {a: "b"}}), k = r.clone(); k.headers.set("a", "c"); return [r.headers.get("a"), k.status, k.headers !== r.headers]`, `["b",201,true]`},
		{`return Object.keys(Response.prototype).sort().join()`, `"arrayBuffer,blob,body,bodyUsed,bytes,clone,formData,headers,json,ok,redirected,status,statusText,text,type,url"`},
	}.with(bodyTools).run(t)
}

func TestHeadersSemantics(t *testing.T) {
	cases{
		{`const log = []; const rec = new Proxy({a: "b", c: "d"}, {get(t, k) { log.push("get " + String(k)); return t[k] }, ownKeys(t) { log.push("keys"); return Reflect.ownKeys(t) }, getOwnPropertyDescriptor(t, k) { log.push("desc " + k); return Reflect.getOwnPropertyDescriptor(t, k) }}); new Headers(rec); return log`, `["get Symbol(Symbol.iterator)","keys","desc a","get a","desc c","get c"]`},
		{`return throws(() => new Headers({[Symbol("x")]: "y", a: "b"}))`, `"TypeError"`},
		{`const h = new Headers({a: "1", b: "2", c: "3"}); const seen = []; for (const [k] of h) { seen.push(k); h.delete("b") } return seen`, `["a","c"]`},
		{`const h = new Headers({b: "1"}); const seen = []; for (const [k] of h) { seen.push(k); if (k === "b") h.append("c", "2") } return seen`, `["b","c"]`},
		{`const h = new Headers(); h.append("x", "1"); h.append("X", ""); h.append("x", " 3 "); return [h.get("x"), [...h]]`, `["1, , 3",[["x","1, , 3"]]]`},
		{`const h = new Headers([["set-cookie", "a"], ["b", "1"], ["set-cookie", "c"]]); h.set("Set-Cookie", "z"); h.append("set-cookie", ""); return [[...h], h.getSetCookie(), [...h.keys()]]`, `[[["b","1"],["set-cookie","z"],["set-cookie",""]],["z",""],["b","set-cookie","set-cookie"]]`},
		{`return [throws(() => new Headers([["a", "b", "c"]])), throws(() => new Headers(["ab"])), throws(() => new Headers([1])), throws(() => new Headers().append("a")), throws(() => new Headers().get()), throws(() => new Headers().get("a b")), throws(() => new Headers().forEach()), throws(() => new Headers().set("a", "b\r\nc: d"))]`, `["TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","TypeError"]`},
		{`return new Headers(["ab"].map(x => [x, x])).get("AB") + [...new Headers(new URLSearchParams("q=1"))]`, `"abq,1"`},
		{`const g = new Headers({a: "1"}).entries(); const P = Object.getPrototypeOf(g); return [P[Symbol.toStringTag], throws(() => P.next.call({})), Headers.prototype.entries === Headers.prototype[Symbol.iterator]]`, `["Headers Iterator","TypeError",true]`},
		{`return new Headers({a: "\t x\ty \n"}).get("a")`, `"x\ty"`},
	}.with(tools).run(t)
}
