package grafana_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"hadron/dashgen"
	"hadron/dashgen/grafana"
	"hadron/dashgen/grafana/grafanatest"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// TestConverges: from any state, whatever fails on the way, passes lead to what
// is wanted, nothing foreign is touched, and a further pass writes nothing.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := grafanatest.New(t)
		policy := rapid.SampledFrom([]grafana.Policy{grafana.Overwrite, grafana.Keep, grafana.Fork}).Draw(rt, "policy")
		memory := &remembered{}
		if rapid.Bool().Draw(rt, "forgets") {
			memory = nil
		}
		begin := func() *grafana.Target {
			return target(t, s, func(c *grafana.Config) {
				c.Drift = policy
				if memory != nil {
					c.Memory = memory
				}
			})
		}
		tg := begin()
		names := rapid.SampledFrom([]string{"a/p/x", "a/p/y", "a/q/x", "b/p/x", "b/p/z", "c/r/s"})
		wanted := func(label string) []*function.Function {
			return fns(rapid.SliceOfNDistinct(names, 0, 6, rapid.ID[string]).Draw(rt, label)...)
		}

		// What is there before: others' things, some of which look like ours, and remains of ours.
		theirs := s.AddFolder("", rapid.SampledFrom([]string{"Theirs", "Hadron / a"}).Draw(rt, "their folder"))
		s.AddForeignDashboard(theirs, "a/p/x")
		s.AddDashboard("", "hdn-theirs", "by uid alone")
		s.AddDashboard(theirs, "", "by tag alone", dashgen.Marker("home"))
		s.AddDashboard(theirs, "hdn-elsewhere", "another's", dashgen.Marker("elsewhere"))
		if rapid.Bool().Draw(rt, "remains") {
			s.AddDashboard(theirs, "hdn-old", "of a function long gone", dashgen.Marker("home"))
		}
		if rapid.Bool().Draw(rt, "were there before") {
			pass(rt, begin(), wanted("before"))
		}
		foreign := outsiders(s)

		for range rapid.IntRange(0, 3).Draw(rt, "bad passes") {
			var faults []grafanatest.Fault
			for range rapid.IntRange(1, 4).Draw(rt, "faults") {
				faults = append(faults, drawFault(rt))
			}
			s.SetFault(faults...)
			_, _ = tg.Reconcile(context.Background(), wanted("meanwhile")) // it may fail: that is the point
			if rapid.Bool().Draw(rt, "restart") {
				tg = begin()
			}
			meddle(rt, s)
		}
		s.ClearFaults()
		want := wanted("at last")
		for range 2 { // the first may meet what a lost answer left
			tg.Confirm(100) // more than ten may go at once, which is asked about
			pass(rt, tg, want)
		}
		s.ForgetRequests()
		if got := pass(rt, tg, want); got != (reconcile.Result{Unchanged: boards(want)}) || len(s.Writes()) > 0 {
			rt.Fatalf("not steady: %+v, %v", got, s.Writes())
		}
		if got := outsiders(s); got != foreign {
			rt.Fatalf("foreign things changed:\n%s\nwere\n%s", got, foreign)
		}
		check(rt, s, want, policy)
	})
}

// remembered is a memory that outlives targets.
type remembered struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (m *remembered) Load(context.Context) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.kept), nil
}

func (m *remembered) Save(_ context.Context, put map[string][]byte, gone []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string][]byte{}
	}
	maps.Copy(m.kept, put)
	for _, uid := range gone {
		delete(m.kept, uid)
	}
	return nil
}

func drawFault(rt *rapid.T) grafanatest.Fault {
	f := grafanatest.Fault{
		Times:  rapid.IntRange(1, 4).Draw(rt, "times"),
		After:  rapid.Bool().Draw(rt, "after"),
		Method: rapid.SampledFrom([]string{"", "GET", "POST", "PUT", "DELETE"}).Draw(rt, "method"),
		Path:   rapid.SampledFrom([]string{"", "/api/search", "/api/folders", "/api/dashboards", "/api/datasources"}).Draw(rt, "path"),
	}
	if f.Drop = rapid.Bool().Draw(rt, "drop"); !f.Drop {
		f.Status = rapid.SampledFrom([]int{400, 401, 403, 404, 409, 412, 429, 500, 503}).Draw(rt, "status")
		if f.Status == 404 || f.Status == 409 || f.Status == 412 {
			f.After = false // no server says so of what it did
		}
	}
	return f
}

// meddle is what people do to our things in the browser.
func meddle(rt *rapid.T, s *grafanatest.Server) {
	for _, d := range s.Dashboards() {
		if !ours(d) {
			continue
		}
		switch rapid.IntRange(0, 5).Draw(rt, "meddling") {
		case 0:
			s.Edit(d.UID, func(m map[string]any) { m["title"] = "changed " + d.UID })
		case 1:
			s.RemoveDashboard(d.UID)
		case 2:
			s.Move(d.UID, "")
		}
	}
}

func ours(d grafanatest.Dashboard) bool {
	return len(d.UID) > 4 && d.UID[:4] == "hdn-" && fmt.Sprint(d.Tags) != "[]" && hasTag(d, dashgen.Marker("home"))
}

func hasTag(d grafanatest.Dashboard, tag string) bool {
	for _, t := range d.Tags {
		if t == tag {
			return true
		}
	}
	return false
}

// outsiders is all that is not ours, as text; copies that were made of changes are
// nobody's but theirs who changed.
func outsiders(s *grafanatest.Server) string {
	text := ""
	for _, f := range s.Folders() {
		if len(f.UID) < 5 || f.UID[:5] != "hdnf-" {
			text += fmt.Sprintln(f)
		}
	}
	for _, d := range s.Dashboards() {
		if !ours(d) && !strings.HasPrefix(d.UID, "hdnc-") {
			text += fmt.Sprintln(d.UID, d.Title, d.FolderUID, d.Version, string(d.JSON))
		}
	}
	return text
}

func check(rt *rapid.T, s *grafanatest.Server, want []*function.Function, policy grafana.Policy) {
	uids := map[string]*function.Function{}
	for _, f := range want {
		uids[dashgen.UID("home", f.Name)] = f
	}
	found := 0
	for _, d := range s.Dashboards() {
		if !ours(d) || hasTag(d, dashgen.OverviewTag) {
			continue
		}
		f, ok := uids[d.UID]
		if !ok || policy != grafana.Keep && d.Title != string(f.Name) {
			rt.Fatalf("nobody wants %s %q", d.UID, d.Title)
		}
		found++
	}
	if found != len(want) {
		rt.Fatalf("%d dashboards for %d functions", found, len(want))
	}
	have := 0
	for _, f := range s.Folders() {
		if len(f.UID) > 5 && f.UID[:5] == "hdnf-" {
			have++
		}
	}
	// A folder with a copy, or with what somebody moved there, is not deleted.
	if have != folders(want) && policy == grafana.Overwrite || have < folders(want) {
		rt.Fatalf("%d folders for %d of functions", have, folders(want))
	}
	if sources := s.Datasources(); len(sources) != 1 || sources[0].Header().Get("Authorization") != "Bearer "+dataToken {
		rt.Fatalf("data sources: %+v", sources)
	}
}
