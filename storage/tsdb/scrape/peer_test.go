package scrape_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/storage/tsdb/promapi"
)

// receiver starts Debian's Prometheus as one that is written to.
func receiver(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		if os.Getenv("HADRON_TEST_REQUIRE") == "1" {
			t.Fatal("prometheus is not installed, and HADRON_TEST_REQUIRE=1 asks for it")
		}
		t.Skip("prometheus is not installed (Debian's package has it): this test writes to it")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte("global: {scrape_interval: 1h}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	log := &bytes.Buffer{}
	process := exec.CommandContext(t.Context(), binary, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--web.enable-remote-write-receiver", "--enable-feature=native-histograms")
	process.Stderr = log
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
		if t.Failed() {
			t.Logf("prometheus said:\n%s", log)
		}
	})
	return "http://" + address
}

func ask(t *testing.T, base, path string, params url.Values) any {
	t.Helper()
	response, err := http.PostForm(base+"/api/v1/"+path, params)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	var answer struct{ Data any }
	if json.NewDecoder(response.Body).Decode(&answer) != nil {
		return nil
	}
	object, _ := answer.Data.(map[string]any)
	if list, ok := object["result"].([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return answer.Data
}

func TestPrometheusIsWrittenToAndAnswersTheSame(t *testing.T) {
	theirs := receiver(t)
	requests := 0.
	address := target(t, func(r *prometheus.Registry) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "requests_total"}, func() float64 { requests += 3; return requests }))
		latency := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "latency_seconds", NativeHistogramBucketFactor: 1.1})
		latency.Observe(0.25)
		r.MustRegister(latency)
	})
	f := start(t, t.TempDir(), fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: target
  scrape_native_histograms: true
  static_configs: [{targets: [%q], labels: {team: pay}}]
remote_write:
- url: %s/api/v1/write
  send_native_histograms: true
  queue_config: {batch_send_deadline: 100ms, min_backoff: 10ms}
`, address, theirs))
	api, err := promapi.New(promapi.Config{DB: f.db, Intake: f.in})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/prometheus", api))
	t.Cleanup(server.Close)
	ours := server.URL + "/prometheus"
	var moment string
	f.eventually(t, "four scrapes at the other", func() bool {
		data := ask(t, theirs, "query", url.Values{"query": {`timestamp(requests_total) and count_over_time(requests_total[1m]) >= 4`}})
		object, _ := data.(map[string]any)
		list, _ := object["result"].([]any)
		if len(list) != 1 {
			return false
		}
		moment = fmt.Sprint(list[0].(map[string]any)["value"].([]any)[1])
		return true
	})
	var at float64
	if _, err := fmt.Sscan(moment, &at); err != nil {
		t.Fatal(err)
	}
	for _, expr := range []string{
		"up", "requests_total", "requests_total[1m]", "irate(requests_total[1m])", "latency_seconds", "histogram_count(latency_seconds)",
		`count_over_time(up{team="pay"}[1m])`, "scrape_samples_scraped", "requests_total @ " + moment,
	} {
		params := url.Values{"query": {expr}, "time": {moment}, "start": {fmt.Sprint(int64(at) - 2)}, "end": {moment}, "step": {"1"}}
		for _, path := range []string{"query", "query_range"} {
			if a, b := ask(t, ours, path, params), ask(t, theirs, path, params); a == nil && path == "query" || !reflect.DeepEqual(a, b) {
				t.Errorf("%s %s:\n ours %v\ntheirs %v", path, expr, a, b)
			}
		}
	}
}
