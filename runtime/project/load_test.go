package project_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/project"
)

func TestLoadReadsTheManifest(t *testing.T) {
	dir := write(t, map[string]string{"src/main.ts": "", "hadron.yaml": `
name: growth/signup/greeting   # a comment
entry: src/main.ts
compatibility_date: 2026-11-22
limits: {timeout: 1s, memory: 128MiB, concurrency: 0x10}
env:
  PORT: 8080
  DEBUG: true
  RATE: 1.50
  NOTHING: ""
secrets:
slo:
  availability: 99.95
  latency: [{quantile: 0.999, threshold: 250ms}]
schedules:
  - cron: "*/5 * * * *"
`})
	p := load(t, dir)
	m := p.Manifest
	if m.Name != "growth/signup/greeting" || m.Entry != "src/main.ts" || m.CompatibilityDate != "2026-11-22" ||
		m.Limits.Concurrency != 16 || m.Limits.Memory != 128<<20 || m.SLO.Availability != 99.95 || len(m.Schedules) != 1 {
		t.Errorf("manifest: %+v", m)
	}
	if m.Env["PORT"] != "8080" || m.Env["DEBUG"] != "true" || m.Env["RATE"] != "1.50" || m.Env["NOTHING"] != "" {
		t.Errorf("env is text as it was written: %v", m.Env)
	}
	again, err := function.ParseManifest(p.ManifestJSON)
	if err != nil || again.Name != m.Name || again.Env["RATE"] != "1.50" {
		t.Errorf("what is uploaded means something else: %s (%v)", p.ManifestJSON, err)
	}
	if strings.Contains(string(p.ManifestJSON), "secrets") {
		t.Errorf("a key without a value is uploaded: %s", p.ManifestJSON)
	}
}

func TestLoadGuessesWithoutAManifest(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"index.ts":     {"index.ts": "", "src/index.ts": "", "index.js": ""},
		"index.js":     {"index.js": "", "src/index.ts": ""},
		"src/index.ts": {"src/index.ts": "", "lib/index.ts": ""},
		"src/index.js": {"src/index.js": "", "hadron.yaml": "description: no entry"},
		"index.mjs":    {"index.mjs": "", "hadron.yaml": "# nothing\n"},
	} {
		t.Run(want, func(t *testing.T) {
			p := load(t, write(t, files))
			if p.Manifest.Entry != want {
				t.Errorf("entry %s", p.Manifest.Entry)
			}
			var sent struct{ Entry string }
			if err := json.Unmarshal(p.ManifestJSON, &sent); err != nil || sent.Entry != want {
				t.Errorf("uploads %s (%v)", p.ManifestJSON, err)
			}
			if _, err := p.RequireName(); err == nil || !strings.Contains(err.Error(), "name: team/project/") {
				t.Errorf("RequireName: %v", err)
			}
		})
	}
}

func TestLoadTakesAFile(t *testing.T) {
	dir := write(t, map[string]string{"hello.ts": "export default () => new Response('hi')", "hadron.yaml": "name: a/b/c\nentry: hello.ts"})
	p := load(t, filepath.Join(dir, "hello.ts"))
	if p.Manifest.Entry != "hello.ts" || p.Manifest.Name != "" {
		t.Errorf("a file is a project of its own: %+v", p.Manifest)
	}
	if _, err := p.Bundle(t.Context()); err != nil {
		t.Error(err)
	}
	if p := load(t, filepath.Join(dir, "hadron.yaml")); p.Manifest.Name != "a/b/c" {
		t.Errorf("manifest: %+v", p.Manifest)
	}
}

func TestLoadNamesLineAndKey(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want, frame string }{
		"an unknown key":      {"name: a/b/c\nlimits:\n  timout: 2s\n", `hadron.yaml:3:3: limits.timout: no such key; did you mean "timeout"?`, "  timout: 2s"},
		"a misplaced key":     {"timeout: 2s", `hadron.yaml:1:1: timeout: no such key; did you mean "limits.timeout"?`, "timeout"},
		"a wrong value":       {"slo:\n  latency:\n    - quantile: 99\n      threshold: 1s", "hadron.yaml:3:7: slo.latency[0].quantile: from 0.5 to under 1, such as 0.99", "quantile: 99"},
		"a wrong kind":        {"limits:\n  timeout: 2", `hadron.yaml:2:3: limits.timeout: a number stands where a duration, such as "2s", is expected`, "timeout: 2"},
		"a wrong name":        {"\nname: Greeting", `hadron.yaml:2:1: name: "Greeting" is not a function name: write it as "team/project/name"`, "Greeting"},
		"a key twice":         {"name: a/b/c\nowner: x\nname: a/b/d", `hadron.yaml:3:1: name stands there twice`, "a/b/d"},
		"a list":              {"- a\n- b", `hadron.yaml:1:1: this file is keys and values, such as "name: team/project/name"`, "- a"},
		"a tab":               {"limits:\n\ttimeout: 2s", "hadron.yaml:2:2: not YAML: found character that cannot start any token", "timeout"},
		"a missing entry":     {"owner: a\nentry: nowhere.ts", "hadron.yaml:2:1: entry: there is no file nowhere.ts in the project", "nowhere"},
		"an entry outside":    {"entry: ../x.ts", "hadron.yaml:1:1: entry: give a file of the project, ending in .ts .tsx .mts .js .jsx .mjs", "../x.ts"},
		"not a number":        {"slo: {availability: .nan}", "hadron.yaml:1:21: .nan is not a number that this file can hold", ".nan"},
		"an alias that grows": {"a: &a [1,2,3,4,5,6,7,8,9]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d]", "hadron.yaml:1:16: the file is nested too deep or grows too large by its aliases", ""},
		"an alias to itself":  {"env: &a\n  x: *a", "hadron.yaml:1:6: the file is nested too deep or grows too large by its aliases", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := project.Load(write(t, map[string]string{"index.ts": "", "hadron.yaml": c.yaml}))
			bad := sourceError(t, err)
			if bad.Error() != c.want {
				t.Errorf("got  %s\nwant %s", bad, c.want)
			}
			if !strings.Contains(bad.Frame, c.frame) {
				t.Errorf("frame lacks %q:\n%s", c.frame, bad.Frame)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no code":         {map[string]string{"readme.md": ""}, "no code found in"},
		"another name":    {map[string]string{"hadron.yml": "", "index.ts": ""}, "rename it"},
		"a huge manifest": {map[string]string{"hadron.yaml": strings.Repeat("#", function.MaxManifestBytes+1)}, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := project.Load(write(t, c.files)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := project.Load(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a directory that is not there loaded")
	}
	_, err := project.Load(write(t, map[string]string{"index.ts": "", "hadron.yaml": "access: everyone"}))
	var bad *function.ManifestError
	if !errors.As(err, &bad) || bad.Key != "access" {
		t.Errorf("the manifest's error is not in %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"", "name: a/b/c", "env: {A: 1}", "a: &a [*a]", "slo: {latency: [{quantile: .5}]}", "? a", "<<: *x", "\t", "%YAML 9", "a: !!binary x", "entry: ''"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := project.Load(write(t, map[string]string{"index.ts": "", "hadron.yaml": text}))
		if err == nil {
			if _, err := function.ParseManifest(p.ManifestJSON); err != nil {
				t.Errorf("loaded, and refused as uploaded: %v", err)
			}
		}
	})
}
