package logs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"hadron/collector/logs"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hello = function.Name("acme/web/hello")

func open(t *testing.T, cfg logs.Config) *logs.Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := logs.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func record(name function.Name, format string, args ...any) invocation.Record {
	return invocation.Record{Time: time.Now(), Level: invocation.Info, Function: name, Version: 1, Message: fmt.Sprintf(format, args...)}
}

func messages(t *testing.T, s *logs.Store, f logs.Filter) []string {
	t.Helper()
	records, err := s.Query(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range records {
		out = append(out, r.Message)
	}
	return out
}

func TestQueryFilters(t *testing.T) {
	s := open(t, logs.Config{})
	begin := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i := range 10 {
		level := invocation.Info
		if i%2 == 1 {
			level = invocation.Error
		}
		s.Append(invocation.Record{
			Time: begin.Add(time.Duration(i) * time.Second), Level: level, Function: hello, Version: 1 + i/5,
			Message: fmt.Sprintf("Line %d", i), Request: fmt.Sprintf("r%d", i), Fields: json.RawMessage(fmt.Sprintf(`{"n":"N%d"}`, i)),
		})
		s.Append(record("acme/web/other", `"function":"acme/web/hello" is not this one %d`, i))
	}
	for name, test := range map[string]struct {
		filter logs.Filter
		want   []string
	}{
		"newest, oldest first": {logs.Filter{Limit: 2}, []string{"Line 8", "Line 9"}},
		"level":                {logs.Filter{Level: invocation.Warn, Limit: 2}, []string{"Line 7", "Line 9"}},
		"text":                 {logs.Filter{Text: "line 3"}, []string{"Line 3"}},
		"text in fields":       {logs.Filter{Text: "n4"}, []string{"Line 4"}},
		"request":              {logs.Filter{Request: "r5"}, []string{"Line 5"}},
		"version":              {logs.Filter{Version: 1, Limit: 1}, []string{"Line 4"}},
		"time":                 {logs.Filter{Since: begin.Add(2 * time.Second), Until: begin.Add(4 * time.Second)}, []string{"Line 2", "Line 3"}},
		"none":                 {logs.Filter{Limit: -1}, nil},
	} {
		test.filter.Function = hello
		if got := messages(t, s, test.filter); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestReadableAfterADeath(t *testing.T) {
	dir := t.TempDir()
	s := open(t, logs.Config{Dir: dir})
	s.Append(record(hello, "one"))
	s.Append(record(hello, "two"))
	// The file is copied while the store lives: what a killed process leaves.
	dead := filepath.Join(t.TempDir(), "dead")
	deadline := time.Now().Add(5 * time.Second)
	for {
		if err := os.RemoveAll(dead); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(dead, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if files, _ := filepath.Glob(filepath.Join(dead, "*", "*.ndjson")); len(files) == 1 {
			torn(t, files[0])
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the records never reached a file")
		}
	}
	after := open(t, logs.Config{Dir: dead})
	after.Append(record(hello, "three"))
	if got, want := messages(t, after, logs.Filter{Function: hello}), []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("after the death: %q, want %q", got, want)
	}
}

// torn ends a file as a death in the middle of a write would, behind some noise.
func torn(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("\x00\x00{]\n" + `{"function":"acme/web/hello"` + "\n" + `{"time":"2026-11-22T12:00:00Z","level":"info","function":"acme/web/hello","mess`); err != nil {
		t.Fatal(err)
	}
}

func TestFollowHasNoGap(t *testing.T) {
	s := open(t, logs.Config{Rate: 1_000_000})
	const writers, each = 4, 500
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				s.Append(record(hello, "%d %d", w, i))
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			next := make([]int, writers)
			total := 0
			err := s.Follow(ctx, logs.Filter{Function: hello, Limit: logs.MaxLimit}, func(r invocation.Record) error {
				var w, i int
				if _, err := fmt.Sscanf(r.Message, "%d %d", &w, &i); err != nil {
					return fmt.Errorf("message %q: %w", r.Message, err)
				}
				if next[w] != i {
					return fmt.Errorf("writer %d: record %d where %d was due", w, i, next[w])
				}
				next[w]++
				if total++; total == writers*each {
					cancel()
				}
				return nil
			})
			if err != nil || total != writers*each {
				t.Errorf("followed %d of %d: %v", total, writers*each, err)
			}
		})
	}
	wg.Wait()
}

func TestDropsAreSaid(t *testing.T) {
	reg := prometheus.NewRegistry()
	s := open(t, logs.Config{Rate: 10, Burst: 20, Registerer: reg})
	for i := range 100 {
		s.Append(record(hello, "%d", i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var said string
	err := s.Follow(ctx, logs.Filter{Function: hello}, func(r invocation.Record) error {
		if strings.Contains(r.Message, "dropped") {
			said = r.Message
			cancel()
		}
		return nil
	})
	if err != nil || !strings.Contains(said, "more than 10 a second") {
		t.Fatalf("the stream says %q (%v)", said, err)
	}
	got := messages(t, s, logs.Filter{Function: hello})
	if len(got) < 21 || len(got) > 25 {
		t.Errorf("%d records were kept of a burst of 20", len(got))
	}
	if got := messages(t, s, logs.Filter{Function: "acme/web/other"}); got != nil {
		t.Errorf("another function has %q", got)
	}
}

func TestBoundedFields(t *testing.T) {
	s := open(t, logs.Config{})
	r := record(hello, "%s", strings.Repeat("é", 20_000))
	r.Fields = json.RawMessage(`"no object"`)
	s.Append(r)
	r.Fields = json.RawMessage(`{"a":"` + strings.Repeat("x", 100_000) + `"}`)
	s.Append(r)
	r.Fields = json.RawMessage(`{"a":`)
	s.Append(r)
	records, err := s.Query(t.Context(), logs.Filter{Function: hello})
	if err != nil || len(records) != 3 {
		t.Fatalf("%d records: %v", len(records), err)
	}
	for _, r := range records {
		if len(r.Message) > 17<<10 || !strings.Contains(r.Message, "bytes cut") {
			t.Errorf("message of %d bytes", len(r.Message))
		}
		if len(r.Fields) > 200 || !json.Valid(r.Fields) || !bytes.Contains(r.Fields, []byte("hadron.dropped")) {
			t.Errorf("fields: %.200s", r.Fields)
		}
	}
}

func TestRemoveHidesWhatWasBefore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, logs.Config{Dir: dir})
	s.Append(record(hello, "before"))
	s.Remove(hello)
	if got := messages(t, s, logs.Filter{Function: hello}); got != nil {
		t.Errorf("after removal: %q", got)
	}
	s.Append(record(hello, "after"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, logs.Config{Dir: dir})
	if got := messages(t, again, logs.Filter{Function: hello}); !slices.Equal(got, []string{"after"}) {
		t.Errorf("after a restart: %q", got)
	}
}

func TestRetentionBySize(t *testing.T) {
	dir := t.TempDir()
	cfg := logs.Config{Dir: dir, MaxBytes: 16 << 20, Rate: 1_000_000}
	s := open(t, cfg)
	text := strings.Repeat("x", 10_000)
	for i := range 300 { // 3 MB into a shard that may keep 1 MiB
		s.Append(record(hello, "%d %s", i, text))
		if i%50 == 49 {
			messages(t, s, logs.Filter{Function: hello, Limit: 1}) // each read writes what is queued
		}
	}
	if err := s.Retain(time.Now()); err != nil {
		t.Fatal(err)
	}
	if size := bytesUnder(t, dir); size > 1<<20+1<<19 {
		t.Errorf("%d bytes are left of a shard's 1 MiB", size)
	}
	got := messages(t, s, logs.Filter{Function: hello})
	if len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "299 ") {
		t.Errorf("%d records are left, and not the newest", len(got))
	}
	if err := s.Retain(time.Now().Add(30 * 24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, s, logs.Filter{Function: hello}); got != nil {
		t.Errorf("%d records outlived their age", len(got))
	}
}

func bytesUnder(t *testing.T, dir string) int64 {
	t.Helper()
	var total int64
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

func TestEmitEndsFollow(t *testing.T) {
	s := open(t, logs.Config{})
	s.Append(record(hello, "one"))
	want := errors.New("the reader left")
	if err := s.Follow(t.Context(), logs.Filter{Function: hello}, func(invocation.Record) error { return want }); !errors.Is(err, want) {
		t.Errorf("follow ended with %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Query(t.Context(), logs.Filter{Function: hello}); !errors.Is(err, logs.ErrClosed) {
		t.Errorf("query after close: %v", err)
	}
	s.Append(record(hello, "late")) // no panic; it is lost with the process
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	for _, cfg := range []logs.Config{{}, {Dir: "x", MaxBytes: 1}, {Dir: "x", MaxAge: 1}, {Dir: "x", Flush: time.Second}, {Dir: "x", Rate: -1}} {
		if _, err := logs.Open(cfg); err == nil || !strings.HasPrefix(err.Error(), "logs: ") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := logs.Open(logs.Config{Dir: file}); err == nil {
		t.Error("a file was taken for a directory")
	}
}
