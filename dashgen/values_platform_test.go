package dashgen_test

import (
	"testing"
	"testing/synctest"
	"time"

	"hadron/collector/metric"
	"hadron/dashgen"
)

// own is one of Hadron's own series: what a gauge is on the first node, or how much a
// counter grows there each second. On the second node it is twice that.
type own struct {
	name   string
	labels []string
	value  float64
}

// ofNodes are those of a gauge and a counter on two nodes together.
func ofNodes(v float64) float64 { return 3 * v }

var ownGauges = []own{
	{"process_start_time_seconds", nil, 1.7e9},
	{"hadron_versions_quarantined", nil, 1},
	{"hadron_outbox_messages", nil, 4},
	{"hadron_outbox_dead_letters", nil, 2},
	{"hadron_workers", nil, 7},
	{"hadron_workers_blank", nil, 2},
	{"hadron_workers_slowed", nil, 1},
	{"hadron_worker_memory_bytes", []string{metric.Team, "shop"}, 3e7},
	{"hadron_worker_memory_bytes", []string{metric.Team, "ops"}, 1e7},
	{"hadron_engine_vms", nil, 40},
	{"hadron_engine_vms_idle", nil, 30},
	{"hadron_engine_waiting", nil, 5},
	{"hadron_engine_vms_abandoned", nil, 3},
	{"hadron_alerts_firing", nil, 6},
	{"hadron_incidents_open", nil, 8},
	{dashgen.DashboardStates, []string{"state", "ready"}, 90},
	{dashgen.DashboardStates, []string{"state", "pending"}, 9},
	{dashgen.DashboardStates, []string{"state", "failed"}, 1},
	{dashgen.DashboardStates, []string{"state", "drifted"}, 2},
	{dashgen.ReconcileFailing, []string{"target", "grafana"}, 1},
	{dashgen.ReconcileFailing, []string{"target", "pagerduty"}, 0},
	{"hadron_rollouts_active", nil, 11},
	{"prometheus_tsdb_head_series", nil, 5000},
	{"hadron_collector_series", nil, 4000},
	{"process_resident_memory_bytes", nil, 2e8},
	{"go_memstats_heap_inuse_bytes", nil, 1e8},
	{"go_goroutines", nil, 300},
	{"process_open_fds", nil, 60},
}

var ownCounters = []own{
	{"hadron_tsdb_samples_appended_total", nil, 2000},
	{"hadron_tsdb_samples_rejected_total", []string{metric.Reason, "too_old"}, 0.5},
	{"hadron_tsdb_samples_rejected_total", []string{metric.Reason, "twice"}, 0.25},
	{"hadron_worker_deaths_total", nil, 0.25},
	{"hadron_workers_evicted_total", nil, 0.5},
	{"hadron_engine_vms_made_total", nil, 4},
	{"hadron_engine_vms_discarded_total", nil, 3},
	{"hadron_log_dropped_total", nil, 10},
	{"hadron_worker_log_dropped_total", nil, 20},
	{"hadron_alert_evaluation_seconds_sum", nil, 0.1},
	{"hadron_alert_evaluation_seconds_count", nil, 0.5},
	{"hadron_alert_evaluation_failures_total", []string{"part", "query"}, 0.125},
	{"hadron_outbox_attempts_total", []string{"outcome", "delivered"}, 2},
	{"hadron_outbox_attempts_total", []string{"outcome", "failed"}, 1},
	{"hadron_outbox_delivery_seconds_sum", nil, 6},
	{"hadron_outbox_delivery_seconds_count", nil, 2},
	{dashgen.ReconcilePasses, []string{"target", "grafana", "outcome", "failed"}, 0.25},
	{dashgen.ReconcilePasses, []string{"target", "grafana", "outcome", "unchanged"}, 0.75},
	{dashgen.ReconcilePasses, []string{"target", "pagerduty", "outcome", "unchanged"}, 0.5},
	{dashgen.ReconcileSeconds, []string{"target", "grafana"}, 3},
	{dashgen.ReconcileSeconds, []string{"target", "pagerduty"}, 0.25},
	{dashgen.ReconcileChanges, []string{"target", "grafana", "what", "created"}, 5},
	{dashgen.ReconcileChanges, []string{"target", "grafana", "what", "deleted"}, 1},
	{dashgen.GrafanaCalls, []string{"code", "2xx"}, 80},
	{dashgen.GrafanaCalls, []string{"code", "429"}, 2},
	{"prometheus_rule_evaluation_duration_seconds_sum", nil, 0.1},
	{"prometheus_rule_evaluation_failures_total", nil, 0.5},
	{"prometheus_rule_group_iterations_missed_total", nil, 0.25},
	{"hadron_prometheus_api_requests_total", []string{"endpoint", "query", "status", "200"}, 30},
	{"hadron_prometheus_api_queries_refused_total", nil, 3},
	{"prometheus_tsdb_compactions_total", nil, 0.5},
	{"prometheus_tsdb_compactions_failed_total", nil, 0.25},
	{"process_cpu_seconds_total", nil, 0.75},
}

// platform writes Hadron's own series of two nodes for a while, and somebody else's of
// the same names, which no panel may count.
func (w *traffic) platform(d time.Duration) {
	w.t.Helper()
	type line struct {
		series       *metric.Series
		value, grows float64
	}
	var lines []line
	add := func(s own, grows bool, job, node string, times float64) {
		labels := append([]string{metric.Job, job, metric.Instance, node}, s.labels...)
		one := line{series: &metric.Series{Labels: metric.NewLabels(s.name, labels...)}}
		if grows {
			one.grows = times * s.value
		} else {
			one.value = times * s.value
		}
		lines = append(lines, one)
	}
	for grows, all := range map[bool][]own{false: ownGauges, true: ownCounters} {
		for _, s := range all {
			add(s, grows, metric.JobValue, "node-1", 1)
			add(s, grows, metric.JobValue, "node-2", 2)
			add(s, grows, "somebody else's", "node-3", 1000)
		}
	}
	for range int(d / interval) {
		time.Sleep(interval)
		w.now = time.Now()
		samples := make([]metric.Sample, len(lines))
		for i := range lines {
			lines[i].value += lines[i].grows * interval.Seconds()
			samples[i] = metric.Sample{Series: lines[i].series, T: w.now.UnixMilli(), V: lines[i].value}
		}
		if err := w.db.Append(w.t.Context(), samples); err != nil {
			w.t.Fatal(err)
		}
	}
}

// ofPlatform says what every panel is to show of them.
func ofPlatform() expectations {
	is := func(pairs ...any) func() []want {
		var out []want
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, single(pairs[i].(string), pairs[i+1].(float64)))
		}
		return func() []want { return out }
	}
	each := func(values map[string]float64) func() []want {
		return func() []want { return []want{exactly(values)} }
	}
	byNode := func(what string, v float64) map[string]float64 {
		return map[string]float64{what + "node-1": v, what + "node-2": 2 * v}
	}
	const window = 15 * 60.0 // seconds
	return expectations{
		"Nodes":               is("nodes", 2.0),
		"Quarantined":         is("quarantined", ofNodes(1)),
		"Messages waiting":    is("messages waiting", ofNodes(4)),
		"Dead letters":        is("dead letters", ofNodes(2)),
		"Failing reconcilers": is("failing reconcilers", 2.0), // one loop on each node
		"Rejected samples":    is("rejected samples", ofNodes(0.75)*window),

		"Workers":                is("of teams", ofNodes(7), "blank", ofNodes(2), "slowed", ofNodes(1)),
		"Workers lost":           is("lost", ofNodes(0.25), "made room for others", ofNodes(0.5)),
		"Memory of workers":      is("resident", ofNodes(4e7)),
		"VMs":                    is("alive", ofNodes(40), "idle", ofNodes(30), "calls waiting", ofNodes(5), "abandoned", ofNodes(3)),
		"VMs made and discarded": is("made", ofNodes(4), "discarded", ofNodes(3)),
		"Log lines dropped":      is("at the store", ofNodes(10), "in workers", ofNodes(20)),

		"Alerts and incidents": is("alerts firing", ofNodes(6), "incidents open", ofNodes(8)),
		"Evaluation":           is("mean", 0.2),
		"Evaluation failures":  is("failures", ofNodes(0.125)),
		"Delivery attempts":    each(map[string]float64{"delivered": ofNodes(2), "failed": ofNodes(1)}),
		"Time to delivery":     is("mean", 3.0),
		"Messages":             is("waiting", ofNodes(4), "given up", ofNodes(2)),

		"Passes":           each(map[string]float64{"grafana": ofNodes(0.25), "pagerduty": 0}),
		"Time of a pass":   each(map[string]float64{"grafana": 3, "pagerduty": 0.5}),
		"Changes":          each(map[string]float64{"grafana": ofNodes(6)}),
		"Dashboards":       each(map[string]float64{"ready": ofNodes(90), "pending": ofNodes(9), "failed": ofNodes(1), "drifted": ofNodes(2)}),
		"Calls of Grafana": each(map[string]float64{"2xx": ofNodes(80), "429": ofNodes(2)}),
		"Rollouts":         is("active", ofNodes(11)),

		"Samples":       is("taken", ofNodes(2000), "refused", ofNodes(0.75)),
		"Series":        is("in the head", ofNodes(5000), "of functions", ofNodes(4000)),
		"Rules":         is("evaluation", ofNodes(0.1)),
		"Rule failures": is("failed", ofNodes(0.5), "skipped", ofNodes(0.25)),
		"Queries":       is("requests", ofNodes(30), "refused", ofNodes(3)),
		"Compactions":   is("done", ofNodes(0.5), "failed", ofNodes(0.25)),

		"CPU": each(byNode("", 0.75)),
		"Memory": func() []want {
			return []want{exactly(byNode("resident ", 2e8)), exactly(byNode("heap ", 1e8))}
		},
		"Goroutines and descriptors": is("goroutines", ofNodes(300), "descriptors", ofNodes(60)),
	}
}

// TestPlatformShowsWhatWasCounted holds every query of every panel of *Platform* to known
// series of two nodes, under the test's own clock; and to zeros, where there is nothing.
func TestPlatformShowsWhatWasCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTraffic(t)
		w.now = time.Now()
		board := dashgen.ForPlatform(dashgen.Place{Installation: "test", ExternalURL: "https://hadron.example"})
		for _, row := range board.Rows {
			for _, p := range row.Panels {
				for _, q := range p.Queries {
					for word, v := range w.shown(p, q, "") {
						if v != 0 {
							t.Errorf("with nothing in the store, %q shows %q as %v", p.Title, word, v)
						}
					}
				}
			}
		}
		w.platform(20 * time.Minute)
		w.compare(board, ofPlatform())
	})
}
