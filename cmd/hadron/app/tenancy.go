package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"hadron/runtime/delivery"
	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/registry"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// setupTenancy makes the teams and their secrets. What has to know of a change is
// made later; it is told as soon as it is there.
func (a *App) setupTenancy(ctx context.Context) (err error) {
	p := &a.parts
	p.retain = make(chan struct{}, 1)
	keys, err := tenant.OpenKeys(ctx, tenant.KeysConfig{
		File: a.cfg.Secrets.KeyFile, Text: a.cfg.Secrets.Key, OldFiles: a.cfg.Secrets.OldKeyFiles, DataDir: a.cfg.DataDir,
		Sealed: p.db.Secrets().KeyIDs,
	})
	if err != nil {
		return err
	}
	q := a.cfg.Quotas
	if p.teams, err = tenant.NewDirectory(ctx, tenant.DirectoryConfig{
		Store: p.db.Teams(), Count: p.db.Registry().Count, Changed: a.teamChanged, Logger: a.log,
		Missing: func(ctx context.Context, name function.Name, secrets []string) ([]string, error) {
			return p.secrets.Missing(ctx, name, secrets)
		},
		Defaults: tenant.Defaults{
			Bounds: tenant.Bounds{
				Functions: q.Functions, Versions: q.Versions, Requests: q.Requests, Concurrency: q.Concurrency, Secrets: q.Secrets,
				Memory: a.cfg.Workers.Memory,
			},
			Keep: a.cfg.Retention.Keep, Age: a.cfg.Retention.Age, EscalationPolicy: a.cfg.PagerDuty.EscalationPolicy,
		},
	}); err != nil {
		return err
	}
	p.secrets = tenant.NewSecrets(tenant.SecretsConfig{
		Store: p.db.Secrets(), Keys: keys, Logger: a.log, InUse: a.secretUsers,
		Bound: func(s tenant.Scope) int { return p.teams.Bounds(s).Secrets },
		Changed: func(ctx context.Context, s tenant.Scope) {
			if err := p.functions.RenewSecrets(ctx, string(s.Team())); err != nil {
				a.log.ErrorContext(ctx, "running functions go on with the secrets of before; deploy them again, or restart the server", "scope", string(s), "error", err)
			}
		},
	})
	if part := a.secretsPart(ctx); part.State != wire.PartOK {
		a.log.ErrorContext(ctx, "secrets cannot be opened", "reason", part.Detail)
	}
	return nil
}

// secretsPart says whether every secret can be opened.
func (a *App) secretsPart(ctx context.Context) wire.Part {
	part := wire.Part{Name: "secrets", State: wire.PartOK}
	lost, err := a.parts.secrets.Lost(ctx)
	switch {
	case err != nil:
		part.State, part.Detail = wire.PartDegraded, err.Error()
	case len(lost) > 0:
		part.State = wire.PartDegraded
		part.Detail = fmt.Sprintf("some are sealed with keys that are not given: %s; add their files to secrets.old_key_files, or set those secrets anew", strings.Join(lost, ", "))
	}
	return part
}

func (a *App) admitVersion(ctx context.Context, v registry.Admission) error {
	return a.parts.teams.Admit(ctx, v.By, v.Name, v.New, v.Manifest)
}

func (a *App) retention(name function.Name) registry.Retention {
	now := a.parts.teams.InEffect(tenant.ProjectOf(name))
	return registry.Retention{Keep: now.Keep, Age: now.Age}
}

// versionsInUse are those that a rollout under way needs.
func (a *App) versionsInUse(ctx context.Context, name function.Name) ([]int, error) {
	active, err := a.parts.db.Delivery().Find(ctx, delivery.Filter{Function: name, Active: true, Limit: registry.MaxAliases})
	if err != nil {
		return nil, err
	}
	var out []int
	for _, r := range active {
		out = append(out, r.From, r.To)
	}
	return out, nil
}

func (a *App) callQuota(scope string) gateway.Quota {
	b := a.parts.teams.Bounds(tenant.Scope(scope))
	return gateway.Quota{Requests: b.Requests, Concurrency: b.Concurrency}
}

func (a *App) workerBudget(team string) function.Size {
	return a.parts.teams.Bounds(tenant.Scope(team)).Memory
}

// teamChanged puts new settings into effect on this node.
func (a *App) teamChanged(s tenant.Scope) {
	p := &a.parts
	p.gateway.SetQuota(string(s), a.callQuota(string(s)))
	if p.workers != nil && !s.IsProject() {
		p.workers.Rebudget(string(s))
	}
	p.registry.Nudge()
	select {
	case p.retain <- struct{}{}:
	default:
	}
}

// startRetention removes old versions in the background.
func (a *App) startRetention() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	log := a.log.With("component", "retention")
	wg.Go(func() {
		giveWay()
		a.parts.registry.KeepRetaining(ctx, a.parts.retain, func(r registry.Retired, err error) {
			level := slog.LevelDebug
			if r.Versions > 0 {
				level = slog.LevelInfo
			}
			if err != nil {
				log.ErrorContext(ctx, "some versions could not be looked at; tried again in a minute", "error", err)
			}
			log.Log(ctx, level, "retention passed", "functions", r.Functions, "removed", r.Versions)
		})
	})
	a.onStop("retention", func(context.Context) error {
		cancel()
		wg.Wait()
		return nil
	})
}

// usage is what a team or a project uses of each quota.
func (a *App) usage(ctx context.Context, s tenant.Scope) ([]wire.QuotaUse, error) {
	p := &a.parts
	b := p.teams.Bounds(s)
	functions, versions, err := p.db.Registry().Count(ctx, s.Prefix())
	if err != nil {
		return nil, err
	}
	secrets, err := p.db.Secrets().Count(ctx, s)
	if err != nil {
		return nil, err
	}
	list, err := a.functionsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	rate := 0.0
	for _, f := range list {
		if h, ok := p.collector.Health(f.Name); ok {
			rate += h.Rate
		}
	}
	out := []wire.QuotaUse{
		{Name: "functions", Used: float64(functions), Allowed: float64(b.Functions)},
		{Name: "versions", Used: float64(versions), Allowed: float64(b.Versions)},
		{Name: "requests", Used: rate, Allowed: float64(b.Requests), Unit: "/s", Node: true},
		{Name: "concurrency", Used: float64(p.gateway.InFlightOf(string(s))), Allowed: float64(b.Concurrency), Node: true},
		{Name: "secrets", Used: float64(secrets), Allowed: float64(b.Secrets)},
	}
	if p.workers != nil && !s.IsProject() {
		out = append(out, wire.QuotaUse{Name: "memory", Used: float64(p.workers.HeapOf(string(s))), Allowed: float64(p.workers.BudgetOf(string(s))), Unit: "bytes", Node: true})
	}
	return out, nil
}

func (a *App) functionsOf(ctx context.Context, s tenant.Scope) ([]function.Function, error) {
	name := s.Name()
	return a.parts.registry.List(ctx, registry.Filter{Team: name.Team(), Project: name.Project()})
}

// secretUsers lists the functions of a scope of which an aliased version lists the secret.
func (a *App) secretUsers(ctx context.Context, s tenant.Scope, secret string) ([]function.Name, error) {
	list, err := a.functionsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	var out []function.Name
	for _, f := range list {
		if slices.ContainsFunc(f.Versions, func(v function.Version) bool { return slices.Contains(v.Manifest.Secrets, secret) }) {
			out = append(out, f.Name)
		}
	}
	return out, nil
}

func (a *App) secretValues(ctx context.Context, id function.ID, names []string) (map[string]string, error) {
	return a.parts.secrets.Values(ctx, id.Name, names)
}

// versionSecrets are a version's secrets for functions in this process.
func (a *App) versionSecrets(id function.ID) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := a.parts.registry.Version(ctx, id)
	if err != nil {
		return nil, err
	}
	return a.parts.secrets.Values(ctx, id.Name, v.Manifest.Secrets)
}

// secretCache keeps the secrets of versions that run in this process, so that making
// a VM reads nothing.
type secretCache struct {
	read  func(function.ID) (map[string]string, error)
	mu    sync.Mutex
	drops int // what was read before a drop is not kept after it
	known map[function.ID]*engine.Secrets
}

const maxSecretCache = 4096 // versions

func newSecretCache(read func(function.ID) (map[string]string, error)) *secretCache {
	return &secretCache{read: read, known: map[function.ID]*engine.Secrets{}}
}

func (c *secretCache) of(id function.ID) (*engine.Secrets, error) {
	c.mu.Lock()
	s, ok := c.known[id]
	drops := c.drops
	c.mu.Unlock()
	if ok {
		return s, nil
	}
	values, err := c.read(id)
	if err != nil {
		return nil, err
	}
	s = engine.NewSecrets(values)
	c.mu.Lock()
	defer c.mu.Unlock()
	if drops == c.drops {
		if len(c.known) >= maxSecretCache {
			clear(c.known)
		}
		c.known[id] = s
	}
	return s, nil
}

func (c *secretCache) forget(team string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for id := range c.known {
		if id.Name.Team() == team {
			delete(c.known, id)
		}
	}
}
