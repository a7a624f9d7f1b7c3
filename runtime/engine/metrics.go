package engine

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	registerer prometheus.Registerer
	discarded  *prometheus.CounterVec
	made       prometheus.Counter
	dropped    prometheus.Counter
	evicted    prometheus.Counter
	all        []prometheus.Collector
}

// Reasons for which a VM is not used again.
const (
	reasonInterrupted = "interrupted"
	reasonPanic       = "panic"
	reasonOverflow    = "stack_overflow"
	reasonStalled     = "stalled"
	reasonInit        = "init_failed"
	reasonFresh       = "isolation_request"
)

func newMetrics(registerer prometheus.Registerer, e *Engine) (*metrics, error) {
	m := &metrics{
		registerer: registerer,
		discarded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_engine_vms_discarded_total", Help: "VMs that were not used again after an invocation.",
		}, []string{"reason"}),
		made:    prometheus.NewCounter(prometheus.CounterOpts{Name: "hadron_engine_vms_made_total", Help: "VMs made."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "hadron_engine_console_dropped_total", Help: "Console lines over an invocation's bound."}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{Name: "hadron_engine_memory_evictions_total", Help: "Calls ended because the memory of the process ran out."}),
	}
	for _, reason := range []string{reasonInterrupted, reasonPanic, reasonOverflow, reasonStalled, reasonInit, reasonFresh} {
		m.discarded.WithLabelValues(reason)
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	m.all = []prometheus.Collector{
		m.discarded, m.made, m.dropped, m.evicted,
		gauge("hadron_engine_vms", "VMs alive, idle ones included.", func() float64 { n, _, _ := e.pool.count(); return float64(n) }),
		gauge("hadron_engine_vms_idle", "Warm VMs that wait for a call.", func() float64 { _, n, _ := e.pool.count(); return float64(n) }),
		gauge("hadron_engine_waiting", "Invocations that wait for a VM.", func() float64 { _, _, n := e.pool.count(); return float64(n) }),
		gauge("hadron_engine_vms_abandoned", "VMs that could not be stopped and still run.", func() float64 { return float64(e.abandoned.Load()) }),
		gauge("hadron_engine_programs", "Compiled versions kept.", func() float64 { return float64(e.programs.count()) }),
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
