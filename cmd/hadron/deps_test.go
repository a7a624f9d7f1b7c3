package main

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the import graph into docs/architecture.md")

// The house, as rooms: a package may import those of its own list only. Leaves
// are free to all. Each exception says why.
var (
	leaves = []string{
		"runtime/function", "runtime/invocation", "runtime/access", "runtime/reconcile", "runtime/pattern", "runtime/locale", "runtime/vlq", "runtime/http1",
		"collector/metric", "collector/slo", "collector/forward", "ui/wire",
	}
	domains = []string{
		"runtime/project", "runtime/registry", "runtime/tenant", "runtime/engine", "runtime/webapi",
		"runtime/worker", "runtime/gateway", "runtime/delivery", "collector", "collector/contract", "collector/logs", "collector/trace", "dashgen", "alerting",
	}
	adapters = []string{
		"storage/sql", "storage/tsdb", "storage/tsdb/intake", "storage/tsdb/scrape", "storage/tsdb/promapi", "dashgen/grafana", "alerting/pagerduty", "alerting/target",
		"runtime/tenant/oidc", "ui/api", "ui/live", "ui/client", "ui/web",
	}
	// Not part of the program: generators, suites for tests, and all of bench/.
	tools = []string{
		"ui/wire/gen", "runtime/registry/registrytest", "storage/sql/sqltest",
		"runtime/tenant/oidc/oidctest", "dashgen/grafana/grafanatest", "alerting/pagerduty/pagerdutytest", "alerting/target/targettest",
		"bench/alerts", "bench/ceiling", "bench/compare", "bench/density", "bench/live", "bench/marked", "bench/process",
	}

	exceptions = map[string][]string{
		"runtime/engine":       {"runtime/webapi"},                      // the engine hosts the web API in its VMs
		"runtime/worker":       {"runtime/engine", "runtime/project"},   // it is the engine and the builder, in another process
		"storage/tsdb/intake":  {"storage/tsdb"},                        // the way into the store for what others counted
		"storage/tsdb/scrape":  {"storage/tsdb", "storage/tsdb/intake"}, // the same vendor's scraper, which writes there
		"storage/tsdb/promapi": {"storage/tsdb", "storage/tsdb/intake"}, // the same vendor's HTTP face
	}
)

// The doors: who may import a vendor's packages, outside tests.
var doors = []struct {
	vendor string
	rooms  []string
	why    string
}{
	{"github.com/dop251/goja", []string{"runtime/engine", "runtime/webapi", "bench/ceiling"}, "no VM type may cross the invoker's boundary: a process will stand there"},
	{"github.com/evanw/esbuild", []string{"runtime/project"}, "bundling moves to a throw-away worker"},
	{"github.com/jmoiron/sqlx", []string{"storage/sql"}, "one room knows SQL"},
	{"modernc.org/sqlite", []string{"storage/sql"}, "one room knows SQL"},
	{"github.com/pressly/goose", []string{"storage/sql"}, "one room knows SQL"},
	{"github.com/prometheus/prometheus", []string{"storage/tsdb", "storage/tsdb/intake", "storage/tsdb/scrape", "storage/tsdb/promapi"}, "its Go API changes with each minor version"},
	{"go.opentelemetry.io/collector/pdata/ptrace", []string{"collector/trace"}, "spans leave in one place"},
	{"github.com/gorilla/websocket", []string{"ui/live", "ui/client", "bench/live"}, "the two ends of one protocol, and what measures it beside a naive one"},
	{"github.com/danielgtaylor/huma", []string{"ui/api"}, "one room knows REST"},
	{"github.com/aymanbagabas/go-udiff", []string{"ui/api"}, "what is compared is bounded in one place"},
	{"github.com/alecthomas/kong", []string{"cmd/hadron"}, "flags are read at the edge"},
	{"github.com/PagerDuty/go-pagerduty", []string{"alerting/pagerduty"}, "its faults are handled in one place"},
	{"github.com/coreos/go-oidc", []string{"runtime/tenant/oidc"}, "one room knows OpenID Connect"},
	{"golang.org/x/oauth2", []string{"runtime/tenant/oidc"}, "one room knows OpenID Connect"},
	{"github.com/grafana/", []string{"dashgen", "dashgen/grafana"}, "its faults are handled in one place"},
}

func isTool(room string) bool {
	return slices.Contains(tools, room) || strings.HasPrefix(room, "bench/")
}

type listed struct {
	ImportPath string
	Imports    []string
}

const module = "hadron/"

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		var allowed []string
		switch {
		case slices.Contains(leaves, room):
			if room != "runtime/function" {
				allowed = []string{"runtime/function"}
			}
			for _, imported := range p.Imports {
				if strings.Contains(strings.Split(imported, "/")[0], ".") {
					t.Errorf("%s is a leaf and imports %s; leaves import the standard library", room, imported)
				}
			}
		case slices.Contains(domains, room):
			allowed = slices.DeleteFunc(slices.Clone(leaves), func(l string) bool { return l == "ui/wire" })
		case slices.Contains(adapters, room):
			allowed = slices.Concat(leaves, domains)
		case isTool(room), strings.HasPrefix(room, "cmd/"):
			continue
		default:
			t.Errorf("%s has no place in the house; docs/architecture.md says which rooms there are", room)
		}
		for _, imported := range p.Imports {
			ours, ok := strings.CutPrefix(imported, module)
			if ok && !slices.Contains(allowed, ours) && !slices.Contains(exceptions[room], ours) {
				t.Errorf("%s imports %s, which its place in the house does not allow", room, ours)
			}
		}
	}
}

func TestEachVendorHasItsDoor(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			for _, d := range doors {
				if !strings.HasPrefix(imported, d.vendor) {
					continue
				}
				used[d.vendor] = true
				if !slices.Contains(d.rooms, room) {
					t.Errorf("%s imports %s; its doors are %v: %s", room, imported, d.rooms, d.why)
				}
			}
		}
	}
	for _, d := range doors {
		if !used[d.vendor] {
			t.Errorf("nothing imports %s any more: take its row out", d.vendor)
		}
	}
}

// The graph in docs/architecture.md is what go list says, so it cannot rot.
func TestArchitectureShowsTheImports(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/architecture.md", "<!-- imports:begin -->\n```\n", "```\n<!-- imports:end -->"
	var graph strings.Builder
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		if isTool(room) {
			continue
		}
		var ours []string
		for _, imported := range p.Imports {
			if short, ok := strings.CutPrefix(imported, module); ok {
				ours = append(ours, short)
			}
		}
		graph.WriteString(room)
		if len(ours) > 0 {
			graph.WriteString(" → " + strings.Join(ours, " "))
		}
		graph.WriteString("\n")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(data), begin)
	shown, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has lost its %q marks", path, "imports:begin")
	}
	if shown == graph.String() {
		return
	}
	if *update {
		if err := os.WriteFile(path, []byte(head+begin+graph.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s shows other imports than the code has: go test ./cmd/hadron -run Architecture -update", path)
}
