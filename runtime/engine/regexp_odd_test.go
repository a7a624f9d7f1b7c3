package engine

import (
	"testing"

	"hadron/runtime/invocation"
)

// The methods of regular expressions can be called on anything. goja's read what is
// not there where a receiver has no exec.
func TestMethodsOfExpressionsTakeAnyReceiver(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`
		const exec = v => ({ exec: () => v }), species = v => ({ constructor: { [Symbol.species]: v }, flags: "" });
		const receivers = {
			undefined: () => undefined, null: () => null, number: () => 1, string: () => "x", symbol: () => Symbol(), function: () => () => {},
			array: () => [], arrays: () => [[1], [2]], object: () => ({}), bare: () => Object.create(null), date: () => new Date(0), error: () => new Error("x"),
			map: () => new Map(), bytes: () => new Uint8Array(2), proxy: () => new Proxy({}, {}), "proxy of array": () => new Proxy([], {}),
			"proxy of expression": () => new Proxy(/x/g, {}), prototype: () => RegExp.prototype, heir: () => Object.create(/x/g), "heir of none": () => Object.create(RegExp.prototype),
			"exec null": () => exec(null), "exec array": () => exec([]), "exec object": () => exec({}), "exec number": () => exec(1), "exec undefined": () => exec(undefined),
			"exec no function": () => ({ exec: 1 }), "exec match": () => exec(["x"]), "exec bare": () => exec(Object.create(null)),
			"global, exec once": () => { let n = 0; return { global: true, flags: "gu", exec: () => n++ ? null : Object.create(null) } },
			"global, nothing else": () => ({ global: true, flags: "g" }), "species array": () => species(Array), "species object": () => species(Object), "species Map": () => species(Map),
			"species null": () => species(null), "species no constructor": () => species(1), "species bare": () => species(function () { return Object.create(null) }),
			"expression without exec": () => { const r = /x/g; r.exec = undefined; return r }, "exec of an expression throws": () => { const r = /x/g; r.exec = () => { throw RangeError("own") }; return r },
			"expression whose exec gives bare": () => { let n = 0; const r = /x/g; r.exec = () => n++ ? null : Object.create(null); return r },
			"frozen": () => Object.freeze(/x/g),
		};
		const subjects = ["", "xax", "\u00e4x", undefined, null, {}, [], Symbol()];
		const names = Reflect.ownKeys(RegExp.prototype).filter(k => k !== "constructor");
		const odd = [], nameOf = k => String(k);
		for (const [name, make] of Object.entries(receivers)) for (const key of names) {
			const d = Object.getOwnPropertyDescriptor(RegExp.prototype, key), fn = d.get ?? d.value;
			for (const subject of subjects) for (const second of [undefined, "y", () => "z", 3]) {
				try { const v = fn.call(make(), subject, second); if (v && typeof v === "object" && v[Symbol.iterator]) { let n = 0; for (const _ of v) if (++n > 3) break; } }
				catch (e) { if (!(e instanceof TypeError || e instanceof SyntaxError || e instanceof RangeError && e.message === "own")) odd.push(name + " " + nameOf(key) + ": " + e) }
			}
		}
		return new Response(odd.join("\n") || "fine")`))
	s, out := f.run(t, get(id, "/"))
	if out.Code != invocation.OK || s.body.String() != "fine" {
		t.Errorf("%+v %v\n%s", out.Code, out.Failure, s.body.String())
	}
}
