package project_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hadron/runtime/project"
)

func load(t testing.TB, path string) *project.Project {
	t.Helper()
	p, err := project.Load(path)
	if err != nil {
		t.Fatalf("Load(%s): %v", path, err)
	}
	return p
}

// write makes a project of files by name.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBundleInlinesModulesAndPackages(t *testing.T) {
	p := load(t, "testdata/modules")
	up, err := p.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if up.Modules != 6 || up.Bytes != len(up.Source) {
		t.Errorf("modules %d, bytes %d of %d", up.Modules, up.Bytes, len(up.Source))
	}
	for _, want := range []string{"export {", "new TypeError(", "a text file", `"answer": 42`, "from a package"} {
		if !strings.Contains(up.Source, want) && !strings.Contains(up.Source, strings.ReplaceAll(want, `"answer"`, "answer")) {
			t.Errorf("bundle lacks %q:\n%s", want, up.Source)
		}
	}
	if strings.Contains(up.Source, "from \"") {
		t.Errorf("imports are left:\n%s", up.Source)
	}
	var m struct {
		Sources        []string
		SourcesContent []*string
	}
	if err := json.Unmarshal([]byte(up.SourceMap), &m); err != nil {
		t.Fatal(err)
	}
	for i, name := range m.Sources {
		ours := !strings.Contains(name, "node_modules")
		if has := m.SourcesContent[i] != nil; has != ours {
			t.Errorf("%s: text in the map: %v", name, has)
		}
	}
}

// The digest of an upload must not depend on where it was made.
func TestBundleIsTheSameOnEveryMachine(t *testing.T) {
	bundle := func(dir string) *project.Upload {
		up, err := load(t, dir).Bundle(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return up
	}
	here := bundle("testdata/modules")
	copied := filepath.Join(t.TempDir(), "quite", "elsewhere")
	if err := os.CopyFS(copied, os.DirFS("testdata/modules")); err != nil {
		t.Fatal(err)
	}
	there := bundle(copied)
	if here.Source != there.Source || here.SourceMap != there.SourceMap {
		t.Error("the same project gave two bundles")
	}
	if cwd, _ := os.Getwd(); strings.Contains(there.Source+there.SourceMap, copied) || strings.Contains(here.Source+here.SourceMap, cwd) {
		t.Error("a path of this machine is in the bundle")
	}
}

// In a workspace, packages lie above the project; how far up is no one's concern.
func TestBundleNamesWorkspacePackagesPlainly(t *testing.T) {
	dir := write(t, map[string]string{
		"node_modules/up/package.json": `{"name":"up","main":"index.js"}`,
		"node_modules/up/index.js":     "module.exports = () => 'up'",
		"node_modules/esm/index.js":    "export const esm = () => 'esm'",
		"apps/web/index.ts":            "import up from 'up'; import { esm } from 'esm'; export default () => new Response(up() + esm())",
	})
	up, err := load(t, filepath.Join(dir, "apps/web")).Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(up.Source, "../") || strings.Contains(up.SourceMap, "../") {
		t.Errorf("the bundle looks above the project:\n%s\n%s", up.Source, up.SourceMap)
	}
	build(t, project.Input{Source: up.Source, SourceMap: up.SourceMap})
}

// Packages ask for Node.js in ways that they survive without.
func TestBundleLetsPackagesProbeForNode(t *testing.T) {
	dir := write(t, map[string]string{
		"index.ts": "let c; try { c = require('node:crypto') } catch { c = null }\nif (process.env.NODE_ENV === 'production') c = 1;\nexport default () => c",
	})
	up, err := load(t, dir).Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(up.Source, "process.env") {
		t.Errorf("process.env is left:\n%s", up.Source)
	}
	build(t, project.Input{Source: up.Source, SourceMap: up.SourceMap})
}

func TestBundleRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
		more  int
	}{
		"a missing package":    {map[string]string{"index.ts": "import { z } from 'zod/v4';\nexport default z"}, `index.ts:1:19: cannot import "zod/v4": there is no such package in node_modules: run "npm install zod"`, 0},
		"a scoped package":     {map[string]string{"index.ts": "import '@a/b/c'"}, `index.ts:1:8: cannot import "@a/b/c": there is no such package in node_modules: run "npm install @a/b"`, 0},
		"a missing file":       {map[string]string{"index.ts": "export * from './x'"}, `index.ts:1:15: cannot import "./x": there is no such file`, 0},
		"a module of Node.js":  {map[string]string{"src/index.ts": "import * as c from 'node:crypto'\nexport default c"}, `src/index.ts:1:20: cannot import "node:crypto": functions run without Node.js, so use the global crypto for randomness, and a package without Node.js for the rest`, 0},
		"one without a scheme": {map[string]string{"index.js": "import fs from 'fs/promises'\nexport default fs"}, `index.js:1:16: cannot import "fs/promises": functions run without Node.js, so there are no files: import text and JSON, and they are bundled`, 0},
		"a syntax error below": {map[string]string{"index.ts": "export * from './b'; export * from './c'", "b.ts": "let x = ;", "c.ts": "let y = ;"}, `b.ts:1:9: Unexpected ";" (and 1 more error)`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, write(t, c.files)).Bundle(t.Context())
			bad := sourceError(t, err)
			if bad.Error() != c.want || bad.More != c.more {
				t.Errorf("got  %s\nwant %s", bad, c.want)
			}
			if !strings.Contains(bad.Frame, "│") {
				t.Errorf("frame: %q", bad.Frame)
			}
		})
	}
}

// Who deploys must hear of it: the server's own warnings are not seen by anyone.
func TestBundleWarnsOfWhatWillNotWork(t *testing.T) {
	dir := write(t, map[string]string{
		"index.ts": "import * as words from './words';\nexport default (r: Request) => new Response(String(words.was(r.url)))",
		"words.ts": "export function is(s: string) {\n  return /^\\p{Lu}/u.test(s);\n}",
	})
	up, err := load(t, dir).Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(up.Warnings) != 1 || up.Warnings[0].File != "index.ts" || up.Warnings[0].Line != 2 || !strings.Contains(up.Warnings[0].Frame, "words.was") {
		t.Errorf("warnings: %v", up.Warnings)
	}
}

func TestBundleSaysWhatMakesItLarge(t *testing.T) {
	dir := write(t, map[string]string{
		"index.ts":                         "import { text } from '@big/data'; export default () => text",
		"node_modules/@big/data/index.js":  "export const text = '" + strings.Repeat("x", project.MaxSource) + "'",
		"node_modules/@big/data/unused.js": "",
	})
	_, err := load(t, dir).Bundle(t.Context())
	if bad := sourceError(t, err); !strings.Contains(bad.Text, "Largest: @big/data 4194 kB, index.ts 0 kB") {
		t.Errorf("got %v", bad)
	}
}

func TestBundleEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load(t, "testdata/modules").Bundle(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// The functions to start from must at least compile. The one that uses npm is
// bundled where its packages are installed.
func TestExamplesBuild(t *testing.T) {
	root := "../../examples"
	manifests, err := fs.Glob(os.DirFS(root), "*/"+project.ManifestFile)
	if err != nil || len(manifests) < 5 {
		t.Fatalf("found %d examples (%v)", len(manifests), err)
	}
	for _, file := range manifests {
		dir := filepath.Join(root, filepath.Dir(file))
		t.Run(filepath.Dir(file), func(t *testing.T) {
			p := load(t, dir)
			if _, err := p.RequireName(); err != nil {
				t.Error(err)
			}
			_, needs := os.Stat(filepath.Join(dir, "package.json"))
			if _, err := os.Stat(filepath.Join(dir, "node_modules")); needs == nil && err != nil {
				t.Skip("its npm packages are not installed; \"make examples\" installs them")
			}
			up, err := p.Bundle(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			out := build(t, project.Input{Source: up.Source, SourceMap: up.SourceMap, Entry: p.Manifest.Entry})
			if len(out.Warnings) > 0 {
				t.Errorf("warnings: %v", out.Warnings)
			}
		})
	}
}
