package promapi_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"hadron/collector/contract"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/intake"
	"hadron/storage/tsdb/promapi"
)

// BenchmarkRemoteWrite sends requests of 2,000 samples of as many series each, as
// Prometheus's queues do, out of 200,000 series of ten labels, from two senders at once, through contract
// and budget into the write-ahead log. samples/s is the aim's figure,
// cpu-ns/sample what it costs.
func BenchmarkRemoteWrite(b *testing.B) {
	for _, version := range []string{"1.0", "2.0"} {
		b.Run(version, func(b *testing.B) { benchmarkWrite(b, version) })
	}
}

func benchmarkWrite(b *testing.B, version string) {
	const batches, perBatch = 100, 2000
	db, err := tsdb.Open(tsdb.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	in, err := intake.New(intake.Config{DB: db, Budget: contract.Budget{Team: 300_000, Node: 1_000_000}})
	if err != nil {
		b.Fatal(err)
	}
	handler, err := promapi.New(promapi.Config{DB: db, Intake: in, Registerer: prometheus.NewRegistry()})
	if err != nil {
		b.Fatal(err)
	}
	// The same series at each round, with times that rise: a round is a scrape of all.
	round := func(batch int, at time.Time) []byte {
		ms := at.UnixMilli()
		pairs := func(i int) []string {
			return []string{
				"__name__", fmt.Sprintf("service_requests_%d_total", i%50), "cluster", "eu-west-1", "code", fmt.Sprint(200 + i%7), "container", "server",
				"handler", fmt.Sprintf("/api/v1/things/%d", i%40), "instance", fmt.Sprintf("10.0.%d.%d:8080", batch, i/40), "job", "api",
				"method", "GET", "namespace", "prod", "team", "pay",
			}
		}
		if version == "1.0" {
			request := &prompb.WriteRequest{}
			for i := range perBatch {
				p := pairs(i)
				one := prompb.TimeSeries{Samples: []prompb.Sample{{Timestamp: ms, Value: float64(ms % 1000)}}}
				for k := 0; k < len(p); k += 2 {
					one.Labels = append(one.Labels, prompb.Label{Name: p[k], Value: p[k+1]})
				}
				request.Timeseries = append(request.Timeseries, one)
			}
			return packed(b, request)
		}
		table := writev2.NewSymbolTable()
		request := &writev2.Request{}
		for i := range perBatch {
			one := writev2.TimeSeries{Samples: []writev2.Sample{{Timestamp: ms, Value: float64(ms % 1000)}}}
			for _, text := range pairs(i) {
				one.LabelsRefs = append(one.LabelsRefs, table.Symbolize(text))
			}
			request.Timeseries = append(request.Timeseries, one)
		}
		request.Symbols = table.Symbols()
		return packed(b, request)
	}
	contentType := protobuf
	if version == "2.0" {
		contentType = v2Type
	}
	send := func(body []byte) {
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/api/v1/write", bytes.NewReader(body))
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Content-Encoding", "snappy")
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusNoContent {
			b.Errorf("%d: %s", recorder.Code, recorder.Body)
		}
	}
	at := time.Now().Add(-time.Hour)
	const rounds = 3
	prepared := func() [][]byte {
		var out [][]byte
		for range rounds {
			at = at.Add(time.Second)
			for batch := range batches {
				out = append(out, round(batch, at))
			}
		}
		return out
	}
	for _, body := range prepared() {
		send(body) // the series come into being
	}
	var used time.Duration
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		bodies := prepared()
		var next atomic.Int64
		var senders sync.WaitGroup
		runtime.GC() // what the senders left
		before := processorTime(b)
		b.StartTimer()
		for range 2 {
			senders.Go(func() {
				for i := next.Add(1) - 1; int(i) < len(bodies); i = next.Add(1) - 1 {
					send(bodies[i])
				}
			})
		}
		senders.Wait()
		b.StopTimer()
		used += processorTime(b) - before
		b.StartTimer()
	}
	b.ReportMetric(float64(used.Nanoseconds())/(float64(b.N)*rounds*batches*perBatch), "cpu-ns/sample")
	b.ReportMetric(float64(b.N)*rounds*batches*perBatch/b.Elapsed().Seconds(), "samples/s")
}

// processorTime is what this process used of processors: steadier than a clock on a machine
// that does more.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
