package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommittedFileIsCurrent(t *testing.T) {
	want, err := Generate(source)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != string(want) {
		t.Fatal("ui/web/src/wire.gen.ts is not what ui/wire says: run go generate ./ui/wire/gen")
	}
}

func generate(t *testing.T, body string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n"+body), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := Generate(dir)
	return strings.TrimSpace(strings.TrimPrefix(string(out), header)), err
}

func TestGenerate(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{
			"members follow the JSON tags",
			"// T is one.\ntype T struct {\n\tA int `json:\"a\"` // of things\n\tB *string `json:\"b,omitempty\"`\n\tC *float64 `json:\"c\"`\n\td int\n\tE string `json:\"-\"`\n}",
			"/** T is one. */\nexport interface T {\n  /** of things */\n  a: number;\n  b?: string;\n  c: number | null;\n}",
		},
		{
			"lists, maps, times and other types",
			"type T struct {\n\tA []*U `json:\"a\"`\n\tB map[string]time.Time `json:\"b\"`\n\tC L[U] `json:\"c\"`\n}",
			"export interface T {\n  a: (U | null)[];\n  b: Record<string, string>;\n  c: L<U>;\n}",
		},
		{
			"generic parameters",
			"type L[T any] struct {\n\tItems []T `json:\"items\"`\n}",
			"export interface L<T> {\n  items: T[];\n}",
		},
		{
			"typed constants are a union, untyped ones constants",
			"type S string\nconst (\n\tA S = \"a\"\n\tB S = \"b\"\n)\nconst C = \"c\"",
			"export type S = \"a\" | \"b\";\n\nexport const C = \"c\";",
		},
		{
			"a tag says the type",
			"type T struct {\n\tA json.RawMessage `json:\"a\" tstype:\"Record<string, unknown>\"`\n}",
			"export interface T {\n  a: Record<string, unknown>;\n}",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			have, err := generate(t, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if have != c.want {
				t.Errorf("have:\n%s\nwant:\n%s", have, c.want)
			}
		})
	}
}

func TestGenerateRefuses(t *testing.T) {
	for _, in := range []string{
		"type T struct{ A chan int }", "type T struct{ U }", "type T struct{ A func() }", "type T struct{ A http.Header }",
	} {
		if _, err := generate(t, in); !errors.Is(err, ErrType) {
			t.Errorf("%s: error is %v, want ErrType", in, err)
		}
	}
	if _, err := generate(t, "type T struct{"); err == nil {
		t.Error("source that does not parse was taken")
	}
}
