package alerting_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// agreement is a made-up history in which no guard applies: traffic never stops,
// and a window in which anything failed holds more than a few failures.
type agreement struct {
	names   []function.Name
	samples int
	values  map[string][]float64 // counters by series, as Prometheus writes it
	labels  map[string]metric.Labels
}

const (
	agreementSamples = 5 * 60 * 4 // 5 h, one each 15 s
	// Evaluations fall between samples: Prometheus 2 takes one at the very edge of a
	// window for part of it, Prometheus 3 does not.
	agreementStep = 97 * time.Second
)

func makeHistory(seed uint64) agreement {
	luck := rand.New(rand.NewPCG(seed, 1))
	h := agreement{samples: agreementSamples, values: map[string][]float64{}, labels: map[string]metric.Labels{}}
	for i := range 6 {
		name := function.Name(fmt.Sprintf("team/app/f%d", i))
		h.names = append(h.names, name)
		for _, version := range []string{"1", "2"} {
			h.counter(name, version, luck)
		}
		id := fmt.Sprintf(`hadron_slo_objective{team="team",project="app",function=%q,slo="availability",window="1d"}`, name.Base())
		h.labels[id] = metric.NewLabels(metric.Objective, metric.Team, "team", metric.Project, "app", metric.Function, name.Base(), metric.SLO, "availability", "window", "1d")
		for range h.samples {
			h.values[id] = append(h.values[id], 0.999)
		}
	}
	return h
}

// counter draws phases of different badness, and counters that begin again.
func (h *agreement) counter(name function.Name, version string, luck *rand.Rand) {
	id := func(series string) string {
		id := fmt.Sprintf(`%s{team="team",project="app",function=%q,slo="availability",version=%q}`, series, name.Base(), version)
		h.labels[id] = metric.NewLabels(series, metric.Team, "team", metric.Project, "app", metric.Function, name.Base(), metric.SLO, "availability", metric.Version, version)
		return id
	}
	all, bad := id(metric.Events), id(metric.BadEvents)
	var events, failures float64
	left, share := 0, 0.0
	for range h.samples {
		if left--; left < 0 {
			left = luck.IntN(300)
			share = []float64{0, 0, 0, 0.0005, 0.002, 0.005, 0.01, 0.02, 0.1, 1}[luck.IntN(10)]
		}
		if luck.IntN(500) == 0 {
			events, failures = 0, 0 // the process began anew
		}
		calls := float64(8000 + luck.IntN(4000))
		events += calls
		failures += float64(int(calls * share))
		h.values[all] = append(h.values[all], events)
		h.values[bad] = append(h.values[bad], failures)
	}
}

func (h *agreement) store(t *testing.T, start time.Time) *tsdb.DB {
	t.Helper()
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	series := map[string]*metric.Series{}
	for id := range h.values {
		series[id] = &metric.Series{Labels: h.labels[id]}
	}
	for i := range h.samples {
		var batch []metric.Sample
		for id, s := range series {
			batch = append(batch, metric.Sample{Series: s, T: start.Add(time.Duration(i) * interval).UnixMilli(), V: h.values[id][i]})
		}
		if err := db.Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// Where no guard applies, alerting says the same as Prometheus's own rules, run by
// its own tool over the same samples.
func TestAgreesWithPrometheus(t *testing.T) {
	promtool := promtool(t)
	const window = 24 * time.Hour
	h := makeHistory(7)
	start := time.Now().Add(-agreementSamples * interval).Truncate(interval)
	db := h.store(t, start)
	w := newWorld()
	for _, name := range h.names {
		w.register(name, func(m *function.Manifest) {
			m.SLO.Window, m.SLO.Latency = function.Duration(window), nil
		})
	}
	cfg := w.config(newMemory())
	cfg.Query, cfg.Routing = db.Query, nil
	e, err := alerting.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	file.WriteString("rule_files: [rules.yaml]\nevaluation_interval: 97s\ntests:\n  - interval: 15s\n    input_series:\n")
	for id, values := range h.values {
		fmt.Fprintf(&file, "      - series: '%s'\n        values: '%s'\n", id, notation(values))
	}
	file.WriteString("    alert_rule_test:\n")
	fired, pairs := 0, map[string]bool{}
	for at := 25 * agreementStep; at < agreementSamples*interval; at += 3 * agreementStep {
		w.mu.Lock()
		w.now = start.Add(at)
		w.mu.Unlock()
		if msg := e.Tick(t.Context()); msg != "" {
			t.Fatal(msg)
		}
		fmt.Fprintf(&file, "      - eval_time: %ds\n        alertname: %s\n        exp_alerts:\n", int(at.Seconds()), slo.AlertName)
		for _, g := range e.Groups() {
			for _, a := range g.Rules[0].Alerts {
				fired++
				pairs[a.Labels.Get("class")+" "+a.Labels.Get("window")] = true
				file.WriteString(expected(a))
			}
		}
	}
	rules := slices.DeleteFunc(slo.Groups([]time.Duration{window}, interval), func(g slo.Group) bool { return len(g.Alerts) == 0 })
	dir := t.TempDir()
	for name, data := range map[string][]byte{"test.yaml": []byte(file.String()), "rules.yaml": bare(slo.Render(rules))} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "test.yaml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%.4000s", err, out)
	}
	if fired < 50 || len(pairs) != 4 {
		t.Errorf("only %d alerts of %v fired: the history says too little", fired, pairs)
	}
}

func notation(values []float64) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.Join(out, " ")
}

// expected is an alert in promtool's notation.
func expected(a alerting.ActiveAlert) string {
	var b strings.Builder
	b.WriteString("          - exp_labels:\n")
	for _, l := range a.Labels {
		if l.Name != "alertname" {
			fmt.Fprintf(&b, "              %s: '%s'\n", l.Name, l.Value)
		}
	}
	return b.String()
}

// bare takes the annotations out of a rule file: they hold values, which the two
// major versions of Prometheus extrapolate a little differently where a series begins.
func bare(rules []byte) []byte {
	var out []string
	for line := range strings.Lines(string(rules)) {
		if line = strings.TrimRight(line, "\n"); !slices.ContainsFunc([]string{"annotations:", "description:", "summary:"}, func(p string) bool {
			return strings.HasPrefix(strings.TrimSpace(line), p)
		}) {
			out = append(out, line)
		}
	}
	return []byte(strings.Join(out, "\n") + "\n")
}

// promtool is Prometheus's own tool; without it the test is skipped, but for CI.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err == nil {
		return path
	}
	if os.Getenv("HADRON_TEST_REQUIRE") != "" {
		t.Fatal("promtool is not installed, and HADRON_TEST_REQUIRE asks for it")
	}
	t.Skip("promtool is not installed: apt-get install prometheus")
	return ""
}
