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

var groupings = []pagerduty.Grouping{pagerduty.ByFunction, pagerduty.ByProject, pagerduty.ByTeam}

// scopeOf is the scope of a function's service, by the words of the documentation.
func scopeOf(g pagerduty.Grouping, name function.Name) string {
	parts := strings.Split(string(name), "/")
	return strings.Join(parts[:map[pagerduty.Grouping]int{pagerduty.ByFunction: 3, pagerduty.ByProject: 2, pagerduty.ByTeam: 1}[g]], "/")
}

func mark(scope string) string {
	return "hadron:test+one:" + scope + strings.Repeat("/*", 2-strings.Count(scope, "/"))
}

// others is what is not Hadron's, and what people did to what is.
type others struct {
	services []string
	business string
	related  []pagerdutytest.Relation // of theirs to business services of ours
	byHand   map[string]bool          // services disabled by hand
	lost     bool                     // the database was, at least once
}

// Whatever goes wrong at whichever request, whatever people do meanwhile and however
// services are grouped: once PagerDuty answers again everything is as wanted, nothing was
// made twice, nobody else's was touched, nothing secret was said, and a further pass
// changes nothing.
func TestItConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := withBusiness(newWorld(t))
		w.by(rapid.SampledFrom(groupings).Draw(rt, "grouping"))
		night := w.fake.AddEscalationPolicy("Night")
		o := &others{byHand: map[string]bool{}}
		for _, description := range []string{"", "about hadron:test+one:nobody", "hadron:other:a/b/one", "hadron:other:a/*/*"} {
			name := fmt.Sprintf("Foreign %d", len(o.services))
			if len(o.services) == 0 {
				name = rapid.SampledFrom([]string{name, "Hadron: a.b.one", "hadron: A.B", "Hadron: a"}).Draw(rt, "taken")
			}
			o.services = append(o.services, w.fake.AddForeignService(name, description))
		}
		o.business = w.fake.AddForeignBusinessService(rapid.SampledFrom([]string{"The shop", "Hadron team: a"}).Draw(rt, "business"), "hadron:other:a/*/*")
		w.fake.Relate(o.services[0], o.business)
		names := []function.Name{"a/b/one", "a/b/two", "a/x/one", "c/d/three"}
		for step := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			act(rt, w, o, names, night)
			w.fake.SetFault(faults(rt)...)
			_, _ = w.pass() // it may fail, and must not do harm
			harmless(rt, w, o, step)
		}
		w.fake.ClearFaults()
		clear(w.busy)
		for _, s := range w.ours() {
			w.fake.ResolveAll(s.ID)
		}
		w.store.fail = 0
		w.now = w.now.Add(time.Hour)
		for range 5 { // what failed leads to a fresh look, and what moved takes a pass more
			w.now = w.now.Add(time.Minute)
			_, _ = w.pass()
		}
		if r, err := w.pass(); err != nil || r.Failed > 0 {
			rt.Fatalf("%+v, %v\n%s", r, err, w.log.String())
		}
		converged(rt, w, o)
		supported(rt, w, o)
		before := w.fake.Writes()
		w.now = w.now.Add(10 * time.Minute)
		if r, err := w.pass(); err != nil || w.fake.Writes() != before || r.Created+r.Updated+r.Deleted > 0 {
			rt.Fatalf("a further pass: %+v, %v", r, err)
		}
		harmless(rt, w, o, -1)
		for _, v := range w.fake.Violations() {
			rt.Errorf("not as PagerDuty describes it: %s", v)
		}
	})
}

// act is what happens between two passes.
func act(rt *rapid.T, w *world, o *others, names []function.Name, night string) {
	name := rapid.SampledFrom(names).Draw(rt, "name")
	steps := []string{"want", "want", "want", "delete", "busy", "open", "time", "restart", "move", "move", "hand", "business", "store", "nothing"}
	switch rapid.SampledFrom(steps).Draw(rt, "step") {
	case "want":
		w.want(name, func(m *function.Manifest) {
			m.Alerts.Disabled = rapid.IntRange(0, 4).Draw(rt, "disabled") == 0
			m.Alerts.EscalationPolicy = rapid.SampledFrom([]string{"", "", "Default", "Night", night}).Draw(rt, "policy")
			m.Description = rapid.SampledFrom([]string{"", "one", "two hadron:test+one:a/b/two"}).Draw(rt, "description")
		})
	case "delete":
		delete(w.wanted, name)
	case "busy":
		if key, ok := w.target.Routing(name); ok {
			w.busy[key] = !w.busy[key]
		}
	case "open":
		if all := w.ours(); len(all) > 0 {
			id := rapid.SampledFrom(all).Draw(rt, "service").ID
			if rapid.Bool().Draw(rt, "resolve") {
				w.fake.ResolveAll(id)
			} else if s, _ := w.fake.Service(id); s.Status != "disabled" {
				w.fake.Open(id, "by hand")
			}
		}
	case "time":
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 200).Draw(rt, "hours")) * time.Hour)
	case "restart":
		if rapid.IntRange(0, 3).Draw(rt, "loss") == 0 { // of the database
			clear(w.store.rows)
			clear(w.store.business)
			o.lost = true
		}
		w.restart()
	case "move":
		w.by(rapid.SampledFrom(groupings).Draw(rt, "grouping"))
	case "hand":
		if all := w.ours(); len(all) > 0 {
			hand(rt, w, rapid.SampledFrom(all).Draw(rt, "service"), o.byHand)
		}
	case "business":
		handOnBusiness(rt, w, o)
	case "store":
		w.store.fail = rapid.IntRange(1, 3).Draw(rt, "fail")
	}
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

func (w *world) oursOfBusiness() []pagerdutytest.BusinessService {
	return slices.DeleteFunc(w.fake.BusinessServices(), func(b pagerdutytest.BusinessService) bool { return b.Foreign })
}

func handOnBusiness(rt *rapid.T, w *world, o *others) {
	all := w.oursOfBusiness()
	if len(all) == 0 {
		return
	}
	id := rapid.SampledFrom(all).Draw(rt, "business").ID
	switch rapid.SampledFrom([]string{"remove", "rename", "describe", "relate"}).Draw(rt, "hand") {
	case "remove":
		w.fake.EditBusinessService(id, nil)
		o.related = slices.DeleteFunc(o.related, func(r pagerdutytest.Relation) bool { return r.Dependent == id })
	case "rename":
		w.fake.EditBusinessService(id, func(b *pagerdutytest.BusinessService) { b.Name = "Renamed " + id })
	case "describe":
		w.fake.EditBusinessService(id, func(b *pagerdutytest.BusinessService) { b.Description = "By hand.\n" + b.Description })
	case "relate":
		one := pagerdutytest.Relation{Supporting: o.services[0], Dependent: id}
		if !slices.Contains(o.related, one) {
			w.fake.Relate(one.Supporting, one.Dependent)
			o.related = append(o.related, one)
		}
		// One that is about to go may have been read before; it is read again before that.
		w.restart()
	}
}

// faults draws what goes wrong, and at which of the requests to come.
func faults(rt *rapid.T) []pagerdutytest.Fault {
	var out []pagerdutytest.Fault
	for range rapid.IntRange(0, 2).Draw(rt, "faults") {
		method := rapid.SampledFrom([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}).Draw(rt, "method")
		skip := rapid.IntRange(0, 6).Draw(rt, "skip")
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
func harmless(rt *rapid.T, w *world, o *others, step int) {
	for _, id := range o.services {
		if s, ok := w.fake.Service(id); !ok || s.Changes > 0 {
			rt.Fatalf("step %d: somebody else's service was touched: %+v", step, s)
		}
	}
	seen := map[string]int{}
	for _, s := range w.ours() {
		lines := strings.Split(s.Description, "\n")
		seen[lines[len(lines)-1]]++
		if len(s.Integrations) > 1 {
			rt.Fatalf("step %d: two integrations: %+v", step, s)
		}
	}
	relations := w.fake.Relations()
	for _, b := range w.fake.BusinessServices() {
		if b.Foreign && b.Changes > 0 {
			rt.Fatalf("step %d: somebody else's business service was touched: %+v", step, b)
		}
		if !b.Foreign {
			lines := strings.Split(b.Description, "\n")
			seen["business "+lines[len(lines)-1]]++
		}
	}
	for _, r := range append(slices.Clone(o.related), pagerdutytest.Relation{Supporting: o.services[0], Dependent: o.business}) {
		if !slices.Contains(relations, r) {
			rt.Fatalf("step %d: somebody else's dependency is gone: %+v", step, r)
		}
	}
	for mark, n := range seen {
		if n > 1 {
			rt.Fatalf("step %d: %d of %s", step, n, mark)
		}
	}
	secrets := []string{w.fake.Token}
	for _, s := range w.fake.Services() {
		for _, i := range s.Integrations {
			secrets = append(secrets, i.Key)
		}
	}
	said := w.log.String() + fmt.Sprintf("%+v", w.target.Progress())
	for name := range w.wanted {
		said += w.target.Status(name).Error
	}
	for _, secret := range secrets {
		if strings.Contains(said, secret) {
			rt.Fatalf("step %d: a secret was said", step)
		}
	}
}

// takes are the services that are to take events, by scope; the value says that all of its
// functions are muted.
func (w *world) takes() map[string]bool {
	muted := map[string]bool{}
	for name, f := range w.wanted {
		scope := scopeOf(w.grouping, name)
		before, known := muted[scope]
		muted[scope] = f.Spec.Alerts.Disabled && (before || !known)
	}
	return muted
}

func converged(rt *rapid.T, w *world, o *others) {
	left := w.ours()
	units := w.takes()
	services := map[string]pagerdutytest.Service{}
	for scope := range units {
		i := slices.IndexFunc(left, func(s pagerdutytest.Service) bool { return strings.HasSuffix(s.Description, "\n"+mark(scope)) })
		if i >= 0 {
			services[scope] = left[i]
			left = slices.Delete(left, i, i+1)
		}
	}
	for name, f := range w.wanted {
		scope := scopeOf(w.grouping, name)
		s, there := services[scope]
		got := w.target.Status(name)
		key, routed := w.target.Routing(name)
		switch {
		case f.Spec.Alerts.Disabled:
			if routed || got.State != pagerduty.Disabled || there && units[scope] && s.Status != "disabled" {
				rt.Fatalf("%s wants no alerts: %+v, %+v", name, got, s)
			}
		case !there:
			rt.Fatalf("%s has no service; %+v\n%s", name, got, w.log.String())
		case s.Status == "disabled" && o.byHand[s.ID]:
			if routed || got.State != pagerduty.Disabled {
				rt.Fatalf("%s was disabled by hand: %+v", name, got)
			}
		case s.Status != "active" || !routed || len(s.Integrations) != 1 || key != s.Integrations[0].Key || got.State != pagerduty.Ready:
			rt.Fatalf("%s: %+v, %+v", name, got, s)
		}
		if w.grouping != pagerduty.ByFunction || f.Spec.Alerts.Disabled {
			continue
		}
		if p := f.Spec.Alerts.EscalationPolicy; p == "Night" && got.EscalationPolicy != "Night" {
			rt.Fatalf("%s: policy %q", name, got.EscalationPolicy)
		}
	}
	for _, s := range left { // of functions that are gone, in their grace
		// What was made in the last moment before a loss takes no events, and cannot be told
		// from a copy that somebody made: it stays.
		if s.Status != "disabled" && (!o.lost || len(s.Integrations) > 0) {
			rt.Fatalf("left over: %+v\n%s", s, w.log.String())
		}
	}
}

// supported: each team's business service depends on the team's services that take events,
// and on none of ours beside.
func supported(rt *rapid.T, w *world, o *others) {
	want := map[string]bool{}
	for scope, muted := range w.takes() {
		if !muted {
			want[mark(scope)] = true
		}
	}
	business := map[string]string{}
	for _, b := range w.oursOfBusiness() {
		lines := strings.Split(b.Description, "\n")
		business[lines[len(lines)-1]] = b.ID
	}
	relations := w.fake.Relations()
	for _, s := range w.ours() {
		lines := strings.Split(s.Description, "\n")
		own := lines[len(lines)-1]
		team := strings.TrimPrefix(own, "hadron:test+one:")
		team, _, _ = strings.Cut(team, "/")
		one := pagerdutytest.Relation{Supporting: s.ID, Dependent: business[mark(team)]}
		if slices.Contains(relations, one) != want[own] {
			rt.Fatalf("%s supports its team: %v; wanted: %v; business services %v\n%s", s.Name, !want[own], want[own], business, w.log.String())
		}
		relations = slices.DeleteFunc(relations, func(r pagerdutytest.Relation) bool { return r == one })
	}
	for _, r := range relations {
		if r.Supporting != o.services[0] {
			rt.Fatalf("left over: %+v", r)
		}
	}
}
