package live

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	clients       prometheus.Gauge
	subscriptions *prometheus.GaugeVec
	messages      *prometheus.CounterVec
	bytes         prometheus.Counter
	conflated     *prometheus.CounterVec
	resumes       *prometheus.CounterVec
	lost          prometheus.Counter
	slow          prometheus.Counter
	refused       *prometheus.CounterVec
	failures      *prometheus.CounterVec
	delay         prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "hadron", Subsystem: "live", Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "hadron", Subsystem: "live", Name: name, Help: help}
	}
	m := &metrics{
		clients:       prometheus.NewGauge(gauge("clients", "Connected clients.")),
		subscriptions: prometheus.NewGaugeVec(gauge("subscriptions", "Subscriptions of connected clients."), []string{"topic"}),
		messages:      prometheus.NewCounterVec(counter("messages_total", "Messages sent."), []string{"type"}),
		bytes:         prometheus.NewCounter(counter("bytes_total", "Bytes of messages sent.")),
		conflated:     prometheus.NewCounterVec(counter("conflated_total", "Times that a slow client was told the newest state instead of each change."), []string{"topic"}),
		resumes:       prometheus.NewCounterVec(counter("resumes_total", "Subscriptions that came back with a sequence number, by how they were answered."), []string{"result"}),
		lost:          prometheus.NewCounter(counter("lost_lines_total", "Log lines that slow clients were not sent.")),
		slow:          prometheus.NewCounter(counter("slow_clients_total", "Clients dropped because they read nothing for too long.")),
		refused:       prometheus.NewCounterVec(counter("refused_total", "Connections and messages refused."), []string{"reason"}),
		failures:      prometheus.NewCounterVec(counter("refresh_failures_total", "Refreshes of a topic that failed."), []string{"topic"}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "hadron", Subsystem: "live", Name: "delivery_seconds",
			Help:                        "Time from when a change was known to when it is handed to a client's socket.",
			NativeHistogramBucketFactor: 1.1,
		}),
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.clients, m.subscriptions, m.messages, m.bytes, m.conflated, m.resumes, m.lost, m.slow, m.refused, m.failures, m.delay,
	} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}
