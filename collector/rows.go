package collector

import (
	"time"

	"hadron/collector/metric"
	"hadron/runtime/invocation"
)

// kind is how a series moves.
type kind uint8

const (
	counter kind = iota
	gauge
	histo
)

// row is one series as it stands now, by the names it has within its function.
type row struct {
	key
	kind  kind
	value float64
	hist  shape   // where kind is histo
	from  *Handle // nil: the function's own
}

// shape is a histogram that rows can be made of.
type shape interface {
	snapshot() *metric.Histogram
	changed(since *metric.Histogram) bool
}

// key names a series within its function: version 0 and empty labels are absent.
type key struct {
	name    string
	version int
	label   string // the value of its family's label; of a function's own metric all labels, see ownKey
	extra   string // the value of its family's second label
}

// family is what is said of a metric beside its values.
type family struct {
	kind      kind
	versioned bool
	label     string // of its own, or empty
	help      string
	extra     string // another label of its own, or empty
}

// families are the series that this package writes; metric says what each means.
var families = map[string]family{
	metric.Invocations: {counter, true, metric.Trigger, "Invocations handed to the function, whatever their outcome.", ""},
	metric.Errors:      {counter, true, metric.CodeName, "Invocations that ended in an error, by code.", ""},
	metric.Timeouts:    {counter, true, "", "Invocations that ran over the function's timeout.", ""},
	metric.NearTimeout: {counter, true, "", "Invocations that ended in time with over 80 % of limits.timeout gone.", ""},
	metric.ColdStarts:  {counter, true, "", "Invocations that a VM was made for.", ""},
	metric.Duration:    {histo, true, "", "Time of an invocation to its last byte; of a streamed one to its head.", ""},
	metric.Init:        {histo, true, "", "Time of evaluating the module at a cold start.", ""},
	metric.CPU:         {counter, true, "", "Time inside the VM, waits excluded.", ""},
	metric.InFlight:    {gauge, true, "", "Invocations that have not ended.", ""},
	metric.Queue:       {counter, true, "", "Time that invocations waited for a VM.", ""},
	metric.Background:  {counter, true, "", "Failures of work that waitUntil held after the response.", ""},
	metric.LimitHits:   {counter, true, metric.Limit, "Invocations that ran into a limit, whether or not it ended them.", ""},
	metric.Events:      {counter, true, metric.SLO, "Events that count for the objective: invocations.", ""},
	metric.BadEvents:   {counter, true, metric.SLO, "Events that broke the objective.", ""},
	metric.Info:        {gauge, true, metric.AliasOf, "1 for each version that an alias names.", ""},
	metric.Deployments: {counter, true, "", "Changes of what live sends to versions, by the version that gained most.", ""},
	metric.Objective:   {gauge, false, metric.SLO, "Share of events that must be good.", metric.Window},
	metric.Threshold:   {gauge, false, metric.SLO, "Duration over which an event is bad, of latency objectives.", ""},
	metric.Concurrency: {gauge, false, "", "Invocations that the function may have at once.", ""},
	metric.Fetches:     {counter, true, metric.Host, "Outgoing requests of the function, by what came back.", metric.CodeName},
	metric.FetchTime:   {histo, true, metric.Host, "Time of an outgoing request to its response's head.", ""},
	metric.Dropped:     {counter, false, metric.Reason, metric.DroppedHelp, ""},
	metric.TakenBack:   {gauge, true, "", "1 while the last deployment of the function, of this version, is one that failed.", ""},
	metric.Quarantined: {gauge, true, "", "1 while the version is not run, because it ends the workers it runs in.", ""},
	metric.Refused:     {counter, false, metric.CodeName, "Calls refused before a function was called, by code.", ""},
}

// rows calls put for each series that the function has now. The caller holds t.mu.
func (t *tracked) rows(put func(row)) {
	for _, h := range *t.handles.Load() {
		h.rows(put)
	}
	if r := t.refused.Load(); r != nil {
		for at := range r {
			if n := r[at].Load(); n > 0 {
				put(row{key: key{name: metric.Refused, label: string(refusalCodes[at])}, value: float64(n)})
			}
		}
	}
	for _, m := range t.moves {
		put(row{key: key{name: metric.Deployments, version: m.version}, value: float64(m.times)})
	}
	t.ownRows(put)
	if !t.applied || len(*t.handles.Load()) == 0 { // unknown, or at rest
		return
	}
	for _, o := range t.promise.objectives {
		put(row{key: key{name: metric.Objective, label: o.Name, extra: t.promise.window}, kind: gauge, value: o.Ratio})
		if o.Threshold > 0 {
			put(row{key: key{name: metric.Threshold, label: o.Name}, kind: gauge, value: o.Threshold.Seconds()})
		}
	}
	put(row{key: key{name: metric.Concurrency}, kind: gauge, value: float64(t.promise.concurrency)})
	for _, a := range t.aliases {
		for _, w := range a.Weights {
			put(row{key: key{name: metric.Info, version: w.Version, label: a.Name}, kind: gauge, value: 1})
		}
	}
}

// rows gives what an alias makes exist from registration, and the rest from its
// first use. Parts are read before their whole.
func (h *Handle) rows(put func(row)) {
	v := h.id.Version
	count := func(name, label string, n uint64, always bool) {
		if n > 0 || always {
			put(row{key: key{name: name, version: v, label: label}, value: float64(n), from: h})
		}
	}
	seconds := func(name string, n int64) {
		if n > 0 {
			put(row{key: key{name: name, version: v}, value: time.Duration(n).Seconds(), from: h})
		}
	}
	for at, code := range errorCodes {
		n := h.errors[at].Load()
		count(metric.Errors, string(code), n, false)
		if at == timeoutAt {
			count(metric.Timeouts, "", n, false)
		}
	}
	called := h.aliased || h.invocations() > 0
	for _, o := range *h.slo.Load() {
		bad := o.bad.Load()
		count(metric.BadEvents, o.name, bad, called)
		count(metric.Events, o.name, o.events.Load(), called)
	}
	for at, name := range triggerNames {
		count(metric.Invocations, string(name), h.triggers[at].Load(), at == 0 && h.aliased)
	}
	count(metric.ColdStarts, "", h.cold.Load(), false)
	count(metric.NearTimeout, "", h.near.Load(), false)
	count(metric.Background, "", h.background.Load(), false)
	for at := range h.hits {
		count(metric.LimitHits, invocation.HitName(at), h.hits[at].Load(), false)
	}
	seconds(metric.CPU, h.cpu.Load())
	seconds(metric.Queue, h.queue.Load())
	if n := h.inFlight.Load(); n > 0 || h.invocations() > 0 {
		put(row{key: key{name: metric.InFlight, version: v}, kind: gauge, value: float64(n), from: h})
	}
	if h.invocations() > 0 {
		put(row{key: key{name: metric.Duration, version: v}, kind: histo, hist: &h.duration, from: h})
	}
	if in := h.init.Load(); in != nil {
		put(row{key: key{name: metric.Init, version: v}, kind: histo, hist: in, from: h})
	}
	h.own.rows(h, put)
}
