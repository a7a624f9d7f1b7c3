package dashgen_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/storage/tsdb"
)

// call is one invocation of the known traffic.
type call struct {
	id                     function.ID
	code                   invocation.Code
	trigger                invocation.Trigger
	took, cpu, queue, init time.Duration
	hits                   invocation.Hits
}

// second is what happens in one second: all of it is sent, second after second, so
// that every rate is known exactly.
type second struct {
	calls   []call
	refused map[function.Name][]invocation.Code
	settled map[function.ID][]invocation.Background
	counted []invocation.Measures
}

// sent is a second that was sent.
type sent struct {
	at   time.Time
	what *second
}

// traffic is a world in which everything that happened is known: the real recorder,
// store, recording rules and query engine, and a list of what they were given.
type traffic struct {
	t         *testing.T
	db        *tsdb.DB
	collector *collector.Collector
	log       []sent
	alerts    []metric.Labels   // that fire
	careful   function.Manifest // of pay; all others have the default
	now       time.Time
}

const interval = 15 * time.Second

func newTraffic(t *testing.T) *traffic {
	t.Helper()
	w := &traffic{t: t, db: open(t)}
	c, err := collector.New(collector.Config{Store: w.db, Node: "node-1", Interval: interval})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	w.collector = c
	time.Sleep(500 * time.Millisecond) // seconds are sent between the store's samples
	return w
}

// apply registers a function whose live alias has these versions.
func (w *traffic) apply(name function.Name, m function.Manifest, versions ...int) {
	f := function.Function{Name: name, Spec: m, CreatedAt: time.Now()}
	live := function.Alias{Name: function.Live}
	for _, v := range versions {
		live.Weights = append(live.Weights, function.Weight{Version: v, Weight: 1})
		f.Versions = append(f.Versions, function.Version{ID: function.ID{Name: name, Version: v}, Manifest: m})
	}
	f.Aliases = []function.Alias{live}
	w.collector.Apply(f)
}

func (w *traffic) handle(id function.ID) *collector.Handle {
	return w.collector.Handle(function.Version{ID: id})
}

// send sends the same second for a while.
func (w *traffic) send(what *second, d time.Duration) {
	for range int(d / time.Second) {
		time.Sleep(time.Second)
		w.now = time.Now()
		w.log = append(w.log, sent{w.now, what})
		for _, c := range what.calls {
			h := w.handle(c.id)
			h.Begin()
			h.Observe(c.trigger, invocation.Outcome{
				Code: c.code, Duration: c.took, CPU: c.cpu, Queue: c.queue, Cold: c.init > 0, Init: c.init, Hits: c.hits,
			})
		}
		for name, codes := range what.refused {
			for _, code := range codes {
				w.collector.Refused(name, code)
			}
		}
		for id, all := range what.settled {
			for _, b := range all {
				w.handle(id).Settled(b)
			}
		}
		for _, m := range what.counted {
			w.collector.Record(m)
		}
		w.expose()
	}
}

// expose writes the series of firing alerts, as alerting does at each evaluation.
func (w *traffic) expose() {
	if w.now.Unix()%int64(interval.Seconds()) != 0 || len(w.alerts) == 0 {
		return
	}
	var samples []metric.Sample
	for _, labels := range w.alerts {
		samples = append(samples, metric.Sample{Series: &metric.Series{Labels: labels}, T: w.now.UnixMilli(), V: 1})
	}
	if err := w.db.Append(w.t.Context(), samples); err != nil {
		w.t.Fatal(err)
	}
}

func (w *traffic) fire(name function.Name, objective string, class slo.Class, window string) {
	w.alerts = append(w.alerts, metric.NewLabels("ALERTS", "alertname", slo.AlertName, "alertstate", "firing",
		metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(),
		metric.SLO, objective, slo.ClassLabel, string(class), slo.WindowLabel, window, slo.SLOWindowLabel, "30d"))
}

// record begins to evaluate the recording rules, those that the server runs.
func (w *traffic) record() {
	groups := dashgen.Records(interval)
	for _, g := range slo.Groups([]time.Duration{30 * 24 * time.Hour}, interval) {
		if len(g.Records) > 0 {
			g.Alerts = nil
			groups = append(groups, g)
		}
	}
	if err := w.db.SetRules(slo.Render(groups), interval); err != nil {
		w.t.Fatal(err)
	}
}

// which says whether a call counts.
type which func(call) bool

func of(name function.Name) which { return func(c call) bool { return c.id.Name == name } }

func failed(c call) bool { return c.code.IsError() }

func slower(d time.Duration) which { return func(c call) bool { return c.took > d } }

func (p which) and(more ...which) which {
	return func(c call) bool {
		return p(c) && !slices.ContainsFunc(more, func(m which) bool { return !m(c) })
	}
}

func (p which) version(v int) which {
	return p.and(func(c call) bool { return c.id.Version == v })
}

func isCold(c call) bool { return c.init > 0 }

// each goes through the calls of a window that ends now.
func (w *traffic) each(window time.Duration, p which, do func(call)) {
	for _, s := range slices.Backward(w.log) {
		if s.at.After(w.now) {
			continue
		}
		if !s.at.After(w.now.Add(-window)) {
			break
		}
		for _, c := range s.what.calls {
			if p(c) {
				do(c)
			}
		}
	}
}

// late is how old a recorded budget may be: five minutes of a rollup, two of a rule,
// and an interval each.
const late = 7*time.Minute + 2*interval

// ago is what a value was when recorded ones may be from.
func ago[T any](w *traffic, value func() T) T {
	now := w.now
	defer func() { w.now = now }()
	w.now = now.Add(-late)
	return value()
}

func (w *traffic) count(window time.Duration, p which) (n float64) {
	w.each(window, p, func(call) { n++ })
	return n
}

// rate is how many there were in each second of the last minute: what
// $__rate_interval is here.
func (w *traffic) rate(p which) float64 { return w.count(time.Minute, p) / 60 }

func (w *traffic) ratio(window time.Duration, p, bad which) float64 {
	if all := w.count(window, p); all > 0 {
		return w.count(window, p.and(bad)) / all
	}
	return 0
}

// total sums up something of the calls in a window.
func (w *traffic) total(window time.Duration, p which, value func(call) time.Duration) float64 {
	var sum time.Duration
	w.each(window, p, func(c call) { sum += value(c) })
	return sum.Seconds()
}

func (w *traffic) quantile(window time.Duration, q float64, p which, value func(call) time.Duration) float64 {
	var all []float64
	w.each(window, p, func(c call) { all = append(all, value(c).Seconds()) })
	return rank(all, q)
}

// rank is the value below which a share of all lie; NaN of none.
func rank(all []float64, q float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	slices.Sort(all)
	return all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
}

func took(c call) time.Duration { return c.took }

func initTime(c call) time.Duration { return c.init }

func (w *traffic) refusals(name function.Name) map[string]float64 {
	out := map[string]float64{}
	for _, code := range w.log[len(w.log)-1].what.refused[name] {
		out[string(code)]++
	}
	return out
}

func (w *traffic) background(name function.Name) (all []invocation.Background) {
	for id, list := range w.log[len(w.log)-1].what.settled {
		if id.Name == name {
			all = append(all, list...)
		}
	}
	return all
}

// cpu is what a version computes a second, after its answers as well.
func (w *traffic) cpu(p which, name function.Name, version int) float64 {
	sum := w.total(time.Minute, p.version(version), func(c call) time.Duration { return c.cpu }) / 60
	for _, b := range w.log[len(w.log)-1].what.settled[function.ID{Name: name, Version: version}] {
		sum += b.CPU.Seconds()
	}
	return sum
}

// fetches are the outgoing requests of a second with one of the codes, by host, and
// how long each took.
func (w *traffic) fetches(name function.Name, codes ...string) map[string][]float64 {
	out := map[string][]float64{}
	for _, m := range w.log[len(w.log)-1].what.counted {
		for _, f := range m.Fetches {
			if m.Version.Name == name && slices.Contains(codes, f.Code) {
				for range f.Duration.Count {
					out[f.Host] = append(out[f.Host], f.Duration.Sum/float64(f.Duration.Count))
				}
			}
		}
	}
	return out
}

// shown runs a query as Grafana and the UI do, and gives its answer by the words
// that stand beside each value: a legend, or the labels in a table's row.
func (w *traffic) shown(p dashgen.Panel, q dashgen.Query, wrap string) map[string]float64 {
	expr := q.At(map[string]string{"__rate_interval": "1m", "version": ".+", "instance": ".+", "window": "15m"})
	if wrap != "" {
		expr = wrap + "(" + expr + ")"
	}
	points, err := w.db.Query(w.t.Context(), expr, w.now)
	if err != nil {
		w.t.Fatalf("%s: %v", p.Title, err)
	}
	out := map[string]float64{}
	for _, point := range points {
		word := q.Legend
		switch {
		case p.Kind == dashgen.Table:
			var cells []string
			for _, c := range p.Columns {
				if c.Label != "" {
					cells = append(cells, point.Labels.Get(c.Label))
				}
			}
			word = strings.Join(cells, " ")
		case word == "__auto":
			word = ""
			for _, l := range point.Labels {
				word += l.Name + "=" + l.Value
			}
		default:
			for _, l := range point.Labels {
				word = strings.ReplaceAll(word, "{{"+l.Name+"}}", l.Value)
			}
		}
		if _, twice := out[word]; twice {
			w.t.Errorf("panel %q shows two values as %q", p.Title, word)
		}
		out[word] = point.V
	}
	return out
}
