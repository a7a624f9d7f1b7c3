package delivery_test

import (
	"testing"

	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

// One look at a canary, which is made each second for every deployment under way.
func BenchmarkJudge(b *testing.B) {
	c := delivery.Case{Plan: plan(), Objectives: function.DefaultSLO().Objectives(), Bounds: usual, Sample: *sample(100_000, 130, 100_000, 120)}
	b.ReportAllocs()
	for b.Loop() {
		delivery.Judge(c)
	}
}
