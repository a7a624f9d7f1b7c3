package grafana_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"hadron/dashgen"
	"hadron/dashgen/grafana"
	"hadron/dashgen/grafana/grafanatest"
	"hadron/runtime/function"
)

func mine(m map[string]any) { m["description"] = "mine now" }

func changed(t *testing.T, s *grafanatest.Server, uid string) bool {
	t.Helper()
	d, ok := s.Dashboard(uid)
	if !ok {
		t.Fatal("it is not there")
	}
	return strings.Contains(string(d.JSON), "mine now")
}

// TestDriftPolicies: a change by hand is treated as the policy says, told, and never
// lost without a trace.
func TestDriftPolicies(t *testing.T) {
	want := fns("shop/cart/add")
	for _, policy := range []grafana.Policy{grafana.Overwrite, grafana.Keep, grafana.Fork} {
		t.Run(string(policy), func(t *testing.T) {
			s := grafanatest.New(t)
			memory := &remembered{}
			begin := func() *grafana.Target {
				return target(t, s, func(c *grafana.Config) { c.Drift, c.Memory = policy, memory })
			}
			tg := begin()
			pass(t, tg, want)
			uid := tg.Status("shop/cart/add").UID
			s.Edit(uid, mine)
			pass(t, tg, want)
			for _, tg := range []*grafana.Target{tg, begin()} { // also after a restart
				steady(t, s, tg, want)
				st := tg.Status("shop/cart/add")
				if st.State != grafana.Ready || st.Drift == nil || st.Drift.Policy != policy || st.Drift.Version != 2 || st.Drift.By != "ada" {
					t.Fatalf("it is told as %+v, %+v", st, st.Drift)
				}
				if changed(t, s, uid) != (policy == grafana.Keep) {
					t.Error("the policy was not followed")
				}
				if policy != grafana.Fork {
					continue
				}
				copied, ok := s.Dashboard(st.Drift.Copy)
				if !ok || !strings.Contains(string(copied.JSON), "mine now") || hasTag(copied, dashgen.Marker("home")) || !strings.HasSuffix(st.Copy, st.Drift.Copy) {
					t.Errorf("the copy: %+v", copied)
				}
				if n := len(s.Dashboards()); n != boards(want)+1 {
					t.Errorf("%d dashboards", n)
				}
			}
			if policy != grafana.Keep {
				return
			}
			// Kept also when the function changes, until somebody says otherwise.
			next := fns("shop/cart/add")
			next[0].Spec.Description, next[0].SpecOf = "another", 2
			tg = begin()
			pass(t, tg, next)
			if !changed(t, s, uid) {
				t.Error("a deployment overwrote what is to be kept")
			}
			tg.Restore("shop/cart/add")
			pass(t, tg, next)
			if changed(t, s, uid) {
				t.Error("it was not restored, though somebody asked for it")
			}
			steady(t, s, tg, next)
		})
	}
}

// TestUpgradeIsNotDrift: what an earlier Hadron drew is its own to change, also
// where nothing is remembered.
func TestUpgradeIsNotDrift(t *testing.T) {
	s := grafanatest.New(t)
	want := fns("shop/cart/add")
	pass(t, target(t, s), want)
	want[0].Spec.Description, want[0].SpecOf = "another", 2
	tg := target(t, s, func(c *grafana.Config) { c.Drift = grafana.Fork })
	if got := pass(t, tg, want); got.Updated != 1 {
		t.Errorf("%+v", got)
	}
	if st := tg.Status("shop/cart/add"); st.Drift != nil || len(s.Dashboards()) != boards(want) {
		t.Errorf("%+v", st.Drift)
	}
}

// TestManyDeletionsAsk: a plan that would delete more than a share stops and asks.
func TestManyDeletionsAsk(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s)
	var all []*function.Function
	for i := range 30 {
		all = append(all, fn(fmt.Sprintf("a/b/f%02d", i)))
	}
	pass(t, tg, all)
	few := all[:15]
	plan, err := tg.Plan(context.Background(), few)
	if err != nil || !plan.Held || len(plan.Actions) != 15 || plan.Actions[0].Do != "delete" {
		t.Fatalf("%v, %+v", err, plan)
	}
	if got := pass(t, tg, few); got.Deleted > 0 || tg.Progress().Held != 15 || !tg.Progress().Counted {
		t.Fatalf("%+v, %+v", got, tg.Progress())
	}
	tg.Confirm(14) // of another plan
	if got := pass(t, tg, few); got.Deleted > 0 {
		t.Fatalf("%+v", got)
	}
	tg.Confirm(15)
	if got := pass(t, tg, few); got.Deleted != 15 || tg.Progress().Held != 0 {
		t.Fatalf("%+v, %+v", got, tg.Progress())
	}
	if got := pass(t, tg, few[:10]); got.Deleted != 5 {
		t.Errorf("few deletions are not asked about: %+v", got)
	}
}

// TestPlanIsWhatAPassDoes, and does nothing itself.
func TestPlanIsWhatAPassDoes(t *testing.T) {
	s := grafanatest.New(t)
	want := fns("a/b/c", "a/b/d")
	tg := target(t, s)
	plan := func(tg *grafana.Target, want []*function.Function) map[string]int {
		t.Helper()
		s.ForgetRequests()
		p, err := tg.Plan(context.Background(), want)
		if err != nil {
			t.Fatal(err)
		}
		if w := s.Writes(); len(w) > 0 {
			t.Errorf("a plan wrote: %v", w)
		}
		out := map[string]int{}
		for _, a := range p.Actions {
			if a.Why == "" || a.UID == "" || a.Title == "" {
				t.Errorf("an action without a reason or name: %+v", a)
			}
			out[a.Do+" "+a.What]++
		}
		return out
	}
	if got := plan(tg, want); got["create dashboard"] != boards(want) || got["create folder"] != 3 || got["create data source"] != 1 {
		t.Errorf("%v", got)
	}
	pass(t, tg, want)
	if got := plan(tg, want); len(got) != 0 {
		t.Errorf("after a pass: %v", got)
	}
	again := target(t, s, func(c *grafana.Config) { c.Drift = grafana.Keep })
	if got := plan(again, want); len(got) != 0 {
		t.Errorf("after a restart: %v", got)
	}
	s.Edit(tg.Status("a/b/c").UID, mine)
	if got := plan(target(t, s, func(c *grafana.Config) { c.Drift = grafana.Keep }), want[:1]); got["keep dashboard"] != 1 || got["delete dashboard"] != 1 || len(got) != 2 {
		t.Errorf("after a change by hand: %v", got)
	}
}

func TestFolderAccess(t *testing.T) {
	s := grafanatest.New(t)
	s.AddTeam("shop")
	s.AddTeam("shop-visitors")
	want := fns("shop/cart/add", "media/encode/thumb")
	tg := target(t, s, func(c *grafana.Config) { c.FolderAccess = grafana.AccessTeam })
	pass(t, tg, want)
	for title, wish := range map[string]string{
		"Hadron": "[{Viewer  1} {Editor  1}]", "Hadron / shop": "[{ shop 1}]", "Hadron / shop / cart": "[{ shop 1}]", "Hadron / media": "[]",
	} {
		if got := fmt.Sprint(s.Permissions(folderOf(t, s, title))); got != wish {
			t.Errorf("%s: %s", title, got)
		}
	}
	steady(t, s, tg, want)
}

// TestFirstRunInSlices: while very many are made, a function that comes is not the last.
func TestFirstRunInSlices(t *testing.T) {
	s := grafanatest.New(t)
	tg := target(t, s, func(c *grafana.Config) { c.Slice, c.Parallel = 1, 1 })
	var want []*function.Function
	for i := range 40 {
		want = append(want, fn(fmt.Sprintf("a/b/f%02d", i)))
	}
	passes := 0
	for done := false; !done; passes++ {
		result := pass(t, tg, want)
		done = result.Next == 0
		if g := tg.Progress(); g.Total != boards(want) || g.Ready+g.Pending != g.Total || done != (g.Pending == 0) {
			t.Fatalf("%+v", g)
		}
		if passes > boards(want) {
			t.Fatal("it does not end")
		}
	}
	if passes < 2 {
		t.Errorf("it took %d passes", passes)
	}
	steady(t, s, tg, want)
}

// TestSteadyPassReadsLittle: reads do not grow with functions, but by the pages of a list.
func TestSteadyPassReadsLittle(t *testing.T) {
	s := grafanatest.New(t)
	memory := &remembered{}
	begin := func() *grafana.Target {
		return target(t, s, func(c *grafana.Config) { c.Memory, c.Verify = memory, 5 })
	}
	var want []*function.Function
	for i := range 100 {
		want = append(want, fn(fmt.Sprintf("a/p%d/f%03d", i%5, i)))
	}
	tg := begin()
	pass(t, tg, want)
	for _, tg := range []*grafana.Target{tg, begin()} {
		steady(t, s, tg, want)
		if n := len(s.Requests()); n > 3+5 {
			t.Errorf("a steady pass made %d requests", n)
		}
	}
}
