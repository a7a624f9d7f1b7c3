package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hadron/collector"
	"hadron/collector/logs"
	"hadron/collector/trace"
	"hadron/runtime/access"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/registry"
	"hadron/runtime/tenant"
	"hadron/runtime/tenant/oidc"
	"hadron/runtime/worker"
	"hadron/storage/sql"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/intake"
	"hadron/storage/tsdb/promapi"
	"hadron/storage/tsdb/scrape"
	"hadron/ui/api"
	"hadron/ui/live"
	"hadron/ui/web"
)

// parts are what handlers and views reach after setup.
type parts struct {
	db         *sql.DB
	metrics    *tsdb.DB
	intake     *intake.Intake
	scraper    *scrape.Scraper
	logs       *logs.Store
	traces     *trace.Traces
	collector  *collector.Collector
	functions  functions
	workers    *worker.Pool // nil: functions run in this process
	registry   *registry.Registry
	gateway    *gateway.Gateway
	quarantine quarantines
	delivery   *delivery.Controller
	tenants    *tenant.Tenants
	teams      *tenant.Directory
	secrets    *tenant.Secrets
	retain     chan struct{}  // one slot: look at retention now
	provider   *oidc.Provider // nil: people sign in with tokens
}

// setup makes every part and connects it, in the order in which each needs the
// ones above. It is one straight line on purpose: what depends on what can be
// read from top to bottom, and each part registers its own stop when it exists.
//
//	sql ── registry ──┬─▶ gateway ──▶ functions ──▶ logs
//	tsdb ─ collector ─┘      ▲            │
//	                         └── fetch ───┘  a function's call of another
//	api · live · promapi · web  read them all
func (a *App) setup(ctx context.Context) (err error) {
	p := &a.parts
	own := prometheus.NewRegistry()
	a.vitals = own
	own.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	// What is kept.
	if p.db, err = sql.Open(ctx, sql.Config{Path: a.path("hadron.db"), Logger: a.log}); err != nil {
		return err
	}
	a.onStop("database", func(context.Context) error { return p.db.Close() })
	if p.metrics, err = tsdb.Open(tsdb.Config{
		Dir: a.path("metrics"), Retention: a.cfg.Metrics.Retention, MaxBytes: int64(a.cfg.Metrics.MaxSize),
		RollupRetention: a.cfg.Metrics.RollupRetention, RollupMaxBytes: int64(a.cfg.Metrics.RollupMaxSize),
		OutOfOrderWindow: a.cfg.Metrics.OutOfOrderWindow,
		QueryTimeout:     a.cfg.Metrics.QueryTimeout, QueryMaxSamples: a.cfg.Metrics.QuerySamples, QueryConcurrency: a.cfg.Metrics.Queries,
		QueryURL: a.cfg.Metrics.QueryURL, QueryTokenFile: a.cfg.Metrics.QueryTokenFile,
		Logger: a.log, Registerer: own,
	}); err != nil {
		return err
	}
	a.onStop("metric store", func(context.Context) error { return p.metrics.Close() })
	if err := a.setupLogs(ctx, own); err != nil {
		return err
	}
	if err := a.setupTraces(ctx, own); err != nil {
		return err
	}
	provider, rules, err := a.identityProvider()
	if err != nil {
		return err
	}
	if p.tenants, err = tenant.New(tenant.Config{
		Dev: a.cfg.Dev, AdminTokenFile: a.cfg.Auth.AdminTokenFile, DataDir: a.cfg.DataDir,
		Terminal: a.opts.Terminal, Store: p.db.Tokens(), Sessions: p.db.Sessions(), Log: p.db.Audit(), Logger: a.log,
		TokenExpiry: time.Duration(a.cfg.Auth.TokenExpiry), MaxTokenExpiry: time.Duration(a.cfg.Auth.TokenMaxExpiry), MaxTokens: a.cfg.Auth.TokensPerTeam,
		ExternalURL: a.cfg.ExternalURL, SessionIdle: time.Duration(a.cfg.Auth.SessionIdle), SessionLife: time.Duration(a.cfg.Auth.SessionMax),
		Provider: provider, Rules: rules,
	}); err != nil {
		return err
	}
	p.tenants.Start(ctx)
	a.onStop("tenants", p.tenants.Stop)

	if err := a.setupTenancy(ctx); err != nil {
		return err
	}

	// What measures.
	if p.collector, err = collector.New(collector.Config{
		Store: p.metrics, Groups: p.db.ErrorGroups(), Node: a.node, Interval: a.cfg.Metrics.Interval, Step: healthStep,
		Logger: a.log, Registerer: own,
	}); err != nil {
		return err
	}
	functionSeries := prometheus.NewRegistry() // apart: the collector writes them to the store itself
	functionSeries.MustRegister(p.collector)
	a.onStop("collector", p.collector.Stop) // after gateway and engine, so that the last calls and measures are counted
	p.quarantine = quarantines{store: p.db.Quarantines(), collector: p.collector, log: a.log.With("component", "quarantine")}
	held, err := p.quarantine.load(ctx)
	if err != nil {
		return err
	}

	// What runs. Functions and gateway need each other: a function's fetch of another
	// function goes back to the gateway.
	if p.functions, err = a.makeFunctions(own, held); err != nil {
		return err
	}
	a.onStop("functions", p.functions.Close)
	stored := newLane()
	a.onStop("lane of registrations", stored.close)
	if p.registry, err = registry.New(registry.Config{
		Store: p.db.Registry(), Builder: p.functions, MaxLimits: a.cfg.Limits.most(),
		Admit: a.admitVersion, Retention: a.retention, InUse: a.versionsInUse, Aside: stored.run,
		Retired: func(name function.Name, versions []int) { p.gateway.Forget(name, versions) },
	}); err != nil {
		return err
	}
	proxies, err := a.cfg.proxies()
	if err != nil {
		return err
	}
	if p.gateway, err = gateway.New(gateway.Config{
		Invoker: p.functions, Resolve: a.resolve, Quota: a.callQuota, Authorize: a.caller, Dev: a.cfg.Dev,
		Observe: func(v function.Version) gateway.Observer { return p.collector.Handle(v) },
		Sample:  p.traces.Sample, Trace: func(v function.Version) gateway.Tracer { return p.traces.Handle(v) },
		Refused: p.collector.Refused, ExternalURL: a.cfg.ExternalURL, MaxInFlight: a.cfg.Limits.InFlight,
		TrustedProxies: proxies, Logger: a.log,
	}); err != nil {
		return err
	}
	a.onStop("gateway", p.gateway.Drain)

	// Followers hear of functions before any request can.
	p.registry.Follow(p.collector)
	p.registry.Follow(p.gateway)
	p.registry.Follow(p.traces)
	p.registry.Follow(forget{p.functions, p.logs})
	warm := newWarmer(p.functions.Prewarm, a.log)
	a.onStop("warmer", warm.stop)
	p.registry.Follow(warm)
	if err := p.registry.Start(ctx); err != nil {
		return err
	}
	warm.start()
	a.startRetention()
	p.quarantine.resume(held, func(name function.Name) bool {
		_, err := p.registry.Get(ctx, name)
		return !errors.Is(err, registry.ErrNotFound)
	})
	if err := p.collector.Start(ctx); err != nil {
		return err
	}

	// What makes functions operable.
	if err := a.setupOperations(ctx, own); err != nil {
		return err
	}

	self := &selfSampler{gather: own, append: p.metrics.Append, node: a.node, interval: a.cfg.Metrics.Interval, log: a.log.With("component", "self")}
	a.onStop("own series", self.start(ctx))

	// What brings versions to their traffic.
	if p.delivery, err = a.makeDelivery(own); err != nil {
		return err
	}
	if err := a.startFeeds(ctx); err != nil {
		return err
	}
	if err := a.startAlerts(ctx); err != nil { // before deployments, which ask whether a page is open
		return err
	}
	if err := p.delivery.Start(ctx); err != nil {
		return err
	}
	a.onStop("delivery", p.delivery.Stop)

	// What people and scripts talk to.
	hub, err := live.New(live.Config{
		Version: a.opts.Version, Authenticate: a.apiCaller, ExternalURL: a.cfg.ExternalURL, Dev: a.cfg.Dev,
		Step: healthStep, Ticks: p.collector.Subscribe, Wake: a.deploymentsWake, Names: a.known,
		Healths: a.healths, Function: a.point, Alerts: a.alerts, Deployments: a.deployments,
		LogHistory: a.lastLogs, LogFollow: a.watchLogs,
		Logger: a.log, Registerer: own,
	})
	if err != nil {
		return err
	}
	if err := hub.Start(ctx); err != nil {
		return err
	}
	a.onStop("live hub", hub.Stop)
	rest, err := api.New(api.Config{
		Registry: p.registry, Deliveries: p.delivery, Freezes: p.delivery, Authenticate: a.apiCaller, ExternalURL: a.cfg.ExternalURL, Version: a.opts.Version, Dev: a.cfg.Dev,
		Teams: p.teams, Secrets: p.secrets, Usage: a.usage,
		Health: a.health, Healths: a.healths, Errors: a.errorGroups, Operability: a.operability, Dashboard: a.dashboard, Dashboards: dashboardDesk{a}, Pager: pagerDesk{a}, Alerts: a.alerts,
		Incidents: a.operations.incidents, AlertTests: alertTests{a}, Silences: p.db.Alerting(), Webhook: a.webhook,
		Rules: a.renderRules, Backtest: a.backtest, System: a.system, Logs: a.readLogs, FollowLogs: a.followLogs, Traces: a.listTraces, Trace: a.oneTrace, Release: p.quarantine.let, Profile: p.functions.Profile, Translate: translate, Live: hub,
		Tokens: p.tenants, TokensPerTeam: a.cfg.Auth.TokensPerTeam, Sessions: p.tenants, Changes: p.tenants, TrustedProxies: proxies,
		Stopping: a.stopping, Logger: a.log,
	})
	if err != nil {
		return err
	}
	if p.intake, err = intake.New(intake.Config{
		DB: p.metrics, Contract: a.cfg.Ingest.contract(), Budget: a.cfg.Ingest.budget(), Instance: a.node, Registerer: own,
	}); err != nil {
		return err
	}
	if err := a.startScraper(ctx, own); err != nil {
		return err
	}
	prom, err := promapi.New(promapi.Config{
		DB: p.metrics, Visible: visible, Intake: p.intake, Sender: sender, MaxWrites: a.cfg.Ingest.Requests,
		Groups: a.ruleGroups, Metadata: a.metadata, Targets: a.targets,
		Queries: a.cfg.Metrics.Queries, CallerQueries: a.cfg.Metrics.CallerQueries, QueuedQueries: a.cfg.Metrics.QueuedQueries,
		Build: promapi.Build{Version: a.opts.Version}, Logger: a.log, Registerer: own,
	})
	if err != nil {
		return err
	}
	return a.serve(
		a.mux(handlers{
			functions: p.gateway, api: rest, prometheus: prom, web: web.Handler(),
			metrics: promhttp.HandlerFor(prometheus.Gatherers{own, functionSeries}, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4}),
		}),
		a.functionsMux(p.gateway.Dedicated()),
	)
}

func (a *App) addresses() []net.Addr {
	out := make([]net.Addr, len(a.listeners))
	for i, l := range a.listeners {
		out[i] = l.Addr()
	}
	return out
}

// forget drops a deleted function's warm VMs and its logs.
type forget struct {
	functions functions
	logs      *logs.Store
}

func (forget) Apply(function.Function) {}

func (f forget) Remove(name function.Name) {
	f.functions.Drop(name)
	f.logs.Remove(name)
}

func (a *App) resolve(ctx context.Context, ref function.Ref) (function.Version, error) {
	v, err := a.parts.registry.Resolve(ctx, ref)
	if errors.Is(err, registry.ErrVersionRemoved) {
		return v, &gateway.RemovedError{Reason: err.Error()}
	}
	for _, missing := range []error{registry.ErrNotFound, registry.ErrVersionNotFound, registry.ErrAliasNotFound, registry.ErrAmbiguous} {
		if errors.Is(err, missing) {
			return v, fmt.Errorf("%w: %w", gateway.ErrNotFound, err)
		}
	}
	return v, err
}

// caller is who calls a function, where everybody may be nobody.
func (a *App) caller(r *http.Request) (access.Principal, error) {
	who, err := a.parts.tenants.IdentifyCaller(r)
	switch {
	case errors.Is(err, tenant.ErrNobody):
		return access.Principal{}, nil
	case err != nil && !errors.Is(err, tenant.ErrUnauthenticated):
		return who, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	var expired *tenant.ExpiredError
	if errors.As(err, &expired) {
		return who, fmt.Errorf("%w: %w", gateway.ErrExpired, err)
	}
	return who, err
}

// apiCaller is who uses the API: by a token, or by a session's cookie.
func (a *App) apiCaller(r *http.Request) (access.Principal, error) {
	who, err := a.parts.tenants.Identify(r)
	if errors.Is(err, tenant.ErrNobody) {
		return who, api.ErrNoToken
	}
	return who, err
}
