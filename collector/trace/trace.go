// Package trace keeps the traces of calls, and exports them: a span for each
// invocation, for what the host did around it, and for each request that it sent. They
// are made of the Outcome when a call has ended; while it runs there is no tracing, and
// a call that is neither sampled nor failed nor slow costs a few comparisons.
package trace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector/forward"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Config says which traces are kept, how many, and where they go.
type Config struct {
	Sample   float64          // share of the traces that begin here, 0 to 1; see Handle.Begin
	Slow     time.Duration    // what is slow for a function without latency objective; default 1 s
	Rate     int              // calls a second of one version that are kept; default 100
	Keep     int              // calls of one function in memory; default 50
	MaxBytes int64            // of all calls in memory; default 32 MiB
	Export   forward.Endpoint // OTLP/HTTP; no URL: nowhere
	Linger   time.Duration    // a call waits for others before it is exported; default 1 s
	Node     string           // service.instance.id
	Version  string           // Hadron's

	Registerer prometheus.Registerer // may be nil
	Logger     *slog.Logger          // default: discards
}

// Validate says what is missing or out of range.
func (c Config) Validate() error {
	switch {
	case !(c.Sample >= 0 && c.Sample <= 1):
		return fmt.Errorf("trace: the share that is sampled is %v, and not from 0 to 1", c.Sample)
	case c.Slow < 0 || c.Rate < 0 || c.Keep < 0 || c.MaxBytes < 0:
		return errors.New("trace: a bound is negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Slow == 0 {
		c.Slow = time.Second
	}
	if c.Rate == 0 {
		c.Rate = 100
	}
	if c.Keep == 0 {
		c.Keep = 50
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 32 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Traces is the calls that were kept. Its methods may be called from any goroutine.
type Traces struct {
	cfg     Config
	below   uint64 // a trace is sampled whose last 56 bits are below
	memory  memory
	metrics metrics
	export  *forward.Queue[item] // nil: nowhere
}

// New makes a store; Start begins to export.
func New(cfg Config) (*Traces, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	t := &Traces{cfg: cfg, below: uint64(cfg.Sample * (1 << randomBits)), memory: newMemory(cfg.Keep, cfg.MaxBytes)}
	if cfg.Export.URL != "" {
		var err error
		if t.export, err = t.exporter(); err != nil {
			return nil, err
		}
	}
	if err := t.metrics.register(cfg.Registerer, t); err != nil {
		return nil, err
	}
	return t, nil
}

// Start begins to export.
func (t *Traces) Start(ctx context.Context) {
	if t.export != nil {
		t.export.Start(ctx)
	}
}

// Stop exports what waits, until ctx ends.
func (t *Traces) Stop(ctx context.Context) error {
	if t.export == nil {
		return nil
	}
	return t.export.Stop(ctx)
}

// randomBits are those of a trace id that its maker made by chance: the last 56, by
// the second level of the W3C's standard.
const randomBits = 56

// Sample decides by the trace id alone, so that all who sample the same share agree.
func (t *Traces) Sample(traceID string) bool {
	if t.cfg.Sample >= 1 {
		return true
	}
	if t.below == 0 || len(traceID) != 32 {
		return false
	}
	v, err := strconv.ParseUint(traceID[32-randomBits/4:], 16, 64)
	return err == nil && v < t.below
}

// Remove forgets the calls of a function that is gone.
func (t *Traces) Remove(name function.Name) { t.memory.remove(name) }

// Apply implements the registry's Follower; new functions have no calls yet.
func (t *Traces) Apply(function.Function) {}

// Handle keeps the calls of one version. It is made for the version's route, which
// holds it.
func (t *Traces) Handle(v function.Version) *Handle {
	slow := time.Duration(0)
	for _, o := range v.Manifest.SLO.Latency {
		slow = max(slow, time.Duration(o.Threshold))
	}
	if slow == 0 {
		slow = t.cfg.Slow
	}
	return &Handle{traces: t, id: v.ID, slow: slow, tokens: float64(t.cfg.Rate)}
}

// Handle implements the gateway's Tracer.
type Handle struct {
	traces *Traces
	id     function.ID
	slow   time.Duration
	second atomic.Int64 // in which a call was last sampled by Begin

	mu     sync.Mutex
	tokens float64
	at     time.Time
}

// Begin samples the first call of each second, so that a version with few calls has
// traces whatever the share; unless no share is sampled at all.
func (h *Handle) Begin(now time.Time) bool {
	if h.traces.cfg.Sample == 0 {
		return false
	}
	second := now.Unix()
	last := h.second.Load()
	return last != second && h.second.CompareAndSwap(last, second)
}

// Slow is the longest latency that the version promises, or the setting where it
// promises none.
func (h *Handle) Slow() time.Duration { return h.slow }

// Ended keeps a call, within the version's rate.
func (h *Handle) Ended(req *invocation.Request, began time.Time, out invocation.Outcome) bool {
	t := h.traces
	if !h.admit(began.Add(out.Duration)) {
		t.metrics.dropped.Inc()
		return false
	}
	c := newCall(req, began, out, h.slow)
	t.metrics.kept[c.Why].Inc()
	if t.export != nil {
		t.export.Put(item{call: *c})
	}
	t.memory.put(c)
	return true
}

// Settled adds what waitUntil held to its call.
func (h *Handle) Settled(trace invocation.Trace, began time.Time, b invocation.Background) {
	t := h.traces
	bg := &Background{
		Began: began, Duration: max(0, time.Since(began)), CPU: b.CPU, Code: string(b.Code), Error: b.Code.IsError(),
	}
	if b.Failure != nil {
		bg.Message = invocation.ClipURL(b.Failure.Error())
	}
	if c, ok := t.memory.settle(trace.ID, trace.Span, bg); ok && t.export != nil {
		t.export.Put(item{call: c, background: bg})
	}
}

func (h *Handle) admit(now time.Time) bool {
	rate := float64(h.traces.cfg.Rate)
	h.mu.Lock()
	defer h.mu.Unlock()
	if passed := now.Sub(h.at).Seconds(); passed > 0 {
		if !h.at.IsZero() {
			h.tokens = min(h.tokens+passed*rate, rate)
		}
		h.at = now
	}
	if h.tokens < 1 {
		return false
	}
	h.tokens--
	return true
}

// Filter says which calls to list.
type Filter struct {
	Errors  bool          // those that failed
	Min     time.Duration // that took at least this
	Since   time.Time     // that began at or after this; zero: any
	Until   time.Time     // that began before this; zero: any
	Request string        // of this request id; empty: any
	Limit   int           // the newest so many; 0: 50
}

func (f Filter) takes(c *Call) bool {
	switch {
	case f.Errors && !c.Code.IsError(), c.Duration < f.Min, f.Request != "" && c.Request != f.Request:
		return false
	case c.Began.Before(f.Since), !f.Until.IsZero() && !c.Began.Before(f.Until):
		return false
	}
	return true
}

// List returns calls of the function that are kept, newest first.
func (t *Traces) List(name function.Name, f Filter) []Call {
	if f.Limit == 0 {
		f.Limit = 50
	}
	return t.memory.list(name, f)
}

// MaxCalls is how many calls of one trace Get returns at most.
const MaxCalls = 200

// Get returns the calls of a trace that are kept, of whatever function, in the order
// in which they began; of very many, the MaxCalls that were kept last.
func (t *Traces) Get(traceID string) []Call { return t.memory.get(traceID) }

// metrics are the store's numbers about itself.
type metrics struct {
	kept       map[Why]prometheus.Counter
	dropped    prometheus.Counter
	exported   prometheus.Counter
	unexported *prometheus.CounterVec
}

func (m *metrics) register(r prometheus.Registerer, t *Traces) error {
	kept := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hadron_traces_kept_total", Help: "Calls whose trace was kept, by what made it worth keeping: sampled, error or slow."}, []string{"why"})
	m.kept = map[Why]prometheus.Counter{}
	for _, why := range []Why{Sampled, Failed, WasSlow} {
		m.kept[why] = kept.WithLabelValues(string(why))
	}
	m.dropped = prometheus.NewCounter(prometheus.CounterOpts{Name: "hadron_traces_dropped_total", Help: "Calls whose trace was not kept, because their version had more than traces.rate in a second."})
	m.exported = prometheus.NewCounter(prometheus.CounterOpts{Name: "hadron_traces_exported_total", Help: "Calls, and background work of calls, whose spans the OTLP receiver took."})
	m.unexported = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hadron_traces_export_dropped_total", Help: "Calls, and background work of calls, whose spans did not reach the OTLP receiver, by reason."}, []string{"reason"})
	for _, why := range forward.Reasons {
		m.unexported.WithLabelValues(string(why))
	}
	if r == nil {
		return nil
	}
	all := []prometheus.Collector{
		kept, m.dropped,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hadron_traces_memory_bytes", Help: "About how much memory the calls take whose traces are kept."}, func() float64 { return float64(t.memory.size()) }),
	}
	if t.export != nil {
		all = append(all, m.exported, m.unexported,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hadron_traces_export_waiting", Help: "Calls, and background work of calls, that wait to be exported."}, func() float64 { return float64(t.export.Waiting()) }))
	}
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register trace metrics: %w", err)
		}
	}
	return nil
}

// ValidID reports whether a text is a trace id: 32 lower-case hex digits, not all 0.
func ValidID(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}
