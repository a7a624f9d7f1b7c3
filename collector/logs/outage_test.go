package logs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/collector/logs"
	"hadron/runtime/invocation"
)

// TestDiskOutage takes the directories away: callers do not notice, what was
// appended can be read, and it reaches the disk once it can.
func TestDiskOutage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, logs.Config{Dir: dir, Rate: 1_000_000, Burst: 1_000_000})
	shards, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range shards {
		if err := os.Remove(shard); err != nil {
			t.Fatal(err)
		}
	}
	s.Append(record(hello, "kept"))
	if got := messages(t, s, logs.Filter{Function: hello}); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("without a disk: %q", got)
	}
	long := strings.Repeat("x", 16_000)
	for range 300 { // 4.8 MB, past what waits
		s.Append(record(hello, "%s", long))
	}
	for _, shard := range shards {
		if err := os.Mkdir(shard, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	said := make(chan string, 1)
	err = s.Follow(ctx, logs.Filter{Function: hello}, func(r invocation.Record) error {
		if strings.Contains(r.Message, "could not keep up") {
			said <- r.Message
			return os.ErrClosed
		}
		return nil
	})
	if len(said) != 1 {
		t.Fatalf("nothing was said of what was dropped: %v", err)
	}
	got := messages(t, s, logs.Filter{Function: hello})
	if len(got) < 100 || got[0] != "kept" {
		t.Errorf("%d records after the outage", len(got))
	}
}

func TestSlowReaderIsTold(t *testing.T) {
	s := open(t, logs.Config{Rate: 1_000_000, Burst: 1_000_000})
	s.Append(record(hello, "first"))
	long := strings.Repeat("x", 16_000)
	total, told := 0, ""
	err := s.Follow(t.Context(), logs.Filter{Function: hello}, func(r invocation.Record) error {
		switch {
		case r.Message == "first":
			for range 400 { // 6.4 MB while this reader stands
				s.Append(record(hello, "%s", long))
				if total++; total%50 == 0 {
					messages(t, s, logs.Filter{Function: hello, Limit: 1}) // writes what is queued
				}
			}
		case strings.Contains(r.Message, "too slow"):
			told = r.Message
			return os.ErrClosed
		}
		return nil
	})
	if told == "" {
		t.Errorf("the reader was not told: %v", err)
	}
	deadline := time.Now().Add(time.Second)
	if got := messages(t, s, logs.Filter{Function: hello, Until: deadline}); len(got) != 401 {
		t.Errorf("%d of 401 records are kept", len(got))
	}
}
