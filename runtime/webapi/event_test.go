package webapi

import "testing"

func TestEventClasses(t *testing.T) {
	cases{
		{
			`const e = new Event("x", {bubbles: true, cancelable: true, composed: true}); return [e.type, e.bubbles, e.cancelable, e.composed, e.target, e.currentTarget, e.eventPhase, e.defaultPrevented, e.returnValue, e.cancelBubble, e.isTrusted, e.composedPath(), typeof e.timeStamp, Event.AT_TARGET, e.BUBBLING_PHASE]`,
			`["x",true,true,true,null,null,0,false,true,false,false,[],"number",2,3]`,
		},
		{`const e = new Event("x", {cancelable: true}); e.returnValue = false; e.cancelBubble = true; const before = [e.defaultPrevented, e.cancelBubble]; e.initEvent("y", true, false); return [before, e.type, e.bubbles, e.cancelable, e.defaultPrevented, e.cancelBubble]`, `[[true,true],"y",true,false,false,false]`},
		{`return new Event()`, `rejected: TypeError`},
		{`return new Event("x", 1)`, `rejected: TypeError`},
		{`const c = new CustomEvent("x", {detail: {a: 1}}); const d = [c.detail, new CustomEvent("y").detail, new CustomEvent("y", {detail: undefined}).detail]; c.initCustomEvent("z", false, true, 7); return [d, c.detail, c.type, c instanceof Event, String(c)]`, `[[{"a":1},null,null],7,"z",true,"[object CustomEvent]"]`},
		{`const e = new ErrorEvent("error", {message: "m", filename: "f", lineno: 3, colno: 4, error: 5}); return [e.message, e.filename, e.lineno, e.colno, e.error, new ErrorEvent("e").error === undefined, new ErrorEvent("e").lineno]`, `["m","f",3,4,5,true,0]`},
		{`const p = Promise.resolve(1), e = new PromiseRejectionEvent("x", {promise: p, reason: "r"}); return [e.promise === p, e.reason]`, `[true,"r"]`},
		{`return new PromiseRejectionEvent("x", {})`, `rejected: TypeError`},
		{`const e = new MessageEvent("message", {data: {a: 1}, origin: "o", lastEventId: 9}); return [e.data, e.origin, e.lastEventId, e.source, e.ports, new MessageEvent("m").data]`, `[{"a":1},"o","9",null,[],null]`},
		{`return Object.getOwnPropertyDescriptor(CustomEvent.prototype, "detail").get.call(new Event("x"))`, `rejected: TypeError`},
	}.run(t)
}

func TestEventDispatch(t *testing.T) {
	cases{
		{`const t = new EventTarget(), out = []; t.addEventListener("x", () => out.push("bubble")); t.addEventListener("x", () => out.push("capture"), true); t.addEventListener("x", () => out.push("both"), {capture: true, once: true}); t.dispatchEvent(new Event("x")); t.dispatchEvent(new Event("x")); return out`, `["capture","both","bubble","capture","bubble"]`},
		{`const t = new EventTarget(), out = []; t.addEventListener("x", e => { out.push(1); e.stopPropagation() }, true); t.addEventListener("x", () => out.push(2), true); t.addEventListener("x", () => out.push(3)); t.dispatchEvent(new Event("x")); const e = new Event("x"); e.stopPropagation(); t.dispatchEvent(e); return [out, e.cancelBubble]`, `[[1,2],false]`},
		{`const t = new EventTarget(); let r; t.addEventListener("x", e => { e.preventDefault(); r = e.defaultPrevented }, {passive: true}); return [t.dispatchEvent(new Event("x", {cancelable: true})), r]`, `[true,false]`},
		{`const t = new EventTarget(), out = []; const f = () => { out.push("f"); t.addEventListener("x", () => out.push("late")); t.removeEventListener("x", g) }, g = () => out.push("g"); t.addEventListener("x", f); t.addEventListener("x", g); t.dispatchEvent(new Event("x")); return out`, `["f"]`},
		{`const t = new EventTarget(); let phase, path; t.addEventListener("x", e => { phase = e.eventPhase; path = e.composedPath()[0] === t; try { t.dispatchEvent(e) } catch (x) { phase += x.name } }); const e = new Event("x"); t.dispatchEvent(e); return [phase, path, e.eventPhase, e.currentTarget, e.target === t]`, `["2InvalidStateError",true,0,null,true]`},
		{`const t = new EventTarget(), out = []; const l = {handleEvent() { out.push(this === l) }}; t.addEventListener("x", l); l.handleEvent = function () { out.push("changed") }; t.addEventListener("x", function () { out.push(this === t) }); t.addEventListener("x", {}); t.dispatchEvent(new Event("x")); return out`, `["changed",true]`},
		{`const t = new EventTarget(), c = new AbortController(); let n = 0; t.addEventListener("x", () => n++, {signal: c.signal}); t.dispatchEvent(new Event("x")); c.abort(); t.dispatchEvent(new Event("x")); t.addEventListener("x", () => n++, {signal: c.signal}); t.dispatchEvent(new Event("x")); return n`, `1`},
		{`const t = new EventTarget(), bad = []; for (const f of [() => t.addEventListener("x"), () => t.addEventListener("x", 1), () => t.addEventListener("x", null, {signal: null}), () => t.addEventListener("x", () => 1, {signal: {}}), () => t.dispatchEvent(), () => t.dispatchEvent({}), () => EventTarget.prototype.addEventListener.call({}, "x", null)]) { try { f(); bad.push(String(f)) } catch (e) { if (!(e instanceof TypeError)) bad.push(e.name) } } return [bad, t.addEventListener("x", null), t.removeEventListener("x", undefined)]`, `[[],null,null]`},
		{`const out = []; const f = e => { out.push(e.message, e.error.message, e.isTrusted, e instanceof ErrorEvent); e.preventDefault() }; addEventListener("error", f); reportError(new Error("told")); removeEventListener("error", f); self.addEventListener("y", e => out.push(e.target === globalThis), {once: true}); dispatchEvent(new Event("y")); return out`, `["Uncaught Error: told","told",true,true,true]`},
		{`class T extends EventTarget { #n = 0; constructor() { super(); this.addEventListener("x", () => this.#n++); Object.defineProperty(this, "n", {get: () => this.#n}) } } const t = new T(); t.dispatchEvent(new Event("x")); return t.n`, `1`},
	}.run(t)
	h := newHost(t)
	h.eval(t, `reportError(new Error("nobody")); const t = new EventTarget(); t.addEventListener("x", {}); t.addEventListener("x", () => { throw new RangeError("thrown") }); t.dispatchEvent(new Event("x"))`)
	if len(h.errors) != 3 {
		t.Errorf("reported %q", h.errors)
	}
}

func TestAbortSignals(t *testing.T) {
	cases{
		{`const a = new AbortController(), b = new AbortController(), out = []; const any = AbortSignal.any([a.signal, b.signal]), outer = AbortSignal.any([any, AbortSignal.any([])]); for (const [n, s] of [["outer", outer], ["any", any], ["a", a.signal]]) s.addEventListener("abort", e => out.push(n, any.aborted && outer.aborted, e.isTrusted)); a.abort("why"); b.abort("late"); return [out, outer.reason, any.reason]`, `[["a",true,true,"any",true,true,"outer",true,true],"why","why"]`},
		{`const c = new AbortController(), s = c.signal, out = []; s.addEventListener("abort", () => out.push(1)); s.onabort = function (e) { out.push(2, this === s, e.type) }; s.addEventListener("abort", () => out.push(3)); const first = s.onabort; s.onabort = e => out.push("new"); s.onabort = 5; s.onabort = first; c.abort(); return [out, s.onabort === first]`, `[[1,3,2,true,"abort"],true]`},
		{`const c = new AbortController(); c.abort(undefined); const d = new AbortController(); d.abort(null); return [c.signal.reason.name, c.signal.reason.code, d.signal.reason, AbortSignal.abort(0).reason, c.signal === c.signal, String(c), String(c.signal)]`, `["AbortError",20,null,0,true,"[object AbortController]","[object AbortSignal]"]`},
		{`const e = new Error("mine"); try { AbortSignal.abort(e).throwIfAborted() } catch (x) { return x === e }`, `true`},
		{`return [-1, NaN, Infinity, "x", undefined, 2 ** 53].map(v => { try { AbortSignal.timeout(v); return "took it" } catch (e) { return e.name } })`, `["TypeError","TypeError","TypeError","TypeError","TypeError","TypeError"]`},
		{`return ["x", [1], [null], undefined].map(v => { try { AbortSignal.any(v); return "took it" } catch (e) { return e.name } })`, `["TypeError","TypeError","TypeError","TypeError"]`},
		{`const s = AbortSignal.any([AbortSignal.timeout(1), new AbortController().signal]); await new Promise(r => s.onabort = r); return [s.reason.name, s.reason.code]`, `["TimeoutError",23]`},
		{`const c = new AbortController(); let n = 0; c.signal.addEventListener("abort", () => { n++; c.abort() }); c.abort(); c.abort(); return [n, c.signal instanceof EventTarget]`, `[1,true]`},
	}.run(t)
}

func TestClones(t *testing.T) {
	cases{
		{
			`const name = v => { try { structuredClone(v); return "took it" } catch (e) { return e.name + e.code } }; return [name(() => 1), name(Symbol()), name({a: {b: Symbol()}}), name(new WeakMap()), name(Promise.resolve()), name(new URL("a:b")), name(new Proxy({}, {})), name([function () {}]), name(new EventTarget()), name((function* () {})())]`,
			`["DataCloneError25","DataCloneError25","DataCloneError25","DataCloneError25","DataCloneError25","DataCloneError25","DataCloneError25","DataCloneError25","DataCloneError25","DataCloneError25"]`,
		},
		{`class P { #p = 1; x = 2; get y() { return 3 } } const c = structuredClone(new P()); return [Object.getPrototypeOf(c) === Object.prototype, Object.keys(c), structuredClone(Object.create({inherited: 1})), structuredClone({get a() { return 4 }})]`, `[true,["x"],{},{"a":4}]`},
		{`const c = structuredClone([Object(true), Object(5), Object("s"), Object(10n)]); return [c.map(v => typeof v), c[0] instanceof Boolean, c[1] + 1, c[2].length, c[3] == 10n]`, `[["object","object","object","object"],true,6,1,true]`},
		{`const r = /a/gi; r.lastIndex = 3; const c = structuredClone(r); return [c.source, c.flags, c.lastIndex, structuredClone(new Date(NaN)).getTime(), structuredClone(new Date(7)).getTime()]`, `["a","gi",0,null,7]`},
		{`const a = [1, , 3]; a.extra = "x"; const c = structuredClone(a); return [c.length, 1 in c, c.extra, structuredClone(new Array(4)).length]`, `[3,false,"x",4]`},
		{`const b = new ArrayBuffer(8), u = new Uint8Array(b, 2, 3), d = new DataView(b, 1, 4); u[0] = 7; const c = structuredClone({u, d, b}); return [c.u.buffer === c.b, c.d.buffer === c.b, c.u.byteOffset, c.u.length, c.u[0], c.d.byteLength, c.b !== b]`, `[true,true,2,3,7,4,true]`},
		{`const b = new ArrayBuffer(4), u = new Uint8Array(b); u[1] = 9; const c = structuredClone({u}, {transfer: [b]}); const again = f => { try { f(); return "took it" } catch (e) { return e.name } }; return [u.length, b.byteLength, c.u[1], again(() => structuredClone(b)), again(() => structuredClone(1, {transfer: [b]})), again(() => structuredClone(1, {transfer: [{}]}))]`, `[0,0,9,"DataCloneError","DataCloneError","DataCloneError"]`},
		{`const b = new ArrayBuffer(1); try { structuredClone(1, {transfer: [b, b]}) } catch (e) { return [e.name, b.byteLength] }`, `["DataCloneError",1]`},
		{`class E extends RangeError {}; const e = new E("m", {cause: {a: 1}}); e.extra = 1; const c = structuredClone(e); return [c instanceof RangeError, c.constructor === RangeError, c.message, c.cause, "extra" in c, typeof c.stack, structuredClone(Object.assign(new Error("x"), {name: "Odd"})).name, structuredClone(new AggregateError([1], "m")).name]`, `[true,true,"m",{"a":1},false,"string","Error","Error"]`},
		{`const c = structuredClone({a: new Blob(["x"], {type: "a/b"}), b: [new File(["yz"], "n", {type: "c/d", lastModified: 5})]}); return [c.a instanceof Blob, c.a instanceof File, c.a.type, await c.a.text(), c.b[0] instanceof File, c.b[0].name, c.b[0].type, c.b[0].lastModified, await c.b[0].text()]`, `[true,false,"a/b","x",true,"n","c/d",5,"yz"]`},
		{`const own = e => Object.hasOwn(structuredClone(e), "message"); return [own(new Error()), own(new Error("")), own(Object.create(new Error("m")))]`, `[false,true,false]`},
		{`const c = structuredClone(new DOMException("m", "DataError")); return [c instanceof DOMException, c.name, c.message]`, `[true,"DataError","m"]`},
		{`const m = new Map([[{k: 1}, new Set([1, "a"])]]); m.self = m; const o = {m}; m.set("m", m); const c = structuredClone(o); return [c.m.get("m") === c.m, [...c.m.keys()][0], [...[...c.m.values()][0]], "self" in c.m]`, `[true,{"k":1},[1,"a"],false]`},
		{`const order = []; try { structuredClone({get a() { order.push("a"); return 1 }, get b() { order.push("b"); throw new RangeError("mine") }}) } catch (e) { return [order, e.message] }`, `[["a","b"],"mine"]`},
		{`return structuredClone()`, `rejected: TypeError`},
		{`return structuredClone({"__proto__x": 1, ["__proto__"]: 2}).__proto__ === 2`, `true`},
		{`const k = await crypto.subtle.generateKey({name: "AES-GCM", length: 128}, false, ["encrypt"]), c = structuredClone(k); return [c !== k, c.type, c.extractable, c instanceof CryptoKey]`, `[true,"secret",false,true]`},
		{`return structuredClone(new Uint8Array(800000), {}).length + structuredClone([new Uint8Array(800000), new Uint8Array(800000)]).length`, `rejected: RangeError`},
	}.run(t)
}

func TestTimersAndPerformance(t *testing.T) {
	cases{
		{`const args = await new Promise(r => setTimeout((...a) => r(a), 1, 1, "b")); return [args, typeof setTimeout(() => 1, -5), setTimeout.length, clearTimeout("x"), clearInterval(null)]`, `[[1,"b"],"number",1,null,null]`},
		{`return await new Promise(r => setTimeout(function () { r(this === globalThis || this === undefined) }, NaN))`, `true`},
		{`const out = []; queueMicrotask(() => out.push(1)); Promise.resolve().then(() => out.push(2)); queueMicrotask(() => out.push(3)); await null; await null; return out`, `[1,2,3]`},
		{`queueMicrotask({})`, `rejected: TypeError`},
		{`const a = performance.now(), b = performance.now(); return [b >= a, performance.timeOrigin > 1e12, performance.toJSON().timeOrigin === performance.timeOrigin, performance instanceof Performance, performance instanceof EventTarget, String(performance)]`, `[true,true,true,true,true,"[object Performance]"]`},
		{
			`const m = performance.mark("a", {startTime: 5, detail: {x: 1}}); performance.mark("b", {startTime: 8}); const s = performance.measure("m", "a", "b"), t = performance.measure("n", {start: 1, duration: 2, detail: 3}); const all = performance.getEntries().map(e => e.name); performance.clearMarks("a"); return [m.name, m.entryType, m.startTime, m.duration, m.detail, s.duration, t.startTime, t.duration, t.detail, all, performance.getEntriesByType("mark").length, performance.getEntriesByName("m", "measure").length, m instanceof PerformanceEntry]`,
			`["a","mark",5,0,{"x":1},3,1,2,3,["n","a","m","b"],1,1,true]`,
		},
		{`try { performance.measure("m", "nope") } catch (e) { return e.name }`, `"SyntaxError"`},
		{`return [performance.measure("m", null).startTime, performance.measure("m", {}).startTime, performance.measure("m", {other: 1}).detail]`, `[0,0,null]`},
		{`return performance.measure("m", {detail: 1})`, `rejected: TypeError`},
		{`return [navigator.userAgent, navigator instanceof Navigator, String(navigator)]`, `["Hadron",true,"[object Navigator]"]`},
	}.run(t)
}

func TestDOMException(t *testing.T) {
	cases{
		{`const e = new DOMException("m", "NotFoundError"); return [e.name, e.message, e.code, e instanceof Error, Object.prototype.toString.call(e), String(e), DOMException.NOT_FOUND_ERR, e.INDEX_SIZE_ERR, Object.keys(e), typeof e.stack]`, `["NotFoundError","m",8,true,"[object DOMException]","NotFoundError: m",8,1,[],"string"]`},
		{`return [new DOMException().name, new DOMException().message, new DOMException("m", "Odd").code, new DOMException("m", "toString").code, DOMException.length, DOMException.name, DOMException.DATA_CLONE_ERR, DOMException.VALIDATION_ERR]`, `["Error","",0,0,0,"DOMException",25,16]`},
		{`class D extends DOMException { #x = 2; get x() { return this.#x } } const d = new D("m", "AbortError"); return [d.x, d.code, d instanceof D, d instanceof DOMException, d.name]`, `[2,20,true,true,"AbortError"]`},
		{`return DOMException("x")`, `rejected: TypeError`},
		{`const d = Object.getOwnPropertyDescriptor(DOMException.prototype, "name"); return [typeof d.get, d.enumerable, d.get.call(new DOMException("", "X"))]`, `["function",true,"X"]`},
		{`return DOMException.prototype.name`, `rejected: TypeError`},
	}.run(t)
}
