package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/dashgen"
	"hadron/dashgen/grafana"
	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// dashboards is the target that keeps functions' dashboards: Grafana, or files.
type dashboards interface {
	reconcile.Target
	Status(name function.Name) grafana.Status
	Noteworthy() []grafana.Status
	Progress() grafana.Progress
	Plan(ctx context.Context, want []*function.Function) (grafana.Plan, error)
	Confirm(deletes int)
	Restore(name function.Name)
}

// operations is what makes functions operable beside what measures them.
type operations struct {
	installation string

	dashboards dashboards
	pager      *pagerduty.Target // nil: nobody is paged
	alerts     *alerting.Evaluator
	incidents  incidents
	drills     *alerting.Drills
	watchdogs  *watchdogs // nil: nobody is told of incidents
	failed     failedRollouts
	webhooks   *pagerduty.Receiver // nil: PagerDuty's webhooks are not taken
	loops      []*reconcile.Loop
	counted    *loopMetrics
	own        *ownIndex
	extras     *extensions

	dashboardLoop *reconcile.Loop
	pagerLoop     *reconcile.Loop
}

// outsideTimeout bounds one attempt of a call to Grafana or PagerDuty: people
// watch the state while it is tried again.
const outsideTimeout = 5 * time.Second

// setupOperations makes what acts on the wanted functions: alerts, dashboards,
// PagerDuty services and recording rules. Registration never waits for it.
//
//	registry ─wake─▶ loop ─▶ dashboards   (Grafana or files)
//	              ├▶ loop ─▶ pagerduty    (services) ─▶ routing keys
//	              └▶ loop ─▶ rules        (recording)      │
//	tsdb ◀─query── evaluator ─▶ outbox ─▶ deliverer ◀──────┘ ─▶ Events API, Alertmanagers, chats, webhooks
func (a *App) setupOperations(ctx context.Context, own prometheus.Registerer) error {
	o := &a.operations
	installation, err := a.installation()
	if err != nil {
		return err
	}
	o.installation = installation
	o.counted = newLoopMetrics(own)
	o.drills = alerting.NewDrills(nil)
	o.own = &ownIndex{db: a.parts.metrics, kinds: a.parts.collector.OwnDescriptions}
	var (
		routing func(function.Name) (string, bool)
		targets []reconcile.Target
	)
	if a.cfg.PagerDuty.Token != "" {
		if o.pager, err = a.makePager(installation, own); err != nil {
			return err
		}
		routing = o.pager.Routing
		targets = append(targets, o.pager)
	}
	told, wake, err := a.startOutbox(ctx, routing, own)
	if err != nil {
		return err
	}
	if o.alerts, err = alerting.New(alerting.Config{
		Targets: told,
		Silences: func(ctx context.Context, at time.Time) ([]alerting.Silence, error) {
			return a.parts.db.Alerting().Silences(ctx, at, false)
		},
		Query: a.parts.metrics.Query, List: a.everyFunction, Store: a.parts.db.Alerting(), Interval: a.cadence(),
		Quarantined: a.parts.quarantine.standing, Conditions: a.conditions,
		Append: a.parts.metrics.Append, Describe: a.describe, Routing: routing, Wake: wake,
		Installation: installation, Drills: o.drills, Logger: a.log, Registerer: own,
	}); err != nil {
		return err
	}
	o.incidents = incidents{alerts: o.alerts, store: a.parts.db.Alerting(), installation: installation, wake: wake, links: a.incidentLinks}
	if o.pager != nil {
		if err := a.startWebhooks(ctx, wake); err != nil {
			return err
		}
	}
	o.extras = newExtensions(a.cfg.Dashboards.Extensions, a.checkExpr, a.log.With("component", "dashboard_extensions"))
	if o.dashboards, err = a.makeDashboards(ctx, installation, own); err != nil {
		return err
	}
	targets = append(targets, o.dashboards, &recordingRules{db: a.parts.metrics, interval: a.cadence()})
	for _, target := range targets {
		if err := a.startLoop(ctx, target, wake); err != nil {
			return err
		}
	}
	return nil
}

// startAlerts starts the evaluator, after the loops: what it tells of an incident, and of
// Hadron itself, is asked of all of them.
func (a *App) startAlerts(ctx context.Context) error {
	if err := a.operations.alerts.Start(ctx); err != nil {
		return err
	}
	a.onStop("alerting", a.operations.alerts.Stop)
	return nil
}

// mostRest is how long the dashboard of a new function can wait on a node with very
// many, because looking at all their files took long.
const mostRest = 10 * time.Second

func (a *App) startLoop(ctx context.Context, target reconcile.Target, passed func()) error {
	woken, cancel := a.parts.registry.Wake()
	rest := time.Duration(0)
	if _, local := target.(*grafana.Files); local {
		rest = mostRest
	}
	a.operations.counted.begin(target.Name())
	loop, err := reconcile.New(reconcile.Config{
		Rest:   rest,
		Begin:  giveWay,
		Target: target, List: a.everyFunction, Wake: woken, Logger: a.log,
		Observe: func(p reconcile.Pass) {
			a.operations.counted.observe(p)
			passed()
		},
	})
	if err != nil {
		cancel()
		return err
	}
	if err := loop.Start(ctx); err != nil {
		cancel()
		return err
	}
	a.operations.loops = append(a.operations.loops, loop)
	if target == reconcile.Target(a.operations.dashboards) {
		a.operations.dashboardLoop = loop
	}
	if target.Name() == pagerduty.TargetName {
		a.operations.pagerLoop = loop
	}
	a.onStop(target.Name()+" reconciler", func(ctx context.Context) error {
		cancel()
		return loop.Stop(ctx)
	})
	return nil
}

func (a *App) everyFunction(context.Context) ([]*function.Function, error) {
	return a.parts.registry.All(), nil
}

// traceOf leads from an exemplar to its trace on the function's page: Grafana fills in
// the labels of the exemplar's series.
const traceOf = "/f/${__data.fields.team}/${__data.fields.project}/${__data.fields.function}?trace=${__value.raw}"

// datasourceToken names the token with which Grafana reads metrics.
const datasourceToken = "grafana-datasource"

func (a *App) makeDashboards(ctx context.Context, installation string, metrics prometheus.Registerer) (dashboards, error) {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{Name: dashgen.GrafanaCalls, Help: "Calls of Grafana's API, by status."}, []string{"code"})
	metrics.MustRegister(calls, dashboardStates{a})
	own := func(name function.Name) []dashgen.OwnMetric { return a.ownMetrics(ctx, name) }
	if a.cfg.Grafana.URL == "" {
		return grafana.NewFiles(grafana.FilesConfig{
			Dir: a.path("dashboards"), State: a.path("dashboards-made-from"), Version: a.opts.Version,
			Installation: installation, ExternalURL: a.cfg.ExternalURL,
			ServiceURL: a.serviceURL, Own: own, Extensions: a.operations.extras.current, Interval: a.cadence(), Logger: a.log,
		})
	}
	// Issued anew at each start, in place of the one before: only its hash is kept.
	token, err := a.parts.tenants.IssueOwn(ctx, datasourceToken, access.Viewer)
	if err != nil {
		return nil, fmt.Errorf("issue the token of Grafana's data source: %w", err)
	}
	reach := a.cfg.Grafana.DatasourceURL
	if reach == "" {
		reach = a.cfg.ExternalURL + "/prometheus"
	}
	return grafana.NewTarget(grafana.Config{
		URL: a.cfg.Grafana.URL, Token: a.cfg.Grafana.Token, DatasourceURL: reach, DatasourceToken: token,
		Installation: installation, ExternalURL: a.cfg.ExternalURL, ServiceURL: a.serviceURL,
		Own: own, Extensions: a.operations.extras.current, TraceURL: cmp.Or(a.cfg.Grafana.TraceURL, a.cfg.ExternalURL+traceOf),
		Drift: grafana.Policy(a.cfg.Grafana.Drift), FolderAccess: grafana.FolderAccess(a.cfg.Grafana.FolderAccess),
		DeleteShare: a.cfg.Grafana.DeleteShare, Rate: a.cfg.Grafana.Rate, Memory: a.parts.db.Dashboards(),
		Called:   func(code string) { calls.WithLabelValues(code).Inc() },
		Interval: a.cadence(), Timeout: outsideTimeout, Logger: a.log,
	})
}

// cadence is between evaluations of alerts. Their windows hold at least five of
// them, so samples must not come more slowly.
func (a *App) cadence() time.Duration { return max(a.cfg.Metrics.Interval, a.cfg.Alerting.Interval) }

// installation is this Hadron's name in systems that others use too: made once,
// kept with the data it belongs to.
func (a *App) installation() (string, error) {
	path := a.path("installation")
	data, err := os.ReadFile(path)
	if err == nil {
		if id := strings.TrimSpace(string(data)); id != "" {
			return id, nil
		}
		return "", fmt.Errorf("%s is empty: it named this installation in Grafana and PagerDuty; restore it, or delete it to start anew", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the installation's name: %w", err)
	}
	var b [4]byte
	for i := range b {
		b[i] = byte(rand.IntN(256)) // a name, not a secret
	}
	id := hex.EncodeToString(b[:])
	// Renamed into place, so that a crash leaves either none or a whole one.
	if err := os.WriteFile(path+".new", []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the installation's name: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("keep the installation's name: %w", err)
	}
	return id, nil
}
