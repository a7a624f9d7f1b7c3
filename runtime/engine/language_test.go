package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// languageCase is one line of the corpus: an expression, and what it comes to as
// JSON, which is what Node.js 24 says.
type languageCase struct {
	Expression string
	Want       string
	line       int
}

// The corpus: lines of an expression and its value, `⇒` between them; # begins a
// comment.
func languageCases(t testing.TB, file string) (cases []languageCase) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		expression, want, ok := strings.Cut(line, " ⇒ ")
		if !ok {
			t.Fatalf("%s:%d has no ⇒", file, n)
		}
		cases = append(cases, languageCase{strings.TrimSpace(expression), strings.TrimSpace(want), n})
	}
	return cases
}

// shown is how the corpus writes a value, in JavaScript.
const shown = `
const shown = (v) => v === undefined ? "undefined" : JSON.stringify(v, (_, x) =>
	typeof x === "bigint" ? x + "n" : typeof x === "function" ? "function" : typeof x === "symbol" ? String(x)
	: x instanceof Map ? [...x] : x instanceof Set ? [...x] : Object.is(x, -0) ? "-0" : x === undefined ? "undefined" : x);
`

func TestLanguageIsThatOfOthers(t *testing.T) {
	for _, file := range []string{"language.txt", "regexp.txt", "intl.txt"} {
		t.Run(file, func(t *testing.T) { runCases(t, languageCases(t, file)) })
	}
}

func runCases(t *testing.T, cases []languageCase) {
	f := newFixture(t, nil)
	for i, c := range cases {
		code := "'use strict';" + shown + "exports.default = { async fetch() { let v; try { v = await (" + c.Expression +
			"); } catch (e) { return new Response('throws ' + (e && e.name)) } return new Response(shown(v)) } };"
		s, out := f.run(t, get(f.add(i+1, code), "/"))
		if out.Failure != nil {
			t.Errorf("line %d: %s: %v", c.line, c.Expression, out.Failure)
			continue
		}
		if got := s.body.String(); got != c.Want {
			t.Errorf("line %d: %s\n  is   %s\n  want %s", c.line, c.Expression, got, c.Want)
		}
	}
}

// The corpus is held to Node.js where a new one is installed.
func TestCorpusIsWhatNodeSays(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node.js is not installed")
	}
	for _, file := range []string{"language.txt", "regexp.txt", "intl.txt"} {
		cases := languageCases(t, file)
		input, err := json.Marshal(cases)
		if err != nil {
			t.Fatal(err)
		}
		script := shown + `
			let text = ""; for await (const part of process.stdin) text += part;
			process.env.TZ = "UTC";
			const AsyncFunction = (async () => {}).constructor;
			if (typeof Iterator === "undefined" || !Promise.try) { console.log("old"); process.exit() }
			const bad = [];
			for (const [i, c] of JSON.parse(text).entries()) {
				let got;
				try { got = shown(await new AsyncFunction("'use strict'; return (" + c.Expression + ")")()); } catch (e) { got = "throws " + (e && e.name); }
				if (got !== c.Want) bad.push(c.Expression + "\n  node says " + got + "\n  corpus    " + c.Want);
			}
			console.log(bad.join("\n"));`
		cmd := exec.CommandContext(context.Background(), node, "--input-type=module", "-e", script)
		cmd.Stdin = bytes.NewReader(input)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("node: %v\n%s", err, out)
		}
		if text := strings.TrimSpace(string(out)); text == "old" {
			t.Skip("this Node.js is older than the corpus")
		} else if text != "" {
			t.Errorf("%s:\n%s", file, text)
		}
	}
}

// A module that awaits at its top is a promise of its exports.
func TestModuleMayBePromised(t *testing.T) {
	f := newFixture(t, nil)
	for i, c := range []struct{ code, body, failure string }{
		{`module.exports = (async () => { await null; return {default: () => new Response("late")} })()`, "late", ""},
		{`module.exports = (async () => { await null; throw new TypeError("broken") })()`, "", "TypeError: broken"},
		{`module.exports = new Promise(() => {})`, "", "waits, at its top"},
		{`module.exports = (async () => ({}))()`, "", "exports no handler"},
	} {
		s, out := f.run(t, get(f.add(i+1, c.code), "/"))
		switch {
		case c.failure == "" && (out.Failure != nil || s.body.String() != c.body):
			t.Errorf("%s: %v, %q", c.code, out.Failure, s.body.String())
		case c.failure != "" && (out.Failure == nil || !strings.Contains(out.Failure.Error(), c.failure)):
			t.Errorf("%s: %v, want %s", c.code, out.Failure, c.failure)
		}
	}
	for _, r := range f.logged() {
		if strings.Contains(r.Message, "Unhandled") {
			t.Errorf("the same is told twice: %s", r.Message)
		}
	}
}

// What is not supported says so, in words that help.
func TestLanguageRefuses(t *testing.T) {
	f := newFixture(t, nil)
	for i, c := range []struct{ expression, want string }{
		{`new RegExp("a", "d")`, "SyntaxError: Invalid regular expression: flag d (the indices of groups) is not supported here"},
		{`new RegExp("\\p{RGI_Emoji}", "v")`, `SyntaxError: Invalid regular expression: the property \p{RGI_Emoji} is not supported here`},
		{`(1).toLocaleString("ar")`, `RangeError: the locale "ar" is not known here`},
		{`"a".localeCompare("b", "tlh")`, "RangeError: the locale tlh is not known here"},
		{`new Intl.NumberFormat("en", {style: "unit", unit: "liter"})`, "RangeError: Intl.NumberFormat: units are not supported here"},
		{`new Intl.DateTimeFormat("en", {hour: "numeric", timeZone: "Europe/Berlin", timeZoneName: "long"})`, "RangeError: Intl.DateTimeFormat: the name of time zone Europe/Berlin is not known here"},
		{`new Intl.DateTimeFormat("en", {era: "long"})`, "RangeError: Intl.DateTimeFormat: era and dayPeriod are not supported here"},
		{`new Intl.Collator("en", {caseFirst: "upper"})`, "RangeError: Intl: the option caseFirst is supported here as false only"},
		{`new ArrayBuffer(8, {maxByteLength: 16})`, "TypeError: resizable ArrayBuffers are not supported here"},
		{`(10n ** 20000n).toLocaleString("de")`, "RangeError: a number of so many digits cannot be formatted"},
		{`Intl.Segmenter`, "undefined"},
		{`Atomics.add`, "ReferenceError: Atomics is not defined"},
	} {
		s, out := f.run(t, get(f.add(i+1, handlerCode("let v; try { v = String("+c.expression+") } catch (e) { v = String(e) } return new Response(v)")), "/"))
		if out.Failure != nil || !strings.HasPrefix(s.body.String(), c.want) {
			t.Errorf("%s: %s %v, want %s", c.expression, s.body.String(), out.Failure, c.want)
		}
	}
}
