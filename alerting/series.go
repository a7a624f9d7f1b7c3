package alerting

import (
	"context"
	"fmt"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
)

// The series in which Prometheus shows alerts.
const (
	alertsSeries   = "ALERTS"           // 1 while pending or firing
	forStateSeries = "ALERTS_FOR_STATE" // Unix seconds of when it became active
	alertNameLabel = "alertname"
	stateLabel     = "alertstate"
)

// alertSeries are the series of active alerts that the store holds.
type alertSeries struct {
	live map[string]*liveSeries
	last int64
}

type liveSeries struct {
	metric.Series
	seen bool
}

// expose appends a sample of every active alert's series, and ends those of alerts
// that are not active any more. What fails is made good by the next evaluation.
func (e *Evaluator) expose(ctx context.Context, now time.Time) error {
	if e.cfg.Append == nil {
		return nil
	}
	s := &e.series
	at := max(now.UnixMilli(), s.last+1)
	for _, l := range s.live {
		l.seen = false
	}
	var samples []metric.Sample
	put := func(id string, labels func() metric.Labels, v float64) {
		l := s.live[id]
		if l == nil {
			l = &liveSeries{Series: metric.Series{Labels: labels()}}
			s.live[id] = l
		}
		l.seen = true
		samples = append(samples, metric.Sample{Series: &l.Series, T: at, V: v})
	}
	for k, a := range e.alerts {
		if !a.active() || k.SLO == Test {
			continue
		}
		id := fmt.Sprint(k)
		put(id+" "+string(a.State), func() metric.Labels { return k.labels(alertsSeries, stateLabel, string(a.State)) }, 1)
		put(id, func() metric.Labels { return k.labels(forStateSeries) }, float64(a.ActiveAt.UnixMilli())/1000)
	}
	var ended []string
	for id, l := range s.live {
		if !l.seen {
			samples = append(samples, metric.Sample{Series: &l.Series, T: at, V: metric.Stale})
			ended = append(ended, id)
		}
	}
	if len(samples) == 0 {
		return nil
	}
	s.last = at
	if err := e.cfg.Append(ctx, samples); err != nil {
		return fmt.Errorf("append alert series: %w", err)
	}
	for _, id := range ended {
		delete(s.live, id)
	}
	return nil
}

// labels are the labels of an alert, as Prometheus would give them.
func (k Key) labels(name string, more ...string) metric.Labels {
	return metric.NewLabels(name, append([]string{
		alertNameLabel, k.Name(),
		metric.Team, k.Function.Team(), metric.Project, k.Function.Project(), metric.Function, k.Function.Base(),
		metric.SLO, k.SLO, slo.ClassLabel, string(k.Class), slo.SeverityLabel, k.Class.Severity(),
		slo.WindowLabel, k.Window, slo.SLOWindowLabel, k.SLOWindow,
	}, more...)...)
}
