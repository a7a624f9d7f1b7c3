package dashgen_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"hadron/collector/slo"
	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// want is what one query is to show, worked out from what was sent.
type want struct {
	values  map[string]float64
	earlier map[string]float64 // what they were a while ago, of what is recorded and may be late
	off     float64            // how far a value may be off, as a share of it
	least   float64            // … and at all
	wrap    string             // what is asked of a histogram
}

// exactly is for rates and counts of traffic that does not change: PromQL has them to
// the digit.
func exactly(values map[string]float64) want { return want{values: values, off: 1e-6, least: 1e-9} }

func single(word string, v float64) want { return exactly(map[string]float64{word: v}) }

// about is for windows in which the traffic changed, between two samples.
func about(values map[string]float64) want { return want{values: values, off: 0.02, least: 0.005} }

// bucket is for quantiles: the bucket that holds one is at most 9.1 % wide. What there
// is none of has no value.
func bucket(values map[string]float64) want {
	for word, v := range values {
		if math.IsNaN(v) {
			delete(values, word)
		}
	}
	return want{values: values, off: 0.0915}
}

// expectations say of every query of a panel, by its title, what it is to show.
type expectations map[string]func() []want

// compare holds every query of every panel to what is expected. A panel without an
// expectation is a failure: whoever adds one says what it is to show.
func (w *traffic) compare(board dashgen.Dashboard, all expectations) {
	w.t.Helper()
	met := map[string]bool{}
	for _, row := range board.Rows {
		for _, p := range row.Panels {
			expected, ok := all[p.Title]
			if met[p.Title] = true; !ok {
				w.t.Errorf("%s: nobody says what the panel %q is to show", board.Title, p.Title)
				continue
			}
			wants := expected()
			if len(wants) != len(p.Queries) {
				w.t.Errorf("%s: %q has %d queries, and %d are expected", board.Title, p.Title, len(p.Queries), len(wants))
				continue
			}
			for i, q := range p.Queries {
				w.check(fmt.Sprintf("%s: %s %s", board.Title, p.Title, q.RefID), wants[i], w.shown(p, q, wants[i].wrap))
			}
		}
	}
	for title := range all {
		if !met[title] {
			w.t.Errorf("%s: there is no panel %q", board.Title, title)
		}
	}
}

func (w *traffic) check(where string, expected want, got map[string]float64) {
	w.t.Helper()
	for word, v := range expected.values {
		shown, ok := got[word]
		lowest, highest := v, v
		if before, ok := expected.earlier[word]; ok {
			lowest, highest = min(v, before), max(v, before)
		}
		off := max(expected.off*math.Abs(v), expected.least)
		if !ok || shown < lowest-off || shown > highest+off {
			w.t.Errorf("%s: %q is %v, want %v to %v: %v", where, word, shown, lowest, highest, got)
		}
	}
	for word, v := range got {
		if _, ok := expected.values[word]; !ok && v != 0 { // what has been and is no more is drawn as 0
			w.t.Errorf("%s: shows %q, %v, which nobody expects", where, word, v)
		}
	}
}

const (
	pay     function.Name = "shop/checkout/pay"
	refund  function.Name = "shop/checkout/refund"
	cart    function.Name = "shop/web/cart"
	banner  function.Name = "shop/web/banner"
	nightly function.Name = "ops/tools/nightly"
	unused  function.Name = "ops/tools/unused"
)

var everyName = []function.Name{pay, refund, cart, banner, nightly, unused}

// before is a second before the canary: one in eight fails.
func before() *second {
	s := &second{}
	add := func(n int, c call) {
		for range n {
			s.calls = append(s.calls, c)
		}
	}
	old := function.ID{Name: pay, Version: 3}
	for i := range 42 {
		add(1, call{id: old, code: invocation.OK, trigger: invocation.TriggerHTTP, took: time.Duration(i+1) * 4 * time.Millisecond, cpu: 2 * time.Millisecond, queue: time.Millisecond})
	}
	add(3, call{id: old, code: invocation.FunctionError, trigger: invocation.TriggerHTTP, took: 30 * time.Millisecond})
	add(1, call{id: old, code: invocation.HTTP5xx, trigger: invocation.TriggerHTTP, took: 40 * time.Millisecond})
	add(1, call{id: old, code: invocation.Timeout, trigger: invocation.TriggerHTTP, took: 2 * time.Second, hits: invocation.HitTimeout})
	add(1, call{id: old, code: invocation.WorkerLost, trigger: invocation.TriggerHTTP, took: 100 * time.Millisecond})
	return s
}

// after is a second beside the canary, with everything that a dashboard tells of.
func after() *second {
	s := &second{}
	add := func(n int, c call) {
		for range n {
			s.calls = append(s.calls, c)
		}
	}
	ms := time.Millisecond
	old, canary := function.ID{Name: pay, Version: 3}, function.ID{Name: pay, Version: 4}
	for i := range 60 {
		trigger := invocation.TriggerHTTP
		if i%3 == 0 {
			trigger = invocation.TriggerFunction
		}
		add(1, call{id: old, code: invocation.OK, trigger: trigger, took: time.Duration(i+1) * 3 * ms, cpu: ms, queue: 2 * ms})
	}
	add(1, call{id: old, code: invocation.FunctionError, trigger: invocation.TriggerHTTP, took: 30 * ms, hits: invocation.HitSubrequests})
	add(1, call{id: old, code: invocation.Timeout, trigger: invocation.TriggerHTTP, took: 2 * time.Second, hits: invocation.HitTimeout})
	add(1, call{id: old, code: invocation.MemoryLimit, trigger: invocation.TriggerHTTP, took: 60 * ms, hits: invocation.HitMemory | invocation.HitSubrequests})
	add(1, call{id: old, code: invocation.ClientClosed, trigger: invocation.TriggerHTTP, took: 800 * ms})
	add(5, call{id: canary, code: invocation.OK, trigger: invocation.TriggerHTTP, took: 250 * ms, cpu: 5 * ms})
	add(1, call{id: canary, code: invocation.OK, trigger: invocation.TriggerHTTP, took: 400 * ms, cpu: 5 * ms, queue: 90 * ms, init: 80 * ms})
	add(1, call{id: canary, code: invocation.HTTP5xx, trigger: invocation.TriggerHTTP, took: 20 * ms, cpu: 3 * ms})
	add(5, call{id: function.ID{Name: refund, Version: 1}, code: invocation.OK, trigger: invocation.TriggerHTTP, took: 25 * ms, cpu: 4 * ms})
	add(2, call{id: function.ID{Name: refund, Version: 1}, code: invocation.FunctionError, trigger: invocation.TriggerFunction, took: 5 * ms, cpu: ms})
	add(4, call{id: function.ID{Name: cart, Version: 1}, code: invocation.OK, trigger: invocation.TriggerHTTP, took: 12 * ms, cpu: 6 * ms})
	add(1, call{id: function.ID{Name: cart, Version: 1}, code: invocation.CPULimit, trigger: invocation.TriggerHTTP, took: 500 * ms, cpu: 400 * ms, hits: invocation.HitCPU})
	add(1, call{id: function.ID{Name: nightly, Version: 2}, code: invocation.OK, trigger: invocation.TriggerSchedule, took: 1500 * ms, cpu: 9 * ms})

	s.refused = map[function.Name][]invocation.Code{
		pay:    {invocation.FunctionOverloaded, invocation.FunctionOverloaded, invocation.FunctionOverloaded, invocation.Unauthorized},
		refund: {invocation.Forbidden},
	}
	s.settled = map[function.ID][]invocation.Background{
		old: {{CPU: 7 * ms, Code: invocation.FunctionError, Hits: invocation.HitBackground}, {CPU: ms, Code: invocation.OK}},
	}
	fetch := func(host, code string, seconds float64, n int) invocation.Fetch {
		f := invocation.Fetch{Host: host, Code: code}
		for range n {
			f.Duration.Observe(seconds)
		}
		return f
	}
	basket := &invocation.Histogram{}
	for _, euro := range []float64{5, 5, 10, 20, 80} {
		basket.Observe(euro)
	}
	label := func(v string) []invocation.Label { return []invocation.Label{{Name: "currency", Value: v}} }
	s.counted = []invocation.Measures{{
		Version: old,
		Series: []invocation.Measure{
			{Kind: invocation.MeasureCounter, Name: "orders_total", Labels: label("EUR"), Value: 2},
			{Kind: invocation.MeasureCounter, Name: "orders_total", Labels: label("USD"), Value: 0.5},
			{Kind: invocation.MeasureGauge, Name: "queue_length", Value: 17},
			{Kind: invocation.MeasureHistogram, Name: "basket_eur", Histogram: basket},
		},
		Fetches: []invocation.Fetch{
			fetch("bank.example", "2xx", 0.1, 9), fetch("bank.example", "5xx", 0.7, 1),
			fetch("mail.example", "error", 1.2, 2), fetch("mail.example", "aborted", 1.2, 1),
			fetch("10.0.0.1", "refused", 0.0001, 1), fetch("cdn.example", "4xx", 0.02, 3),
		},
	}, {
		Version: canary,
		Fetches: []invocation.Fetch{fetch("bank.example", "2xx", 0.1, 2)},
	}}
	return s
}

// TestEveryPanelShowsWhatWasSent sends known traffic through the real recorder into
// the real store, lets the recording rules run, and holds every query of every panel
// to what was sent. The clock is the test's own: it is two hours.
func TestEveryPanelShowsWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTraffic(t)
		parse := func(manifest string) function.Manifest {
			m, err := function.ParseManifest([]byte(manifest))
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		careful := parse(`{"limits": {"timeout": "2s", "concurrency": 50}, "slo": {"availability": 90, "window": "30d",
			"latency": [{"quantile": 0.5, "threshold": "100ms"}, {"quantile": 0.95, "threshold": "150ms"}]}}`)
		w.careful = careful
		plain := parse(`{}`)
		w.apply(pay, careful, 3)
		for _, name := range []function.Name{refund, cart, unused} {
			w.apply(name, plain, 1)
		}
		w.apply(nightly, plain, 2)
		w.apply(banner, plain, 7)
		board := func(own ...dashgen.OwnMetric) dashgen.Dashboard {
			return dashgen.ForFunction(dashgen.Spec{
				Function: function.Function{Name: pay, Spec: careful}, Installation: "test", ExternalURL: "https://hadron.example", Interval: interval, Own: own,
			})
		}

		w.send(before(), 60*time.Minute)
		w.compare(board(), w.ofFunction(careful, moment{state: 2}))
		w.send(before(), 20*time.Minute)

		w.apply(pay, careful, 3, 4)
		w.send(after(), 25*time.Minute)
		w.record()
		w.send(after(), 5*time.Minute)
		w.fire(pay, "availability", slo.Page, "1h/5m")
		w.fire(pay, "availability", slo.Ticket, "3d/6h")
		w.fire(cart, "availability", slo.Ticket, "1d/2h")
		w.send(after(), 7*time.Minute)
		w.apply(banner, plain, 8)
		for range 7 {
			w.handle(function.ID{Name: pay, Version: 3}).Begin()
		}
		for range 2 {
			w.handle(function.ID{Name: pay, Version: 4}).Begin()
		}
		w.send(after(), 3*time.Minute)
		w.compare(board(
			dashgen.OwnMetric{Name: "orders_total", Kind: dashgen.OwnCounter},
			dashgen.OwnMetric{Name: "queue_length", Kind: dashgen.OwnGauge},
			dashgen.OwnMetric{Name: "basket_eur", Kind: dashgen.OwnHistogram},
		), w.ofFunction(careful, moment{state: 3, firing: 2, inFlight: 9, own: true}))
		place := dashgen.Place{Installation: "test", ExternalURL: "https://hadron.example"}
		for _, folder := range []dashgen.Folder{"", "shop", "shop/checkout", "ops"} {
			w.compare(dashgen.ForFolder(place, folder), w.ofFolder(folder))
		}
	})
}
