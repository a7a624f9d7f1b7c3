package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
)

// tracer remembers what it was told; it is shared by all versions of a test.
type tracer struct {
	begin bool
	slow  time.Duration

	mu      sync.Mutex
	ended   []invocation.Outcome
	traces  []invocation.Trace
	settled []invocation.Trace
}

func (t *tracer) Begin(time.Time) bool { return t.begin }
func (t *tracer) Slow() time.Duration  { return t.slow }

func (t *tracer) Ended(req *invocation.Request, _ time.Time, out invocation.Outcome) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended, t.traces = append(t.ended, out), append(t.traces, req.Trace)
	return true
}

func (t *tracer) Settled(trace invocation.Trace, _ time.Time, _ invocation.Background) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settled = append(t.settled, trace)
}

func traced(t *testing.T, tr *tracer, inv gateway.Invoker, sample bool) *rig {
	t.Helper()
	return open(t, inv, func(c *gateway.Config) {
		c.Trace = func(function.Version) gateway.Tracer { return tr }
		c.Sample = func(string) bool { return sample }
	})
}

func ask(t *testing.T, g *rig, parent string) *http.Response {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/fn/growth/signup/greeting", http.NoBody)
	if parent != "" {
		req.Header.Set("Traceparent", parent)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

// What is kept is what was sampled, failed or was slow; the response says whether it
// was sampled, and the outcome whether it was kept.
func TestTracesOfWhatIsWorthIt(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
	failing := invoke(func(context.Context, *invocation.Request, invocation.Writer) invocation.Outcome {
		return invocation.Outcome{Code: invocation.FunctionError}
	})
	for _, c := range []struct {
		name   string
		tr     *tracer
		inv    gateway.Invoker
		sample bool
		parent string
		kept   bool
		flag   string
	}{
		{"neither", &tracer{}, text(200, nil, "x"), false, "", false, "-00"},
		{"sampled", &tracer{}, text(200, nil, "x"), true, "", true, "-01"},
		{"offered", &tracer{begin: true}, text(200, nil, "x"), false, "", true, "-01"},
		{"slow", &tracer{slow: 1}, text(200, nil, "x"), false, "", true, "-00"},
		{"failed", &tracer{}, failing, false, "", true, "-00"},
		{"sampled by the caller", &tracer{}, text(200, nil, "x"), false, parent + "01", true, "-01"},
		{"left out by the caller", &tracer{begin: true}, text(200, nil, "x"), true, parent + "00", false, "-00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := traced(t, c.tr, c.inv, c.sample)
			res := ask(t, g, c.parent)
			if got := res.Header.Get("Traceparent"); !strings.HasSuffix(got, c.flag) || c.parent != "" && !strings.Contains(got, c.parent[3:35]) {
				t.Errorf("traceparent %q", got)
			}
			out := g.one(t)
			if out.Traced != c.kept || len(c.tr.ended) == 1 != c.kept {
				t.Errorf("traced %v, told of %d", out.Traced, len(c.tr.ended))
			}
			if c.kept && !strings.Contains(res.Header.Get("Traceparent"), c.tr.traces[0].ID+"-"+c.tr.traces[0].Span) {
				t.Errorf("the response %q leads not to %+v", res.Header.Get("Traceparent"), c.tr.traces[0])
			}
		})
	}
}

func TestBackgroundBelongsToItsTrace(t *testing.T) {
	tr := &tracer{}
	g := traced(t, tr, invoke(func(_ context.Context, _ *invocation.Request, w invocation.Writer) invocation.Outcome {
		_ = w.Head(200, nil, false)
		w.Settled(invocation.Background{Code: invocation.OK})
		return invocation.Outcome{Code: invocation.OK, Background: true}
	}), true)
	ask(t, g, "")
	g.until(t, "the end of its work", func() bool { return len(g.settled) == 1 })
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if len(tr.settled) != 1 || tr.settled[0] != tr.traces[0] {
		t.Errorf("%+v of %+v", tr.settled, tr.traces)
	}
}
