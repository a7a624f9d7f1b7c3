package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/delivery"
)

type cursors map[string]int64

func (c cursors) Cursor(_ context.Context, feed string) (int64, bool, error) {
	at, known := c[feed]
	return at, known, nil
}

func (c cursors) PutCursor(_ context.Context, feed string, at int64) error {
	c[feed] = at
	return nil
}

// Through outages, lost answers and restarts each change is told once, in order, to a
// system that can be asked what it has.
func TestAFeedTellsEachChangeOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kept := cursors{}
		var last int64 = 5 // from before the feed
		var told []int64
		fresh := func() *delivery.Feed {
			return delivery.NewFeed(delivery.FeedConfig{
				Name: "x", Store: kept, Newest: func(context.Context) (int64, error) { return last, nil },
				Notices: func(_ context.Context, after int64, limit int) ([]delivery.Notice, int64, error) {
					var out []delivery.Notice
					for at := after + 1; at <= last && len(out) < min(limit, 3); at++ {
						out = append(out, delivery.Notice{Cursor: at})
						after = at
					}
					return out, after, nil
				},
				Send: func(_ context.Context, n delivery.Notice, again bool) error {
					if again && slices.Contains(told, n.Cursor) {
						return nil
					}
					switch rapid.IntRange(0, 5).Draw(t, "net") {
					case 0:
						return errors.New("no answer")
					case 1:
						told = append(told, n.Cursor)
						return errors.New("the answer is lost")
					}
					told = append(told, n.Cursor)
					return nil
				},
			})
		}
		feed := fresh()
		_, _ = feed.Reconcile(context.Background(), nil)
		for range rapid.IntRange(1, 30).Draw(t, "turns") {
			last += rapid.Int64Range(0, 5).Draw(t, "changes")
			if rapid.Bool().Draw(t, "restart") {
				feed = fresh()
			}
			_, _ = feed.Reconcile(context.Background(), nil)
		}
		for range 1000 {
			if _, err := feed.Reconcile(context.Background(), nil); err == nil {
				break
			}
		}
		var want []int64
		for at := int64(6); at <= last; at++ {
			want = append(want, at)
		}
		if !slices.Equal(told, want) {
			t.Fatalf("told %v, want %v", told, want)
		}
	})
}

func TestAChangeThatNobodyTakesHoldsUpNone(t *testing.T) {
	kept := cursors{"x": 0}
	var told []int64
	feed := delivery.NewFeed(delivery.FeedConfig{
		Name: "x", Store: kept,
		Notices: func(_ context.Context, after int64, _ int) ([]delivery.Notice, int64, error) {
			if after >= 2 {
				return nil, after, nil
			}
			return []delivery.Notice{{Cursor: 1}, {Cursor: 2}}, 2, nil
		},
		Send: func(_ context.Context, n delivery.Notice, _ bool) error {
			if n.Cursor == 1 {
				return fmt.Errorf("%w: no such service", delivery.ErrUnwanted)
			}
			told = append(told, n.Cursor)
			return nil
		},
	})
	if _, err := feed.Reconcile(t.Context(), nil); err != nil || !slices.Equal(told, []int64{2}) || kept["x"] != 2 {
		t.Errorf("%v, told %v, cursor %d", err, told, kept["x"])
	}
}
