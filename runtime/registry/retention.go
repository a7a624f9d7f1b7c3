package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hadron/runtime/function"
)

// Retention says how long versions are kept: the newest Keep of a function, and all
// that are younger than Age. What an alias names, what a rollback may go back to and
// what others need stays whatever it says. Keep 0 keeps everything.
type Retention struct {
	Keep int
	Age  time.Duration
}

// RetentionAuthor is who retention's changes are by.
const RetentionAuthor = "retention"

const (
	maxRetired = 100       // versions of one function in one pass
	retainEach = time.Hour // between two passes over all functions
	retainRest = time.Minute
)

// Retired tells what a pass of retention did.
type Retired struct {
	Functions int // that were looked at
	Versions  int // that were removed
	More      bool
}

// Retain removes what each function's Retention lets go of, at most a hundred
// versions of one function at a time: More says that some were left for the next
// pass. A function that fails does not keep the others from theirs.
func (r *Registry) Retain(ctx context.Context) (Retired, error) {
	var out Retired
	var errs []error
	if r.cfg.Retention == nil {
		return out, nil
	}
	for _, f := range r.index.list(Filter{}) {
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		out.Functions++
		n, err := r.retain(ctx, f.Name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			errs = append(errs, fmt.Errorf("retain versions of %s: %w", f.Name, err))
		}
		out.Versions += n
		out.More = out.More || n == maxRetired
	}
	return out, errors.Join(errs...)
}

// KeepRetaining runs Retain now and each hour until ctx ends, sooner where a pass
// left something; wake begins the next pass at once. report is told of each pass.
func (r *Registry) KeepRetaining(ctx context.Context, wake <-chan struct{}, report func(Retired, error)) {
	for {
		done, err := r.Retain(ctx)
		if ctx.Err() != nil {
			return
		}
		report(done, err)
		rest := retainEach
		if err != nil || done.More {
			rest = retainRest
		}
		timer := time.NewTimer(rest)
		select {
		case <-timer.C:
		case <-wake:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// retain looks without the writer's lock first, so that a pass with nothing to do
// holds up no deploy.
func (r *Registry) retain(ctx context.Context, name function.Name) (int, error) {
	rule := r.cfg.Retention(name)
	rec, ok := r.index.get(name)
	if rule.Keep <= 0 || !ok || rec.Function.Latest <= rule.Keep {
		return 0, nil
	}
	due, err := r.due(ctx, rec, rule)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	var removed []int
	_, err = r.write(ctx, name, func(cur Record) (*edit, error) {
		removed = nil
		if !cur.exists() {
			return nil, notFound(name)
		}
		due, err := r.due(ctx, cur, rule)
		if err != nil || len(due) == 0 {
			return nil, err
		}
		e := begin(cur, KindRetired, RetentionAuthor, fmt.Sprintf("%d versions beyond the newest %d and older than %s", len(due), rule.Keep, rule.Age))
		e.removed = due
		removed = due
		return e, nil
	})
	if err != nil {
		return 0, err
	}
	return len(removed), nil
}

// forget drops what is remembered of removed versions.
func (r *Registry) forget(name function.Name, removed []int) {
	if len(removed) == 0 {
		return
	}
	r.cache.drop(name)
	if r.cfg.Retired != nil {
		r.cfg.Retired(name, removed)
	}
}

// due lists the versions of a function that may go now, oldest first, at most maxRetired.
func (r *Registry) due(ctx context.Context, cur Record, rule Retention) ([]int, error) {
	name := cur.Function.Name
	needed := make(map[int]bool)
	for _, a := range cur.Function.Aliases {
		for _, w := range a.Weights { // of weight 0, too: its share may grow again
			needed[w.Version] = true
		}
	}
	for _, v := range cur.Lived {
		needed[v] = true
	}
	needed[cur.Function.SpecOf] = true
	if r.cfg.InUse != nil {
		others, err := r.cfg.InUse(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("ask what is in use: %w", err)
		}
		for _, v := range others {
			needed[v] = true
		}
	}
	before := r.now().Add(-rule.Age)
	var due []int
	for at, seen := 0, 0; ; {
		vs, err := r.cfg.Store.Versions(ctx, VersionQuery{Name: name, Before: at, Limit: MaxPage, Kept: true})
		if err != nil {
			return nil, fmt.Errorf("list versions: %w", err)
		}
		for _, v := range vs {
			if seen++; seen > rule.Keep && !needed[v.ID.Version] && v.CreatedAt.Before(before) {
				due = append(due, v.ID.Version)
			}
		}
		if len(vs) < MaxPage {
			break
		}
		at = vs[len(vs)-1].ID.Version
	}
	slices.Sort(due)
	return due[:min(len(due), maxRetired)], nil
}
