package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Whoever writes into the log of changes names the kind by a constant, and each of
// these has words.
func TestEachKindOfChangeHasWords(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	for _, file := range []string{
		"runtime/registry/change.go", "runtime/tenant/audit.go", "runtime/tenant/team.go", "runtime/delivery/freeze.go",
		"runtime/invocation/quarantine.go", "alerting/silence.go",
	} {
		for _, kind := range kindsIn(t, filepath.Join("../..", filepath.FromSlash(file))) {
			declared[kind] = true
			if changeWords[kind] == "" {
				t.Errorf("%s: the kind %q has no words", file, kind)
			}
		}
	}
	seen := map[string]string{}
	for kind, words := range changeWords {
		if !declared[kind] {
			t.Errorf("nobody writes the kind %q", kind)
		}
		if other := seen[words]; other != "" {
			t.Errorf("%s and %s both read %q", kind, other, words)
		}
		seen[words] = kind
	}
	if got := wordsOf("of_another_release"); got != "of_another_release" {
		t.Errorf("an unknown kind reads %q", got)
	}

	files, err := filepath.Glob("../../storage/sql/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of the store: %v", err)
	}
	literal := regexp.MustCompile(`(?s)change\{[^}]*Kind:\s+"`)
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil || (!strings.HasSuffix(file, "_test.go") && literal.Match(text)) {
			t.Errorf("%s writes a kind that is no constant (%v)", file, err)
		}
	}
}

// kindsIn are the values of the constants of a file that name a kind of change.
func kindsIn(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		name := spec.Names[0].Name
		value, ok := spec.Values[0].(*ast.BasicLit)
		if ok && value.Kind == token.STRING && (strings.HasPrefix(name, "Kind") || strings.HasPrefix(name, "Entry")) {
			text, err := strconv.Unquote(value.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, text)
		}
		return true
	})
	if len(out) == 0 {
		t.Fatalf("%s declares no kind of change", path)
	}
	return out
}
