package dashgen_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas finds Grafana's published JSON Schemas.
func schemas(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HADRON_CONTRACTS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "contracts")
	} else if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", dir) // it is given from the root of the repository
	}
	dir = filepath.Join(dir, "grafana", "jsonschema")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("Grafana's schemas are not here: set HADRON_CONTRACTS to the directory that holds grafana/jsonschema.")
	}
	return dir
}

// TestSchema holds the whole dashboard, and what the root schema leaves open
// (options, custom fields and queries of each panel), to Grafana's schemas.
func TestSchema(t *testing.T) {
	dir := schemas(t)
	compiler := jsonschema.NewCompiler()
	schema := func(kind, definition string) *jsonschema.Schema {
		t.Helper()
		path := filepath.Join(dir, kind+".jsonschema.json")
		if definition != "" {
			path += "#/definitions/" + definition
		}
		s, err := compiler.Compile(path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	root := schema("dashboard", "")
	query := schema("prometheus", "Dataquery")
	options := map[string]*jsonschema.Schema{
		"stat": schema("stat", "Options"), "timeseries": schema("timeseries", "Options"), "heatmap": schema("heatmap", "Options"),
		"table": schema("table", "Options"), "bargauge": schema("bargauge", "Options"),
	}
	custom := map[string]*jsonschema.Schema{
		"timeseries": schema("timeseries", "GraphFieldConfig"), "heatmap": schema("heatmap", "FieldConfig"),
	}
	for name, board := range boards(t) {
		t.Run(name, func(t *testing.T) {
			text := render(t, board)
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := root.Validate(value); err != nil {
				t.Errorf("%#v", err)
			}
			emptyStrings(t, "", value)
			var dashboard struct {
				Annotations struct{ List []struct{ Target any } }
				Panels      []struct {
					Type, Title string
					Options     any
					Targets     []any
					FieldConfig struct{ Defaults struct{ Custom any } }
				}
			}
			if err := json.Unmarshal(text, &dashboard); err != nil {
				t.Fatal(err)
			}
			check := func(what string, s *jsonschema.Schema, v any) {
				if err := s.Validate(v); err != nil {
					t.Errorf("%s: %#v", what, err)
				}
			}
			for _, p := range dashboard.Panels {
				if p.Type == "row" {
					continue
				}
				if options[p.Type] == nil {
					t.Fatalf("no schema for %s", p.Type)
				}
				check(p.Title+" options", options[p.Type], p.Options)
				if s := custom[p.Type]; s != nil {
					check(p.Title+" custom", s, p.FieldConfig.Defaults.Custom)
				}
				for _, target := range p.Targets {
					check(p.Title+" target", query, target)
				}
			}
			for _, a := range dashboard.Annotations.List {
				check("annotation", query, a.Target)
			}
		})
	}
}

// emptyStrings finds what the SDK writes for an enum that was not set.
func emptyStrings(t *testing.T, at string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			emptyStrings(t, at+"."+key, inner)
		}
	case []any:
		for i, inner := range v {
			emptyStrings(t, fmt.Sprintf("%s[%d]", at, i), inner)
		}
	case string:
		if v == "" && !bytes.HasSuffix([]byte(at), []byte(".fields")) {
			t.Errorf("%s is an empty string", at)
		}
	}
}
