package logs_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"hadron/collector/forward"
	"hadron/collector/logs"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func benchStore(b *testing.B) *logs.Store {
	b.Helper()
	s, err := logs.Open(logs.Config{Dir: b.TempDir(), Rate: 1 << 40, Burst: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkAppend is what a console call pays: encoding included, the disk not.
func BenchmarkAppend(b *testing.B) {
	s := benchStore(b)
	r := record(hello, "a line of a usual length, with an id 0af7651916cd43dd")
	r.Request, r.Fields = "01JD3Z", json.RawMessage(`{"user":"u1","took":12}`)
	b.ReportAllocs()
	for b.Loop() {
		s.Append(r)
	}
}

// BenchmarkAppendForwarded is the same with a receiver that takes nothing, so that its
// queue is full: the worst that sending on can cost a call.
func BenchmarkAppendForwarded(b *testing.B) {
	f, err := logs.NewForwarder(logs.ForwardConfig{Loki: forward.Endpoint{URL: "http://127.0.0.1:1/loki/api/v1/push"}})
	if err != nil {
		b.Fatal(err)
	}
	s, err := logs.Open(logs.Config{Dir: b.TempDir(), Rate: 1 << 40, Burst: 1 << 40, Forward: f.Put})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	r := record(hello, "a line of a usual length, with an id 0af7651916cd43dd")
	r.Request, r.Fields = "01JD3Z", json.RawMessage(`{"user":"u1","took":12}`)
	b.ReportAllocs()
	for b.Loop() {
		s.Append(r)
	}
}

// BenchmarkQuery reads 100 records of one function among 10,000 whose logs fill
// 100 MB, the worst case: they are the oldest of all.
func BenchmarkQuery(b *testing.B) {
	s := benchStore(b)
	for i := range 100 {
		s.Append(record(hello, "%d", i))
	}
	for i := range 600_000 {
		s.Append(invocation.Record{
			Time: time.Now(), Level: invocation.Info, Function: function.Name(fmt.Sprintf("team/web/fn%d", i%10_000)), Message: "a line of a usual length, with an id 0af7651916cd43dd",
		})
		if i%20_000 == 0 { // each read writes what is queued
			for shard := range 200 {
				if _, err := s.Query(b.Context(), logs.Filter{Function: function.Name(fmt.Sprintf("team/web/fn%d", shard)), Limit: 1}); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	for b.Loop() {
		records, err := s.Query(b.Context(), logs.Filter{Function: hello})
		if err != nil || len(records) != 100 {
			b.Fatal(len(records), err)
		}
	}
}
