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
		{`const s = Symbol(), all = [new Event("x"), new EventTarget(), new AbortController().signal, new CustomEvent("y")]; for (const o of all) { o[s] = 1; o.plain = 2; Object.defineProperty(o, "got", {get() { return this.plain + this[s] }}); Object.freeze(o) } return [all.map(o => o.got), all.map(o => Object.getOwnPropertyNames(o))]`, `[[3,3,3,3],[["plain","got"],["plain","got"],["plain","got"],["plain","got"]]]`},
		{`return [Object.getOwnPropertySymbols(new Event("x")).length, JSON.stringify(new EventTarget())]`, `[1,"{}"]`},
	}.run(t)
}
