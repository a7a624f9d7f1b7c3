package reconcile_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target is a Target made of one func; it fails the test when two passes overlap.
type target struct {
	reconcile func(ctx context.Context, want []*function.Function) (reconcile.Result, error)
	passes    atomic.Int64
	running   atomic.Int64
	overlaps  atomic.Int64
}

func (*target) Name() string { return "things" }

func (t *target) Reconcile(ctx context.Context, want []*function.Function) (reconcile.Result, error) {
	if t.running.Add(1) > 1 {
		t.overlaps.Add(1)
	}
	defer t.running.Add(-1)
	t.passes.Add(1)
	if t.reconcile == nil {
		return reconcile.Result{Unchanged: len(want)}, nil
	}
	return t.reconcile(ctx, want)
}

func none(context.Context) ([]*function.Function, error) { return nil, nil }

func start(t *testing.T, cfg reconcile.Config) *reconcile.Loop {
	t.Helper()
	l, err := reconcile.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestFirstPassComesAtOnceThenOnWakeThenOnResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg, wake := &target{}, make(chan struct{}, 1)
		start(t, reconcile.Config{Target: tg, List: none, Wake: wake, Resync: time.Hour})
		synctest.Wait()
		if got := tg.passes.Load(); got != 1 {
			t.Fatalf("%d passes at start, want 1", got)
		}
		wake <- struct{}{}
		synctest.Wait()
		if got := tg.passes.Load(); got != 2 {
			t.Fatalf("%d passes after a wake, want 2", got)
		}
		time.Sleep(time.Hour) // of synctest's clock
		synctest.Wait()
		if got := tg.passes.Load(); got != 3 {
			t.Fatalf("%d passes after an hour, want 3", got)
		}
	})
}

func TestWakesDuringAPassAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		tg := &target{reconcile: func(ctx context.Context, _ []*function.Function) (reconcile.Result, error) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			return reconcile.Result{}, nil
		}}
		start(t, reconcile.Config{Target: tg, List: none, Wake: wake, Resync: time.Hour})
		synctest.Wait()
		for range 100 {
			select {
			case wake <- struct{}{}:
			default:
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := tg.passes.Load(); got != 2 {
			t.Fatalf("%d passes, want 2: the first and one for all wakes", got)
		}
	})
}

func TestFailedListChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("the index is down")
		var fails atomic.Bool
		fails.Store(true)
		tg := &target{}
		l := start(t, reconcile.Config{Target: tg, Resync: time.Hour, List: func(context.Context) ([]*function.Function, error) {
			if fails.Load() {
				return nil, down
			}
			return []*function.Function{{}, {}, {}}, nil
		}})
		synctest.Wait()
		s := l.Status()
		if tg.passes.Load() != 0 {
			t.Fatal("the target was asked although the list failed")
		}
		if !strings.Contains(s.LastError, "the index is down") || s.Failures != 1 || s.NextAttempt.Sub(s.LastPass) > time.Second {
			t.Fatalf("status %+v", s)
		}
		fails.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		s = l.Status()
		if tg.passes.Load() != 1 || s.LastError != "" || s.Failures != 0 || s.Result.Unchanged != 3 || s.LastSuccess.IsZero() {
			t.Fatalf("after recovery: %d passes, status %+v", tg.passes.Load(), s)
		}
	})
}

func TestBackoffGrowsAndNoWakeShortensIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		var at []time.Time
		tg := &target{reconcile: func(context.Context, []*function.Function) (reconcile.Result, error) {
			at = append(at, time.Now())
			return reconcile.Result{}, errors.New("down")
		}}
		start(t, reconcile.Config{Target: tg, List: none, Wake: wake, BackoffMin: time.Second, BackoffMax: 16 * time.Second})
		for range 2000 {
			select {
			case wake <- struct{}{}:
			default:
			}
			time.Sleep(50 * time.Millisecond)
		}
		synctest.Wait()
		want := time.Second
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < want/2 || gap > want+50*time.Millisecond {
				t.Fatalf("gap %d is %s, want %s to %s", i, gap, want/2, want)
			}
			want = min(2*want, 16*time.Second)
		}
		if len(at) < 7 {
			t.Fatalf("only %d passes in 100 s", len(at))
		}
	})
}

func TestOneFailingFunctionDoesNotDelayTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{}, 1)
		tg := &target{reconcile: func(context.Context, []*function.Function) (reconcile.Result, error) {
			return reconcile.Result{Unchanged: 9, Failed: 1}, nil
		}}
		l := start(t, reconcile.Config{Target: tg, List: none, Wake: wake})
		time.Sleep(10 * time.Minute) // the backoff is at its longest
		synctest.Wait()
		if got := l.Status().LastError; got != "1 of 10 failed" {
			t.Fatalf("last error %q", got)
		}
		before := tg.passes.Load()
		wake <- struct{}{}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := tg.passes.Load(); got != before+1 {
			t.Fatalf("%d passes within a second of the wake, want 1", got-before)
		}
	})
}

func TestTargetAsksForAnEarlierPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := &target{reconcile: func(context.Context, []*function.Function) (reconcile.Result, error) {
			return reconcile.Result{Next: 10 * time.Second}, nil
		}}
		start(t, reconcile.Config{Target: tg, List: none, Resync: time.Hour})
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if got := tg.passes.Load(); got != 7 {
			t.Fatalf("%d passes in a minute, want 7", got)
		}
	})
}

func TestPanicAndHangFailThePassOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []reconcile.Pass
		tg := &target{}
		tg.reconcile = func(ctx context.Context, _ []*function.Function) (reconcile.Result, error) {
			switch tg.passes.Load() {
			case 1:
				panic("nil map")
			case 2:
				<-ctx.Done()
				return reconcile.Result{}, context.Cause(ctx)
			}
			return reconcile.Result{Created: 1}, nil
		}
		l := start(t, reconcile.Config{Target: tg, List: none, Timeout: time.Minute, Observe: func(p reconcile.Pass) { seen = append(seen, p) }})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(seen) < 3 || seen[0].Err == nil || seen[1].Err == nil || seen[1].Duration != time.Minute || seen[2].Err != nil {
			t.Fatalf("passes %+v", seen)
		}
		if s := l.Status(); s.LastError != "" {
			t.Fatalf("status %+v", s)
		}
	})
}

func TestStopEndsAPassAndWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		tg := &target{reconcile: func(ctx context.Context, _ []*function.Function) (reconcile.Result, error) {
			<-ctx.Done()
			time.Sleep(3 * time.Second) // tidying up
			ended = true
			return reconcile.Result{}, ctx.Err()
		}}
		l, err := reconcile.New(reconcile.Config{Target: tg, List: none})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Stop(t.Context()); err != nil {
			t.Fatalf("stop before start: %v", err)
		}
		if err := l.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := l.Start(t.Context()); !errors.Is(err, reconcile.ErrStarted) {
			t.Fatalf("second start: %v", err)
		}
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Stop(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("impatient stop: %v", err)
		}
		if err := l.Stop(t.Context()); err != nil || !ended {
			t.Fatalf("stop: %v, ended %t", err, ended)
		}
	})
}

func TestClosedWakeIsNotABusyLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		close(wake)
		tg := &target{}
		start(t, reconcile.Config{Target: tg, List: none, Wake: wake, Resync: time.Hour})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := tg.passes.Load(); got != 1 {
			t.Fatalf("%d passes, want 1", got)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []reconcile.Config{{}, {Target: &target{}}, {Target: &target{}, List: none, Resync: -1}} {
		if _, err := reconcile.New(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}

// Whatever wakes, changes and failures come in whatever order: the target ends up as
// wanted soon after the failures stop, and no two passes run at once.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"change", "wake", "break list", "break target", "fail some", "mend", "time"}), 1, 60).Draw(rt, "steps")
		took := time.Duration(rapid.IntRange(0, 3000).Draw(rt, "ms a pass")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			wanted, have := 0, -1
			fault := ""
			wake := make(chan struct{}, 1)
			poke := func() {
				select {
				case wake <- struct{}{}:
				default:
				}
			}
			tg := &target{reconcile: func(ctx context.Context, want []*function.Function) (reconcile.Result, error) {
				select {
				case <-time.After(took):
				case <-ctx.Done():
					return reconcile.Result{}, ctx.Err()
				}
				mu.Lock()
				defer mu.Unlock()
				switch fault {
				case "break target":
					return reconcile.Result{}, errors.New("down")
				case "fail some":
					return reconcile.Result{Failed: 1}, nil
				}
				have = want[0].Latest
				return reconcile.Result{Updated: 1}, nil
			}}
			list := func(context.Context) ([]*function.Function, error) {
				mu.Lock()
				defer mu.Unlock()
				if fault == "break list" {
					return nil, errors.New("index down")
				}
				return []*function.Function{{Latest: wanted}}, nil
			}
			start(t, reconcile.Config{Target: tg, List: list, Wake: wake, Resync: 10 * time.Minute})
			for _, step := range steps {
				mu.Lock()
				switch step {
				case "change":
					wanted++
					poke()
				case "wake":
					poke()
				case "mend":
					fault = ""
				case "time":
				default:
					fault = step
				}
				mu.Unlock()
				if step == "time" {
					time.Sleep(700 * time.Millisecond)
				}
				synctest.Wait()
			}
			mu.Lock()
			fault = ""
			mu.Unlock()
			time.Sleep(time.Minute + 2*took + time.Second) // the longest backoff and the pass after it
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if have != wanted {
				t.Errorf("have %d, want %d after %v", have, wanted, steps)
			}
			if tg.overlaps.Load() != 0 {
				t.Error("two passes ran at once")
			}
		})
	})
}
