package promapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// envelope is what every answer has around its data.
type envelope struct {
	Status    string
	ErrorType string
	Data      json.RawMessage
	Warnings  []string
}

func envelopeOf(t *testing.T, method, base, path string, params url.Values) (int, string, envelope) {
	t.Helper()
	target, body := base+"/api/v1/"+path, io.Reader(nil)
	if method == http.MethodPost {
		body = strings.NewReader(params.Encode())
	} else if len(params) > 0 {
		target += "?" + params.Encode()
	}
	r, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var e envelope
	_ = json.Unmarshal(text, &e) // what is no JSON has no envelope
	return res.StatusCode, res.Header.Get("Content-Type"), e
}

// What a client sees of an answer beside its figures is a real Prometheus's: status,
// content type, kind of error, and the form of the data.
func TestAnswersHavePrometheusForm(t *testing.T) {
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total", Help: "Requests."}, []string{"code"})
	registry.MustRegister(requests)
	requests.WithLabelValues("200").Inc()
	target := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer target.Close()
	f := serve(t, nil)
	ours := f.server.URL + "/prometheus"
	theirs := peer(t, target.URL, ours+"/api/v1/write")
	eventually(t, "two scrapes at both", func() bool {
		_, data := ask(t, ours, "query", form("query", "count_over_time(requests_total[1m]) >= 2"))
		return valueOf(data) != ""
	})
	now := fmt.Sprint(at.Unix() + 300)
	cases := []struct {
		path   string
		params url.Values
		post   bool // by POST too
		same   bool // the very same data
	}{
		{"query", form("query", "1"), true, false},
		{"query", form("query", "1", "time", "1700000000.123"), true, true},
		{"query", form("query", `"text"`, "time", "1700000000"), true, true},
		{"query", form("query", "vector(1)", "time", "2023-11-14T22:13:20Z"), true, true},
		{"query", form("query", "vector(time())", "time", "1700000000", "timeout", "5s"), true, true},
		{"query", form("query", "sum(", "time", now), true, true},
		{"query", form("query", "", "time", now), true, true},
		{"query", nil, false, true},
		{"query", form("query", "1", "time", "yesterday"), true, true},
		{"query", form("query", "1", "timeout", "soon"), true, true},
		{"query", form("query", "nothing[0s]"), true, true},
		{"query", form("query", "requests_total + on (code) group_left requests_total[1m]"), true, true},
		{"query", form("query", `{code=~"("}`), true, true},
		{"query", form("query", "{}"), true, true},
		{"query", form("query", "requests_total", "stats", "all"), true, false},
		{"query_range", form("query", "1", "start", "1700000000", "end", "1700000060", "step", "15"), true, true},
		{"query_range", form("query", "time()", "start", "1700000000", "end", "1700000060", "step", "15s"), true, true},
		{"query_range", form("query", "1", "start", "1700000060", "end", "1700000000", "step", "15"), true, true},
		{"query_range", form("query", "1", "start", "1700000000", "end", "1700000060", "step", "0"), true, true},
		{"query_range", form("query", "1", "start", "0", "end", "1700000060", "step", "1"), true, true},
		{"query_range", form("query", "requests_total[1m]", "start", "1700000000", "end", "1700000060", "step", "15"), true, true},
		{"query_range", form("query", "1"), true, true},
		{"query_exemplars", form("query", "requests_total", "start", "1700000000", "end", "1700000060"), true, true},
		{"query_exemplars", form("query", "requests_total", "start", "1700000060", "end", "1700000000"), true, true},
		{"query_exemplars", form("query", "sum(", "start", "1700000000", "end", "1700000060"), true, true},
		{"format_query", form("query", "sum by(a)(rate(x[1m]))/sum(y)"), true, true},
		{"format_query", form("query", "sum("), true, true},
		{"series", form("match[]", "requests_total"), true, true},
		{"series", form("match[]", "nothing"), true, true},
		{"series", nil, false, true},
		{"series", form("match[]", "{}"), true, true},
		{"series", form("match[]", "sum("), true, true},
		{"series", form("match[]", "up", "start", "never"), true, true},
		{"labels", form("match[]", "requests_total"), true, true},
		{"labels", form("match[]", "{}"), true, true},
		{"labels", form("match[]", "nothing"), true, true},
		{"label/code/values", form("match[]", "requests_total"), false, true},
		{"label/nothing/values", nil, false, true},
		{"label/code/values", form("start", "never"), false, true},
		{"metadata", form("metric", "nothing"), false, true},
		{"metadata", form("limit", "many"), false, true},
		{"rules", nil, false, true},
		{"rules", form("type", "alert"), false, true},
		{"rules", form("type", "odd"), false, true},
		{"alerts", nil, false, true},
		{"alertmanagers", nil, false, true},
		{"targets", form("state", "dropped"), false, false}, // since 2.49 with counts
		{"targets/metadata", form("metric", "nothing"), false, true},
		{"status/buildinfo", nil, false, false},
		{"status/runtimeinfo", nil, false, false},
		{"status/config", nil, false, false},
		{"status/flags", nil, false, false},
		{"status/tsdb", nil, false, false},
		{"status/walreplay", nil, false, true},
	}
	for _, c := range cases {
		methods := []string{http.MethodGet}
		if c.post {
			methods = append(methods, http.MethodPost)
		}
		for _, method := range methods {
			status, contentType, a := envelopeOf(t, method, ours, c.path, c.params)
			wantStatus, wantType, b := envelopeOf(t, method, theirs, c.path, c.params)
			if status != wantStatus || contentType != wantType || a.Status != b.Status || a.ErrorType != b.ErrorType || len(a.Warnings) != len(b.Warnings) {
				t.Errorf("%s %s %v:\n ours %d %s %s %s %s\ntheirs %d %s %s %s %s", method, c.path, c.params,
					status, contentType, a.Status, a.ErrorType, a.Data, wantStatus, wantType, b.Status, b.ErrorType, b.Data)
				continue
			}
			x, y := decoded(t, a.Data), decoded(t, b.Data)
			if c.same && !reflect.DeepEqual(sorted(x), sorted(y)) {
				t.Errorf("%s %s %v:\n ours %s\ntheirs %s", method, c.path, c.params, a.Data, b.Data)
			}
			if missing := lacks(x, y); !c.same && len(missing) > 0 {
				t.Errorf("%s %s %v: the answer lacks %q", method, c.path, c.params, missing)
			}
		}
	}
	for path, want := range map[string]int{"nothing": http.StatusNotFound, "admin/tsdb/snapshot": http.StatusNotFound} {
		if status, _, _ := envelopeOf(t, http.MethodGet, ours, path, nil); status != want {
			t.Errorf("%s is %d", path, status)
		}
	}
}

func decoded(t *testing.T, data json.RawMessage) (v any) {
	t.Helper()
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// lacks are the keys of an object that another one has not. What only one Prometheus
// of one command line has is no part of the form.
func lacks(ours, theirs any) []string {
	object, ok := theirs.(map[string]any)
	if !ok {
		return nil
	}
	own, _ := ours.(map[string]any)
	var out []string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if _, has := own[key]; !has && !strings.ContainsAny(key, ".-") {
			out = append(out, key)
		}
	}
	return out
}
