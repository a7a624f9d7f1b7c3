package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// Notice is a change as other systems are told of it.
type Notice struct {
	Cursor   int64 // of the change; grows
	Function function.Name
	Kind     string // deployed, rolled_back, repointed, rollout, deleted
	Text     string // what changed, in one line
	By       string
	Message  string
	Time     time.Time
	URL      string // of the function's page
}

// FeedConfig is what a Feed needs; all but Logger is required.
type FeedConfig struct {
	Name string
	// Notices reads changes after a cursor, oldest first, and how far it has looked:
	// changes that nobody is told of have none. No progress means that there is no more.
	Notices func(ctx context.Context, after int64, limit int) (notices []Notice, upTo int64, err error)
	// Newest is the cursor of the last change.
	Newest func(ctx context.Context) (int64, error)
	// Send tells of one change. again says that an earlier attempt may have come
	// through: where the other system can be asked, it is asked first. Its error is
	// ErrUnwanted where the other system will never take it; any other is tried again.
	Send   func(ctx context.Context, n Notice, again bool) error
	Store  Cursors
	Logger *slog.Logger
}

// Cursors keeps how far a feed is.
type Cursors interface {
	// Cursor reads it; false where the feed never was anywhere.
	Cursor(ctx context.Context, feed string) (int64, bool, error)
	PutCursor(ctx context.Context, feed string, cursor int64) error
}

// ErrUnwanted is wrapped by Send where trying again would not help.
var ErrUnwanted = errors.New("it will not be taken")

// Feed tells one other system what changed: each change once, in order, from a cursor
// of its own, so that an outage is caught up with. It is run by a reconcile.Loop.
type Feed struct {
	cfg   FeedConfig
	doubt bool // the next one may have been sent
}

var _ reconcile.Target = (*Feed)(nil)

// NewFeed makes a Feed. A new one begins with what changes from then on.
func NewFeed(cfg FeedConfig) *Feed {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = cfg.Logger.With("component", "feed", "feed", cfg.Name)
	return &Feed{cfg: cfg, doubt: true}
}

// Name is reconcile.Target's.
func (f *Feed) Name() string { return f.cfg.Name }

const feedPage = 100

// Begin gives a feed that never was anywhere its place: what changes from here on is
// told.
func (f *Feed) Begin(ctx context.Context) error {
	_, err := f.cursor(ctx)
	return err
}

func (f *Feed) cursor(ctx context.Context) (int64, error) {
	cursor, known, err := f.cfg.Store.Cursor(ctx, f.cfg.Name)
	if err != nil {
		return 0, fmt.Errorf("read the cursor of %s: %w", f.cfg.Name, err)
	}
	if known {
		return cursor, nil
	}
	if cursor, err = f.cfg.Newest(ctx); err != nil {
		return 0, fmt.Errorf("read the last change: %w", err)
	}
	return cursor, f.keep(ctx, cursor)
}

// Reconcile is reconcile.Target's: it sends what is behind the cursor.
func (f *Feed) Reconcile(ctx context.Context, _ []*function.Function) (reconcile.Result, error) {
	var done reconcile.Result
	cursor, err := f.cursor(ctx)
	if err != nil {
		return done, err
	}
	for {
		notices, upTo, err := f.cfg.Notices(ctx, cursor, feedPage)
		if err != nil {
			return done, fmt.Errorf("read changes: %w", err)
		}
		for _, n := range notices {
			if err := f.send(ctx, n, &done); err != nil {
				return done, err
			}
		}
		if upTo <= cursor {
			return done, nil
		}
		cursor = upTo
		if err := f.reached(ctx, cursor); err != nil {
			return done, err
		}
	}
}

func (f *Feed) send(ctx context.Context, n Notice, done *reconcile.Result) error {
	err := f.cfg.Send(ctx, n, f.doubt)
	switch {
	case errors.Is(err, ErrUnwanted):
		f.cfg.Logger.WarnContext(ctx, "change is not told", "change", n.Cursor, "function", string(n.Function), "error", err)
	case err != nil:
		f.doubt = true
		return fmt.Errorf("tell change %d of %s: %w", n.Cursor, n.Function, err)
	default:
		done.Created++
	}
	// Each on its own: what was sent is sent again only where this fails.
	return f.reached(ctx, n.Cursor)
}

func (f *Feed) reached(ctx context.Context, cursor int64) error {
	f.doubt = true
	if err := f.keep(ctx, cursor); err != nil {
		return err
	}
	f.doubt = false
	return nil
}

func (f *Feed) keep(ctx context.Context, cursor int64) error {
	if err := f.cfg.Store.PutCursor(context.WithoutCancel(ctx), f.cfg.Name, cursor); err != nil {
		return fmt.Errorf("keep the cursor of %s: %w", f.cfg.Name, err)
	}
	return nil
}
