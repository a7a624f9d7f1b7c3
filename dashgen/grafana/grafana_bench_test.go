package grafana_test

import (
	"fmt"
	"testing"

	"hadron/dashgen/grafana/grafanatest"
)

// BenchmarkFirstRun makes the dashboards of functions in a Grafana that has none and
// limits nobody: what is left is Hadron's own time, and calls.
func BenchmarkFirstRun(b *testing.B) {
	want := many(1000)
	for b.Loop() {
		s := grafanatest.New(b)
		tg := target(b, s)
		pass(b, tg, want)
		b.ReportMetric(float64(len(s.Requests()))/float64(len(want)), "calls/function")
	}
}

// BenchmarkSteadyPass finds everything in place.
func BenchmarkSteadyPass(b *testing.B) {
	for _, n := range []int{200, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := grafanatest.New(b)
			tg := target(b, s)
			want := many(n)
			pass(b, tg, want)
			s.ForgetRequests()
			passes := 0
			b.ResetTimer()
			for b.Loop() {
				pass(b, tg, want)
				passes++
			}
			b.ReportMetric(float64(len(s.Requests()))/float64(passes), "calls/pass")
		})
	}
}
