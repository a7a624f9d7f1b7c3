package promapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"hadron/collector/contract"
	"hadron/runtime/access"
	"hadron/storage/tsdb/intake"
	"hadron/storage/tsdb/promapi"
)

// sending is a server whose callers write for the team that they say in a header.
func sending(t testing.TB, budget contract.Budget) fixture {
	t.Helper()
	return serve(t, func(c *promapi.Config) {
		in, err := intake.New(intake.Config{DB: c.DB, Budget: budget, Instance: "node-1", Registerer: c.Registerer})
		if err != nil {
			t.Fatal(err)
		}
		c.Intake = in
		c.Visible = scopesOf
		c.Sender = func(r *http.Request) contract.Sender {
			scopes := scopesOf(r)
			if len(scopes) == 1 && scopes[0] == access.Everything {
				return contract.Operator
			}
			return contract.SenderOf(scopes)
		}
	})
}

const v2Type = protobuf + ";proto=io.prometheus.write.v2.Request"

// one is a request of version 2 with one series.
func one(series writev2.TimeSeries, pairs ...string) *writev2.Request {
	request := &writev2.Request{Symbols: []string{""}}
	for _, text := range pairs {
		series.LabelsRefs = append(series.LabelsRefs, uint32(len(request.Symbols)))
		request.Symbols = append(request.Symbols, text)
	}
	request.Timeseries = []writev2.TimeSeries{series}
	return request
}

func (f fixture) write2(t testing.TB, scopes []access.Scope, request *writev2.Request) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL+"/prometheus/api/v1/write", bytes.NewReader(packed(t, request)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", v2Type)
	r.Header.Set("Content-Encoding", "snappy")
	for _, s := range scopes {
		r.Header.Add(scopesHeader, string(s))
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

var (
	everybody = []access.Scope{access.Everything}
	ofPay     = []access.Scope{"pay"}
)

func TestRemoteWrite2SaysWhatItStored(t *testing.T) {
	f := sending(t, contract.Budget{})
	ms := time.Now().UnixMilli()
	h := writev2.Histogram{
		Count: &writev2.Histogram_CountInt{CountInt: 3}, Sum: 4, ZeroThreshold: 1e-9, ZeroCount: &writev2.Histogram_ZeroCountInt{},
		PositiveSpans: []writev2.BucketSpan{{Length: 2}}, PositiveDeltas: []int64{1, 1}, Timestamp: ms,
	}
	for _, test := range []struct {
		what       string
		request    *writev2.Request
		status     int
		written    [3]string // samples, histograms, exemplars
		complaints string
	}{
		{
			"samples and an exemplar", func() *writev2.Request {
				r := one(writev2.TimeSeries{
					Samples:   []writev2.Sample{{Timestamp: ms - 1000, Value: 1}, {Timestamp: ms, Value: 2}},
					Exemplars: []writev2.Exemplar{{LabelsRefs: []uint32{1, 2}, Value: 2, Timestamp: ms}},
				}, "__name__", "a_total", "job", "x")
				r.Timeseries[0].Metadata = writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: 4}
				return r
			}(), 204, [3]string{"2", "0", "1"}, "",
		},
		{"a histogram", one(writev2.TimeSeries{Histograms: []writev2.Histogram{h}}, "__name__", "h"), 204, [3]string{"0", "1", "0"}, ""},
		{"the same again", one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms, Value: 2}}}, "__name__", "a_total", "job", "x"), 204, [3]string{"1", "0", "0"}, ""},
		{
			"one of two", one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms, Value: 3}, {Timestamp: ms + 1, Value: 3}}}, "__name__", "a_total", "job", "x"),
			400,
			[3]string{"1", "0", "0"},
			"duplicate sample",
		},
		{"no samples", one(writev2.TimeSeries{}, "__name__", "b"), 400, [3]string{"0", "0", "0"}, "neither samples nor histograms"},
		{"no name", one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms}}}, "job", "b"), 400, [3]string{"0", "0", "0"}, `label "__name__" is missing`},
		{"a label twice", one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms}}}, "__name__", "b", "x", "1", "x", "2"), 400, [3]string{"0", "0", "0"}, `label "x" is given twice`},
		{"odd references", one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms}}}, "__name__", "b", "x"), 400, [3]string{"0", "0", "0"}, "not even"},
		{"a symbol that is not there", &writev2.Request{Symbols: []string{""}, Timeseries: []writev2.TimeSeries{{LabelsRefs: []uint32{7, 8}, Samples: []writev2.Sample{{Timestamp: ms}}}}}, 400, [3]string{"0", "0", "0"}, "refers to symbol 8 of 1"},
		{"a broken histogram", one(writev2.TimeSeries{Histograms: []writev2.Histogram{{Count: &writev2.Histogram_CountInt{CountInt: 9}, ZeroCount: &writev2.Histogram_ZeroCountInt{}, Timestamp: ms}}}, "__name__", "h2"), 400, [3]string{"0", "0", "0"}, "observations"},
	} {
		response, text := f.write2(t, everybody, test.request)
		got := [3]string{}
		for i, kind := range []string{"Samples", "Histograms", "Exemplars"} {
			got[i] = response.Header.Get("X-Prometheus-Remote-Write-" + kind + "-Written")
		}
		if response.StatusCode != test.status || got != test.written || !strings.Contains(text, test.complaints) {
			t.Errorf("%s: %d %v %s", test.what, response.StatusCode, got, text)
		}
	}
	if _, text := f.as(t, everybody, http.MethodGet, "metadata?metric=a_total", nil); !strings.Contains(text, `"type":"counter","help":"x"`) {
		t.Errorf("metadata: %s", text)
	}
	if _, text := f.as(t, everybody, http.MethodGet, "query_exemplars?query=a_total&start="+seconds(at)+"&end="+seconds(time.Now().Add(time.Minute)), nil); !strings.Contains(text, `"a_total"`) {
		t.Errorf("exemplars: %s", text)
	}
}

func TestStartTimesBecomeZeros(t *testing.T) {
	f := sending(t, contract.Budget{})
	now := time.Now()
	response, text := f.write2(t, everybody, one(writev2.TimeSeries{
		Samples: []writev2.Sample{{Timestamp: now.UnixMilli(), StartTimestamp: now.Add(-10 * time.Second).UnixMilli(), Value: 7}},
	}, "__name__", "begun_total"))
	if response.StatusCode != http.StatusNoContent {
		t.Fatal(text)
	}
	_, got := f.as(t, everybody, http.MethodGet, "query?query=increase(begun_total[1m])>0&time="+seconds(now.Add(time.Second)), nil)
	if !strings.Contains(got, `"value"`) {
		t.Errorf("a counter that says when it began has no increase: %s", got)
	}
}

func TestATeamWritesItsOwn(t *testing.T) {
	f := sending(t, contract.Budget{})
	ms := time.Now().UnixMilli()
	for i, test := range []struct {
		scopes []access.Scope
		labels []string
		status int
		want   string // of the series' labels or of the refusal
	}{
		{ofPay, []string{"job", "a"}, 204, `"job":"a","team":"pay"`},
		{ofPay, []string{"team", "pay"}, 204, `"team":"pay"`},
		{ofPay, []string{"team", "web"}, 400, `label "team" is "web", which this token does not write for`},
		{[]access.Scope{"pay/core"}, nil, 204, `"project":"core","team":"pay"`},
		{[]access.Scope{"pay/core"}, []string{"project", "edge"}, 400, `label "project" is "edge"`},
		{everybody, []string{"team", "web"}, 204, `"team":"web"`},
		{everybody, nil, 204, `{"__name__":"m`},
	} {
		name := fmt.Sprint("m", i)
		response, text := f.write2(t, test.scopes, one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms, Value: 1}}}, append([]string{"__name__", name}, test.labels...)...))
		if response.StatusCode != test.status {
			t.Errorf("%d: %d %s", i, response.StatusCode, text)
		}
		if test.status == 204 {
			_, text = f.as(t, everybody, http.MethodGet, "query?query="+name, nil)
		}
		if !strings.Contains(text, test.want) {
			t.Errorf("%d: %s, want %s", i, text, test.want)
		}
	}
	for _, name := range []string{"faas_invocations_total", "hadron_slo_events_total", "hadron_slo:budget_left"} {
		response, text := f.write2(t, ofPay, one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms, Value: 1}}}, "__name__", name, "function", "charge"))
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(text, "only Hadron itself writes") {
			t.Errorf("a team forged %s: %d %s", name, response.StatusCode, text)
		}
	}
	response, text := f.write2(t, everybody, one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms, Value: 1}}}, "__name__", "faas_errors_total", "job", "hadron"))
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("the operator forged: %d %s", response.StatusCode, text)
	}
	if response, text = f.write2(t, nil, one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms, Value: 1}}}, "__name__", "x")); response.StatusCode != http.StatusForbidden {
		t.Errorf("nobody wrote: %d %s", response.StatusCode, text)
	}
}

type ingestStatus struct {
	Data struct {
		Budget struct{ Team, Node int }
		Teams  []struct {
			Team           string
			Series, Folded int
			Dropped        map[string]int
			PastBudget     []struct {
				Metric, Label  string
				Series, Values int
			}
		}
	}
}

func (f fixture) ingest(t testing.TB, scopes []access.Scope) (out ingestStatus) {
	t.Helper()
	status, text := f.as(t, scopes, http.MethodGet, "status/ingest", nil)
	if err := json.Unmarshal([]byte(text), &out); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, text, err)
	}
	return out
}

func TestSeriesPastTheBudgetAreFolded(t *testing.T) {
	f := sending(t, contract.Budget{Team: 10, Node: 100})
	start := time.Now().Add(-30 * time.Second)
	// 15 counters of one team, each rising by 2 a step, and 15 gauges of 3.
	for step := range 3 {
		request := &prompb.WriteRequest{}
		for i := range 15 {
			ms := start.Add(time.Duration(step) * time.Second).UnixMilli()
			user := prompb.Label{Name: "user", Value: fmt.Sprint("u", i)}
			request.Timeseries = append(request.Timeseries,
				prompb.TimeSeries{Labels: []prompb.Label{{Name: "__name__", Value: "clicks_total"}, user}, Samples: []prompb.Sample{{Timestamp: ms, Value: float64(100 + 2*step)}}})
		}
		status, text := f.as(t, ofPay, http.MethodPost, "write", bytes.NewReader(packed(t, request)), "Content-Type", protobuf)
		if want := 204; step == 0 && status != want || status != want {
			t.Fatalf("step %d: %d %s", step, status, text)
		}
	}
	moment := seconds(start.Add(2 * time.Second))
	_, got := f.as(t, ofPay, http.MethodGet, "query?query=count(clicks_total)&time="+moment, nil)
	same(t, "series", got, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[`+moment+`,"11"]}]}}`)
	_, got = f.as(t, ofPay, http.MethodGet, `query?query=clicks_total{user="other"}&time=`+moment, nil)
	same(t, "the other", got, `{"status":"success","data":{"resultType":"vector","result":[
		{"metric":{"__name__":"clicks_total","team":"pay","user":"other"},"value":[`+moment+`,"20"]}]}}`) // 5 series × 2 steps × 2
	status := f.ingest(t, ofPay)
	if len(status.Data.Teams) != 1 || status.Data.Budget.Team != 10 {
		t.Fatalf("%+v", status)
	}
	team := status.Data.Teams[0]
	if team.Team != "pay" || team.Series != 10 || team.Folded != 5 || team.Dropped["series"] != 5 || len(team.PastBudget) != 1 ||
		team.PastBudget[0].Metric != "clicks_total" || team.PastBudget[0].Label != "user" || team.PastBudget[0].Values != 5 {
		t.Errorf("%+v", team)
	}
	// Past budget and as many folded, a series is lost, and that is said. A neighbour's is not.
	var last string
	for i := range 12 {
		var response *http.Response
		response, last = f.write2(t, ofPay, one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: time.Now().UnixMilli(), Value: 1}}}, "__name__", "more", "id", fmt.Sprint(i)))
		if i == 0 && response.StatusCode != http.StatusNoContent {
			t.Errorf("folded: %d %s", response.StatusCode, last)
		}
	}
	if !strings.Contains(last, "team pay has more than its budget of 10 series") {
		t.Error(last)
	}
	if response, text := f.write2(t, []access.Scope{"web"}, one(writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: time.Now().UnixMilli(), Value: 1}}}, "__name__", "more", "id", "0")); response.StatusCode != http.StatusNoContent {
		t.Errorf("a neighbour pays: %d %s", response.StatusCode, text)
	}
	if mine := f.ingest(t, ofPay); len(mine.Data.Teams) != 1 {
		t.Errorf("a team sees its neighbours: %+v", mine)
	}
	if all := f.ingest(t, everybody); len(all.Data.Teams) != 2 {
		t.Errorf("%+v", all)
	}
}

func TestTooManyWritesAreSentAway(t *testing.T) {
	f := serve(t, func(c *promapi.Config) { c.MaxWrites = 2 })
	arrived := make(chan struct{})
	body, end := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL+"/prometheus/api/v1/write", body)
		close(arrived)
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
		}
	}()
	<-arrived
	_, _ = end.Write([]byte("x"))
	eventually(t, "the sender's bound", func() bool {
		for _, path := range []string{"write", "otlp/v1/metrics"} {
			want := map[string]int{"write": http.StatusServiceUnavailable, "otlp/v1/metrics": http.StatusTooManyRequests}[path]
			if status, after := f.sent(t, path); status != want || after == "" {
				return false
			}
		}
		return true
	})
	end.Close()
	<-done
}

func (f fixture) sent(t *testing.T, path string) (status int, retryAfter string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL+"/prometheus/api/v1/"+path, bytes.NewReader(packed(t, oneSample("a", time.Now().UnixMilli(), 1))))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", protobuf)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode, response.Header.Get("Retry-After")
}

func TestStaleMarkersCrossTheDoor(t *testing.T) {
	f := sending(t, contract.Budget{})
	ms := at.UnixMilli()
	request := oneSample("ends", ms, 1)
	request.Timeseries[0].Samples = append(request.Timeseries[0].Samples, prompb.Sample{Timestamp: ms + 1000, Value: math.Float64frombits(0x7ff0000000000002)})
	if status, text := f.as(t, everybody, http.MethodPost, "write", bytes.NewReader(packed(t, request)), "Content-Type", protobuf); status != 204 {
		t.Fatal(text)
	}
	_, got := f.as(t, everybody, http.MethodGet, "query?query=ends&time="+seconds(at.Add(2*time.Second)), nil)
	same(t, "ended", got, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
}
