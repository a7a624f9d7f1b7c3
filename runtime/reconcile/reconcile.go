// Package reconcile keeps something outside Hadron as the functions want it: a loop
// that lists what is wanted, hands it to a Target, and does so again when woken,
// when time has passed, and after a failure. It is level-triggered: a wake carries
// nothing, so none can be lost, and a list that failed changes nothing. It is a leaf.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"hadron/runtime/function"
)

// Target is what a Loop keeps as wanted.
type Target interface {
	// Name is a constant word for logs and the status page, such as "dashboards".
	Name() string
	// Reconcile makes the target as want says, the whole list each time, and says
	// what it did. What failed for one function belongs in Result.Failed and must
	// not keep it from the others; the error is for what concerns them all. It is
	// never called twice at once.
	Reconcile(ctx context.Context, want []*function.Function) (Result, error)
}

// Result counts what one pass did, in functions or whatever the target is made of.
type Result struct {
	Created, Updated, Deleted, Unchanged, Failed int
	// Next asks for the next pass at the latest after this time; 0 asks for nothing.
	Next time.Duration
}

func (r Result) changed() bool { return r.Created+r.Updated+r.Deleted > 0 }

// Pass is one pass as Observe sees it.
type Pass struct {
	Target   string
	Result   Result
	Err      error
	Duration time.Duration
}

// Config is what a Loop needs; Target and List are required.
type Config struct {
	Target Target
	// List returns every function there is. A partial list must be an error.
	List func(ctx context.Context) ([]*function.Function, error)
	// Wake says that something may have changed; it should hold one element, so that
	// wakes during a pass are one. Nil: only Resync and failures lead to passes.
	Wake       <-chan struct{}
	Resync     time.Duration // between passes when nothing wakes; default 5m
	BackoffMin time.Duration // after the first failure; default 1s
	BackoffMax time.Duration // after many; default 1m
	Timeout    time.Duration // of one pass; default 2m
	// Rest is the most that a wake waits because the last pass was long: nine times as
	// long as that. It is for targets that take processor time and no other's; default none.
	Rest time.Duration
	// Begin is called first on the goroutine of the loop, which can give way there to what
	// is more urgent; default: nothing.
	Begin   func()
	Observe func(Pass)   // told of each pass; default: nobody
	Logger  *slog.Logger // default: discards
}

// Validate says what is missing or out of range.
func (c Config) Validate() error {
	switch {
	case c.Target == nil || c.List == nil:
		return errors.New("reconcile: Target and List are required")
	case c.Resync < 0 || c.BackoffMin < 0 || c.BackoffMax < 0 || c.Timeout < 0 || c.Rest < 0:
		return errors.New("reconcile: no duration can be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&c.Resync, 5*time.Minute)
	set(&c.BackoffMin, time.Second)
	set(&c.BackoffMax, time.Minute)
	set(&c.Timeout, 2*time.Minute)
	c.BackoffMax = max(c.BackoffMin, c.BackoffMax)
	if c.Begin == nil {
		c.Begin = func() {}
	}
	if c.Observe == nil {
		c.Observe = func(Pass) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Status is a loop as the System page shows it.
type Status struct {
	Target      string
	Running     bool      // a pass is under way
	LastPass    time.Time // its end; zero before the first
	LastSuccess time.Time // of the last pass in which nothing failed
	LastError   string    // of the last pass; empty where it had none
	Result      Result    // of the last pass that came to the target
	Failures    int       // passes failed in a row
	NextAttempt time.Time // at the latest
}

// Loop runs passes one at a time, from Start to Stop.
type Loop struct {
	cfg Config

	mu     sync.Mutex
	status Status
	stop   context.CancelFunc // nil: not started
	done   chan struct{}
	nudged chan struct{} // holds one element: a pass is to begin now
}

var (
	// ErrStarted is returned by Start of a loop that was started before.
	ErrStarted = errors.New("loop was started before")
	errPass    = errors.New("pass took too long")
)

// New makes a Loop that stands still.
func New(cfg Config) (*Loop, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	name := cfg.Target.Name()
	cfg.Logger = cfg.Logger.With("component", "reconcile", "target", name)
	return &Loop{cfg: cfg, status: Status{Target: name}, done: make(chan struct{}), nudged: make(chan struct{}, 1)}, nil
}

// Start begins the first pass at once and returns. The loop ends with ctx or Stop.
// Its only error is ErrStarted: a loop is started once.
func (l *Loop) Start(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop != nil {
		return ErrStarted
	}
	ctx, l.stop = context.WithCancel(ctx)
	go l.run(ctx)
	return nil
}

// Stop ends the loop and waits for a pass under way, which sees its context end. Its
// error wraps the cause for which ctx ended first. A loop never started is stopped.
func (l *Loop) Stop(ctx context.Context) error {
	l.mu.Lock()
	stop := l.stop
	l.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop reconcile of %s: %w", l.status.Target, context.Cause(ctx))
	}
}

// Nudge has the next pass begin at once, whatever the pause: somebody asked for it.
func (l *Loop) Nudge() {
	select {
	case l.nudged <- struct{}{}:
	default: // one is on its way
	}
}

// Status returns how the loop stands now.
func (l *Loop) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *Loop) run(ctx context.Context) {
	defer close(l.done)
	l.cfg.Begin()
	for ctx.Err() == nil {
		l.wait(ctx, l.plan(l.pass(ctx)))
	}
}

// pause says when the next pass may begin, counted from the end of the last, and
// when it must.
type pause struct{ least, most time.Duration }

// wait returns when the next pass is due. A wake that comes too early stays in mind
// until least has passed; however many come, they are one.
func (l *Loop) wait(ctx context.Context, p pause) {
	began := time.Now()
	timer := time.NewTimer(p.most)
	defer timer.Stop()
	wake := l.cfg.Wake
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-l.nudged:
			return
		case _, open := <-wake:
			wake = nil // one is enough; further ones wait in their channel
			if !open {
				l.cfg.Wake = nil
				continue
			}
			due := began.Add(min(p.least, p.most))
			if !time.Now().Before(due) {
				return
			}
			timer.Reset(time.Until(due))
			l.mu.Lock()
			l.status.NextAttempt = due
			l.mu.Unlock()
		}
	}
}

// plan turns the last pass into the pause before the next. When everything failed,
// nobody's wake shortens the backoff: the target is not to be hammered while it is
// down. When some functions failed, the others' changes still pass, at the pace of
// BackoffMin.
func (l *Loop) plan(last Pass) pause {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.status
	failed := last.Err != nil || last.Result.Failed > 0
	p := pause{most: jitter(l.cfg.Resync, 0.1)}
	if failed {
		s.Failures++
		p.most = min(p.most, jitter(backoff(l.cfg.BackoffMin, l.cfg.BackoffMax, s.Failures), 0.5))
		p.least = p.most
		if last.Err == nil {
			p.least = min(l.cfg.BackoffMin, p.most)
		}
	} else {
		s.Failures = 0
		s.LastSuccess = s.LastPass
	}
	// So changes that keep coming take a tenth of a processor, however many functions
	// there are.
	p.least = max(p.least, min(9*last.Duration, l.cfg.Rest))
	if next := last.Result.Next; next > 0 {
		p.most = max(min(p.most, next), p.least)
	}
	s.NextAttempt = s.LastPass.Add(p.most)
	return p
}

// backoff doubles from least with each failure in a row, up to most.
func backoff(least, most time.Duration, failures int) time.Duration {
	d := least
	for range failures - 1 {
		if d >= most/2 {
			return most
		}
		d *= 2
	}
	return d
}

// jitter takes up to share off d, so that loops that failed together do not return
// together.
func jitter(d time.Duration, share float64) time.Duration {
	return d - time.Duration(rand.Float64()*share*float64(d))
}

func (l *Loop) pass(ctx context.Context) Pass {
	l.mu.Lock()
	l.status.Running = true
	l.mu.Unlock()

	began := time.Now()
	p := Pass{Target: l.status.Target}
	result, reached, err := l.reconcile(ctx)
	p.Result, p.Err = result, err
	p.Duration = time.Since(began)

	l.mu.Lock()
	l.status.Running, l.status.LastPass, l.status.LastError = false, time.Now(), message(p)
	if reached {
		l.status.Result = p.Result
	}
	l.mu.Unlock()
	if ctx.Err() != nil {
		return p // stopped in the middle: no news about the target
	}
	l.log(ctx, p)
	l.cfg.Observe(p)
	return p
}

func message(p Pass) string {
	switch {
	case p.Err != nil:
		return p.Err.Error()
	case p.Result.Failed > 0:
		return fmt.Sprintf("%d of %d failed", p.Result.Failed, p.Result.Created+p.Result.Updated+p.Result.Deleted+p.Result.Unchanged+p.Result.Failed)
	}
	return ""
}

// reconcile is one pass; reached says that the target was asked. A panic fails the
// pass and not the process: functions run in it.
func (l *Loop) reconcile(ctx context.Context) (res Result, reached bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.cfg.Timeout, errPass)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			l.cfg.Logger.ErrorContext(ctx, "pass panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			res, err = Result{}, fmt.Errorf("reconcile %s: panic: %v", l.status.Target, p)
		}
	}()
	want, err := l.cfg.List(ctx)
	if err != nil {
		return Result{}, false, fmt.Errorf("list functions: %w", err)
	}
	if res, err = l.cfg.Target.Reconcile(ctx, want); err != nil {
		return res, true, fmt.Errorf("reconcile %s: %w", l.status.Target, err)
	}
	return res, true, nil
}

func (l *Loop) log(ctx context.Context, p Pass) {
	level := slog.LevelDebug
	switch {
	case p.Err != nil || p.Result.Failed > 0:
		level = slog.LevelWarn
	case p.Result.changed():
		level = slog.LevelInfo
	}
	attrs := []slog.Attr{
		slog.Int("created", p.Result.Created), slog.Int("updated", p.Result.Updated), slog.Int("deleted", p.Result.Deleted),
		slog.Int("unchanged", p.Result.Unchanged), slog.Int("failed", p.Result.Failed), slog.Duration("took", p.Duration),
	}
	if p.Err != nil {
		attrs = append(attrs, slog.Any("error", p.Err))
	}
	l.cfg.Logger.LogAttrs(ctx, level, "reconciled", attrs...)
}
