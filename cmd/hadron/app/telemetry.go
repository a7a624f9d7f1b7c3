package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector/forward"
	"hadron/collector/logs"
	"hadron/collector/trace"
	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// LogsConfig belongs to the functions' logs.
type LogsConfig struct {
	Retention time.Duration  `default:"168h" help:"How long function logs are kept."`
	MaxSize   function.Size  `default:"2GiB" help:"How much disk function logs may use."`
	Loki      ReceiverConfig `embed:"" prefix:"loki."`
	OTLP      ReceiverConfig `embed:"" prefix:"otlp."`
}

func (c LogsConfig) validate() error {
	return errors.Join(c.Loki.validate("logs.loki", "/loki/api/v1/push"), c.OTLP.validate("logs.otlp", "/v1/logs"))
}

// setupLogs makes the log store, and before it, so that it ends after it, what sends
// records on.
func (a *App) setupLogs(ctx context.Context, own prometheus.Registerer) error {
	c := a.cfg.Logs
	sender, err := logs.NewForwarder(logs.ForwardConfig{
		Loki: c.Loki.endpoint(), OTLP: c.OTLP.endpoint(), Node: a.node, Logger: a.log, Registerer: own,
	})
	if err != nil {
		return err
	}
	sender.Start(ctx)
	a.onStop("log forwarding", sender.Stop)
	if a.parts.logs, err = logs.Open(logs.Config{
		Dir: a.path("logs"), MaxAge: c.Retention, MaxBytes: int64(c.MaxSize), Forward: sender.Put, Logger: a.log, Registerer: own,
	}); err != nil {
		return err
	}
	a.onStop("logs", func(context.Context) error { return a.parts.logs.Close() })
	return nil
}

// TracesConfig belongs to the traces of calls.
type TracesConfig struct {
	Sample  float64        `default:"0.01" help:"Share of the traces that begin here which is sampled, 0 to 1; the first call of each second of a version is too, unless it is 0. With --dev all are, unless another share is given."`
	Slow    time.Duration  `default:"1s" help:"A call of a function without latency objective is slow, and its trace kept, from this on."`
	Rate    int            `default:"100" help:"Most calls a second of one version whose trace is kept."`
	Keep    int            `default:"50" help:"Calls of each function kept in memory."`
	MaxSize function.Size  `default:"32MiB" help:"Memory that calls may use together; past it the oldest go."`
	OTLP    ReceiverConfig `embed:"" prefix:"otlp."`
}

// defaultSample is Sample where nobody set it.
const defaultSample = 0.01

// ReceiverConfig is where something is sent on to.
type ReceiverConfig struct {
	URL         string `name:"url" help:"Whole address of the receiver, its path included. Default: nothing is sent."`
	HeadersFile string `help:"File of the headers that the receiver needs, lines Name: value, such as a token; read again for each request." type:"path"`
}

func (c ReceiverConfig) endpoint() forward.Endpoint {
	return forward.Endpoint{URL: c.URL, HeadersFile: c.HeadersFile}
}

// validate says what is wrong with the setting of that name; path is where such a
// receiver usually listens.
func (c ReceiverConfig) validate(name, path string) error {
	if c.URL == "" {
		if c.HeadersFile != "" {
			return fmt.Errorf("%w: --%s.headers-file is given without --%s.url", ErrConfig, name, name)
		}
		return nil
	}
	if err := c.endpoint().Validate(); err != nil {
		return fmt.Errorf("%w: --%s.url: %w", ErrConfig, name, err)
	}
	if u, err := url.Parse(c.URL); err == nil && strings.Trim(u.Path, "/") == "" {
		return fmt.Errorf("%w: --%s.url is the whole address, path and all: most likely %s://%s%s", ErrConfig, name, u.Scheme, u.Host, path)
	}
	return nil
}

func (c *TracesConfig) fillAndValidate(dev bool) error {
	if dev && c.Sample == defaultSample {
		c.Sample = 1
	}
	if !(c.Sample >= 0 && c.Sample <= 1) {
		return fmt.Errorf("%w: --traces.sample is %v; give a share from 0 to 1", ErrConfig, c.Sample)
	}
	if c.Slow <= 0 || c.Rate < 1 || c.Keep < 2 || c.MaxSize < 1<<20 {
		return fmt.Errorf("%w: --traces.slow is over 0, --traces.rate at least 1, --traces.keep at least 2, --traces.max-size at least 1MiB", ErrConfig)
	}
	return c.OTLP.validate("traces.otlp", "/v1/traces")
}

func (a *App) setupTraces(ctx context.Context, own prometheus.Registerer) (err error) {
	c := a.cfg.Traces
	if a.parts.traces, err = trace.New(trace.Config{
		Sample: c.Sample, Slow: c.Slow, Rate: c.Rate, Keep: c.Keep, MaxBytes: int64(c.MaxSize), Export: c.OTLP.endpoint(),
		Node: a.node, Version: a.opts.Version, Registerer: own, Logger: a.log,
	}); err != nil {
		return err
	}
	a.parts.traces.Start(ctx)
	a.onStop("traces", a.parts.traces.Stop)
	return nil
}

func (a *App) listTraces(name function.Name, q api.TraceQuery) []wire.Trace {
	calls := a.parts.traces.List(name, trace.Filter{Errors: q.Errors, Min: q.Min, Since: q.Since, Until: q.Until, Request: q.Request, Limit: q.Limit})
	out := make([]wire.Trace, len(calls))
	for i := range calls {
		out[i] = traceView(&calls[i])
	}
	return out
}

func traceView(c *trace.Call) wire.Trace {
	out := wire.Trace{
		ID: c.Trace, Span: c.Span, Time: c.Began.UTC(), Function: string(c.Function.Name), Version: c.Function.Version, Request: c.Request,
		Trigger: string(c.Trigger), Method: c.Method, Path: c.Path, Duration: c.Duration.Seconds(), Code: c.Code.Public(), Error: c.Code.IsError(),
		Status: c.Status, Cold: c.Cold, Why: string(c.Why), Queue: c.Queue.Seconds(), Init: c.Init.Seconds(),
		Run: max(0, c.Duration-c.Queue-c.Init).Seconds(), CPU: c.CPU.Seconds(), Fetches: len(c.Fetches) + c.MoreFetches,
	}
	if c.Background != nil {
		out.Background = new(c.Background.Duration.Seconds())
	}
	return out
}

func (a *App) oneTrace(id string) []api.TracedCall {
	calls := a.parts.traces.Get(id)
	out := make([]api.TracedCall, len(calls))
	for i := range calls {
		c := &calls[i]
		out[i].Function = c.Function.Name
		for _, s := range c.Spans() {
			v := wire.Span{
				ID: s.ID, Parent: s.Parent, Name: s.Name, Kind: string(s.Kind), Function: string(c.Function.Name), Version: c.Function.Version,
				Request: c.Request, Time: s.Began.UTC(), Duration: s.Duration.Seconds(), Attributes: map[string]any{},
			}
			if s.Error {
				v.Error = s.Message
			}
			for _, at := range s.Attributes {
				v.Attributes[at.Key] = at.Value
			}
			out[i].Spans = append(out[i].Spans, v)
		}
	}
	return out
}
