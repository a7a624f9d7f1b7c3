package webapi

import "testing"

func TestWritableStream(t *testing.T) {
	cases{
		{`return [throws(() => new WritableStream(null)), throws(() => new WritableStream({type: "bytes"})), throws(() => new WritableStream({}, {highWaterMark: -1})), throws(() => new WritableStreamDefaultController()), throws(() => new WritableStreamDefaultWriter({})), Object.prototype.toString.call(new WritableStream())]`, `["TypeError","RangeError","RangeError","TypeError","TypeError","[object WritableStream]"]`},
		{`const seen = []; const watch = (name, o) => new Proxy(o, {get(t, k) { seen.push(name + k.toString()); return t[k] }}); new WritableStream(watch("s.", {}), watch("q.", {})); return seen`, `["q.highWaterMark","q.size","s.abort","s.close","s.start","s.type","s.write"]`},
		{`const got = []; const s = new WritableStream({start() { got.push("start") }, write(c) { got.push(c) }, close() { got.push("close") }}); const w = s.getWriter(); w.write("a"); w.write("b"); const v = await w.close(); return [got, v === undefined, await w.closed === undefined, s.locked]`, `[["start","a","b","close"],true,true,true]`},
		{`const s = new WritableStream({write() { return new Promise(() => {}) }}, {highWaterMark: 2}); const w = s.getWriter(); const out = [w.desiredSize]; w.write(1); out.push(w.desiredSize); w.write(2); out.push(w.desiredSize); w.write(3); out.push(w.desiredSize); return out`, `[2,1,0,-1]`},
		{`let done; const s = new WritableStream({write() { return new Promise(r => done = r) }}); const w = s.getWriter(); const first = w.ready; await first; const p = w.write("x"); const second = w.ready; await flush(); let ready = false; second.then(() => ready = true); await flush(); const before = ready; done(); await p; await second; return [first !== second, before, w.ready === second, w.desiredSize]`, `[true,false,true,1]`},
		{`const w = new WritableStream({start(c) { c.error("e") }}).getWriter(); return [await fails(w.ready), await fails(w.closed), await fails(w.write(1)), await fails(w.close()), w.desiredSize, await fails(w.abort())]`, `["e","e","e","TypeError",null,"fulfilled"]`},
		{`const w = new WritableStream({start() { return Promise.reject("s") }}).getWriter(); return [await fails(w.write(1)), await fails(w.closed)]`, `["s","s"]`},
		{`const w = new WritableStream({write() { throw "w" }}).getWriter(); return [await fails(w.write(1)), await fails(w.write(2)), await fails(w.ready), await fails(w.closed)]`, `["w","w","w","w"]`},
		{`const w = new WritableStream({close() { throw "c" }}).getWriter(); return [await fails(w.close()), await fails(w.closed), await fails(w.write(1))]`, `["c","c","c"]`},
		{`let why; const s = new WritableStream({abort(r) { why = r }}); const w = s.getWriter(); const v = await w.abort("stop"); return [v === undefined, why, await fails(w.closed), await fails(w.ready), await fails(w.write(1)), await fails(w.close())]`, `[true,"stop","stop","stop","stop","TypeError"]`},
		{`let c; const s = new WritableStream({start(x) { c = x }, write() { return new Promise(() => {}) }}); const w = s.getWriter(); const before = [c.signal instanceof AbortSignal, c.signal.aborted]; await flush(); w.write(1).catch(() => {}); await flush(); w.abort("why").catch(() => {}); return [before, c.signal.aborted, c.signal.reason]`, `[[true,false],true,"why"]`},
		{`let fin; const order = []; const s = new WritableStream({write() { return new Promise(r => fin = r) }, abort() { order.push("abort") }}); const w = s.getWriter(); await flush(); const a = w.write(1).then(() => order.push("1 ok"), () => order.push("1 failed")), b = w.write(2).then(() => order.push("2 ok"), e => order.push("2 " + e)); await flush(); const p = w.abort("x"); await flush(); const early = [...order]; fin(); await p; return [early, order]`, `[[],["abort","1 ok","2 x"]]`},
		{`const s = new WritableStream(); const w = s.getWriter(); return [await fails(s.close()), await fails(s.abort()), throws(() => s.getWriter()), await fails(WritableStream.prototype.abort.call({}))]`, `["TypeError","TypeError","TypeError","TypeError"]`},
		{`const s = new WritableStream(); const w = s.getWriter(); w.releaseLock(); w.releaseLock(); return [s.locked, await fails(w.closed), await fails(w.ready), await fails(w.write(1)), await fails(w.close()), await fails(w.abort()), throws(() => w.desiredSize)]`, `[false,"TypeError","TypeError","TypeError","TypeError","TypeError","TypeError"]`},
		{`const s = new WritableStream(); const p = s.close(); return [await fails(s.close()), await fails(p), await fails(s.getWriter().closed), await fails(s.close())]`, `["TypeError","fulfilled","fulfilled","TypeError"]`},
		{`const w = new WritableStream().getWriter(); w.close(); return [await fails(w.close()), await fails(w.write(1)), w.desiredSize]`, `["TypeError","TypeError",0]`},
		{`const w = new WritableStream({}, {size() { throw "size" }}).getWriter(); return [await fails(w.write(1)), await fails(w.closed)]`, `["size","size"]`},
		{`const w = new WritableStream({}, {size() { return NaN }}).getWriter(); return [await fails(w.write(1)), await fails(w.closed)]`, `["RangeError","RangeError"]`},
		{`const w = new WritableStream({}, {highWaterMark: 0}).getWriter(); let ready = false; w.ready.then(() => ready = true); await flush(); const p = w.write(1); await p; return [ready, w.desiredSize]`, `[false,0]`},
		{`const s = new WritableStream({abort() { return Promise.reject("bad") }}); return [await fails(s.abort("x")), await fails(s.getWriter().closed)]`, `["bad","x"]`},
		{`const s = new WritableStream({write() { return new Promise(() => {}) }}); const w = s.getWriter(); await flush(); w.write(1).catch(() => {}); w.closed.catch(() => {}); const a = w.abort(1), b = w.abort(2); return a === b`, `true`},
		{`let c; const s = new WritableStream({start(x) { c = x }}); c.error("first"); c.error("second"); return fails(s.getWriter().closed)`, `"first"`},
		{`const ids = []; const w = new WritableStream({write(c, ctl) { ids.push(this.tag, ctl instanceof WritableStreamDefaultController) }, tag: 7}).getWriter(); await w.write(1); return ids`, `[7,true]`},
	}.with(tools).run(t)
}

func TestTransformStream(t *testing.T) {
	cases{
		{`const t = new TransformStream(); return [t.readable instanceof ReadableStream, t.writable instanceof WritableStream, t.writable.getWriter().desiredSize, throws(() => new TransformStream({readableType: "x"})), throws(() => new TransformStream({writableType: "x"})), throws(() => new TransformStreamDefaultController())]`, `[true,true,1,"RangeError","RangeError","TypeError"]`},
		{`const t = new TransformStream({transform(c, ctl) { ctl.enqueue(c * 2) }, flush(ctl) { ctl.enqueue("end") }}); const w = t.writable.getWriter(); w.write(1); w.write(2); w.close(); return all(t.readable)`, `[2,4,"end"]`},
		{`const t = new TransformStream(); const w = t.writable.getWriter(), r = t.readable.getReader(); let written = false; w.write("a").then(() => written = true); await flush(); const before = written; const x = await r.read(); await flush(); return [before, x.value, written]`, `[false,"a",true]`},
		{`let c; const t = new TransformStream({start(x) { c = x; x.enqueue("s"); x.terminate() }}); const w = t.writable.getWriter(); return [await all(t.readable), await fails(w.closed), await fails(w.write(1)), throws(() => c.enqueue(1))]`, `[["s"],"TypeError","TypeError","TypeError"]`},
		{`const t = new TransformStream({transform() { throw "t" }}); const w = t.writable.getWriter(), r = t.readable.getReader(); const p = r.read(); return [await fails(w.write(1)), await fails(p), await fails(w.closed), await fails(r.closed)]`, `["t","t","t","t"]`},
		{`const t = new TransformStream({flush() { throw "f" }}); const w = t.writable.getWriter(); const c = w.close(); return [await fails(c), await fails(t.readable.getReader().read())]`, `["f","f"]`},
		{`let c; const t = new TransformStream({start(x) { c = x }}); c.error("e"); return [await fails(t.readable.getReader().read()), await fails(t.writable.getWriter().closed), c.desiredSize]`, `["e","e",null]`},
		{`let why; const t = new TransformStream({cancel(r) { why = r }}); await t.readable.cancel("gone"); return [why, await fails(t.writable.getWriter().closed)]`, `["gone","gone"]`},
		{`let why; const t = new TransformStream({cancel(r) { why = r }}); await t.writable.abort("gone"); return [why, await fails(t.readable.getReader().closed)]`, `["gone","gone"]`},
		{`const t = new TransformStream({cancel() { throw "bad" }}); return [await fails(t.writable.abort("gone")), await fails(t.readable.getReader().closed)]`, `["bad","bad"]`},
		{`const t = new TransformStream({start() { return Promise.reject("s") }}); return [await fails(t.readable.getReader().closed), await fails(t.writable.getWriter().closed)]`, `["s","s"]`},
		{`return throws(() => new TransformStream({start() { throw "now" }}))`, `"now"`},
		{`let c; new TransformStream({start(x) { c = x }}, undefined, {highWaterMark: 9}); return [c.desiredSize, (c.enqueue(1), c.desiredSize)]`, `[9,8]`},
		{`const t = new TransformStream({}, {highWaterMark: 4}, {highWaterMark: 2}); const w = t.writable.getWriter(); await flush(); w.write(1); w.write(2); await flush(); return w.desiredSize`, `4`},
		{`const t = new TransformStream({transform(c, ctl) { return new Promise(() => {}) }}); const w = t.writable.getWriter(); await flush(); t.readable.getReader().read(); w.write(1); await flush(); return w.desiredSize`, `0`},
	}.with(tools).run(t)
}

func TestPipes(t *testing.T) {
	const sink = `const sink = got => new WritableStream({write(c) { got.push(c) }, close() { got.push("closed") }, abort(r) { got.push("aborted " + r) }});`
	cases{
		{`const got = []; const p = numbers(3).pipeTo(sink(got)); return [await p === undefined, got]`, `[true,[0,1,2,"closed"]]`},
		{`const got = []; const d = sink(got); await numbers(1).pipeTo(d, {preventClose: true}); const w = d.getWriter(); await w.write("more"); return [got, d.locked]`, `[[0,"more"],true]`},
		{`const got = []; const s = new ReadableStream({start(c) { c.enqueue(1); c.error("e") }}); return [await fails(s.pipeTo(sink(got))), got]`, `["e",["aborted e"]]`},
		{`const got = []; const s = new ReadableStream({start(c) { c.error("e") }}); const d = sink(got); return [await fails(s.pipeTo(d, {preventAbort: true})), got, d.locked, s.locked]`, `["e",[],false,false]`},
		{`let why; const s = new ReadableStream({pull(c) { c.enqueue(1) }, cancel(r) { why = r }}); return [await fails(s.pipeTo(new WritableStream({write() { throw "w" }}))), why]`, `["w","w"]`},
		{`let canceled = false; const s = new ReadableStream({pull(c) { c.enqueue(1) }, cancel() { canceled = true }}); return [await fails(s.pipeTo(new WritableStream({write() { throw "w" }}), {preventCancel: true})), canceled]`, `["w",false]`},
		{`let why; const s = new ReadableStream({cancel(r) { why = r }}); const d = new WritableStream(); await d.close(); return [await fails(s.pipeTo(d)), why instanceof TypeError]`, `["TypeError",true]`},
		{`const got = []; let why; const a = new AbortController(); const s = new ReadableStream({cancel(r) { why = r }}); const p = s.pipeTo(sink(got), {signal: a.signal}); a.abort("stop"); return [await fails(p), why, got]`, `["stop","stop",["aborted stop"]]`},
		{`const got = []; return [await fails(numbers(1).pipeTo(sink(got), {signal: AbortSignal.abort("x")})), got, await fails(numbers(1).pipeTo(sink(got), {signal: 1})), await fails(numbers(1).pipeTo({})), await fails(ReadableStream.prototype.pipeTo.call({}, sink([])))]`, `["x",["aborted x"],"TypeError","TypeError","TypeError"]`},
		{`const s = numbers(1); s.getReader(); return [await fails(s.pipeTo(new WritableStream())), throws(() => s.pipeThrough(new TransformStream())), throws(() => numbers(1).pipeThrough({})), throws(() => numbers(1).pipeThrough({readable: numbers(1), writable: 1}))]`, `["TypeError","TypeError","TypeError","TypeError"]`},
		{`return all(numbers(3).pipeThrough(new TransformStream({transform(c, x) { x.enqueue(c + 1) }})).pipeThrough(new TransformStream()))`, `[1,2,3]`},
		{`let pulls = 0; const s = new ReadableStream({pull(c) { pulls++; c.enqueue(1) }}, {highWaterMark: 0}); s.pipeTo(new WritableStream({write() { return new Promise(() => {}) }}, {highWaterMark: 1})); for (let i = 0; i < 5; i++) await tick(); return pulls`, `1`},
		{`const s = numbers(2), d = new WritableStream(); const p = s.pipeTo(d); const l = [s.locked, d.locked]; await p; return [l, s.locked, d.locked]`, `[[true,true],false,false]`},
		{`let fin; const got = []; const d = new WritableStream({write(c) { got.push(c); return new Promise(r => fin = r) }, close() { got.push("close") }}); let done = false; const p = numbers(1).pipeTo(d); p.then(() => done = true); await tick(); const early = done; fin(); await p; return [early, got]`, `[false,[0,"close"]]`},
		{`let c; const got = []; const s = new ReadableStream({start(x) { c = x }}); const p = s.pipeTo(sink(got)); await tick(); c.enqueue("x"); const now = [...got]; c.close(); await p; return [now, got]`, `[[],["x","closed"]]`},
		{`const got = []; let c; const s = new ReadableStream({start(x) { c = x }}); const a = new AbortController(); const p = s.pipeTo(sink(got), {signal: a.signal}); await tick(); c.enqueue("x"); a.abort("stop"); return [await fails(p), got]`, `["stop",["x","aborted stop"]]`},
		{`const got = []; let c; const s = new ReadableStream({start(x) { c = x }}); const p = s.pipeTo(sink(got), {preventAbort: true}); await tick(); c.enqueue("x"); c.error("e"); return [await fails(p), got]`, `["e",["x"]]`},
		{`const got = []; const w = { get preventAbort() { got.push(1) }, get preventCancel() { got.push(2) }, get preventClose() { got.push(3) }, get signal() { got.push(4); throw "sig" } }; return [await fails(numbers(1).pipeTo(new WritableStream(), w)), throws(() => numbers(1).pipeThrough(new TransformStream(), w)), got]`, `["sig","sig",[1,2,3,4,1,2,3,4]]`},
		{`return [await fails(new ReadableStream({start(c) { c.error(undefined) }}).pipeTo(new WritableStream())), await fails(numbers(1).pipeTo(new WritableStream({write() { return Promise.reject() }})))]`, `[null,null]`},
	}.with(tools + sink).run(t)
}

func TestStrategies(t *testing.T) {
	cases{
		{`const c = new CountQueuingStrategy({highWaterMark: 4}), b = new ByteLengthQueuingStrategy({highWaterMark: 5}); return [c.highWaterMark, c.size(), c.size("x"), b.highWaterMark, b.size({byteLength: 3}), b.size(new Uint8Array(7)), c.size === new CountQueuingStrategy({highWaterMark: 1}).size, b.size.length, c.size.length, c.size.name]`, `[4,1,1,5,3,7,true,1,0,"size"]`},
		{`return [throws(() => new CountQueuingStrategy()), throws(() => new CountQueuingStrategy({})), throws(() => new CountQueuingStrategy(1)), new CountQueuingStrategy({highWaterMark: "7"}).highWaterMark, throws(() => new ByteLengthQueuingStrategy({highWaterMark: 1}).size()), Object.is(new CountQueuingStrategy({highWaterMark: NaN}).highWaterMark, NaN)]`, `["TypeError","TypeError","TypeError",7,"TypeError",true]`},
		{`let c; new ReadableStream({start(x) { c = x }}, new ByteLengthQueuingStrategy({highWaterMark: 10})); c.enqueue(new Uint8Array(4)); return c.desiredSize`, `6`},
		{`const get = Object.getOwnPropertyDescriptor(CountQueuingStrategy.prototype, "size").get; return throws(() => get.call(new ByteLengthQueuingStrategy({highWaterMark: 1})))`, `"TypeError"`},
	}.with(tools).run(t)
}

func TestTextAndCompressionStreams(t *testing.T) {
	const feed = `const through = async (t, ...chunks) => { const w = t.writable.getWriter(); const p = all(t.readable); for (const c of chunks) w.write(c).catch(() => {}); w.close().catch(() => {}); return p }; const join = cs => { const out = []; for (const c of cs) out.push(...c); return new Uint8Array(out) }; const text = cs => new TextDecoder().decode(join(cs)); const enc = s => new TextEncoder().encode(s);`
	cases{
		{`return (await through(new TextEncoderStream(), "a", "\ud83d", "\ude00", "", 5, "\ud800x")).map(c => [...c])`, `[[97],[240,159,152,128],[53],[239,191,189,120]]`},
		{`return (await through(new TextEncoderStream(), "x\ud83d")).map(c => [...c])`, `[[120],[239,191,189]]`},
		{`const t = new TextEncoderStream(); return [t.encoding, Object.prototype.toString.call(t), await fails(through(t, Symbol()))]`, `["utf-8","[object TextEncoderStream]","TypeError"]`},
		{`return through(new TextDecoderStream(), new Uint8Array([0xe2, 0x82]), new Uint8Array([0xac, 0x61]), new Uint8Array([0xf0]).buffer)`, "[\"€a\",\"\uFFFD\"]"},
		{`const t = new TextDecoderStream("utf-16le", {fatal: true, ignoreBOM: true}); return [t.encoding, t.fatal, t.ignoreBOM, throws(() => new TextDecoderStream("nope"))]`, `["utf-16le",true,true,"RangeError"]`},
		{`return [await fails(through(new TextDecoderStream("utf-8", {fatal: true}), new Uint8Array([0xff]))), await fails(through(new TextDecoderStream(), "text")), await fails(through(new TextDecoderStream("utf-8", {fatal: true}), new Uint8Array([0xe2])))]`, `["TypeError","TypeError","TypeError"]`},
		{`const out = []; for (const f of ["gzip", "deflate", "deflate-raw", "brotli"]) { const z = join(await through(new CompressionStream(f), enc("hello "), enc("world"))); out.push(text(await through(new DecompressionStream(f), z.slice(0, 5), z.slice(5)))) } return out`, `["hello world","hello world","hello world","hello world"]`},
		{`const z = join(await through(new CompressionStream("gzip"), enc("x".repeat(1000)))); const pieces = [...z].map(b => new Uint8Array([b])); return text(await through(new DecompressionStream("gzip"), ...pieces)).length`, `1000`},
		{`const z = join(await through(new CompressionStream("deflate"), enc("x"))); return [await fails(through(new DecompressionStream("deflate"), z.slice(0, -1))), await fails(through(new DecompressionStream("deflate"), z, new Uint8Array([0]))), await fails(through(new DecompressionStream("deflate"), enc("not at all"))), await fails(through(new DecompressionStream("gzip")))]`, `["TypeError","TypeError","TypeError","TypeError"]`},
		{`const z = join(await through(new CompressionStream("gzip"), enc("x"))); z[z.length - 5] ^= 1; return fails(through(new DecompressionStream("gzip"), z))`, `"TypeError"`},
		{`return [throws(() => new CompressionStream()), throws(() => new CompressionStream("zip")), throws(() => new DecompressionStream("GZIP")), await fails(through(new CompressionStream("gzip"), "text"))]`, `["TypeError","TypeError","TypeError","TypeError"]`},
		{`const z = join(await through(new CompressionStream("gzip"), new Uint8Array(2e6))); return [z.length < 5000, await fails(through(new DecompressionStream("gzip"), z))]`, `[true,"TypeError"]`},
		{`const open = []; let last; for (let i = 0; i < 40; i++) { const c = new CompressionStream("deflate"); const w = c.writable.getWriter(); all(c.readable).catch(() => {}); last = await fails(w.write(enc("x"))); open.push(w) } const full = last; await Promise.all(open.slice(0, 32).map(w => w.abort())); const c = new CompressionStream("deflate"), w = c.writable.getWriter(); all(c.readable); return [full, await fails(w.write(enc("x")))]`, `["RangeError","fulfilled"]`},
		{`return text(await all(new Response("abc").body.pipeThrough(new CompressionStream("gzip")).pipeThrough(new DecompressionStream("gzip"))))`, `"abc"`},
		{`return (await all(new Response("héé").body.pipeThrough(new TextDecoderStream()))).join("")`, `"héé"`},
	}.with(tools + feed).run(t)
}

// A microtask that is native has no frame below it; what it calls must not run the
// other microtasks in its middle.
func TestNativeMicrotasksAreWhole(t *testing.T) {
	cases{
		{`const log = []; const w = new WritableStream({write(c) { log.push("w" + c); return new Promise(r => setTimeout(r, 1)) }}, {highWaterMark: 2}).getWriter(); w.write(1); w.write(2); await w.ready; log.push("ready", w.desiredSize); await w.close(); log.push(w.desiredSize); return log`, `["w1","w2","ready",1,0]`},
		{`const log = []; const t = new EventTarget(); t.addEventListener("x", () => { log.push("first"); Promise.resolve().then(() => log.push("micro")) }); t.addEventListener("x", () => log.push("second")); await Promise.resolve(new Event("x")).then(t.dispatchEvent.bind(t)); return log`, `["first","second","micro"]`},
		{`const log = []; const t = new EventTarget(); t.addEventListener("x", new Proxy(() => { log.push("first"); Promise.resolve().then(() => log.push("micro")) }, {})); t.addEventListener("x", () => log.push("second")); await Promise.resolve(new Event("x")).then(t.dispatchEvent.bind(t)); return log`, `["first","second","micro"]`},
		{`const s = new ReadableStream({start(c) { for (const x of ["a", "\ud83d", "\ude00", "\ud800"]) c.enqueue(x); c.close() }}).pipeThrough(new TextEncoderStream()); return (await all(s)).map(x => [...x].join())`, `["97","240,159,152,128","239,191,189"]`},
		{`const out = []; for (let i = 0; i < 3; i++) { const [a, b] = new Response(new ReadableStream({start(c) { c.enqueue(new Uint8Array([65])); c.close() }})).body.tee(); out.push(await new Response(a).text() + await new Response(b).text()) } return out`, `["AA","AA","AA"]`},
	}.with(tools).run(t)
}
