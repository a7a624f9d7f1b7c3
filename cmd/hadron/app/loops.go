package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"hadron/dashgen"
	"hadron/runtime/reconcile"
)

// loopMetrics count what the loops do that keep the outside as wanted.
type loopMetrics struct {
	passes, changes, seconds *prometheus.CounterVec
	failing                  *prometheus.GaugeVec
}

func newLoopMetrics(own prometheus.Registerer) *loopMetrics {
	m := &loopMetrics{
		passes:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: dashgen.ReconcilePasses, Help: "Passes of a loop, by what came of them."}, []string{"target", "outcome"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: dashgen.ReconcileChanges, Help: "What a loop created, updated and deleted."}, []string{"target", "what"}),
		seconds: prometheus.NewCounterVec(prometheus.CounterOpts{Name: dashgen.ReconcileSeconds, Help: "Time that passes of a loop took."}, []string{"target"}),
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: dashgen.ReconcileFailing, Help: "1 while the last pass of a loop failed."}, []string{"target"}),
	}
	own.MustRegister(m.passes, m.changes, m.seconds, m.failing)
	return m
}

// begin makes a loop's series at 0, so that a rate over the first pass is right.
func (m *loopMetrics) begin(target string) {
	for _, outcome := range []string{"ok", "failed"} {
		m.passes.WithLabelValues(target, outcome)
	}
	for _, what := range []string{"created", "updated", "deleted"} {
		m.changes.WithLabelValues(target, what)
	}
	m.seconds.WithLabelValues(target)
	m.failing.WithLabelValues(target)
}

func (m *loopMetrics) observe(p reconcile.Pass) {
	outcome, failing := "ok", 0.0
	if p.Err != nil || p.Result.Failed > 0 {
		outcome, failing = "failed", 1
	}
	m.passes.WithLabelValues(p.Target, outcome).Inc()
	m.failing.WithLabelValues(p.Target).Set(failing)
	m.seconds.WithLabelValues(p.Target).Add(p.Duration.Seconds())
	m.changes.WithLabelValues(p.Target, "created").Add(float64(p.Result.Created))
	m.changes.WithLabelValues(p.Target, "updated").Add(float64(p.Result.Updated))
	m.changes.WithLabelValues(p.Target, "deleted").Add(float64(p.Result.Deleted))
}
