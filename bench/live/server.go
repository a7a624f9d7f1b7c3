package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/ui/live"
	"hadron/ui/wire"
)

const (
	teams    = 50
	projects = 4 // of a team
)

func nameOf(i int) string {
	return fmt.Sprintf("team-%d/project-%d/fn-%d", i%teams, i/teams%projects, i)
}

// installation is functions whose health changes each tick.
type installation struct {
	mu       sync.Mutex
	healths  []wire.Health
	byName   map[string]int
	changing int
	next     int
	at       time.Time
	wake     []chan struct{}
}

func newInstallation(n int, changing float64) *installation {
	in := &installation{healths: make([]wire.Health, n), byName: map[string]int{}, changing: int(float64(n) * changing), at: time.Now()}
	for i := range in.healths {
		in.healths[i] = wire.Health{
			Function: nameOf(i), State: "healthy", Reason: "no trouble", Since: in.at, Availability: 0.999, LatencyTarget: 0.3, LatencyQuantile: 0.99, Window: "30d",
			Versions: []wire.VersionShare{{Version: i%40 + 1, Share: 1}}, DeployedAt: in.at, DeployedBy: "ada", UpdatedAt: in.at,
		}
		in.byName[in.healths[i].Function] = i
		in.change(i)
	}
	return in
}

// change gives a function new numbers; one of a hundred changes its state as well.
func (in *installation) change(i int) {
	h := &in.healths[i]
	number := func(scale float64) *float64 {
		v := rand.Float64() * scale
		return &v
	}
	h.Rate, h.InFlight = rand.Float64()*500, rand.IntN(20)
	h.ErrorRatio, h.P50, h.P95, h.P99, h.BudgetLeft = number(0.001), number(0.02), number(0.1), number(0.3), number(1)
	trend := make([]float64, 24)
	for at := range trend {
		trend[at] = h.Rate * (0.8 + 0.4*rand.Float64())
	}
	h.Trend, h.UpdatedAt = trend, in.at // a slice of its own: the old one may still be read
	if rand.IntN(100) == 0 {
		h.State, h.Since = []string{"failing", "degraded", "healthy"}[rand.IntN(3)], in.at
		h.Reason = h.State + " since " + in.at.Format(time.TimeOnly)
	}
}

// run changes health each step until ctx ends.
func (in *installation) run(ctx context.Context) {
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		in.mu.Lock()
		in.at = time.Now()
		for range in.changing {
			in.change(in.next)
			in.next = (in.next + 1) % len(in.healths)
		}
		for _, ch := range in.wake {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
		in.mu.Unlock()
	}
}

func (in *installation) subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	in.mu.Lock()
	in.wake = append(in.wake, ch)
	in.mu.Unlock()
	return ch, func() {}
}

func (in *installation) all() []wire.Health {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]wire.Health(nil), in.healths...)
}

func (in *installation) one(name function.Name) (wire.FunctionPoint, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	i, there := in.byName[string(name)]
	if !there {
		return wire.FunctionPoint{}, false
	}
	return wire.FunctionPoint{Health: in.healths[i]}, true
}

// serve runs until ctx ends, on one processor as the measurement wants it.
func serve(ctx context.Context, o options) error {
	runtime.GOMAXPROCS(1)
	in := newInstallation(o.functions, o.changing)
	registry := prometheus.NewRegistry()
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	if o.serve == "naive" {
		mux.Handle("/api/v1/live", naive(ctx, in))
	} else {
		hub, err := live.New(hubConfig(in, registry))
		if err != nil {
			return err
		}
		if err := hub.Start(ctx); err != nil {
			return err
		}
		defer func() { _ = hub.Stop(context.WithoutCancel(ctx)) }()
		mux.Handle("/api/v1/live", hub)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: narrowed(mux), ReadHeaderTimeout: 10 * time.Second,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	go in.run(ctx)
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type connKey struct{}

// narrowed keeps little for slow clients in the kernel, as a network does that is slow itself.
func narrowed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, is := r.Context().Value(connKey{}).(*net.TCPConn); is && r.URL.RawQuery == slowQuery {
			if err := conn.SetWriteBuffer(slowBuffer); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func hubConfig(in *installation, registry prometheus.Registerer) live.Config {
	return live.Config{
		Version: "bench", Step: step, Registerer: registry, MaxClients: 10_000, MaxTopics: 20_000,
		Authenticate: func(*http.Request) (access.Principal, error) {
			return access.Principal{Name: "ada", Grants: access.Granted(access.Admin, access.Everything)}, nil
		},
		Ticks: in.subscribe, Healths: in.all, Function: in.one,
		Alerts: func(context.Context) ([]wire.Alert, error) {
			return []wire.Alert{{Name: "burn", Function: nameOf(0), State: "firing", Class: "page"}}, nil
		},
		Deployments: func(context.Context) ([]wire.Deployment, error) {
			return []wire.Deployment{{ID: 1, Function: nameOf(0), Kind: "deployed"}}, nil
		},
		LogHistory: func(context.Context, function.Name, int) ([]invocation.Record, error) { return nil, nil },
		LogFollow: func(ctx context.Context, name function.Name, _ int, emit func(invocation.Record) error) error {
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(200 * time.Millisecond):
				}
				if err := emit(invocation.Record{Time: time.Now(), Level: invocation.Info, Message: fmt.Sprintf("line %d of a log", n), Function: name, Version: 1}); err != nil {
					return err
				}
			}
		},
	}
}

// naive broadcasts the whole state to everybody each tick, encoded once. It is not
// the most naive server there could be: who is still busy with the last state skips one.
func naive(ctx context.Context, in *installation) http.Handler {
	var mu sync.Mutex
	clients := map[chan *websocket.PreparedMessage]struct{}{}
	woken, _ := in.subscribe()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-woken:
			}
			data, err := json.Marshal(map[string]any{"type": wire.TypeSnapshot, "topic": wire.TopicOverview, "items": in.all()})
			if err != nil {
				return
			}
			message, err := websocket.NewPreparedMessage(websocket.TextMessage, data)
			if err != nil {
				return
			}
			mu.Lock()
			for ch := range clients {
				select {
				case ch <- message:
				default:
				}
			}
			mu.Unlock()
		}
	}()
	upgrader := websocket.Upgrader{WriteBufferPool: &sync.Pool{}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		ch := make(chan *websocket.PreparedMessage, 1)
		mu.Lock()
		clients[ch] = struct{}{}
		mu.Unlock()
		defer func() {
			mu.Lock()
			delete(clients, ch)
			mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case message := <-ch:
				if conn.WritePreparedMessage(message) != nil {
					return
				}
			}
		}
	})
}
