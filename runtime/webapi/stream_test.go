package webapi

import "testing"

// tools are what the cases of streams share.
const tools = `
	const tick = () => new Promise(r => setTimeout(r, 0));
	const flush = async (n = 20) => { for (let i = 0; i < n; i++) await null };
	const all = async s => { const r = s.getReader(), out = []; for (;;) { const {done, value} = await r.read(); if (done) return out; out.push(value) } };
	const fails = async p => { try { await p } catch (e) { return e instanceof Error ? e.name : e } return "fulfilled" };
	const throws = f => { try { f() } catch (e) { return e instanceof Error ? e.name : e } return "returned" };
	const numbers = n => { let i = 0; return new ReadableStream({pull(c) { i < n ? c.enqueue(i++) : c.close() }}) };
`

// with puts the tools before each case.
func (cs cases) with(prefix string) cases {
	out := make(cases, len(cs))
	for i, c := range cs {
		out[i] = [2]string{prefix + c[0], c[1]}
	}
	return out
}

func TestReadableStream(t *testing.T) {
	cases{
		{`return [typeof ReadableStream, ReadableStream.length, ReadableStream.name, Object.prototype.toString.call(new ReadableStream())]`, `["function",0,"ReadableStream","[object ReadableStream]"]`},
		{`return [throws(() => new ReadableStream(null)), throws(() => new ReadableStream({type: "x"})), throws(() => new ReadableStream({}, {highWaterMark: -1})), throws(() => new ReadableStream({}, {highWaterMark: NaN})), throws(() => new ReadableStream({type: "bytes"}, {size() {}})), throws(() => new ReadableStream({pull: 1}))]`, `["TypeError","TypeError","RangeError","RangeError","RangeError","TypeError"]`},
		{`const seen = []; const watch = (name, o) => new Proxy(o, {get(t, k) { seen.push(name + k.toString()); return t[k] }}); new ReadableStream(watch("s.", {}), watch("q.", {})); return seen`, `["q.highWaterMark","q.size","s.autoAllocateChunkSize","s.cancel","s.pull","s.start","s.type"]`},
		{`let pulls = 0; new ReadableStream({pull() { pulls++ }}, {highWaterMark: 0}); await flush(); return pulls`, `0`},
		{`let pulls = 0; const s = new ReadableStream({pull(c) { pulls++; c.enqueue(pulls) }}, {highWaterMark: 3}); await flush(); return pulls`, `3`},
		{`let pulls = 0; const s = new ReadableStream({start() { return new Promise(() => {}) }, pull() { pulls++ }}); await flush(); return pulls`, `0`},
		{`const r = new ReadableStream({start() { return Promise.reject("no") }}).getReader(); return [await fails(r.closed), await fails(r.read())]`, `["no","no"]`},
		{`let c; const s = new ReadableStream({start(x) { c = x }}); c.error("e"); c.error("f"); return [throws(() => c.enqueue()), throws(() => c.close()), c.desiredSize, await fails(s.getReader().closed)]`, `["TypeError","TypeError",null,"e"]`},
		{`let c; const s = new ReadableStream({start(x) { c = x }}, {highWaterMark: 7}); c.enqueue("a"); c.close(); const before = c.desiredSize; const r = s.getReader(); const x = await r.read(); await r.closed; return [before, c.desiredSize, x, await r.read()]`, `[6,0,{"value":"a","done":false},{"done":true}]`},
		{`let c; new ReadableStream({start(x) { c = x }}, {size() { throw new Error("size") }, highWaterMark: 1}); return [throws(() => c.enqueue(1)), throws(() => c.enqueue(1))]`, `["Error","TypeError"]`},
		{`let c; const s = new ReadableStream({start(x) { c = x }}, {size() { return -1 }}); return [throws(() => c.enqueue(1)), await fails(s.getReader().closed)]`, `["RangeError","RangeError"]`},
		{`const s = new ReadableStream({start(c) { c.enqueue(1) }}, {size: x => { s }, highWaterMark: 1}); return 1`, `rejected: ReferenceError`},
		{`const order = []; const s = new ReadableStream({start(c) { c.enqueue(1); c.close() }}); const r = s.getReader(); r.closed.then(() => order.push("closed")); r.read().then(() => order.push("read")); await flush(); return order`, `["closed","read"]`},
		{`const s = numbers(2), r = s.getReader(); const p = [r.read(), r.read(), r.read()]; return await Promise.all(p)`, `[{"value":0,"done":false},{"value":1,"done":false},{"done":true}]`},
		{`const s = new ReadableStream(), r = s.getReader(); const p = r.read(); r.releaseLock(); r.releaseLock(); return [await fails(p), await fails(r.closed), await fails(r.read()), await fails(r.cancel()), s.locked]`, `["TypeError","TypeError","TypeError","TypeError",false]`},
		{`const r = new ReadableStream({start(c) { c.close() }}).getReader(); const a = r.closed; await a; r.releaseLock(); return [a === r.closed, await fails(r.closed)]`, `[false,"TypeError"]`},
		{`const s = new ReadableStream(); const r = s.getReader(); return [await fails(s.cancel()), throws(() => s.tee()), throws(() => s.getReader()), throws(() => s[Symbol.asyncIterator]()), throws(() => new ReadableStreamDefaultReader(s)), throws(() => new ReadableStreamDefaultReader({}))]`, `["TypeError","TypeError","TypeError","TypeError","TypeError","TypeError"]`},
		{`let got; const s = new ReadableStream({cancel(x) { got = x; return "ignored" }}); const r = s.getReader(), p = r.read(); const v = await r.cancel("why"); await r.closed; return [got, v === undefined, await p]`, `["why",true,{"done":true}]`},
		{`return fails(new ReadableStream({cancel() { throw "bad" }}).cancel())`, `"bad"`},
		{`return fails(new ReadableStream({cancel() { return Promise.reject("bad") }}).cancel())`, `"bad"`},
		{`return [await fails(ReadableStream.prototype.cancel.call({})), throws(() => ReadableStream.prototype.getReader.call({})), await fails(Object.getOwnPropertyDescriptor(ReadableStreamDefaultReader.prototype, "closed").get.call({}))]`, `["TypeError","TypeError","TypeError"]`},
		{`return [throws(() => new ReadableStreamDefaultController()), throws(() => new ReadableByteStreamController()), throws(() => new ReadableStreamBYOBRequest()), throws(() => new ReadableStream().getReader({mode: "x"})), throws(() => new ReadableStream().getReader({mode: "byob"})), new ReadableStream().getReader(undefined) instanceof ReadableStreamDefaultReader]`, `["TypeError","TypeError","TypeError","TypeError","TypeError",true]`},
		{`let n = 0; const s = new ReadableStream({pull(c) { n++; return new Promise(() => {}) }}); const r = s.getReader(); r.read(); r.read(); await flush(); return n`, `1`},
		{`let n = 0, c; const s = new ReadableStream({start(x) { c = x }, pull() { n++ }}); const r = s.getReader(); await flush(); const p = r.read(); await flush(); const m = n; c.enqueue("x"); await p; await flush(); return [m, n]`, `[2,3]`},
		{`const C = ReadableStream.prototype.constructor; class S extends ReadableStream { #x = 5; get x() { return this.#x } }; const s = new S({start(c) { c.enqueue(1); c.close() }}); return [s.x, await all(s), s instanceof S, C === ReadableStream]`, `[5,[1],true,true]`},
		{`await null; const C = ReadableStream, R = ReadableStreamDefaultReader; const s = numbers(2); globalThis.ReadableStream = R.prototype.read = R.prototype.releaseLock = C.prototype.getReader = () => { throw "patched" }; const then = Promise.prototype.then; Promise.prototype.then = () => { throw "then" }; const [a] = s.tee(); const i = a[Symbol.asyncIterator](); const x = await i.next(); const t = await new Response("x").text(); Promise.prototype.then = then; return [x.value, t]`, `[0,"x"]`},
		{`let c; const s = new ReadableStream({start(x) { c = x }}, {size(x) { if (x === "again") c.enqueue("inner"); return 1 }, highWaterMark: 5}); c.enqueue("again"); c.close(); return all(s)`, `["inner","again"]`},
		{`let c; const s = new ReadableStream({start(x) { c = x }}, {size() { c.close(); return 1 }, highWaterMark: 5}); c.enqueue("x"); return [c.desiredSize, await fails(s.getReader().closed)]`, `[0,"fulfilled"]`},
		{`let c; const s = new ReadableStream({start(x) { c = x }}, {size() { c.error("in"); return 1 }, highWaterMark: 5}); c.enqueue("x"); return fails(s.getReader().closed)`, `"in"`},
		{`let c; new ReadableStream({start(x) { c = x }}, {size: x => x, highWaterMark: 0}); c.enqueue(2); c.enqueue(Number.MAX_SAFE_INTEGER); return c.desiredSize === -(2 + Number.MAX_SAFE_INTEGER)`, `true`},
	}.with(tools).run(t)
}

func TestReadableIteration(t *testing.T) {
	const loop = `const it = s => s[Symbol.asyncIterator]();`
	cases{
		{`const s = numbers(2), i = it(s); const out = [await i.next(), await i.next(), await i.next(), await i.next()]; return [out, s.locked]`, `[[{"value":0,"done":false},{"value":1,"done":false},{"done":true},{"done":true}],false]`},
		{`const i = it(numbers(1)), P = Object.getPrototypeOf(i); return [Object.keys(P), P.next.length, P.return.length, typeof i.throw, ReadableStream.prototype.values === ReadableStream.prototype[Symbol.asyncIterator], i[Symbol.asyncIterator]() === i, P === Object.getPrototypeOf(it(numbers(1)))]`, `[["next","return"],0,1,"undefined",true,true,true]`},
		{`let why; const s = new ReadableStream({cancel(r) { why = r }}); const i = it(s); const x = await i.return("enough"); return [x, why, s.locked, await i.next(), await i.return(3)]`, `[{"value":"enough","done":true},"enough",false,{"done":true},{"value":3,"done":true}]`},
		{`let canceled = false; const s = new ReadableStream({start(c) { c.enqueue(1); c.enqueue(2) }, cancel() { canceled = true }}); const i = s.values({preventCancel: true}); await i.next(); await i.return(); return [canceled, s.locked, (await s.getReader().read()).value]`, `[false,false,2]`},
		{`const i = it(new ReadableStream({start(c) { c.error("bad") }})); return [await fails(i.next()), await i.next()]`, `["bad",{"done":true}]`},
		{`const i = it(numbers(3)); return await Promise.all([i.next(), i.next(), i.return("r"), i.next()])`, `[{"value":0,"done":false},{"value":1,"done":false},{"value":"r","done":true},{"done":true}]`},
		{`const i = it(numbers(3)); return fails(i.next.call({}))`, `"TypeError"`},
		{`return [await all(ReadableStream.from(["a", "b"])), await all(ReadableStream.from("hé")), await all(ReadableStream.from(new Set([1]))), await all(ReadableStream.from((function* () { yield 1; yield Promise.resolve(2) })()))]`, `[["a","b"],["h","é"],[1],[1,2]]`},
		{`return [throws(() => ReadableStream.from()), throws(() => ReadableStream.from(null)), throws(() => ReadableStream.from(1)), throws(() => ReadableStream.from({})), throws(() => ReadableStream.from({[Symbol.asyncIterator]: 1})), throws(() => ReadableStream.from({[Symbol.iterator]: () => 1})), throws(() => ReadableStream.from({[Symbol.iterator]() { throw "x" }}))]`, `["TypeError","TypeError","TypeError","TypeError","TypeError","TypeError","x"]`},
		{`let n = 0, why; const s = ReadableStream.from({[Symbol.asyncIterator]() { return {async next() { return {done: false, value: n++} }, async return(v) { why = v; return {} }} }}); await flush(); const none = n; const r = s.getReader(); const v = (await r.read()).value; await r.cancel("stop"); return [none, v, why, n]`, `[0,0,"stop",1]`},
		{`return fails(all(ReadableStream.from({[Symbol.iterator]: () => ({next() { return 1 }})})))`, `"TypeError"`},
		{`return fails(all(ReadableStream.from({[Symbol.asyncIterator]: () => ({next() { throw "next" }})})))`, `"next"`},
		{`const s = ReadableStream.from({[Symbol.asyncIterator]: () => ({next() {}, return() { return 1 }})}); return fails(s.cancel())`, `"TypeError"`},
		{`const s = ReadableStream.from({[Symbol.asyncIterator]: () => ({next() {}, return: 5})}); return fails(s.cancel())`, `"TypeError"`},
		{`const a = numbers(2), b = ReadableStream.from(a); return [await all(b), a.locked]`, `[[0,1],false]`},
	}.with(tools + loop).run(t)
}

func TestTee(t *testing.T) {
	cases{
		{`const [a, b] = numbers(3).tee(); return [await all(a), await all(b)]`, `[[0,1,2],[0,1,2]]`},
		{`let n = 0; const s = new ReadableStream({pull(c) { c.enqueue(n++) }}, {highWaterMark: 0}); const [a, b] = s.tee(); const r = a.getReader(); await r.read(); await r.read(); return (await b.getReader().read()).value`, `0`},
		{`let why; const s = new ReadableStream({cancel(r) { why = r }}); const [a, b] = s.tee(); const p = a.cancel("x"); await flush(); const before = why === undefined; await b.cancel("y"); await p; return [before, why]`, `[true,["x","y"]]`},
		{`const s = new ReadableStream({cancel() { throw "bad" }}); const [a, b] = s.tee(); return Promise.all([fails(a.cancel()), fails(b.cancel())])`, `["bad","bad"]`},
		{`let c; const s = new ReadableStream({start(x) { c = x }}); const [a, b] = s.tee(); const ra = a.getReader(), rb = b.getReader(); c.error("e"); return [await fails(ra.read()), await fails(rb.closed)]`, `["e","e"]`},
		{`const o = {}; const s = new ReadableStream({start(c) { c.enqueue(o); c.close() }}); const [a, b] = s.tee(); return (await all(a))[0] === (await all(b))[0]`, `true`},
		{`const s = new ReadableStream({type: "bytes", start(c) { c.enqueue(new Uint8Array([1, 2])); c.close() }}); const [a, b] = s.tee(); const [x] = await all(a), [y] = await all(b); return [[...x], [...y], x.buffer !== y.buffer]`, `[[1,2],[1,2],true]`},
		{`let n = 0; const s = new ReadableStream({type: "bytes", pull(c) { if (n++ > 1) { c.close(); c.byobRequest?.respond(0); return } const v = c.byobRequest.view; v[0] = n; c.byobRequest.respond(1) }}); const [a, b] = s.tee(); const r = a.getReader({mode: "byob"}); const out = []; for (;;) { const {done, value} = await r.read(new Uint8Array(4)); if (done) { out.push(value.length); break } out.push([...value]) } return [out, (await all(b)).map(x => [...x])]`, `[[[1],[2],0],[[1],[2]]]`},
		{`let s = numbers(1); return throws(() => { for (let i = 0; i < 1000; i++) [s] = s.tee() })`, `"RangeError"`},
		{`let s = numbers(1); for (let i = 0; i < 400; i++) [s] = s.tee(); return all(s)`, `[0]`},
		{`const r = new Response(new ReadableStream({start(c) { c.enqueue(new Int8Array(2)); c.close() }})); const k = r.clone(); const [x] = await all(r.body), [y] = await all(k.body); return [x.constructor.name, y.constructor.name, x.buffer === y.buffer]`, `["Int8Array","Int8Array",false]`},
	}.with(tools).run(t)
}

func TestByteStreams(t *testing.T) {
	cases{
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); return [c.desiredSize, c.byobRequest, c instanceof ReadableByteStreamController, throws(() => c.enqueue(1)), throws(() => c.enqueue(new Uint8Array(0))), throws(() => c.enqueue(new ArrayBuffer(1)))]`, `[0,null,true,"TypeError","TypeError","TypeError"]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const u = new Uint8Array([1, 2, 3, 4]).subarray(1, 3); c.enqueue(u); const v = (await s.getReader().read()).value; return [[...v], v.byteOffset, v.buffer.byteLength, u.byteLength, c.desiredSize]`, `[[2,3],1,4,0,0]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); c.enqueue(new Uint16Array([258])); const r = s.getReader({mode: "byob"}); const {value} = await r.read(new Uint8Array(1)); const w = await r.read(new DataView(new ArrayBuffer(8), 2, 4)); return [[...value], w.value.constructor.name, w.value.byteLength, w.value.byteOffset, w.value.buffer.byteLength, w.value.getUint8(0)]`, `[[2],"DataView",1,2,8,1]`},
		{`const s = new ReadableStream({type: "bytes", pull(c) { const v = c.byobRequest.view; v[0] = 7; v[1] = 8; c.byobRequest.respond(2) }}); const r = s.getReader({mode: "byob"}); const b = new Uint8Array(4); const p = r.read(b); const gone = b.byteLength; const {value} = await p; return [gone, [...value], value.buffer.byteLength]`, `[0,[7,8],4]`},
		{`const s = new ReadableStream({type: "bytes", autoAllocateChunkSize: 16, pull(c) { const v = c.byobRequest.view; v[0] = 9; c.byobRequest.respond(1) }}); const {value} = await s.getReader().read(); return [[...value], value.buffer.byteLength]`, `[[9],16]`},
		{`return [throws(() => new ReadableStream({type: "bytes", autoAllocateChunkSize: 0})), throws(() => new ReadableStream({type: "bytes", autoAllocateChunkSize: -1}))]`, `["TypeError","TypeError"]`},
		{`const r = new ReadableStream({type: "bytes"}).getReader({mode: "byob"}); return [await fails(r.read()), await fails(r.read({})), await fails(r.read(new Uint8Array(0))), await fails(r.read(new Uint8Array(2), {min: 0})), await fails(r.read(new Uint8Array(2), {min: 3})), await fails(r.read(new Uint16Array(2), {min: 3}))]`, `["TypeError","TypeError","TypeError","TypeError","RangeError","RangeError"]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); const p = r.read(new Uint8Array(3), {min: 3}); c.enqueue(new Uint8Array([1])); c.enqueue(new Uint8Array([2])); let early = true; p.then(() => early = false); await flush(); const pending = early; c.enqueue(new Uint8Array([3, 4])); const {value} = await p; return [pending, [...value], [...(await r.read(new Uint8Array(4))).value]]`, `[true,[1,2,3],[4]]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); const p = r.read(new Uint16Array(2)); c.enqueue(new Uint8Array([1])); await flush(); return [throws(() => c.close()), await fails(p)]`, `["TypeError","TypeError"]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); const p = r.read(new Uint8Array(4)); c.close(); c.byobRequest.respond(0); const x = await p; const y = await r.read(new Uint8Array(2)); return [x.done, x.value.length, x.value.buffer.byteLength, y.done, y.value.length, y.value.buffer.byteLength]`, `[true,0,4,true,0,2]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); const p = r.read(new Uint8Array(4)); await r.cancel(); const x = await p; return [x.done, x.value === undefined]`, `[true,true]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); r.read(new Uint8Array(4)); const q = c.byobRequest; return [q === c.byobRequest, throws(() => q.respond(0)), throws(() => q.respond(5)), throws(() => q.respond(-1)), throws(() => q.respond()), (q.respond(2), q.view), throws(() => q.respond(1)), c.byobRequest]`, `[true,"TypeError","RangeError","TypeError","TypeError",null,"TypeError",null]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); const p = r.read(new Uint8Array(4)); const v = c.byobRequest.view; return [throws(() => c.byobRequest.respondWithNewView(new Uint8Array(5))), throws(() => c.byobRequest.respondWithNewView(new Uint8Array(v.buffer, 1, 2))), (c.byobRequest.respondWithNewView(new Uint8Array(v.buffer, 0, 3)), (await p).value.length), v.byteLength]`, `["RangeError","RangeError",3,0]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); const p = r.read(new Uint8Array(4)); r.releaseLock(); const gone = await fails(p); const q = c.byobRequest; q.view[0] = 1; q.respond(1); return [gone, [...(await s.getReader().read()).value]]`, `["TypeError",[1]]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); const a = r.read(new Uint8Array(2)), b = r.read(new Uint8Array(2)); c.enqueue(new Uint8Array([1, 2, 3])); return [[...(await a).value], [...(await b).value]]`, `[[1,2],[3]]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}, {highWaterMark: 5}); c.enqueue(new Uint8Array(3)); const d = c.desiredSize; c.close(); return [d, throws(() => c.enqueue(new Uint8Array(1))), throws(() => c.close()), (await all(s)).length]`, `[2,"TypeError","TypeError",1]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const r = s.getReader({mode: "byob"}); const p = r.read(new Uint8Array(1)); c.error("e"); return [await fails(p), await fails(r.closed), c.desiredSize, await fails(r.read(new Uint8Array(1)))]`, `["e","e",null,"e"]`},
		{`let c; const s = new ReadableStream({type: "bytes", start(x) { c = x }}); const u = new Uint8Array(2); structuredClone(u.buffer, {transfer: [u.buffer]}); return [throws(() => c.enqueue(u)), await fails(s.getReader({mode: "byob"}).read(u))]`, `["TypeError","TypeError"]`},
		{`const r = new Response("hello").body.getReader({mode: "byob"}); const out = []; let b = new Uint8Array(2); for (;;) { const {done, value} = await r.read(b); if (done) break; out.push(new TextDecoder().decode(value)); b = new Uint8Array(value.buffer) } return out`, `["he","ll","o"]`},
		{`const s = new ReadableStream({type: "bytes"}); const r = new ReadableStreamBYOBReader(s); return [s.locked, throws(() => new ReadableStreamBYOBReader(new ReadableStream())), r.read.length]`, `[true,"TypeError",1]`},
	}.with(tools).run(t)
}
