package delivery

import "github.com/prometheus/client_golang/prometheus"

// metrics are the controller's own.
type metrics struct {
	active prometheus.Gauge
	begun  *prometheus.CounterVec
	ended  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		active: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hadron_rollouts_active", Help: "Deployments under way."}),
		begun: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_rollouts_begun_total", Help: "Deployments begun, by strategy.",
		}, []string{"strategy"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_rollouts_ended_total", Help: "Deployments ended, by strategy and end.",
		}, []string{"strategy", "state"}),
	}
	if r != nil {
		r.MustRegister(m.active, m.begun, m.ended)
	}
	return m
}
