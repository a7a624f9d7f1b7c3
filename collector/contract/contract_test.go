package contract_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"hadron/collector/contract"
	"hadron/collector/metric"
	"hadron/runtime/access"
)

func TestCheckSaysWhichLabelAndWhy(t *testing.T) {
	c := contract.Contract{Labels: 4, Name: 20, LabelName: 10, Value: 12, Bytes: 60}
	for _, test := range []struct {
		series metric.Labels
		want   string // empty: taken
	}{
		{metric.NewLabels("up", "job", "a"), ""},
		{metric.NewLabels("requête.durée", "größe", "12 €"), ""},
		{metric.Labels{{Name: "job", Value: "a"}}, `label "__name__" is missing`},
		{metric.NewLabels(strings.Repeat("n", 21)), `label "__name__" "nnnnnnnnnnnnnnnnnnnnn" has 21 bytes, at most 20`},
		{metric.NewLabels("a\nb"), "control characters"},
		{metric.NewLabels("a\xffb"), "must be UTF-8"},
		{metric.NewLabels("up", "a", "1", "b", "2", "c", "3", "d", "4"), "the series has 5 labels, at most 4"},
		{metric.NewLabels("up", strings.Repeat("l", 11), "1"), `label "lllllllllll" has a name of 11 bytes, at most 10`},
		{metric.NewLabels("up", "id", strings.Repeat("v", 13)), `label "id" has a value of 13 bytes, at most 12`},
		{metric.NewLabels("up", "id", "\xff"), `label "id" has a value that is not UTF-8`},
		{metric.NewLabels("up", "__own", "1"), `label "__own" begins with two underscores`},
		{metric.Labels{{Name: "", Value: "x"}, {Name: "__name__", Value: "up"}}, "has no name"},
		{metric.NewLabels("up", "a", "1", "a", "2"), `label "a" is given twice`},
		{metric.NewLabels("upupupupupupupup", "aaaaaaaaaa", "012345678901", "bbbbbbbbbb", "012345678901"), "have 68 bytes, at most 60"},
	} {
		got := c.Check(test.series)
		if got == nil && test.want != "" || got != nil && (test.want == "" || !strings.Contains(got.Error(), test.want)) {
			t.Errorf("%v: %v, want %q", test.series, got, test.want)
		}
	}
}

func TestRefusalsAreShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		series := metric.NewLabels(rapid.String().Draw(t, "metric"), rapid.String().Draw(t, "name"), strings.Repeat(rapid.String().Draw(t, "value"), 300))
		if r := contract.Default.Check(series); r != nil {
			if text := r.Error(); len(text) > 600 || strings.ContainsAny(text, "\n\r") || !utf8.ValidString(text) {
				t.Fatalf("%q", text)
			}
		}
	})
}

func TestOwn(t *testing.T) {
	for _, test := range []struct {
		scopes        string
		team, project string
		want          string // team/project or a part of the refusal
	}{
		{"", "x", "y", "x/y"},
		{"", "", "y", `label "team" is missing: only an admin`},
		{"pay", "", "", "pay/"},
		{"pay", "pay", "core", "pay/core"},
		{"pay", "web", "", `label "team" is "web"`},
		{"pay/core", "", "", "pay/core"},
		{"pay/core", "pay", "edge", `label "project" is "edge"`},
		{"pay/core pay/edge", "", "", `label "project" is missing`},
		{"pay/core pay/edge", "", "edge", "pay/edge"},
		{"pay web", "", "", `label "team" is missing`},
		{"pay web", "web", "", "web/"},
		{"pay/core pay", "", "x", "pay/x"},
	} {
		var scopes []access.Scope
		for _, s := range strings.Split(test.scopes, " ") {
			scopes = append(scopes, access.Scope(s))
		}
		team, project, refused := contract.SenderOf(scopes).Own(test.team, test.project)
		got := team + "/" + project
		if refused != nil {
			got = refused.Error()
		}
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%q writes %q/%q: %s, want %s", test.scopes, test.team, test.project, got, test.want)
		}
	}
	if s := contract.SenderOf(nil); !s.Nobody() {
		t.Error("without scopes somebody may write")
	}
}

// Whatever a team's sender says, what it may write is of one of its scopes.
func TestNobodyWritesForAnother(t *testing.T) {
	part := rapid.SampledFrom([]string{"", "a", "b", "c"})
	rapid.Check(t, func(t *rapid.T) {
		scopes := rapid.SliceOfN(rapid.SampledFrom([]access.Scope{"a", "b", "a/b", "a/c", "b/a"}), 1, 3).Draw(t, "scopes")
		team, project, refused := contract.SenderOf(scopes).Own(part.Draw(t, "team"), part.Draw(t, "project"))
		if refused != nil {
			return
		}
		for _, s := range scopes {
			if s.Team() == team && (s.Project() == "" || s.Project() == project) {
				return
			}
		}
		t.Fatalf("%v wrote for %s/%s", scopes, team, project)
	})
}

func TestReserved(t *testing.T) {
	team := contract.SenderOf([]access.Scope{"pay"})
	for _, test := range []struct {
		sender    contract.Sender
		name, job string
		refused   bool
	}{
		{team, "faas_invocations_total", "hadron", true},
		{team, "hadron_slo_events_total", "mine", true},
		{team, "faasten_seatbelts", "hadron", false},
		{contract.Operator, "faas_invocations_total", "hadron", true},
		{contract.Operator, "faas_invocations_total", "other-hadron", false},
		{contract.Operator, "hadron_slo:burn_rate", "hadron", true},
		{contract.Operator, "up", "hadron", false},
	} {
		if got := test.sender.Reserved(test.name, test.job); (got != nil) != test.refused {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestFoldKeepsWhatAndWhose(t *testing.T) {
	got := contract.Fold(metric.NewLabels("h_bucket", "team", "pay", "project", "core", "le", "0.5", "user", "u1", "instance", "i1"), contract.Owner{Team: "pay"})
	want := metric.NewLabels("h_bucket", "team", "pay", "project", "core", "le", "0.5", "user", "other", "instance", "other")
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v", got)
	}
}

func TestCumulative(t *testing.T) {
	for _, test := range []struct {
		name, kind string
		want       bool
	}{
		{"a_total", "", true},
		{"a_bucket", "", true},
		{"a", "", false},
		{"a", "counter", true},
		{"a_total", "gauge", false},
		{"a_created", "counter", false},
		{"a_sum", "summary", true},
		{"a_count", "unknown", true},
	} {
		if got := contract.Cumulative(test.name, test.kind); got != test.want {
			t.Errorf("%+v", test)
		}
	}
}

// A sum of counters rises by exactly what its members rise by, resets included; a
// sum of gauges is what the living members show.
func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counters, gauges := contract.Sum{Cumulative: true}, contract.Sum{}
		const members = 4
		var asCounter, asGauge [members]contract.Last
		var last [members]float64
		var alive [members]bool
		risen := 0.
		for step := range rapid.IntRange(1, 50).Draw(t, "steps") {
			i := rapid.IntRange(0, members-1).Draw(t, "member")
			v := float64(rapid.IntRange(0, 1000).Draw(t, "value"))
			ended := rapid.IntRange(0, 9).Draw(t, "ends") == 0
			at := int64(step + 1)
			if !counters.Add(&asCounter[i], at, v, ended) || !gauges.Add(&asGauge[i], at, v, ended) {
				t.Fatal("a newer value was refused")
			}
			if counters.Add(&asCounter[i], at, v+1, false) || gauges.Add(&asGauge[i], at-1, v, true) {
				t.Fatal("an older value was taken")
			}
			if ended {
				alive[i] = false
				continue
			}
			if alive[i] {
				if v >= last[i] {
					risen += v - last[i]
				} else {
					risen += v
				}
			}
			alive[i], last[i] = true, v
		}
		shown := 0.
		for i := range alive {
			if alive[i] {
				shown += last[i]
			}
		}
		if counters.Value != risen || math.Abs(gauges.Value-shown) > 1e-9 {
			t.Fatalf("counters %v, want %v; gauges %v, want %v", counters.Value, risen, gauges.Value, shown)
		}
	})
}

// However teams and functions come and go, each keeps within its budget and the node within
// twice its own; a team within its share of the node is never folded, but for a function of
// it that is past its own.
func TestLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budget := contract.Budget{Team: rapid.IntRange(1, 20).Draw(t, "team's")}
		budget.Node = budget.Team + rapid.IntRange(0, 20).Draw(t, "node's")
		budget.Function = rapid.IntRange(0, budget.Team).Draw(t, "function's")
		l := contract.NewLedger(budget)
		type held struct {
			owner   contract.Owner
			verdict contract.Verdict
		}
		var all []held
		count := func(o contract.Owner, v contract.Verdict) (n int) {
			for _, h := range all {
				if h.verdict == v && (h.owner == o || o.Function == "" && h.owner.Team == o.Team) {
					n++
				}
			}
			return n
		}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			if len(all) > 0 && rapid.IntRange(0, 3).Draw(t, "release") == 0 {
				i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
				l.Release(all[i].owner, all[i].verdict)
				all = append(all[:i], all[i+1:]...)
				continue
			}
			owner := contract.Owner{Team: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "of")}
			team := owner
			if function := rapid.SampledFrom([]string{"", "f", "g"}).Draw(t, "function"); function != "" {
				owner.Project, owner.Function = "web", function
			}
			had, hadOwn, foldedOwn := count(team, contract.Kept), count(owner, contract.Kept), count(owner, contract.Folded)
			v, past := l.Admit(owner)
			teams, kept := l.Accounts()
			spent := owner.Function != "" && hadOwn >= budget.OfFunction()
			if v != contract.Kept && !spent && had < min(budget.Team, budget.Node/max(1, len(teams))) {
				t.Fatalf("%v has %d of %+v with %d teams and was refused", owner, had, budget, len(teams))
			}
			switch {
			case v == contract.Kept && (spent || past != contract.Owner{}):
				t.Fatalf("%v has %d of %+v and was kept, past %v", owner, hadOwn, budget, past)
			case v == contract.Folded && spent != (past.Function != ""):
				t.Fatalf("%v has %d of %+v: it was folded for the budget of %v", owner, hadOwn, budget, past)
			case v == contract.Folded && owner.Function != "" && foldedOwn >= budget.OfFunction():
				t.Fatalf("%v was folded with %d folded of %+v", owner, foldedOwn, budget)
			case kept > 2*budget.Node:
				t.Fatalf("%d kept of %+v", kept, budget)
			}
			if v != contract.Lost {
				all = append(all, held{owner, v})
			}
			if k, f := l.Function(owner); owner.Function != "" && (k != count(owner, contract.Kept) || f != count(owner, contract.Folded)) {
				t.Fatalf("%v has %d and %d folded", owner, k, f)
			}
			for _, a := range teams {
				if a.Kept > budget.Team || a.Folded > budget.Folded() || a.Kept != count(contract.Owner{Team: a.Team}, contract.Kept) {
					t.Fatalf("%+v of %+v", a, budget)
				}
			}
		}
		for _, h := range all {
			l.Release(h.owner, h.verdict)
		}
		if names := l.Names(); len(names) != 0 {
			t.Fatalf("%v are left", names)
		}
		if _, kept := l.Accounts(); kept != 0 {
			t.Fatalf("%d kept after all went", kept)
		}
	})
}

func TestCulpritsNameTheLabel(t *testing.T) {
	c := contract.NewCulprits()
	for i := range 400 {
		c.Add(metric.NewLabels("requests_total", "team", "pay", "code", fmt.Sprint(i%5), "user", fmt.Sprint("u", i)), contract.Owner{Team: "pay"})
	}
	for i := range 1000 {
		c.Add(metric.NewLabels(fmt.Sprint("generated_", i), "team", "pay"), contract.Owner{Team: "pay"})
	}
	list := c.List("pay")
	if len(list) != contract.MaxCulprits+1 || list[0].Metric != contract.Other || list[1].Metric != "requests_total" {
		t.Fatalf("%d, %+v", len(list), list[:2])
	}
	if got := list[1]; got.Series != 400 || got.Label != "user" || got.Values < 360 || got.Values > 440 {
		t.Errorf("%+v", got)
	}
}

func TestValidate(t *testing.T) {
	for _, bad := range []contract.Contract{{}, {Labels: 1, Name: 10, LabelName: 1, Value: 1, Bytes: 9}, {Labels: 1, Name: 1, LabelName: 1, Value: 2 << 20, Bytes: 2}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if contract.Default.Validate() != nil || contract.DefaultBudget.Validate() != nil || (contract.Budget{Team: 2, Node: 1}).Validate() == nil {
		t.Error("defaults")
	}
}
