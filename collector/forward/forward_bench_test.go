package forward_test

import (
	"testing"

	"hadron/collector/forward"
)

// What giving an item costs whoever has one, with room and without.
func BenchmarkPut(b *testing.B) {
	for name, most := range map[string]int{"queued": 1 << 40, "full": 1} {
		b.Run(name, func(b *testing.B) {
			cfg := config("http://127.0.0.1:1", &books{})
			cfg.MaxItems, cfg.MaxBytes, cfg.Dropped = most, 1<<60, func(forward.Reason, int) {}
			q, err := forward.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				q.Put("an item of some length")
			}
		})
	}
}
