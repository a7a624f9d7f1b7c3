package dashgen_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hadron/dashgen"
	"hadron/runtime/function"
)

var update = flag.Bool("update", false, "write the golden files")

// specs are the functions that every test draws, by the name of their golden file.
func specs(t testing.TB) map[string]dashgen.Spec {
	t.Helper()
	spec := func(name function.Name, manifest string) dashgen.Spec {
		m, err := function.ParseManifest([]byte(manifest))
		if err != nil {
			t.Fatal(err)
		}
		return dashgen.Spec{
			Function:     function.Function{Name: name, Spec: m},
			Installation: "test",
			ExternalURL:  "https://hadron.example",
			Interval:     15 * time.Second,
		}
	}
	plain := spec("shop/checkout/pay", `{}`)
	full := spec("media/encode/thumbnail", `{
		"description": "Makes thumbnails.", "owner": "media-platform",
		"runbook": "https://runbooks.example/thumbnail",
		"slo": {"availability": 99.95, "window": "28d", "latency": [
			{"quantile": 0.5, "threshold": "50ms"}, {"quantile": 0.999, "threshold": "2s"}]}}`)
	full.ServiceURL = "https://pagerduty.example/services/PABC123"
	none := spec("ops/tools/nightly", `{"slo": {"availability": 99, "latency": []}}`)
	return map[string]dashgen.Spec{"default": plain, "full": full, "availability_only": none}
}

func render(t testing.TB, s dashgen.Spec) []byte {
	t.Helper()
	text, err := dashgen.Grafana(dashgen.ForFunction(s), dashgen.GrafanaOptions{DatasourceUID: "hadron"})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGolden(t *testing.T) {
	for name, spec := range specs(t) {
		t.Run(name, func(t *testing.T) {
			got := render(t, spec)
			for range 3 {
				if !bytes.Equal(got, render(t, spec)) {
					t.Fatal("the same function gives different bytes")
				}
			}
			path := filepath.Join("testdata", name+".golden.json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s; run go test ./dashgen -update and read the difference\n%s", path, got)
			}
		})
	}
}
