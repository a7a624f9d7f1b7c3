package collector

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"hadron/collector/metric"
	"hadron/runtime/invocation"
)

// maxOwn bounds the series of own metrics of one function, over all its versions;
// past it, as past invocation.MaxSeries in one version, label values become other.
const maxOwn = 1000

// mostSeries bounds those of one version, its overflow series among them.
const mostSeries = invocation.MaxSeries + invocation.MaxMetricNames

// dropReasons gives the counters of dropped measurements their places.
var dropReasons = [...]string{invocation.DropSeries, invocation.DropNames, invocation.DropValue, invocation.DropInvalid}

// own is what one version counted itself. Guarded by the lock of its function.
type own struct {
	kinds  map[string]invocation.MeasureKind
	series map[string]*ownSeries // by ownKey behind the name
	hosts  map[string]*hostSeries
}

type ownSeries struct {
	key   key
	kind  kind
	value float64
	hist  ownHistogram
}

type hostSeries struct {
	codes map[string]uint64
	hist  ownHistogram
}

// Record takes what a version counted since the last time. None of it is trusted:
// it may come from a process that ran the function. What is of no version with
// living series is dropped, and so is what a function may not write.
func (c *Collector) Record(m invocation.Measures) {
	c.measured(m)
	c.mu.RLock()
	t := c.byName[m.Version.Name]
	c.mu.RUnlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.versions[m.Version.Version]
	if h == nil || h.asleep.Load() {
		return
	}
	for i := range m.Series {
		if i >= mostSeries {
			t.drop(invocation.DropInvalid, uint64(len(m.Series)-mostSeries))
			break
		}
		t.measure(h, &m.Series[i])
	}
	for i := range m.Fetches {
		if i >= (invocation.MaxHosts+1)*len(invocation.FetchCodes) {
			break
		}
		h.own.fetched(&m.Fetches[i])
	}
	for _, d := range m.Dropped[:min(len(m.Dropped), len(dropReasons))] {
		t.drop(d.Reason, min(d.Count, 1<<40))
	}
}

func (t *tracked) drop(reason string, n uint64) {
	if at := slices.Index(dropReasons[:], reason); at >= 0 {
		if t.dropped == nil {
			t.dropped = new([len(dropReasons)]uint64)
		}
		t.dropped[at] += n
	}
}

// measure counts one measure of h's version. The caller holds t.mu.
func (t *tracked) measure(h *Handle, m *invocation.Measure) {
	if m.Validate() != nil {
		t.drop(invocation.DropInvalid, 1)
		return
	}
	o := &h.own
	known, named := o.kinds[m.Name]
	switch {
	case named && known != m.Kind:
		t.drop(invocation.DropInvalid, 1)
		return
	case !named && len(o.kinds) >= invocation.MaxMetricNames:
		t.drop(invocation.DropNames, 1)
		return
	case !named:
		if o.kinds == nil {
			o.kinds, o.series = map[string]invocation.MeasureKind{}, map[string]*ownSeries{}
		}
		o.kinds[m.Name] = m.Kind
	}
	labels := ownKey(m.Labels, "")
	s := o.series[m.Name+labels]
	if s == nil && (len(o.series) >= invocation.MaxSeries || t.ownCount() >= maxOwn) && len(m.Labels) > 0 {
		t.drop(invocation.DropSeries, 1)
		labels = ownKey(m.Labels, invocation.Other)
		if s = o.series[m.Name+labels]; s == nil && len(o.series) >= mostSeries {
			return
		}
	}
	if s == nil {
		s = &ownSeries{key: key{name: m.Name, version: h.id.Version, label: labels}}
		s.kind = map[invocation.MeasureKind]kind{
			invocation.MeasureCounter: counter, invocation.MeasureGauge: gauge, invocation.MeasureHistogram: histo,
		}[m.Kind]
		o.series[m.Name+labels] = s
	}
	fits := true
	switch m.Kind {
	case invocation.MeasureCounter:
		if fits = s.value+m.Value <= math.MaxFloat64; fits {
			s.value += m.Value
		}
	case invocation.MeasureGauge:
		s.value = m.Value
	case invocation.MeasureHistogram:
		fits = s.hist.merge(m.Histogram)
	}
	if !fits {
		t.drop(invocation.DropInvalid, 1)
	}
}

// ownCount is the number of own series of all versions.
func (t *tracked) ownCount() int {
	n := 0
	for _, h := range *t.handles.Load() {
		n += len(h.own.series)
	}
	return n
}

func (o *own) fetched(f *invocation.Fetch) {
	if f.Validate() != nil {
		return
	}
	host := f.Host
	s := o.hosts[host]
	if s == nil && len(o.hosts) >= invocation.MaxHosts {
		host = invocation.Other
		s = o.hosts[host]
	}
	if s == nil {
		if o.hosts == nil {
			o.hosts = map[string]*hostSeries{}
		}
		s = &hostSeries{codes: map[string]uint64{}}
		o.hosts[host] = s
	}
	if s.hist.merge(&f.Duration) {
		s.codes[f.Code] += f.Duration.Count
	}
}

// rows gives a version's own series.
func (o *own) rows(h *Handle, put func(row)) {
	for _, s := range o.series {
		r := row{key: s.key, kind: s.kind, value: s.value, from: h}
		if s.kind == histo {
			r.hist = s.hist.frozen()
		}
		put(r)
	}
	for host, s := range o.hosts {
		for code, n := range s.codes {
			put(row{key: key{name: metric.Fetches, version: h.id.Version, label: host, extra: code}, value: float64(n), from: h})
		}
		put(row{key: key{name: metric.FetchTime, version: h.id.Version, label: host}, kind: histo, hist: s.hist.frozen(), from: h})
	}
}

// ownRows gives what the function has beside its versions.
func (t *tracked) ownRows(put func(row)) {
	if t.dropped != nil {
		for at, n := range t.dropped {
			if n > 0 {
				put(row{key: key{name: metric.Dropped, label: dropReasons[at]}, value: float64(n)})
			}
		}
	}
	if t.takenBack != 0 {
		put(row{key: key{name: metric.TakenBack, version: t.takenBack}, kind: gauge, value: 1})
	}
	for version := range t.quarantined {
		put(row{key: key{name: metric.Quarantined, version: version}, kind: gauge, value: 1})
	}
}

// The labels of an own series lie in its key as one string, parted by a byte that
// is in no UTF-8.
const ownPart = "\xff"

// ownKey is that string; a value that is not empty stands for all.
func ownKey(labels []invocation.Label, value string) string {
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(ownPart + l.Name + ownPart + cmp.Or(value, l.Value))
	}
	return b.String()
}

// ownPairs are names and values again, as metric.NewLabels takes them.
func ownPairs(key string) []string {
	if key == "" {
		return nil
	}
	return strings.Split(key[len(ownPart):], ownPart)
}

// ownHistogram is a cumulative histogram and its last snapshot, which is what leaves
// the lock.
type ownHistogram struct {
	invocation.Histogram
	last *frozen
}

// merge reports false, and changes nothing, where what is counted would not fit the
// store's integers any more.
func (h *ownHistogram) merge(o *invocation.Histogram) bool {
	if h.Count+o.Count > math.MaxInt64/2 || h.Sum+o.Sum > math.MaxFloat64 {
		return false
	}
	h.Merge(o)
	h.last = nil
	return true
}

func (h *ownHistogram) frozen() *frozen {
	if h.last == nil {
		h.last = &frozen{native(&h.Histogram)}
	}
	return h.last
}

// frozen is a snapshot as a row's shape.
type frozen struct{ at *metric.Histogram }

func (f *frozen) snapshot() *metric.Histogram { return f.at }

func (f *frozen) changed(since *metric.Histogram) bool { return f.at != since }

// native is a histogram as the store takes it.
func native(h *invocation.Histogram) *metric.Histogram {
	out := &metric.Histogram{Schema: h.Schema(), ZeroThreshold: invocation.ZeroLimit, ZeroCount: h.Zero, Count: h.Count, Sum: h.Sum}
	var before int64
	next := int32(0) // index behind the last bucket written
	for _, b := range h.Buckets {
		gap := b.Index - next
		if len(out.Spans) == 0 || gap > mostGapInRun {
			out.Spans = append(out.Spans, metric.Span{Offset: gap})
			gap = 0
		}
		span := &out.Spans[len(out.Spans)-1]
		for range gap {
			out.Deltas = append(out.Deltas, -before)
			before = 0
			span.Length++
		}
		span.Length++
		out.Deltas = append(out.Deltas, int64(b.Count)-before)
		before = int64(b.Count)
		next = b.Index + 1
	}
	return out
}
