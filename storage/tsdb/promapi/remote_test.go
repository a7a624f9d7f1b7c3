package promapi_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/prometheus/client_golang/prometheus"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"hadron/storage/tsdb"
	"hadron/storage/tsdb/promapi"
)

func packed(t testing.TB, message proto.Message) []byte {
	t.Helper()
	body, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, body)
}

func oneSample(name string, ms int64, v float64) *prompb.WriteRequest {
	return &prompb.WriteRequest{Timeseries: []prompb.TimeSeries{{
		Labels:  []prompb.Label{{Name: "__name__", Value: name}, {Name: "job", Value: "remote"}},
		Samples: []prompb.Sample{{Timestamp: ms, Value: v}},
	}}}
}

const protobuf = "application/x-protobuf"

func TestRemoteWrite(t *testing.T) {
	f := serve(t, func(c *promapi.Config) { c.MaxWriteBytes = 64 << 10 })
	ms := at.UnixMilli()
	status, text := f.do(t, http.MethodPost, "write", protobuf, bytes.NewReader(packed(t, oneSample("v1", ms, 7))))
	if status != http.StatusNoContent {
		t.Fatalf("version 1: %d %s", status, text)
	}
	second := &writev2.Request{
		Symbols:    []string{"", "__name__", "v2"},
		Timeseries: []writev2.TimeSeries{{LabelsRefs: []uint32{1, 2}, Samples: []writev2.Sample{{Timestamp: ms, Value: 8}}}},
	}
	status, text = f.do(t, http.MethodPost, "write", protobuf+";proto=io.prometheus.write.v2.Request", bytes.NewReader(packed(t, second)))
	if status != http.StatusNoContent {
		t.Fatalf("version 2: %d %s", status, text)
	}
	_, got := f.get(t, "query", form("query", `{__name__=~"v."}`, "time", seconds(at)))
	same(t, "written", got, `{"status":"success","data":{"resultType":"vector","result":[
		{"metric":{"__name__":"v1","job":"remote"},"value":[`+seconds(at)+`,"7"]},
		{"metric":{"__name__":"v2"},"value":[`+seconds(at)+`,"8"]}]}}`)

	bomb := snappy.Encode(nil, make([]byte, 1<<20))
	for _, test := range []struct {
		what, contentType string
		body              []byte
		status            int
	}{
		{"another type", "application/json", packed(t, oneSample("x", ms, 1)), 415},
		{"another message", protobuf + ";proto=io.prometheus.write.v3.Request", packed(t, oneSample("x", ms, 1)), 415},
		{"no snappy", protobuf, []byte("plain"), 400},
		{"no protobuf", protobuf, snappy.Encode(nil, []byte("plain")), 400},
		{"too large", protobuf, make([]byte, 65<<10), 413},
		{"too large unpacked", protobuf, bomb, 413},
		{"duplicate", protobuf, packed(t, oneSample("v1", ms, 8)), 400},
		{"too old", protobuf, packed(t, oneSample("v1", ms-48*3600_000, 8)), 400},
		{"far ahead", protobuf, packed(t, oneSample("v1", time.Now().Add(time.Hour).UnixMilli(), 8)), 400},
	} {
		if status, text := f.do(t, http.MethodPost, "write", test.contentType, bytes.NewReader(test.body)); status != test.status {
			t.Errorf("%s: %d %s, want %d", test.what, status, text, test.status)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.server.URL+"/prometheus/api/v1/write", bytes.NewReader(bomb))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Encoding", "gzip")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("gzip: %d", response.StatusCode)
	}
}

func TestRemoteRead(t *testing.T) {
	f := serve(t, nil)
	f.append(t, "read_me", at, time.Second, []float64{1, 2, 3}, "a", "1")
	f.append(t, "read_me", at, time.Second, []float64{4, 5, 6}, "a", "2")
	address, err := url.Parse(f.server.URL + "/prometheus/api/v1/read")
	if err != nil {
		t.Fatal(err)
	}
	client, err := remote.NewReadClient("test", &remote.ClientConfig{
		URL: &commonconfig.URL{URL: address}, Timeout: model.Duration(10 * time.Second), ChunkedReadLimit: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	query, err := remote.ToQuery(at.UnixMilli(), at.UnixMilli()+1000, []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "__name__", "read_me")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := client.Read(t.Context(), query, true)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for set.Next() {
		line, iterator := set.At().Labels().Get("a")+":", set.At().Iterator(nil)
		for iterator.Next() == chunkenc.ValFloat {
			_, v := iterator.At()
			line += fmt.Sprint(" ", v)
		}
		got = append(got, line)
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	if want := "[1: 1 2 2: 4 5]"; fmt.Sprint(got) != want {
		t.Errorf("read %v, want %s", got, want)
	}
	raw := &prompb.ReadRequest{Queries: []*prompb.Query{{
		StartTimestampMs: at.UnixMilli(), EndTimestampMs: at.UnixMilli(),
		Matchers: []*prompb.LabelMatcher{{Type: prompb.LabelMatcher_EQ, Name: "a", Value: "2"}},
	}}}
	status, body := f.do(t, http.MethodPost, "read", protobuf, bytes.NewReader(packed(t, raw)))
	plain, err := snappy.Decode(nil, []byte(body))
	if err != nil {
		t.Fatalf("%d %q: %v", status, body, err)
	}
	var answer prompb.ReadResponse
	if err := proto.Unmarshal(plain, &answer); err != nil || len(answer.Results) != 1 || answer.Results[0].Timeseries[0].Samples[0].Value != 4 {
		t.Errorf("sampled read: %v %v", &answer, err)
	}
	if status, text := f.do(t, http.MethodPost, "read", "text/plain", strings.NewReader("x")); status != http.StatusUnsupportedMediaType {
		t.Errorf("another type: %d %s", status, text)
	}
	if status, text := f.do(t, http.MethodPost, "read", protobuf, bytes.NewReader(snappy.Encode(nil, make([]byte, 2<<20)))); status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d %s", status, text)
	}
}

func FuzzRemoteWrite(f *testing.F) {
	db, err := tsdb.Open(tsdb.Config{Dir: f.TempDir(), OutOfOrderWindow: time.Hour})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	handler, err := promapi.New(promapi.Config{DB: db, Registerer: prometheus.NewRegistry()})
	if err != nil {
		f.Fatal(err)
	}
	good, err := proto.Marshal(oneSample("fuzzed", time.Now().UnixMilli(), 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, true, false)
	f.Add(snappy.Encode(nil, good), false, false)
	second, err := proto.Marshal(&writev2.Request{
		Symbols:    []string{"", "__name__", "v2"},
		Timeseries: []writev2.TimeSeries{{LabelsRefs: []uint32{1, 2}, Samples: []writev2.Sample{{Timestamp: time.Now().UnixMilli(), Value: 8}}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(second, true, true)
	f.Add([]byte("\"\x00\"\b__name__\"\x02v2*\x18\"\x02102\x10000000000000000000"), true, true)
	f.Fuzz(func(t *testing.T, body []byte, pack, v2 bool) {
		if pack {
			body = snappy.Encode(nil, body)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/write", bytes.NewReader(body))
		contentType := protobuf
		if v2 {
			contentType += ";proto=io.prometheus.write.v2.Request"
		}
		request.Header.Set("Content-Type", contentType)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if plain, err := snappy.Decode(nil, body); err == nil && recorder.Code == http.StatusNoContent {
			var message proto.Message = &prompb.WriteRequest{}
			if v2 {
				message = &writev2.Request{}
			}
			// The other way round it passes what nobody writes: groups that do not end.
			if err := proto.Unmarshal(plain, message); err != nil {
				t.Errorf("what Prometheus's decoder refuses was taken: %v", err)
			}
		}
		if recorder.Code != http.StatusNoContent && (recorder.Code < 400 || recorder.Code >= 500) {
			t.Errorf("status %d: %s", recorder.Code, recorder.Body)
		}
		if _, err := db.Query(context.Background(), "count({__name__!=''})", time.Now()); err != nil {
			t.Error(err)
		}
	})
}

// FuzzQueryParams holds that no parameter makes the API fail inside.
func FuzzQueryParams(f *testing.F) {
	db, err := tsdb.Open(tsdb.Config{Dir: f.TempDir(), QueryMaxSamples: 100_000, QueryTimeout: time.Second})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	handler, err := promapi.New(promapi.Config{DB: db})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("query_range", "vector(1)", "0", "60", "15s", "1")
	f.Add("query", "sum(up)", "2026-01-02T03:04:05Z", "", "", "")
	f.Add("series", "{a=~\"b.*\"}", "-9223309901257974", "9223309901257974", "1e-9", "-1")
	f.Fuzz(func(t *testing.T, path, query, start, end, step, limit string) {
		values := url.Values{
			"query": {query}, "match[]": {query}, "start": {start}, "time": {start}, "end": {end},
			"step": {step}, "timeout": {step}, "limit": {limit},
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/"+url.PathEscape(path)+"?"+values.Encode(), nil)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code == http.StatusInternalServerError {
			t.Errorf("%s", recorder.Body)
		}
	})
}
