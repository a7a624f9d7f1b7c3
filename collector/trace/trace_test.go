package trace_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"hadron/collector/trace"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const greeting = function.Name("growth/signup/greeting")

var began = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, cfg trace.Config) *trace.Traces {
	t.Helper()
	out, err := trace.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func version(name function.Name, n int, latency ...function.Latency) function.Version {
	v := function.Version{ID: function.ID{Name: name, Version: n}}
	v.Manifest.SLO.Latency = latency
	return v
}

func request(name function.Name, traceID, span string) *invocation.Request {
	return &invocation.Request{
		ID: "r-" + span, Version: function.ID{Name: name, Version: 1}, Trigger: invocation.TriggerHTTP, Method: "GET",
		URL: "http://h.example/a/b?secret=1#x", Trace: invocation.Trace{ID: traceID, Span: span, Parent: "00000000000000aa", Sampled: true},
	}
}

func id(n int) string   { return fmt.Sprintf("%032x", n+1) }
func span(n int) string { return fmt.Sprintf("%016x", n+1) }

func TestACallBecomesSpans(t *testing.T) {
	t.Parallel()
	tr := open(t, trace.Config{Sample: 1})
	h := tr.Handle(version(greeting, 1))
	out := invocation.Outcome{
		Code: invocation.FunctionError, Cold: true, Queue: 10 * time.Millisecond, Init: 20 * time.Millisecond, Duration: 100 * time.Millisecond,
		CPU: 5 * time.Millisecond, Background: true, Failure: &invocation.Failure{Name: "TypeError", Message: "no"},
		Fetches: []invocation.FetchSpan{
			{Span: "00000000000000f1", Method: "POST", URL: "https://api.example:8443/x", Code: "5xx", Status: 503, Start: 40 * time.Millisecond, Took: 30 * time.Millisecond},
			{Span: "00000000000000f2", Method: "GET", URL: "https://slow.example/", Start: 50 * time.Millisecond},
		}, MoreFetches: 3,
	}
	if !h.Ended(request(greeting, id(1), span(1)), began, out) {
		t.Fatal("not kept")
	}
	h.Settled(invocation.Trace{ID: id(1), Span: span(1)}, began.Add(100*time.Millisecond), invocation.Background{Code: invocation.OK, CPU: time.Millisecond})
	calls := tr.Get(id(1))
	if len(calls) != 1 || calls[0].Path != "/a/b" || calls[0].Why != trace.Failed {
		t.Fatalf("%+v", calls)
	}
	spans := calls[0].Spans()
	var shape []string
	ids := map[string]string{"00000000000000aa": "caller"}
	for _, s := range spans {
		ids[s.ID] = s.Name
		shape = append(shape, fmt.Sprintf("%s>%s %s +%s %s", ids[s.Parent], s.Name, s.Kind, s.Began.Sub(began), s.Duration))
	}
	want := []string{
		"caller>growth/signup/greeting server +0s 100ms",
		"growth/signup/greeting>queue internal +0s 10ms",
		"growth/signup/greeting>init internal +10ms 20ms",
		"growth/signup/greeting>run internal +30ms 70ms",
		"run>POST api.example:8443 client +40ms 30ms",
		"run>GET slow.example client +50ms 50ms",
		"growth/signup/greeting>background internal +100ms",
	}
	for i, w := range want {
		if i >= len(shape) || !strings.HasPrefix(shape[i], w) {
			t.Errorf("span %d is %q, want %q", i, shape, w)
			break
		}
	}
	if len(ids) != 8 {
		t.Errorf("span ids are not distinct: %v", ids)
	}
	if s := spans[0]; !s.Error || s.Message != "TypeError: no" {
		t.Errorf("%+v", s)
	}
	if s := spans[5]; !s.Error || !strings.Contains(s.Message, "not ended") {
		t.Errorf("%+v", s)
	}
}

func TestSamplingIsAsTold(t *testing.T) {
	t.Parallel()
	half := open(t, trace.Config{Sample: 0.5})
	none, all := open(t, trace.Config{}), open(t, trace.Config{Sample: 1})
	taken := 0
	for i := range 10_000 {
		one := fmt.Sprintf("%016x%016x", i+1, uint64(i)*0x9e3779b97f4a7c15)
		if half.Sample(one) {
			taken++
		}
		if none.Sample(one) || !all.Sample(one) {
			t.Fatalf("none %v all %v", none.Sample(one), all.Sample(one))
		}
		if half.Sample(one) != open(t, trace.Config{Sample: 0.5}).Sample(one) {
			t.Fatal("two nodes differ")
		}
	}
	if taken < 4700 || taken > 5300 {
		t.Errorf("half is %d of 10000", taken)
	}
	h := half.Handle(version(greeting, 1))
	if !h.Begin(began) || h.Begin(began.Add(time.Millisecond)) || !h.Begin(began.Add(time.Second)) {
		t.Error("not the first of each second")
	}
	if none.Handle(version(greeting, 1)).Begin(began) {
		t.Error("sampled although nothing is")
	}
	promised := version(greeting, 1, function.Latency{Quantile: 0.5, Threshold: function.Duration(time.Millisecond)}, function.Latency{Quantile: 0.9, Threshold: function.Duration(time.Minute)})
	if got := half.Handle(promised).Slow(); got != time.Minute {
		t.Errorf("slow is %s", got)
	}
	if got := half.Handle(version(greeting, 1)).Slow(); got != time.Second {
		t.Errorf("slow is %s without a promise", got)
	}
	for _, bad := range []trace.Config{{Sample: -1}, {Sample: 2}, {Rate: -1}} {
		if _, err := trace.New(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// What many calls leave is bounded: by version and second, by function, and in all.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	tr := open(t, trace.Config{Sample: 1, Keep: 10, Rate: 50, MaxBytes: 20_000, Registerer: reg})
	h := tr.Handle(version(greeting, 1))
	kept := 0
	for i := range 60 { // all in one moment
		out := invocation.Outcome{Code: invocation.OK, Duration: time.Duration(i) * time.Microsecond}
		if i == 0 {
			out.Code = invocation.Timeout
		}
		if h.Ended(request(greeting, id(i), span(i)), began, out) {
			kept++
		}
	}
	if kept != 50 {
		t.Errorf("%d were kept of a rate of 50", kept)
	}
	list := tr.List(greeting, trace.Filter{})
	if len(list) != 6 || list[len(list)-1].Code != invocation.Timeout && list[0].Code != invocation.Timeout {
		t.Errorf("%d kept in memory; the failed one must be among them", len(list))
	}
	if failed := tr.List(greeting, trace.Filter{Errors: true}); len(failed) != 1 || failed[0].Request != "r-"+span(0) {
		t.Errorf("failed: %+v", failed)
	}
	if slow := tr.List(greeting, trace.Filter{Min: 48 * time.Microsecond}); len(slow) != 2 {
		t.Errorf("%d took 48 µs", len(slow))
	}
	if one := tr.List(greeting, trace.Filter{Request: "r-" + span(49), Limit: 1}); len(one) != 1 || one[0].Trace != id(49) {
		t.Errorf("by request: %+v", one)
	}
	if got := tr.Get(id(3)); len(got) != 0 {
		t.Errorf("an old one is there: %+v", got)
	}
	for i := range 100 { // many functions push one another out
		name := function.Name(fmt.Sprintf("a/b/f%d", i))
		tr.Handle(version(name, 1)).Ended(request(name, id(1000+i), span(1000+i)), began, invocation.Outcome{Code: invocation.OK})
	}
	if len(tr.Get(id(1099))) != 1 || len(tr.Get(id(1000))) != 0 || len(tr.List(greeting, trace.Filter{})) != 0 {
		t.Error("the oldest did not make room")
	}
	if n, err := testutil.GatherAndCount(reg, "hadron_traces_memory_bytes", "hadron_traces_kept_total", "hadron_traces_dropped_total"); err != nil || n != 5 {
		t.Errorf("%d series: %v", n, err)
	}
	tr.Remove("a/b/f99")
	if len(tr.Get(id(1099))) != 0 || len(tr.List("a/b/f99", trace.Filter{})) != 0 {
		t.Error("a deleted function is remembered")
	}
}

// A part of the past begins with its first moment and ends before its last.
func TestListOfATime(t *testing.T) {
	t.Parallel()
	tr := open(t, trace.Config{Sample: 1})
	h := tr.Handle(version(greeting, 1))
	for i := range 4 {
		h.Ended(request(greeting, id(i), span(i)), began.Add(time.Duration(i)*time.Minute), invocation.Outcome{Code: invocation.OK})
	}
	list := tr.List(greeting, trace.Filter{Since: began.Add(time.Minute), Until: began.Add(3 * time.Minute)})
	if len(list) != 2 || list[0].Trace != id(2) || list[1].Trace != id(1) {
		t.Errorf("from the first to the third minute: %+v", list)
	}
	if list := tr.List(greeting, trace.Filter{Since: began.Add(time.Minute)}); len(list) != 3 {
		t.Errorf("since the first minute: %d", len(list))
	}
}

// One trace id for all, as a client may send it, is no way around the bounds.
func TestOneTraceOfManyCalls(t *testing.T) {
	t.Parallel()
	tr := open(t, trace.Config{Sample: 1, Keep: 10_000, Rate: 10_000})
	h := tr.Handle(version(greeting, 1))
	for i := range 1000 {
		h.Ended(request(greeting, id(1), span(i)), began.Add(time.Duration(i)), invocation.Outcome{Code: invocation.OK})
	}
	if got := tr.Get(id(1)); len(got) != trace.MaxCalls || got[len(got)-1].Span != span(999) {
		t.Errorf("%d calls", len(got))
	}
	tr.Remove(greeting)
	if got := tr.Get(id(1)); len(got) != 0 {
		t.Errorf("%d calls are left", len(got))
	}
}
