package app

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// ownIndex knows which metrics each function counts itself, as the metric store has
// them: after a restart, and on a node that does not run the function. It asks for
// all functions at once, since a pass over dashboards asks for each.
type ownIndex struct {
	db    *tsdb.DB
	kinds func() map[string]collector.Description // what the collector knows of names

	mu   sync.Mutex
	at   time.Time
	have map[function.Name][]dashgen.OwnMetric
}

const (
	// ownFresh is how long an answer is believed: a dashboard shows a new metric that much later.
	ownFresh = 20 * time.Second
	// ownSince is how long a metric that stopped keeps its panel.
	ownSince = time.Hour
	// mostOwnNames bounds the metric names that are looked at, of all functions.
	mostOwnNames = 5000
)

// of lists a function's own metrics. Where the store cannot tell, the last answer holds.
func (o *ownIndex) of(ctx context.Context, name function.Name) []dashgen.OwnMetric {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); now.Sub(o.at) > ownFresh {
		if have, err := o.look(ctx, now); err == nil {
			o.have = have
		}
		o.at = now
	}
	return o.have[name]
}

func (o *ownIndex) look(ctx context.Context, now time.Time) (map[function.Name][]dashgen.OwnMetric, error) {
	names, err := o.db.LabelValues(ctx, metric.Name, now.Add(-ownSince), now)
	if err != nil {
		return nil, err
	}
	var own []string
	for _, name := range names {
		if !platformMetric(name) && len(own) < mostOwnNames {
			own = append(own, regexp.QuoteMeta(name))
		}
	}
	out := map[function.Name][]dashgen.OwnMetric{}
	if len(own) == 0 {
		return out, nil
	}
	selector := `{__name__=~"` + strings.ReplaceAll(strings.Join(own, "|"), `\`, `\\`) + `",function!=""}`
	const each = "group by (__name__, team, project, function) "
	all, err := o.db.Query(ctx, each+"(last_over_time("+selector+"["+function.Duration(ownSince).String()+"]))", now)
	if err != nil {
		return nil, err
	}
	// A comparison with a number leaves numbers and drops histograms.
	numbers, err := o.db.Query(ctx, each+"(last_over_time("+selector+"["+function.Duration(ownSince).String()+"]) >= -Inf)", now)
	if err != nil {
		return nil, err
	}
	type key struct {
		of   function.Name
		name string
	}
	whose := func(p metric.Point) key {
		return key{function.Name(p.Labels.Get(metric.Team) + "/" + p.Labels.Get(metric.Project) + "/" + p.Labels.Get(metric.Function)), p.Labels.Get(metric.Name)}
	}
	plain := make(map[key]bool, len(numbers))
	for _, p := range numbers {
		plain[whose(p)] = true
	}
	kinds := o.kinds()
	for _, p := range all {
		k := whose(p)
		m := dashgen.OwnMetric{Name: k.name, Kind: dashgen.OwnGauge}
		known, described := kinds[k.name]
		switch {
		case !plain[k]:
			m.Kind = dashgen.OwnHistogram
		case known.Type == string(dashgen.OwnCounter), !described && strings.HasSuffix(k.name, "_total"):
			m.Kind = dashgen.OwnCounter
		}
		out[k.of] = append(out[k.of], m)
	}
	return out, nil
}

// platformMetric says that no function counts under this name: it is Hadron's, or a
// recording rule's.
func platformMetric(name string) bool {
	for _, prefix := range []string{"hadron_", "faas_", "go_", "process_", "promhttp_", "scrape_", "prometheus_", "__", "ALERTS"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.Contains(name, ":")
}

func (a *App) ownMetrics(ctx context.Context, name function.Name) []dashgen.OwnMetric {
	return a.operations.own.of(ctx, name)
}
