package collector

import (
	"sync"
	"time"

	"hadron/runtime/function"
)

// promise is what a manifest asks of its function, worked out once for all functions
// whose manifests ask the same. It is never changed.
type promise struct {
	objectives []function.Objective
	allowed    allowance
	available  float64       // ratio of the availability objective
	length     time.Duration // of the SLO's window
	window     string
	// The limit beside the objectives, in invocations at once.
	concurrency int
	// The strictest latency objective; 0: none.
	target, quantile float64
}

var noPromise = new(promise)

// promises shares them.
type promises struct {
	mu    sync.Mutex
	known map[promiseKey]*promise
}

type promiseKey struct {
	slo         function.Shape
	concurrency int
}

// mostPromises bounds those that are shared; past it sharing begins anew.
const mostPromises = 1000

func (p *promises) of(m *function.Manifest) *promise {
	k := promiseKey{m.SLO.Shape(), m.Limits.Concurrency}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.known[k]
	if out == nil {
		if p.known == nil || len(p.known) >= mostPromises {
			p.known = map[promiseKey]*promise{}
		}
		out = newPromise(m)
		p.known[k] = out
	}
	return out
}

func newPromise(m *function.Manifest) *promise {
	p := &promise{
		objectives: m.SLO.Objectives(), length: time.Duration(m.SLO.Window), window: m.SLO.Window.String(),
		concurrency: m.Limits.Concurrency,
	}
	column := 0
	for _, o := range p.objectives {
		if o.Threshold == 0 {
			p.available, p.allowed.errors = o.Ratio, 1-o.Ratio
			continue
		}
		if column < maxLatencies {
			p.allowed.slow[column] = 1 - o.Ratio
			column++
		}
		if threshold := o.Threshold.Seconds(); p.target == 0 || threshold < p.target {
			p.target, p.quantile = threshold, o.Ratio
		}
	}
	return p
}
