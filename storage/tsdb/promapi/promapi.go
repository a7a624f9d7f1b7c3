// Package promapi serves the Prometheus HTTP API over storage/tsdb, so that
// Grafana, promtool and a Prometheus that remote-writes find what they know.
//
// The handlers are Hadron's own, over Prometheus's engine and storage, rather
// than Prometheus's web/api/v1: that constructor takes 44 positional arguments
// that change with every minor release (two changed between 0.314 and 0.316),
// panics in endpoints whose retrievers are absent, loads a whole answer into
// memory, and has no place for a team's limits or for bounds on bodies. It would
// save little of the binary: remote read alone imports most of it. Remote read does
// use Prometheus's handler, behind checks of type and size, and OTLP its
// translation; remote write is decoded here, for Prometheus's handler allocates for every series,
// keeps no reference from one request to the next, and gives up a whole request of
// version 1 for one sample. What differs on purpose: a wrong content type is 415 before the body is read, ranges
// are counted in milliseconds without overflow, answers are streamed, no CORS
// header is sent (a page of another site must not read metrics through a viewer's
// browser), and the administration endpoints (delete, snapshot) are not here.
//
// The caller mounts the handler with its prefix stripped and decides who may
// reach it; every path starts with /api/v1/.
package promapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/httputil"

	"hadron/collector/contract"
	"hadron/runtime/access"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/intake"
)

// maxPoints bounds the points of one series in a range query.
const maxPoints = 11_000

// Config wires the API. Only DB is required.
type Config struct {
	DB *tsdb.DB

	// Visible says which parts of the installation a request may read the series of;
	// none where it returns none. Nil: everybody reads everything.
	Visible func(*http.Request) []access.Scope
	// Intake takes what is written; nil: one with defaults.
	Intake *intake.Intake
	// Sender says whose series a request may write; nil: everybody writes everything.
	Sender func(*http.Request) contract.Sender
	// Groups lists rule groups that others evaluate, such as Hadron's alerting;
	// the store's recording rules are added to them.
	Groups func(context.Context) []Group
	// Metadata says what is known of each metric name.
	Metadata func(context.Context) map[string][]Metadata
	// Targets lists what is scraped.
	Targets func(context.Context) []Target
	// Build is given out by status/buildinfo.
	Build Build
	// Flags is given out by status/flags: it must hold no secret.
	Flags map[string]string

	// MaxFormBytes bounds the body of a query: 1 MiB.
	MaxFormBytes int64
	// MaxWriteBytes bounds a write, remote or OTLP, before and after decompression:
	// 16 MiB, which is also the most it may be.
	MaxWriteBytes int64
	// MaxWrites bounds the writes that are read at once: 64, half of them of one
	// sender. As many as there are processors are decoded and stored at a time.
	MaxWrites int
	// MaxReadSamples bounds a sampled remote read: 50 million.
	MaxReadSamples int
	// MaxReads bounds remote reads at once: 10.
	MaxReads int
	// Queries bounds queries at once, of all callers: 20. What reads series counts:
	// queries, searches for series and labels, exemplars and remote reads.
	Queries int
	// CallerQueries bounds those of one caller, who is whoever sees the same teams and
	// projects: 6. QueuedQueries bounds those that wait for him: 100.
	CallerQueries, QueuedQueries int

	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer // may be nil
}

func (c *Config) setDefaults() {
	if c.MaxFormBytes <= 0 {
		c.MaxFormBytes = 1 << 20
	}
	// Prometheus's labels panic at a string of 16 MiB: no body may hold one.
	const mostWritten = 16<<20 - 1
	if c.MaxWriteBytes <= 0 || c.MaxWriteBytes > mostWritten {
		c.MaxWriteBytes = mostWritten
	}
	if c.MaxReadSamples <= 0 {
		c.MaxReadSamples = 50_000_000
	}
	if c.MaxReads <= 0 {
		c.MaxReads = 10
	}
	setDefault(&c.Queries, 20)
	setDefault(&c.CallerQueries, 6)
	setDefault(&c.QueuedQueries, 100)
	setDefault(&c.MaxWrites, 64)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("component", "promapi")
}

func setDefault(field *int, value int) {
	if *field <= 0 {
		*field = value
	}
}

type api struct {
	Config
	turns   *turns
	store   tsdb.Store
	engine  promql.QueryEngine
	parser  parser.Parser
	started time.Time
	metrics *metrics

	admission *admission
}

// New returns the API's handler; it fails where the configuration has no store.
func New(config Config) (http.Handler, error) {
	if config.DB == nil {
		return nil, errors.New("promapi: a DB is needed")
	}
	config.setDefaults()
	if config.Intake == nil {
		var err error
		if config.Intake, err = intake.New(intake.Config{DB: config.DB, Now: config.Now, Registerer: config.Registerer}); err != nil {
			return nil, err
		}
	}
	a := &api{
		Config:  config,
		store:   enforced{config.DB.Queryable()},
		engine:  config.DB.APIEngine(),
		parser:  config.DB.Parser(),
		started: config.Now(),
		metrics: newMetrics(config.Registerer),
		turns:   newTurns(config.Queries, config.CallerQueries, config.QueuedQueries, config.Registerer),

		admission: newAdmission(config.MaxWrites, 2*runtime.GOMAXPROCS(0)),
	}
	mux := http.NewServeMux()
	for _, route := range a.routes() {
		handler := a.json(route)
		mux.Handle("GET /api/v1/"+route.name, handler)
		if route.post {
			mux.Handle("POST /api/v1/"+route.name, handler)
		}
	}
	mux.Handle("POST /api/v1/write", a.counted("write", a.writers(a.remoteWrite)))
	mux.Handle("POST /api/v1/otlp/v1/metrics", a.counted("otlp", a.writers(a.otlpMetrics)))
	mux.Handle("POST /api/v1/read", a.counted("read", a.remoteRead()))
	return mux, nil
}

type route struct {
	name  string
	post  bool // takes its parameters from a form too
	reads bool // series: it waits its turn, and its time is bounded
	serve endpoint
}

func (a *api) routes() []route {
	return []route{
		{"query", true, true, a.query},
		{"query_range", true, true, a.queryRange},
		{"query_exemplars", true, true, a.queryExemplars},
		{"format_query", true, false, a.formatQuery},
		{"series", true, true, a.series},
		{"labels", true, true, a.labelNames},
		{"label/{name}/values", false, true, a.labelValues},
		{"metadata", false, false, a.metadata},
		{"rules", false, false, a.rules},
		{"alerts", false, false, a.alerts},
		{"alertmanagers", false, false, a.alertmanagers},
		{"targets", false, false, onlyUnscoped(a.targets)},
		{"targets/metadata", false, false, onlyUnscoped(a.targetMetadata)},
		{"scrape_pools", false, false, onlyUnscoped(a.scrapePools)},
		{"status/buildinfo", false, false, a.buildInfo},
		{"status/config", false, false, onlyUnscoped(a.configuration)},
		{"status/flags", false, false, onlyUnscoped(a.flags)},
		{"status/runtimeinfo", false, false, onlyUnscoped(a.runtimeInfo)},
		{"status/ingest", false, false, a.ingestStatus},
		{"status/tsdb", false, false, onlyUnscoped(a.tsdbStatus)},
		{"status/tsdb/blocks", false, false, onlyUnscoped(a.blocks)},
		{"status/walreplay", false, false, a.walReplay},
	}
}

// endpoint answers one request; what it returns is written by json.
type endpoint func(*http.Request) (result, error)

func (a *api) json(route route) http.Handler {
	return a.counted(route.name, httputil.CompressionHandler{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, stop := a.DB.Bind(a.withVisibility(r.Context(), r))
		defer stop()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, a.MaxFormBytes)
		answer, err := result{}, parseForm(r, a.MaxFormBytes)
		if err == nil && route.reads {
			var done func()
			if r, done, err = a.begin(r); err == nil { //nolint:contextcheck // the request carries it
				defer done()
			}
		}
		if err == nil {
			answer, err = route.serve(r)
		}
		if answer.close != nil {
			defer answer.close()
		}
		if err != nil {
			writeError(w, r.Context(), err) //nolint:contextcheck // the request carries it
			return
		}
		a.writeResult(w, r, answer)
	})})
}

// begin bounds the time of a request that reads series, its wait for a slot included,
// and waits for one. It is held until the answer is written.
func (a *api) begin(r *http.Request) (bound *http.Request, done func(), err error) {
	ctx, cancel, err := a.withTimeout(r)
	if err != nil {
		return r, nil, err
	}
	leave, err := a.take(ctx, r)
	if err != nil {
		cancel()
		return r, nil, err
	}
	return r.WithContext(ctx), func() { leave(); cancel() }, nil
}

// counted counts requests and times them.
func (a *api) counted(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		recorded := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			a.metrics.requests.WithLabelValues(name, strconv.Itoa(recorded.status)).Inc()
			a.metrics.duration.WithLabelValues(name).Observe(time.Since(begun).Seconds())
		}()
		next.ServeHTTP(recorded, r)
	})
}

// statusWriter remembers the status. It flushes, as streamed remote reads need.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Flush() {
	if flusher, ok := w.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

// Unwrap serves http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_prometheus_api_requests_total",
			Help: "Requests to the Prometheus API, by endpoint and HTTP status.",
		}, []string{"endpoint", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                           "hadron_prometheus_api_request_duration_seconds",
			Help:                           "Time to answer a request to the Prometheus API, by endpoint.",
			NativeHistogramBucketFactor:    1.1,
			NativeHistogramMaxBucketNumber: 100,
		}, []string{"endpoint"}),
	}
	if registerer != nil {
		registerer.MustRegister(m.requests, m.duration)
	}
	return m
}
