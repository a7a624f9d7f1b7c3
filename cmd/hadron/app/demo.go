package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// startDemo deploys the example functions as anybody would, through the public
// API, and calls each a few times a second until Stop.
func (a *App) startDemo(ctx context.Context) error {
	dirs, err := filepath.Glob(filepath.Join(a.cfg.DemoDir, "*", "hadron.yaml"))
	if err != nil || len(dirs) == 0 {
		return fmt.Errorf("no functions to demonstrate in %s: run it from Hadron's checkout, or give --demo-dir", a.cfg.DemoDir)
	}
	slices.Sort(dirs)
	api, err := client.New("http://"+a.Addr(), "")
	if err != nil {
		return err
	}
	a.onStop("demo client", func(context.Context) error { api.Close(); return nil })
	var demos []demo
	for _, file := range dirs {
		d, err := a.deployDemo(ctx, api, filepath.Dir(file))
		if err != nil {
			return fmt.Errorf("deploy %s: %w", filepath.Dir(file), err)
		}
		demos = append(demos, d)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.demoTraffic(run, api, demos)
	}()
	a.onStop("demo traffic", func(context.Context) error { cancel(); <-done; return nil })
	a.printAddresses(demos)
	return nil
}

// demo is one example: which paths its callers ask for, and how often.
type demo struct {
	name  function.Name
	Paths []string `json:"paths"`
	Rate  float64  `json:"rate"` // calls a second
	Show  bool     `json:"show"` // the one to try first
}

func (a *App) deployDemo(ctx context.Context, api *client.Client, dir string) (demo, error) {
	p, err := project.Load(dir)
	if err != nil {
		return demo{}, err
	}
	upload, err := p.Bundle(ctx)
	if err != nil {
		return demo{}, err
	}
	d := demo{name: function.Name(p.Manifest.Name), Paths: []string{"/"}, Rate: 2}
	if data, err := os.ReadFile(filepath.Join(dir, "demo.json")); err == nil {
		if err := json.Unmarshal(data, &d); err != nil {
			return demo{}, fmt.Errorf("read demo.json: %w", err)
		}
	}
	got, err := api.Register(ctx, p.Manifest.Name, function.Live, wire.Register{
		Source: upload.Source, SourceMap: upload.SourceMap, Manifest: p.ManifestJSON, Message: "the example",
	})
	if err != nil {
		return demo{}, err
	}
	a.log.InfoContext(ctx, "example deployed", slog.String("function", got.Function), slog.Int("version", got.Version))
	return d, nil
}

func (a *App) demoTraffic(ctx context.Context, api *client.Client, demos []demo) {
	const tick = 100 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, d := range demos {
			if rand.Float64() >= d.Rate*tick.Seconds() {
				continue
			}
			if err := a.callDemo(ctx, api, d); err != nil && !errors.Is(err, context.Canceled) {
				a.log.WarnContext(ctx, "example not called", slog.String("function", string(d.name)), slog.Any("error", err))
			}
		}
	}
}

func (a *App) callDemo(ctx context.Context, api *client.Client, d demo) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	resp, err := api.Invoke(ctx, function.Ref{Name: d.name, Alias: function.Live}, client.Invocation{
		Method: http.MethodGet, Path: d.Paths[rand.IntN(len(d.Paths))],
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func (a *App) printAddresses(demos []demo) {
	if a.opts.Out == nil {
		return
	}
	try := demos[0]
	for _, d := range demos {
		if d.Show {
			try = d
		}
	}
	fmt.Fprintf(a.opts.Out, "\n  Hadron runs with %d example functions under modest traffic.\n\n", len(demos))
	fmt.Fprintf(a.opts.Out, "    UI              %s\n", a.cfg.ExternalURL)
	fmt.Fprintf(a.opts.Out, "    a function      curl %s/fn/%s%s\n", a.cfg.ExternalURL, try.name, try.Paths[0])
	fmt.Fprintf(a.opts.Out, "    Prometheus API  %s/prometheus\n\n", a.cfg.ExternalURL)
	fmt.Fprintf(a.opts.Out, "  Ctrl-C stops it; what it keeps is in %s.\n\n", a.cfg.DataDir)
}
