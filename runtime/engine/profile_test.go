package engine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/project"
)

// addModule registers a version as the server does: built, with its source map.
func (f *fixture) addModule(t *testing.T, id function.ID, source, sourceMap string) {
	t.Helper()
	out, err := project.Build(context.Background(), project.Input{Source: source, SourceMap: sourceMap, Entry: "src/index.ts"})
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bundles[id] = function.Bundle{ID: id, Code: out.Code, Map: out.Map, Manifest: function.DefaultManifest()}
}

// load calls versions over and over until the test's end.
func (f *fixture) load(t *testing.T, ids ...function.ID) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	var callers sync.WaitGroup
	for _, id := range ids {
		callers.Go(func() {
			for ctx.Err() == nil {
				if out := f.Invoke(ctx, get(id, "/"), newSink()); out.Code != invocation.OK && ctx.Err() == nil {
					t.Errorf("outcome %+v, failure %v", out, out.Failure)
					return
				}
			}
		})
	}
	t.Cleanup(func() {
		cancel(invocation.ErrClientClosed)
		callers.Wait()
	})
}

const spinning = `interface Env {}

const square = (n: number): number => n * n;

function spin(rounds: number) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) {
    sum += square(i) % 7;
  }
  return sum;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return Response.json(spin(2000));
  },
};
`

func TestProfileNamesTheAuthorsFunctionAndLine(t *testing.T) {
	f := newFixture(t, nil)
	id := function.ID{Name: testName, Version: 1}
	f.addModule(t, id, spinning, "")
	f.load(t, id)
	p := profiled(t, f, id, 2*time.Second)
	seen := map[string]bool{}
	for _, l := range p.Location {
		for _, line := range l.Line {
			if strings.HasPrefix(line.Function.Filename, "hadron:") {
				t.Errorf("the platform's own %s is in the profile", line.Function.Filename)
			}
			if line.Function.Filename != "src/index.ts" {
				t.Errorf("%s is in %q", line.Function.Name, line.Function.Filename)
			}
			seen[line.Function.Name] = true
			if line.Function.Name == "spin" && (line.Line < 5 || line.Line > 10) {
				t.Errorf("spin was seen on line %d", line.Line)
			}
			if line.Function.Name == "spin" && line.Function.StartLine != 5 {
				t.Errorf("spin begins on line %d", line.Function.StartLine)
			}
		}
	}
	for _, name := range []string{"spin", "square", "fetch"} {
		if !seen[name] {
			t.Errorf("%s was not seen: %v", name, seen)
		}
	}
	if p.SampleType[1].Type != "cpu" || p.DurationNanos < int64(time.Second) || p.TimeNanos == 0 {
		t.Errorf("profile %v", p)
	}
}

func profiled(t *testing.T, f *fixture, id function.ID, d time.Duration) *profile.Profile {
	t.Helper()
	data, err := f.Profile(context.Background(), id, d)
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.Parse(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProfileKeepsToItsFunctionAndVersion(t *testing.T) {
	f := newFixture(t, nil)
	one, two := function.ID{Name: testName, Version: 1}, function.ID{Name: testName, Version: 2}
	other := function.ID{Name: "team/project/fn-2", Version: 1}
	f.addModule(t, one, spinning, "")
	f.addModule(t, two, strings.ReplaceAll(spinning, "spin", "whirl"), "")
	f.addModule(t, other, strings.ReplaceAll(spinning, "spin", "alien"), "")
	f.load(t, one, two, other)
	if names := namesOf(profiled(t, f, one, 2*time.Second)); !names["spin"] || names["whirl"] || names["alien"] {
		t.Errorf("version 1: %v", names)
	}
	if names := namesOf(profiled(t, f, function.ID{Name: testName}, 2*time.Second)); !names["spin"] || !names["whirl"] || names["alien"] {
		t.Errorf("all versions: %v", names)
	}
}

func namesOf(p *profile.Profile) map[string]bool {
	names := map[string]bool{}
	for _, fn := range p.Function {
		names[fn.Name] = true
	}
	return names
}

// watching starts a long profile and returns once it runs; its end comes on the
// channel.
func watching(ctx context.Context, f *fixture) <-chan error {
	ended := make(chan error, 1)
	go func() {
		for {
			_, err := f.Profile(ctx, function.ID{Name: testName}, MaxProfile)
			if !errors.Is(err, invocation.ErrProfiling) { // else the look below was in its way
				ended <- err
				return
			}
		}
	}()
	for profiler.TryLock() {
		profiler.Unlock()
		runtime.Gosched()
	}
	return ended
}

func TestOneProfileAtATime(t *testing.T) {
	f := newFixture(t, nil)
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := watching(ctx, f)
	if _, err := f.Profile(ctx, function.ID{Name: testName}, MinProfile); !errors.Is(err, invocation.ErrProfiling) {
		t.Errorf("a second profile ended with %v", err)
	}
	why := errors.New("no longer wanted")
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("it ended with %v", err)
	}
}

func TestProfileOfAnIdleFunctionSaysSo(t *testing.T) {
	f := newFixture(t, nil)
	id, busy := function.ID{Name: testName, Version: 1}, function.ID{Name: "team/project/busy", Version: 1}
	f.addModule(t, id, spinning, "")
	f.addModule(t, busy, spinning, "")
	f.load(t, busy)
	if _, err := f.Profile(context.Background(), id, time.Nanosecond); !errors.Is(err, invocation.ErrNoSamples) {
		t.Errorf("it ended with %v", err)
	}
}

func TestClosingEndsAProfile(t *testing.T) {
	f := newFixture(t, nil)
	ended := watching(context.Background(), f)
	if err := f.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("it ended with %v", err)
	}
}

// Two files of a bundle have functions on the same lines; the map says which is
// whose.
func TestProfileFindsTheFile(t *testing.T) {
	dir := t.TempDir()
	body := func(name string) string {
		return "export function " + name + "(n: number) {\n  let sum = 0;\n  for (let i = 0; i < n; i++) {\n    sum += i % 7;\n  }\n  return sum;\n}\n"
	}
	for name, text := range map[string]string{
		"hadron.yaml":  "name: team/project/fn\nentry: index.ts\n",
		"index.ts":     "import { first } from './lib/first';\nimport { second } from './lib/second';\nexport default () => Response.json(first(3000) + second(3000));\n",
		"lib/first.ts": body("first"), "lib/second.ts": body("second"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := project.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	upload, err := p.Bundle(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, nil)
	id := function.ID{Name: testName, Version: 1}
	f.addModule(t, id, upload.Source, upload.SourceMap)
	f.load(t, id)
	files := map[string]string{}
	for _, fn := range profiled(t, f, id, 2*time.Second).Function {
		files[fn.Name] = fn.Filename
	}
	if files["first"] != "lib/first.ts" || files["second"] != "lib/second.ts" || files["index_default"] != "index.ts" {
		t.Errorf("files %v", files)
	}
}
