// Package collector turns what functions do into numbers: counters and histograms
// at the source, samples for the metric store, live health each second, and
// groups of errors. The gateway holds a Handle per version; everything else here
// reads those handles.
package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Store keeps samples and answers PromQL.
type Store interface {
	// Append takes samples, oldest first within a series; it keeps none of the
	// slice. An error that has a method Rejected() int tells how many it refused for
	// good while it kept the others; any other error means that it kept none.
	Append(ctx context.Context, samples []metric.Sample) error
	// AppendRollups is Append into the store of rollups (metric.IsRollup).
	AppendRollups(ctx context.Context, samples []metric.Sample) error
	// Query evaluates an instant query at a time, over samples and rollups.
	Query(ctx context.Context, expr string, at time.Time) ([]metric.Point, error)
	// QueryDistributions is Query of an expression whose answer is native histograms.
	QueryDistributions(ctx context.Context, expr string, at time.Time) ([]metric.Distribution, error)
	// Bounds and RollupBounds are the times of the oldest and newest sample and
	// rollup; zero where there is none.
	Bounds() (oldest, newest time.Time)
	RollupBounds() (oldest, newest time.Time)
}

// Config is what a Collector is made of.
type Config struct {
	Store      Store
	Node       string        // the label instance
	Interval   time.Duration // between samples of a series; default 15 s
	Step       time.Duration // between computations of health; default 1 s
	Crowd      int           // functions past which those that nobody calls have no series; default 5,000
	Groups     GroupStore    // nil: error groups end with the process
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer // of the collector's own metrics; may be nil
}

// Validate says what is missing or out of range.
func (cfg Config) Validate() error {
	switch {
	case cfg.Store == nil:
		return errors.New("collector: a Store is needed")
	case cfg.Node == "":
		return errors.New("collector: the node's name is empty")
	case cfg.Crowd < 0:
		return errors.New("collector: Crowd cannot be negative")
	case cfg.Interval < 0 || cfg.Interval > 0 && cfg.Interval < 100*time.Millisecond || cfg.Interval > time.Minute:
		return fmt.Errorf("collector: the interval %s is not within 100ms and 1m", cfg.Interval)
	case cfg.Step < 0 || cfg.Step > 0 && cfg.Step < 100*time.Millisecond || cfg.Step > 5*time.Second:
		return fmt.Errorf("collector: the step %s is not within 100ms and 5s", cfg.Step)
	}
	return nil
}

var errSlowStore = errors.New("the metric store did not answer in time")

// Collector is the recorder and what reads it. Handle, Apply, Remove, Refused,
// Health, Healths, Errors and Subscribe work before Start and after Stop.
type Collector struct {
	store    Store
	node     string
	interval time.Duration
	step     time.Duration
	crowd    int
	now      func() time.Time
	log      *slog.Logger
	metrics  ownMetrics
	descs    map[string]*prometheus.Desc
	started  time.Time

	unknown refusals   // of names that no function has
	groups  groupCount // of errors
	kept    GroupStore // nil: groups end with the process
	goneMu  sync.Mutex
	gone    map[function.Name]struct{} // functions whose groups the store is to forget

	mu       sync.RWMutex
	byName   map[function.Name]*tracked
	behind   bool       // list is behind byName
	list     []*tracked // sorted by name; replaced, never changed
	removed  []*tracked
	running  bool
	promises promises

	windowsStale atomic.Bool // functions came, changed or went since budgetLoop looked

	wake chan struct{} // one slot: functions came, changed or went

	passing  sync.Mutex // held during a pass of the append loop
	lastPass int64      // Unix milliseconds; 0 before the first
	chunk    []metric.Sample
	rollups  rollups

	live   live
	trials trials

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// New makes a Collector that does nothing by itself until Start.
func New(cfg Config) (*Collector, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Collector{
		store: cfg.Store, node: cfg.Node, now: cfg.Now,
		interval: cmp.Or(cfg.Interval, 15*time.Second), step: cmp.Or(cfg.Step, time.Second), crowd: cmp.Or(cfg.Crowd, 5000),
		descs: descriptions(), byName: map[function.Name]*tracked{}, gone: map[function.Name]struct{}{}, kept: cfg.Groups, wake: make(chan struct{}, 1),
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.log = cfg.Logger
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.log = c.log.With("component", "collector")
	c.started = c.now()
	for i := range c.live.covered {
		c.live.covered[i] = c.step
	}
	c.live.subscribers = map[chan struct{}]struct{}{}
	if err := c.metrics.register(cfg.Registerer, c); err != nil {
		return nil, err
	}
	return c, nil
}

// Start begins pacing, health and budgets in the background; Stop ends them. ctx
// bounds only the start.
func (c *Collector) Start(ctx context.Context) error {
	if c.cancel != nil {
		return errors.New("collector: started twice")
	}
	c.mu.Lock()
	c.running = true
	c.mu.Unlock()
	if c.crowded() { // those of before this process rest until their first call
		for _, t := range c.functions() {
			t.rest()
		}
	}
	c.loadGroups(ctx)
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	for _, loop := range []func(context.Context){c.appendLoop, c.healthLoop, c.budgetLoop, c.sweepLoop, c.groupsLoop} {
		c.done.Go(func() { loop(run) })
	}
	return nil
}

// Stop ends the loops and gives the store the last counts. It may be called
// again, and without a Start.
func (c *Collector) Stop(ctx context.Context) error {
	if c.cancel == nil {
		return nil
	}
	c.cancel()
	c.cancel = nil
	c.done.Wait()
	err := c.saveGroups(ctx)
	if cause := c.appendAll(ctx, true, true); cause != nil {
		err = errors.Join(err, fmt.Errorf("append last samples: %w", cause))
	}
	return err
}

// Handle returns the version's handle, the same one each time while the function
// lives. It is for holding, not for a look-up per invocation.
func (c *Collector) Handle(v function.Version) *Handle {
	t := c.tracked(v.ID.Name)
	t.mu.Lock()
	if !t.applied && t.promise.objectives == nil && v.Manifest.SLO.Availability > 0 {
		t.setPromise(c.promises.of(&v.Manifest))
	}
	h := t.handle(v.ID.Version, c.now())
	h.held = true
	t.mu.Unlock()
	return h
}

// Apply takes a function as the registry has it now: its aliased versions' series
// exist from here on, and its objectives count from here on.
func (c *Collector) Apply(f function.Function) {
	t := c.tracked(f.Name)
	c.mu.RLock()
	series := c.running || len(c.byName) <= c.crowd // before a start it is not known yet how many there will be
	c.mu.RUnlock()
	t.apply(&f, c.promises.of(&f.Spec), c.started, series)
	c.windowsStale.Store(true)
	c.activate(t)
	c.nudge()
}

// Remove ends a deleted function: its series get staleness markers at the next
// append, which does not wait for the interval.
func (c *Collector) Remove(name function.Name) {
	c.mu.Lock()
	t := c.byName[name]
	if t != nil {
		delete(c.byName, name)
		c.removed = append(c.removed, t)
		c.behind = true
		c.windowsStale.Store(true)
	}
	c.mu.Unlock()
	if t != nil {
		t.groups.release()
		c.goneGroups(name, true)
		c.nudge()
	}
}

// Refused counts a call that was refused before a function was called. A name
// that no function has makes no series of its own.
func (c *Collector) Refused(name function.Name, code invocation.Code) {
	c.mu.RLock()
	t := c.byName[name]
	c.mu.RUnlock()
	if t == nil {
		c.unknown.add(code)
		return
	}
	t.refuse(code)
	c.activate(t)
}

// Errors lists the function's error groups, last seen first.
func (c *Collector) Errors(name function.Name) []ErrorGroup {
	c.mu.RLock()
	t := c.byName[name]
	c.mu.RUnlock()
	if t == nil {
		return nil
	}
	return t.groups.list()
}

// tracked returns the function's state, made where there is none.
func (c *Collector) tracked(name function.Name) *tracked {
	c.mu.RLock()
	t := c.byName[name]
	c.mu.RUnlock()
	if t != nil {
		return t
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t = c.byName[name]; t == nil {
		t = newTracked(name, c)
		c.byName[name] = t
		c.behind = true
	}
	return t
}

// functions is the list that the loops walk, rebuilt where it is behind, so that
// a start with ten thousand functions sorts them once.
func (c *Collector) functions() []*tracked {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.behind {
		c.behind = false
		c.list = make([]*tracked, 0, len(c.byName))
		for _, t := range c.byName {
			c.list = append(c.list, t)
		}
		slices.SortFunc(c.list, func(a, b *tracked) int { return cmp.Compare(a.name, b.name) })
	}
	return c.list
}

// crowded reports whether there are so many functions that those that nobody calls
// go without series: the store would be full of zeros.
func (c *Collector) crowded() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.byName) > c.crowd
}

func (c *Collector) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Collector) takeRemoved() []*tracked {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.removed
	c.removed = nil
	return out
}

func (c *Collector) keepRemoved(t *tracked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removed = append(c.removed, t)
}

// sweepLoop ends what nobody uses any more.
func (c *Collector) sweepLoop(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		crowded := c.crowded()
		for _, t := range c.functions() {
			gone, changed := t.sweep(c.now(), crowded)
			if gone {
				c.Remove(t.name)
			}
			if changed {
				c.nudge()
			}
		}
	}
}
