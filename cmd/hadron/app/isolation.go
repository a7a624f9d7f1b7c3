package app

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
	"hadron/runtime/project"
	"hadron/runtime/registry"
	"hadron/runtime/worker"
)

// Where functions run.
const (
	isolationWorker    = "worker"
	isolationInProcess = "inprocess"
)

// functions is what runs functions and compiles them: worker processes, or this one.
type functions interface {
	gateway.Invoker
	registry.Builder
	Prewarm(ctx context.Context, id function.ID) error
	Profile(ctx context.Context, id function.ID, d time.Duration) ([]byte, error)
	Drop(name function.Name)
	// RenewSecrets has the team's versions run with its secrets as they are now.
	RenewSecrets(ctx context.Context, team string) error
	Close(ctx context.Context) error
}

// makeFunctions makes what --isolation says. What was held back when the last
// process ended is so again, where workers run.
func (a *App) makeFunctions(own prometheus.Registerer, held []invocation.Quarantine) (functions, error) {
	p := &a.parts
	bundle := func(ctx context.Context, id function.ID) (function.Bundle, error) {
		return p.registry.Bundle(ctx, id.Plain())
	}
	call := func(ctx context.Context, caller invocation.Request, r *http.Request) (*http.Response, error) {
		return p.gateway.Call(ctx, caller, r)
	}
	if a.cfg.Isolation == isolationInProcess {
		secrets := newSecretCache(a.versionSecrets)
		e, err := engine.New(engine.Config{
			Bundle: bundle, Secrets: secrets.of, Call: call, Log: p.logs.Append, Measure: p.collector.Record, ExternalURL: a.cfg.ExternalURL,
			Own: a.addresses, PrivateAllow: a.cfg.Fetch.PrivateAllow, MaxCall: a.cfg.Limits.longest(), Logger: a.log, Registerer: own,
			MemoryBudget: int64(heapBudget(a.cfg.InProcess.Memory)),
		})
		return inProcess{e, secrets}, err
	}
	command, err := worker.Self()
	if err != nil {
		return nil, err
	}
	pool, err := worker.New(worker.Config{
		Command: command, Build: a.opts.Version, Bundle: bundle, Call: call, Log: p.logs.Append, Measure: p.collector.Record,
		ExternalURL: a.cfg.ExternalURL, Own: a.addresses, PrivateAllow: a.cfg.Fetch.PrivateAllow, Logger: a.log, Registerer: own,
		MaxWorkers: a.cfg.Workers.Max, Spares: a.cfg.Workers.Spares, IdleFor: a.cfg.Workers.Idle, Memory: a.cfg.Workers.Memory,
		MaxCall: a.cfg.Limits.longest(), BuildMemory: a.cfg.Workers.BuildMemory, BuildTimeout: a.cfg.Workers.BuildTimeout,
		Quarantined: held, Verdicts: p.quarantine.verdict, Secrets: a.secretValues, Budget: a.workerBudget,
	})
	if err != nil {
		return nil, err
	}
	p.quarantine.held, p.quarantine.release = pool.Quarantined, pool.Release
	p.workers = pool
	return pooled{pool}, nil
}

// pooled is a worker pool as the registry's builder, too.
type pooled struct{ *worker.Pool }

func (w pooled) Build(ctx context.Context, src registry.Source) (function.Bundle, error) {
	return w.Pool.Build(ctx, worker.Job{Name: src.Name, Source: src.Source, SourceMap: src.SourceMap, Manifest: src.Manifest})
}

func (w pooled) RenewSecrets(ctx context.Context, team string) error { return w.Renew(ctx, team) }

// inProcess is an engine of this process, with a builder beside it.
type inProcess struct {
	*engine.Engine
	secrets *secretCache
}

func (e inProcess) RenewSecrets(_ context.Context, team string) error {
	e.secrets.forget(team)
	e.Renew(func(id function.ID) bool { return id.Name.Team() == team })
	return nil
}

// Build makes what the engine runs: esbuild's output, evaluated once.
func (e inProcess) Build(ctx context.Context, src registry.Source) (function.Bundle, error) {
	out, err := project.Build(ctx, project.Input{Source: src.Source, SourceMap: src.SourceMap, Entry: src.Manifest.Entry})
	if err != nil {
		return function.Bundle{}, err
	}
	bundle := function.Bundle{
		ID:   function.ID{Name: src.Name}, // the registry numbers it when it is stored
		Code: out.Code, Map: out.Map, Builder: out.Builder, Manifest: src.Manifest,
	}
	return bundle, e.Check(ctx, bundle)
}

// memoryLimit says how the memory of functions is bounded here.
func (a *App) memoryLimit() string {
	if a.parts.workers == nil {
		return "watchdog" // of the whole process, see inprocess.memory
	}
	return a.parts.workers.Limited()
}
