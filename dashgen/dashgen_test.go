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
	full.Own = []dashgen.OwnMetric{
		{Name: "thumbnails_total", Kind: dashgen.OwnCounter},
		{Name: "cache_entries", Kind: dashgen.OwnGauge},
		{Name: "thumbnail_bytes", Kind: dashgen.OwnHistogram},
	}
	none := spec("ops/tools/nightly", `{"slo": {"availability": 99, "latency": []}}`)
	return map[string]dashgen.Spec{"default": plain, "full": full, "availability_only": none}
}

// boards are all dashboards that tests draw, by the name of their golden file.
func boards(t testing.TB) map[string]dashgen.Dashboard {
	t.Helper()
	out := map[string]dashgen.Dashboard{}
	for name, spec := range specs(t) {
		out[name] = dashgen.ForFunction(spec)
	}
	place := dashgen.Place{Installation: "test", ExternalURL: "https://hadron.example"}
	out["everything"] = dashgen.ForFolder(place, "")
	out["team"] = dashgen.ForFolder(place, "shop")
	out["project"] = dashgen.ForFolder(place, "shop/checkout")
	out["platform"] = dashgen.ForPlatform(place)
	return out
}

func render(t testing.TB, d dashgen.Dashboard) []byte {
	t.Helper()
	text, err := dashgen.Grafana(d, dashgen.GrafanaOptions{DatasourceUID: "hadron"})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGolden(t *testing.T) {
	again := boards(t)
	for name, board := range boards(t) {
		t.Run(name, func(t *testing.T) {
			got := render(t, board)
			if !bytes.Equal(got, render(t, again[name])) {
				t.Fatal("the same function gives different bytes")
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
