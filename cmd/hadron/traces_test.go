package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"hadron/ui/wire"
)

// A response, a log line and an exemplar lead to a trace of two functions and the fetch
// between them, on this server and at the OTLP receiver.
func TestTracesLeadFromOneToAnother(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	exported, refused := map[string]string{}, 0
	otlp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in := ptraceotlp.NewExportRequest()
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer of-the-receiver" || in.UnmarshalProto(body) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if refused++; refused == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		for _, rs := range in.Traces().ResourceSpans().All() {
			for _, s := range rs.ScopeSpans().At(0).Spans().All() {
				exported[s.SpanID().String()] = s.Name()
			}
		}
	}))
	defer otlp.Close()
	dir := t.TempDir()
	headers := filepath.Join(dir, "headers")
	if err := os.WriteFile(headers, []byte("Authorization: Bearer of-the-receiver\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startServer(t, dir, "--dev", "--traces.otlp.url", otlp.URL+"/v1/traces", "--traces.otlp.headers-file", headers)
	const inner, outer = "growth/signup/inner", "growth/signup/outer"
	for name, source := range map[string]string{
		inner: `export default { fetch() { throw new TypeError("inner fails") } }`,
		outer: fmt.Sprintf(`export default { async fetch(request, env, ctx) {
			console.log("outer says");
			ctx.waitUntil(new Promise(r => setTimeout(r, 400))); // beyond the response
			const res = await fetch(%q);
			return new Response("inner said " + res.status) } }`, p.url+"/fn/"+inner+"?token=concealed"),
	} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions", wire.Register{Source: source}, nil)
	}
	res := p.do(http.MethodGet, "/fn/"+outer+"/some/path?token=concealed", nil, nil)
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	parent := res.Header.Get("Traceparent")
	if string(body) != "inner said 500" || len(parent) != 55 || !strings.HasSuffix(parent, "-01") {
		t.Fatalf("%q %q", body, parent)
	}
	id := parent[3:35]

	var detail wire.TraceDetail
	eventually(t, "the trace is whole", 10*time.Second, func() (bool, string) {
		status, data := p.call(http.MethodGet, "/api/v1/functions/"+outer+"/traces/"+id, nil)
		detail = wire.TraceDetail{}
		return status == http.StatusOK && json.Unmarshal(data, &detail) == nil && strings.Contains(string(data), `"background"`), string(data)
	})
	byID := map[string]wire.Span{}
	for _, s := range detail.Spans {
		byID[s.ID] = s
	}
	var lineage []string
	for _, s := range detail.Spans {
		if s.Name != inner {
			continue
		}
		for at, ok := s, true; ok; at, ok = byID[at.Parent] {
			name, _, _ := strings.Cut(at.Name, " ")
			lineage = append(lineage, name)
		}
		if s.Error != "TypeError: inner fails" {
			t.Errorf("%+v", s)
		}
	}
	if got := strings.Join(lineage, " < "); got != inner+" < GET < run < "+outer {
		t.Errorf("the inner call hangs below %s", got)
	}
	if data, _ := json.Marshal(detail); strings.Contains(string(data), "concealed") {
		t.Errorf("a query is in a trace: %s", data)
	}

	var list wire.List[wire.Trace]
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions/"+inner+"/traces?error=true&limit=5", nil, &list)
	if len(list.Items) != 1 || list.Items[0].ID != id || list.Items[0].Why != "error" || list.Items[0].Trigger != "function" {
		t.Errorf("%+v", list)
	}
	var groups wire.List[wire.ErrorGroup]
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions/"+inner+"/errors", nil, &groups)
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions/"+inner+"/traces?request="+groups.Items[0].Request, nil, &list)
	if len(list.Items) != 1 || list.Items[0].ID != id {
		t.Errorf("by the request of its group: %+v", list)
	}
	eventually(t, "its log line is there", 10*time.Second, func() (bool, string) {
		_, data := p.call(http.MethodGet, "/api/v1/functions/"+outer+"/logs?q=outer+says", nil)
		return strings.Contains(string(data), id), string(data)
	})
	eventually(t, "an exemplar names it", 20*time.Second, func() (bool, string) {
		_, data := p.call(http.MethodGet, "/prometheus/api/v1/query_exemplars?query=faas_invoke_duration_seconds&start="+fmt.Sprint(time.Now().Unix()-600)+"&end="+fmt.Sprint(time.Now().Unix()+60), nil)
		return strings.Contains(string(data), id), string(data)
	})
	eventually(t, "all spans were exported", 20*time.Second, func() (bool, string) {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range detail.Spans {
			if exported[s.ID] != s.Name {
				return false, fmt.Sprintf("%s is missing in %v", s.Name, exported)
			}
		}
		return true, ""
	})
	if status, data := p.call(http.MethodGet, "/api/v1/functions/"+outer+"/traces/"+strings.Repeat("0", 31)+"1", nil); status != http.StatusNotFound || !strings.Contains(string(data), "sampled") {
		t.Errorf("%d %s", status, data)
	}
	if log := p.log(); strings.Contains(log, "of-the-receiver") {
		t.Error("the log holds the receiver's token")
	}
}
