package alerting_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// measuring is an evaluator that measures conditions over a real store.
func measuring(t *testing.T, names ...function.Name) *lab {
	l := newLab(t, names...)
	cfg := l.w.config(newMemory())
	cfg.Query, cfg.Unmeasured, cfg.Registerer = l.db.Query, false, nil
	e, err := alerting.New(cfg)
	if err == nil {
		err = e.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	l.ticking = &ticking{e, t, l.w}
	return l
}

// count appends a sample of counters each minute for so long, growing by so much each.
func (l *lab) count(minutes int, each map[string]float64, total map[string]float64) {
	l.tb.Helper()
	for range minutes {
		at := l.w.now.Add(time.Minute)
		var batch []metric.Sample
		for id, by := range each {
			total[id] += by
			if l.series[id] == nil {
				name, label, _ := strings.Cut(id, " ")
				pairs := []string{metric.Team, "growth", metric.Project, "signup", metric.Function, "greeting"}
				if label != "" {
					k, v, _ := strings.Cut(label, "=")
					pairs = append(pairs, k, v)
				}
				l.series[id] = &metric.Series{Labels: metric.NewLabels(name, pairs...)}
			}
			v := total[id]
			if strings.HasPrefix(id, metric.InFlight) || strings.HasPrefix(id, metric.Concurrency) {
				v = by
			}
			batch = append(batch, metric.Sample{Series: l.series[id], T: at.UnixMilli(), V: v})
		}
		if err := l.db.Append(l.tb.Context(), batch); err != nil {
			l.tb.Fatal(err)
		}
		if msg := l.tick(time.Minute); msg != "" {
			l.tb.Fatal(msg)
		}
	}
}

// firing lists what fires of a function.
func (l *lab) firing(name function.Name) string {
	var out []string
	for _, a := range l.Alerts(alerting.Filter{}) {
		if a.State == alerting.Firing && a.Function == name {
			out = append(out, a.SLO)
			if a.Class != slo.Ticket || a.Name() == slo.AlertName || a.Reason == "" {
				l.tb.Errorf("%+v", a)
			}
		}
	}
	return strings.Join(out, " ")
}

func TestMeasuredConditions(t *testing.T) {
	quiet := map[string]float64{
		metric.Invocations: 100, metric.Timeouts: 0, metric.NearTimeout: 0.2, metric.ColdStarts: 1, metric.Errors + " code=worker_lost": 0,
		metric.Dropped: 0, metric.InFlight: 10, metric.Concurrency: 100,
	}
	for want, change := range map[string]map[string]float64{
		"":              {metric.Timeouts: 0.05, metric.Errors + " code=worker_lost": 0.02, metric.Errors + " code=function_error": 50},
		slo.TimeoutsUp:  {metric.Timeouts: 4},
		slo.NearTimeout: {metric.NearTimeout: 4},
		slo.ColdStarts:  {metric.ColdStarts: 40},
		slo.WorkerKills: {metric.Errors + " code=worker_lost": 1},
		slo.LabelBudget: {metric.Dropped: 1},
		slo.Saturation:  {metric.InFlight: 97},
	} {
		t.Run(fmt.Sprintf("%q", want), func(t *testing.T) {
			l, total := measuring(t, greeting), map[string]float64{}
			l.count(20, quiet, total)
			if got := l.firing(greeting); got != "" {
				t.Fatalf("%s fires of a function that is well", got)
			}
			wrong := map[string]float64{}
			for id, by := range quiet {
				wrong[id] = by
			}
			for id, by := range change {
				wrong[id] = by
			}
			l.count(30, wrong, total)
			if got := l.firing(greeting); got != want {
				t.Fatalf("%q fires, want %q", got, want)
			}
			l.count(100, quiet, total)
			if got := l.firing(greeting); got != "" {
				t.Errorf("%s still fires", got)
			}
		})
	}
}

// Few calls say nothing.
func TestConditionsOfQuietFunctions(t *testing.T) {
	l, total := measuring(t, greeting), map[string]float64{}
	l.count(60, map[string]float64{metric.Invocations: 0.1, metric.Timeouts: 0.05, metric.ColdStarts: 0.1, metric.Errors + " code=worker_lost": 0.05}, total)
	if got := l.firing(greeting); got != "" {
		t.Errorf("%s fires", got)
	}
}

func TestConditionsThatOthersKnow(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	var list []alerting.Condition
	var fail error
	cfg := w.config(store)
	cfg.Conditions = func(context.Context, time.Time) ([]alerting.Condition, error) { return list, fail }
	e, err := alerting.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tick := &ticking{e, t, w}
	list = []alerting.Condition{{Function: greeting, Kind: alerting.Delivery, Reason: "a trigger to chat was given up:\nno such room"}, {Function: "no/such/one", Kind: alerting.Delivery}}
	tick.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting warning")
	ev := store.written[0].Event
	if ev.Summary != "greeting has alerts that not everybody was told of: a trigger to chat was given up: no such room." || ev.Alert != "NotificationsUndelivered" {
		t.Errorf("%+v", ev)
	}
	list, fail = nil, errStore // not known: it stays
	if msg := tick.tick(3 * time.Minute); msg == "" {
		t.Error("nobody hears that conditions cannot be read")
	}
	wantTold(t, store, "trigger growth/signup/greeting warning")
	fail = nil
	tick.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting warning", "resolve growth/signup/greeting warning")
}

// hours appends the calls and totals of functions, each five minutes for so many hours,
// where one of a function's hours, from 0, has so many calls.
func (l *lab) hours(from, to int, calls map[function.Name]func(hour int) float64, total map[function.Name]float64) {
	l.tb.Helper()
	var raw, rolled []metric.Sample
	for hour := from; hour < to; hour++ {
		for range 12 {
			l.w.now = l.w.now.Add(5 * time.Minute)
			at := l.w.now.UnixMilli()
			for name, calls := range calls {
				total[name] += calls(hour) / 12
				raw = append(raw, metric.Sample{Series: l.of(name, metric.Invocations), T: at, V: total[name]})
				rolled = append(rolled, metric.Sample{Series: l.of(name, metric.RolledEvents, metric.SLO, "availability"), T: at, V: total[name]})
			}
			if hour < 8*24+8 {
				continue // nobody looks yet
			}
			if err := errors.Join(l.db.Append(l.tb.Context(), raw), l.db.AppendRollups(l.tb.Context(), rolled)); err != nil {
				l.tb.Fatal(err)
			}
			raw, rolled = raw[:0], rolled[:0]
			if msg := l.Tick(l.tb.Context()); msg != "" {
				l.tb.Fatal(msg)
			}
		}
	}
}

// of is a series of a function.
func (l *lab) of(name function.Name, id string, more ...string) *metric.Series {
	s := l.series[string(name)+id]
	if s == nil {
		pairs := append([]string{metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base()}, more...)
		s = &metric.Series{Labels: metric.NewLabels(id, pairs...)}
		l.series[string(name)+id] = s
	}
	return s
}

// Each case is a function of one installation, so that there is one store to fill.
func TestTrafficThatStops(t *testing.T) {
	daily := func(h int) float64 { // from 6 to 22 o'clock
		if h%24 >= 6 && h%24 < 22 {
			return 120
		}
		return 0
	}
	cases := []struct {
		what  string
		calls func(h int) float64
		fires string // at the end of eight days and twelve hours
	}{
		{"as always", daily, ""},
		{"seldom called", func(int) float64 { return 24 }, ""},
		{"never in the night", func(h int) float64 { return daily(h + 12) }, ""},
		{"stopped at ten", func(h int) float64 { return map[bool]float64{true: daily(h), false: 0}[h < 8*24+10] }, slo.Traffic},
		{"a little is left", func(h int) float64 { return map[bool]float64{true: daily(h), false: 4}[h < 8*24+10] }, slo.Traffic},
		{"half is left", func(h int) float64 { return map[bool]float64{true: daily(h), false: 60}[h < 8*24+10] }, ""},
		{"free on this day", func(h int) float64 { return map[bool]float64{true: 0, false: daily(h)}[h/24%7 == 1] }, ""},
	}
	calls, names := map[function.Name]func(int) float64{}, make([]function.Name, len(cases))
	for i, c := range cases {
		names[i] = function.Name("growth/signup/" + strings.ReplaceAll(c.what, " ", "-"))
		calls[names[i]] = c.calls
	}
	l, total := measuring(t, names...), map[function.Name]float64{}
	l.w.now = l.w.now.Add(-10 * 24 * time.Hour)
	l.hours(0, 8*24+12, calls, total)
	stopped := map[function.Name]func(int) float64{}
	for i, c := range cases {
		if got := l.firing(names[i]); got != c.fires {
			t.Errorf("%s: %q fires, want %q", c.what, got, c.fires)
		}
		if c.fires != "" {
			stopped[names[i]] = func(int) float64 { return 0 }
		}
	}
	l.hours(8*24+12, 9*24+14, stopped, total)
	for name := range stopped {
		if got := l.firing(name); got != slo.Traffic {
			t.Errorf("%s: %q fires a day later: nothing has come since", name, got)
		}
		stopped[name] = func(int) float64 { return 120 }
	}
	l.hours(9*24+14, 9*24+16, stopped, total)
	for name := range stopped {
		if got := l.firing(name); got != "" {
			t.Errorf("%s: %q fires, and calls come again", name, got)
		}
	}
}
