package alerting

import "github.com/prometheus/client_golang/prometheus"

// metrics are an Evaluator's own.
type metrics struct {
	seconds     prometheus.Histogram
	failures    *prometheus.CounterVec // by what failed
	transitions *prometheus.CounterVec // by class and new state
	firing      prometheus.Gauge
	evaluated   prometheus.Gauge
	open        prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hadron_alert_evaluation_seconds", Help: "Time of one evaluation of all rules that were due.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_alert_evaluation_failures_total", Help: "Failures of evaluations, by what failed.",
		}, []string{"part"}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_alert_transitions_total", Help: "Changes of alerts, by class and new state.",
		}, []string{"class", "state"}),
		firing: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hadron_alerts_firing", Help: "Alerts that fire."}),
		evaluated: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hadron_alert_evaluated_timestamp_seconds", Help: "When an evaluation last went well throughout.",
		}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hadron_incidents_open", Help: "Incidents that are open."}),
	}
	for _, part := range []string{"list", "query", "store", "append", "panic"} {
		m.failures.WithLabelValues(part)
	}
	if r != nil {
		r.MustRegister(m.seconds, m.failures, m.transitions, m.firing, m.evaluated, m.open)
	}
	return m
}

// outboxMetrics are a Deliverer's own.
type outboxMetrics struct {
	sent    *prometheus.CounterVec // by outcome
	seconds prometheus.Histogram
	age     prometheus.Histogram
	waiting prometheus.Gauge
	beat    *prometheus.GaugeVec // by target
	dead    prometheus.Gauge
}

func newOutboxMetrics(r prometheus.Registerer) *outboxMetrics {
	m := &outboxMetrics{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_outbox_attempts_total", Help: "Attempts to deliver a message, by outcome.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hadron_outbox_attempt_seconds", Help: "Time of one attempt.", Buckets: prometheus.ExponentialBuckets(0.005, 4, 7),
		}),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hadron_outbox_delivery_seconds", Help: "Time from the change of an alert to its delivery.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 10),
		}),
		beat: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "hadron_watchdog_delivered_timestamp_seconds", Help: "When a target last took a watchdog message.",
		}, []string{"target"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hadron_outbox_messages", Help: "Messages that wait to be delivered."}),
		dead:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "hadron_outbox_dead_letters", Help: "Messages that were given up, kept with the reason."}),
	}
	for _, outcome := range []string{Delivered, Retry, Dead, Expired} {
		m.sent.WithLabelValues(outcome)
	}
	if r != nil {
		r.MustRegister(m.sent, m.seconds, m.age, m.beat, m.waiting, m.dead)
	}
	return m
}
