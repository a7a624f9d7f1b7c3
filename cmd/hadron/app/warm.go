package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hadron/runtime/function"
)

// warmer has what was deployed compiled, and one VM of it made, before somebody
// calls it. Small modules are left out: they take a millisecond at their first call.
type warmer struct {
	prewarm func(context.Context, function.ID) error
	log     *slog.Logger

	live   atomic.Bool // changes are told, no longer the index as it stood at start
	jobs   chan function.ID
	ctx    context.Context // of its one goroutine
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

const (
	warmFrom    = 32 << 10 // bytes of source
	warmTimeout = 30 * time.Second
	maxToWarm   = 64 // deploys that wait; more are warmed by their first call
)

func newWarmer(prewarm func(context.Context, function.ID) error, log *slog.Logger) *warmer {
	w := &warmer{prewarm: prewarm, log: log.With("component", "warmer"), jobs: make(chan function.ID, maxToWarm)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// start begins to follow changes: before, a follower hears of all there is.
func (w *warmer) start() {
	w.live.Store(true)
	w.wg.Go(func() {
		for {
			select {
			case id := <-w.jobs:
				ctx, cancel := context.WithTimeout(w.ctx, warmTimeout)
				if err := w.prewarm(ctx, id); err != nil && w.ctx.Err() == nil {
					w.log.WarnContext(ctx, "version could not be warmed up; its first call tries again", "version", id.String(), "error", err)
				}
				cancel()
			case <-w.ctx.Done():
				return
			}
		}
	})
}

func (w *warmer) stop(context.Context) error {
	w.cancel()
	w.wg.Wait()
	return nil
}

// Apply implements registry.Follower.
func (w *warmer) Apply(f function.Function) {
	alias, ok := f.Alias(function.Live)
	if !ok || !w.live.Load() {
		return
	}
	for _, weight := range alias.Weights {
		v, known := f.Version(weight.Version)
		if !known || weight.Weight == 0 || v.Size < warmFrom {
			continue
		}
		select {
		case w.jobs <- v.ID:
		default:
			w.log.Warn("too many deploys wait to be warmed up; its first call does it", "version", v.ID.String())
		}
	}
}

// Remove implements registry.Follower.
func (*warmer) Remove(function.Name) {}
