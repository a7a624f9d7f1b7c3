package app

import (
	"context"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"hadron/collector/metric"
)

// selfSampler writes Hadron's own series into the metric store, so that the
// platform has a dashboard like any function. What functions do is not among them:
// the collector writes that.
type selfSampler struct {
	gather   prometheus.Gatherer
	append   func(context.Context, []metric.Sample) error
	node     string
	interval time.Duration
	log      *slog.Logger
	known    map[string]*metric.Series // by name and labels
	done     chan struct{}
}

// Bounds of what is written of the process itself.
const (
	mostOwnSeries = 5000
	// leastSelfInterval is between samples of the process also where functions are
	// sampled faster: nobody looks at it that closely.
	leastSelfInterval = 5 * time.Second
)

func (s *selfSampler) start(ctx context.Context) (stop func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	s.known, s.done = map[string]*metric.Series{}, make(chan struct{})
	go func() {
		defer close(s.done)
		ticker := time.NewTicker(max(s.interval, leastSelfInterval))
		defer ticker.Stop()
		for {
			if err := s.sample(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("own series could not be written", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	return func(ctx context.Context) error {
		cancel()
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *selfSampler) sample(ctx context.Context) error {
	families, err := s.gather.Gather()
	if len(families) == 0 {
		return err // a part that cannot tell its own must not hide the others'
	}
	now := time.Now().UnixMilli()
	var samples []metric.Sample
	add := func(name string, m *dto.Metric, value float64, more ...string) {
		if series := s.series(name, m, more); series != nil && !math.IsNaN(value) {
			samples = append(samples, metric.Sample{Series: series, T: now, V: value})
		}
	}
	for _, f := range families {
		name := f.GetName()
		if strings.HasPrefix(name, "go_gc_") || strings.HasPrefix(name, "go_sched_") {
			continue
		}
		for _, m := range f.GetMetric() {
			switch {
			case m.Counter != nil:
				add(name, m, m.Counter.GetValue())
			case m.Gauge != nil:
				add(name, m, m.Gauge.GetValue())
			case m.Untyped != nil:
				add(name, m, m.Untyped.GetValue())
			case m.Summary != nil:
				add(name+"_sum", m, m.Summary.GetSampleSum())
				add(name+"_count", m, float64(m.Summary.GetSampleCount()))
			case m.Histogram != nil:
				add(name+"_sum", m, m.Histogram.GetSampleSum())
				add(name+"_count", m, float64(m.Histogram.GetSampleCount()))
				for _, b := range m.Histogram.GetBucket() {
					add(name+"_bucket", m, float64(b.GetCumulativeCount()), "le", strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64))
				}
			}
		}
	}
	return s.append(ctx, samples)
}

// series is the one of a name and labels; nil where there are too many.
func (s *selfSampler) series(name string, m *dto.Metric, more []string) *metric.Series {
	var key strings.Builder
	key.WriteString(name)
	pairs := append([]string{metric.Job, metric.JobValue, metric.Instance, s.node}, more...)
	for _, l := range m.GetLabel() {
		pairs = append(pairs, l.GetName(), l.GetValue())
	}
	for _, p := range pairs {
		key.WriteString("\x00" + p)
	}
	series := s.known[key.String()]
	if series == nil && len(s.known) < mostOwnSeries {
		series = &metric.Series{Labels: metric.NewLabels(name, pairs...)}
		s.known[key.String()] = series
	}
	return series
}
