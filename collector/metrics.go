package collector

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// ownMetrics are the collector's numbers about itself.
type ownMetrics struct {
	samples        prometheus.Counter
	rejected       prometheus.Counter
	rollups        prometheus.Counter
	appendFailures prometheus.Counter
	appendSeconds  prometheus.Histogram
	budgetFailures prometheus.Counter
	series         prometheus.Gauge
	healthSeconds  prometheus.Histogram
}

func (m *ownMetrics) register(r prometheus.Registerer, c *Collector) error {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	seconds := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9), NativeHistogramBucketFactor: 1.1,
		})
	}
	m.samples = counter("hadron_collector_samples_total", "Samples given to the metric store.")
	m.rejected = counter("hadron_collector_samples_rejected_total", "Samples that the metric store refused for good.")
	m.rollups = counter("hadron_collector_rollups_total", "Rollups given to the metric store.")
	m.appendFailures = counter("hadron_collector_append_failures_total", "Chunks of samples that the metric store did not take.")
	m.appendSeconds = seconds("hadron_collector_append_seconds", "Time of one pass over all functions, the store's part included.")
	m.budgetFailures = counter("hadron_collector_budget_failures_total", "Failed queries for spent error budgets.")
	m.series = prometheus.NewGauge(prometheus.GaugeOpts{Name: "hadron_collector_series", Help: "Living series of functions."})
	m.healthSeconds = seconds("hadron_collector_health_seconds", "Time of computing the health of all functions.")
	if r == nil {
		return nil
	}
	groups := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "hadron_error_groups_dropped_total", Help: "Error groups that made room for newer ones.",
	}, func() float64 { return float64(c.groups.dropped.Load()) })
	for _, one := range []prometheus.Collector{m.samples, m.rejected, m.rollups, m.appendFailures, m.appendSeconds, m.budgetFailures, m.series, m.healthSeconds, groups, ownExposition{c}} {
		if err := r.Register(one); err != nil {
			return fmt.Errorf("register collector metrics: %w", err)
		}
	}
	return nil
}
