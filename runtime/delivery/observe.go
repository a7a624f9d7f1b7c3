package delivery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hadron/runtime/function"
)

// observe gathers what a rollout's state needs to go on, and keeps what it needs in
// being: the comparison, the work of its state. All of it is by level, so that it does
// not matter what an earlier look, or process, has done.
func (c *Controller) observe(ctx context.Context, r Rollout) (Observation, error) {
	var o Observation
	f, there := c.cfg.Function(ctx, r.Function)
	if !there {
		o.Gone = "the function was deleted"
		return o, nil
	}
	alias, there := f.Alias(r.Alias)
	if !there {
		o.Gone = "the alias " + r.Alias + " is no more there"
		return o, nil
	}
	if alias.Revision != r.AliasRevision {
		by, what, err := c.cfg.Changed(ctx, r.Function, alias.Revision)
		if err != nil {
			return o, fmt.Errorf("read who set %s: %w", r.Alias, err)
		}
		o.Displaced = &Displaced{By: by, What: what}
		return o, nil
	}
	if r.Override == "" {
		freeze, err := c.frozen(ctx, r.Function.Team())
		if err != nil {
			return o, err
		}
		o.Freeze = freeze
	}
	o.Harm = c.cfg.Harm(r)
	switch r.State {
	case Prewarming, Probing:
		o.Work = c.work(ctx, r)
	case Running, Paused:
		c.compare(ctx, r, f, &o)
	case Promoting:
		o.Drained = c.cfg.Busy(function.ID{Name: r.Function, Version: r.From}) == 0
		c.cfg.CompareNoMore(r)
	case RollingBack:
		o.Drained = c.cfg.Busy(function.ID{Name: r.Function, Version: r.To}) == 0
		c.cfg.CompareNoMore(r)
	default: // it needs nothing
	}
	return o, nil
}

// compare reads both sides of a canary. What cannot be read is told, and promotes
// nothing.
func (c *Controller) compare(ctx context.Context, r Rollout, f function.Function, o *Observation) {
	if len(r.Plan.Steps) == 0 {
		return
	}
	// Live's objectives are the old version's until the rollout completes; another
	// alias has no objectives of its own, so the old version's manifest is asked.
	o.Objectives = f.Spec.SLO.Objectives()
	if f.SpecOf != r.From {
		if v, err := c.cfg.Version(ctx, function.ID{Name: r.Function, Version: r.From}); err == nil {
			o.Objectives = v.Manifest.SLO.Objectives()
		}
	}
	h := c.cfg.History(function.ID{Name: r.Function, Version: r.From})
	o.History = &h
	s, err := c.cfg.Compare(r)
	if err != nil {
		o.Trouble = err.Error()
		return
	}
	o.Sample = &s
}

// works are what states do once, each in a goroutine of its own. A result stays until
// its rollout is in another state; a process that ends does it again.
type works struct {
	wg sync.WaitGroup
	mu sync.Mutex
	by map[int64]*working
}

type working struct {
	of   State
	done *Work // nil: under way
	stop context.CancelFunc
}

func (w *works) wait() {
	w.mu.Lock()
	for _, job := range w.by {
		job.stop()
	}
	w.mu.Unlock()
	w.wg.Wait()
}

func (w *works) forget(id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if job := w.by[id]; job != nil {
		job.stop()
		delete(w.by, id)
	}
}

const (
	prewarmTime = time.Minute
	probeTime   = 10 * time.Second
	probeTries  = 3
	probePause  = 2 * time.Second
)

// work begins the work of the rollout's state where it is not under way, and returns
// how it ended once it has.
func (c *Controller) work(ctx context.Context, r Rollout) *Work {
	w := &c.works
	w.mu.Lock()
	defer w.mu.Unlock()
	if job := w.by[r.ID]; job != nil && job.of == r.State {
		return job.done
	} else if job != nil {
		job.stop()
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the look, and ends with the loop
	job := &working{of: r.State, stop: stop}
	if w.by == nil {
		w.by = map[int64]*working{}
	}
	w.by[r.ID] = job
	w.wg.Go(func() {
		defer stop()
		err := c.perform(ctx, r)
		done := &Work{Of: r.State}
		if err != nil {
			done.Err = err.Error()
		}
		w.mu.Lock()
		job.done = done
		w.mu.Unlock()
		c.Wake()
	})
	return nil
}

func (c *Controller) perform(ctx context.Context, r Rollout) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	id := function.ID{Name: r.Function, Version: r.To}
	if r.State == Prewarming {
		ctx, cancel := context.WithTimeout(ctx, prewarmTime)
		defer cancel()
		if len(r.Plan.Steps) > 0 { // both sides begin with a VM each
			baseline := function.ID{Name: r.Function, Version: r.From, Baseline: true}
			if err := c.cfg.Prewarm(ctx, baseline); err != nil {
				c.log.WarnContext(ctx, "the baseline could not be warmed up; its first call does it", "deployment", r.ID, "error", err)
			}
		}
		return c.cfg.Prewarm(ctx, id)
	}
	for try := 1; ; try++ {
		err := c.probe(ctx, id, r)
		if err == nil || try == probeTries || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(probePause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *Controller) probe(ctx context.Context, id function.ID, r Rollout) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return c.cfg.Probe(ctx, id, r.From, r.Plan.Probe)
}
