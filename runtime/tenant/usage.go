package tenant

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"
)

const (
	// useEvery is how often it is written when tokens and sessions were used last: a
	// call writes nothing.
	useEvery   = time.Minute
	useTimeout = 10 * time.Second
)

// Start begins to keep when tokens and sessions were used last, until Stop.
func (t *Tenants) Start(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	t.wg.Go(func() {
		tick := time.NewTicker(useEvery)
		defer tick.Stop()
		for {
			select {
			case <-t.stop:
				return
			case <-tick.C:
				t.flush(ctx)
			}
		}
	})
}

// Stop writes what is left, and returns when nothing of Tenants runs any more.
func (t *Tenants) Stop(ctx context.Context) error {
	t.stopOnce.Do(func() { close(t.stop) })
	t.wg.Wait()
	return t.write(ctx)
}

func (t *Tenants) flush(ctx context.Context) {
	if err := t.write(ctx); err != nil {
		// It is a date for people: the next use writes a newer one.
		t.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "last use of tokens not written", slog.Any("error", err))
	}
}

func (t *Tenants) write(ctx context.Context) error {
	used := t.cache.take()
	if len(used) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, useTimeout)
	defer cancel()
	at := make(map[string]time.Time, len(used))
	for sum, when := range used {
		at[hex.EncodeToString(sum[:])] = when
	}
	var errs []error
	if t.cfg.Store != nil {
		errs = append(errs, t.cfg.Store.UseTokens(ctx, at))
	}
	if t.cfg.Sessions != nil {
		errs = append(errs, t.cfg.Sessions.UseSessions(ctx, at))
	}
	return errors.Join(errs...)
}
