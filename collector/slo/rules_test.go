package slo_test

import (
	"strings"
	"testing"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
)

// The rules name only series and labels that the collector writes.
func TestRulesUseTheCollectorsWords(t *testing.T) {
	for _, g := range slo.Groups([]time.Duration{30 * day}, 15*time.Second) {
		var exprs []string
		for _, r := range g.Alerts {
			exprs = append(exprs, r.Expr())
			for _, long := range []bool{false, true} {
				bad, all := r.Ask(slo.Count{Long: long, Bad: true}, `function=~"a|b"`), r.Ask(slo.Count{Long: long}, "")
				if !strings.Contains(bad, metric.BadEvents) || !strings.Contains(all, metric.Events) {
					t.Errorf("%s does not count:\n%s\n%s", g.Name, bad, all)
				}
			}
		}
		for _, r := range g.Records {
			exprs = append(exprs, r.Expr)
		}
		for _, expr := range exprs {
			for _, name := range []string{metric.Events, metric.BadEvents, metric.Objective + "{window=\"30d\"}"} {
				if !strings.Contains(expr, name) {
					t.Errorf("%s does not read %s:\n%s", g.Name, name, expr)
				}
			}
			by := "by (" + strings.Join([]string{metric.Team, metric.Project, metric.Function, metric.SLO}, ", ") + ")"
			if !strings.Contains(expr, by) {
				t.Errorf("%s is not grouped %s:\n%s", g.Name, by, expr)
			}
		}
	}
}

// The number of rules depends on the distinct SLO windows and on nothing else.
func TestGroupsAreFew(t *testing.T) {
	one := slo.Groups([]time.Duration{30 * day, 30 * day, 30 * day}, 15*time.Second)
	two := slo.Groups([]time.Duration{30 * day, 7 * day}, 15*time.Second)
	if len(one) != 12 || len(two) > 2*len(one) { // 4 alerts, 7 windows, 1 budget
		t.Errorf("%d groups for one window, %d for two", len(one), len(two))
	}
	names := map[string]bool{}
	for _, g := range two {
		if names[g.Name] {
			t.Errorf("two groups are named %s", g.Name)
		}
		names[g.Name] = true
		if g.Interval > 2*time.Minute || g.Interval%(15*time.Second) != 0 {
			t.Errorf("%s is evaluated every %s", g.Name, g.Interval)
		}
	}
	for i, want := range []time.Duration{15 * time.Second, 15 * time.Second, time.Minute, 2 * time.Minute} {
		if got := one[i].Interval; got != want {
			t.Errorf("%s is evaluated every %s, want %s", one[i].Name, got, want)
		}
	}
}
