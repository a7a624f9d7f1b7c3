// Package engine runs functions in goja: it compiles a version once, keeps a bounded
// pool of warm VMs for it, gives each invocation a VM and an event loop, and ends it
// in time. It and package webapi are the only importers of goja, and no type of
// goja is in the signatures here: a worker process can stand in the same place.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Call makes a request of one function to another without the network. caller has
// Version, Trace, Depth and ID of the invocation that asks.
type Call func(ctx context.Context, caller invocation.Request, req *http.Request) (*http.Response, error)

// Config is what an Engine needs. Bundle is required; zero limits have defaults.
type Config struct {
	// Bundle returns what to run for a version. Its result is kept and not changed.
	Bundle func(ctx context.Context, id function.ID) (function.Bundle, error)
	// Log takes what functions write to the console and what the platform has to say
	// about them. It must not block. Nil drops them.
	Log func(invocation.Record)
	// Measure takes what versions counted, about once a second each while they count.
	// It is called on one goroutine at a time, not after Close, and must not block.
	// Nil: nothing is counted.
	Measure func(invocation.Measures)
	// Call takes fetches to ExternalURL + "/fn/…". Nil refuses them.
	Call Call
	// Secrets returns what a version gets of its team's secrets, each time that a VM is
	// made for it. Nil: nothing.
	Secrets func(id function.ID) (*Secrets, error)
	// ExternalURL is the base of this installation's addresses, which functions
	// cannot reach but for "/fn/…".
	ExternalURL string
	// Own returns the addresses this process listens on, which functions cannot dial.
	Own func() []net.Addr
	// PrivateAllow lists what manifests may open of loopback, link-local and private
	// addresses: hosts, host:port, addresses or CIDRs. Metadata addresses stay shut.
	PrivateAllow []string
	// Logger takes what concerns the operator. Nil discards.
	Logger *slog.Logger
	// Registerer takes the engine's own metrics. Nil registers none.
	Registerer prometheus.Registerer

	MaxVMs       int           // live VMs, idle ones included; default 1024
	MaxWaiting   int           // invocations that wait for a VM; default 4096
	MaxQueue     time.Duration // the longest such wait, whatever manifests say; default 30s
	MaxAbandoned int           // VMs that could not be stopped before new work is refused; default twice the processors
	Spares       int           // VMs made before anybody needs them; default 2, below 0 none
	MaxPrograms  int           // compiled versions kept; default 4096
	MaxCall      time.Duration // more than any call may last, streams and background work included; default 2h
	MemoryBudget int64         // bytes of heap above which calls are refused and ended; 0: nobody looks
	Eval         bool          // manifests may ask for code made from text: only where a process serves one team
	CheckTimeout time.Duration // module evaluation at registration; default 5s
	InitTimeout  time.Duration // module evaluation when a VM is made; default 5s
}

func (c Config) withDefaults() Config {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	or(&c.MaxVMs, 1024)
	or(&c.MaxWaiting, 4096)
	or(&c.MaxAbandoned, max(4, 2*runtime.GOMAXPROCS(0)))
	or(&c.MaxPrograms, 4096)
	or(&c.Spares, 2)
	for v, d := range map[*time.Duration]time.Duration{&c.MaxQueue: 30 * time.Second, &c.MaxCall: 2 * time.Hour, &c.CheckTimeout: 5 * time.Second, &c.InitTimeout: 5 * time.Second} {
		if *v == 0 {
			*v = d
		}
	}
	if c.Log == nil {
		c.Log = func(invocation.Record) {}
	}
	if c.Own == nil {
		c.Own = func() []net.Addr { return nil }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate says what is wrong with a configuration.
func (c Config) Validate() error {
	if c.Bundle == nil {
		return errors.New("validate engine config: Bundle is missing")
	}
	for key, n := range map[string]int{"MaxVMs": c.MaxVMs, "MaxWaiting": c.MaxWaiting, "MaxAbandoned": c.MaxAbandoned, "MaxPrograms": c.MaxPrograms} {
		if n < 0 {
			return fmt.Errorf("validate engine config: %s is negative", key)
		}
	}
	return nil
}

// ErrClosed is what an Engine answers after Close.
var ErrClosed = errors.New("the engine is closed")

// Engine runs functions. It is safe for use by several goroutines.
type Engine struct {
	cfg       Config
	log       *slog.Logger
	egress    *egress
	metrics   *metrics
	recorder  recorder
	programs  *programs
	pool      *pool
	watchdog  *watchdog // nil: not watched
	runners   runners
	spares    spares
	abandoned atomic.Int64
	live      sync.WaitGroup // invocations, background work included
	asides    sync.WaitGroup // loading and checking, which outlive those who asked
	closing   context.Context
	close     context.CancelCauseFunc
	mu        sync.RWMutex // orders live.Add before Close's Wait
	closed    bool
}

// New makes an Engine; nothing runs until it is called.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	egress, err := newEgress(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure egress: %w", err)
	}
	e := &Engine{cfg: cfg, log: cfg.Logger.With("component", "engine"), egress: egress}
	e.closing, e.close = context.WithCancelCause(context.Background())
	if cfg.Measure != nil {
		e.recorder.sink = func(m invocation.Measures) { e.contained("measure sink", func() { cfg.Measure(m) }) }
	}
	e.programs = newPrograms(cfg, &e.recorder, e.aside)
	e.pool = newPool(cfg)
	e.metrics, err = newMetrics(cfg.Registerer, e)
	if err != nil {
		return nil, fmt.Errorf("register engine metrics: %w", err)
	}
	boundRegexps(cfg.MaxCall)
	if cfg.MemoryBudget > 0 {
		e.watchdog = newWatchdog(e, cfg.MemoryBudget)
	}
	e.spares.missing.Store(int64(cfg.Spares))
	e.aside(e.closing, func(context.Context) { e.refill() })
	return e, nil
}

// begin counts work that Close waits for.
func (e *Engine) begin() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return false
	}
	e.live.Add(1)
	return true
}

// maxLoad bounds the reading of one bundle from its store.
const maxLoad = 30 * time.Second

// aside runs fn on a goroutine that Close waits for. Its context outlives the
// caller's, and ends with the engine. It is a runner, whose stack has grown already: the
// parser and the compiler go deep.
func (e *Engine) aside(ctx context.Context, fn func(ctx context.Context)) {
	e.asides.Add(1)
	e.runners.run(func() {
		defer e.asides.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxLoad)
		defer cancel()
		stop := context.AfterFunc(e.closing, cancel) //nolint:contextcheck // the engine's own end
		defer stop()
		e.contained("loader", func() { fn(ctx) })
	})
}

// Prewarm compiles a version and makes one VM of it, so that the first call finds it.
func (e *Engine) Prewarm(ctx context.Context, id function.ID) error {
	if !e.begin() {
		return ErrClosed
	}
	defer e.live.Done()
	p, err := e.programs.get(ctx, id)
	if err != nil {
		return fmt.Errorf("prewarm %s: %w", id, err)
	}
	if e.pool.idleOf(id) > 0 || p.fresh() {
		return nil
	}
	v, home, err := e.pool.acquire(ctx, p)
	if err != nil {
		return fmt.Errorf("prewarm %s: %w", id, err)
	}
	e.watchdog.stir()
	done := make(chan error, 1)
	if v == nil {
		v = e.pool.settle(e.vm(p), home)
	}
	e.runners.run(func() {
		err := v.warm(e.cfg.InitTimeout)
		e.pool.release(v) // first, so that the next call finds it
		done <- err
		e.refill()
	})
	select {
	case err = <-done:
	case <-ctx.Done():
		v.interrupt(context.Cause(ctx))
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("prewarm %s: %w", id, err)
	}
	return nil
}

// Drop forgets all versions of a function: idle VMs go at once, busy ones when
// their invocation ends.
func (e *Engine) Drop(name function.Name) {
	e.programs.drop(name)
	e.pool.drop(name)
}

// Close refuses new work, waits for running invocations until ctx ends, stops what
// is left and frees everything.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	err := wait(ctx, &e.live)
	e.close(invocation.ErrDraining)
	err = errors.Join(err, wait(ctx, &e.asides))
	if e.watchdog != nil {
		e.watchdog.close()
	}
	e.pool.close()
	e.spares.close()
	e.runners.close()
	e.egress.close()
	e.recorder.close()
	e.metrics.unregister()
	return err
}

// wait waits for a group until ctx ends. Its goroutine stays for as long as the
// group does where that is longer: a VM that nothing can stop.
func wait(ctx context.Context, group *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close engine: %w", context.Cause(ctx))
	}
}
