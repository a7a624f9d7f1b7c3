package pagerduty_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/runtime/function"
)

// Whatever goes wrong at whichever request, and whatever people do meanwhile: once
// PagerDuty answers again everything is as wanted, nothing was made twice, nobody
// else's was touched, nothing secret was said, and a further pass changes nothing.
func TestItConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		night := w.fake.AddEscalationPolicy("Night")
		var foreign []string
		for _, description := range []string{"", "about hadron:test+one:nobody", "hadron:other:a/b/one"} {
			name := fmt.Sprintf("Foreign %d", len(foreign))
			if len(foreign) == 0 && rapid.Bool().Draw(rt, "taken") {
				name = "Hadron: a.b.one"
			}
			foreign = append(foreign, w.fake.AddForeignService(name, description))
		}
		names := []function.Name{"a/b/one", "a/b/two", "c/d/three"}
		byHand := map[string]bool{}
		for step := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			switch rapid.SampledFrom([]string{"want", "want", "delete", "busy", "time", "restart", "hand", "store", "nothing"}).Draw(rt, "step") {
			case "want":
				w.want(name, func(m *function.Manifest) {
					m.Alerts.Disabled = rapid.IntRange(0, 4).Draw(rt, "disabled") == 0
					m.Alerts.EscalationPolicy = rapid.SampledFrom([]string{"", "", "Default", "Night", night}).Draw(rt, "policy")
					m.Description = rapid.SampledFrom([]string{"", "one", "two hadron:test+one:a/b/two"}).Draw(rt, "description")
				})
			case "delete":
				delete(w.wanted, name)
			case "busy":
				w.busy[name] = !w.busy[name]
			case "time":
				w.now = w.now.Add(time.Duration(rapid.IntRange(1, 200).Draw(rt, "hours")) * time.Hour)
			case "restart":
				w.restart()
			case "hand":
				if all := w.ours(); len(all) > 0 {
					hand(rt, w, rapid.SampledFrom(all).Draw(rt, "service"), byHand)
				}
			case "store":
				w.store.fail = rapid.IntRange(1, 3).Draw(rt, "fail")
			}
			w.fake.SetFault(faults(rt)...)
			_, _ = w.pass() // it may fail, and must not do harm
			harmless(rt, w, foreign, step)
		}
		w.fake.ClearFaults()
		clear(w.busy)
		w.store.fail = 0
		w.now = w.now.Add(time.Hour)
		for range 3 { // what failed leads to a fresh look, and that may find more
			_, _ = w.pass()
		}
		if r, err := w.pass(); err != nil || r.Failed > 0 {
			rt.Fatalf("%+v, %v\n%s", r, err, w.log.String())
		}
		converged(rt, w, byHand)
		before := w.fake.Writes()
		w.now = w.now.Add(10 * time.Minute)
		if r, err := w.pass(); err != nil || w.fake.Writes() != before || r.Created+r.Updated+r.Deleted > 0 {
			rt.Fatalf("a further pass: %+v, %v", r, err)
		}
		harmless(rt, w, foreign, -1)
		for _, v := range w.fake.Violations() {
			rt.Errorf("not as PagerDuty describes it: %s", v)
		}
	})
}

func hand(rt *rapid.T, w *world, s pagerdutytest.Service, byHand map[string]bool) {
	switch rapid.SampledFrom([]string{"remove", "rename", "disable", "describe", "cut"}).Draw(rt, "hand") {
	case "remove":
		w.fake.Remove(s.ID)
	case "rename":
		w.fake.Edit(s.ID, func(s *pagerdutytest.Service) { s.Name = "Renamed " + s.ID })
	case "disable":
		byHand[s.ID] = true
		w.fake.Edit(s.ID, func(s *pagerdutytest.Service) { s.Status = "disabled" })
	case "describe":
		w.fake.Edit(s.ID, func(s *pagerdutytest.Service) { s.Description = "By hand.\n" + s.Description })
	case "cut":
		w.fake.Edit(s.ID, func(s *pagerdutytest.Service) { s.Integrations = nil })
	}
}

// faults draws what goes wrong, and at which of the requests to come.
func faults(rt *rapid.T) []pagerdutytest.Fault {
	var out []pagerdutytest.Fault
	for range rapid.IntRange(0, 2).Draw(rt, "faults") {
		method := rapid.SampledFrom([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}).Draw(rt, "method")
		skip := rapid.IntRange(0, 2).Draw(rt, "skip")
		f := pagerdutytest.Fault{
			Times: rapid.IntRange(1, 8).Draw(rt, "times"), After: rapid.Bool().Draw(rt, "after"),
			Match: func(r *http.Request) bool {
				if r.Method != method {
					return false
				}
				skip--
				return skip < 0
			},
		}
		if rapid.Bool().Draw(rt, "drop") {
			f.Drop = true
		} else {
			f.Status = rapid.SampledFrom([]int{400, 401, 403, 404, 429, 500, 502, 503}).Draw(rt, "status")
			f.After = f.After && f.Status >= 500 // a refusal is one
		}
		out = append(out, f)
	}
	return out
}

// harmless is what holds at every moment.
func harmless(rt *rapid.T, w *world, foreign []string, step int) {
	for _, id := range foreign {
		if s, ok := w.fake.Service(id); !ok || s.Changes > 0 {
			rt.Fatalf("step %d: somebody else's service was touched: %+v", step, s)
		}
	}
	marked := map[string]int{}
	for _, s := range w.ours() {
		lines := strings.Split(s.Description, "\n")
		marked[lines[len(lines)-1]]++
		if len(s.Integrations) > 1 {
			rt.Fatalf("step %d: two integrations: %+v", step, s)
		}
	}
	for mark, n := range marked {
		if n > 1 {
			rt.Fatalf("step %d: %d services of %s", step, n, mark)
		}
	}
	secrets := []string{w.fake.Token}
	for _, s := range w.fake.Services() {
		for _, i := range s.Integrations {
			secrets = append(secrets, i.Key)
		}
	}
	said := w.log.String()
	for name := range w.wanted {
		said += w.target.Status(name).Error
	}
	for _, secret := range secrets {
		if strings.Contains(said, secret) {
			rt.Fatalf("step %d: a secret was said", step)
		}
	}
}

func converged(rt *rapid.T, w *world, byHand map[string]bool) {
	left := w.ours()
	for name, f := range w.wanted {
		i := slices.IndexFunc(left, func(s pagerdutytest.Service) bool {
			return strings.HasSuffix(s.Description, "\nhadron:test+one:"+string(name))
		})
		got := w.target.Status(name)
		key, routed := w.target.Routing(name)
		if f.Spec.Alerts.Disabled {
			if routed || got.State != pagerduty.Disabled || i >= 0 && left[i].Status != "disabled" {
				rt.Fatalf("%s wants no alerts: %+v", name, got)
			}
			if i >= 0 {
				left = slices.Delete(left, i, i+1)
			}
			continue
		}
		if i < 0 {
			rt.Fatalf("%s has no service; %+v\n%s", name, got, w.log.String())
		}
		s := left[i]
		left = slices.Delete(left, i, i+1)
		if s.Status == "disabled" && byHand[s.ID] {
			if routed || got.State != pagerduty.Disabled {
				rt.Fatalf("%s was disabled by hand: %+v", name, got)
			}
			continue
		}
		if s.Status != "active" || !routed || len(s.Integrations) != 1 || key != s.Integrations[0].Key || got.State != pagerduty.Ready || got.Error != "" {
			rt.Fatalf("%s: %+v, %+v", name, got, s)
		}
		if p := f.Spec.Alerts.EscalationPolicy; p == "Night" && got.EscalationPolicy != "Night" {
			rt.Fatalf("%s: policy %q", name, got.EscalationPolicy)
		}
	}
	for _, s := range left { // of functions that are gone, in their grace
		if s.Status != "disabled" {
			rt.Fatalf("left over: %+v", s)
		}
	}
}
