package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// stats is what a worker says of itself once a second.
type stats struct {
	Metrics []sample `json:"metrics,omitempty"` // of its engine, since it began
	Heap    int64    `json:"heap"`              // bytes
	Dropped int      `json:"dropped,omitempty"` // log lines since the last one
}

// sample is one series of an engine.
type sample struct {
	Name   string            `json:"n"`
	Labels map[string]string `json:"l,omitempty"`
	Value  float64           `json:"v"`
}

// Bounds of stats.
const (
	maxSamples = 500
	maxLabel   = 128
)

// descPattern reads what prometheus.Desc says of itself: there is no other way to
// its name and labels.
var descPattern = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .*variableLabels: \{(.*)\}\}$`)

// described is the name and the label names of a metric.
func described(d *prometheus.Desc) (name string, labels []string, ok bool) {
	m := descPattern.FindStringSubmatch(d.String())
	if m == nil {
		return "", nil, false
	}
	if m[2] != "" {
		labels = strings.Split(m[2], ",")
	}
	return m[1], labels, true
}

// gatherer stands in the place of a registry for an engine whose metrics are
// summed elsewhere.
type gatherer struct {
	mu  sync.Mutex
	all []prometheus.Collector
}

func newGatherer() *gatherer { return &gatherer{} }

// Register implements prometheus.Registerer.
func (g *gatherer) Register(c prometheus.Collector) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, c)
	return nil
}

// MustRegister implements prometheus.Registerer.
func (g *gatherer) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		_ = g.Register(c) // never fails
	}
}

// Unregister implements prometheus.Registerer. What an engine counted stays
// readable after its Close.
func (g *gatherer) Unregister(prometheus.Collector) bool { return true }

// descs returns what the collectors describe.
func (g *gatherer) descs() []*prometheus.Desc {
	return drainChannel(g, func(c prometheus.Collector, ch chan<- *prometheus.Desc) { c.Describe(ch) })
}

// samples returns the counters and gauges as they stand.
func (g *gatherer) samples() []sample {
	var out []sample
	for _, m := range drainChannel(g, func(c prometheus.Collector, ch chan<- prometheus.Metric) { c.Collect(ch) }) {
		name, _, ok := described(m.Desc())
		var d dto.Metric
		if !ok || m.Write(&d) != nil || len(out) == maxSamples {
			continue
		}
		s := sample{Name: name}
		switch {
		case d.Counter != nil:
			s.Value = d.Counter.GetValue()
		case d.Gauge != nil:
			s.Value = d.Gauge.GetValue()
		default:
			continue
		}
		for _, l := range d.Label {
			if s.Labels == nil {
				s.Labels = map[string]string{}
			}
			s.Labels[l.GetName()] = l.GetValue()
		}
		out = append(out, s)
	}
	return out
}

func drainChannel[T any](g *gatherer, fill func(prometheus.Collector, chan<- T)) []T {
	g.mu.Lock()
	collectors := slices.Clone(g.all)
	g.mu.Unlock()
	ch := make(chan T)
	go func() {
		defer close(ch)
		for _, c := range collectors {
			fill(c, ch)
		}
	}()
	var out []T
	for v := range ch {
		out = append(out, v)
	}
	return out
}

func (c *child) sendStats() {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s := stats{Metrics: c.gauges.samples(), Heap: int64(mem.HeapAlloc)}
	c.mu.Lock()
	s.Dropped, c.dropped = c.dropped, 0
	c.mu.Unlock()
	data, err := json.Marshal(s)
	if err != nil {
		return // a value that is no number; the next second has others
	}
	c.out.send(kindStats, 0, data)
}

// measure sends what a version counted.
func (c *child) measure(m invocation.Measures) {
	v := c.versionOf(m.Version)
	if v == nil {
		return
	}
	if data, err := json.Marshal(m); err == nil {
		c.out.send(kindMeasure, v.index, data)
	}
}

// takeStats takes STATS, within what an engine can say.
func (w *process) takeStats(f frame) error {
	w.heard.Store(time.Now().UnixNano())
	var s stats
	if err := json.Unmarshal(f.data, &s); err != nil {
		return fmt.Errorf("%w: STATS are malformed", errFrame)
	}
	known := w.pool.metrics.known
	if len(s.Metrics) > maxSamples || s.Dropped < 0 {
		return fmt.Errorf("%w: STATS are out of bounds", errFrame)
	}
	for _, m := range s.Metrics {
		desc, ok := known[m.Name]
		if !ok || len(m.Labels) != len(desc.labels) || math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			return fmt.Errorf("%w: STATS hold a metric that no engine has", errFrame)
		}
		for _, name := range desc.labels {
			if v, there := m.Labels[name]; !there || len(v) > maxLabel || !utf8.ValidString(v) {
				return fmt.Errorf("%w: STATS hold a label that no engine has", errFrame)
			}
		}
	}
	if s.Dropped > 0 {
		w.pool.metrics.unlogged.Add(float64(s.Dropped))
	}
	w.stats.Store(&s)
	return nil
}

// takeMeasures takes MEASURE: of a version that is loaded here, and no other.
func (w *process) takeMeasures(f frame) error {
	id, known, err := w.versionAt(f.stream)
	if err != nil || !known {
		return err
	}
	var m invocation.Measures
	if err := json.Unmarshal(f.data, &m); err != nil {
		return fmt.Errorf("%w: MEASURE is malformed", errFrame)
	}
	m.Version = id
	w.pool.cfg.Measure(m)
	return nil
}

// versionAt returns the version that has an index. One that was given and is no
// longer known is of a function that was deleted.
func (w *process) versionAt(index uint32) (id function.ID, known bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if index == 0 || index > w.last {
		return function.ID{}, false, fmt.Errorf("%w: an index that was never given", errFrame)
	}
	id, known = w.indexes[index]
	return id, known, nil
}

// takeLog takes LOG. Whose line it is says this side's table.
func (w *process) takeLog(f frame) error {
	id, known, err := w.versionAt(f.stream)
	if err != nil {
		return err
	}
	c := cursor{s: string(f.data)}
	r := invocation.Record{
		Time: time.Unix(0, int64(c.uint()&math.MaxInt64)), Level: invocation.Level(c.text()), Message: c.text(),
		Request: c.text(), Trace: c.text(), Function: id.Name, Version: id.Version,
	}
	fields := c.text()
	if err := c.end(); err != nil {
		return err
	}
	switch r.Level {
	case invocation.Debug, invocation.Info, invocation.Warn, invocation.Error:
	default:
		return fmt.Errorf("%w: LOG of level %q", errFrame, clip(string(r.Level), 20))
	}
	if len(r.Request) > maxLabel || len(r.Trace) > maxLabel {
		return fmt.Errorf("%w: LOG with a request of %d bytes", errFrame, len(r.Request))
	}
	if fields != "" {
		if fields[0] != '{' || !json.Valid([]byte(fields)) {
			return fmt.Errorf("%w: LOG whose fields are no object", errFrame)
		}
		r.Fields = json.RawMessage(fields)
	}
	if now := time.Now(); r.Time.After(now) || now.Sub(r.Time) > time.Minute {
		r.Time = now
	}
	if known {
		w.pool.cfg.Log(r)
	}
	return nil
}

// rss is the memory of a process that is in use, in bytes; 0 where it cannot be told.
func rss(pid int) int64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// Status is how the pool is doing.
type Status struct {
	Workers int    // that belong to teams
	Blank   int    // that wait for one
	Slowed  int    // whose priority is lowered
	Single  int    // that run on one processor: their calls are many and cheap
	Calls   int    // in them, what waitUntil holds included
	Limited string // how their memory is bounded
	Budget  function.Size
	RSS     int64 // of all workers of teams, shared pages counted in each; 0 where it cannot be told
}

// Status counts the workers.
func (p *Pool) Status() Status {
	s := Status{Blank: len(p.blanks), Limited: p.Limited(), Budget: p.cfg.Memory}
	for _, w := range p.all() {
		w.mu.Lock()
		s.Calls += w.live
		w.mu.Unlock()
		s.Workers++
		if w.usage.lowered.Load() {
			s.Slowed++
		}
		if w.usage.single.Load() {
			s.Single++
		}
		s.RSS += rss(w.cmd.Process.Pid)
	}
	return s
}

// Limited says how workers' memory is bounded: "cgroup", "rlimit" or "watchdog".
func (p *Pool) Limited() string { return limited }

var errNoDesc = errors.New("a metric of the engine does not describe itself as others do")

// keyOf names a series.
func keyOf(m sample) string {
	var b strings.Builder
	b.WriteString(m.Name)
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		b.WriteString("\xff" + name + "\xfe" + m.Labels[name])
	}
	return b.String()
}
