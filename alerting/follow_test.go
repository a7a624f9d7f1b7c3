package alerting_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// failing is a world in which functions fail, and what their errors and fetches are.
type failing struct {
	*ticking
	store  *memory
	errors map[function.Name]map[string]float64 // by code
	hosts  map[function.Name]map[string]float64 // by "host code"
	late   map[function.Name]map[string]float64 // requests of 300 ms and more, by host
	slow   map[function.Name]float64            // calls of 300 ms and more
	held   []invocation.Quarantine
	silent []alerting.Silence
}

func newFailing(t *testing.T, names ...function.Name) *failing {
	w := newWorld(names...)
	f := &failing{
		store: newMemory(), errors: map[function.Name]map[string]float64{}, hosts: map[function.Name]map[string]float64{},
		late: map[function.Name]map[string]float64{}, slow: map[function.Name]float64{},
	}
	cfg := w.config(f.store)
	cfg.Unmeasured = false
	cfg.Quarantined = func() []invocation.Quarantine { return f.held }
	cfg.Silences = func(context.Context, time.Time) ([]alerting.Silence, error) { return f.silent, nil }
	cfg.Query = func(ctx context.Context, expr string, at time.Time) ([]metric.Point, error) {
		var out []metric.Point
		put := func(name function.Name, v float64, pairs ...string) {
			out = append(out, metric.Point{V: v, Labels: metric.NewLabels("", append([]string{
				metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(),
			}, pairs...)...)})
		}
		switch {
		case strings.HasPrefix(expr, "sum by (team, project, function, code)"):
			for name, codes := range f.errors {
				for code, v := range codes {
					put(name, v, metric.CodeName, code)
				}
			}
			return out, nil
		case strings.HasPrefix(expr, "sum by (team, project, function, host, code)"):
			for name, hosts := range f.hosts {
				for id, v := range hosts {
					host, code, _ := strings.Cut(id, " ")
					put(name, v, metric.Host, host, metric.CodeName, code)
				}
			}
			return out, nil
		case strings.HasPrefix(expr, "sum by (team, project, function, slo) (increase("+metric.BadEvents) && strings.Contains(expr, "[5m]") && !strings.Contains(expr, "label_replace"):
			for name, v := range f.slow {
				put(name, v, metric.SLO, "latency-p99")
			}
			return out, nil
		case strings.HasPrefix(expr, "histogram_count(") && strings.Contains(expr, "histogram_fraction(0.3, Inf"):
			for name, hosts := range f.late {
				for host, v := range hosts {
					put(name, v, metric.Host, host)
				}
			}
			return out, nil
		}
		for _, s := range slo.Symptoms() {
			if expr == s.Expr("") || expr == s.Suspects() {
				return nil, nil
			}
		}
		return w.query(ctx, expr, at)
	}
	e, err := alerting.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.ticking = &ticking{e, t, w}
	return f
}

func (f *failing) down(host string, names ...function.Name) {
	for _, n := range names {
		f.w.set(n, "availability", burn{500, 1000})
		f.errors[n] = map[string]float64{"function_error": 40}
		f.hosts[n] = map[string]float64{host + " error": 38, host + " 2xx": 2, "fine.example 2xx": 100}
	}
}

func some(team string, n int) (out []function.Name) {
	for i := range n {
		out = append(out, function.Name(fmt.Sprintf("%s/app/f%d", team, i)))
	}
	return out
}

func TestDeadDependencyIsToldOfOnce(t *testing.T) {
	ours, theirs := some("ours", 4), some("theirs", 2)
	f := newFailing(t, append(slices.Clone(ours), theirs...)...)
	f.down("pay.example", ours...)
	f.down("pay.example", theirs...)
	f.mustTick()
	// One page for the team of four; of two functions each is told of by itself.
	wantTold(t, f.store, "trigger ours/app/f0 critical", "trigger theirs/app/f0 critical", "trigger theirs/app/f1 critical")
	ev := f.store.written[0].Event
	if ev.Alert != "DependencyDown" || !strings.Contains(ev.Summary, "pay.example fails for 4 functions: app/f0, app/f1") || strings.Contains(ev.Summary, "theirs") {
		t.Errorf("%s: %s", ev.Alert, ev.Summary)
	}
	for _, a := range f.Alerts(alerting.Filter{Function: ours[2]}) {
		if !strings.Contains(a.Silenced, "follows from DependencyDown of ours/app/f0: pay.example") {
			t.Errorf("%s %s: silenced for %q", a.SLO, a.Class, a.Silenced)
		}
	}
	// The host is back; long windows burn on, and nobody hears of that.
	for _, n := range ours {
		f.errors[n], f.hosts[n] = nil, map[string]float64{"pay.example 2xx": 40}
	}
	before := len(told(f.store))
	f.mustTick()
	if got := told(f.store); len(got) != before {
		t.Fatalf("told %v", got[before:])
	}
	// One fails for reasons of its own: that is told.
	f.errors[ours[3]] = map[string]float64{"function_error": 40}
	f.mustTick()
	if got := told(f.store)[before:]; !slices.Equal(got, []string{"trigger ours/app/f3 critical"}) {
		t.Fatalf("told %v", got)
	}
}

func TestWhatIsNoCommonCause(t *testing.T) {
	for what, change := range map[string]func(*failing, []function.Name){
		"their own errors":     func(f *failing, all []function.Name) { f.hosts[all[0]] = nil },
		"few requests fail":    func(f *failing, all []function.Name) { f.hosts[all[0]]["pay.example 2xx"] = 400 },
		"errors of other kind": func(f *failing, all []function.Name) { f.errors[all[0]]["http_5xx"] = 400 },
		"hosts told not apart": func(f *failing, all []function.Name) { f.hosts[all[0]] = map[string]float64{"other error": 40} },
	} {
		t.Run(what, func(t *testing.T) {
			all := some("ours", 3)
			f := newFailing(t, all...)
			f.down("pay.example", all...)
			change(f, all)
			f.mustTick()
			if got := told(f.store); len(got) != 3 {
				t.Errorf("told %v", got)
			}
		})
	}
}

// crawl makes a host slow for functions that ask it, and nothing fails.
func (f *failing) crawl(host string, names ...function.Name) {
	for _, n := range names {
		f.w.set(n, "latency-p99", burn{500, 1000})
		f.slow[n] = 50
		f.hosts[n] = map[string]float64{host + " 2xx": 60, "fine.example 2xx": 100}
		f.late[n] = map[string]float64{host: 49, "fine.example": 1}
	}
}

func TestSlowDependencyIsToldOfOnce(t *testing.T) {
	ours, theirs := some("ours", 3), some("theirs", 2)
	f := newFailing(t, append(slices.Clone(ours), theirs...)...)
	f.crawl("pay.example", ours...)
	f.crawl("pay.example", theirs...)
	f.mustTick()
	wantTold(t, f.store, "trigger ours/app/f0 critical", "trigger theirs/app/f0 critical", "trigger theirs/app/f1 critical")
	if ev := f.store.written[0].Event; ev.Alert != "DependencyDown" || !strings.Contains(ev.Summary, "pay.example is slow for 3 functions: app/f0, app/f1, app/f2") {
		t.Errorf("%s: %s", ev.Alert, ev.Summary)
	}
	// One of them begins to fail, which is its own doing: that is told, its slowness is not.
	f.w.set(ours[1], "availability", burn{500, 1000})
	f.errors[ours[1]] = map[string]float64{"function_error": 40}
	before := len(told(f.store))
	f.mustTick()
	if got := told(f.store)[before:]; !slices.Equal(got, []string{"trigger ours/app/f1 critical"}) {
		t.Fatalf("told %v", got)
	}
	// The host is as fast as ever, and longer windows burn on; then one is slow by itself.
	for _, n := range ours {
		f.slow[n], f.late[n] = 0, nil
	}
	before = len(told(f.store))
	f.mustTick()
	if got := told(f.store)[before:]; len(got) != 0 {
		t.Fatalf("told %v", got)
	}
	f.slow[ours[2]] = 50
	f.mustTick()
	if got := told(f.store)[before:]; !slices.Equal(got, []string{"trigger ours/app/f2 critical"}) {
		t.Fatalf("told %v", got)
	}
}

// A host that turns from slow to dead is the same incident.
func TestSlowDependencyDies(t *testing.T) {
	all := some("ours", 3)
	f := newFailing(t, all...)
	f.crawl("pay.example", all...)
	f.mustTick()
	f.down("pay.example", all...)
	f.mustTick()
	wantTold(t, f.store, "trigger ours/app/f0 critical")
	for _, a := range f.Alerts(alerting.Filter{Function: all[2]}) {
		if !strings.Contains(a.Silenced, "pay.example fails for 3 functions") {
			t.Errorf("%s: silenced for %q", a.SLO, a.Silenced)
		}
	}
}

func TestWhatIsNoSlowDependency(t *testing.T) {
	for what, change := range map[string]func(*failing, function.Name){
		"its own slowness":      func(f *failing, n function.Name) { f.slow[n] = 200 },
		"few requests are slow": func(f *failing, n function.Name) { f.late[n]["pay.example"] = 4 },
		"every host is slow":    func(f *failing, n function.Name) { f.late[n]["fine.example"] = 49 },
		"hosts told not apart":  func(f *failing, n function.Name) { f.late[n] = map[string]float64{"other": 49} },
		"no request is slow":    func(f *failing, n function.Name) { f.late[n] = nil },
	} {
		t.Run(what, func(t *testing.T) {
			all := some("ours", 3)
			f := newFailing(t, all...)
			f.crawl("pay.example", all...)
			change(f, all[0])
			f.mustTick()
			if got := told(f.store); len(got) != 3 {
				t.Errorf("told %v", got)
			}
		})
	}
}

// A silence of the one that would stand for the others silences none of them.
func TestSilenceOfALeader(t *testing.T) {
	all := some("ours", 3)
	f := newFailing(t, all...)
	f.down("pay.example", all...)
	f.silent = []alerting.Silence{{Scope: string(all[0]), Starts: noon, Ends: noon.Add(time.Hour), Owner: "ada", Reason: "move"}}
	f.mustTick()
	wantTold(t, f.store, "trigger ours/app/f1 critical")
}

func TestWorkerThatAVersionEnds(t *testing.T) {
	all := some("ours", 4)
	f := newFailing(t, all...)
	for _, n := range all[1:] {
		f.w.set(n, "availability", burn{500, 1000})
		f.errors[n] = map[string]float64{"worker_lost": 40, "function_error": 1}
	}
	f.mustTick()
	wantTold(t, f.store, "trigger ours/app/f1 critical")
	if ev := f.store.written[0].Event; ev.Alert != "TeamWorkersLost" {
		t.Errorf("%s: %s", ev.Alert, ev.Summary)
	}

	f = newFailing(t, all...)
	for _, n := range all[1:] {
		f.w.set(n, "availability", burn{500, 1000})
		f.errors[n] = map[string]float64{"worker_lost": 40}
	}
	f.held = []invocation.Quarantine{{Version: function.ID{Name: all[0], Version: 3}, Since: noon, Deaths: 2, Reason: "out of memory"}}
	f.mustTick()
	wantTold(t, f.store, "trigger ours/app/f0 critical")
	if ev := f.store.written[0].Event; ev.Alert != "FunctionQuarantined" || !strings.Contains(ev.Summary, "3 functions") {
		t.Errorf("%s: %s", ev.Alert, ev.Summary)
	}
}
