package collector

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector/metric"
)

// ownExposition serves functions' own metrics for /metrics. It describes none: their
// names and labels are not known before. Where two functions mean different kinds
// by one name, the first function by name is served and the others are not, since
// a page with both cannot be read; the metric store has all.
type ownExposition struct{ c *Collector }

// Describe implements prometheus.Collector.
func (ownExposition) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (e ownExposition) Collect(ch chan<- prometheus.Metric) {
	kinds := map[string]kind{}
	descs := map[string]*prometheus.Desc{}
	var rows []row
	for _, t := range e.c.functions() {
		rows = rows[:0]
		t.mu.Lock()
		for _, h := range *t.handles.Load() {
			if len(h.own.series) > 0 {
				h.own.rows(h, func(r row) { rows = append(rows, r) })
			}
		}
		t.mu.Unlock()
		for _, r := range rows {
			if _, known := families[r.name]; known {
				continue
			}
			if k, known := kinds[r.name]; known && k != r.kind {
				continue
			}
			kinds[r.name] = r.kind
			names := []string{metric.Team, metric.Project, metric.Function, metric.Version}
			values := []string{t.name.Team(), t.name.Project(), t.name.Base(), strconv.Itoa(r.version)}
			id := r.name
			for i, text := range ownPairs(r.label) {
				if i%2 == 0 {
					names = append(names, text)
					id += ownPart + text
				} else {
					values = append(values, text)
				}
			}
			desc := descs[id]
			if desc == nil {
				desc = prometheus.NewDesc(r.name, ownHelp, names, nil)
				descs[id] = desc
			}
			ch <- expose(desc, r, values)
		}
	}
}
