package promapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// program finds one of Debian's packages or skips.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("HADRON_TEST_REQUIRE") == "1" {
		t.Fatalf("%s is not installed, and HADRON_TEST_REQUIRE=1 asks for it", name)
	}
	t.Skipf("%s is not installed (Debian's package prometheus has it): this test compares Hadron with it", name)
	return ""
}

// peer starts a Prometheus that scrapes target and writes to receiver.
func peer(t *testing.T, target, receiver string) string {
	t.Helper()
	binary, dir := program(t, "prometheus"), t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	config := fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
- job_name: target
  static_configs: [{targets: [%q]}]
remote_write:
- url: %s
  send_native_histograms: true
  queue_config: {batch_send_deadline: 100ms}
`, strings.TrimPrefix(target, "http://"), receiver)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
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
		"--web.listen-address="+address, "--enable-feature=native-histograms,exemplar-storage")
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

func ask(t *testing.T, base, path string, params url.Values) (status int, data any) {
	t.Helper()
	response, err := http.PostForm(base+"/api/v1/"+path, params)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Data any }
	_ = json.Unmarshal(text, &answer) // an answer that is no JSON has no data
	return response.StatusCode, answer.Data
}

func TestPrometheusWritesToUsAndAnswersTheSame(t *testing.T) {
	promtool := program(t, "promtool")
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"code"})
	latency := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "latency_seconds", NativeHistogramBucketFactor: 1.1})
	registry.MustRegister(requests, latency)
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	scrapes := 0.
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scrapes++
		requests.WithLabelValues("200").Add(3)
		requests.WithLabelValues("500").Inc()
		latency.Observe(scrapes / 10)
		metrics.ServeHTTP(w, r)
	}))
	defer target.Close()
	f := serve(t, nil)
	ours := f.server.URL + "/prometheus"
	theirs := peer(t, target.URL, ours+"/api/v1/write")

	var moment string
	eventually(t, "four scrapes at both", func() bool {
		_, data := ask(t, ours, "query", form("query", `timestamp(requests_total{code="200"}) and count_over_time(requests_total{code="200"}[1m]) >= 4`))
		moment = valueOf(data)
		return moment != ""
	})
	var start float64
	if _, err := fmt.Sscan(moment, &start); err != nil {
		t.Fatal(err)
	}
	// No rate or histogram_quantile here: since 2.42 Prometheus extrapolates and
	// interpolates otherwise.
	for _, expr := range []string{
		"up", "requests_total", "requests_total[1m]", "sum by (code) (irate(requests_total[1m]))",
		"latency_seconds", "histogram_count(latency_seconds)", "histogram_sum(latency_seconds)",
		"topk(1, requests_total)", "absent(nothing)", "scalar(up)", "count_over_time(up[1m])",
		`label_replace(up, "x", "$1", "job", "(.*)")`, "max_over_time(requests_total[1m:1s])", "up offset 1s", "requests_total @ " + moment,
	} {
		params := form("query", expr, "time", moment, "start", fmt.Sprint(int64(start)-2), "end", moment, "step", "1")
		for _, path := range []string{"query", "query_range"} {
			statusA, a := ask(t, ours, path, params)
			statusB, b := ask(t, theirs, path, params)
			if statusA != statusB || !reflect.DeepEqual(sorted(a), sorted(b)) {
				t.Errorf("%s %s:\n ours %d %v\ntheirs %d %v", path, expr, statusA, a, statusB, b)
			}
		}
	}
	for _, path := range []string{"series", "labels"} {
		_, a := ask(t, ours, path, form("match[]", "requests_total"))
		_, b := ask(t, theirs, path, form("match[]", "requests_total"))
		if a == nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s:\n ours %v\ntheirs %v", path, a, b)
		}
	}
	for _, args := range [][]string{
		{"query", "instant", ours, "up"},
		{"query", "range", "--step=1s", ours, "requests_total"},
		{"query", "series", "--match=up", ours},
		{"query", "labels", ours, "code"},
	} {
		output, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(output), map[string]string{"labels": "200"}[args[1]]) || len(output) == 0 {
			t.Errorf("promtool %v: %v\n%s", args, err, output)
		}
	}
}

// valueOf is the value of a vector's only element.
func valueOf(data any) string {
	object, _ := data.(map[string]any)
	list, _ := object["result"].([]any)
	if len(list) != 1 {
		return ""
	}
	sample, _ := list[0].(map[string]any)
	value, _ := sample["value"].([]any)
	if len(value) != 2 {
		return ""
	}
	return fmt.Sprint(value[1])
}

// sorted orders a vector or matrix, which have no order of their own.
func sorted(data any) any {
	object, _ := data.(map[string]any)
	if list, ok := object["result"].([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return data
}

// eventually polls what another process does.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%s did not come", what)
		}
	}
}
