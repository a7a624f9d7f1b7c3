package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/runtime/registry"
	"hadron/storage/sql"
)

// teams is how many own the functions between them: as many workers live at most.
const teams = 20

// nameOf is the name of function i.
func nameOf(i int) function.Name {
	return function.Name(fmt.Sprintf("team-%d/project-%d/fn-%d", i%teams, i/teams%10, i))
}

// sourceOf is a small function that no other is equal to.
func sourceOf(i int) string {
	return fmt.Sprintf(`interface Greeting { hello: string; number: number }

const greeting = (name: string): Greeting => ({ hello: name, number: %d });

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    return Response.json(greeting(url.searchParams.get("name") ?? "world"));
  },
};
`, i)
}

// template builds one source and gives every function its own number in the result:
// a hundred thousand runs of the compiler would measure the compiler.
type template struct{ bundle function.Bundle }

const mark = "424242424"

func newTemplate(ctx context.Context) (*template, error) {
	out, err := project.Build(ctx, project.Input{Source: strings.Replace(sourceOf(0), "number: 0 }", "number: "+mark+" }", 1), Entry: "index.ts"})
	if err != nil {
		return nil, err
	}
	return &template{function.Bundle{Code: out.Code, Map: out.Map, Builder: out.Builder}}, nil
}

// Build implements registry.Builder.
func (t *template) Build(_ context.Context, src registry.Source) (function.Bundle, error) {
	_, number, _ := strings.Cut(src.Name.Base(), "-")
	b := t.bundle
	b.ID.Name, b.Manifest = src.Name, src.Manifest
	b.Code = []byte(strings.ReplaceAll(string(b.Code), mark, number))
	return b, nil
}

// fill registers n functions through the registry, into an index of its own, unless
// that is there.
func fill(ctx context.Context, path string, n int, progress io.Writer) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	part := path + ".part"
	db, err := sql.Open(ctx, sql.Config{Path: part})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // where it was not closed below
	builder, err := newTemplate(ctx)
	if err != nil {
		return err
	}
	index, err := registry.New(registry.Config{Store: db.Registry(), Builder: builder})
	if err != nil {
		return err
	}
	if err := index.Start(ctx); err != nil {
		return err
	}
	started := time.Now()
	for i := range n {
		if _, err := index.Register(ctx, registry.Registration{
			By: "bench", Name: nameOf(i), Source: sourceOf(i), Manifest: []byte(`{"access": "public"}`),
		}); err != nil {
			return err
		}
		if (i+1)%10_000 == 0 {
			fmt.Fprintf(progress, "%d of %d functions are registered after %s\n", i+1, n, time.Since(started).Round(time.Second))
		}
	}
	if err := db.Close(); err != nil {
		return err
	}
	return os.Rename(part, path)
}
