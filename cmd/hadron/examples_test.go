package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/project"
)

// Each example bundles, builds without a warning, and loads: make run deploys them
// all.
func TestExamplesLoad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/*/hadron.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	e, err := engine.New(engine.Config{Bundle: func(context.Context, function.ID) (function.Bundle, error) {
		return function.Bundle{}, errors.New("nothing is invoked here")
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(dir, "package.json")); err == nil {
				if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil && os.Getenv("HADRON_TEST_REQUIRE") == "" {
					t.Skip("its packages are not installed: run make examples")
				}
			}
			p, err := project.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			upload, err := p.Bundle(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			built, err := project.Build(t.Context(), project.Input{Source: upload.Source, SourceMap: upload.SourceMap, Entry: p.Manifest.Entry})
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range append(upload.Warnings, built.Warnings...) {
				t.Errorf("warning: %v", w)
			}
			id := function.ID{Name: function.Name(p.Manifest.Name), Version: 1}
			if err := e.Check(t.Context(), function.Bundle{ID: id, Code: built.Code, Map: built.Map, Manifest: p.Manifest}); err != nil {
				t.Errorf("Check: %v", err)
			}
			t.Logf("%d bytes of %d modules", upload.Bytes, upload.Modules)
		})
	}
}
