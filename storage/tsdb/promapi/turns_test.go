package promapi

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hadron/runtime/access"
	"hadron/storage/tsdb"
)

// However many queries one caller sends, another's next one starts with the next slot
// that is free.
func TestNoCallerStarvesAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(2, 2, 100, nil)
		var mu sync.Mutex
		var order []string
		run := func(key string) {
			leave, err := q.enter(t.Context(), key, key)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, key)
			mu.Unlock()
			time.Sleep(time.Second)
			leave()
		}
		for range 20 {
			go run("greedy")
		}
		synctest.Wait()
		for range 3 {
			go run("modest")
		}
		time.Sleep(time.Minute)
		if last := lastOf(order, "modest"); len(order) != 23 || last > 7 {
			t.Errorf("the modest caller's last query was number %d: %q", last, order)
		}
		if len(q.lanes) != 0 || len(q.ring) != 0 || q.taken != 0 || q.held != 0 {
			t.Errorf("left behind: %+v", q)
		}
	})
}

func lastOf(list []string, what string) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == what {
			return i
		}
	}
	return -1
}

func TestCallersHaveBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(5, 2, 1, nil)
		var leaves []func()
		for range 2 {
			leave, err := q.enter(t.Context(), "pay", "who reads pay")
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
		defer cancel()
		waited := make(chan error)
		go func() {
			_, err := q.enter(ctx, "pay", "who reads pay")
			waited <- err
		}()
		synctest.Wait()
		_, err := q.enter(t.Context(), "pay", "who reads pay")
		if want := "who reads pay has 2 queries running and 1 waiting"; !errors.Is(err, tsdb.ErrBusy) || !isBusy(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("past both bounds: %v", err)
		}
		if leave, err := q.enter(t.Context(), "growth", "who reads growth"); err != nil {
			t.Error("another caller:", err)
		} else {
			leave()
			leave() // once more does nothing
		}
		if err := <-waited; err == nil || err.Error() != "enough" {
			t.Errorf("one that waited too long: %v", err)
		}
		for _, leave := range leaves {
			leave()
		}
		if len(q.lanes) != 0 || q.taken != 0 {
			t.Errorf("left behind: %+v", q)
		}
	})
}

// Whatever comes, waits, gives up and ends: no bound is passed, nobody waits while a
// slot is free for him, and nothing is left behind.
func TestTurnsHold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		slots, running, waiting := rapid.IntRange(1, 4).Draw(rt, "slots"), rapid.IntRange(1, 3).Draw(rt, "running"), rapid.IntRange(0, 3).Draw(rt, "waiting")
		synctest.Test(t, func(t *testing.T) {
			q := newTurns(slots, running, waiting, nil)
			var wait sync.WaitGroup
			for range rapid.IntRange(1, 30).Draw(rt, "queries") {
				key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key")
				takes := time.Duration(rapid.IntRange(0, 5).Draw(rt, "takes")) * time.Second
				patience := time.Duration(rapid.IntRange(1, 9).Draw(rt, "patience")) * time.Second
				wait.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					leave, err := q.enter(ctx, key, key)
					if err != nil {
						return
					}
					time.Sleep(takes)
					leave()
				})
				synctest.Wait()
				q.mu.Lock()
				taken := 0
				for _, l := range q.lanes {
					taken += l.running
					if l.running > q.running || len(l.waiting) > q.waiting {
						t.Errorf("lane %+v", l)
					}
					if len(l.waiting) > 0 && l.running < q.running && q.taken < q.slots {
						t.Errorf("somebody waits beside a free slot: %+v", l)
					}
				}
				if taken != q.taken || taken > q.slots {
					t.Errorf("%d taken, %d counted", taken, q.taken)
				}
				q.mu.Unlock()
				time.Sleep(time.Duration(rapid.IntRange(0, 2).Draw(rt, "pause")) * time.Second)
			}
			wait.Wait()
			if len(q.lanes) != 0 || len(q.ring) != 0 || q.taken != 0 || q.held != 0 {
				t.Errorf("left behind: %+v", q)
			}
		})
	})
}

func TestLanes(t *testing.T) {
	for want, scopes := range map[string][]access.Scope{
		"":                {"pay", access.Everything},
		"growth":          {"growth"},
		"growth,pay/core": {"pay/core", "growth", "pay/core"},
		"growth/signup":   {"growth/signup"},
	} {
		if key, _ := laneOf(scopes); key != want {
			t.Errorf("%q is in lane %q", scopes, key)
		}
	}
}
