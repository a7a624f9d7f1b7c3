package promapi_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/protobuf/encoding/protowire"

	"hadron/collector/contract"
	"hadron/runtime/access"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/promapi"
)

// exported is what an SDK sends: one of each kind, of one resource.
func exported(at time.Time) pmetric.Metrics {
	metrics := pmetric.NewMetrics()
	resource := metrics.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "checkout")
	resource.Resource().Attributes().PutStr("service.namespace", "shop")
	resource.Resource().Attributes().PutStr("service.instance.id", "i-1")
	resource.Resource().Attributes().PutStr("host.arch", "arm64")
	list := resource.ScopeMetrics().AppendEmpty().Metrics()
	now := pcommon.NewTimestampFromTime(at)
	add := func(name, unit string) pmetric.Metric {
		m := list.AppendEmpty()
		m.SetName(name)
		m.SetUnit(unit)
		m.SetDescription("says " + name)
		return m
	}
	gauge := add("queue.depth", "1").SetEmptyGauge().DataPoints().AppendEmpty()
	gauge.SetTimestamp(now)
	gauge.SetIntValue(4)
	gauge.Attributes().PutStr("queue.name", "orders")
	sum := add("orders", "").SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	point := sum.DataPoints().AppendEmpty()
	point.SetTimestamp(now)
	point.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(-time.Minute)))
	point.SetDoubleValue(12)
	classic := add("latency", "s").SetEmptyHistogram()
	classic.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	buckets := classic.DataPoints().AppendEmpty()
	buckets.SetTimestamp(now)
	buckets.SetCount(3)
	buckets.SetSum(1.5)
	buckets.ExplicitBounds().FromRaw([]float64{0.5, 1})
	buckets.BucketCounts().FromRaw([]uint64{1, 2, 0})
	exponential := add("size", "By").SetEmptyExponentialHistogram()
	exponential.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	native := exponential.DataPoints().AppendEmpty()
	native.SetTimestamp(now)
	native.SetCount(5)
	native.SetSum(50)
	native.SetScale(3)
	native.Positive().BucketCounts().FromRaw([]uint64{2, 3})
	summary := add("rpc", "s").SetEmptySummary().DataPoints().AppendEmpty()
	summary.SetTimestamp(now)
	summary.SetCount(2)
	summary.SetSum(3)
	quantile := summary.QuantileValues().AppendEmpty()
	quantile.SetQuantile(0.5)
	quantile.SetValue(1.5)
	return metrics
}

func otlpBody(t testing.TB, metrics pmetric.Metrics, asJSON bool) (body []byte, contentType string) {
	t.Helper()
	request := pmetricotlp.NewExportRequestFromMetrics(metrics)
	var err error
	if asJSON {
		body, err = request.MarshalJSON()
		contentType = "application/json"
	} else {
		body, err = request.MarshalProto()
		contentType = protobuf
	}
	if err != nil {
		t.Fatal(err)
	}
	return body, contentType
}

func otlpAnswer(t testing.TB, text string, asJSON bool) pmetricotlp.ExportPartialSuccess {
	t.Helper()
	answer := pmetricotlp.NewExportResponse()
	var err error
	if asJSON {
		err = answer.UnmarshalJSON([]byte(text))
	} else {
		err = answer.UnmarshalProto([]byte(text))
	}
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return answer.PartialSuccess()
}

func TestOTLP(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		t.Run(fmt.Sprint("json=", asJSON), func(t *testing.T) {
			f := sending(t, contract.Budget{})
			now := time.Now().Add(-time.Second)
			body, contentType := otlpBody(t, exported(now), asJSON)
			var zipped bytes.Buffer
			zip := gzip.NewWriter(&zipped)
			_, _ = zip.Write(body)
			_ = zip.Close()
			status, text := f.as(t, ofPay, http.MethodPost, "otlp/v1/metrics", &zipped, "Content-Type", contentType, "Content-Encoding", "gzip")
			if partial := otlpAnswer(t, text, asJSON); status != 200 || partial.RejectedDataPoints() != 0 || partial.ErrorMessage() != "" {
				t.Fatalf("%d %s", status, text)
			}
			moment := seconds(time.Now())
			labels := `"instance":"i-1","job":"shop/checkout","team":"pay"`
			for query, want := range map[string]string{
				`queue_depth_ratio`:              `{"__name__":"queue_depth_ratio","instance":"i-1","job":"shop/checkout","queue_name":"orders","team":"pay"}`,
				`orders_total`:                   `{"__name__":"orders_total",` + labels + `}`,
				`latency_seconds_bucket`:         `"le":"0.5"`,
				`histogram_count(size_bytes)`:    `"5"`,
				`rpc_seconds{quantile="0.5"}`:    `"1.5"`,
				`target_info`:                    `"host_arch":"arm64"`,
				`increase(orders_total[2m]) > 0`: labels,
			} {
				if _, got := f.as(t, ofPay, http.MethodGet, "query?"+form("query", query, "time", moment).Encode(), nil); !strings.Contains(got, want) {
					t.Errorf("%s: %s", query, got)
				}
			}
			if _, got := f.as(t, ofPay, http.MethodGet, "metadata?metric=size_bytes", nil); !strings.Contains(got, `"help":"says size"`) {
				t.Errorf("metadata: %s", got)
			}
		})
	}
}

func TestOTLPSaysWhatItRefused(t *testing.T) {
	f := sending(t, contract.Budget{})
	now := time.Now()
	metrics := exported(now)
	list := metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	list.At(1).Sum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	old := list.At(0).Gauge().DataPoints().AppendEmpty()
	old.SetTimestamp(1)
	long := list.At(0).Gauge().DataPoints().AppendEmpty()
	long.SetTimestamp(pcommon.NewTimestampFromTime(now))
	long.Attributes().PutStr("id", strings.Repeat("x", 2000))
	body, contentType := otlpBody(t, metrics, true)
	status, text := f.as(t, ofPay, http.MethodPost, "otlp/v1/metrics", bytes.NewReader(body), "Content-Type", contentType)
	partial := otlpAnswer(t, text, true)
	if status != 200 || partial.RejectedDataPoints() != 3 {
		t.Errorf("%d %s", status, text)
	}
	for _, want := range []string{`\"orders\" is of delta temporality`, `\"queue.depth\" is older than 3h`, `label \"id\" has a value of 2000 bytes, at most 1024 are taken`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	if _, got := f.as(t, ofPay, http.MethodGet, "query?query=histogram_count(size_bytes)", nil); !strings.Contains(got, `"5"`) {
		t.Errorf("the rest is not there: %s", got)
	}
	for _, test := range []struct {
		body, contentType, encoding string
		scopes                      []access.Scope
		status                      int
	}{
		{"{}", "text/plain", "", ofPay, 415},
		{"{", "application/json", "", ofPay, 400},
		{"plain", protobuf, "gzip", ofPay, 400},
		{"plain", protobuf, "br", ofPay, 415},
		{strings.Repeat("{", 300_000), "application/json", "", ofPay, 413},
		{points(300_000), protobuf, "", ofPay, 413},
		{"{}", "application/json", "", nil, 403},
		{"{}", "application/json", "", ofPay, 200},
	} {
		header := []string{"Content-Type", test.contentType}
		if test.encoding != "" {
			header = append(header, "Content-Encoding", test.encoding)
		}
		if status, text := f.as(t, test.scopes, http.MethodPost, "otlp/v1/metrics", strings.NewReader(test.body), header...); status != test.status {
			t.Errorf("%+v: %d %s", test, status, text)
		}
	}
}

// points is a request of a gauge with many empty points.
func points(n int) string {
	wrap := func(field int, inner []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, protowire.Number(field), protowire.BytesType), inner)
	}
	return string(wrap(1, wrap(2, wrap(2, wrap(5, bytes.Repeat([]byte{1<<3 | 2, 0}, n))))))
}

func FuzzOTLP(f *testing.F) {
	db, err := tsdb.Open(tsdb.Config{Dir: f.TempDir(), OutOfOrderWindow: time.Hour})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	handler, err := promapi.New(promapi.Config{DB: db, Registerer: prometheus.NewRegistry()})
	if err != nil {
		f.Fatal(err)
	}
	for _, asJSON := range []bool{false, true} {
		body, _ := otlpBody(f, exported(time.Now()), asJSON)
		f.Add(body, asJSON, false)
	}
	f.Add([]byte("{}"), true, true)
	f.Fuzz(func(t *testing.T, body []byte, asJSON, zipped bool) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/otlp/v1/metrics", bytes.NewReader(body))
		request.Header.Set("Content-Type", map[bool]string{false: protobuf, true: "application/json"}[asJSON])
		if zipped {
			request.Header.Set("Content-Encoding", "gzip")
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK && recorder.Code != http.StatusBadRequest && recorder.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%d %s", recorder.Code, recorder.Body)
		}
	})
}
