package engine

import (
	"runtime"
	"testing"
)

func TestWeakMapsBehave(t *testing.T) {
	const code = `
const m = new WeakMap([[Object, 1]]), s = new WeakSet([Math]), frozen = Object.freeze({}), fn = () => {};
const seen = [], proxy = new Proxy({}, new Proxy({}, { get: (_, trap) => { seen.push(trap); return undefined } }));
const refused = (f) => { try { f(); return "" } catch (e) { return e.name } };
class Sub extends WeakMap { get(k) { return ["sub", super.get(k)] } }
exports.default = { fetch(request) {
	const out = [m.get(Object), s.has(Math), m.get(frozen), m.get(1), m.has("x"), m.delete(null)];
	for (const key of [frozen, fn, proxy, request]) {
		m.set(key, { key }); s.add(key);
		out.push(m.get(key).key === key, m.has(key), s.has(key), m.delete(key), m.has(key), m.delete(key), s.delete(key));
	}
	m.set(fn, undefined);
	out.push(m.has(fn), m.get(fn) === undefined, new Sub([[fn, 1]]).get(fn), new Sub() instanceof WeakMap, seen.length);
	out.push(Reflect.ownKeys(frozen).length, String(m), String(s), WeakMap.name, WeakMap.length, WeakSet.length, WeakMap.prototype.set.length, WeakSet.prototype.add.name);
	out.push(refused(() => WeakMap()), refused(() => m.set(1, 2)), refused(() => s.add("x")), refused(() => WeakMap.prototype.get.call({}, {})), refused(() => new WeakMap([1])), refused(() => new WeakMap(5)));
	for (let i = 0; i < 100; i++) { const w = new WeakSet(); w.add(fn); out.push(...(w.has(fn) ? [] : ["lost"])) }
	return Response.json(out);
} }`
	f := newFixture(t, nil)
	res, out := f.run(t, get(f.add(1, code), "/"))
	each := "true,true,true,true,false,false,true,"
	want := "[1,true,null,null,false,false," + each + each + each + each + `true,true,["sub",1],true,0,` +
		`0,"[object WeakMap]","[object WeakSet]","WeakMap",0,0,2,"add",` +
		`"TypeError","TypeError","TypeError","TypeError","TypeError","TypeError"]`
	if res.body.String() != want {
		t.Errorf("%s\nwant %s; %+v", res.body.String(), want, out.Failure)
	}
}

// A value that refers to its key goes with it.
func TestWeakMapKeepsNoCycles(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, `const m = new WeakMap();
exports.default = { fetch() { const key = {}; m.set(key, { key, bytes: new Uint8Array(1 << 20) }); return new Response("x") } }`)
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	before := heap()
	for range 200 {
		f.run(t, get(id, "/"))
	}
	if after := heap(); after > before+100<<20 {
		t.Errorf("the heap grew by %d MiB", (after-before)>>20)
	}
}
