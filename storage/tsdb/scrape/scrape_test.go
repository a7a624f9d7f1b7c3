package scrape_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/prompb"
	"go.uber.org/goleak"

	"hadron/collector/contract"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/intake"
	"hadron/storage/tsdb/scrape"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged is a log that may be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type fixture struct {
	db       *tsdb.DB
	in       *intake.Intake
	scraper  *scrape.Scraper
	registry *prometheus.Registry
	log      *logged
}

func start(t *testing.T, dir, yaml string) fixture {
	t.Helper()
	f := fixture{registry: prometheus.NewPedanticRegistry(), log: &logged{}}
	var err error
	if f.db, err = tsdb.Open(tsdb.Config{Dir: t.TempDir(), Registerer: f.registry}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.db.Close() })
	if f.in, err = intake.New(intake.Config{DB: f.db, Budget: contract.Budget{Team: 20, Node: 1000}, Registerer: f.registry}); err != nil {
		t.Fatal(err)
	}
	f.scraper, err = scrape.New(scrape.Config{
		DB: f.db, Intake: f.in, YAML: []byte(yaml), Dir: dir, Registerer: f.registry,
		Logger: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.scraper.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.scraper.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f fixture) eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%s did not come\n%s", what, f.log)
		}
	}
}

func (f fixture) has(t *testing.T, expr string) bool {
	t.Helper()
	points, err := f.db.Query(t.Context(), expr, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return len(points) > 0
}

// target exposes metrics to those who know the password.
func target(t *testing.T, register func(*prometheus.Registry)) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	register(registry)
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); r.URL.Path == "/secured" && (name != "ada" || password != "hunter2") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		metrics.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestDiscoveriesAndRules(t *testing.T) {
	address := target(t, func(r *prometheus.Registry) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "temperature", Help: "In the room."}, func() float64 { return 21 }))
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "noise"}, func() float64 { return 1 }))
		latency := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "latency_seconds", NativeHistogramBucketFactor: 1.1})
		latency.Observe(0.3)
		r.MustRegister(latency)
		many := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sessions"}, []string{"id"})
		for i := range 30 {
			many.WithLabelValues(fmt.Sprint(i)).Set(2)
		}
		r.MustRegister(many)
		// What only Hadron counts, and what breaks the contract, is left out alone.
		forged := prometheus.NewGauge(prometheus.GaugeOpts{Name: "faas_in_flight", ConstLabels: prometheus.Labels{"job": "hadron"}})
		r.MustRegister(forged)
	})
	list := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `[{"targets": [%q], "labels": {"found": "http"}}]`, address)
	}))
	t.Cleanup(list.Close)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"password":     "hunter2\n",
		"targets.yaml": fmt.Sprintf("- targets: [%q]\n  labels: {found: file}\n", address),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := start(t, dir, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: static
  scrape_native_histograms: true
  params: {key: [sesame]}
  static_configs: [{targets: [%q, "127.0.0.1:1"]}]
  relabel_configs:
  - {source_labels: [__address__], regex: '127.0.0.1:1', target_label: down, replacement: "yes"}
  - {source_labels: [__address__], regex: 'never.*', action: drop}
  metric_relabel_configs: [{source_labels: [__name__], regex: noise, action: drop}]
- job_name: files
  metrics_path: /secured
  basic_auth: {username: ada, password_file: password}
  file_sd_configs: [{files: [targets.yaml]}]
- job_name: http
  http_sd_configs: [{url: %q}]
- job_name: inline
  metrics_path: /secured
  basic_auth: {username: ada, password: wrong-and-secret}
  static_configs: [{targets: [%q]}]
- job_name: limited
  sample_limit: 3
  static_configs: [{targets: [%q]}]
- job_name: budgeted
  static_configs: [{targets: [%q], labels: {team: pay}}]
- job_name: honoring
  honor_labels: true
  static_configs: [{targets: [%q]}]
`, address, list.URL, address, address, address, address))
	for _, expr := range []string{
		`temperature{job="static"} == 21`, `histogram_count(latency_seconds{job="static"}) == 1`, `up{job="static",down="yes"} == 0`,
		`temperature{job="files",found="file"}`, `temperature{job="http",found="http"}`, `up{job="inline"} == 0`, `up{job="limited"} == 0`,
		`temperature{job="honoring"}`, `sessions{id="other",team="pay"}`,
	} {
		f.eventually(t, expr, func() bool { return f.has(t, expr) })
	}
	for _, expr := range []string{`noise{job="static"}`, `faas_in_flight{job="hadron"}`, `temperature{job="limited"}`} {
		if f.has(t, expr) {
			t.Errorf("%s is there", expr)
		}
	}
	shown, failures := "", ""
	for _, target := range f.scraper.Targets() {
		shown += fmt.Sprintf("%+v\n", target)
		failures += target.LastError + "\n"
	}
	for _, want := range []string{"connection refused", "401 Unauthorized", "sample limit exceeded"} {
		if !strings.Contains(failures, want) {
			t.Errorf("targets' errors lack %q:\n%s", want, failures)
		}
	}
	for _, secret := range []string{"hunter2", "wrong-and-secret", "sesame"} {
		if strings.Contains(shown, secret) {
			t.Errorf("targets show %s:\n%s", secret, shown)
		}
	}
	for _, secret := range []string{"hunter2", "wrong-and-secret"} {
		if strings.Contains(f.log.String(), secret) {
			t.Errorf("the log has %s:\n%s", secret, f.log)
		}
	}
	if said := f.in.Metadata(func(string) bool { return true })["temperature"]; len(said) == 0 || said[0].Help != "In the room." {
		t.Errorf("metadata: %v", said)
	}
}

func TestRefusalsSayWhere(t *testing.T) {
	for yaml, want := range map[string]string{
		"scrape_configs: [{job_name: a}, {job_name: a}]":                                    "multiple scrape configs with job name",
		"scrape_configs: [{job_name: a, kubernetes_sd_configs: [{}]}]":                      "kubernetes_sd_configs",
		"scrape_configs: [{job_name: a, basic_auth: {password: secret, passwort: secret}}]": "passwort",
		"remote_write: [{}]": "url",
	} {
		_, err := scrape.New(scrape.Config{YAML: []byte(yaml), Logger: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, scrape.ErrConfig) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}

// What is in the store is sent on, whoever wrote it, with the token of a file.
func TestRemoteWriteOut(t *testing.T) {
	var (
		mu    sync.Mutex
		got   = map[string]float64{}
		fails atomic.Int32
	)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sesame" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if fails.Add(1) == 1 { // it is sent again
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		plain, err := snappy.Decode(nil, body.Bytes())
		var request prompb.WriteRequest
		if err == nil {
			err = proto.Unmarshal(plain, &request)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, series := range request.Timeseries {
			for _, l := range series.Labels {
				if l.Name == "__name__" && len(series.Samples) > 0 {
					got[l.Value] = series.Samples[0].Value
				}
			}
		}
	}))
	t.Cleanup(receiver.Close)
	address := target(t, func(r *prometheus.Registry) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kept"}, func() float64 { return 5 }))
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "left_out"}, func() float64 { return 5 }))
	})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := start(t, dir, fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: a, static_configs: [{targets: [%q]}]}]
remote_write:
- url: %s/push
  authorization: {credentials_file: token}
  queue_config: {batch_send_deadline: 100ms, min_backoff: 10ms}
  write_relabel_configs: [{source_labels: [__name__], regex: left_out, action: drop}]
`, address, receiver.URL))
	f.eventually(t, "the sample at the receiver", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return got["kept"] == 5
	})
	mu.Lock()
	defer mu.Unlock()
	if _, there := got["left_out"]; there {
		t.Error("write_relabel_configs did nothing")
	}
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, family := range families {
		names += family.GetName() + "\n"
	}
	if !strings.Contains(names, "prometheus_remote_storage_samples_pending") || strings.Contains(fmt.Sprint(families), "sesame") {
		t.Errorf("queue metrics: %s", names)
	}
}

func TestNothingConfigured(t *testing.T) {
	f := start(t, "", "")
	if found := f.scraper.Targets(); found != nil {
		t.Errorf("%v", found)
	}
}

// What is scraped and what is sent on changes while the scraper runs; what is wrong changes nothing.
func TestApply(t *testing.T) {
	one := target(t, func(r *prometheus.Registry) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "one"}, func() float64 { return 1 }))
	})
	var sent atomic.Int64
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sent.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(peer.Close)
	f := start(t, t.TempDir(), "")
	apply := func(yaml string) {
		t.Helper()
		if err := f.scraper.Apply([]byte(yaml)); err != nil {
			t.Fatal(err)
		}
	}
	scraping := fmt.Sprintf("global: {scrape_interval: 100ms, scrape_timeout: 100ms}\nscrape_configs:\n- job_name: a\n  static_configs: [{targets: [%q]}]\n", one)
	sending := fmt.Sprintf("remote_write:\n- url: %s\n  queue_config: {batch_send_deadline: 50ms}\n", peer.URL)
	apply(scraping)
	f.eventually(t, "the first scrape", func() bool { return f.has(t, `one{job="a"}`) })
	apply(scraping + sending)
	f.eventually(t, "what is sent on", func() bool { return sent.Load() > 0 })
	for _, wrong := range []string{
		scraping + sending + "- url: http://127.0.0.1:1\n  tls_config: {ca_file: missing.pem}\n",
		scraping + sending + sending[len("remote_write:\n"):],
		"scrape_configs: [{job_name: a, static_config: []}]",
	} {
		if err := f.scraper.Apply([]byte(wrong)); !errors.Is(err, scrape.ErrConfig) {
			t.Errorf("%s\n%v", wrong, err)
		}
	}
	before := sent.Load()
	f.eventually(t, "more of it", func() bool { return sent.Load() > before })
	if found := f.scraper.Targets(); len(found) != 1 || found[0].Pool != "a" {
		t.Errorf("%+v", found)
	}
	apply("")
	if found := f.scraper.Targets(); len(found) != 0 {
		t.Errorf("still: %+v", found)
	}
	if err := f.scraper.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.scraper.Apply([]byte(scraping)); err == nil {
		t.Error("applied after Stop")
	}
}
