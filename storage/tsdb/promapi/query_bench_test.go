package promapi_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/promapi"
)

// BenchmarkQuery is an instant query of 1,000 series with its JSON.
func BenchmarkQuery(b *testing.B) {
	db, err := tsdb.Open(tsdb.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	batch := make([]metric.Sample, 1000)
	for i := range batch {
		batch[i] = metric.Sample{
			Series: &metric.Series{Labels: metric.NewLabels("bench_total", "function", strconv.Itoa(i))},
			T:      time.Now().UnixMilli(), V: float64(i),
		}
	}
	if err := db.Append(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	handler, err := promapi.New(promapi.Config{DB: db})
	if err != nil {
		b.Fatal(err)
	}
	request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/query?query=bench_total", nil)
	b.ReportAllocs()
	for b.Loop() {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK {
			b.Fatal(recorder.Body)
		}
	}
}
