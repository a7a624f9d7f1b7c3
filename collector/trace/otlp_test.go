package trace_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"hadron/collector/forward"
	"hadron/collector/trace"
	"hadron/runtime/invocation"
)

// receiver is an OTLP/HTTP receiver that holds spans to the protocol.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	busy   int // requests that are answered with 503 first
	reject int64
	spans  []ptrace.Span
	names  []string // service.name of each
}

func receive(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if req.Method != http.MethodPost || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		if r.busy > 0 {
			r.busy--
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		in := ptraceotlp.NewExportRequest()
		if err := in.UnmarshalProto(body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, rs := range in.Traces().ResourceSpans().All() {
			name, _ := rs.Resource().Attributes().Get("service.name")
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					if s.TraceID().IsEmpty() || s.SpanID().IsEmpty() || s.Name() == "" || s.EndTimestamp() < s.StartTimestamp() || name.Str() == "" {
						w.WriteHeader(http.StatusBadRequest)
						return
					}
					r.spans, r.names = append(r.spans, s), append(r.names, name.Str())
				}
			}
		}
		out := ptraceotlp.NewExportResponse()
		if r.reject > 0 {
			out.PartialSuccess().SetRejectedSpans(r.reject)
			out.PartialSuccess().SetErrorMessage("too old")
			r.reject = 0
		}
		answer, _ := out.MarshalProto()
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(answer)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestSpansAreExported(t *testing.T) {
	t.Parallel()
	r := receive(t)
	r.busy, r.reject = 1, 1
	reg := prometheus.NewRegistry()
	tr := open(t, trace.Config{Sample: 1, Export: forward.Endpoint{URL: r.URL + "/v1/traces"}, Linger: time.Millisecond, Registerer: reg, Node: "n1"})
	tr.Start(t.Context())
	h := tr.Handle(version(greeting, 1))
	h.Ended(request(greeting, id(1), span(1)), began, invocation.Outcome{
		Code: invocation.FunctionError, Duration: time.Second, Background: true, Failure: &invocation.Failure{Name: "E", Message: "m", Stack: []invocation.Frame{{File: "a.ts", Line: 3}}},
		Fetches: []invocation.FetchSpan{{Span: "00000000000000f1", Method: "GET", URL: "https://x/", Code: "2xx", Status: 200, Took: 1}},
	})
	h.Settled(invocation.Trace{ID: id(1), Span: span(1)}, began.Add(time.Second), invocation.Background{Code: invocation.OK})
	tr.Handle(version("a/b/other", 1)).Ended(request("a/b/other", id(2), span(2)), began, invocation.Outcome{Code: invocation.OK})
	for deadline := time.Now().Add(20 * time.Second); value(t, reg, "hadron_traces_exported_total")+value(t, reg, "hadron_traces_export_dropped_total") < 3; {
		if time.Now().After(deadline) {
			t.Fatal("not all were exported")
		}
		<-time.After(time.Millisecond)
	}
	if err := tr.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sent, dropped := value(t, reg, "hadron_traces_exported_total"), value(t, reg, "hadron_traces_export_dropped_total"); sent != 2 || dropped != 1 {
		t.Errorf("%v were taken, %v refused", sent, dropped)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	names := map[string]int{}
	for i, s := range r.spans {
		names[r.names[i]+" "+s.Name()]++
		if s.SpanID().String() == span(1) {
			e := s.Events()
			if s.Kind() != ptrace.SpanKindServer || s.Status().Code() != ptrace.StatusCodeError || s.ParentSpanID().String() != "00000000000000aa" || e.Len() != 1 || e.At(0).Name() != "exception" {
				t.Errorf("%+v", s)
			}
		}
	}
	for _, want := range []string{"growth/signup/greeting growth/signup/greeting", "growth/signup/greeting GET x", "growth/signup/greeting background", "a/b/other run"} {
		if names[want] != 1 {
			t.Errorf("%s came %d times: %v", want, names[want], names)
		}
	}
}

// value sums the series of a name.
func value(t *testing.T, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
