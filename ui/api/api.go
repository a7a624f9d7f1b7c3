// Package api serves Hadron's management API: REST under /api/v1, described by
// OpenAPI 3.1, with one table of errors and one guard in front of every route.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hadron/runtime/access"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/registry"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// ErrNoToken is what Authenticate wraps when a request carries no token at all.
var ErrNoToken = errors.New("no token")

// Functions is what the API needs to know about functions. Errors: those of
// package registry.
type Functions interface {
	List(ctx context.Context, f registry.Filter) ([]function.Function, error)
	Get(ctx context.Context, name function.Name) (function.Function, error)
	Delete(ctx context.Context, by string, name function.Name) error
	Changes(ctx context.Context, f registry.ChangeFilter) ([]registry.Change, error)
}

// Versions is what the API needs to know about versions. Errors: those of
// package registry, *function.ManifestError, and the builder's own, which
// Config.Translate knows.
type Versions interface {
	Register(ctx context.Context, r registry.Registration) (registry.Registered, error)
	Versions(ctx context.Context, name function.Name, before, limit int) ([]function.Version, error)
	Resolve(ctx context.Context, ref function.Ref) (function.Version, error)
	Source(ctx context.Context, id function.ID) (registry.Uploaded, error)
}

// Aliases is how the API moves traffic. Errors: those of package registry, and
// function.ErrAlias.
type Aliases interface {
	PutAlias(ctx context.Context, by string, name function.Name, alias function.Alias, ifMatch *int64) (function.Alias, error)
	Alias(ctx context.Context, name function.Name, alias string) (function.Alias, error)
	Rollback(ctx context.Context, by string, name function.Name, version int) (live function.Alias, from int, err error)
}

// Registry is the function index.
type Registry interface {
	Functions
	Versions
	Aliases
}

// Teams is the teams and projects. Errors: those of tenant.Directory.
type Teams interface {
	Team(s tenant.Scope) (tenant.Team, error)
	Teams(of, after tenant.Scope, limit int, keep func(tenant.Scope) bool) []tenant.Team
	InEffect(s tenant.Scope) tenant.InEffect
	Put(ctx context.Context, by string, s tenant.Scope, settings tenant.Settings, ifMatch *int64, create bool) (tenant.Team, error)
	Delete(ctx context.Context, by string, s tenant.Scope, ifMatch *int64) error
	// Enter refuses the first use of a team or project by who may not make it.
	Enter(who access.Principal, s tenant.Scope) error
	// Make brings team and project into being where they are not there yet.
	Make(ctx context.Context, by string, s tenant.Scope) error
}

// Secrets is the teams' secrets, which nobody reads back. Errors: those of tenant.Secrets.
type Secrets interface {
	Set(ctx context.Context, by string, s tenant.Scope, name, value string) (tenant.Secret, error)
	List(ctx context.Context, s tenant.Scope, after string, limit int) ([]tenant.Secret, error)
	Delete(ctx context.Context, by string, s tenant.Scope, name string, force bool) error
	Rekey(ctx context.Context, by string) (moved int, err error)
	KeyID() string
}

// Deliveries is how the API moves deployments. Errors: those of package delivery.
type Deliveries interface {
	Begin(ctx context.Context, b delivery.Begin) (r delivery.Rollout, began bool, err error)
	Busy(ctx context.Context, name function.Name, alias string) error
	Command(ctx context.Context, id int64, cmd delivery.Command) (delivery.Rollout, error)
	Rollouts(ctx context.Context, ids ...int64) ([]delivery.Rollout, error)
	Find(ctx context.Context, f delivery.Filter) ([]delivery.Rollout, error)
	Events(ctx context.Context, id int64) ([]delivery.Event, error)
}

// Freezes is how the API holds a team's deployments. Errors: those of package delivery.
type Freezes interface {
	Permit(ctx context.Context, name function.Name, by, override string) error
	Freeze(ctx context.Context, f delivery.Freeze) error
	Lift(ctx context.Context, team, by string) error
	Frozen(ctx context.Context, team string) (*delivery.Freeze, []delivery.FreezeEntry, error)
}

// LogQuery says which log records are wanted. Zero fields do not filter.
type LogQuery struct {
	Function function.Name
	Level    invocation.Level // and more severe
	Since    time.Time        // inclusive
	Until    time.Time        // exclusive
	Text     string           // part of the message or of a field, whatever its case
	Request  string
	Version  int
	Limit    int // of history; the newest are kept
}

// Config is what the API is made of. Registry and Authenticate are required;
// a route whose func is nil answers not_available.
type Config struct {
	Registry Registry
	// Authenticate wraps ErrNoToken or tenant.ErrUnauthenticated where it does not
	// know who asks; any other error means that it could not look.
	Authenticate func(*http.Request) (access.Principal, error)
	ExternalURL  string // base of every link
	Version      string // of Hadron
	Dev          bool   // no token is asked for: the Host header must be loopback or ExternalURL's

	Teams   Teams
	Secrets Secrets
	// Usage is how much of each quota a team or project uses, and may.
	Usage      func(context.Context, tenant.Scope) ([]wire.QuotaUse, error)
	Deliveries Deliveries
	Freezes    Freezes

	Incidents  Incidents
	AlertTests AlertTests
	Silences   Silences
	// Webhook takes one of PagerDuty's webhooks v3. Errors: alerting.ErrUnsigned,
	// alerting.ErrNoSecret; any other makes it come again.
	Webhook func(ctx context.Context, header http.Header, body []byte) error

	Health      func(function.Name) (wire.Health, bool)
	Healths     func() []wire.Health
	Errors      func(function.Name) []wire.ErrorGroup
	Operability func(context.Context, function.Function) (wire.Operability, error)
	Dashboard   func(context.Context, function.Function) (wire.DashboardModel, error)
	Dashboards  Dashboards
	Pager       Pager
	Alerts      func(context.Context) ([]wire.Alert, error)
	Rules       func(context.Context, RulesQuery) ([]byte, error)
	Backtest    func(context.Context, function.Function, BacktestQuery) (wire.Backtest, error)
	System      func(context.Context) (wire.System, error)
	// Logs returns matching records, newest last.
	Logs func(ctx context.Context, q LogQuery) ([]invocation.Record, error)
	// FollowLogs emits what Logs returns and goes on with new records until ctx
	// ends or emit fails; its error is then emit's.
	FollowLogs func(ctx context.Context, q LogQuery, emit func(invocation.Record) error) error
	// Traces lists a function's calls whose trace is kept, newest first.
	Traces func(function.Name, TraceQuery) []wire.Trace
	// Trace returns the calls of one trace, of whatever function, in order.
	Trace func(traceID string) []TracedCall
	// Translate knows the errors of the registry's builder; false for any other.
	Translate func(error) (wire.Problem, bool)
	// Profile watches a version, or all of a function's for version 0, and returns a
	// gzipped pprof profile. Errors: invocation.ErrProfiling, invocation.ErrNoSamples.
	Profile func(ctx context.Context, id function.ID, d time.Duration) ([]byte, error)
	// Release lets a quarantined version run again, as by wants; false: nothing was held
	// against it.
	Release func(ctx context.Context, id function.ID, by string) (bool, error)
	// Who may be nil, part by part: see the interfaces.
	Tokens   Tokens
	Sessions Sessions
	Changes  Changes
	// TokensPerTeam is how many tokens a team may have.
	TokensPerTeam int
	// TrustedProxies are peers whose X-Forwarded-For is believed, for the audit log.
	TrustedProxies []netip.Prefix
	// Live serves GET /live.
	Live http.Handler
	// Stopping ends streams when it is closed, so that the server can drain.
	Stopping <-chan struct{}

	MaxUpload  int64 // bytes of a registration's body; default 40 MiB
	MaxUploads int   // registrations at a time; default 4
	MaxFollows int   // followed logs at a time; default 256
	Logger     *slog.Logger
}

func (c *Config) setDefaults() error {
	if c.Registry == nil || c.Authenticate == nil {
		return errors.New("api: Registry and Authenticate are required")
	}
	c.ExternalURL = strings.TrimRight(c.ExternalURL, "/")
	if c.MaxUpload == 0 {
		c.MaxUpload = 40 << 20
	}
	if c.MaxUploads == 0 {
		c.MaxUploads = 4
	}
	if c.MaxFollows == 0 {
		c.MaxFollows = 256
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

type api struct {
	cfg           Config
	log           *slog.Logger
	mux           *http.ServeMux
	huma          huma.API
	crossOrigin   *http.CrossOriginProtection
	problemSchema *huma.Schema
	uploads       chan struct{}
	follows       chan struct{}
	diffs         chan struct{}
	backtests     chan struct{}
}

// New makes the handler of everything under Prefix.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	a := &api{
		cfg:         cfg,
		log:         cfg.Logger.With(slog.String("component", "api")),
		mux:         http.NewServeMux(),
		crossOrigin: http.NewCrossOriginProtection(),
		uploads:     make(chan struct{}, cfg.MaxUploads),
		follows:     make(chan struct{}, cfg.MaxFollows),
		diffs:       make(chan struct{}, maxDiffs),
		backtests:   make(chan struct{}, maxBacktests),
	}
	if cfg.ExternalURL != "" {
		if err := a.crossOrigin.AddTrustedOrigin(origin(cfg.ExternalURL)); err != nil {
			return nil, fmt.Errorf("read external URL: %w", err)
		}
	}
	a.huma = humago.New(a.mux, a.describe())
	a.problemSchema = a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[wire.Problem](), true, "Problem")
	a.addFunctions()
	a.addVersions()
	a.addDiff()
	a.addAliases()
	a.addTeams()
	a.addSecrets()
	a.addHealth()
	a.addLogs()
	a.addTraces()
	a.addProfile()
	a.addFlame()
	a.addRelease()
	a.addDeployments()
	a.addRollouts()
	a.addFreezes()
	a.addOperability()
	a.addIncidents()
	a.addAlertTests()
	a.addSilences()
	a.addWebhook()
	a.addDashboards()
	a.addPager()
	a.addRules()
	a.addBacktest()
	a.addObjectives()
	a.addSystem()
	a.addTokens()
	a.addSessions()
	a.addChanges()
	a.addLive()
	a.tidySchemas()
	return a, nil
}

// ServeHTTP answers everything under Prefix, unknown routes too, as problem+json
// where it refuses.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer a.recover(w, r)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if a.cfg.Dev && !a.ownHost(r.Host) {
		writeProblem(w, refuse(http.StatusForbidden, "foreign_host",
			"This server runs with --dev and answers only under localhost or its external_url, not as %q.", r.Host))
		return
	}
	if err := a.crossOrigin.Check(r); err != nil {
		writeProblem(w, refuse(http.StatusForbidden, "cross_origin", "A page of another site may not do this."))
		return
	}
	if _, pattern := a.mux.Handler(r); pattern == "" {
		a.unrouted(w, r)
		return
	}
	a.mux.ServeHTTP(w, r)
}

func (a *api) ownHost(host string) bool {
	_, external, _ := strings.Cut(a.cfg.ExternalURL, "://")
	external, _, _ = strings.Cut(external, "/")
	return access.LoopbackHost(host) || host == external
}

// unrouted tells a wrong path from a wrong method, as the mux would in plain text.
func (a *api) unrouted(w http.ResponseWriter, r *http.Request) {
	probe := &statusProbe{header: http.Header{}}
	a.mux.ServeHTTP(probe, r)
	if allow := probe.header.Get("Allow"); probe.status == http.StatusMethodNotAllowed {
		writeProblem(w, refuse(http.StatusMethodNotAllowed, "method_not_allowed",
			"%s takes %s, not %s.", r.URL.Path, allow, r.Method).with("Allow", allow))
		return
	}
	writeProblem(w, refuse(http.StatusNotFound, "not_found", "There is no route %s; %s/openapi.json lists them.", r.URL.Path, Prefix))
}

type statusProbe struct {
	header http.Header
	status int
}

func (p *statusProbe) Header() http.Header         { return p.header }
func (p *statusProbe) WriteHeader(status int)      { p.status = status }
func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }

func (a *api) recover(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	err, is := v.(error)
	if is && errors.Is(err, http.ErrAbortHandler) || r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	a.log.LogAttrs(r.Context(), slog.LevelError, "handler panicked",
		slog.String("path", r.URL.Path), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
	writeProblem(w, refuse(http.StatusInternalServerError, "internal", "Hadron failed to answer this; its log says why."))
}

// origin is the scheme and host of a URL.
func origin(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// available guards routes whose part was not wired in.
func available(wired bool) error {
	if wired {
		return nil
	}
	return refuse(http.StatusNotImplemented, "not_available", "This server runs without the part that knows this.")
}

var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	},
	Unmarshal: json.Unmarshal,
}
