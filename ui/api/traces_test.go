package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/client"
	"hadron/ui/wire"
)

func TestTraces(t *testing.T) {
	t.Parallel()
	const id = "0af7651916cd43dd8448eb211c80319c"
	var asked api.TraceQuery
	s := serve(t, func(c *api.Config) {
		c.Traces = func(name function.Name, q api.TraceQuery) []wire.Trace {
			asked = q
			return []wire.Trace{{ID: id, Function: string(name)}}
		}
		c.Trace = func(traceID string) []api.TracedCall {
			if traceID != id {
				return nil
			}
			return []api.TracedCall{
				{Function: greeting, Spans: []wire.Span{{ID: "1", Name: string(greeting)}}},
				{Function: "payments/core/charge", Spans: []wire.Span{{ID: "2", Name: "payments/core/charge"}}},
			}
		}
	})
	s.register(t, greeting, source, "")
	c := s.client(t, "hdn_admin")
	list, err := c.Traces(t.Context(), string(greeting), client.TraceFilter{Errors: true, Min: 1500 * time.Millisecond, Request: "r1", Limit: 7})
	if err != nil || len(list.Items) != 1 || asked != (api.TraceQuery{Errors: true, Min: 1500 * time.Millisecond, Request: "r1", Limit: 7}) {
		t.Errorf("%+v %+v %v", list, asked, err)
	}
	if _, err := c.Traces(t.Context(), string(greeting), client.TraceFilter{Since: "2026-01-31T12:00:00Z", Until: "2026-01-31T12:05:00Z"}); err != nil ||
		!asked.Since.Equal(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)) || asked.Until.Sub(asked.Since) != 5*time.Minute {
		t.Errorf("%+v %v", asked, err)
	}
	one, err := c.Trace(t.Context(), string(greeting), id)
	if err != nil || len(one.Spans) != 2 || one.Hidden != 0 {
		t.Errorf("%+v %v", one, err)
	}
	if one, err = s.client(t, "hdn_growth").Trace(t.Context(), string(greeting), id); err != nil || len(one.Spans) != 1 || one.Hidden != 1 {
		t.Errorf("another team's calls: %+v %v", one, err)
	}
	for _, query := range []string{"error=perhaps", "min=soon", "since=then", "until=soon", "limit=0", "limit=100000"} {
		s.refused(t, 400, "invalid_request", http.MethodGet, base+"/traces?"+query, "hdn_admin", "")
	}
	p := s.refused(t, 404, "not_found", http.MethodGet, base+"/traces/"+strings.Repeat("1", 32), "hdn_admin", "")
	if !strings.Contains(p.Detail, "not sampled") {
		t.Errorf("%q", p.Detail)
	}
	s.refused(t, 404, "function_not_found", http.MethodGet, "/api/v1/functions/a/b/c/traces", "hdn_admin", "")
	bare := serve(t, nil)
	bare.register(t, greeting, source, "")
	bare.refused(t, 501, "not_available", http.MethodGet, base+"/traces", "hdn_admin", "")
}
