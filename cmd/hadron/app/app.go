// Package app is Hadron's process as a value: New, Start, Reload, Stop. It alone knows
// every part, and wires them in one straight line.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"hadron/runtime/gateway"
	"hadron/runtime/http1"
	"hadron/runtime/invocation"
)

// Options are what a process is made of. Logger is required.
type Options struct {
	Config   Config
	Version  string
	Logger   *slog.Logger
	Out      io.Writer // where the demo prints addresses; nil for nowhere
	Terminal io.Writer // where a new admin token is shown; nil when nobody looks
}

// App is one Hadron process.
type App struct {
	opts      Options
	cfg       Config
	log       *slog.Logger
	node      string
	startedAt time.Time

	parts      parts
	operations operations
	vitals     prometheus.Gatherer // the process's own series, without those of functions
	reloads    reloads
	listeners  []net.Listener

	stops    []step
	stopOnce sync.Once
	stopErr  error
	draining atomic.Bool
	ready    atomic.Bool
	failed   chan error
	stopping chan struct{}
}

// New checks the settings; nothing is opened yet. Its error wraps ErrConfig.
func New(opts Options) (*App, error) {
	if opts.Logger == nil {
		return nil, errors.New("app: Logger is required")
	}
	if err := opts.Config.fillAndValidate(); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return &App{
		opts: opts, cfg: opts.Config, log: opts.Logger, node: host, reloads: newReloads(),
		failed: make(chan error, 1), stopping: make(chan struct{}),
	}, nil
}

// Start opens everything and returns when the server is ready. After an error
// Stop must be called to close what was opened.
func (a *App) Start(ctx context.Context) error {
	a.startedAt = time.Now()
	if err := a.listen(ctx); err != nil {
		return err
	}
	if err := a.makeDataDir(); err != nil {
		return err
	}
	if err := a.setup(ctx); err != nil {
		return err
	}
	debug.FreeOSMemory() // what reading the index needed, with very many functions as much again as it keeps
	a.ready.Store(true)
	a.log.InfoContext(ctx, "ready", slog.String("url", a.cfg.ExternalURL), slog.String("listen", a.Addr()),
		slog.String("isolation", a.cfg.Isolation), slog.String("memory_limit", a.memoryLimit()),
		slog.String("version", a.opts.Version), slog.Duration("took", time.Since(a.startedAt)))
	if a.cfg.Demo {
		return a.startDemo(ctx)
	}
	return nil
}

// Addr is the address that serves everything, with the port that was chosen for :0.
func (a *App) Addr() string { return a.listeners[0].Addr().String() }

// Failed yields an error if a listener ends by itself.
func (a *App) Failed() <-chan error { return a.failed }

// listen binds first, so that a port in use is said before anything is opened,
// and links can name the port that was chosen.
func (a *App) listen(ctx context.Context) error {
	a.onStop("listeners", func(context.Context) error {
		var errs []error
		for _, l := range a.listeners {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	})
	for _, addr := range []string{a.cfg.Listen, a.cfg.FunctionsListen} {
		if addr == "" {
			continue
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("listen on %s: %w (is another server running there? choose another with --listen)", addr, err)
		}
		a.listeners = append(a.listeners, l)
	}
	if a.cfg.ExternalURL == "" {
		a.cfg.ExternalURL = "http://" + browsable(a.Addr())
	}
	return nil
}

// browsable replaces an unspecified address, which no browser can open, by loopback.
func browsable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func (a *App) makeDataDir() error {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data dir: %w (choose another with --data-dir)", err)
	}
	probe, err := os.CreateTemp(a.cfg.DataDir, ".writable-*")
	if err != nil {
		return fmt.Errorf("the data dir %s cannot be written: %w (choose another with --data-dir)", a.cfg.DataDir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func (a *App) path(parts ...string) string {
	return filepath.Join(append([]string{a.cfg.DataDir}, parts...)...)
}

// serve runs the HTTP servers until Stop.
func (a *App) serve(handlers ...http.Handler) error {
	var group errgroup.Group
	servers := make([]*http1.Server, len(a.listeners))
	log := a.log.With(slog.String("component", "http"))
	for i, l := range a.listeners {
		server, err := http1.New(http1.Config{
			Handler: handlers[i], Prefix: gateway.Prefix, Logger: log, Gone: invocation.ErrClientClosed,
			Rest: &http.Server{
				Handler:           handlers[i],
				ReadHeaderTimeout: 10 * time.Second,
				IdleTimeout:       2 * time.Minute,
				MaxHeaderBytes:    64 << 10,
				ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
			},
		})
		if err != nil {
			return err
		}
		servers[i] = server
		group.Go(func() error {
			err := server.Serve(l)
			if errors.Is(err, http.ErrServerClosed) || a.draining.Load() {
				return nil
			}
			select {
			case a.failed <- fmt.Errorf("serve %s: %w", l.Addr(), err):
			default:
			}
			return err
		})
	}
	a.onStop("http servers", func(ctx context.Context) error {
		close(a.stopping)
		var errs []error
		for _, s := range servers {
			if err := s.Shutdown(ctx); err != nil {
				errs = append(errs, err, s.Close())
			}
		}
		errs = append(errs, group.Wait())
		return errors.Join(errs...)
	})
	return nil
}
