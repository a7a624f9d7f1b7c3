package trace

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// FuzzJudge holds that no answer of a receiver refuses more than was sent.
func FuzzJudge(f *testing.F) {
	out := ptraceotlp.NewExportResponse()
	out.PartialSuccess().SetRejectedSpans(1 << 40)
	out.PartialSuccess().SetErrorMessage("too old")
	whole, err := out.MarshalProto()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, 3)
	f.Add([]byte("<html>"), 1)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		n &= 1023
		for _, status := range []int{200, 400} {
			if rejected, _ := judge(n, status, body); rejected < 0 || rejected > n {
				t.Fatalf("%d of %d", rejected, n)
			}
		}
	})
}

// FuzzCall holds that whatever a client and a function make of a call, its spans hang
// together and can be exported.
func FuzzCall(f *testing.F) {
	f.Add("http://h/a?b#c", "GET", "00000000000000aa", "x=y", int64(5), int64(3), int64(9), "boom", "https://x:1/y")
	f.Add("", "\xff", "", "\x00", int64(-1), int64(1<<62), int64(0), "\xff\xfe", "://")
	tr, err := New(Config{Sample: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address, method, parent, state string, took, queue, init int64, message, fetched string) {
		req := &invocation.Request{
			ID: "r1", Version: function.ID{Name: "a/b/c", Version: 1}, Method: method, URL: address, Trigger: invocation.TriggerHTTP,
			Trace: invocation.Trace{ID: "0af7651916cd43dd8448eb211c80319c", Span: "b7ad6b7169203331", Parent: parent, State: state},
		}
		nonNegative := func(n int64) time.Duration { return time.Duration(n & (1<<50 - 1)) }
		out := invocation.Outcome{
			Code: invocation.FunctionError, Cold: true, Duration: nonNegative(took), Queue: nonNegative(queue), Init: nonNegative(init),
			Failure: &invocation.Failure{Name: "E", Message: message}, Fetches: []invocation.FetchSpan{{Span: "00000000000000f1", Method: "GET", URL: fetched}},
		}
		c := newCall(req, time.Unix(2e9, 0), out, time.Second)
		known := map[string]bool{parent: true}
		for _, s := range c.Spans() {
			if s.Duration < 0 || len(s.ID) != 16 || !known[s.Parent] || known[s.ID] && s.ID != parent {
				t.Fatalf("%+v", s)
			}
			known[s.ID] = true
		}
		body, _, err := tr.encode([]item{{call: *c}})
		if err != nil {
			t.Fatal(err)
		}
		if err := ptraceotlp.NewExportRequest().UnmarshalProto(body); err != nil {
			t.Fatalf("what is exported cannot be read: %v", err)
		}
	})
}
