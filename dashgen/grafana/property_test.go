package grafana_test

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"hadron/dashgen"
	"hadron/dashgen/grafana/grafanatest"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// TestConverges: from any state, whatever fails on the way, passes lead to what
// is wanted, nothing foreign is touched, and a further pass writes nothing.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := grafanatest.New(t)
		tg := target(t, s)
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
			pass(rt, target(t, s), wanted("before"))
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
				tg = target(t, s)
			}
			meddle(rt, s)
		}
		s.ClearFaults()
		want := wanted("at last")
		for range 2 { // the first may meet what a lost answer left
			pass(rt, tg, want)
		}
		s.ForgetRequests()
		if got := pass(rt, tg, want); got != (reconcile.Result{Unchanged: len(want)}) || len(s.Writes()) > 0 {
			rt.Fatalf("not steady: %+v, %v", got, s.Writes())
		}
		if got := outsiders(s); got != foreign {
			rt.Fatalf("foreign things changed:\n%s\nwere\n%s", got, foreign)
		}
		check(rt, s, want)
	})
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

// outsiders is all that is not ours, as text.
func outsiders(s *grafanatest.Server) string {
	text := ""
	for _, f := range s.Folders() {
		if len(f.UID) < 5 || f.UID[:5] != "hdnf-" {
			text += fmt.Sprintln(f)
		}
	}
	for _, d := range s.Dashboards() {
		if !ours(d) {
			text += fmt.Sprintln(d.UID, d.Title, d.FolderUID, d.Version, string(d.JSON))
		}
	}
	return text
}

func check(rt *rapid.T, s *grafanatest.Server, want []*function.Function) {
	uids := map[string]*function.Function{}
	teams := map[string]bool{}
	for _, f := range want {
		uids[dashgen.UID("home", f.Name)] = f
		teams[f.Name.Team()] = true
	}
	found := 0
	for _, d := range s.Dashboards() {
		if !ours(d) {
			continue
		}
		f, ok := uids[d.UID]
		if !ok || d.Title != string(f.Name) {
			rt.Fatalf("nobody wants %s %q", d.UID, d.Title)
		}
		found++
	}
	if found != len(want) {
		rt.Fatalf("%d dashboards for %d functions", found, len(want))
	}
	folders := 0
	for _, f := range s.Folders() {
		if len(f.UID) > 5 && f.UID[:5] == "hdnf-" {
			folders++
		}
	}
	if folders != len(teams) {
		rt.Fatalf("%d folders for %d teams", folders, len(teams))
	}
	if sources := s.Datasources(); len(sources) != 1 || sources[0].Header().Get("Authorization") != "Bearer "+dataToken {
		rt.Fatalf("data sources: %+v", sources)
	}
}

func BenchmarkSteadyPass(b *testing.B) {
	s := grafanatest.New(b)
	tg := target(b, s)
	var want []*function.Function
	for i := range 200 {
		want = append(want, fn(fmt.Sprintf("t%d/p/f%d", i%10, i)))
	}
	pass(b, tg, want)
	b.ResetTimer()
	for b.Loop() {
		pass(b, tg, want)
	}
}
