package dashgen_test

import (
	"testing"

	"hadron/dashgen"
)

func BenchmarkForFunction(b *testing.B) {
	spec := specs(b)["default"]
	for b.Loop() {
		dashgen.ForFunction(spec)
	}
}

func BenchmarkGrafana(b *testing.B) {
	board := boards(b)["default"]
	for b.Loop() {
		render(b, board)
	}
}
