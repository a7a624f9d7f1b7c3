// Package alerting decides when a function's objectives are at risk and tells a
// pager so, once. An Evaluator runs the rules of collector/slo, a grouped query
// each, moves every alert by a pure function of (state, sample or nothing, now),
// and writes states, incidents and messages in one transaction. A Deliverer takes
// the messages from that outbox to the pager, in order and at least once.
//
// Prometheus's rule manager does not do: it forgets what is merely missing, which
// resolves, and its notifications cannot be part of a transaction.
// docs/alerting.md states the rules.
package alerting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Config is what an Evaluator needs; Query, List, Store and Interval are required.
type Config struct {
	// Query evaluates PromQL at one instant.
	Query func(ctx context.Context, expr string, at time.Time) ([]metric.Point, error)
	// List returns every function there is. A partial list must be an error: what is
	// not in it is taken for deleted. What it returns is not modified afterwards: the
	// same pointers mean that nothing changed.
	List  func(ctx context.Context) ([]*function.Function, error)
	Store Store
	// Interval is between evaluations, and between samples of the series where those
	// come more slowly: at least five of them make an alert window.
	Interval time.Duration
	// Quarantined lists the versions that are not run now, because they end their
	// workers; nil: none ever is.
	Quarantined func() []invocation.Quarantine
	// Conditions lists the conditions that others than the metric store know of. It may
	// fail: then what was known of them stays. Nil: there are none.
	Conditions func(ctx context.Context, at time.Time) ([]Condition, error)
	Unmeasured bool          // conditions are not looked for in the metric store
	For        time.Duration // how long a condition holds before it fires; default 0
	// Append writes ALERTS and ALERTS_FOR_STATE; nil: nobody does.
	Append func(ctx context.Context, samples []metric.Sample) error
	// Describe says what a page tells beside the alert; nil: nothing. It is called when
	// an incident changes, and must answer soon: alerts wait for it.
	Describe func(ctx context.Context, q Question) Details
	// Routing returns the routing key under which PagerDuty takes a function's events,
	// and false while it has none yet: its messages then wait. Nil: there is no PagerDuty.
	Routing func(name function.Name) (key string, ok bool)
	// Targets are told of incidents beside PagerDuty. Without either, alerts are states only.
	Targets []Target
	// Silences lists the silences that are not over. It may fail: then those known before
	// hold. Nil: there are none.
	Silences func(ctx context.Context, at time.Time) ([]Silence, error)
	// Drills are the tests that people ask for; nil: there are none.
	Drills *Drills
	// Wake is called when messages were written; nil: nobody is.
	Wake         func()
	Installation string        // tells this Hadron's incidents from another's
	QueryTimeout time.Duration // of one rule; default 10s
	Now          func() time.Time
	Logger       *slog.Logger // default: discards
	Registerer   prometheus.Registerer
}

const defaultQueryTimeout = 10 * time.Second

// Validate says what is missing or out of range.
func (c Config) Validate() error {
	switch {
	case c.Query == nil || c.List == nil || c.Store == nil:
		return errors.New("alerting: Query, List and Store are required")
	case c.Interval < time.Millisecond:
		return fmt.Errorf("alerting: interval %s: give at least 1ms", c.Interval)
	case c.For < 0 || c.QueryTimeout < 0:
		return errors.New("alerting: no duration can be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.QueryTimeout == 0 {
		c.QueryTimeout = defaultQueryTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Wake == nil {
		c.Wake = func() {}
	}
	if c.Describe == nil {
		c.Describe = func(context.Context, Question) Details { return Details{} }
	}
	c.Logger = c.Logger.With("component", "alerting")
	return c
}

var (
	// ErrStarted is returned by Start of what was started before.
	ErrStarted = errors.New("was started before")
	errSlow    = errors.New("the metric store took too long")
)

// Evaluator runs the rules, from Start to Stop.
type Evaluator struct {
	cfg      Config
	metrics  *metrics
	series   alertSeries // of the loop alone, as the next two
	measured measured
	calm     calms
	leads    map[string]function.Name // who stands for a common cause, by team and cause
	since    time.Time                // the evaluator looks without a break since then
	last     time.Time                // time of the last evaluation
	// replaying asks about all functions each time, so that a history is read once.
	replaying bool
	raw       bool // there are no rollups: long windows are counted from raw samples too

	mu        sync.RWMutex // held by the loop to write, by others to read
	alerts    map[Key]entry
	incidents map[Objective]Incident
	closed    map[Objective][]time.Time // when incidents ended of late
	silences  []Silence
	follows   map[Objective]string // whose trouble follows from what, in words: nobody is told of it
	beats     map[string]time.Time // when a target's watchdog was last written; of the loop alone
	repeated  map[string]time.Time // when a target with Repeat was told, by its name and dedup key; of the loop alone
	runs      map[ruleKey]*run
	specs     map[function.Name]*spec
	wanted    map[time.Duration]bool // SLO windows whose alerts somebody wants
	listed    []*function.Function   // what specs was made from; of the loop alone
	stale     bool                   // memory may differ from the store: load before anything else
	status    EvaluatorStatus

	starting sync.Mutex
	stop     context.CancelFunc // nil: not started
	done     chan struct{}
}

// entry is an alert that is not inactive, as last seen.
type entry struct {
	Status
	value  float64
	reason string
}

// ruleKey names a rule: the labels that its alerts share.
type ruleKey struct {
	sloWindow string
	class     slo.Class
	window    string
}

func (k Key) rule() ruleKey { return ruleKey{k.SLOWindow, k.Class, k.Window} }

// run is a rule and how its last evaluation went.
type run struct {
	rule  slo.Rule
	order int // among the rules of its SLO window, fastest first
	at    time.Time
	took  time.Duration
	ok    bool // evaluated at least once without error
	err   error
}

// spec is what alerting knows of a function: what it promised.
type spec struct {
	window     time.Duration
	windowName string
	objectives []function.Objective
	disabled   bool
}

func (s *spec) objective(name string) (function.Objective, bool) {
	if s == nil {
		return function.Objective{}, false
	}
	for _, o := range s.objectives {
		if o.Name == name {
			return o, true
		}
	}
	return function.Objective{}, false
}

// EvaluatorStatus is how evaluation goes, for the System page.
type EvaluatorStatus struct {
	At        time.Time // of the last evaluation
	Took      time.Duration
	LastError string // of the last evaluation; empty where it had none
	Failures  int    // evaluations in a row that had an error
	Rules     int
	Firing    int
	Open      int // incidents
}

// New makes an Evaluator that stands still.
func New(cfg Config) (*Evaluator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	e := &Evaluator{
		cfg: cfg, stale: true, runs: map[ruleKey]*run{}, repeated: map[string]time.Time{}, beats: map[string]time.Time{}, calm: calms{},
		leads: map[string]function.Name{}, follows: map[Objective]string{},
		measured: measured{map[string]time.Time{}, map[string][]Condition{}}, done: make(chan struct{}),
		series: alertSeries{live: map[string]*liveSeries{}},
	}
	e.metrics = newMetrics(cfg.Registerer)
	return e, nil
}

// Start loads what was known before and begins the first evaluation at once. The
// loop ends with ctx or Stop.
func (e *Evaluator) Start(ctx context.Context) error {
	e.starting.Lock()
	defer e.starting.Unlock()
	if e.stop != nil {
		return fmt.Errorf("alerting: evaluator %w", ErrStarted)
	}
	if err := e.load(ctx); err != nil {
		return err
	}
	ctx, e.stop = context.WithCancel(ctx)
	go e.loop(ctx)
	return nil
}

// Stop ends the loop and waits for an evaluation under way, which sees its context
// end. Its error wraps the cause for which ctx ended first.
func (e *Evaluator) Stop(ctx context.Context) error {
	e.starting.Lock()
	stop := e.stop
	e.starting.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop alerting: %w", context.Cause(ctx))
	}
}

// load makes memory what the store holds.
func (e *Evaluator) load(ctx context.Context) error {
	snap, err := e.cfg.Store.Load(ctx, e.cfg.Now().Add(-flapWithin))
	if err != nil {
		return fmt.Errorf("load alerts: %w", err)
	}
	alerts := make(map[Key]entry, len(snap.Alerts))
	for k, s := range snap.Alerts {
		alerts[k] = entry{Status: s, reason: cmp.Or(s.Why, "as before the last start; not evaluated yet")}
	}
	if snap.Incidents == nil {
		snap.Incidents = map[Objective]Incident{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for k, was := range e.alerts { // a reload keeps what the store does not hold
		if now, ok := alerts[k]; ok && now.Status == was.Status {
			alerts[k] = was
		}
	}
	e.alerts, e.incidents, e.stale = alerts, snap.Incidents, false
	e.closed = map[Objective][]time.Time{}
	for _, ended := range snap.Ended {
		e.closed[ended.Objective] = append(e.closed[ended.Objective], ended.ClosedAt)
	}
	return nil
}

func (e *Evaluator) loop(ctx context.Context) {
	defer close(e.done)
	ticker := time.NewTicker(e.cfg.Interval)
	defer ticker.Stop()
	for {
		e.tick(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// tick is one evaluation; its failures are counted, shown and logged once an outage.
func (e *Evaluator) tick(ctx context.Context) {
	began := e.cfg.Now().UTC().Truncate(time.Microsecond) // as the store keeps it
	err := e.guarded(ctx, began)
	if ctx.Err() != nil {
		return
	}
	took := e.cfg.Now().Sub(began)
	e.metrics.seconds.Observe(took.Seconds())

	e.mu.Lock()
	failures := e.status.Failures
	firing := 0
	for k, a := range e.alerts {
		if a.State == Firing && k.SLO != Test {
			firing++
		}
	}
	open := 0
	for o := range e.incidents {
		if o.SLO != Test {
			open++
		}
	}
	e.status = EvaluatorStatus{At: began, Took: took, Rules: len(e.runs), Firing: firing, Open: open}
	if err != nil {
		e.status.Failures, e.status.LastError = failures+1, err.Error()
	}
	e.mu.Unlock()

	if err == nil {
		e.metrics.evaluated.Set(float64(began.UnixMilli()) / 1000)
	}
	e.metrics.firing.Set(float64(firing))
	e.metrics.open.Set(float64(e.status.Open))
	switch {
	case err != nil && failures == 0:
		e.cfg.Logger.WarnContext(ctx, "alerts could not be evaluated", "error", err)
	case err == nil && failures > 0:
		e.cfg.Logger.InfoContext(ctx, "alerts are evaluated again", "failures", failures)
	}
}

// guarded keeps a panic of one evaluation from ending the process: functions run in it.
func (e *Evaluator) guarded(ctx context.Context, now time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.metrics.failures.WithLabelValues("panic").Inc()
			e.cfg.Logger.ErrorContext(ctx, "evaluation panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			e.mu.Lock()
			e.stale = true
			e.mu.Unlock()
			err = fmt.Errorf("evaluate alerts: panic: %v", p)
		}
	}()
	return e.evaluate(ctx, now)
}
