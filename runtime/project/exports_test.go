package project_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"hadron/runtime/project"
)

// A small module is not to be most of all esbuild's helpers, which nobody needs. Where a
// newer esbuild writes them otherwise, this fails.
func TestBuildWritesExportsPlainly(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"default":  {"export default { fetch() { return new Response('x') } }", "module.exports={get default(){return index_default}};"},
		"named":    {"const größe = 1; export { größe as class }; export async function fetch(r: Request) { return size }; export let size = 2", "module.exports={get class(){return größe},get fetch(){return fetch},get size(){return size}};"},
		"function": {"export default function handler() {}", "module.exports={get default(){return handler}};"},
	} {
		t.Run(name, func(t *testing.T) {
			out := build(t, project.Input{Source: c.source})
			if want := "\"use strict\";\n" + c.want; !strings.HasPrefix(string(out.Code), want) {
				t.Errorf("code begins otherwise than\n%s:\n%s", want, out.Code)
			}
			if found := regexp.MustCompile(`__\w+`).Find(out.Code); found != nil {
				t.Errorf("code has esbuild's %s:\n%s", found, out.Code)
			}
		})
	}
}

// What cannot be written plainly for sure is left to the helpers.
func TestBuildLeavesOddExportsToTheirHelpers(t *testing.T) {
	for name, source := range map[string]string{
		"name in quotes":          "const x = 1; export { x as 'a b' }",
		"name like an accessor":   "export const get = 1",
		"helper's name in a text": "export default () => '__defProp'",
		"object's name in a text": "export default () => 'index_exports'",
	} {
		t.Run(name, func(t *testing.T) {
			if out := build(t, project.Input{Source: source}); !bytes.Contains(out.Code, []byte("__toCommonJS(")) {
				t.Errorf("code is\n%s", out.Code)
			}
		})
	}
}

// Each place of a module maps to where its author wrote it, on the line of the exports
// and behind it.
func TestBuildMapsWhatFollowsPlainExports(t *testing.T) {
	source := "const first = 1;\nexport default {\n  fetch() {\n    const text = `one\ntwo`;\n    return second(first, text);\n  },\n};\nconst second = (...a: unknown[]) => new Response(a.join());\n"
	out := build(t, project.Input{Source: source})
	if !bytes.HasPrefix(out.Code, []byte("\"use strict\";\nmodule.exports={get default()")) {
		t.Fatalf("exports are not plain:\n%s", out.Code)
	}
	lines := strings.Split(source, "\n")
	for _, text := range []string{"const first", "text=", "first,text", "const second", "new Response"} {
		file, line, column := placeOf(t, out, text)
		written := strings.ReplaceAll(strings.ReplaceAll(text, "text=", "text ="), ",", ", ")
		if file != "index.ts" || !strings.HasPrefix(lines[line-1][column-1:], written) {
			t.Errorf("%q maps to %s:%d:%d", text, file, line, column)
		}
	}
}
