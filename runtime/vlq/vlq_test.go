package vlq_test

import (
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/vlq"
)

func TestNumbersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, tail := rapid.IntRange(0, 1<<35-1).Draw(t, "n"), rapid.SampledFrom([]string{"", ",A", ";", "AAAA"}).Draw(t, "tail")
		b := vlq.Append(nil, n)
		got, length, ok := vlq.Read(string(b) + tail)
		if !ok || got != n || length != len(b) {
			t.Fatalf("%d is written %q and read as %d of %d characters, %t", n, b, got, length, ok)
		}
	})
}

// Examples of https://tc39.es/ecma426/: 0, 1, -1, 16.
func TestNumbersAreThoseOfSourceMaps(t *testing.T) {
	for text, want := range map[string]int{"A": 0, "C": 1 << 1, "D": 1<<1 | 1, "gB": 16 << 1} {
		if got, _, ok := vlq.Read(text); !ok || got != want {
			t.Errorf("%q is %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "g", "!", "ggggggggg"} {
		if _, _, ok := vlq.Read(text); ok {
			t.Errorf("%q is a number", text)
		}
	}
}
