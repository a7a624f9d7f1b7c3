package webapi

import (
	"strings"
	"testing"
)

func TestConsoleShows(t *testing.T) {
	h := newHost(t)
	h.eval(t, `
		console.log(-0, 0, [-0], class X {}, () => 1, function f() {}, new Date(0), new Date(NaN), Object(1), Object("s"), Object.create(null));
		console.log([1, , 3], Promise.resolve({a: 1}), Promise.reject("no").catch(() => 1) && new Promise(() => 1), new Uint8Array([1, 2]), new ArrayBuffer(3), /x/g);
		console.log("%c styled %s %i %f %d %% %x", "color: red", "s", "42.9px", 1.5, 10n, "left", "more"); console.log("%s", Symbol("y"), null, undefined); console.log("100%", 5); console.log();
		console.table([{a: 1, b: "x"}, {a: 2, c: true}, 7]); console.table([{a: 1, b: 2}], ["b"]); console.table(5);
		console.countReset("none"); console.timeEnd("none"); console.time("t"); console.time("t"); console.assert(true); console.assert(false, "%s!", "why"); console.assert();
		console.group("g", 1); console.info("a\nb"); console.groupEnd(); console.groupEnd(); console.debug(new Map([[{k: 1}, new Set([1])]]));
		const e = new Error("outer", {cause: new TypeError("inner")}); console.log({e}, [new DOMException("m", "AbortError")]);
		const {log} = console; log("unbound")`)
	want := []string{
		`info -0 0 [-0] [class: X] [Function (anonymous)] [Function: f] 1970-01-01T00:00:00.000Z Invalid Date [Number: 1] [String: "s"] [Object: null prototype] {}`,
		`info [1, <empty>, 3] Promise { { a: 1 } } Promise { <pending> } Uint8Array(2) [1, 2] ArrayBuffer { byteLength: 3 } /x/g`,
		`info  styled s 42 1.5 10n % %x left more`, `info Symbol(y) null undefined`, `info 100% 5`, `info `,
		"info ┌─────────┬───┬─────┬──────┬────────┐\n│ (index) │ a │ b   │ c    │ Values │\n├─────────┼───┼─────┼──────┼────────┤\n│ 0       │ 1 │ \"x\" │      │        │\n│ 1       │ 2 │     │ true │        │\n│ 2       │   │     │      │ 7      │\n└─────────┴───┴─────┴──────┴────────┘",
		"info ┌─────────┬───┐\n│ (index) │ b │\n├─────────┼───┤\n│ 0       │ 2 │\n└─────────┴───┘", `info 5`,
		`warn Count for "none" does not exist`, `warn Timer "none" does not exist`, `warn Timer "t" exists already`, `error Assertion failed: why!`, `error Assertion failed`,
		`info g 1`, "info   a\n  b", `debug Map(1) { { k: 1 } => Set(1) { 1 } }`, `info { e: Error: outer [cause: TypeError: inner] } [AbortError: m]`, `info unbound`,
	}
	for i, w := range want {
		if i >= len(h.logs) || h.logs[i] != w {
			t.Errorf("line %d\n got %q\nwant %q", i, h.logs[min(i, len(h.logs)-1)], w)
		}
	}
	cases{
		{`return [String(console), Object.getPrototypeOf(console) === Object.prototype, Object.keys(Object.getPrototypeOf(console)), typeof console.clear]`, `["[object console]",false,[],"function"]`},
		{`console.count(Symbol())`, `rejected: TypeError`},
	}.run(t)
}

// TestConsoleTableIsBounded: what a function gives it does not matter.
func TestConsoleTableIsBounded(t *testing.T) {
	h := newHost(t)
	h.eval(t, `const wide = {}; for (let i = 0; i < 1000; i++) wide["k" + i] = "v".repeat(1000); console.table(Array.from({length: 1000}, () => wide))`)
	if line := h.logs[0]; len(line) > maxLine+100 || !strings.Contains(line, "k18") {
		t.Errorf("%d bytes were logged", len(line))
	}
}
