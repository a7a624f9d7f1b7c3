package logs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"hadron/collector/forward"
	"hadron/collector/logs"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// loki is a Loki that refuses what a real one does, with its words.
type loki struct {
	*httptest.Server
	mu      sync.Mutex
	limited int                  // requests that are over the rate first
	newest  map[string]time.Time // by stream
	lines   map[string][]string
}

const (
	lokiOldest = 7 * 24 * time.Hour // reject_old_samples_max_age
	lokiBehind = time.Hour          // half of max_chunk_age
)

var lokiLabel = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func newLoki(t *testing.T) *loki {
	l := &loki{newest: map[string]time.Time{}, lines: map[string][]string{}}
	l.Server = httptest.NewServer(http.HandlerFunc(l.push))
	t.Cleanup(l.Close)
	return l
}

func (l *loki) push(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.URL.Path != "/loki/api/v1/push" || r.Method != http.MethodPost {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	if l.limited > 0 {
		l.limited--
		w.Header().Set("Retry-After", "0")
		http.Error(w, "Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec)", http.StatusTooManyRequests)
		return
	}
	var in struct {
		Streams []struct {
			Stream map[string]string
			Values [][2]string
		}
	}
	if r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&in) != nil || len(in.Streams) == 0 {
		http.Error(w, "couldn't parse push request", http.StatusBadRequest)
		return
	}
	var refused []string
	for _, s := range in.Streams {
		if len(s.Stream) == 0 || len(s.Stream) > 15 {
			http.Error(w, "error at least one label pair is required per stream", http.StatusBadRequest)
			return
		}
		for name := range s.Stream {
			if !lokiLabel.MatchString(name) {
				http.Error(w, "parse error: unexpected label name", http.StatusBadRequest)
				return
			}
		}
		key := fmt.Sprint(s.Stream)
		ignored, last := 0, ""
		for _, v := range s.Values {
			ns, err := strconv.ParseInt(v[0], 10, 64)
			if err != nil {
				http.Error(w, "couldn't parse push request: timestamp", http.StatusBadRequest)
				return
			}
			at := time.Unix(0, ns)
			switch {
			case at.Before(time.Now().Add(-lokiOldest)):
				ignored, last = ignored+1, "timestamp too old"
			case at.Before(l.newest[key].Add(-lokiBehind)):
				ignored, last = ignored+1, "entry too far behind"
			default:
				if at.After(l.newest[key]) {
					l.newest[key] = at
				}
				l.lines[key] = append(l.lines[key], v[1])
			}
		}
		if ignored > 0 {
			refused = append(refused, fmt.Sprintf("entry with timestamp … ignored, reason: '%s',\nuser 'fake', total ignored: %d out of %d for stream: %s", last, ignored, len(s.Values), key))
		}
	}
	if len(refused) > 0 {
		http.Error(w, strings.Join(refused, "\n"), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// value sums the series of a name whose labels hold all of these values.
func value(t *testing.T, reg *prometheus.Registry, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			all := f.GetName() == name
			for _, want := range labels {
				has := false
				for _, l := range m.GetLabel() {
					has = has || l.GetValue() == want
				}
				all = all && has
			}
			if all {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func TestRecordsGoToLoki(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	l.limited = 1
	reg := prometheus.NewRegistry()
	f, err := logs.NewForwarder(logs.ForwardConfig{Loki: forward.Endpoint{URL: l.URL + "/loki/api/v1/push"}, Linger: 20 * time.Millisecond, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	f.Start(t.Context())
	s, err := logs.Open(logs.Config{Dir: t.TempDir(), Rate: 3, Burst: 3, Forward: f.Put})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	put := func(at time.Time, level invocation.Level, message string) {
		s.Append(invocation.Record{Time: at, Level: level, Message: message, Function: "growth/signup/greeting", Version: 3, Request: "r1", Trace: strings.Repeat("ab", 16)})
	}
	put(now, invocation.Info, "second")
	put(now.Add(-time.Millisecond), invocation.Info, "first")
	put(now.Add(-30*24*time.Hour), "shout\"}", strings.Repeat("x", 20<<10)) // too old, an invented level, and cut
	for range 10 {
		put(now, invocation.Info, "over the rate")
	}
	await(t, "all is settled", func() bool {
		return value(t, reg, "hadron_log_forwarded_total") >= 3 && value(t, reg, "hadron_log_forward_dropped_total", "rejected") == 1
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	info := l.lines["map[function:greeting job:hadron level:info project:signup team:growth]"]
	if len(info) != 2 || !strings.Contains(info[0], `"first"`) || !strings.Contains(info[1], `"second"`) {
		t.Errorf("%q of %v", info, l.lines)
	}
	warn := l.lines["map[function:greeting job:hadron level:warn project:signup team:growth]"]
	if len(warn) != 1 || !strings.Contains(warn[0], "10 log records were dropped here") {
		t.Errorf("what was dropped is not said: %q", warn)
	}
	for key := range l.lines {
		if strings.Contains(key, "shout") {
			t.Errorf("an invented level is a label: %s", key)
		}
	}
}

func TestLokiTakesPartOfABatch(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	reg := prometheus.NewRegistry()
	f, err := logs.NewForwarder(logs.ForwardConfig{Loki: forward.Endpoint{URL: l.URL + "/loki/api/v1/push"}, Linger: time.Millisecond, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		at := time.Now()
		if i%5 == 0 {
			at = at.Add(-2 * lokiBehind)
		}
		if i == 9 {
			at = at.Add(-2 * lokiOldest)
		}
		f.Put(invocation.Record{Time: at, Level: invocation.Error, Message: fmt.Sprint(i), Function: "a/b/c"})
	}
	f.Start(t.Context())
	await(t, "all is settled", func() bool { return value(t, reg, "hadron_log_forwarded_total") == 9 })
	_ = f.Stop(t.Context())
	if n := value(t, reg, "hadron_log_forward_dropped_total", "loki", "rejected"); n != 1 {
		t.Errorf("%v were rejected", n)
	}
}

func TestRecordsGoToOTLP(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []plog.LogRecord
	var names []string
	first := true
	otlp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		in := plogotlp.NewExportRequest()
		if err := in.UnmarshalJSON(body); err != nil || r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		for _, rl := range in.Logs().ResourceLogs().All() {
			name, _ := rl.Resource().Attributes().Get("service.name")
			for _, lr := range rl.ScopeLogs().At(0).LogRecords().All() {
				got, names = append(got, lr), append(names, name.Str())
			}
		}
		out := plogotlp.NewExportResponse()
		if first {
			first = false
			out.PartialSuccess().SetRejectedLogRecords(1)
			out.PartialSuccess().SetErrorMessage("one is too old")
		}
		answer, _ := out.MarshalJSON()
		_, _ = w.Write(answer)
	}))
	defer otlp.Close()
	reg := prometheus.NewRegistry()
	f, err := logs.NewForwarder(logs.ForwardConfig{OTLP: forward.Endpoint{URL: otlp.URL + "/v1/logs"}, Node: "n1", Linger: time.Millisecond, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	trace := strings.Repeat("ab", 16)
	f.Put(invocation.Record{
		Time: time.Unix(5, 7), Level: invocation.Warn, Message: "hello", Function: "a/b/c", Version: 2, Request: "r1", Trace: trace,
		Fields: json.RawMessage(`{"n":1.5,"ok":true,"list":[1,"x"],"deep":{"a":null},"very":[[[[[[[[[[1]]]]]]]]]]}`),
	})
	f.Put(invocation.Record{Time: time.Unix(6, 0), Level: "odd", Message: "other", Function: "a/b/d", Trace: "not one"})
	f.Start(t.Context())
	await(t, "all is settled", func() bool {
		return value(t, reg, "hadron_log_forwarded_total", "otlp") == 1 && value(t, reg, "hadron_log_forward_dropped_total", "otlp", "rejected") == 1
	})
	_ = f.Stop(t.Context())
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 2 || names[0] != "a/b/c" || names[1] != "a/b/d" {
		t.Fatalf("%d records of %v", len(got), names)
	}
	r := got[0]
	if r.Body().Str() != "hello" || r.SeverityNumber() != plog.SeverityNumberWarn || r.Timestamp() != 5_000_000_007 || r.TraceID().String() != trace {
		t.Errorf("%v %v %v %v", r.Body().Str(), r.SeverityNumber(), r.Timestamp(), r.TraceID())
	}
	if at := fmt.Sprint(r.Attributes().AsRaw()); at != "map[deep:map[a:<nil>] faas.invocation_id:r1 list:[1 x] n:1.5 ok:true very:[[[[[[[[[[1]]]]]]]]]]]" {
		t.Errorf("attributes %s", at)
	}
	if !got[1].TraceID().IsEmpty() || got[1].SeverityNumber() != plog.SeverityNumberInfo {
		t.Errorf("%v %v", got[1].TraceID(), got[1].SeverityNumber())
	}
}

// Where nobody takes records, appending costs no more time, and what is lost is counted.
func TestReceiverThatHangs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hung.Close()
	defer close(release)
	reg := prometheus.NewRegistry()
	f, err := logs.NewForwarder(logs.ForwardConfig{Loki: forward.Endpoint{URL: hung.URL + "/loki/api/v1/push"}, Linger: time.Millisecond, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	f.Start(t.Context())
	const n = 30_000
	for i := range n {
		f.Put(invocation.Record{Time: time.Now(), Message: fmt.Sprint(i), Function: function.Name("a/b/c")})
	}
	if got := value(t, reg, "hadron_log_forward_dropped_total", "queue"); got < n/4 || got >= n {
		t.Errorf("%v were dropped of %d", got, n)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f.Stop(canceled(t))
	}()
	<-ended
	if got := value(t, reg, "hadron_log_forward_dropped_total"); got != n {
		t.Errorf("%v of %d are counted", got, n)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
