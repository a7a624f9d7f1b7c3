package api

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"hadron/runtime/access"
)

// TestDocsNameEveryRouteAndCode holds docs/api.md to the code.
func TestDocsNameEveryRouteAndCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	h, err := New(Config{
		Registry:     struct{ Registry }{},
		Authenticate: func(*http.Request) (access.Principal, error) { return access.Principal{}, ErrNoToken },
	})
	if err != nil {
		t.Fatal(err)
	}
	routes := regexp.MustCompile("`(GET|PUT|POST|DELETE) ([^`?]+)").FindAllStringSubmatch(doc, -1)
	documented := map[string]bool{}
	for _, r := range routes {
		documented[r[1]+" "+r[2]] = true
	}
	short := strings.NewReplacer(functionPath, "F", teamPath, "T", "{version}", "{v}")
	for path, item := range h.(*api).huma.OpenAPI().Paths {
		for method, there := range map[string]bool{"GET": item.Get != nil, "PUT": item.Put != nil, "POST": item.Post != nil, "DELETE": item.Delete != nil} {
			if route := method + " " + short.Replace(path); there && !documented[route] {
				t.Errorf("docs/api.md does not name %s", route)
			}
		}
	}
	codes := []string{"name_invalid", "manifest_invalid", "no_handler", "internal", "not_available", "overloaded", "cross_origin", "foreign_host", "profiling", "no_samples", "quota_exceeded", "secret_missing"}
	for _, row := range table {
		codes = append(codes, row.code)
	}
	for _, code := range statusCodes {
		codes = append(codes, code)
	}
	for _, code := range codes {
		if !strings.Contains(doc, "`"+code+"`") && code != "client_closed" { // which nobody sees
			t.Errorf("docs/api.md does not name the code %s", code)
		}
	}
}
