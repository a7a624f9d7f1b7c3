package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/alecthomas/kong"

	"hadron/cmd/hadron/app"
)

type serveCommand struct {
	ConfigFile string `name:"config" help:"YAML file with settings; flags and HADRON_… variables win over it." type:"existingfile"`
	app.Config `embed:""`
}

// BeforeResolve adds the file named by --config or HADRON_CONFIG as a source of flags.
func (c *serveCommand) BeforeResolve(k *kong.Context, trace *kong.Path) error {
	var path string
	flags := trace.Node().Flags
	for _, f := range flags {
		if f.Name == "config" {
			path, _ = k.FlagValue(f).(string)
		}
	}
	if path == "" {
		path = os.Getenv("HADRON_CONFIG") //nolint:forbidigo // kong reads the environment itself; this is the same variable, before it does
	}
	if path == "" {
		return nil
	}
	file, err := readYAML(path, os.LookupEnv) //nolint:forbidigo // as above
	if err != nil {
		return err
	}
	if err := file.known(flags); err != nil {
		return err
	}
	k.AddResolver(file)
	if file.sections != nil {
		c.Prometheus = app.PrometheusSections{YAML: file.sections, Dir: filepath.Dir(path)}
	}
	return nil
}

// stopTimeout bounds the drain after a signal.
const stopTimeout = 30 * time.Second

func (c *serveCommand) Run(ctx context.Context, std stdio) error {
	var terminal io.Writer
	if std.Terminal {
		terminal = std.Out
	}
	c.Secrets.Key = os.Getenv("HADRON_SECRETS_KEY") //nolint:forbidigo // no flag, which the process list would show
	a, err := app.New(app.Options{
		Config: c.Config, Version: version, Terminal: terminal, Out: std.Out,
		Logger: slog.New(logHandler(std.Err, c.LogFormat)),
	})
	if err != nil {
		return err
	}
	startErr := a.Start(ctx)
	if ctx.Err() != nil && errors.Is(startErr, context.Canceled) {
		startErr = nil // told to stop before it was ready: that is no failure
	}
	if startErr == nil {
		if std.Getenv("GOMAXPROCS") == "" {
			runtime.GOMAXPROCS(turns * runtime.GOMAXPROCS(0)) // after Start, where pools are made as large as there are processors
		}
		select {
		case <-ctx.Done():
		case startErr = <-a.Failed():
		}
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := errors.Join(startErr, a.Stop(stopCtx)); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// turns is how many goroutines may run for each processor. With one, a call waits until
// a deployment or a collection of garbage has come to the end of its turn, which Go
// makes 10 ms long; with more, the system chooses between them, and sooner.
const turns = 2

func logHandler(w io.Writer, format string) slog.Handler {
	if format == "json" {
		return slog.NewJSONHandler(w, nil)
	}
	return slog.NewTextHandler(w, nil)
}
