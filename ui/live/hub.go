// Package live streams health, alerts, logs and deployments to browsers and
// scripts over one websocket each; docs/live-protocol.md is its contract.
//
// A topic's message is encoded once and shared. Publishing never waits: a client
// holds a position in each topic and no queue, so that one that reads slowly
// skips to the newest state instead of holding anything up.
package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/ui/wire"
)

// Config is what a Hub is made of. Authenticate is required; a topic whose
// source is nil is unknown to clients.
type Config struct {
	Version string
	// Authenticate is asked at the handshake and each Ping. An error of it other
	// than tenant.ErrUnauthenticated ends no connection: it could not look.
	Authenticate func(*http.Request) (access.Principal, error)
	ExternalURL  string // pages of this origin may connect, beside those of the Host header's
	Dev          bool   // no token is asked for: the Host header must be loopback or ExternalURL's

	Step  time.Duration                    // between ticks; default 1s
	Ticks func() (<-chan struct{}, func()) // woken after health was computed; nil: every Step
	Wake  func() (<-chan struct{}, func()) // woken after functions changed; nil: every Step
	Names func(function.Name) bool         // whether there is such a function; nil: any
	// Healths and Function are called each tick; what they return is not modified.
	Healths  func() []wire.Health
	Function func(function.Name) (wire.FunctionPoint, bool)
	Alerts   func(context.Context) ([]wire.Alert, error)
	// Deployments returns the latest, in any order.
	Deployments func(context.Context) ([]wire.Deployment, error)
	// LogHistory returns the last n records of a function, newest last.
	LogHistory func(ctx context.Context, name function.Name, n int) ([]invocation.Record, error)
	// LogFollow emits the last n records and then, without a gap, new ones until
	// ctx ends or emit fails.
	LogFollow func(ctx context.Context, name function.Name, n int, emit func(invocation.Record) error) error

	MaxClients       int           // default 2000
	MaxSubscriptions int           // of one client; default 64
	MaxTopics        int           // that are kept at a time; default 4096
	MaxReplay        int           // deltas of a topic that are kept for who comes back; default 120
	MaxTopicBytes    int           // of those deltas, and of a log's lines; default 1 MiB
	MaxLines         int           // of a log's snapshot; default 500
	Linger           time.Duration // how long a topic without clients is kept; default 1m
	Ping             time.Duration // between pings; default 30s
	Patience         time.Duration // how long a client may send nothing, no pong either; default two pings
	WriteTimeout     time.Duration // after which a client that reads nothing is dropped; default 10s
	Logger           *slog.Logger
	Registerer       prometheus.Registerer
}

func (c *Config) setDefaults() error {
	if c.Authenticate == nil {
		return errors.New("live: Authenticate is required")
	}
	for value, def := range map[*int]int{
		&c.MaxClients: 2000, &c.MaxSubscriptions: 64, &c.MaxTopics: 4096,
		&c.MaxReplay: 120, &c.MaxTopicBytes: 1 << 20, &c.MaxLines: 500,
	} {
		if *value <= 0 {
			*value = def
		}
	}
	for value, def := range map[*time.Duration]time.Duration{
		&c.Step: time.Second, &c.Linger: time.Minute, &c.Ping: 30 * time.Second, &c.WriteTimeout: 10 * time.Second,
	} {
		if *value <= 0 {
			*value = def
		}
	}
	if c.Patience <= 0 {
		c.Patience = 2 * c.Ping
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Hub serves GET /api/v1/live. Its goroutines end with Stop.
type Hub struct {
	cfg      Config
	log      *slog.Logger
	epoch    string
	upgrader websocket.Upgrader
	metrics  *metrics
	beat     *frame
	ticks    atomic.Uint64

	ctx    context.Context // ends with Stop; the parent of everything a client does
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	state   lifecycle
	clients map[*client]struct{}
	topics  map[topicKey]*topic
	floor   uint64 // no topic that is made from now on uses a number up to it

	overview overview
}

type lifecycle int

const (
	created lifecycle = iota
	running
	stopped
)

var errStopped = errors.New("server is stopping")

// New returns a Hub that refuses clients until Start.
func New(cfg Config) (*Hub, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics of live: %w", err)
	}
	h := &Hub{
		cfg: cfg, log: cfg.Logger.With(slog.String("component", "live")), epoch: rand.Text()[:12], metrics: m,
		beat:    prepare(wire.TypeHeartbeat, []byte(`{"type":"`+wire.TypeHeartbeat+`"}`)),
		clients: map[*client]struct{}{}, topics: map[topicKey]*topic{},
		overview: newOverview(),
	}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: cfg.WriteTimeout,
		ReadBufferSize:   1 << 10,
		WriteBufferSize:  4 << 10,
		WriteBufferPool:  &sync.Pool{},
		Subprotocols:     []string{wire.LiveProtocol},
		CheckOrigin:      func(*http.Request) bool { return true }, // ServeHTTP has looked
	}
	return h, nil
}

// Start begins to serve. ctx carries values only: Stop ends what was started.
func (h *Hub) Start(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != created {
		return errors.New("live: started already")
	}
	h.state = running
	h.ctx, h.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	slow := make(chan struct{}, 1)
	h.wg.Go(func() { h.runFast(h.ctx, slow) })
	h.wg.Go(func() { h.runSlow(h.ctx, slow) })
	return nil
}

// Stop tells every client that the server goes away, and returns when all of
// them and all goroutines are gone, at the latest when ctx ends.
func (h *Hub) Stop(ctx context.Context) error {
	h.mu.Lock()
	was := h.state
	h.state = stopped
	h.mu.Unlock()
	if was != running {
		return nil
	}
	h.cancel(errStopped)
	done := make(chan struct{})
	go func() {
		h.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, c := range h.everyone() {
		c.sever() // it would not go by itself
	}
	<-done
	return fmt.Errorf("stop live: %w", context.Cause(ctx))
}

func (h *Hub) everyone() []*client {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*client, 0, len(h.clients))
	for c := range h.clients {
		out = append(out, c)
	}
	return out
}

// enter admits a client, and counts its goroutine for Stop.
func (h *Hub) enter(c *client) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.state != running:
		return errStopped
	case len(h.clients) >= h.cfg.MaxClients:
		return fmt.Errorf("%d clients are connected already", len(h.clients))
	}
	h.clients[c] = struct{}{}
	h.wg.Add(1)
	h.metrics.clients.Inc()
	return nil
}

func (h *Hub) leave(c *client) {
	h.mu.Lock()
	delete(h.clients, c)
	h.mu.Unlock()
	h.metrics.clients.Dec()
	h.wg.Done()
}

// subscribe or pace: a channel that is woken by its owner, or by a ticker where
// there is none.
func pace(subscribe func() (<-chan struct{}, func()), step time.Duration) (woken <-chan struct{}, ticked <-chan time.Time, stop func()) {
	if subscribe != nil {
		woken, stop = subscribe()
		return woken, nil, stop
	}
	t := time.NewTicker(step)
	return nil, t.C, t.Stop
}

// runFast refreshes what lies in memory, each tick.
func (h *Hub) runFast(ctx context.Context, slow chan<- struct{}) {
	woken, ticked, stop := pace(h.cfg.Ticks, h.cfg.Step)
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-woken:
		case <-ticked:
		}
		h.refreshHealth(time.Now())
		h.reap(time.Now())
		h.ticks.Add(1)
		for _, c := range h.everyone() {
			c.poke()
		}
		select {
		case slow <- struct{}{}:
		default: // it is still at the last one
		}
	}
}

// runSlow refreshes what a database is asked for, so that health never waits for it.
func (h *Hub) runSlow(ctx context.Context, ticks <-chan struct{}) {
	var woken <-chan struct{}
	if h.cfg.Wake != nil {
		ch, stop := h.cfg.Wake()
		defer stop()
		woken = ch
	}
	h.refreshDeployments(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-woken:
			h.refreshDeployments(ctx)
		case <-ticks:
			h.refreshAlerts(ctx)
			if woken == nil {
				h.refreshDeployments(ctx)
			}
		}
	}
}
