package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Debian's Prometheus scrapes Hadron and writes what it found back, Hadron scrapes by its config file and
// writes on to the same Prometheus: each answers what the other counted.
func TestPrometheusBothWays(t *testing.T) {
	t.Parallel()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("HADRON_TEST_REQUIRE") == "1" {
			t.Fatal("prometheus is not installed, and HADRON_TEST_REQUIRE=1 asks for it")
		}
		t.Skip("prometheus is not installed (Debian's package has it)")
	}
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "# TYPE room_temperature gauge\nroom_temperature 21")
	}))
	defer target.Close()
	dir := t.TempDir()
	peer := freeAddress(t)
	settings := filepath.Join(dir, "hadron.yaml")
	writeSettings(t, settings, fmt.Sprintf(`
metrics: {interval: 1s}
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: rooms
  static_configs: [{targets: [%q]}]
remote_write:
- url: http://%s/api/v1/write
  queue_config: {batch_send_deadline: 100ms, min_backoff: 10ms, max_backoff: 100ms}
`, strings.TrimPrefix(target.URL, "http://"), peer))
	p := startServer(t, filepath.Join(dir, "data"), "--dev", "--config", settings)
	writeSettings(t, filepath.Join(dir, "prometheus.yml"), fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
- job_name: scraped-hadron
  static_configs: [{targets: [%q]}]
remote_write:
- url: %s/prometheus/api/v1/write
  queue_config: {batch_send_deadline: 100ms}
`, strings.TrimPrefix(p.url, "http://"), p.url))
	other := exec.CommandContext(t.Context(), binary, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "peer"), "--web.listen-address="+peer, "--web.enable-remote-write-receiver", "--storage.remote.flush-deadline=1s")
	other.Cancel = func() error { return other.Process.Signal(syscall.SIGTERM) }
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = other.Process.Signal(syscall.SIGTERM)
		_ = other.Wait()
	})
	there := &process{t: t, url: "http://" + peer}
	for _, want := range []struct {
		at   *process
		path string
		has  string
	}{
		{p, "/prometheus/api/v1/query?query=room_temperature", `"job":"rooms"`},
		{p, "/prometheus/api/v1/query?query=hadron_ingest_series", `"job":"scraped-hadron"`},
		{there, "/api/v1/query?query=room_temperature", `"job":"rooms"`},
		{there, "/api/v1/query?query=hadron_ingest_series", `"job":"scraped-hadron"`},
		{p, "/prometheus/api/v1/targets", `"health":"up"`},
		{p, "/metrics", "prometheus_remote_storage_samples_total"},
	} {
		eventually(t, want.path+" of "+want.at.url+" with "+want.has, time.Minute, func() (bool, string) {
			response, err := http.Get(want.at.url + want.path)
			if err != nil {
				return false, err.Error()
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			return err == nil && strings.Contains(string(text), want.has), string(text)
		})
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestBadScrapeConfigsAreSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := filepath.Join(dir, "hadron.yaml")
	writeSettings(t, settings, "scrape_configs: [{job_name: a, static_config: []}]\n")
	out, err := exec.CommandContext(t.Context(), "hadron", "serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(dir, "data"), "--config", settings).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "static_config") || !strings.Contains(string(out), "scrape_configs") {
		t.Errorf("%v\n%s", err, out)
	}
}

// SIGHUP brings changed scrape_configs into force, names what needs a restart, and leaves
// everything as it was where the file is wrong.
func TestSighupReadsTheConfigFileAgain(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "# TYPE room_temperature gauge\nroom_temperature 21")
	}))
	defer target.Close()
	dir := t.TempDir()
	settings := filepath.Join(dir, "hadron.yaml")
	writeSettings(t, settings, "metrics: {interval: 1s}\n")
	p := startServer(t, filepath.Join(dir, "data"), "--dev", "--config", settings)
	reload := func(text, want string) {
		t.Helper()
		writeSettings(t, settings, text)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, want, time.Minute, func() (bool, string) { return strings.Contains(p.log(), want), p.log() })
	}
	shows := func(path, want string) {
		t.Helper()
		eventually(t, path+" with "+want, time.Minute, func() (bool, string) {
			_, body := p.call(http.MethodGet, path, nil)
			return strings.Contains(string(body), want), string(body)
		})
	}
	rooms := fmt.Sprintf(`
metrics: {interval: 2s}
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: rooms
  static_configs: [{targets: [%q]}]
`, strings.TrimPrefix(target.URL, "http://"))
	reload(rooms, "settings=[metrics.interval]")
	shows("/prometheus/api/v1/query?query=room_temperature", `"job":"rooms"`)
	reload(rooms+"  honor_label: true\n", "honor_label")
	shows("/metrics", "hadron_config_last_reload_successful 0")
	shows("/prometheus/api/v1/targets", `"health":"up"`)
	reload("metrics: {interval: 1s}\n", "msg=\"config file reloaded\"")
	shows("/prometheus/api/v1/targets", `"activeTargets":[]`)
	shows("/metrics", "hadron_config_last_reload_successful 1")
	if code := p.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func writeSettings(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
