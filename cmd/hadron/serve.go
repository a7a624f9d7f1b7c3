package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"hadron/cmd/hadron/app"
)

type serveCommand struct {
	ConfigFile string `name:"config" help:"YAML file with settings; flags and HADRON_… variables win over it." type:"existingfile"`
	app.Config `embed:""`

	settings *yamlFile // ConfigFile as it was read; nil without one
	flags    []*kong.Flag
}

// BeforeResolve adds the file named by --config or HADRON_CONFIG as a source of flags.
func (c *serveCommand) BeforeResolve(k *kong.Context, trace *kong.Path) error {
	var path string
	c.flags = trace.Node().Flags
	for _, f := range c.flags {
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
	var err error
	if c.settings, err = c.read(path); err != nil {
		return err
	}
	k.AddResolver(c.settings)
	c.Prometheus = c.settings.prometheus()
	return nil
}

func (c *serveCommand) read(path string) (*yamlFile, error) {
	file, err := readYAML(path, os.LookupEnv) //nolint:forbidigo // as above
	if err != nil {
		return nil, err
	}
	return file, file.known(c.flags)
}

// reload reads the config file again, as SIGHUP asks for.
func (c *serveCommand) reload(ctx context.Context, a *app.App, log *slog.Logger) {
	if c.settings == nil {
		log.WarnContext(ctx, "nothing to reload: the server was started without --config")
		return
	}
	var file *yamlFile
	if err := a.Reload(func() (app.PrometheusSections, error) {
		var err error
		if file, err = c.read(c.settings.path); err != nil {
			return app.PrometheusSections{}, err
		}
		return file.prometheus(), nil
	}); err != nil {
		log.ErrorContext(ctx, "config file not reloaded; what was read before is still in force", slog.Any("error", err))
		return
	}
	log.InfoContext(ctx, "config file reloaded", slog.String("file", file.path))
	if changed := c.settings.differing(file); len(changed) > 0 {
		log.WarnContext(ctx, "changed settings that a restart would bring into force", slog.Any("settings", changed))
	}
}

// stopTimeout bounds the drain after a signal.
const stopTimeout = 30 * time.Second

func (c *serveCommand) Run(ctx context.Context, std stdio) error {
	var terminal io.Writer
	if std.Terminal {
		terminal = std.Out
	}
	c.Secrets.Key = os.Getenv("HADRON_SECRETS_KEY") //nolint:forbidigo // no flag, which the process list would show
	log := slog.New(logHandler(std.Err, c.LogFormat))
	hangup := make(chan os.Signal, 1) // from here on, so that one that comes early ends nothing
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	a, err := app.New(app.Options{
		Config: c.Config, Version: version, Terminal: terminal, Out: std.Out,
		Logger: log,
	})
	if err != nil {
		return err
	}
	if err := app.AnswerSoon(); err != nil { // before there are goroutines with threads of their own
		log.DebugContext(ctx, "calls may wait longer for a processor", "error", err)
	}
	startErr := a.Start(ctx)
	if ctx.Err() != nil && errors.Is(startErr, context.Canceled) {
		startErr = nil // told to stop before it was ready: that is no failure
	}
	if startErr == nil {
		if std.Getenv("GOMAXPROCS") == "" {
			runtime.GOMAXPROCS(turns * runtime.GOMAXPROCS(0)) // after Start, where pools are made as large as there are processors
		}
		startErr = c.serve(ctx, a, hangup, log)
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := errors.Join(startErr, a.Stop(stopCtx)); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// serve waits for the end of ctx or of the server.
func (c *serveCommand) serve(ctx context.Context, a *app.App, hangup <-chan os.Signal, log *slog.Logger) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-a.Failed():
			return err
		case <-hangup:
			c.reload(ctx, a, log)
		}
	}
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
