// Package gateway is the data plane: it routes a request to one version of a
// function, admits it or refuses it, calls the Invoker under the version's limits,
// and counts what came of it. Requests arrive over HTTP (ServeHTTP) and from
// functions (Call).
//
// A request for a known function passes: trace → route → who calls → which
// version → body size → admission → Invoker → outcome. A repoint swaps one
// pointer, so each request sees the function wholly before or wholly after it.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Invoker runs one call of one version.
type Invoker interface {
	// Invoke returns soon after ctx ended, whatever the function does, and reads
	// why from its cause: invocation.ErrTimeout or ErrClientClosed. The context is
	// done once Invoke has returned: work held by waitUntil is the Invoker's to
	// bound. The request's body can be read until Invoke returns.
	Invoke(ctx context.Context, req *invocation.Request, w invocation.Writer) invocation.Outcome
}

// Observer is told what became of one version's calls. Its methods are called by
// many goroutines.
type Observer interface {
	// Begin is called when a call was admitted, once before each Observe.
	Begin()
	Observe(trigger invocation.Trigger, out invocation.Outcome)
	// Settled follows an Observe whose outcome said Background.
	Settled(b invocation.Background)
}

// Tracer keeps the traces of one version's calls. Its methods are called by many
// goroutines, and cost a call nothing that is neither sampled nor failed nor slow.
type Tracer interface {
	// Begin reports whether a call is sampled whose trace begins here and that chance
	// left out.
	Begin(now time.Time) bool
	// Slow is the duration from which on a call is kept whatever its sampling; 0: none.
	Slow() time.Duration
	// Ended takes a call that is sampled, failed or was slow, and reports whether it
	// was kept. Of req it keeps nothing that is not a string.
	Ended(req *invocation.Request, began time.Time, out invocation.Outcome) bool
	// Settled follows an Ended that kept a call whose outcome said Background. The work
	// is that of the call's span since began.
	Settled(trace invocation.Trace, began time.Time, b invocation.Background)
}

var (
	// ErrNotFound is what Resolve returns, wrapped, for a reference that names nothing.
	ErrNotFound = errors.New("no such version")
	// ErrUnavailable is what Authorize returns, wrapped, when it cannot tell who
	// calls; any other error of it means that the credentials are wrong.
	ErrUnavailable = errors.New("cannot be told now")
	// ErrExpired is what Authorize returns, wrapped, for a token whose time is over.
	ErrExpired = errors.New("expired")
)

// MaxDepth is how many calls from function to function can stand above one another.
const MaxDepth = 8

// Config is what a Gateway needs. Invoker, ExternalURL and, outside Dev, Authorize
// are required.
type Config struct {
	Invoker Invoker
	// Resolve finds versions that no alias names. Its errors wrap ErrNotFound where
	// there is none. Nil: only aliased versions can be called.
	Resolve func(ctx context.Context, ref function.Ref) (function.Version, error)
	// Observe makes the handle that is told of a version's calls, at the first of them;
	// it is kept as long as the version is routed to. Calls that begin at the same time
	// may ask twice: it is the same handle then. Nil: nobody is told.
	Observe func(v function.Version) Observer
	// Authorize says who calls. Nobody, without error, is the zero Principal. Of
	// Authorization it sees nothing but "Bearer hdn_…", whatever else the client sent.
	Authorize func(r *http.Request) (access.Principal, error)
	// Refused is told of requests refused before a version was called; the name is
	// empty where no such function exists, so that callers cannot invent names.
	Refused func(name function.Name, code invocation.Code)
	// Quota is what a team ("growth") or a project ("growth/signup") may ask of this
	// node. It is asked once; SetQuota tells of changes. Nil: no bounds.
	Quota func(scope string) Quota
	// Sample decides whether a trace that begins here is sampled. Nil: none is.
	Sample func(traceID string) bool
	// Trace makes the keeper of a version's traces, as Observe does. Nil: none are kept.
	Trace func(v function.Version) Tracer

	ExternalURL    string         // absolute; its origin is what functions see in request.url
	TrustedProxies []netip.Prefix // peers whose X-Forwarded-… headers are believed; default none
	Dev            bool           // everyone may call and read everything
	MaxInFlight    int            // calls at once on this node; default 4096
	MaxResolved    int            // versions and misses remembered beyond the aliased ones; default 4096
	Logger         *slog.Logger   // default: discards
}

// Validate says what is missing or out of range.
func (c Config) Validate() error {
	if c.Invoker == nil {
		return errors.New("gateway: Invoker is missing")
	}
	if c.Authorize == nil && !c.Dev {
		return errors.New("gateway: Authorize is missing, and only Dev goes without")
	}
	if c.MaxInFlight < 0 || c.MaxResolved < 0 {
		return errors.New("gateway: MaxInFlight and MaxResolved cannot be negative")
	}
	u, err := url.Parse(c.ExternalURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("gateway: ExternalURL %q is not an absolute http or https address", c.ExternalURL)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 4096
	}
	if c.MaxResolved == 0 {
		c.MaxResolved = 4096
	}
	if c.Observe == nil {
		c.Observe = func(function.Version) Observer { return deaf{} }
	}
	if c.Refused == nil {
		c.Refused = func(function.Name, invocation.Code) {}
	}
	if c.Sample == nil {
		c.Sample = func(string) bool { return false }
	}
	if c.Trace == nil {
		c.Trace = func(function.Version) Tracer { return blind{} }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

type deaf struct{}

func (deaf) Begin()                                         {}
func (deaf) Observe(invocation.Trigger, invocation.Outcome) {}
func (deaf) Settled(invocation.Background)                  {}

type blind struct{}

func (blind) Begin(time.Time) bool                                          { return false }
func (blind) Slow() time.Duration                                           { return 0 }
func (blind) Ended(*invocation.Request, time.Time, invocation.Outcome) bool { return false }
func (blind) Settled(invocation.Trace, time.Time, invocation.Background)    {}

// Gateway routes and calls functions. Its methods are safe for concurrent use.
type Gateway struct {
	cfg      Config
	origin   string   // "https://host"
	host     []string // the Host header that functions see
	base     string   // path of ExternalURL, without its last slash
	routes   *table
	resolved *resolver
	shares   *shares

	clock    func() int64 // nanoseconds that only grow
	inFlight atomic.Int64 // admitted and not answered yet
	busy     atomic.Int64 // those and what waitUntil holds
	draining atomic.Bool
	idle     chan struct{} // closed when draining and no longer busy
	idleOnce sync.Once
}

// New makes a Gateway that knows no function yet.
func New(cfg Config) (*Gateway, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cfg.Logger = cfg.Logger.With("component", "gateway")
	u, err := url.Parse(cfg.ExternalURL)
	if err != nil {
		return nil, fmt.Errorf("gateway: parse ExternalURL: %w", err)
	}
	epoch, shares := time.Now(), newShares(cfg.Quota)
	return &Gateway{
		cfg:      cfg,
		origin:   u.Scheme + "://" + u.Host,
		host:     []string{u.Host},
		base:     strings.TrimRight(u.EscapedPath(), "/"),
		clock:    func() int64 { return int64(time.Since(epoch)) },
		routes:   newTable(shares),
		shares:   shares,
		resolved: newResolver(cfg.Resolve, cfg.MaxResolved),
		idle:     make(chan struct{}),
	}, nil
}

// Apply makes the function callable as described, in effect for every request that
// begins after it returned. Calls in flight go on undisturbed.
func (g *Gateway) Apply(f function.Function) { g.routes.apply(f) }

// Remove makes the function unknown. Calls in flight go on undisturbed.
func (g *Gateway) Remove(name function.Name) { g.routes.remove(name) }

// Forget makes versions unknown that retention removed and no alias names. Calls in
// flight go on undisturbed.
func (g *Gateway) Forget(name function.Name, versions []int) { g.resolved.forget(name, versions) }

// InFlight returns how many calls are admitted and not answered yet.
func (g *Gateway) InFlight() int { return int(g.inFlight.Load()) }

// Drain refuses new requests with 503 and waits for those in flight and for what
// their waitUntil holds. Calls that functions in flight make are still admitted.
// Its error wraps the cause for which ctx ended first.
func (g *Gateway) Drain(ctx context.Context) error {
	g.draining.Store(true)
	if g.busy.Load() == 0 {
		g.idleOnce.Do(func() { close(g.idle) })
	}
	select {
	case <-g.idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain gateway with %d calls still running: %w", g.busy.Load(), context.Cause(ctx))
	}
}

// admit takes a place for a call of v, in the share of its project, or says which
// limit is in the way.
func (g *Gateway) admit(v *version, project *share, trigger invocation.Trigger) (invocation.Code, bound) {
	g.busy.Add(1)
	if g.draining.Load() && trigger != invocation.TriggerFunction {
		g.unbusy()
		return invocation.NodeOverloaded, ofNode
	}
	// Step by step, so that a call that is refused is never seen in a count behind.
	code, why := invocation.FunctionOverloaded, ofFunction
	switch {
	case v.inFlight.Add(1) > int64(v.limits.Concurrency):
		v.inFlight.Add(-1)
	case !project.enter():
		v.inFlight.Add(-1)
		why = ofProject
	case !project.team.enter():
		project.inFlight.Add(-1)
		v.inFlight.Add(-1)
		why = ofTeam
	case g.inFlight.Add(1) > int64(g.cfg.MaxInFlight):
		g.leave(v, project)
		code, why = invocation.NodeOverloaded, ofNode
	case !project.take(g.clock):
		g.leave(v, project)
		why = ofProjectRate
	case !project.team.take(g.clock):
		g.leave(v, project)
		why = ofTeamRate
	default:
		return invocation.OK, 0
	}
	g.unbusy()
	return code, why
}

func (g *Gateway) leave(v *version, project *share) {
	g.inFlight.Add(-1)
	project.team.inFlight.Add(-1)
	project.inFlight.Add(-1)
	v.inFlight.Add(-1)
}

func (g *Gateway) unbusy() {
	if g.busy.Add(-1) == 0 && g.draining.Load() {
		g.idleOnce.Do(func() { close(g.idle) })
	}
}
