package trace_test

import (
	"testing"
	"time"

	"hadron/collector/trace"
	"hadron/runtime/invocation"
)

// What the gateway asks of the tracer for a call that is not kept.
func BenchmarkNotKept(b *testing.B) {
	tr := open(b, trace.Config{Sample: 0.01})
	h := tr.Handle(version(greeting, 1))
	now := time.Now()
	h.Begin(now)
	out := invocation.Outcome{Code: invocation.OK, Duration: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		if tr.Sample("0af7651916cd43dd8448eb211c80ffff") || h.Begin(now) || out.IsTraced(false, h.Slow()) {
			b.Fatal("kept")
		}
	}
}

// What keeping one costs, the memory's oldest making room.
func BenchmarkKept(b *testing.B) {
	tr := open(b, trace.Config{Sample: 1, Rate: 1 << 40})
	h := tr.Handle(version(greeting, 1))
	req := request(greeting, id(1), span(1))
	out := invocation.Outcome{Code: invocation.OK, Duration: time.Millisecond}
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = id(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		req.Trace.ID = ids[i&1023]
		if !h.Ended(req, began, out) {
			b.Fatal("not kept")
		}
	}
}
