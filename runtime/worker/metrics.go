package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/engine"
	"hadron/runtime/function"
)

// metrics are the pool's own, and the sums of what the engines in its workers count.
type metrics struct {
	registerer prometheus.Registerer
	adopted    prometheus.Counter
	idled      prometheus.Counter
	evicted    prometheus.Counter
	lowered    prometheus.Counter
	replaced   prometheus.Counter
	retried    prometheus.Counter
	violations prometheus.Counter
	unlogged   prometheus.Counter
	deaths     *prometheus.CounterVec
	builds     *prometheus.CounterVec
	all        []prometheus.Collector

	pool  *Pool
	known map[string]known // metrics of an engine, by name
	mu    sync.Mutex
	past  map[string]sample // counters of workers that have ended
}

type known struct {
	desc   *prometheus.Desc
	labels []string
}

const wedgedReason = "a call could not be stopped"

func newMetrics(registerer prometheus.Registerer, p *Pool) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	m := &metrics{
		registerer: registerer, pool: p, past: map[string]sample{},
		adopted:    counter("hadron_workers_adopted_total", "Workers that were given to a team."),
		idled:      counter("hadron_workers_idled_total", "Workers that were stopped because they had no calls."),
		evicted:    counter("hadron_workers_evicted_total", "Idle workers that made room for another team's."),
		lowered:    counter("hadron_workers_slowed_total", "Times that a worker took more than its share of the processors and got a lower priority."),
		replaced:   counter("hadron_workers_replaced_total", "Slowed workers that were replaced when they were calm, where a priority cannot be raised again."),
		retried:    counter("hadron_worker_calls_retried_total", "Calls sent again because their worker ended before their code ran."),
		violations: counter("hadron_worker_violations_total", "Workers ended for what they sent."),
		unlogged:   counter("hadron_worker_log_dropped_total", "Console lines dropped in workers whose server was slow."),
		deaths: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_worker_deaths_total", Help: "Workers that ended and were not told to.",
		}, []string{"reason"}),
		builds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_worker_builds_total", Help: "Modules compiled, by what came of it.",
		}, []string{"result"}),
	}
	for _, reason := range []string{"memory", "wedged", "other"} {
		m.deaths.WithLabelValues(reason)
	}
	for _, result := range []string{"built", "refused", "timeout", "crashed"} {
		m.builds.WithLabelValues(result)
	}
	m.all = []prometheus.Collector{
		m.adopted, m.idled, m.evicted, m.lowered, m.replaced, m.retried, m.violations, m.unlogged, m.deaths, m.builds, m,
		gauge("hadron_workers", "Workers that belong to a team.", func() float64 { return float64(p.Status().Workers) }),
		gauge("hadron_workers_blank", "Workers that wait for a team.", func() float64 { return float64(len(p.blanks)) }),
		gauge("hadron_workers_slowed", "Workers whose priority is lowered, because they take more than their share of the processors.",
			func() float64 { return float64(p.Status().Slowed) }),
		gauge("hadron_workers_single", "Workers that run on one processor, because their calls are many, cheap and do not fill it.",
			func() float64 { return float64(p.Status().Single) }),
		gauge("hadron_worker_memory_bytes", "Resident memory of all workers of teams; what they share is counted in each.",
			func() float64 { return float64(p.Status().RSS) }),
		gauge("hadron_versions_quarantined", "Versions that are not run because they end their worker.",
			func() float64 { return float64(len(p.Quarantined())) }),
	}
	var err error
	if m.known, err = engineMetrics(); err != nil {
		return nil, err
	}
	if registerer == nil {
		return m, nil
	}
	for _, c := range m.all {
		if err := registerer.Register(c); err != nil {
			m.unregister()
			return nil, errors.Join(errors.New("register collector"), err)
		}
	}
	return m, nil
}

func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.all {
		m.registerer.Unregister(c)
	}
}

// engineMetrics asks an engine that never runs anything what it measures: nothing
// else is believed of a worker.
func engineMetrics() (map[string]known, error) {
	g := newGatherer()
	e, err := engine.New(engine.Config{
		Bundle: func(context.Context, function.ID) (function.Bundle, error) {
			return function.Bundle{}, errors.New("nothing runs here")
		},
		Registerer: g,
	})
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its metrics: %w", err)
	}
	out := map[string]known{}
	for _, d := range g.descs() {
		name, labels, ok := described(d)
		if !ok {
			return nil, errNoDesc
		}
		out[name] = known{d, labels}
	}
	return out, e.Close(context.Background())
}

func counts(name string) bool { return strings.HasSuffix(name, "_total") }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, k := range m.known {
		ch <- k.desc
	}
}

// Collect implements prometheus.Collector: the sums over all workers.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	sums := map[string]sample{}
	add := func(s sample) {
		key := keyOf(s)
		s.Value += sums[key].Value
		sums[key] = s
	}
	m.mu.Lock()
	for _, s := range m.past {
		add(s)
	}
	m.mu.Unlock()
	for _, w := range m.pool.all() {
		if st := w.stats.Load(); st != nil {
			for _, s := range st.Metrics {
				add(s)
			}
		}
	}
	for _, s := range sums {
		k, kind := m.known[s.Name], prometheus.GaugeValue
		if counts(s.Name) {
			kind = prometheus.CounterValue
		}
		values := make([]string, len(k.labels))
		for i, name := range k.labels {
			values[i] = s.Labels[name]
		}
		if metric, err := prometheus.NewConstMetric(k.desc, kind, s.Value, values...); err == nil {
			ch <- metric
		}
	}
}

// maxPast bounds the series kept of workers that have ended.
const maxPast = 2000

// retain keeps what an ended worker counted.
func (m *metrics) retain(w *process) {
	st := w.stats.Load()
	if st == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range st.Metrics {
		if !counts(s.Name) {
			continue
		}
		key := keyOf(s)
		before, there := m.past[key]
		if !there && len(m.past) >= maxPast {
			continue
		}
		s.Value += before.Value
		m.past[key] = s
	}
}
