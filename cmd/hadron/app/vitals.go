package app

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"hadron/alerting/pagerduty"
	"hadron/ui/wire"
)

// shownFacts are the series that the System page shows: of which part, and as what.
// A series with labels is added up.
var shownFacts = []struct{ part, name, metric, unit string }{
	{"", "memory", "process_resident_memory_bytes", "bytes"},
	{"", "heap", "go_memstats_heap_inuse_bytes", "bytes"},
	{"", "CPU time", "process_cpu_seconds_total", "s"},
	{"", "open files", "process_open_fds", ""},
	{"", "goroutines", "go_goroutines", ""},
	{"metric store", "series", "prometheus_tsdb_head_series", ""},
	{"metric store", "chunks in memory", "prometheus_tsdb_head_chunks", ""},
	{"metric store", "blocks on disk", "prometheus_tsdb_storage_blocks_bytes", "bytes"},
	{"metric store", "write-ahead log", "prometheus_tsdb_wal_storage_size_bytes", "bytes"},
	{"metric store", "samples appended", "hadron_tsdb_samples_appended_total", "total"},
	{"metric store", "samples rejected", "hadron_tsdb_samples_rejected_total", "total"},
	{"alerting", "firing", "hadron_alerts_firing", ""},
	{"alerting", "incidents open", "hadron_incidents_open", ""},
	{"alerting", "failed evaluations", "hadron_alert_evaluation_failures_total", "total"},
	{"outbox", "messages waiting", "hadron_outbox_messages", ""},
	{"outbox", "given up", "hadron_outbox_dead_letters", ""},
	{"outbox", "attempts", "hadron_outbox_attempts_total", "total"},
	{"pagerduty", "calls", "hadron_pagerduty_calls_total", "total"},
	{"pagerduty", "calls a minute allowed", "hadron_pagerduty_limit_calls", ""},
	{"collector", "series of functions", "hadron_collector_series", ""},
	{"collector", "error groups dropped", "hadron_error_groups_dropped_total", "total"},
	{"logs", "records dropped", "hadron_log_dropped_total", "total"},
	{"delivery", "deployments under way", "hadron_rollouts_active", ""},
	{"live", "clients", "hadron_live_clients", ""},
	{"live", "subscriptions", "hadron_live_subscriptions", ""},
	{"live", "sent", "hadron_live_bytes_total", "bytes"},
	{"live", "slow clients dropped", "hadron_live_slow_clients_total", "total"},
	{"live", "changes skipped for slow clients", "hadron_live_conflated_total", "total"},
}

// tellFacts adds what the process counts to the parts that it is of. A part that is
// known only by its numbers is ok.
func (a *App) tellFacts(s *wire.System) {
	families, err := a.vitals.Gather()
	if err != nil && len(families) == 0 {
		return // one series that cannot be read is no reason to show none
	}
	sums := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sums[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
		}
	}
	if a.parts.workers != nil {
		w := a.parts.workers.Status()
		part := partOf(s, "functions")
		part.Facts = append(part.Facts,
			wire.Fact{Name: "workers", Value: float64(w.Workers)}, wire.Fact{Name: "blank workers", Value: float64(w.Blank)},
			wire.Fact{Name: "calls in them", Value: float64(w.Calls)}, wire.Fact{Name: "slowed", Value: float64(w.Slowed)},
			wire.Fact{Name: "memory of workers", Value: float64(w.RSS), Unit: "bytes"},
		)
	}
	for _, shown := range shownFacts {
		value, there := sums[shown.metric]
		if !there || math.IsNaN(value) || math.IsInf(value, 0) {
			continue
		}
		facts := &s.Facts
		if shown.part != "" {
			facts = &partOf(s, shown.part).Facts
		}
		*facts = append(*facts, wire.Fact{Name: shown.name, Value: value, Unit: shown.unit})
	}
}

func partOf(s *wire.System, name string) *wire.Part {
	at := slices.IndexFunc(s.Parts, func(p wire.Part) bool { return p.Name == name })
	if at < 0 {
		s.Parts = append(s.Parts, wire.Part{Name: name, State: wire.PartOK})
		at = len(s.Parts) - 1
	}
	return &s.Parts[at]
}

func (a *App) reconcilers() []wire.Reconciler {
	out := make([]wire.Reconciler, len(a.operations.loops))
	for i, loop := range a.operations.loops {
		s := loop.Status()
		done, of, waits := 0, 0, ""
		if s.Target == pagerduty.TargetName {
			g := a.operations.pager.Progress()
			done, of, waits = g.Ready+g.Disabled, g.Total, a.heldServices()
		}
		out[i] = wire.Reconciler{
			Name: s.Target, Running: s.Running, LastError: s.LastError, Failures: s.Failures,
			LastPass: when(s.LastPass), LastSuccess: when(s.LastSuccess), NextAttempt: when(s.NextAttempt),
			Done: done, Of: of, Waits: waits,
			Created: s.Result.Created, Updated: s.Result.Updated, Deleted: s.Result.Deleted, Unchanged: s.Result.Unchanged, Failed: s.Result.Failed,
		}
	}
	return out
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// settings are the bounds of the configuration, read off its own tags. Only groups
// that hold no secret are read.
func (a *App) settings() []wire.Setting {
	var out []wire.Setting
	for _, group := range []struct {
		prefix string
		config any
	}{
		{"limits", a.cfg.Limits},
		{"workers", a.cfg.Workers},
		{"quotas", a.cfg.Quotas},
		{"retention", a.cfg.Retention},
		{"metrics", a.cfg.Metrics},
		{"ingest", a.cfg.Ingest},
		{"logs", a.cfg.Logs},
		{"alerting", a.cfg.Alerting},
	} {
		value := reflect.ValueOf(group.config)
		for _, f := range reflect.VisibleFields(value.Type()) {
			if !isBound(f.Type) {
				continue
			}
			name := f.Tag.Get("name")
			if name == "" {
				name = kebab(f.Name)
			}
			out = append(out, wire.Setting{
				Key: group.prefix + "." + strings.ReplaceAll(name, "-", "_"), Value: fmt.Sprint(value.FieldByIndex(f.Index).Interface()), Help: f.Tag.Get("help"),
			})
		}
	}
	return out
}

// isBound tells numbers, sizes and times from names, addresses and files, which are
// nobody's business here.
func isBound(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return true
	default:
		return false
	}
}

// kebab is how a flag names a field: InFlight is in-flight.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
