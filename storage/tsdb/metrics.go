package tsdb

import "github.com/prometheus/client_golang/prometheus"

// metrics are the store's own, beside the prometheus_tsdb_… and
// prometheus_engine_… that the vendor counts.
type metrics struct {
	samples    prometheus.Counter
	outOfOrder prometheus.Counter
	duplicate  prometheus.Counter
	invalid    prometheus.Counter
	exemplar   prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	samples := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "hadron_tsdb_samples_appended_total",
		Help: "Samples that Hadron wrote to its metrics store.",
	})
	rejected := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hadron_tsdb_samples_rejected_total",
		Help: "Samples of Hadron's own that the metrics store refused, by reason; exemplar counts exemplars.",
	}, []string{"reason"})
	if registerer != nil {
		registerer.MustRegister(samples, rejected)
	}
	return &metrics{
		samples:    samples,
		outOfOrder: rejected.WithLabelValues("out_of_order"),
		duplicate:  rejected.WithLabelValues("duplicate"),
		invalid:    rejected.WithLabelValues("invalid"),
		exemplar:   rejected.WithLabelValues("exemplar"),
	}
}

func (m *metrics) appended(batch *RejectedError, exemplars int) {
	m.samples.Add(float64(batch.Samples - batch.Rejected()))
	m.outOfOrder.Add(float64(batch.OutOfOrder))
	m.duplicate.Add(float64(batch.Duplicate))
	m.invalid.Add(float64(batch.Invalid))
	m.exemplar.Add(float64(exemplars))
}
