package webapi

import "testing"

func TestClassesWantNew(t *testing.T) {
	cases{
		{`const bad = []; for (const f of [() => URL("http://a"), () => URL.call({}, "http://a"), () => URL.apply(undefined, ["http://a"]), () => ["http://a"].map(URL), () => ({f: URL}).f("http://a"), () => Reflect.apply(URL, undefined, ["http://a"]), () => URL.bind(null)("http://a"), () => DOMException("m"), () => Event("x"), () => Headers()]) { try { f(); bad.push(String(f)) } catch (e) { if (!(e instanceof TypeError)) bad.push(e.name) } } return bad`, `[]`},
		{`await null; class U extends URL {}; const B = URL.bind(null, "http://a"); return [new URL("http://a"), Reflect.construct(URL, ["http://a"]), new U("http://a"), ["http://a"].map(s => new URL(s))[0], new B(), Reflect.construct(URL, ["http://a"], U) instanceof U]`, `["http://a/","http://a/","http://a/","http://a/","http://a/",true]`},
		{`return Promise.resolve("http://a").then(URL)`, `rejected: TypeError`},
		{`return [URL.name, URL.length, Event.length, URLSearchParams.length, Object.prototype.toString.call(new URL("a:b")), Object.getOwnPropertyDescriptor(globalThis, "URL").enumerable]`, `["URL",1,1,0,"[object URL]",false]`},
		{`const d = Object.getOwnPropertyDescriptor(URL.prototype, "href"); return [typeof d.get, typeof d.set, d.enumerable, d.configurable, d.get.name, d.set.length]`, `["function","function",true,true,"get href",1]`},
		{`return Object.getOwnPropertyDescriptor(URL.prototype, "href").get.call({})`, `rejected: TypeError`},
		{`const s = Symbol(), all = [new Event("x"), new EventTarget(), new AbortController().signal, new CustomEvent("y")]; for (const o of all) { o[s] = 1; o.plain = 2; Object.defineProperty(o, "got", {get() { return this.plain + this[s] }}); Object.freeze(o) } return [all.map(o => o.got), all.map(o => Object.getOwnPropertyNames(o))]`, `[[3,3,3,3],[["isTrusted","plain","got"],["plain","got"],["plain","got"],["isTrusted","plain","got"]]]`},
		{`return [Object.getOwnPropertySymbols(new Event("x")).length, JSON.stringify(new EventTarget())]`, `[0,"{}"]`},
	}.run(t)
}

func TestInstancesAreOrdinaryObjects(t *testing.T) {
	all := `const all = [new Headers(), new URL("a:b"), new Response(), new Request("http://a"), new Blob([]), new ReadableStream(), new ReadableStream().getReader(), new FormData(), new URLSearchParams(), new TextDecoder(), crypto, crypto.subtle, performance, new AbortController(), new DOMException(), new Headers().entries(), new Event("x")]; `
	cases{
		{all + `const s = Symbol(); return all.map(o => { o[s] = 1; o.plain = 2; Object.defineProperty(o, "got", {get() { return this.plain + this[s] }, configurable: true}); return o.got === 3 && delete o[s] && delete o.plain && delete o.got }).every(x => x)`, `true`},
		{all + `return all.filter(o => !Object.isFrozen(Object.freeze(o))).length`, `0`},
		{`const h = Object.freeze(new Headers()); h.set("a", "b"); return h.get("a")`, `"b"`},
		{`class H extends Headers { #p = 7; own = 1; get p() { return this.#p } }; const h = new H({a: "b"}); return [h.p, h.own, h.get("a"), h instanceof H, Object.keys(h), [...h]]`, `[7,1,"b",true,["own"],[["a","b"]]]`},
		{`const u = new URL("a:b"), bad = [Number.prototype.valueOf, Number.prototype.toString, Boolean.prototype.valueOf, Symbol.prototype.valueOf, BigInt.prototype.valueOf].filter(f => { try { f.call(u); return true } catch (e) { return !(e instanceof TypeError) } }); Object.setPrototypeOf(u, null); return [bad.length, Object.prototype.toString.call(u), URL.prototype.toString.call(u)]`, `[0,"[object Object]","a:b"]`},
		{`const it = new Headers({a: "b"}).keys(); Object.setPrototypeOf(it, null); return [typeof new Blob([]), isNaN(new Headers()), JSON.stringify([new Headers(), new URL("a:b")]), structuredClone({a: 1}).a]`, `["object",true,"[{},\"a:b\"]",1]`},
		{`return Headers.prototype.get.call(new Proxy(new Headers(), {}), "a")`, `rejected: TypeError`},
		{`const d = Object.getOwnPropertyDescriptor(new Event("x"), "isTrusted"), f = Object.getOwnPropertyDescriptor(new CustomEvent("y"), "isTrusted"); return [d.get === f.get, d.get.name, d.set === undefined, d.enumerable, d.configurable, "isTrusted" in Event.prototype, JSON.stringify(new Event("x"))]`, `[true,"get isTrusted",true,true,false,false,"{\"isTrusted\":false}"]`},
		{`const d = Object.getOwnPropertyDescriptor(DOMException, "prototype"); return [d.writable, d.enumerable, d.configurable]`, `[false,false,false]`},
		{`return ["fetch", "setTimeout", "crypto", "structuredClone", "URL", "console"].map(n => { globalThis[n]; return Object.getOwnPropertyDescriptor(globalThis, n).enumerable })`, `[true,true,true,true,false,false]`},
		{`return new Request("http://a", {method: "POST", body: new ReadableStream(), duplex: "half", keepalive: true})`, `rejected: TypeError`},
	}.run(t)
}

func TestNamesThatAreNoText(t *testing.T) {
	cases{
		{`return [...new URLSearchParams({"x\udc53": "1", "x\udc5c": "2", a: "3"})]`, "[[\"x\uFFFD\",\"2\"],[\"a\",\"3\"]]"},
		{`return new Headers({"x\udc53": "1"})`, `rejected: TypeError`},
		{`const c = structuredClone({"\udc53": 1, a: {"\ud800": 2}, "\ufffd": 3}); return [c["\udc53"], c.a["\ud800"], c["\ufffd"], Object.keys(c).length]`, `[1,2,3,3]`},
		{`const o = {"\udc53": 1, a: 2}; console.log(o); console.table([o]); console.table(o); console.table({a: {"\ud800": {}}}); return 1`, `1`},
		{`const o = {get a() { delete this.b; return 1 }, b: 2}; return [[...new URLSearchParams(o)], structuredClone({get a() { delete this.b; return 1 }, b: 2}), [...new Headers({get a() { delete this.b; return 1 }, b: 2})]]`, `[[["a","1"]],{"a":1},[["a","1"]]]`},
		{`const h = new Headers({a: "b"}), p = new URLSearchParams("a=b"); for (const o of [h, p]) o[Symbol.iterator] = function* () { yield ["c", "d"] }; return [[...new Headers(h)], [...new URLSearchParams(p)]]`, `[[["c","d"]],[["c","d"]]]`},
	}.run(t)
}
