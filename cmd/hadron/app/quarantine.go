package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"hadron/collector"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/storage/sql"
	"hadron/ui/wire"
)

// quarantines connects whoever holds versions back with those who keep it over
// restarts, measure it, alert on it and let people end it.
type quarantines struct {
	store     *sql.Quarantines
	collector *collector.Collector
	log       *slog.Logger
	// Of the worker pool; nil where functions run in this process, which ends with
	// them: nothing is held back there.
	held    func() []invocation.Quarantine
	release func(function.ID) bool
}

// storeTimeout bounds the writing of one verdict.
const storeTimeout = 5 * time.Second

// load is what was held back when the last process ended.
func (q *quarantines) load(ctx context.Context) ([]invocation.Quarantine, error) {
	list, err := q.store.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("load quarantines: %w", err)
	}
	return list, nil
}

// resume shows what load returned of functions that there still are, and ends the
// rest. The registry knows its functions by now, and the pool was given the list.
func (q *quarantines) resume(list []invocation.Quarantine, exists func(function.Name) bool) {
	if q.held == nil {
		return // as it was, for when functions run in workers again
	}
	for _, held := range list {
		if exists(held.Version.Name) {
			q.collector.Quarantine(held, true)
		} else if !q.release(held.Version) {
			q.verdict(held, false)
		}
	}
}

// verdict takes note of a quarantine that begins, goes on or ends.
func (q *quarantines) verdict(v invocation.Quarantine, standing bool) {
	q.collector.Quarantine(v, standing)
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	var err error
	if standing {
		err = q.store.Put(ctx, v) // the pool has logged it
	} else {
		q.log.InfoContext(ctx, "version out of quarantine", "version", v.Version.String())
		err = q.store.Remove(ctx, v.Version)
	}
	if err != nil {
		q.log.ErrorContext(ctx, "quarantine could not be stored; a restart will not know of it", "version", v.Version.String(), "error", err)
	}
}

// standing lists what is held back now.
func (q *quarantines) standing() []invocation.Quarantine {
	if q.held == nil {
		return nil
	}
	return q.held()
}

// let ends a version's quarantine and writes down who wanted that; it reports whether
// there was one.
func (q *quarantines) let(ctx context.Context, id function.ID, by string) (bool, error) {
	if !slices.ContainsFunc(q.standing(), func(held invocation.Quarantine) bool { return held.Version == id }) {
		return false, nil
	}
	if err := q.store.Released(ctx, id, by, time.Now()); err != nil {
		return false, fmt.Errorf("release %s: %w", id, err)
	}
	return q.release(id), nil
}

// of lists a function's, as the API shows them.
func (q *quarantines) of(name function.Name) []wire.Quarantine {
	var out []wire.Quarantine
	for _, held := range q.standing() {
		if held.Version.Name == name {
			out = append(out, wire.Quarantine{
				Version: held.Version.Version, Since: held.Since, Until: held.Until, Deaths: held.Deaths, Reason: held.Reason,
			})
		}
	}
	return out
}
