package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector/forward"
	"hadron/runtime/invocation"
)

// ForwardConfig says where records are sent on to. An endpoint without URL is none.
type ForwardConfig struct {
	Loki   forward.Endpoint // its push API
	OTLP   forward.Endpoint // OTLP/HTTP, as JSON
	Node   string           // service.instance.id, for OTLP
	Linger time.Duration    // a record waits for others; default 1 s

	Logger     *slog.Logger
	Registerer prometheus.Registerer // may be nil
}

// Forwarder sends records on to Loki, to an OTLP receiver, to both, or to nobody. A
// receiver that is slow or gone costs records of its own, which are counted, and
// never holds up a function.
type Forwarder struct {
	queues []*forward.Queue[invocation.Record]
}

// NewForwarder makes a forwarder; Start begins to send.
func NewForwarder(cfg ForwardConfig) (*Forwarder, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Forwarder{}
	sent := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hadron_log_forwarded_total", Help: "Log records that a receiver took."}, []string{"receiver"})
	dropped := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hadron_log_forward_dropped_total", Help: "Log records that did not reach a receiver, by reason."}, []string{"receiver", "reason"})
	add := func(name string, at forward.Endpoint, fill func(*forward.Config[invocation.Record])) error {
		if at.URL == "" {
			return nil
		}
		c := forward.Config[invocation.Record]{
			Name: "logs." + name, Endpoint: at, Linger: cfg.Linger,
			Size:    func(r invocation.Record) int { return 256 + len(r.Message) + len(r.Fields) },
			Sent:    func(n int) { sent.WithLabelValues(name).Add(float64(n)) },
			Dropped: func(why forward.Reason, n int) { dropped.WithLabelValues(name, string(why)).Add(float64(n)) },
			Logger:  cfg.Logger.With("component", "logs"),
		}
		fill(&c)
		sent.WithLabelValues(name)
		for _, why := range forward.Reasons {
			dropped.WithLabelValues(name, string(why))
		}
		q, err := forward.New(c)
		if err != nil {
			return err
		}
		f.queues = append(f.queues, q)
		return nil
	}
	if err := errors.Join(
		add("loki", cfg.Loki, func(c *forward.Config[invocation.Record]) {
			c.Encode, c.Judge, c.RetryErrors = encodeLoki, judgeLoki, true
		}),
		add("otlp", cfg.OTLP, func(c *forward.Config[invocation.Record]) {
			c.Encode = func(batch []invocation.Record) ([]byte, string, error) { return encodeOTLP(batch, cfg.Node) }
			c.Judge = judgeOTLP
		}),
	); err != nil {
		return nil, err
	}
	if cfg.Registerer == nil || len(f.queues) == 0 {
		return f, nil
	}
	for _, c := range []prometheus.Collector{sent, dropped} {
		if err := cfg.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register forwarding metrics: %w", err)
		}
	}
	return f, nil
}

// Start begins to send.
func (f *Forwarder) Start(ctx context.Context) {
	for _, q := range f.queues {
		q.Start(ctx)
	}
}

// Put queues a record for each receiver. It never waits.
func (f *Forwarder) Put(r invocation.Record) {
	for _, q := range f.queues {
		q.Put(r)
	}
}

// Stop tries once more to send what waits, until ctx ends.
func (f *Forwarder) Stop(ctx context.Context) error {
	var errs []error
	for _, q := range f.queues {
		errs = append(errs, q.Stop(ctx))
	}
	return errors.Join(errs...)
}

// levelWord is a level as a label: whatever a record says, there are four.
func levelWord(l invocation.Level) string {
	switch l {
	case invocation.Debug, invocation.Warn, invocation.Error:
		return string(l)
	default:
		return string(invocation.Info)
	}
}
