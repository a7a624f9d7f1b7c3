package worker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/project"
)

func job(source string) Job {
	return Job{Name: "t/p/f", Source: source, Manifest: function.DefaultManifest()}
}

func TestBuild(t *testing.T) {
	f := newFixture(t, nil)
	bundle, err := f.Build(t.Context(), job("export default { fetch(): Response { return new Response('built') } }"))
	if err != nil {
		t.Fatal(err)
	}
	if bundle.ID.Name != "t/p/f" || bundle.Builder != project.Builder || len(bundle.Map) == 0 || bundle.Manifest.Entry != "index.ts" {
		t.Errorf("%+v", bundle)
	}
	id := f.add("t/p/f", 1, string(bundle.Code))
	if got := f.ok(get(id, "/")); got != "built" {
		t.Error(got)
	}
	if n := len(f.all()); n != 1 {
		t.Errorf("%d workers: the compiler's is no team's", n)
	}
}

// What is refused in a compile worker is the same error here.
func TestBuildRefusals(t *testing.T) {
	f := newFixture(t, nil)
	_, err := f.Build(t.Context(), job("export default {\n  fetch() { return new ; }\n}"))
	var source *project.SourceError
	if !errors.As(err, &source) || source.File != "index.ts" || source.Line != 2 || source.Column == 0 || source.Frame == "" || source.Text == "" {
		t.Errorf("%#v", err)
	}
	_, err = f.Build(t.Context(), job("export const a = 1"))
	var check *engine.CheckError
	if !errors.As(err, &check) || check.Kind != engine.NoHandler || check.Message == "" {
		t.Errorf("%#v", err)
	}
	_, err = f.Build(t.Context(), job("export default { fetch() {} };\n\nthrow new TypeError('at load')"))
	if !errors.As(err, &check) || check.Kind != engine.SourceInvalid || check.Line != 3 || !strings.Contains(check.Message, "at load") {
		t.Errorf("%#v", err)
	}
}

// A module that cannot be compiled in time, or in the memory there is, is refused
// with the reason, and ends nothing but its compiler.
func TestBuildLimits(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.BuildTimeout, c.BuildMemory = 2*time.Second, 128<<20 })
	var check *engine.CheckError
	started := time.Now()
	_, err := f.Build(t.Context(), job("export default { fetch() {} }; "+strings.Repeat("for (;;) {}", 1)))
	if !errors.As(err, &check) || check.Kind != engine.SourceInvalid || time.Since(started) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(started))
	}
	_, err = f.Build(t.Context(), job("export default { fetch() {} }; "+hoard))
	if !errors.As(err, &check) || check.Kind != engine.SourceInvalid {
		t.Errorf("%#v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Build(ctx, job("export default { fetch() {} }")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := f.Build(t.Context(), job("export default { fetch() {} }")); err != nil {
		t.Error(err)
	}
}
