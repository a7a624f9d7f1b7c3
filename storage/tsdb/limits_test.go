package tsdb_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/prometheus/storage"
	"pgregory.net/rapid"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

func TestQueryTimeout(t *testing.T) {
	db := open(t, tsdb.Config{QueryTimeout: time.Nanosecond})
	if _, err := db.Query(t.Context(), "up", time.Now()); !errors.Is(err, tsdb.ErrQueryTimeout) {
		t.Errorf("%v, want ErrQueryTimeout", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := db.Query(ctx, "up", time.Now()); !errors.Is(err, cause) {
		t.Errorf("%v, want the cause", err)
	}
}

// blocked is a store whose queries wait until it is closed.
type blocked struct{ entered, free chan struct{} }

func (b blocked) Querier(int64, int64) (storage.Querier, error) {
	close(b.entered)
	<-b.free
	return storage.NoopQuerier(), nil
}

func TestOutsidersCannotHoldUpOwnQueries(t *testing.T) {
	db := open(t, tsdb.Config{QueryConcurrency: 1})
	store := blocked{make(chan struct{}), make(chan struct{})}
	slow, err := db.APIEngine().NewInstantQuery(t.Context(), store, nil, "up", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	done := make(chan error)
	go func() { done <- slow.Exec(t.Context()).Err }()
	<-store.entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	// Even parsing takes a slot.
	if _, err := db.APIEngine().NewInstantQuery(ctx, db.Queryable(), nil, "up", time.Now()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second query beside the only one allowed: %v", err)
	}
	if _, err := db.Query(t.Context(), "up", time.Now()); err != nil {
		t.Error("Hadron's own query:", err)
	}
	var wait sync.WaitGroup
	waitCtx, release := context.WithCancel(t.Context())
	var busy atomic.Int64
	for range 20 { // 16 may wait
		wait.Go(func() {
			_, err := db.APIEngine().NewInstantQuery(waitCtx, db.Queryable(), nil, "up", time.Now())
			if errors.Is(err, tsdb.ErrBusy) && busy.Add(1) == 4 {
				release()
			}
		})
	}
	wait.Wait()
	release()
	if busy.Load() != 4 {
		t.Errorf("%d of 20 were refused, want 4", busy.Load())
	}
	close(store.free)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestWhatWasAppendedIsRead compares the store with a list in memory.
func TestWhatWasAppendedIsRead(t *testing.T) {
	db := open(t, tsdb.Config{})
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		name := "property_" + strings.Repeat("x", run)
		all := []*metric.Series{series(name, "i", "0"), series(name, "i", "1"), series(name, "i", "2")}
		want := make([][]float64, len(all))
		at := base().Add(-10 * time.Minute)
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		for step := range steps {
			var batch []metric.Sample
			for i := range all {
				if i > 0 && !rapid.Bool().Draw(t, "present") {
					continue
				}
				v := rapid.Float64().Draw(t, "value")
				batch = append(batch, metric.Sample{Series: all[i], T: at.Add(time.Duration(step) * time.Second).UnixMilli(), V: v})
				want[i] = append(want[i], v)
			}
			if err := db.Append(context.Background(), batch); err != nil {
				t.Fatal(err)
			}
		}
		// A window of one step sees each sample once.
		got, err := db.QueryRange(context.Background(), "last_over_time("+name+"[1s])", at, at.Add(time.Duration(steps)*time.Second), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		byLabel := map[string][]float64{}
		for _, r := range got {
			byLabel[r.Labels.Get("i")] = r.V
		}
		for i, values := range want {
			have := byLabel[string(rune('0'+i))]
			if len(have) != len(values) {
				t.Fatalf("series %d: %d values, want %d", i, len(have), len(values))
			}
			for j := range values {
				if have[j] != values[j] {
					t.Fatalf("series %d value %d: %v, want %v", i, j, have[j], values[j])
				}
			}
		}
	})
}

func TestStartIsQuiet(t *testing.T) {
	var log strings.Builder
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.SetRules([]byte("groups: []"), time.Second); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if log.Len() > 0 {
		t.Errorf("logged at info or above:\n%s", log.String())
	}
}
