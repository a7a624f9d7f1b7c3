package trace

import (
	"encoding/hex"
	"fmt"
	"net/http"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"hadron/collector/forward"
	"hadron/runtime/function"
)

// item is what is exported: a call, or what its waitUntil held, which ends later.
type item struct {
	call       Call
	background *Background
}

// exporter makes the queue to the OTLP receiver.
func (t *Traces) exporter() (*forward.Queue[item], error) {
	return forward.New(forward.Config[item]{
		Name: "traces.otlp", Endpoint: t.cfg.Export, Encode: t.encode, Judge: judge, Linger: t.cfg.Linger,
		Size:    func(i item) int { return int(i.call.bytes) },
		Sent:    func(n int) { t.metrics.exported.Add(float64(n)) },
		Dropped: func(why forward.Reason, n int) { t.metrics.unexported.WithLabelValues(string(why)).Add(float64(n)) },
		Logger:  t.cfg.Logger.With("component", "traces"),
	})
}

// encode makes the protobuf of an ExportTraceServiceRequest: a resource for each version.
func (t *Traces) encode(batch []item) ([]byte, string, error) {
	traces := ptrace.NewTraces()
	scopes := map[function.ID]ptrace.SpanSlice{}
	for _, i := range batch {
		spans, ok := scopes[i.call.Function]
		if !ok {
			spans = t.resource(traces.ResourceSpans().AppendEmpty(), i.call.Function)
			scopes[i.call.Function] = spans
		}
		if i.background != nil {
			put(spans.AppendEmpty(), &i.call, i.call.background(i.background))
			continue
		}
		for _, s := range i.call.Spans() {
			put(spans.AppendEmpty(), &i.call, s)
		}
	}
	body, err := ptraceotlp.NewExportRequestFromTraces(traces).MarshalProto()
	if err != nil {
		return nil, "", fmt.Errorf("encode spans: %w", err)
	}
	return body, "application/x-protobuf", nil
}

func (t *Traces) resource(r ptrace.ResourceSpans, id function.ID) ptrace.SpanSlice {
	a := r.Resource().Attributes()
	a.PutStr("service.name", string(id.Name))
	a.PutStr("service.namespace", id.Name.Team()+"/"+id.Name.Project())
	a.PutStr("service.version", fmt.Sprint(id.Version))
	a.PutStr("service.instance.id", t.cfg.Node)
	a.PutStr("hadron.team", id.Name.Team())
	a.PutStr("hadron.project", id.Name.Project())
	scope := r.ScopeSpans().AppendEmpty()
	scope.Scope().SetName("hadron")
	scope.Scope().SetVersion(t.cfg.Version)
	return scope.Spans()
}

var kinds = map[Kind]ptrace.SpanKind{Server: ptrace.SpanKindServer, Client: ptrace.SpanKindClient, Internal: ptrace.SpanKindInternal}

func put(to ptrace.Span, c *Call, s Span) {
	var traceID [16]byte
	var id, parent [8]byte
	_, _ = hex.Decode(traceID[:], []byte(c.Trace)) // ids were checked where they came in, or made here
	_, _ = hex.Decode(id[:], []byte(s.ID))
	to.SetTraceID(traceID)
	to.SetSpanID(id)
	if s.Parent != "" {
		_, _ = hex.Decode(parent[:], []byte(s.Parent))
		to.SetParentSpanID(parent)
	}
	to.TraceState().FromRaw(c.State)
	to.SetFlags(1)
	to.SetName(s.Name)
	to.SetKind(kinds[s.Kind])
	to.SetStartTimestamp(pcommon.NewTimestampFromTime(s.Began))
	to.SetEndTimestamp(pcommon.NewTimestampFromTime(s.Began.Add(s.Duration)))
	for _, at := range s.Attributes {
		switch v := at.Value.(type) {
		case string:
			to.Attributes().PutStr(at.Key, v)
		case int:
			to.Attributes().PutInt(at.Key, int64(v))
		case float64:
			to.Attributes().PutDouble(at.Key, v)
		case bool:
			to.Attributes().PutBool(at.Key, v)
		}
	}
	if !s.Error {
		return
	}
	to.Status().SetCode(ptrace.StatusCodeError)
	to.Status().SetMessage(s.Message)
	if s.Failure != nil {
		e := to.Events().AppendEmpty()
		e.SetName("exception")
		e.SetTimestamp(to.EndTimestamp())
		e.Attributes().PutStr("exception.type", s.Failure.Name)
		e.Attributes().PutStr("exception.message", s.Failure.Message)
		e.Attributes().PutStr("exception.stacktrace", stackOf(s.Failure))
	}
}

// judge reads how much a receiver refused although it said 200.
func judge(n, status int, body []byte) (rejected int, why string) {
	if status == http.StatusBadRequest {
		return n, ""
	}
	answer := ptraceotlp.NewExportResponse()
	if answer.UnmarshalProto(body) != nil {
		return 0, "" // it took them, whatever it says
	}
	partial := answer.PartialSuccess()
	return int(min(max(partial.RejectedSpans(), 0), int64(n))), partial.ErrorMessage()
}
