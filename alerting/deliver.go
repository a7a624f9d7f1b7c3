package alerting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/function"
)

// DelivererConfig is what a Deliverer needs; Outbox and Send are required.
type DelivererConfig struct {
	Outbox Outbox
	// Send gives one event to its target; nil means that it was accepted. A
	// *FinalError ends it, any other error is tried again, a *RetryError not before its
	// time. It is called for one event of a lane at a time.
	Send    func(ctx context.Context, e Event) error
	Routing func(name function.Name) (key string, ok bool) // as Config.Routing; nil: there is no PagerDuty

	// Observe is told what came of each attempt; nil: nobody is.
	Observe func(Message, Attempt)

	Workers    int           // events sent at once; default 8
	PerMinute  int           // events of one lane; default 100
	Timeout    time.Duration // of one Send; default 10s
	BackoffMin time.Duration // after a first failure; default 1s
	BackoffMax time.Duration // after many; default 2m
	MaxAge     time.Duration // after it, a message that fails becomes a dead letter; default 24h
	Poll       time.Duration // between looks at the outbox when nothing wakes; default 5s
	Now        func() time.Time
	Logger     *slog.Logger // default: discards
	Registerer prometheus.Registerer
}

// Validate says what is missing or out of range.
func (c DelivererConfig) Validate() error {
	switch {
	case c.Outbox == nil || c.Send == nil:
		return errors.New("alerting: Outbox and Send are required")
	case c.Workers < 0 || c.PerMinute < 0:
		return errors.New("alerting: no number can be negative")
	case c.Timeout < 0 || c.BackoffMin < 0 || c.BackoffMax < 0 || c.MaxAge < 0 || c.Poll < 0:
		return errors.New("alerting: no duration can be negative")
	}
	return nil
}

func (c DelivererConfig) withDefaults() DelivererConfig {
	number := func(n *int, to int) {
		if *n == 0 {
			*n = to
		}
	}
	length := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	number(&c.Workers, 8)
	number(&c.PerMinute, 100)
	length(&c.Timeout, 10*time.Second)
	length(&c.BackoffMin, time.Second)
	length(&c.BackoffMax, 2*time.Minute)
	length(&c.MaxAge, 24*time.Hour)
	length(&c.Poll, 5*time.Second)
	if c.Routing == nil {
		c.Routing = func(function.Name) (string, bool) { return "", false }
	}
	if c.Observe == nil {
		c.Observe = func(Message, Attempt) {}
	}
	c.BackoffMax = max(c.BackoffMax, c.BackoffMin)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("component", "outbox")
	return c
}

// Deliverer takes messages from the outbox to the pager, from Start to Stop: each
// at least once, those of one routing key in order and no faster than allowed.
type Deliverer struct {
	cfg     DelivererConfig
	metrics *outboxMetrics
	wake    chan struct{}

	// Of the loop alone.
	busy    map[string]bool // lanes with an event under way
	buckets map[string]*bucket
	held    map[string]time.Time // until when a lane rests, also where the store did not take that
	failing bool

	starting sync.Mutex
	stop     context.CancelFunc // nil: not started
	done     chan struct{}
}

// Bounds of what one look at the outbox holds in memory.
const (
	maxHeads   = 256
	maxWaiting = 10_000
	maxReason  = 500
	leastPause = 10 * time.Millisecond
)

// NewDeliverer makes a Deliverer that stands still.
func NewDeliverer(cfg DelivererConfig) (*Deliverer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Deliverer{
		cfg: cfg, metrics: newOutboxMetrics(cfg.Registerer), wake: make(chan struct{}, 1),
		busy: map[string]bool{}, buckets: map[string]*bucket{}, held: map[string]time.Time{}, done: make(chan struct{}),
	}, nil
}

// Wake says that there may be something to deliver: messages were written, or a
// function got its routing key. It never blocks.
func (d *Deliverer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Start begins to deliver. The Deliverer ends with ctx or Stop.
func (d *Deliverer) Start(ctx context.Context) error {
	d.starting.Lock()
	defer d.starting.Unlock()
	if d.stop != nil {
		return fmt.Errorf("alerting: deliverer %w", ErrStarted)
	}
	ctx, d.stop = context.WithCancel(ctx)
	go d.loop(ctx)
	return nil
}

// Stop ends delivery and waits for events under way, which see their context end:
// they stay in the outbox and are sent again after the next start. Its error wraps
// the cause for which ctx ended first.
func (d *Deliverer) Stop(ctx context.Context) error {
	d.starting.Lock()
	stop := d.stop
	d.starting.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	select {
	case <-d.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop outbox: %w", context.Cause(ctx))
	}
}

// loop starts a worker for every routing key whose next event is due and allowed,
// and looks again when one ends, when the next is due, or when woken.
func (d *Deliverer) loop(ctx context.Context) {
	defer close(d.done)
	var workers sync.WaitGroup
	defer workers.Wait()
	ended := make(chan freed, d.cfg.Workers)
	start := func(m Message) {
		d.busy[m.lane()] = true
		workers.Go(func() {
			ended <- freed{m.lane(), d.deliver(ctx, m)}
		})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case lane := <-ended:
			d.free(lane)
		case <-d.wake:
		case <-timer.C:
		}
		for more := true; more; { // several may have ended
			select {
			case lane := <-ended:
				d.free(lane)
			default:
				more = false
			}
		}
		if ctx.Err() != nil {
			return // what ended may be that it stops
		}
		timer.Reset(d.pass(ctx, start))
	}
}

// freed is a lane whose event came to an end, and until when it is to rest.
type freed struct {
	lane string
	rest time.Time
}

func (d *Deliverer) free(f freed) {
	delete(d.busy, f.lane)
	if f.rest.IsZero() {
		delete(d.held, f.lane)
		return
	}
	d.held[f.lane] = f.rest
}

// pass binds and starts what can be, and returns when to look again.
func (d *Deliverer) pass(ctx context.Context, start func(Message)) time.Duration {
	pause, err := d.look(ctx, start)
	if ctx.Err() != nil {
		return d.cfg.Poll
	}
	if err != nil && !d.failing {
		d.cfg.Logger.WarnContext(ctx, "outbox could not be read", "error", err)
	}
	d.failing = err != nil
	return min(max(pause, leastPause), d.cfg.Poll)
}

func (d *Deliverer) look(ctx context.Context, start func(Message)) (time.Duration, error) {
	if err := d.bind(ctx); err != nil {
		return d.cfg.Poll, err
	}
	now := d.cfg.Now()
	heads, due, err := d.cfg.Outbox.Heads(ctx, now, maxHeads)
	if err != nil {
		return d.cfg.Poll, err
	}
	if waiting, dead, err := d.cfg.Outbox.Depth(ctx); err == nil {
		d.metrics.waiting.Set(float64(waiting))
		d.metrics.dead.Set(float64(dead))
	}
	d.forget(now)
	pause := d.cfg.Poll
	if !due.IsZero() {
		pause = min(pause, due.Sub(now))
	}
	for _, m := range heads {
		if len(d.busy) >= d.cfg.Workers {
			break // the end of one wakes the loop
		}
		key := m.lane()
		if d.busy[key] {
			continue
		}
		if rest := d.held[key].Sub(now); rest > 0 {
			pause = min(pause, rest)
			continue
		}
		if wait := d.bucket(key, now).take(now); wait > 0 {
			pause = min(pause, wait)
			continue
		}
		start(m)
	}
	return pause, nil
}

// bind gives messages that were written before their function had a routing key
// the one that it has by now.
func (d *Deliverer) bind(ctx context.Context) error {
	waiting, err := d.cfg.Outbox.Waiting(ctx, maxWaiting)
	if err != nil {
		return err
	}
	for _, m := range waiting {
		if key, ok := d.cfg.Routing(m.Function); ok {
			if err := d.cfg.Outbox.Bind(ctx, m.Function, key); err != nil {
				return err
			}
			continue
		}
		if now := d.cfg.Now(); now.Sub(m.Created) > d.cfg.MaxAge {
			d.bury(ctx, m, fmt.Sprintf("the function had no routing key for %s", words(d.cfg.MaxAge)))
		}
	}
	return nil
}

// lane is what a message is in order within.
func (m Message) lane() string { return m.Event.Target + " " + m.Event.RoutingKey }

// Outcomes of an attempt to deliver a message.
const (
	Delivered = "delivered" // its target took it
	Retry     = "retry"     // it is tried again
	Dead      = "dead"      // it is a dead letter
	Expired   = "expired"   // a test or watchdog that came too late to be sent
)

// Attempt is what came of sending a message once.
type Attempt struct {
	Began, Ended time.Time
	Outcome      string
	Err          error // nil where it was delivered
}

// deliver sends one event and notes what came of it. It returns until when its lane is to
// rest; zero: it is not.
func (d *Deliverer) deliver(ctx context.Context, m Message) (rest time.Time) {
	began := d.cfg.Now()
	if m.Event.late(began, m.Created) {
		d.note(ctx, m, Expired, func(ctx context.Context) error { return d.cfg.Outbox.Delivered(ctx, m.ID) })
		return rest
	}
	event := m.Event
	event.ID = m.ID
	err := d.send(ctx, event)
	if ctx.Err() != nil {
		// Stopping: whether it arrived is not known, so it stays and is sent again.
		if err == nil {
			d.note(context.WithoutCancel(ctx), m, Delivered, func(ctx context.Context) error { return d.cfg.Outbox.Delivered(ctx, m.ID) })
		}
		return rest
	}
	now := d.cfg.Now()
	d.metrics.seconds.Observe(now.Sub(began).Seconds())
	if err == nil {
		d.note(ctx, m, Delivered, func(ctx context.Context) error { return d.cfg.Outbox.Delivered(ctx, m.ID) })
		d.cfg.Observe(m, Attempt{Began: began, Ended: now, Outcome: Delivered})
		if m.Event.Watchdog {
			d.metrics.beat.WithLabelValues(m.Event.Target).Set(float64(now.UnixMilli()) / 1000)
		}
		d.metrics.age.Observe(now.Sub(m.Created).Seconds())
		return rest
	}
	final, after := isFinal(err)
	attempt := Attempt{Began: began, Ended: now, Outcome: Dead, Err: err}
	switch {
	case final && !m.Event.Watchdog: // the next one of a watchdog would only be another dead letter
		d.bury(ctx, m, err.Error())
	case now.Sub(m.Created) > d.cfg.MaxAge:
		d.bury(ctx, m, fmt.Sprintf("not delivered within %s; last: %v", words(d.cfg.MaxAge), err))
	default:
		attempt.Outcome = Retry
		attempts := m.Attempts + 1
		wait := max(after, backoff(d.cfg.BackoffMin, d.cfg.BackoffMax, attempts))
		d.cfg.Logger.WarnContext(ctx, "event was not delivered, it will be tried again", "target", m.Event.Target, "function", string(m.Function),
			"action", string(m.Event.Action), "attempts", attempts, "again_in", wait, "error", err)
		rest = now.Add(wait)
		d.note(ctx, m, Retry, func(ctx context.Context) error {
			return d.cfg.Outbox.Postpone(ctx, m.ID, attempts, rest, oneLine(err.Error(), maxReason))
		})
	}
	d.cfg.Observe(m, attempt)
	return rest
}

var errSlowPager = errors.New("the pager took too long to answer")

// send guards the process against a panic in Send, which is foreign code.
func (d *Deliverer) send(ctx context.Context, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("send event: panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, d.cfg.Timeout, errSlowPager)
	defer cancel()
	return d.cfg.Send(ctx, e)
}

func (d *Deliverer) bury(ctx context.Context, m Message, reason string) {
	d.cfg.Logger.ErrorContext(ctx, "event was given up", "target", m.Event.Target, "function", string(m.Function), "action", string(m.Event.Action),
		"dedup_key", m.Event.DedupKey, "reason", oneLine(reason, maxReason))
	d.note(ctx, m, Dead, func(ctx context.Context) error {
		return d.cfg.Outbox.Bury(ctx, m.ID, d.cfg.Now(), oneLine(reason, maxReason))
	})
}

// note writes what came of an attempt. Where that fails, the message is as it was
// and will be sent again: its dedup key makes that the same incident.
func (d *Deliverer) note(ctx context.Context, m Message, outcome string, write func(context.Context) error) {
	d.metrics.sent.WithLabelValues(outcome).Inc()
	ctx, cancel := context.WithTimeoutCause(ctx, d.cfg.Timeout, errSlowStore)
	defer cancel()
	if err := write(ctx); err != nil {
		d.cfg.Logger.WarnContext(ctx, "outcome of an event could not be stored", "function", string(m.Function), "outcome", outcome, "error", err)
	}
}

var errSlowStore = errors.New("the store took too long")
