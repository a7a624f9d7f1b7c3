package collector_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"hadron/collector"
	"hadron/runtime/invocation"
)

func TestExposition(t *testing.T) {
	c, err := collector.New(collector.Config{Store: newMemory(t), Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	c.Apply(registered(hello, 3, time.Now()))
	h := c.Handle(version(3))
	for range 2 {
		call(h, invocation.OK, 3*time.Millisecond)
	}
	call(h, invocation.Timeout, 2*time.Second)
	c.Refused("no/such/function", invocation.FunctionNotFound)
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(c); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP faas_errors_total Invocations that ended in an error, by code.
# TYPE faas_errors_total counter
faas_errors_total{code="timeout",function="hello",project="web",team="acme",version="3"} 1
# HELP faas_invocations_total Invocations handed to the function, whatever their outcome.
# TYPE faas_invocations_total counter
faas_invocations_total{function="hello",project="web",team="acme",trigger="http",version="3"} 3
# HELP hadron_refused_total Calls refused before a function was called, by code.
# TYPE hadron_refused_total counter
hadron_refused_total{code="function_not_found",function="",project="",team=""} 1
# HELP hadron_slo_objective Share of events that must be good.
# TYPE hadron_slo_objective gauge
hadron_slo_objective{function="hello",project="web",slo="availability",team="acme",window="30d"} 0.999
hadron_slo_objective{function="hello",project="web",slo="latency-p99",team="acme",window="30d"} 0.99
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "faas_errors_total", "faas_invocations_total", "hadron_refused_total", "hadron_slo_objective"); err != nil {
		t.Error(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "faas_invoke_duration_seconds" {
			continue
		}
		hist := f.GetMetric()[0].GetHistogram()
		if hist.GetSampleCount() != 3 || hist.GetSchema() != 3 || len(hist.GetPositiveSpan()) == 0 {
			t.Errorf("histogram %v", hist)
		}
		for _, b := range hist.GetBucket() {
			want := uint64(0)
			switch {
			case b.GetUpperBound() >= 2:
				want = 3
			case b.GetUpperBound() >= 0.003:
				want = 2
			}
			if b.GetCumulativeCount() != want {
				t.Errorf("%d up to %g s, want %d", b.GetCumulativeCount(), b.GetUpperBound(), want)
			}
		}
		return
	}
	t.Error("there is no duration histogram")
}
