package promapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/promapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// at is when every fixed sample of these tests was taken.
var at = time.Now().Add(-5 * time.Minute).Truncate(time.Minute)

func seconds(t time.Time) string {
	text, _ := json.Marshal(float64(t.UnixMilli()) / 1000)
	return string(text)
}

type fixture struct {
	db     *tsdb.DB
	server *httptest.Server
}

// serve mounts the API as the app does, below /prometheus.
func serve(t testing.TB, adjust func(*promapi.Config)) fixture {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir(), OutOfOrderWindow: time.Hour, Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	config := promapi.Config{DB: db, Registerer: registry}
	if adjust != nil {
		adjust(&config)
	}
	handler, err := promapi.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/prometheus", handler))
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return fixture{db, server}
}

func (f fixture) append(t testing.TB, name string, from time.Time, step time.Duration, values []float64, pairs ...string) {
	t.Helper()
	series := &metric.Series{Labels: metric.NewLabels(name, pairs...)}
	var batch []metric.Sample
	for i, v := range values {
		batch = append(batch, metric.Sample{Series: series, T: from.Add(time.Duration(i) * step).UnixMilli(), V: v})
	}
	if err := f.db.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func (f fixture) get(t testing.TB, path string, params url.Values) (int, string) {
	t.Helper()
	return f.do(t, http.MethodGet, path+"?"+params.Encode(), "", nil)
}

func (f fixture) post(t testing.TB, path string, params url.Values) (int, string) {
	t.Helper()
	return f.do(t, http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(params.Encode()))
}

func (f fixture) do(t testing.TB, method, path, contentType string, body io.Reader) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, f.server.URL+"/prometheus/api/v1/"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// same compares JSON by meaning.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Fatalf("%s: %v in %s", what, err, got)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatalf("%s: %v in %s", what, err, want)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if string(x) != string(y) {
		t.Errorf("%s:\n got %s\nwant %s", what, x, y)
	}
}

func TestQueryShapes(t *testing.T) {
	f := serve(t, nil)
	f.append(t, "up", at, time.Minute, []float64{0, 0, 0}, "job", "node", "instance", "<b>&")
	f.append(t, "up", at, time.Minute, []float64{1, 0, 1}, "job", "prometheus", "instance", "localhost:9090")
	f.append(t, "big", at, time.Minute, []float64{1e21}, "le", "+Inf")
	now := seconds(at.Add(2 * time.Minute))
	for _, test := range []struct{ path, params, want string }{
		{"query", "query=up&time=" + now, `{"status":"success","data":{"resultType":"vector","result":[
			{"metric":{"__name__":"up","instance":"<b>&","job":"node"},"value":[` + now + `,"0"]},
			{"metric":{"__name__":"up","instance":"localhost:9090","job":"prometheus"},"value":[` + now + `,"1"]}]}}`},
		{"query", "query=up&limit=1&time=" + now, `{"status":"success","data":{"resultType":"vector","result":[
			{"metric":{"__name__":"up","instance":"<b>&","job":"node"},"value":[` + now + `,"0"]}]},"warnings":["results truncated due to limit"]}`},
		{"query", "query=1%2B1&time=1.5", `{"status":"success","data":{"resultType":"scalar","result":[1.5,"2"]}}`},
		{"query", "query=vector(NaN)&time=1", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"NaN"]}]}}`},
		{"query", `query="x"&time=2015-07-01T20:10:51.781Z`, `{"status":"success","data":{"resultType":"string","result":[1435781451.781,"x"]}}`},
		{"query", "query=big&time=" + seconds(at), `{"status":"success","data":{"resultType":"vector","result":[
			{"metric":{"__name__":"big","le":"+Inf"},"value":[` + seconds(at) + `,"1e+21"]}]}}`},
		{"query", "query=absent_metric", `{"status":"success","data":{"resultType":"vector","result":[]}}`},
		{"query", "query=up%7Bjob%3D%22node%22%7D%5B90s%5D&time=" + now, `{"status":"success","data":{"resultType":"matrix","result":[
			{"metric":{"__name__":"up","instance":"<b>&","job":"node"},"values":[[` + seconds(at.Add(time.Minute)) + `,"0"],[` + now + `,"0"]]}]}}`},
		{"query_range", "query=sum(up)&step=1m&start=" + seconds(at) + "&end=" + now, `{"status":"success","data":{"resultType":"matrix","result":[
			{"metric":{},"values":[[` + seconds(at) + `,"1"],[` + seconds(at.Add(time.Minute)) + `,"0"],[` + now + `,"1"]]}]}}`},
		{"format_query", "query=sum(up)by(job)", `{"status":"success","data":"sum by (job) (up)"}`},
		{"labels", "", `{"status":"success","data":["__name__","instance","job","le"]}`},
		{"labels", "match[]=big&match[]=absent", `{"status":"success","data":["__name__","le"]}`},
		{"labels", "limit=1", `{"status":"success","data":["__name__"],"warnings":["results truncated due to limit"]}`},
		{"labels", "start=1&end=2", `{"status":"success","data":[]}`},
		{"label/job/values", "", `{"status":"success","data":["node","prometheus"]}`},
		{"label/__name__/values", "match[]=%7Bjob%3D~%22.%2B%22%7D", `{"status":"success","data":["up"]}`},
		{"label/a%2Fb/values", "", `{"status":"success","data":[]}`},
		{"series", "match[]=big", `{"status":"success","data":[{"__name__":"big","le":"+Inf"}]}`},
		{"series", "match[]=big&match[]=up&limit=2", `{"status":"success","data":[{"__name__":"big","le":"+Inf"},
			{"__name__":"up","instance":"<b>&","job":"node"}],"warnings":["results truncated due to limit"]}`},
		{"metadata", "", `{"status":"success","data":{}}`},
		{"rules", "", `{"status":"success","data":{"groups":[]}}`},
		{"alerts", "", `{"status":"success","data":{"alerts":[]}}`},
		{"alertmanagers", "", `{"status":"success","data":{"activeAlertmanagers":[],"droppedAlertmanagers":[]}}`},
		{"targets", "", `{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}}`},
		{"targets", "state=active", `{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":null}}`},
		{"targets/metadata", "", `{"status":"success","data":[]}`},
		{"scrape_pools", "", `{"status":"success","data":{"scrapePools":[]}}`},
		{"query_exemplars", "query=up", `{"status":"success","data":[]}`},
		{"status/flags", "", `{"status":"success","data":{}}`},
	} {
		params, err := url.ParseQuery(test.params)
		if err != nil {
			t.Fatal(err)
		}
		status, got := f.get(t, test.path, params)
		if status != http.StatusOK {
			t.Errorf("GET %s?%s: %d %s", test.path, test.params, status, got)
			continue
		}
		same(t, test.path+"?"+test.params, got, test.want)
		if posted := map[string]bool{"query": true, "query_range": true, "labels": true, "series": true, "format_query": true, "query_exemplars": true}; posted[test.path] {
			_, got = f.post(t, test.path, params)
			same(t, "POST "+test.path, got, test.want)
		}
	}
	if status, got := f.get(t, "query_exemplars", form("query", "1")); status != http.StatusNoContent || got != "" {
		t.Errorf("exemplars of a number: %d %s", status, got)
	}
}

func TestErrors(t *testing.T) {
	f := serve(t, nil)
	f.append(t, "m", at, time.Second, []float64{1}, "a", "1", "b", "1")
	f.append(t, "m", at, time.Second, []float64{1}, "a", "1", "b", "2")
	for _, test := range []struct {
		path, params string
		status       int
		kind, text   string
	}{
		{"query", "query=sum(", 400, "bad_data", `invalid parameter "query": 1:5: parse error: unclosed left parenthesis`},
		{"query", "", 400, "bad_data", `invalid parameter "query": unknown position: parse error: no expression found in input`},
		{"query", "query=1&time=soon", 400, "bad_data", `invalid parameter "time": invalid time value for 'time': cannot parse "soon" to a valid timestamp`},
		{"query", "query=1&time=NaN", 400, "bad_data", `invalid parameter "time": invalid time value for 'time': cannot parse "NaN" to a valid timestamp`},
		{"query", "query=1&timeout=-1", 400, "bad_data", `invalid parameter "timeout": timeout must be positive, got -1s`},
		{"query", "query=1&limit=-1", 400, "bad_data", `invalid parameter "limit": limit must be non-negative`},
		{"query", "query=1&lookback_delta=x", 400, "bad_data", `error parsing lookback delta duration: cannot parse "x" to a valid duration`},
		{"query", "query=m*on(a)m&time=" + seconds(at), 422, "execution", ""},
		{"query", "query=1&timeout=1e-9", 503, "timeout", ""},
		{"query_range", "query=1", 400, "bad_data", `invalid parameter "start": cannot parse "" to a valid timestamp`},
		{"query_range", "query=1&start=2&end=1&step=1", 400, "bad_data", `invalid parameter "end": end timestamp must not be before start time`},
		{"query_range", "query=1&start=1&end=2&step=0", 400, "bad_data", `invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer`},
		{"query_range", "query=1&start=1&end=2&step=1e-9", 400, "bad_data", `invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer`},
		{"query_range", "query=1&start=1&end=2&step=1e30", 400, "bad_data", `invalid parameter "step": cannot parse "1e30" to a valid duration. It overflows int64`},
		{"query_range", "query=1&start=0&end=11001&step=1", 400, "bad_data", `exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)`},
		{"query_range", "query=1&start=-9223309901257974&end=9223309901257974&step=1y", 400, "bad_data", `exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)`},
		{"query_range", "query=m[5m]&start=1&end=2&step=1", 400, "bad_data", `invalid parameter "query": invalid expression type "range vector" for range query, must be Scalar or instant Vector`},
		{"series", "", 400, "bad_data", "no match[] parameter provided"},
		{"series", "match[]=%7B%7D", 400, "bad_data", `invalid parameter "match[]": match[] must contain at least one non-empty matcher`},
		{"labels", "match[]=%7Bx%3D%22%22%7D", 400, "bad_data", "match[] must contain at least one non-empty matcher"},
		{"label/%FF/values", "", 400, "bad_data", `invalid label name: "\xff"`},
		{"query_exemplars", "query=m&start=2&end=1", 400, "bad_data", "end timestamp must not be before start timestamp"},
		{"metadata", "limit=x", 400, "bad_data", "limit must be a number"},
		{"rules", "type=x", 400, "bad_data", `invalid parameter "type": not supported value "x"`},
		{"rules", "group_next_token=x", 400, "bad_data", `invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups`},
		{"rules", "group_limit=1&group_next_token=x", 400, "bad_data", `invalid parameter "group_next_token": invalid group_next_token 'x'. were rule groups changed?`},
		{"status/tsdb", "limit=0", 400, "bad_data", "limit must be a positive number"},
	} {
		status, got := f.do(t, http.MethodGet, test.path+"?"+test.params, "", nil)
		var answer struct{ Status, ErrorType, Error string }
		if err := json.Unmarshal([]byte(got), &answer); err != nil {
			t.Errorf("%s?%s: %d %s", test.path, test.params, status, got)
			continue
		}
		if status != test.status || answer.Status != "error" || answer.ErrorType != test.kind || (test.text != "" && answer.Error != test.text) {
			t.Errorf("%s?%s: %d %+v\nwant %d %s %s", test.path, test.params, status, answer, test.status, test.kind, test.text)
		}
	}
	if status, _ := f.post(t, "query", form("query", strings.Repeat("1+", 1<<20)+"1")); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of 4 MiB: %d", status)
	}
	if status, _ := f.get(t, "nothing", nil); status != http.StatusNotFound {
		t.Errorf("unknown path: %d", status)
	}
	if status, _ := f.post(t, "rules", nil); status != http.StatusMethodNotAllowed {
		t.Errorf("POST rules: %d", status)
	}
}

func TestHistogramAndExemplarShapes(t *testing.T) {
	f := serve(t, nil)
	sample := metric.Sample{
		Series: &metric.Series{Labels: metric.NewLabels("h")}, T: at.UnixMilli(),
		H:        &metric.Histogram{Count: 3, Sum: 4, ZeroThreshold: 0.5, ZeroCount: 1, Spans: []metric.Span{{Offset: 1, Length: 1}}, Deltas: []int64{2}},
		Exemplar: &metric.Exemplar{Labels: metric.Labels{{Name: "trace_id", Value: "EpTxMJ40fUus7aGY"}}, V: 1.5, T: at.UnixMilli()},
	}
	if err := f.db.Append(t.Context(), []metric.Sample{sample}); err != nil {
		t.Fatal(err)
	}
	now := seconds(at)
	_, got := f.get(t, "query", form("query", "h", "time", now))
	point := `[` + now + `,{"count":"3","sum":"4","buckets":[[3,"-0.5","0.5","1"],[0,"1","2","2"]]}]`
	same(t, "histogram", got, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"h"},"histogram":`+point+`}]}}`)
	_, got = f.get(t, "query_range", form("query", "h", "start", now, "end", now, "step", "1"))
	same(t, "histograms", got, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"h"},"histograms":[`+point+`]}]}}`)
	_, got = f.get(t, "query_exemplars", form("query", "histogram_quantile(0.9, rate(h[1m]))", "start", now, "end", now))
	same(t, "exemplars", got, `{"status":"success","data":[{"seriesLabels":{"__name__":"h"},
		"exemplars":[{"labels":{"trace_id":"EpTxMJ40fUus7aGY"},"value":"1.5","timestamp":`+now+`}]}]}`)
}

func TestStatsAndNotes(t *testing.T) {
	f := serve(t, nil)
	f.append(t, "not_a_counter", at, time.Second, []float64{1, 2, 3})
	_, got := f.get(t, "query", form("query", "rate(not_a_counter[1m])", "time", seconds(at.Add(time.Minute/2)), "stats", "all"))
	var answer struct {
		Infos []string
		Data  struct {
			Stats struct {
				Timings map[string]float64
				Samples struct {
					Total   int             `json:"totalQueryableSamples"`
					PerStep json.RawMessage `json:"totalQueryableSamplesPerStep"`
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Data.Stats.Samples.Total != 3 || len(answer.Data.Stats.Timings) == 0 || len(answer.Data.Stats.Samples.PerStep) == 0 {
		t.Errorf("stats %+v in %s", answer.Data.Stats, got)
	}
	if len(answer.Infos) != 1 || !strings.Contains(answer.Infos[0], "metric might not be a counter") {
		t.Errorf("infos %q", answer.Infos)
	}
}

func TestRulesAndAlerts(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f := serve(t, func(c *promapi.Config) {
		c.Groups = func(context.Context) []promapi.Group {
			return []promapi.Group{{Name: "slo", File: "alerting", Interval: time.Minute, Rules: []promapi.Rule{{
				Name: "Burn", Query: "up == 0", State: "firing", For: time.Minute, Health: "ok",
				Labels: metric.NewLabels("", "severity", "page"),
				Alerts: []promapi.Alert{{Labels: metric.NewLabels("", "function", "f"), State: "firing", ActiveAt: since, Value: 14.4}},
			}}}}
		}
		c.Metadata = func(context.Context) map[string][]promapi.Metadata {
			return map[string][]promapi.Metadata{"a": {{Type: "counter", Help: "A."}}, "b": {{Type: "gauge", Help: "B.", Unit: "seconds"}}}
		}
		c.Targets = func(context.Context) []promapi.Target {
			return []promapi.Target{{Pool: "p", URL: "http://x/metrics", Health: "up", ScrapeInterval: time.Minute}, {Pool: "p", Dropped: true}}
		}
	})
	if err := f.db.SetRules([]byte("groups: [{name: r, rules: [{record: one, expr: vector(1), labels: {k: v}}]}]"), time.Hour); err != nil {
		t.Fatal(err)
	}
	alert := `{"labels":{"function":"f"},"annotations":{},"state":"firing","activeAt":"2026-01-02T03:04:05Z","value":"1.44e+01"}`
	alerting := `{"name":"slo","file":"alerting","interval":60,"limit":0,"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","rules":[
		{"state":"firing","name":"Burn","query":"up == 0","duration":60,"keepFiringFor":0,"labels":{"severity":"page"},"annotations":{},
		"alerts":[` + alert + `],"health":"ok","evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"alerting"}]}`
	_, got := f.get(t, "alerts", nil)
	same(t, "alerts", got, `{"status":"success","data":{"alerts":[`+alert+`]}}`)
	_, got = f.get(t, "rules", form("type", "alert"))
	same(t, "alerting rules", got, `{"status":"success","data":{"groups":[`+alerting+`]}}`)
	_, got = f.get(t, "rules", form("match[]", `{severity="page"}`, "rule_name[]", "Burn", "rule_group[]", "slo", "file[]", "alerting"))
	same(t, "filtered rules", got, `{"status":"success","data":{"groups":[`+alerting+`]}}`)
	var page struct {
		Data struct {
			Groups []struct {
				Name  string
				Rules []struct {
					Name, Type, Query string
					Labels            map[string]string
				}
			}
			GroupNextToken string
		}
	}
	_, got = f.get(t, "rules", form("group_limit", "1"))
	if err := json.Unmarshal([]byte(got), &page); err != nil || page.Data.GroupNextToken == "" || page.Data.Groups[0].Name != "slo" {
		t.Errorf("first page %s", got)
	}
	token := page.Data.GroupNextToken
	page.Data.GroupNextToken, page.Data.Groups = "", nil
	_, got = f.get(t, "rules", form("group_limit", "1", "group_next_token", token))
	if err := json.Unmarshal([]byte(got), &page); err != nil || page.Data.GroupNextToken != "" || page.Data.Groups[0].Rules[0].Labels["k"] != "v" || page.Data.Groups[0].Rules[0].Type != "recording" {
		t.Errorf("second page %s", got)
	}
	_, got = f.get(t, "metadata", form("metric", "b"))
	same(t, "metadata", got, `{"status":"success","data":{"b":[{"type":"gauge","unit":"seconds","help":"B."}]}}`)
	_, got = f.get(t, "metadata", form("limit", "1"))
	same(t, "metadata", got, `{"status":"success","data":{"a":[{"type":"counter","unit":"","help":"A."}]}}`)
	_, got = f.get(t, "targets", form("state", "dropped"))
	same(t, "dropped targets", got, `{"status":"success","data":{"activeTargets":[],"droppedTargets":[{"discoveredLabels":{},"scrapePool":"p"}],"droppedTargetCounts":{"p":1}}}`)
	_, got = f.get(t, "targets", form("state", "active"))
	if !strings.Contains(got, `"scrapeUrl":"http://x/metrics"`) || !strings.Contains(got, `"scrapeInterval":"1m"`) {
		t.Errorf("targets %s", got)
	}
	for _, path := range []string{"status/buildinfo", "status/runtimeinfo", "status/config", "status/tsdb"} {
		if status, got := f.get(t, path, nil); status != http.StatusOK || !strings.HasPrefix(got, `{"status":"success","data":{`) {
			t.Errorf("%s: %d %s", path, status, got)
		}
	}
	_, got = f.get(t, "status/buildinfo", nil)
	if !strings.Contains(got, `"version":"3.16.0"`) {
		t.Errorf("build %s", got)
	}
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	f := serve(t, nil)
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"query?query=up", "labels", "series?match[]=up", "query_exemplars?query=up", "status/tsdb"} {
		status, got := f.do(t, http.MethodGet, path, "", nil)
		if status != http.StatusServiceUnavailable || !strings.Contains(got, `"errorType":"unavailable"`) {
			t.Errorf("%s: %d %s", path, status, got)
		}
	}
}
