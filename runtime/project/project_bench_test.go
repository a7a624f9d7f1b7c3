package project_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"hadron/runtime/project"
)

func BenchmarkBundle(b *testing.B) {
	p := load(b, "testdata/modules")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Bundle(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	small := "export default { async fetch(request: Request) { return new Response(`hello from ${new URL(request.url).pathname}`) } }\n"
	var large strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&large, "export function f%d(a: number, b?: { c: string[] }): string { return a > %d ? `${b?.c[0] ?? a}` : JSON.stringify({ a, b }) }\n", i, i)
	}
	for name, source := range map[string]string{"small": small, "large": large.String()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(source)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := project.Build(context.Background(), project.Input{Source: source}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
