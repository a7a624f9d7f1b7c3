package delivery_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

// index is a function with its alias, and the store of its rollouts, in one memory.
type index struct {
	delivery.Store // freezes and cursors are not asked for beyond what is below

	mu     sync.Mutex
	fn     function.Function
	r      delivery.Rollout
	events []delivery.Event
	cursor int64
}

func newIndex() *index {
	return &index{cursor: 5, fn: function.Function{
		Name: "a/b/c", Latest: 2, SpecOf: 1, Spec: function.DefaultManifest(),
		Aliases: []function.Alias{{Name: "live", Weights: []function.Weight{{Version: 1, Weight: 100}}, Revision: 5}},
	}}
}

func (x *index) Active(context.Context) ([]delivery.Rollout, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.r.ID == 0 || !x.r.Active() {
		return nil, nil
	}
	return []delivery.Rollout{x.r}, nil
}

func (x *index) Find(ctx context.Context, _ delivery.Filter) ([]delivery.Rollout, error) {
	return x.Active(ctx)
}

func (x *index) Rollouts(context.Context, ...int64) ([]delivery.Rollout, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return []delivery.Rollout{x.r}, nil
}

func (x *index) Freeze(context.Context, string) (*delivery.Freeze, error) { return nil, nil }

func (x *index) Save(_ context.Context, w delivery.Write) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.save(w)
}

func (x *index) save(w delivery.Write) error {
	if w.Rollout.Revision != x.r.Revision {
		return delivery.ErrConflict
	}
	x.r = w.Rollout
	x.r.Revision++
	x.events = append(x.events, w.Events...)
	return nil
}

func (x *index) point(_ context.Context, p delivery.Point) (int64, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.fn.Aliases[0].Revision != p.Revision {
		return 0, delivery.ErrConflict
	}
	if p.Write.Rollout.ID == 0 {
		p.Write.Rollout.ID = x.cursor + 1
	}
	if p.Write.Points {
		p.Write.Rollout.AliasRevision = x.cursor + 1
	}
	if err := x.save(p.Write); err != nil {
		return 0, err
	}
	x.cursor++
	if p.Weights != nil {
		x.fn.Aliases = []function.Alias{{Name: "live", Weights: p.Weights, Revision: x.cursor}}
	}
	return x.cursor, nil
}

func (x *index) live() function.Alias {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.fn.Aliases[0]
}

// controller is a Controller over x whose comparisons are read by compare.
func controller(t *testing.T, x *index, compare func() (delivery.Sample, error)) *delivery.Controller {
	t.Helper()
	c, err := delivery.New(delivery.Config{
		Store: x, Point: x.point,
		Function: func(context.Context, function.Name) (function.Function, bool) {
			x.mu.Lock()
			defer x.mu.Unlock()
			return x.fn, true
		},
		Version: func(_ context.Context, id function.ID) (function.Version, error) {
			return function.Version{ID: id, Manifest: function.DefaultManifest()}, nil
		},
		Changed: func(context.Context, function.Name, int64) (string, string, error) {
			return "bob", "live is at @1", nil
		},
		Prewarm:       func(context.Context, function.ID) error { return nil },
		Probe:         func(context.Context, function.ID, int, function.Probe) error { return nil },
		Compare:       func(delivery.Rollout) (delivery.Sample, error) { return compare() },
		CompareNoMore: func(delivery.Rollout) {},
		History:       func(function.ID) delivery.Histogram { return delivery.Histogram{} },
		Harm:          func(delivery.Rollout) string { return "" },
		Busy:          func(function.ID) int64 { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func begin(t *testing.T, c *delivery.Controller) {
	t.Helper()
	_, began, err := c.Begin(t.Context(), delivery.Begin{
		Function: "a/b/c", Alias: "live", To: 2, By: "ada", Delivery: function.Delivery{Strategy: function.StrategyCanary, Interval: function.Duration(time.Minute)},
	})
	if err != nil || !began {
		t.Fatal(began, err)
	}
	var active *delivery.ActiveError
	if _, _, err := c.Begin(t.Context(), delivery.Begin{Function: "a/b/c", Alias: "live", To: 2, By: "bob"}); !errors.As(err, &active) {
		t.Errorf("a second one: %v", err)
	}
}

// The source of the metrics is dead: the controller waits, then stops, and has promoted
// nothing.
func TestAControllerWithADeadSourceStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newIndex()
		c := controller(t, x, func() (delivery.Sample, error) { return delivery.Sample{}, errors.New("no answer") })
		begin(t, c)
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		r, err := c.Get(t.Context(), x.r.ID)
		if err != nil || r.State != delivery.Stopped || r.Step != 1 || x.live().Whole() != 1 {
			t.Errorf("%s at step %d: %s; live %+v, %v", r.State, r.Step, r.Reason, x.live(), err)
		}
		if err := c.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// One process after another, each ending a little later than the one before: together
// they bring the rollout to its end.
func TestControllersTakeOverFromOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newIndex()
		var calls uint64
		var mu sync.Mutex
		compare := func() (delivery.Sample, error) {
			mu.Lock()
			defer mu.Unlock()
			calls += 20
			s := *sample(calls, 0, calls, 0)
			s.Since = time.Time{} // from before the rollout: this clock begins in 2000
			return s, nil
		}
		begin(t, controller(t, x, compare))
		for lives := range 40 {
			c := controller(t, x, compare)
			if err := c.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(lives) * 700 * time.Millisecond)
			if err := c.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if x.r.State != delivery.Completed || x.live().Whole() != 2 {
			t.Errorf("%s: %s; live %+v", x.r.State, x.r.Reason, x.live())
		}
		steps := 0
		for _, e := range x.events {
			if e.Kind == delivery.EventStep {
				steps++
			}
		}
		if steps != 4 {
			t.Errorf("%d steps: %+v", steps, x.events)
		}
	})
}

// What somebody sets by hand ends the rollout and stays as they made it.
func TestAnAliasSetByHandEndsTheRollout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newIndex()
		c := controller(t, x, func() (delivery.Sample, error) { return *sample(0, 0, 0, 0), nil })
		begin(t, c)
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		x.mu.Lock()
		x.cursor++
		x.fn.Aliases = []function.Alias{{Name: "live", Weights: []function.Weight{{Version: 1, Weight: 100}}, Revision: x.cursor}}
		x.mu.Unlock()
		time.Sleep(10 * time.Second)
		if err := c.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if x.r.State != delivery.Aborted || x.live().Revision != x.cursor || x.r.Reason != "ended by bob: live is at @1" {
			t.Errorf("%s: %s", x.r.State, x.r.Reason)
		}
		if _, err := c.Command(t.Context(), x.r.ID, delivery.Command{Verb: delivery.Pause}); !errors.Is(err, delivery.ErrEnded) {
			t.Errorf("%v", err)
		}
	})
}
