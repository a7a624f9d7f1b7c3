package project_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-sourcemap/sourcemap"

	"hadron/runtime/project"
)

func build(t *testing.T, in project.Input) project.Output {
	t.Helper()
	out, err := project.Build(t.Context(), in)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return out
}

func sourceError(t *testing.T, err error) *project.SourceError {
	t.Helper()
	var bad *project.SourceError
	if !errors.As(err, &bad) {
		t.Fatalf("error is %T (%v), want *SourceError", err, err)
	}
	return bad
}

// placeOf says where the author wrote what stands at a text of the code.
func placeOf(t *testing.T, out project.Output, text string) (file string, line, column int) {
	t.Helper()
	at := bytes.Index(out.Code, []byte(text))
	if at < 0 {
		t.Fatalf("code lacks %q:\n%s", text, out.Code)
	}
	before := out.Code[:at]
	c, err := sourcemap.Parse("", out.Map)
	if err != nil {
		t.Fatalf("parse map: %v", err)
	}
	file, _, line, column, ok := c.Source(bytes.Count(before, []byte("\n"))+1, at-bytes.LastIndexByte(before, '\n')-1)
	if !ok {
		t.Fatalf("no mapping for %q", text)
	}
	return file, line, column + 1
}

func TestBuildMakesAScriptOfAModule(t *testing.T) {
	out := build(t, project.Input{Source: "interface A { n: number }\nconst a: A = { n: 1 };\nexport default {\n  async fetch(r: Request) {\n    throw new Error(`no ${a.n}`);\n  },\n};\n"})
	code := string(out.Code)
	if !strings.HasPrefix(code, "\"use strict\";\n") {
		t.Errorf("a module is strict; code begins %.40q", code)
	}
	for _, want := range []string{"module.exports=", "async fetch(r)"} {
		if !strings.Contains(code, want) {
			t.Errorf("code lacks %q:\n%s", want, code)
		}
	}
	if strings.Contains(code, "sourceMappingURL") {
		t.Errorf("code names a source map:\n%s", code)
	}
	if file, line, column := placeOf(t, out, "new Error"); file != "index.ts" || line != 5 || column != 11 {
		t.Errorf("new Error maps to %s:%d:%d, want index.ts:5:11", file, line, column)
	}
	if out.Builder != project.Builder {
		t.Errorf("builder is %q", out.Builder)
	}
}

func TestBuildReadsTheLanguageTheEntryNames(t *testing.T) {
	for entry, source := range map[string]string{
		"":               "export default (r: Request) => new Response(r.url as string)",
		"a.ts":           "export default <T>(r: T) => r",
		"a.mts":          "export default <T,>(r: T) => r",
		"src/a.tsx":      "/** @jsx h */ const h = (...a: unknown[]) => a; export default () => <b>it's</b>",
		"a.js":           "const f = (a, b, c, d) => f(a < b, c > (d)); export default f",
		"a.mjs":          "export default () => 1",
		"a.jsx":          "/** @jsx h */ const h = () => 1; export default () => <b>{1}</b>",
		"commonjs.js":    "module.exports = function (r) { with (r) {} }",
		"./deep/../a.ts": "export const fetch: unknown = 1",
	} {
		t.Run(entry, func(t *testing.T) { build(t, project.Input{Source: source, Entry: entry}) })
	}
	if _, err := project.Build(t.Context(), project.Input{Source: "export default (a: string) => a", Entry: "a.js"}); err == nil {
		t.Error("types passed in a .js entry")
	}
}

// Sloppy code of the older module kind keeps its meaning.
func TestBuildLeavesCommonJSSloppy(t *testing.T) {
	out := build(t, project.Input{Source: "module.exports = function () { return this }", Entry: "a.js"})
	if bytes.Contains(out.Code, []byte("use strict")) {
		t.Errorf("strict: %s", out.Code)
	}
}

func TestBuildLowersWhatTheEngineLacks(t *testing.T) {
	out := build(t, project.Input{Source: `
		async function* many() { yield 1 }
		export default async () => { for await (const x of many()) console.log(x); return 1 }
		class A { get = 1; set; static async = 2; #p = 3; big = 2n ** 64n }
		export { A }
	`})
	for _, pattern := range []string{`async function\*|async\*`, `for await`} {
		if found := regexp.MustCompile(pattern).Find(out.Code); found != nil {
			t.Errorf("code has %q, which the engine cannot read:\n%s", found, out.Code)
		}
	}
	if !bytes.Contains(out.Code, []byte("2n**64n")) {
		t.Errorf("BigInt was lowered:\n%s", out.Code)
	}
	if bytes.Contains(out.Code, []byte("WeakMap")) {
		t.Errorf("class fields that the engine reads were lowered:\n%s", out.Code)
	}
	many := "class A { " + strings.Repeat("static async = 1; ", 20) + "}\nexport default () => new A()"
	if out := build(t, project.Input{Source: many}); regexp.MustCompile(`async=`).Match(out.Code) {
		t.Errorf("more fields than the engine quotes were left:\n%s", out.Code)
	}
}

// What a package holds and may never run is no reason to refuse the function.
func TestBuildWarnsOfWhatPackagesCannotDo(t *testing.T) {
	dir := write(t, map[string]string{
		"index.ts":                      "import { url, load } from 'lib';\nexport default () => [url, load]",
		"node_modules/lib/index.js":     "export const url = import.meta.url;\nexport const load = (x) => import(x);\nexport const d = () => /a/d;\nexport const unused = d;",
		"node_modules/lib/package.json": `{"name": "lib", "main": "index.js", "type": "module"}`,
	})
	up, err := load(t, dir).Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := build(t, project.Input{Source: up.Source, SourceMap: up.SourceMap, Entry: "index.ts"})
	lines := map[int]bool{}
	for _, w := range out.Warnings {
		if w.File != "node_modules/lib/index.js" || w.Text == "" {
			t.Errorf("warning without its place: %+v", w)
		}
		lines[w.Line] = true
	}
	if !lines[1] || !lines[2] {
		t.Errorf("warnings: %v", out.Warnings)
	}
}

func TestBuildMakesAPromiseOfTopLevelAwait(t *testing.T) {
	out := build(t, project.Input{Source: "import type { A } from './a';\nconst a: number = await Promise.resolve(1);\nexport const fetch = () => {\n  throw new Error(`no ${a}`);\n};\nexport default fetch;\nexport { a as other };\n"})
	code := string(out.Code)
	if !strings.HasPrefix(code, "\"use strict\";module.exports=(async()=>{\n") || !strings.HasSuffix(code, "})();") || strings.Contains(code, "export{") {
		t.Errorf("code:\n%s", code)
	}
	if !strings.Contains(code, "default:") || !strings.Contains(code, "other:a") {
		t.Errorf("exports are lost:\n%s", code)
	}
	if file, line, column := placeOf(t, out, "new Error"); file != "index.ts" || line != 4 || column != 9 {
		t.Errorf("new Error maps to %s:%d:%d, want index.ts:4:9", file, line, column)
	}
	script := build(t, project.Input{Source: "globalThis.ready = await 1"})
	if !strings.HasSuffix(string(script.Code), "return{}})();") {
		t.Errorf("code:\n%s", script.Code)
	}
}

// Expressions that the engine would misread are handed to it as text.
func TestBuildHandsExpressionsOver(t *testing.T) {
	out := build(t, project.Input{Source: `export default () => [/\p{L}+/u, /[\p{L}--[a-z]]/v, /(?<year>\d+)é"\//u, /plain/gi]`})
	for _, want := range []string{`new RegExp("\\p{L}+","u")`, `new RegExp("[\\p{L}--[a-z]]","v")`, `/plain/gi`} {
		if !strings.Contains(string(out.Code), want) {
			t.Errorf("code lacks %s:\n%s", want, out.Code)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	r := strings.Repeat
	for name, c := range map[string]struct {
		in           project.Input
		line, column int
		text         string
	}{
		"a syntax error":      {project.Input{Source: "export default {\n  fetch() {\n    const user = await fetch(env.USERS + id)\n    }\n  }\n}}"}, 3, 18, `"await" can only be used inside an "async" function`},
		"a bare import":       {project.Input{Source: "// from 'hono' \nimport { Hono } from 'hono';\nexport default new Hono();"}, 2, 22, `hadron deploy`},
		"a local import":      {project.Input{Source: "import x from './x';\nexport default x"}, 1, 15, `cannot import "./x"`},
		"a Node.js import":    {project.Input{Source: "import fs from 'node:fs';\nexport default () => fs"}, 1, 16, `without Node.js`},
		"a require":           {project.Input{Source: "const fs = require('fs');\nmodule.exports = fs", Entry: "a.js"}, 1, 20, `without Node.js`},
		"a dynamic import":    {project.Input{Source: "export default () => import('zod')"}, 1, 29, `cannot import "zod"`},
		"a local await":       {project.Input{Source: "import x from './x';\nconst b = await x;\nexport default () => b"}, 1, 15, `cannot import "./x"`},
		"a computed import":   {project.Input{Source: "const at = (name: string) => {\n  return import('./' + name);\n};\nexport default at"}, 2, 10, "known when the project is bundled"},
		"import.meta":         {project.Input{Source: "export default () =>\n  import.meta.url"}, 2, 3, "import.meta is not supported"},
		"an unknown property": {project.Input{Source: "const a = 1;\nexport default /é\\p{Klingon}/u"}, 2, 16, `there is no property \p{Klingon}`},
		"flag d":              {project.Input{Source: "export default 'a'.match(/a/d)"}, 1, 26, "flag d"},
		"a set of strings":    {project.Input{Source: "export default /\\p{RGI_Emoji}/v"}, 1, 16, `\p{RGI_Emoji} is not supported`},
		"two declarations":    {project.Input{Source: "let a = 1;\nlet a = 2;"}, 2, 5, `"a" has already been declared`},
		"a large module":      {project.Input{Source: r("a", project.MaxSource+1)}, 0, 0, "at most"},
		"a large map":         {project.Input{Source: "1", SourceMap: r("a", project.MaxSourceMap+1)}, 0, 0, "at most"},
		"a map that is none":  {project.Input{Source: "1", SourceMap: "[]"}, 0, 0, "source map"},
		"an old map":          {project.Input{Source: "1", SourceMap: `{"version":2}`}, 0, 0, "revision 3"},
		"deep nesting":        {project.Input{Source: "\n  x = " + r("(", 1000)}, 2, 206, "nested more than 200"},
		"an endless sum":      {project.Input{Source: "x = 1" + r("+1", 20_000)}, 1, 20_004, "more than 10000 parts"},
		"one name for all":    {project.Input{Source: r("let a;", 300_000)}, 1, 605, "more than 100 times"},
		"JSX where none is":   {project.Input{Source: "export default () => <b></b>;\nlet x = <c>", Entry: "a.js"}, 1, 22, "JSX"},
		"an unfinished text":  {project.Input{Source: "const a = `\n"}, 2, 1, "Unterminated"},
		"bytes that are none": {project.Input{Source: "const a = \xff\xfe;"}, 1, 11, "Unexpected"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := project.Build(t.Context(), c.in)
			bad := sourceError(t, err)
			if !strings.Contains(bad.Text, c.text) || bad.Line != c.line || bad.Column != c.column {
				t.Errorf("got %d:%d %q, want %d:%d %q", bad.Line, bad.Column, bad.Text, c.line, c.column, c.text)
			}
			if c.line > 0 && (bad.File == "" || bad.Frame == "") {
				t.Errorf("no file or frame: %+v", bad)
			}
		})
	}
}

func TestSourceErrorReadsAsItIsShown(t *testing.T) {
	_, err := project.Build(t.Context(), project.Input{Entry: "src/index.ts", Source: "export default {\n  async fetch() {\n\tconst é = 1 + ;\n    let let = 2;\n  }\n}\n"})
	bad := sourceError(t, err)
	if got, want := bad.Error(), `src/index.ts:3:16: Unexpected ";"`; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	want := "  2 │   async fetch() {\n  3 │  const é = 1 + ;\n    │                ^"
	if bad.Frame != want {
		t.Errorf("frame:\n%s\nwant:\n%s", bad.Frame, want)
	}
	many := &project.SourceError{File: "a.ts", Line: 1, Text: "no", More: 2}
	if got, want := many.Error(), "a.ts:1: no (and 2 more errors)"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

// A long line is shown around the place, and what a terminal would obey is not written.
func TestFrameIsShortAndPlain(t *testing.T) {
	_, err := project.Build(t.Context(), project.Input{Source: strings.Repeat("let a\x1b[31m;", 1000)})
	bad := sourceError(t, err)
	if len(bad.Frame) > 1000 || strings.ContainsRune(bad.Frame, 0x1b) {
		t.Errorf("frame of %d bytes: %q", len(bad.Frame), bad.Frame)
	}
	_, err = project.Build(t.Context(), project.Input{Source: strings.Repeat("a();", 5000) + "let = ;" + strings.Repeat("b();", 5000)})
	bad = sourceError(t, err)
	lines := strings.Split(bad.Frame, "\n")
	code, mark := []rune(lines[len(lines)-2]), []rune(lines[len(lines)-1])
	if len(code) > 120 || code[len(mark)-1] != ';' {
		t.Errorf("frame:\n%s", bad.Frame)
	}
}

func TestBuildComposesAnUploadedMap(t *testing.T) {
	p := load(t, "testdata/modules")
	up, err := p.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := build(t, project.Input{Source: up.Source, SourceMap: up.SourceMap, Entry: p.Manifest.Entry})
	if file, line, column := placeOf(t, out, "new TypeError"); file != "src/deep/fail.ts" || line != 4 || column != 9 {
		t.Errorf("new TypeError maps to %s:%d:%d, want src/deep/fail.ts:4:9", file, line, column)
	}
	var m struct {
		Sources        []string
		SourcesContent []*string
	}
	if err := json.Unmarshal(out.Map, &m); err != nil {
		t.Fatal(err)
	}
	for i, name := range m.Sources {
		if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") || m.SourcesContent[i] == nil {
			t.Errorf("source %q (text: %v)", name, m.SourcesContent[i] != nil)
		}
	}
}

// An error in a bundle is shown in the author's file.
func TestBuildExplainsThroughAnUploadedMap(t *testing.T) {
	p := load(t, "testdata/modules")
	up, err := p.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(up.Source, "new TypeError(", "new TypeError((", 1)
	_, err = project.Build(t.Context(), project.Input{Source: broken, SourceMap: up.SourceMap, Entry: p.Manifest.Entry})
	bad := sourceError(t, err)
	if bad.File != "src/deep/fail.ts" || bad.Line != 4 || !strings.Contains(bad.Frame, "throw new TypeError") {
		t.Errorf("got %v\n%s", bad, bad.Frame)
	}
}

// A hostile source or map may name files of the server; they are not opened, and
// no path of the server's comes out.
func TestBuildReadsNoFile(t *testing.T) {
	secret := t.TempDir() + "/secret.txt"
	if err := os.WriteFile(secret, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := "export default () => 1;\n"
	maps := `{"version":3,"sources":["file://` + secret + `","` + secret + `","../../../../..` + secret + `"],"names":[],"mappings":"AAAA,eCAA,EEAA"}`
	for name, in := range map[string]project.Input{
		"a map's sources":       {Source: plain, SourceMap: maps},
		"a map's root":          {Source: plain, SourceMap: strings.Replace(maps, `"version":3`, `"version":3,"sourceRoot":"file:///"`, 1)},
		"a map comment":         {Source: plain + "//# sourceMappingURL=file://" + secret},
		"an endless file":       {Source: plain + "//# sourceMappingURL=file:///dev/zero\n//@ sourceMappingURL=file:///dev/zero"},
		"a map comment, inline": {Source: plain + "/*# sourceMappingURL=file://" + secret + " */"},
		"an entry":              {Source: plain, Entry: "../../../../.." + strings.Replace(secret, ".txt", ".ts", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			out := build(t, in)
			if bytes.Contains(out.Map, []byte("hunter2")) || bytes.Contains(out.Code, []byte("hunter2")) {
				t.Error("a file of the server was read")
			}
			var m struct{ Sources []string }
			if err := json.Unmarshal(out.Map, &m); err != nil {
				t.Fatal(err)
			}
			for _, name := range m.Sources {
				if strings.HasPrefix(name, "/") || strings.Contains(name, ":") || strings.Contains(name, "..") {
					t.Errorf("the map names %s", name)
				}
			}
		})
	}
	for name, source := range map[string]string{
		"an import":         `import x from "` + secret + `" with { type: "text" }; export default x`,
		"a glob of imports": "const n = 'secret'; export default (x) => import(`./" + strings.TrimPrefix(secret, "/") + "/../${x}.txt`)",
		"a data import":     `import x from "data:text/plain,1"; export default x`,
	} {
		t.Run(name, func(t *testing.T) {
			out, err := project.Build(t.Context(), project.Input{Source: source})
			if bytes.Contains(out.Code, []byte("hunter2")) || err == nil && name != "a glob of imports" {
				t.Errorf("err %v, code %s", err, out.Code)
			}
		})
	}
}

func TestBuildEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	cancel(stop)
	if _, err := project.Build(ctx, project.Input{Source: "export default 1"}); !errors.Is(err, stop) {
		t.Errorf("error is %v", err)
	}
}

// The builder's name is kept beside each bundle, so it must be the true one.
func TestBuilderNamesTheRequiredVersion(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`github\.com/evanw/esbuild v(\S+)`).FindSubmatch(mod)
	if found == nil || !strings.HasPrefix(project.Builder, "esbuild "+string(found[1])+",") {
		t.Errorf("Builder is %q, go.mod requires %s", project.Builder, found)
	}
}

func FuzzBuild(f *testing.F) {
	for _, seed := range []string{
		"export default {}", "class A { get = 1 }", "import 'a'", "`${`${1}`}`", "x = /[/]/ / 2", "<a>'</a>", "for await (;;)",
		"//# sourceMappingURL=data:,{}", "a?.b`c`", "enum A { b = 'c' }", "@d class X { @e f }", "\xff", "/\\p{L}/u", "using x = 1",
	} {
		for _, m := range []string{"", `{"version":3,"sources":["a"],"names":[],"mappings":"AAAA;;CADC"}`} {
			f.Add(seed, m, "a.ts")
			f.Add(seed, m, "a.jsx")
		}
	}
	f.Fuzz(func(t *testing.T, source, sourceMap, entry string) {
		out, err := project.Build(context.Background(), project.Input{Source: source, SourceMap: sourceMap, Entry: entry})
		if err != nil {
			bad := sourceError(t, err)
			if bad.Text == "" || bad.Error() == "" || strings.Contains(bad.Text, "panic") {
				t.Errorf("error says nothing useful: %+v", bad)
			}
			return
		}
		var m struct{ Sources []string }
		if err := json.Unmarshal(out.Map, &m); err != nil {
			t.Errorf("map is no JSON: %v", err)
		}
		for _, name := range m.Sources {
			if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../") {
				t.Errorf("map names %q", name)
			}
		}
	})
}
