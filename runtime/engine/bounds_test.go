package engine

import (
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func BenchmarkMakeVM(b *testing.B) {
	f := newFixture(b, nil)
	id := f.add(1, handlerCode(`return new Response("x")`))
	p, err := newProgram(id, f.bundles[id])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		v := newIsolate(f.Engine, p)
		if err := v.make(); err != nil {
			b.Fatal(err)
		}
	}
}

// One native call may not make more than its share, nor be told one size and then
// another.
func TestNativesRefuseWhatIsTooMuch(t *testing.T) {
	for name, code := range map[string]string{
		"repeat":              `"x".repeat(2**40)`,
		"repeat, lying":       `let n = 0; "x".repeat({valueOf: () => n++ ? 2**40 : 1}); throw RangeError("one look")`,
		"padStart":            `"x".padStart(2**40)`,
		"padEnd, lying":       `let n = 0; "x".padEnd({valueOf: () => n++ ? 2**40 : 1}); throw RangeError("one look")`,
		"concat":              `const s = "x".repeat(3e6); s.concat(s, s)`,
		"split":               `"x".repeat(5e5).split("")`,
		"split by regexp":     `"x".repeat(5e5).split(/(?:)/)`,
		"match":               `"x".repeat(5e5).match(/x/g)`,
		"normalize":           `"\ufdfa".repeat(5e5).normalize("NFKD")`,
		"replaceAll":          `"x".repeat(5e4).replaceAll("x", "y".repeat(5e4))`,
		"replaceAll function": `const s = "y".repeat(5e4); "x".repeat(5e4).replaceAll("x", () => s)`,
		"replace global":      `"x".repeat(5e4).replace(/x/g, "y".repeat(5e4))`,
		"replace around":      `"x".repeat(5e4).replace(/x/g, "$'")`,
		"replace function":    `const s = "y".repeat(5e4); "x".repeat(5e4).replace(/x/g, () => s)`,
		"Array":               `Array(1e9)`,
		"spread":              `[...Array(1e9)]`,
		"keys":                `[...Array(1e9).keys()]`,
		"constructor":         `new [].constructor(1e9)`,
		"fill":                `const a = []; a.length = 2**32 - 1; a.fill(0)`,
		"join":                `const a = []; a.length = 2**32 - 1; a.join("x")`,
		"join, long":          `const a = Array(1000).fill("x".repeat(5e4)); a.join()`,
		"join, few":           `const s = "x".repeat(3e6); [s, s, s].join()`,
		"join, separator":     `Array(1000).join("x".repeat(5e4))`,
		"toString, nested":    `let a = []; for (let i = 0; i < 1e5; i++) a = [a]; String(a)`,
		"indexOf":             `const a = []; a.length = 2**32 - 1; a.indexOf(1)`,
		"sort":                `const a = []; a.length = 2**32 - 1; a.sort()`,
		"concat arrays":       `const a = []; a.length = 2**32 - 1; a.concat(a)`,
		"concat, spreadable":  `[].concat({length: 2**53, [Symbol.isConcatSpreadable]: true})`,
		"Array.from":          `Array.from({length: 2**32 - 1})`,
		"Array.from text":     `Array.from("x".repeat(5e5))`,
		"apply":               `Math.max.apply(null, {length: 1e9})`,
		"apply, lying":        `let n = 0; Math.max.apply(null, {get length() { return n++ ? 1e9 : 1 }}); throw RangeError("one look")`,
		"Reflect.apply":       `Reflect.apply(Math.max, null, {length: 1e9})`,
		"Reflect.construct":   `Reflect.construct(Array, {length: 1e9})`,
		"bind":                `let f = () => {}; for (let i = 0; i < 1e5; i++) f = f.bind(null); f()`,
		"proxies":             `let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x`,
		"ArrayBuffer":         `new ArrayBuffer(2**40)`,
		"view":                `new Float64Array(1e9)`,
		"view of a like":      `new Uint8Array({length: 1e9})`,
		"view, lying":         `let n = 0; new Uint8Array({get length() { return n++ ? 1e12 : 1 }}); throw RangeError("one look")`,
		"view.from":           `Uint8Array.from({length: 1e9})`,
		"Object.keys":         `Object.keys("x".repeat(5e5))`,
		"Object.entries":      `Object.entries(new String("x".repeat(5e5)))`,
		"BigInt":              `BigInt("9".repeat(2e6))`,
		"asUintN":             `BigInt.asUintN(2**50, -1n)`,
		"power":               `2n ** (2n ** 40n)`,
		"power, assigned":     `let n = 2n; n **= 2n ** 40n`,
		"shift":               `1n << (1n << 40n)`,
		"regexp, long":        `try { new RegExp("a?".repeat(1e5)) } catch (e) { throw RangeError(e.name) }`,
		"regexp, deep":        `try { new RegExp("(".repeat(1e4) + ")".repeat(1e4)) } catch (e) { throw RangeError(e.name) }`,
		"code from text":      `new Function("return 1")`,
		"eval":                `eval("1")`,
		"async code":          `(async () => {}).constructor("return 1")`,
		"generator code":      `(function* () {}).constructor("return 1")`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			id := f.add(1, handlerCode(`try { `+code+`; return new Response("was done") } catch (e) { return new Response(e instanceof RangeError || e instanceof EvalError ? "refused" : String(e)) }`),
				func(m *function.Manifest) { m.Limits.Memory = 4 << 20 })
			if s := ok(t, f, id, get(id, "/")); s.body.String() != "refused" {
				t.Fatalf("answered %q", s.body.String())
			}
		})
	}
}

// What looks like an array is gone through by code, which the deadline ends.
func TestWhatLooksLikeAnArrayEndsInTime(t *testing.T) {
	for _, method := range []string{
		"indexOf(1)", "includes(1)", "join('')", "fill(0)", "sort()", "flat()", "flat(Infinity)",
	} {
		t.Run(method, func(t *testing.T) {
			f := newFixture(t, nil)
			id := f.add(1, handlerCode(`const o = {length: 2**53 - 1, p: Array.prototype}; (f => { with_(o) })(0); function with_(o) { Object.setPrototypeOf(o, Array.prototype); o.`+method+` } return new Response("done")`))
			out := f.Invoke(withTimeout(t, 50e6), get(id, "/"), newSink())
			if out.Code != invocation.Timeout {
				t.Fatalf("outcome %+v", out)
			}
			f.returns(t)
		})
	}
}

func TestCodeFromTextWhereTheManifestAsks(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Eval = true })
	id := f.add(1, handlerCode(`
		let deep; try { eval("(".repeat(10000)) } catch (e) { deep = e.name }
		return Response.json([new Function("a", "b", "return a + b")(1, 2), eval("6 * 7"), await (async () => {}).constructor("return await 5")(), deep])`),
		func(m *function.Manifest) { m.UnsafeEval = true })
	if s := ok(t, f, id, get(id, "/")); s.body.String() != `[3,42,5,"EvalError"]` {
		t.Fatalf("answered %q", s.body.String())
	}
	f = newFixture(t, nil)
	id = f.add(1, handlerCode(`return new Response("x")`), func(m *function.Manifest) { m.UnsafeEval = true })
	if err := f.Check(t.Context(), f.bundles[id]); err == nil {
		t.Fatal("code from text was let into a process that serves everyone")
	}
}
