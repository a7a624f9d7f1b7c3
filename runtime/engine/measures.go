package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// handOverEvery is how long counts gather before they are handed over. It begins
// with the first of them, so that an engine at rest wakes nobody.
const handOverEvery = time.Second

// recorder hands over what versions counted.
type recorder struct {
	sink func(invocation.Measures)

	handing sync.Mutex // held while the sink is called: in order, and Close waits
	mu      sync.Mutex
	changed []*measures
	timer   *time.Timer
	closed  bool
}

// of returns what a version counts with; nil where nobody takes it.
func (r *recorder) of(id function.ID) *measures {
	if r.sink == nil {
		return nil
	}
	return &measures{recorder: r, id: id}
}

func (r *recorder) queue(m *measures) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.changed = append(r.changed, m)
	if r.timer == nil {
		r.timer = time.AfterFunc(handOverEvery, r.handOver)
	}
}

// handOver gives the sink what changed since the last time.
func (r *recorder) handOver() {
	r.handing.Lock()
	defer r.handing.Unlock()
	r.mu.Lock()
	changed := r.changed
	r.changed, r.timer = nil, nil
	r.mu.Unlock()
	for _, m := range changed {
		inParts(m.take(), r.sink)
	}
}

// maxPart bounds what is handed over at once, so that its frame stays far under a
// megabyte whatever names, values and buckets there are.
const maxPart = 64

// inParts hands over at most maxPart of each kind at a time.
func inParts(m invocation.Measures, sink func(invocation.Measures)) {
	for first := true; first || len(m.Series) > 0 || len(m.Fetches) > 0; first = false {
		n, f := min(len(m.Series), maxPart), min(len(m.Fetches), maxPart)
		sink(invocation.Measures{Version: m.Version, Series: m.Series[:n], Fetches: m.Fetches[:f], Dropped: m.Dropped})
		m.Series, m.Fetches, m.Dropped = m.Series[n:], m.Fetches[f:], nil
	}
}

// close hands over the last counts; what comes later is lost.
func (r *recorder) close() {
	r.mu.Lock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	r.handOver()
}

// measures are the counts of one version, of all its VMs together. It is safe for
// use by several goroutines. A nil one takes everything and keeps nothing.
type measures struct {
	recorder *recorder
	id       function.ID

	mu      sync.Mutex
	waiting bool // in the recorder's queue
	kinds   map[string]invocation.MeasureKind
	series  map[string]*series
	hosts   map[string]map[string]*invocation.Histogram // by host and code
	drops   map[string]uint64
}

// series is one set of labels of one metric.
type series struct {
	measure invocation.Measure
	changed bool
}

// kindNames are the kinds in words for a function's author.
var kindNames = map[invocation.MeasureKind]string{
	invocation.MeasureCounter: "counter", invocation.MeasureGauge: "gauge", invocation.MeasureHistogram: "histogram",
}

// meter returns what counts in one series, which exists from its first count on.
// The labels are sorted by name, and the meter's to keep. Where there is no room for
// the labels, the metric's overflow series counts; where there is none for the
// metric, nothing does.
func (m *measures) meter(kind invocation.MeasureKind, name string, labels []invocation.Label) (func(float64), error) {
	if m == nil {
		return func(float64) {}, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch known, ok := m.kinds[name]; {
	case ok && known != kind:
		return nil, fmt.Errorf("the metric %q is a %s already", name, kindNames[known])
	case !ok && len(m.kinds) >= invocation.MaxMetricNames:
		return func(float64) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.drop(invocation.DropNames)
		}, nil
	case !ok:
		if m.kinds == nil {
			m.kinds, m.series = map[string]invocation.MeasureKind{}, map[string]*series{}
		}
		m.kinds[name] = kind
	}
	var s *series
	folded := false
	return func(v float64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if s == nil {
			s, folded = m.find(kind, name, labels)
		}
		if folded {
			m.drop(invocation.DropSeries)
		}
		if s != nil {
			m.count(s, v)
		}
	}, nil
}

// find returns the series of the labels, or the overflow one, or none where even
// that has no room. The caller holds m.mu, as that of all below.
func (m *measures) find(kind invocation.MeasureKind, name string, labels []invocation.Label) (s *series, folded bool) {
	key := seriesKey(name, labels)
	if s = m.series[key]; s != nil {
		return s, false
	}
	if len(m.series) >= invocation.MaxSeries {
		labels, folded = overflow(labels), true
		key = seriesKey(name, labels)
		if s = m.series[key]; s != nil || len(m.series) >= invocation.MaxSeries+invocation.MaxMetricNames {
			return s, true
		}
	}
	s = &series{measure: invocation.Measure{Kind: kind, Name: name, Labels: labels}}
	m.series[key] = s
	return s, folded
}

func seriesKey(name string, labels []invocation.Label) string {
	if len(labels) == 0 {
		return name
	}
	var b strings.Builder
	b.WriteString(name)
	for _, l := range labels {
		b.WriteByte(0xff) // in no UTF-8
		b.WriteString(l.Name)
		b.WriteByte(0xff)
		b.WriteString(l.Value)
	}
	return b.String()
}

func overflow(labels []invocation.Label) []invocation.Label {
	out := slices.Clone(labels)
	for i := range out {
		out[i].Value = invocation.Other
	}
	return out
}

func (m *measures) count(s *series, v float64) {
	measure := &s.measure
	taken := v-v == 0 // finite, which a sum may not be
	switch {
	case !taken:
	case measure.Kind == invocation.MeasureGauge:
		measure.Value = v
	case measure.Kind == invocation.MeasureHistogram:
		if measure.Histogram == nil {
			measure.Histogram = &invocation.Histogram{}
		}
		taken = measure.Histogram.Observe(v)
	case v >= 0 && measure.Value+v <= math.MaxFloat64:
		measure.Value += v
	default:
		taken = false
	}
	if !taken {
		m.drop(invocation.DropValue)
		return
	}
	s.changed = true
	m.enqueue()
}

// fetched counts one request that went out, or was kept from it.
func (m *measures) fetched(host, code string, took time.Duration) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(host) > invocation.MaxHost {
		host = invocation.Other
	}
	codes := m.hosts[host]
	if codes == nil && len(m.hosts) >= invocation.MaxHosts {
		host = invocation.Other
		codes = m.hosts[host]
	}
	if codes == nil {
		codes = map[string]*invocation.Histogram{}
		if m.hosts == nil {
			m.hosts = map[string]map[string]*invocation.Histogram{}
		}
		m.hosts[host] = codes
	}
	h := codes[code]
	if h == nil {
		h = &invocation.Histogram{}
		codes[code] = h
	}
	h.Observe(max(0, took.Seconds()))
	m.enqueue()
}

func (m *measures) drop(reason string) {
	if m.drops == nil {
		m.drops = map[string]uint64{}
	}
	m.drops[reason]++
	m.enqueue()
}

func (m *measures) enqueue() {
	if !m.waiting {
		m.waiting = true
		m.recorder.queue(m)
	}
}

// take is what was counted since the last take.
func (m *measures) take() invocation.Measures {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = false
	out := invocation.Measures{Version: m.id}
	for _, s := range m.series {
		if !s.changed {
			continue
		}
		out.Series = append(out.Series, s.measure)
		s.changed, s.measure.Histogram = false, nil
		if s.measure.Kind == invocation.MeasureCounter {
			s.measure.Value = 0
		}
	}
	for _, host := range slices.Sorted(maps.Keys(m.hosts)) {
		for _, code := range invocation.FetchCodes {
			if h := m.hosts[host][code]; h != nil && h.Count > 0 {
				out.Fetches = append(out.Fetches, invocation.Fetch{Host: host, Code: code, Duration: *h})
				m.hosts[host][code] = &invocation.Histogram{}
			}
		}
	}
	for _, reason := range invocation.DropReasons {
		if n := m.drops[reason]; n > 0 {
			out.Dropped = append(out.Dropped, invocation.Drop{Reason: reason, Count: n})
		}
	}
	m.drops = nil
	return out
}

// errVersion is what a metric is refused with that is made where no version runs.
var errVersion = errors.New("no version runs here")

// Meter implements webapi.Host.
func (v *isolate) Meter(kind invocation.MeasureKind, name string, labels []invocation.Label) (func(float64), error) {
	if v.prog == nil {
		return nil, errVersion
	}
	return v.prog.measures.meter(kind, v.secrets.text(name), v.secrets.labels(labels))
}
