package collector

import (
	"math"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"hadron/collector/metric"
)

// A Collector is a prometheus.Collector: it serves the same series for /metrics,
// without job and instance, which the scraper adds. Histograms are native, with
// one classic bucket per doubling for those who cannot read them.
var _ prometheus.Collector = (*Collector)(nil)

func descriptions() map[string]*prometheus.Desc {
	out := map[string]*prometheus.Desc{}
	for name, f := range families {
		labels := []string{metric.Team, metric.Project, metric.Function}
		if f.versioned {
			labels = append(labels, metric.Version)
		}
		if f.label != "" {
			labels = append(labels, f.label)
		}
		if f.extra != "" {
			labels = append(labels, f.extra)
		}
		out[name] = prometheus.NewDesc(name, f.help, labels, nil)
	}
	return out
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	var rows []row
	for _, t := range c.functions() {
		rows = rows[:0]
		t.mu.Lock()
		t.rows(func(r row) { rows = append(rows, r) })
		t.mu.Unlock()
		for _, r := range rows {
			if _, known := families[r.name]; known { // own metrics are ownExposition's
				ch <- c.constant(t, r)
			}
		}
	}
	for at := range c.unknown {
		if n := c.unknown[at].Load(); n > 0 {
			ch <- prometheus.MustNewConstMetric(c.descs[metric.Refused], prometheus.CounterValue, float64(n), "", "", "", string(refusalCodes[at]))
		}
	}
}

// constant is a row as client_golang exposes it.
func (c *Collector) constant(t *tracked, r row) prometheus.Metric {
	f := families[r.name]
	values := []string{t.name.Team(), t.name.Project(), t.name.Base()}
	if f.versioned {
		values = append(values, strconv.Itoa(r.version))
	}
	if f.label != "" {
		values = append(values, r.label)
	}
	if f.extra != "" {
		values = append(values, r.extra)
	}
	return expose(c.descs[r.name], r, values)
}

// expose is a row under its description.
func expose(desc *prometheus.Desc, r row, values []string) prometheus.Metric {
	switch r.kind {
	case histo:
		return nativeHistogram{desc: desc, labels: prometheus.MakeLabelPairs(desc, values), at: r.hist.snapshot()}
	case gauge:
		return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, r.value, values...)
	default:
		return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, r.value, values...)
	}
}

// nativeHistogram is a snapshot as client_golang exposes it.
type nativeHistogram struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	at     *metric.Histogram
}

// Desc implements prometheus.Metric.
func (n nativeHistogram) Desc() *prometheus.Desc { return n.desc }

// Classic buckets are doublings from 2^-10 s, about a millisecond, to 64 s.
const (
	classicFrom = -10
	classicTo   = 6
)

// Write implements prometheus.Metric.
func (n nativeHistogram) Write(m *dto.Metric) error {
	m.Label = n.labels
	h := &dto.Histogram{
		SampleCount: new(n.at.Count), SampleSum: new(n.at.Sum),
		Schema: new(n.at.Schema), ZeroThreshold: new(n.at.ZeroThreshold), ZeroCount: new(n.at.ZeroCount),
		PositiveDelta: n.at.Deltas,
	}
	for _, s := range n.at.Spans {
		h.PositiveSpan = append(h.PositiveSpan, &dto.BucketSpan{Offset: new(s.Offset), Length: new(s.Length)})
	}
	if len(h.PositiveSpan) == 0 {
		h.PositiveSpan = []*dto.BucketSpan{{Offset: new(int32), Length: new(uint32)}} // says that it is native
	}
	h.Bucket = classic(n.at)
	m.Histogram = h
	return nil
}

// classic sums native buckets up to each doubling, whose bounds are native ones.
func classic(h *metric.Histogram) []*dto.Bucket {
	out := make([]*dto.Bucket, 0, classicTo-classicFrom+1)
	cumulative, count, index, delta := h.ZeroCount, int64(0), int32(0), 0
	next := classicFrom
	upTo := func(native int32) { // close the classic buckets below this native one
		for ; next <= classicTo && native > int32(next*perOctave); next++ {
			out = append(out, &dto.Bucket{CumulativeCount: new(cumulative), UpperBound: new(math.Exp2(float64(next)))})
		}
	}
	for _, s := range h.Spans {
		index += s.Offset
		for range s.Length {
			upTo(index)
			count += h.Deltas[delta]
			cumulative += uint64(count)
			delta++
			index++
		}
	}
	upTo(math.MaxInt32)
	return out
}
