package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/ui/client"
	"hadron/ui/wire"
)

// A function that answers, logs, and fails on demand in a nested helper.
const source = `
interface Env { GREETING: string }

function explode(code: string): never {
  throw new TypeError("cannot serve " + code);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    console.log("called", url.pathname);
    if (url.searchParams.has("fail")) explode(url.searchParams.get("fail")!);
    return Response.json({ greeting: env.GREETING, path: url.pathname });
  },
};
`

const name, apiPath = "e2e/core/greeting", "/api/v1/functions/e2e/core/greeting"

// The path of issue 2 through the real binary: register, invoke, measure, watch,
// crash, come back, delete.
func TestFunctionLivesAndSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir, "--dev")

	var receipt wire.Registered
	p.want(http.StatusCreated, http.MethodPost, apiPath+"/versions", map[string]any{
		"source": source, "manifest": map[string]any{"env": map[string]string{"GREETING": "hello"}},
	}, &receipt)
	if receipt.Version != 1 || !strings.HasPrefix(receipt.Digest, "sha256:") || receipt.URL != p.url+"/fn/"+name {
		t.Fatalf("receipt %+v", receipt)
	}
	var again wire.Registered
	p.want(http.StatusOK, http.MethodPost, apiPath+"/versions", map[string]any{
		"source": source, "manifest": map[string]any{"env": map[string]string{"GREETING": "hello"}},
	}, &again)
	if again.Version != 1 || again.Digest != receipt.Digest {
		t.Fatalf("the same again made %+v", again)
	}

	live := watch(t, p, "overview")
	live.until("the function is in the snapshot", func(h wire.Health) bool { return h.Function == name })

	const calls, failing = 200, 20
	for i := range calls {
		path, want := "/fn/"+name+"/a%2Fb?i="+fmt.Sprint(i), http.StatusOK
		if i%(calls/failing) == 0 {
			path, want = path+"&fail=x"+fmt.Sprint(i), http.StatusInternalServerError
		}
		status, body := p.call(http.MethodGet, path, nil)
		if status != want {
			t.Fatalf("call %d: status %d, want %d: %s", i, status, want, body)
		}
		if want == http.StatusOK && !bytes.Contains(body, []byte(`"path":"/a%2Fb"`)) {
			t.Fatalf("call %d: %s", i, body)
		}
		if want != http.StatusOK && !bytes.Contains(body, []byte("index.ts")) {
			t.Fatalf("call %d: the problem does not name the author's file: %s", i, body)
		}
	}

	exactly := func(p *process, at time.Time) {
		t.Helper()
		for expr, want := range map[string]float64{
			`faas_invocations_total{team="e2e",project="core",function="greeting"}`:                         calls,
			`faas_errors_total{function="greeting",code="function_error"}`:                                  failing,
			`hadron_slo_events_total{function="greeting",slo="availability"}`:                               calls,
			`hadron_slo_bad_events_total{function="greeting",slo="availability"}`:                           failing,
			`histogram_count(faas_invoke_duration_seconds{function="greeting"})`:                            calls,
			`round(increase(faas_invocations_total{function="greeting",job="hadron",version="1"}[5m])) > 0`: 0,
		} {
			if want == 0 { // only that there is an answer
				eventually(t, expr, 20*time.Second, func() (bool, string) { _, ok := p.query(expr, at); return ok, "nothing" })
				continue
			}
			eventually(t, fmt.Sprintf("%s is %v", expr, want), 20*time.Second, func() (bool, string) {
				got, _ := p.query(expr, at)
				return got == want, fmt.Sprint(got)
			})
		}
	}
	exactly(p, time.Time{})
	live.until("errors are seen over the websocket", func(h wire.Health) bool {
		return h.Function == name && h.ErrorRatio != nil && *h.ErrorRatio > 0 && h.State != "healthy" && h.Reason != ""
	})

	logs := func(p *process) int {
		t.Helper()
		_, body := p.call(http.MethodGet, apiPath+"/logs?limit=1000&q=called", nil)
		return bytes.Count(body, []byte("\n"))
	}
	eventually(t, "each call's log line is there", 10*time.Second, func() (bool, string) { n := logs(p); return n == calls, fmt.Sprint(n) })

	counted := time.Now()
	p.kill()
	p = startServer(t, dir, "--dev")

	var list wire.List[wire.Function]
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions", nil, &list)
	if len(list.Items) != 1 || list.Items[0].Function != name || list.Items[0].Latest != 1 {
		t.Fatalf("after kill -9: functions %+v", list.Items)
	}
	if n := logs(p); n != calls {
		t.Fatalf("after kill -9: %d log lines, want %d", n, calls)
	}
	if got, _ := p.query(`sum(last_over_time(faas_invocations_total{function="greeting"}[5m]))`, counted); got != calls {
		t.Fatalf("after kill -9: %v invocations before the crash, want %d", got, calls)
	}
	if status, body := p.call(http.MethodGet, "/fn/"+name, nil); status != http.StatusOK {
		t.Fatalf("after kill -9: invoke answers %d: %s", status, body)
	}

	live = watch(t, p, "overview")
	live.until("the function is back", func(h wire.Health) bool { return h.Function == name })
	p.want(http.StatusNoContent, http.MethodDelete, apiPath, nil, nil)
	live.untilRemoved(name)
	for _, path := range []string{"/fn/" + name, apiPath, apiPath + "/health"} {
		var gone wire.Problem
		p.want(http.StatusNotFound, http.MethodGet, path, nil, &gone)
		if gone.Code != "function_not_found" {
			t.Errorf("%s: code %q", path, gone.Code)
		}
	}
	eventually(t, "the series have ended", 20*time.Second, func() (bool, string) {
		got, any := p.query(`count({function="greeting",__name__=~"faas_.*"})`, time.Time{})
		return !any, fmt.Sprint(got)
	})
	var next wire.Registered
	p.want(http.StatusCreated, http.MethodPost, apiPath+"/versions", map[string]any{"source": source}, &next)
	if next.Version != 2 {
		t.Errorf("after a delete the next version is %d; numbers are never used again", next.Version)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
}

// watcher reads one topic of the live websocket.
type watcher struct {
	t      *testing.T
	stream *client.Live
}

func watch(t *testing.T, p *process, topic string) *watcher {
	t.Helper()
	api, err := client.New(p.url, "")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := api.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Subscribe(topic, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return &watcher{t, stream}
}

func (w *watcher) until(what string, holds func(wire.Health) bool) {
	w.t.Helper()
	w.read(what, func(m client.Message) bool {
		return slices.ContainsFunc(m.Items, func(item json.RawMessage) bool {
			var h wire.Health
			return json.Unmarshal(item, &h) == nil && holds(h)
		})
	})
}

func (w *watcher) untilRemoved(name string) {
	w.t.Helper()
	w.read(name+" is removed", func(m client.Message) bool { return slices.Contains(m.Removed, name) })
}

func (w *watcher) read(what string, holds func(client.Message) bool) {
	w.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		m, err := w.stream.Next(w.t.Context())
		if err != nil {
			w.t.Fatalf("websocket: %v, while waiting until %s", err, what)
		}
		if holds(m) {
			return
		}
	}
	w.t.Fatalf("not within 30 s: %s", what)
}
