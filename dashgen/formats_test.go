package dashgen_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"hadron/dashgen"
)

// TestFormats holds each format to a golden file, and to what its reader needs.
func TestFormats(t *testing.T) {
	all := boards(t)
	list := []dashgen.Dashboard{all["full"], all["everything"], all["platform"], all["project"]}
	options := dashgen.RenderOptions{DatasourceURL: "https://hadron.example/prometheus"}
	for _, format := range dashgen.Formats() {
		t.Run(string(format), func(t *testing.T) {
			files, err := dashgen.Render(format, list, options)
			if err != nil {
				t.Fatal(err)
			}
			byPath := map[string]string{}
			for _, f := range files {
				byPath[f.Path] = string(f.Data)
				var v any
				if strings.HasSuffix(f.Path, ".json") {
					err = json.Unmarshal(f.Data, &v)
				} else {
					err = yaml.Unmarshal(f.Data, &v)
				}
				if err != nil {
					t.Errorf("%s: %v", f.Path, err)
				}
			}
			want := map[dashgen.Format]string{
				dashgen.FormatGrafana: "media/encode/thumbnail.json", dashgen.FormatProvisioning: "dashboards/media/encode/thumbnail.json",
				dashgen.FormatConfigMap: "media/encode/thumbnail.yaml", dashgen.FormatOperator: "media/encode/thumbnail.yaml",
				dashgen.FormatPerses: "media/encode/thumbnail.json",
			}[format]
			got := byPath[want]
			if got == "" || len(byPath) < len(list) {
				t.Fatalf("no %s among %d files", want, len(files))
			}
			path := filepath.Join("testdata", string(format)+".golden"+filepath.Ext(want))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(golden) {
				t.Errorf("differs from %s; run go test ./dashgen -update and read the difference", path)
			}
		})
	}
	if _, err := dashgen.Render("pdf", list, options); !errors.Is(err, dashgen.ErrFormat) {
		t.Errorf("%v", err)
	}
}

// TestPersesReferences: every place of a layout names a panel, and each panel has one.
func TestPersesReferences(t *testing.T) {
	for name, board := range boards(t) {
		files, err := dashgen.Render(dashgen.FormatPerses, []dashgen.Dashboard{board}, dashgen.RenderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Kind string
			Spec struct {
				Panels  map[string]any
				Layouts []struct {
					Spec struct {
						Items []struct {
							Content map[string]string
						}
					}
				}
			}
		}
		if err := json.Unmarshal(files[0].Data, &d); err != nil {
			t.Fatal(err)
		}
		placed := map[string]bool{}
		for _, l := range d.Spec.Layouts {
			for _, item := range l.Spec.Items {
				placed[strings.TrimPrefix(item.Content["$ref"], "#/spec/panels/")] = true
			}
		}
		if d.Kind != "Dashboard" || len(placed) != len(d.Spec.Panels) {
			t.Errorf("%s: %d panels, %d placed", name, len(d.Spec.Panels), len(placed))
		}
		for key := range placed {
			if d.Spec.Panels[key] == nil {
				t.Errorf("%s: there is no %s", name, key)
			}
		}
	}
}
