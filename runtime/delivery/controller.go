package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/function"
)

// Config is what a Controller needs; all but Interval, Now, Logger and Registerer are
// required.
type Config struct {
	Store Store
	// Function reads a function as it is now; false: there is none.
	Function func(ctx context.Context, name function.Name) (function.Function, bool)
	// Version reads one version's metadata. Its error says that there is none.
	Version func(ctx context.Context, id function.ID) (function.Version, error)
	// Point changes the index and writes the rollout beside it, both or neither, in
	// effect on this node before it returns. It returns the change's cursor, or
	// ErrConflict where alias or rollout are no more as the point says.
	Point func(ctx context.Context, p Point) (cursor int64, err error)
	// Changed says who made the change of a cursor, and what it was in words.
	Changed func(ctx context.Context, name function.Name, cursor int64) (by, what string, err error)
	// Prewarm has a version loaded and one VM of it made.
	Prewarm func(ctx context.Context, id function.ID) error
	// Probe asks a version for the probe's path, on behalf of the version of from.
	Probe func(ctx context.Context, id function.ID, from int, p function.Probe) error
	// Compare counts both versions side by side from the first call for a rollout on.
	Compare func(r Rollout) (Sample, error)
	// CompareNoMore ends that.
	CompareNoMore func(r Rollout)
	// History is what is known of a version's durations.
	History func(id function.ID) Histogram
	// Harm says in words what fails a rollout beside its analysis: a page of the
	// function that fired since it began, a quarantine of the new version.
	Harm func(r Rollout) string
	// Busy is how many calls of a version are under way.
	Busy func(id function.ID) int64

	Interval   time.Duration // between looks at active rollouts; default 1s
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Validate says what is missing.
func (c Config) Validate() error {
	if c.Store == nil || c.Function == nil || c.Version == nil || c.Point == nil || c.Changed == nil || c.Prewarm == nil || c.Probe == nil ||
		c.Compare == nil || c.CompareNoMore == nil || c.History == nil || c.Harm == nil || c.Busy == nil {
		return errors.New("delivery: a part that it needs is missing")
	}
	return nil
}

// Controller moves rollouts, from Start to Stop. Its other methods can be called
// before and between, from any goroutine.
type Controller struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	wake    chan struct{}
	works   works

	watchers watchers

	mu       sync.Mutex
	verdicts map[int64]*Verdict // newest of active rollouts, newer than what is stored
	failures int                // looks in a row that failed
	lastErr  string

	starting sync.Mutex
	stop     context.CancelFunc
	done     chan struct{}
}

// resync is how often rollouts are looked for where nobody has woken the controller.
const resync = 15 * time.Second

// New makes a Controller that stands still.
func New(cfg Config) (*Controller, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Interval <= 0 {
		cfg.Interval = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Controller{
		cfg: cfg, log: cfg.Logger.With("component", "delivery"), metrics: newMetrics(cfg.Registerer),
		wake: make(chan struct{}, 1), verdicts: map[int64]*Verdict{}, done: make(chan struct{}),
	}, nil
}

// now is the time as the store keeps it.
func (c *Controller) now() time.Time { return c.cfg.Now().UTC().Truncate(time.Microsecond) }

// Wake makes the controller look at once.
func (c *Controller) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

var errStarted = errors.New("delivery: the controller was started before")

// Start goes on with what an earlier process began.
func (c *Controller) Start(ctx context.Context) error {
	c.starting.Lock()
	defer c.starting.Unlock()
	if c.stop != nil {
		return errStarted
	}
	ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	go c.loop(ctx)
	return nil
}

// Stop ends the loop and what it began, and waits for both. Rollouts stay as they are.
func (c *Controller) Stop(ctx context.Context) error {
	c.starting.Lock()
	stop := c.stop
	c.starting.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop delivery: %w", context.Cause(ctx))
	}
}

// Status is how the controller is doing, for the System page: empty, or what fails.
func (c *Controller) Status() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastErr
}

func (c *Controller) loop(ctx context.Context) {
	defer close(c.done)
	defer c.works.wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-c.wake:
		}
		active, err := c.pass(ctx)
		if ctx.Err() != nil {
			return
		}
		c.note(ctx, err)
		next := resync
		if active > 0 || err != nil {
			next = c.cfg.Interval
		}
		timer.Reset(next)
	}
}

func (c *Controller) note(ctx context.Context, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil && c.failures > 0:
		c.log.InfoContext(ctx, "rollouts are moved again", "failures", c.failures)
	case err != nil && c.failures == 0:
		c.log.WarnContext(ctx, "rollouts cannot be moved", "error", err)
	}
	if c.failures++; err == nil {
		c.failures, c.lastErr = 0, ""
		return
	}
	c.lastErr = err.Error()
}

// pass looks at every active rollout once. One that fails does not keep the others.
func (c *Controller) pass(ctx context.Context) (active int, err error) {
	list, err := c.cfg.Store.Active(ctx)
	if err != nil {
		return 0, fmt.Errorf("list rollouts: %w", err)
	}
	c.metrics.active.Set(float64(len(list)))
	var errs []error
	for _, r := range list {
		if ctx.Err() != nil {
			break
		}
		if err := c.guarded(ctx, r); err != nil && !errors.Is(err, ErrConflict) {
			errs = append(errs, fmt.Errorf("deployment %d of %s: %w", r.ID, r.Function, err))
		}
	}
	return len(list), errors.Join(errs...)
}

// guarded keeps a panic over one rollout from ending the process.
func (c *Controller) guarded(ctx context.Context, r Rollout) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.ErrorContext(ctx, "rollout panicked", "deployment", r.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	_, err = c.advance(ctx, r, nil)
	return err
}

// advance looks at one rollout and writes its next move, with a command where there is
// one. A conflict means that somebody else was faster: the next look sees what they did.
func (c *Controller) advance(ctx context.Context, r Rollout, cmd *Command) (Rollout, error) {
	o, err := c.observe(ctx, r)
	if err != nil {
		return r, err
	}
	o.Command = cmd
	next, actions := Next(r, o, c.now())
	if len(actions) == 0 {
		if c.keep(next) {
			c.watchers.tell()
		}
		return next, nil
	}
	if next, err = c.write(ctx, r, next, actions); err != nil {
		return r, err
	}
	c.keep(next)
	c.log.InfoContext(ctx, "deployment moved", "deployment", next.ID, "function", string(next.Function), "version", next.To,
		"state", string(next.State), "step", next.Step, "reason", next.Reason)
	if next.State.Ended() {
		c.over(next)
	}
	c.watchers.tell()
	c.Wake()
	return next, nil
}

// keep remembers the newest verdict, which is not worth a write, and reports whether
// there is one.
func (c *Controller) keep(r Rollout) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Verdict == nil || r.State.Ended() {
		delete(c.verdicts, r.ID)
		return false
	}
	c.verdicts[r.ID] = r.Verdict
	return true
}

// over lets go of what only an active rollout needs.
func (c *Controller) over(r Rollout) {
	c.works.forget(r.ID)
	c.cfg.CompareNoMore(r)
	c.metrics.ended.WithLabelValues(r.Plan.Strategy, string(r.State)).Inc()
}

// write stores a move: with the alias, where it sets it.
func (c *Controller) write(ctx context.Context, was, next Rollout, actions []Action) (Rollout, error) {
	w := Write{Rollout: next}
	var point *Repoint
	for _, a := range actions {
		if a.Point != nil {
			point = a.Point
		}
		if a.Event != nil {
			w.Events = append(w.Events, *a.Event)
		}
	}
	if point == nil {
		if err := c.cfg.Store.Save(ctx, w); err != nil {
			return next, err
		}
		next.Revision++
		return next, nil
	}
	w.Points = true
	by, message := "hadron", fmt.Sprintf("deployment %d by %s: %s", was.ID, was.By, point.Text)
	if who := actor(w.Events); who != "" {
		by = who
	}
	if point.Kind == "deployed" {
		by = was.By
		if was.Message != "" {
			message = was.Message
		}
	}
	cursor, err := c.cfg.Point(ctx, Point{
		Name: was.Function, Alias: was.Alias, Weights: point.Weights, Revision: was.AliasRevision, Settle: point.Settle,
		Kind: point.Kind, By: by, Message: message, Write: w,
	})
	if err != nil {
		return next, err
	}
	next.Revision++
	next.AliasRevision = cursor
	return next, nil
}

// actor is who asked for what the events tell.
func actor(events []Event) string {
	for _, e := range events {
		if e.By != "" {
			return e.By
		}
	}
	return ""
}
