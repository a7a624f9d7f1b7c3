package webapi

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dop251/goja"
	"pgregory.net/rapid"
)

// describe shows a value as far as a function can tell it from another.
const describe = `(function describe(v) {
	if (typeof v === "string") {
		let out = "'"
		for (let i = 0; i < v.length; i++) out += v.charCodeAt(i).toString(16) + " "
		return out
	}
	if (typeof v !== "object" || v === null) return typeof v + (Object.is(v, -0) ? "-0" : String(v))
	v.length // goja takes a sealed array for frozen until someone asks
	const proto = Object.getPrototypeOf(v)
	let out = (Array.isArray(v) ? "array" : "object") + (proto === Object.prototype ? "O" : proto === Array.prototype ? "A" : "?") + Object.isFrozen(v) + Object.isExtensible(v) + "{"
	for (const key of Reflect.ownKeys(v)) {
		const d = Object.getOwnPropertyDescriptor(v, key)
		out += (typeof key === "symbol" ? "sym" : describe(key)) + ":" + [d.writable, d.enumerable, d.configurable, typeof d.get] + describe(v[key]) + ","
	}
	return out + "}"
})`

// both are a VM with goja's own JSON, and one with ours, in which everything is put
// off that can be.
type both struct {
	plain, ours *goja.Runtime
	j           *jsonRealm
}

func newBoth(t testing.TB) both {
	t.Helper()
	b := both{plain: goja.New(), ours: goja.New()}
	b.j = newJSON(b.ours, func(name string) *goja.Object { return b.ours.Get(name).(*goja.Object) })
	b.j.most = 64 << 20
	b.j.install(b.ours.Get("JSON").(*goja.Object))
	b.j.lazyText, b.j.lazyPart = 0, 0
	for _, vm := range []*goja.Runtime{b.plain, b.ours} {
		vm.SetMaxCallStackSize(2000)
		v, err := vm.RunString(describe)
		if err != nil {
			t.Fatal(err)
		}
		_ = vm.Set("describe", v)
	}
	return b
}

// run returns what a script gives, or the class of what it throws.
func run(vm *goja.Runtime, script string, text string) string {
	_ = vm.Set("text", text)
	v, err := vm.RunString("(() => {" + script + "\n})()")
	if err != nil {
		if ex := (*goja.Exception)(nil); errors.As(err, &ex) {
			if o, ok := ex.Value().(*goja.Object); ok {
				return "throws " + o.Get("name").String()
			}
			return "throws " + ex.Value().String()
		}
		return "ends: " + err.Error()
	}
	return v.String()
}

func (b both) same(t interface{ Fatalf(string, ...any) }, script, text string) {
	want, got := run(b.plain, script, text), run(b.ours, script, text)
	if got != want {
		t.Fatalf("%s\nof %q\n got %s\nwant %s", script, text, got, want)
	}
}

// Texts as one writes them and as one does not.
func jsonTexts() *rapid.Generator[string] {
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r\n "})
	number := rapid.SampledFrom([]string{
		"0", "-0", "1", "-17", "12.5", "0.1", "1e3", "1E+2", "-2.50", "1e21", "1e-7", "0.000001", "0.0000001", "123456789012345678",
		"52.520006599999999", "100000000000000000000000", "1.0", "9007199254740993", "4294967295", "5e-324", "1.7976931348623157e308", "-0.0", "-0.00001",
	})
	piece := rapid.SampledFrom([]string{"a", "b", "key", "id", "0", "1", "10", "01", "4294967294", "4294967295", "é", "日本", "😀", `\"`, `\\`, `\/`, `\n`, `\b`, `\f`, `\r`, `\t`, `\u0041`, `\u001f`, `\u001F`, `\u0008`, `\ud83d\ude00`, `\u00e9`, "\x7f", " ", "__proto__", "toString", "toJSON", "constructor", "length"})
	text := rapid.Custom(func(t *rapid.T) string {
		return `"` + strings.Join(rapid.SliceOfN(piece, 0, 3).Draw(t, "string"), "") + `"`
	})
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		leaf := rapid.OneOf(number, text, rapid.SampledFrom([]string{"true", "false", "null"}))
		if depth == 0 {
			return leaf
		}
		list := rapid.Custom(func(t *rapid.T) string {
			var b strings.Builder
			b.WriteString("[" + space.Draw(t, "space"))
			for i := range rapid.IntRange(0, 4).Draw(t, "length") {
				if i > 0 {
					b.WriteString("," + space.Draw(t, "space"))
				}
				b.WriteString(value(depth-1).Draw(t, "element") + space.Draw(t, "space"))
			}
			return b.String() + "]"
		})
		object := rapid.Custom(func(t *rapid.T) string {
			var b strings.Builder
			b.WriteString("{" + space.Draw(t, "space"))
			for i := range rapid.IntRange(0, 12).Draw(t, "size") {
				if i > 0 {
					b.WriteString("," + space.Draw(t, "space"))
				}
				b.WriteString(text.Draw(t, "key") + space.Draw(t, "space") + ":" + space.Draw(t, "space") + value(depth-1).Draw(t, "member") + space.Draw(t, "space"))
			}
			return b.String() + "}"
		})
		return rapid.OneOf(leaf, list, object, list, object)
	}
	return rapid.Custom(func(t *rapid.T) string {
		return space.Draw(t, "space") + value(rapid.IntRange(0, 4).Draw(t, "depth")).Draw(t, "value") + space.Draw(t, "space")
	})
}

func TestParseIsGojas(t *testing.T) {
	b := newBoth(t)
	rapid.Check(t, func(t *rapid.T) {
		text := jsonTexts().Draw(t, "text")
		b.same(t, `return describe(JSON.parse(text))`, text)
		b.same(t, `return describe([JSON.parse(text), 1])`, text)
	})
}

var beyond = regexp.MustCompile(`[eE]\+?[0-9]{3}`)

// What is wrong is wrong for both.
func TestMalformedIsGojas(t *testing.T) {
	b := newBoth(t)
	rapid.Check(t, func(t *rapid.T) {
		text := jsonTexts().Draw(t, "text")
		at := rapid.IntRange(0, len(text)).Draw(t, "at")
		cut := rapid.IntRange(0, min(2, len(text)-at)).Draw(t, "cut")
		put := rapid.SampledFrom([]string{"", "", ",", "]", "}", "[", "{", `"`, "\\", "\n", "0", ".", "e", "-", "x", ":", "\x00", "tru", " "}).Draw(t, "put")
		text = text[:at] + put + text[at+cut:]
		if !utf8.ValidString(text) {
			return
		}
		if strings.Contains(text, `\ud`) || strings.Contains(text, "308") || beyond.MatchString(text) {
			return // goja makes U+FFFD of half a pair, and refuses numbers beyond the largest
		}
		b.same(t, `return describe(JSON.parse(text))`, text)
	})
}

// The operations of the language on what was parsed, in any order, a part of it or
// all of it untouched.
func TestTouchedIsGojas(t *testing.T) {
	b := newBoth(t)
	// goja forgets to end the indentation of what is empty.
	ops := []string{
		`v[Symbol.for("x")] = 1`, `Object.freeze(v)`, `Object.seal(v)`, `Object.preventExtensions(v)`, `v.added = 1`, `v[0] = "zero"`,
		`Object.defineProperty(v, "hidden", {value: 1})`, `Object.defineProperty(v, "a", {get() { return this === v }, enumerable: true, configurable: true})`,
		`delete v.a`, `delete v[0]`, `log("a" in v, 0 in v, "toString" in v)`, `log(Object.keys(v))`, `for (const k in v) log(k)`,
		`log(Array.isArray(v), v instanceof Object, v instanceof Array)`, `Object.setPrototypeOf(v, {inherited: 1, get me() { return this === v }})`, `log(v.me, v.inherited)`,
		`Object.setPrototypeOf(v, null)`, `log(Object.getPrototypeOf(v) === Object.prototype)`, `log(JSON.stringify(v))`, `log(JSON.stringify({v, w: [v]}))`,
		`if (!/\[]|{}/.test(JSON.stringify(v))) log(JSON.stringify(v, null, 2))`, `log(JSON.stringify(v, ["a", "key", 0, 1]))`, `log(JSON.stringify(v, (k, x) => k === "a" ? undefined : x))`,
		`log(describe({...v}))`, `log(describe(Object.assign({}, v)))`, `if (Array.isArray(v)) log([...v].length, v.length)`, `if (Array.isArray(v)) v.push(v.length)`, `if (Array.isArray(v)) v.length = 1`,
		`if (Array.isArray(v)) log(describe(v.map(x => x)), describe(v.slice(1)), describe(v.concat([1])))`, `if (Array.isArray(v)) v.reverse()`, `if (Array.isArray(v)) v.sort()`,
		`v = v.a ?? v[0] ?? v`, `v = Object.values(v)[0] ?? v`, `const w = Object.create(v); log(w.a === v.a, describe(w.key)); w.own = 1; log("own" in v)`,
		`log(Reflect.get(v, "a", {}) === v.a, Reflect.set(v, "a", 2, {}), describe(v.a))`, `log(Object.prototype.toString.call(v), String(Object.entries(v).length))`, `log(Reflect.has(v, "key"), Reflect.ownKeys(v).length)`,
		`log(v === same.get("v"), new Map([[v, 1]]).get(v), new WeakSet([v]).has(v)); same.set("v", v)`, `log(v.hasOwnProperty?.("a"), v.length, Object.isFrozen(v), Object.isSealed(v))`, `log(v.__proto__ === Object.prototype)`,
		`v.self = v; try { JSON.stringify(v) } catch (e) { log(e.name) }; delete v.self`, `v.toJSON = function (k) { return "json of " + k + (this === v) }; log(JSON.stringify([v])); delete v.toJSON`,
		`Object.prototype.toJSON = function () { return 1 }; log(JSON.stringify([v])); delete Object.prototype.toJSON`, `log(v == v, v + "" === v + "")`, `const {a, key, ...rest} = v; log(describe([a, key, rest]))`,
		`log(describe(JSON.parse(JSON.stringify(v), function (k, x) { return Array.isArray(x) ? x.length : k === "a" ? undefined : x })))`,
		`with_(v)`, `log(Object.getOwnPropertyNames(v))`, `log(typeof v, v ? 1 : 2)`, `Object.defineProperty(v, "key", {value: 7, writable: false, configurable: false})`,
	}
	const script = `
		let v = JSON.parse(text), all = v, out = [], same = new Map([["v", v]])
		const log = (...x) => out.push(x.map(String).join(" "))
		const with_ = o => { (function () { "use strict"; try { this.strict = 1 } catch (e) { log(e.name) } }).call(o) }
		if (typeof v !== "object" || v === null) v = all = [v]
		%s
		return out.join(";") + JSON.stringify(all) + describe(all)`
	rapid.Check(t, func(t *rapid.T) {
		text := jsonTexts().Draw(t, "text")
		var steps strings.Builder
		for i, op := range rapid.SliceOfN(rapid.SampledFrom(ops), 1, 6).Draw(t, "operations") {
			fmt.Fprintf(&steps, "if (typeof v !== 'object' || v === null) v = [v]; try { %s } catch (e) { log(%d, e.name ?? e) }\n", op, i)
		}
		b.same(t, fmt.Sprintf(script, steps.String()), text)
	})
}

// What JSON.stringify is given by others than JSON.parse.
func TestStringifyIsGojas(t *testing.T) {
	b := newBoth(t)
	for _, value := range []string{
		`undefined`, `null`, `() => 1`, `Symbol("x")`, `1n`, `Object(1n)`, `{a: 1n}`, `NaN`, `Infinity`, `-0`, `1e21`, `1e-7`, `123456789.123`, `0.1 + 0.2`, `2 ** 53`, `5e-324`,
		`new Number(3)`, `new String("x")`, `new Boolean(false)`, `[undefined, () => 1, Symbol("x")]`, `{a: undefined, b() {}, c: Symbol("x"), d: 1}`,
		`[1, , 3]`, `Object.assign([1], {x: 1})`, `new Date(0)`, `new Date(NaN)`, `new Map([[1, 2]])`, `new Set([1])`, `/x/`, `new Error("x")`, `new Uint8Array([1, 2])`, `new Array(3)`,
		`{toJSON() { return {toJSON: 1, a: [this.b]} }, b: 2}`, `{toJSON: 1}`, `{get a() { return 1 }, b: 2}`, `{b: 1, 10: 2, 2: 3, a: 4}`, `Object.create({inherited: 1}, {hidden: {value: 1}, seen: {value: 2, enumerable: true}})`,
		`new (class A { x = 1; #y = 2; get z() { return 3 } })`, `new (class B { toJSON(k) { return "B" + k } })`, `[new (class C extends Array { toJSON() { return "list" } })(3)]`,
		`new Proxy({a: 1, b: [2]}, {})`, `new Proxy([1, 2], {})`, `new Proxy({}, {ownKeys() { return ["p", "q"] }, getOwnPropertyDescriptor() { return {value: 1, enumerable: true, configurable: true} }, get(t, k) { return k === "toJSON" ? undefined : "got " + k }})`,
		`new Proxy(function () {}, {})`, `Object.create(null)`, `(function () { return arguments })(1, 2)`, `Math`, `JSON`, `globalThis.nothing`, `"\ud800"`, `"\udc00x"`, `"😀\ud83d"`, `{"\ud800": "é"}`, `"\u2028\u0000\u001f\x7f\"\\/\b"`,
		`(() => { const a = {}; a.a = a; return a })()`, `(() => { const a = []; a.push([a]); return a })()`, `(() => { const a = {x: 1}; return [a, a, {a}] })()`,
		`{a: {toJSON() { delete o.b; o.c = 1; return 1 }}, b: 2, d: 3}`, `(() => { const o = {get a() { delete o.b; o.c = 1; return 1 }, b: 2, d: 3}; return o })()`, `(() => { const l = [{toJSON() { l.length = 1; return 0 }}, 2, 3]; return l })()`,
		`(() => { const l = [{toJSON() { Object.prototype.toJSON = function () { return "all" }; return 0 }}, {a: 1}, [2]]; return l })()`, `(() => { delete Object.prototype.toJSON; return 1 })()`,
		`{toJSON() { throw new RangeError("x") }}`, `{get a() { throw "x" }}`, `JSON.rawJSON ? [JSON.rawJSON("12e1")] : 1`,
		`[JSON.parse("[1,{\"a\":[]}]"), JSON.parse("{\"b\":{}}")]`, `(() => { const a = [1, 2, 3]; Object.defineProperty(a, 1, {get() { return "getter" }}); return a })()`, `(() => { Array.prototype[1] = "hole"; const s = JSON.stringify([1, , 3]); delete Array.prototype[1]; return s })()`,
	} {
		for _, args := range []string{``, `, null, 2`, `, undefined, "--"`, `, null, "0123456789abc"`, `, null, new Number(3)`, `, null, new String("é")`, `, null, 20`, `, null, -1`, `, null, 1.9`, `, ["a", "b", 1, 2, "a", {}]`, `, [new String("x"), new Number(10), "é"]`, `, []`, `, (k, v) => typeof v === "number" ? v + 1 : v`, `, function (k, v) { return k === "" ? {k, v, t: typeof this} : Array.isArray(this) ? "at " + k : v }, 1`, `, () => undefined`, `, {}`, `, new Proxy(["x"], {})`} {
			b.same(t, `var o = `+value+`; try { return JSON.stringify(o`+args+`) + "" } finally { delete Object.prototype.toJSON }`, "")
		}
	}
}

func TestReviverIsGojas(t *testing.T) {
	b := newBoth(t)
	for _, reviver := range []string{
		`(k, v) => v`, `(k, v) => k === "a" ? undefined : v`, `function (k, v) { return this === undefined ? 0 : Array.isArray(this) ? String(k) : v }`, `(k, v) => typeof v === "number" ? [v] : v`,
		`function (k, v) { if (k === "a") delete this.b; return v }`, `function (k, v) { if (k === "a") this.b = {c: 1}; return v }`, `() => { throw new RangeError("x") }`, `1`, `{}`,
		`function (k, v) { if (k === "0") this[1] = [9]; return v }`, `function (k, v) { if (k === "0") this.length = 1; return v }`, `function (k, v) { if (k === "a") Object.freeze(this); return v + 1 }`,
	} {
		for _, text := range []string{`{"a":1,"b":[1,2,{"a":null}],"10":2,"2":3}`, `[1,[2,[3]],{"a":{"b":{}}}]`, `"x"`, `{"__proto__":{"a":1},"a":[]}`} {
			b.same(t, `return describe(JSON.parse(text, `+reviver+`))`, text)
		}
	}
}

// Where goja leaves the standard, the standard is followed.
func TestJSONBeyondGoja(t *testing.T) {
	b := newBoth(t)
	for script, want := range map[string]string{
		`return describe(JSON.parse('"\\ud800x"'))`:                                                                                                          "'d800 78 ",
		`return describe(JSON.parse('"\\ude00\\ud83d"'))`:                                                                                                    "'de00 d83d ",
		`return describe(JSON.parse('{"\\ud800":1}'))`:                                                                                                       "objectOfalsetrue{'d800 :true,true,true,undefinednumber1,}",
		`return describe(JSON.parse('["' + "\ud800é" + '"]')[0])`:                                                                                            "'d800 e9 ",
		`return JSON.parse("1e999") + " " + JSON.parse("-1e999")`:                                                                                            "Infinity -Infinity",
		`return JSON.stringify(JSON.parse('["\\ud800"]'))`:                                                                                                   `["\ud800"]`,
		`try { JSON.parse("[" .repeat(1e6)) } catch (e) { return e.name }`:                                                                                   "SyntaxError",
		`try { JSON.parse("[".repeat(1e6) + "]".repeat(1e6)) } catch (e) { return e.message }`:                                                               "JSON is nested more than 2000 deep",
		`let a = []; for (let i = 0; i < 1e5; i++) a = [a]; try { JSON.stringify(a) } catch (e) { return e.name }`:                                           "RangeError",
		`const f = () => ({get a() { return f() }}); try { JSON.stringify(f()) } catch (e) { return e.name }`:                                                "RangeError",
		`const f = () => ({toJSON() { return [f()] }}); try { JSON.stringify(f()) } catch (e) { return e.name }`:                                             "RangeError",
		`try { JSON.parse("[0,0]", function (k, v) { if (k === "0") this[1] = [0, 0]; return v }) } catch (e) { return e.name }`:                             "RangeError",
		`const a = []; a.length = 1e6; a[3] = 1; return JSON.stringify(a).length`:                                                                            "4999998",
		`try { var a = JSON.parse("[" + "[],".repeat(2e6) + "0]"); a.length } catch (e) { try { a[0] } catch (f) { return e.name + f.name } }`:               "RangeErrorRangeError",
		`const a = []; a.length = 4e9; try { JSON.stringify(a) } catch (e) { return e.name }`:                                                                "RangeError",
		`try { JSON.parse("{\"a\":nul}") } catch (e) { return e.message }`:                                                                                   "Unexpected token '}' in JSON at position 8",
		`try { JSON.parse("[1,") } catch (e) { return e.message }`:                                                                                           "Unexpected end of JSON input",
		`return JSON.stringify(Object(Symbol("x")))`:                                                                                                         "{}",
		`return JSON.stringify([[], [1]], null, 1)`:                                                                                                          "[\n [],\n [\n  1\n ]\n]",
		`try { JSON.parse(Symbol()) } catch (e) { return e.name }`:                                                                                           "TypeError",
		`return JSON.parse({toString() { return "[1]" }})[0] + JSON.parse.length + JSON.stringify.name`:                                                      "3stringify",
		`const f = {toString() { return JSON.parse('{"a":"[2]"}').a }}; return JSON.parse(f)[0] + JSON.stringify({toJSON() { return JSON.stringify([1]) }})`: `2"[1]"`,
	} {
		if got := run(b.ours, script, ""); got != want {
			t.Errorf("%s\n got %s\nwant %s", script, got, want)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, text := range []string{`{"a":[1,2.5e3,"x\n"],"0":null}`, `[`, `{"a":1,"a":2}`, "\"\\ud83d\\ude00\"", "-", "1.", "tru", " [ ] "} {
		f.Add(text)
	}
	b := newBoth(f)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 256 || strings.Contains(strings.ToLower(text), `\ud`) || strings.ContainsAny(text, "eE") && strings.ContainsAny(text, "0123456789") {
			return // where goja leaves the standard: half pairs, and numbers beyond the largest
		}
		b.same(t, `return describe(JSON.parse(text)) + JSON.stringify(JSON.parse(text))`, text)
	})
}

// What the platform does with a function's objects, it does with those nobody has
// touched.
func TestPlatformTouches(t *testing.T) {
	part := `{"list":[1,{"deep":"` + strings.Repeat("x", lazyPart) + `"}],"n":1}`
	text := `{"a":` + part + `,"b":` + part + `,"c":"` + strings.Repeat("y", lazyText) + `"}`
	h := newHost(t)
	_ = h.vm.Set("text", text)
	for script, want := range map[string]string{
		`const v = await new Response(text).json(); return await Response.json({a: v.a, b: [v.b]}).text() === '{"a":' + JSON.stringify(JSON.parse(text).a) + ',"b":[' + JSON.stringify(v.b) + "]}"`: "true",
		`return await Response.json(await new Response(text).json()).text() === text`:                                                                                                               "true",
		`return await Response.json(await new Response(" " + text.replaceAll(":", ": ")).json()).text() === text`:                                                                                   "true",
		`const v = structuredClone(JSON.parse(text)); return [Object.keys(v), v.a.list.length, v.b.list[1].deep.length].join()`:                                                                     fmt.Sprintf(`"a,b,c,2,%d"`, lazyPart),
		`const v = JSON.parse(text); const w = structuredClone(v.a); w.n = 2; return [v.a.n, w.n, Array.isArray(w.list)].join()`:                                                                    `"1,2,true"`,
		`const v = new Headers(JSON.parse('{"x-a":"1","x-pad":"' + "p".repeat(2000) + '"}')); return v.get("x-a")`:                                                                                  `"1"`,
		`class A extends (function (o) { return o }) { constructor(o) { super(o); o.n; this.m = 1 } }; const v = JSON.parse(text).a; return new A(v) === v && v.m`:                                  "1",
		`console.log(JSON.parse(text).a); return 1`: "1",
	} {
		if got := h.eval(t, script); got != want {
			t.Errorf("%s\n got %s\nwant %s", script, got, want)
		}
	}
	if want := `{ list: [1, { deep: "xxx`; len(h.logs) != 1 || !strings.Contains(h.logs[0], want) {
		t.Errorf("the console shows %q, want %q in it", h.logs, want)
	}
}
