package app

import (
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// A loop is an alert once it has failed for a quarter of an hour, and none when it went
// well since, or has only just begun.
func TestLoopsThatFailForLong(t *testing.T) {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	long, of := at.Add(-time.Hour), func(target string, failures int, well time.Time) reconcile.Status {
		return reconcile.Status{Target: target, Failures: failures, LastSuccess: well, LastError: "secret of team x"}
	}
	for what, c := range map[string]struct {
		state   reconcile.Status
		started time.Time
		fires   bool
	}{
		"well":                      {of("pagerduty", 0, at), long, false},
		"at rest for long":          {of("pagerduty", 0, long), long, false},
		"failed once":               {of("pagerduty", 1, at.Add(-time.Minute)), long, false},
		"failed for long":           {of("pagerduty", 40, at.Add(-20*time.Minute)), long, true},
		"never well since a start":  {of("grafana", 40, time.Time{}), long, true},
		"never well, and new":       {of("grafana", 4, time.Time{}), at.Add(-time.Minute), false},
		"exactly a quarter of hour": {of("grafana", 9, at.Add(-failingFor)), long, true},
	} {
		got := failingLoops([]reconcile.Status{of("rules", 0, at), c.state}, c.started, at)
		if len(got) > 0 != c.fires {
			t.Errorf("%s: %+v", what, got)
		}
		for _, one := range got {
			if one.Kind != alerting.Reconciler || one.Function != "" || !strings.Contains(one.Reason, c.state.Target) || strings.Contains(one.Reason, "secret") {
				t.Errorf("%s: %+v", what, one)
			}
		}
	}
}

// Messages that were given up are their function's; where that is gone, the platform's.
func TestMessagesThatWereGivenUp(t *testing.T) {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	letter := func(name function.Name, action alerting.Action, ago time.Duration) alerting.Message {
		return alerting.Message{Function: name, Next: at.Add(-ago), Reason: "refused: 400", Event: alerting.Event{Action: action, Target: "pagerduty"}}
	}
	test := letter("a/b/here", alerting.Trigger, time.Second)
	test.Event.Test = true
	got := undeliveredOf([]alerting.Message{
		test, letter("a/b/here", alerting.Resolve, time.Minute), letter("a/b/gone", alerting.Resolve, time.Hour), letter("a/b/here", alerting.Trigger, 2*time.Hour),
		letter("c/d/gone", alerting.Trigger, 2*time.Hour), letter("c/d/gone", alerting.Resolve, 3*time.Hour), letter("a/b/here", alerting.Trigger, 25*time.Hour),
	}, at, func(name function.Name) bool { return name == "a/b/here" })
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	if c := got[0]; c.Function != "" || c.Kind != alerting.Orphans || c.Value != 2 || !c.Since.Equal(at.Add(-3*time.Hour)) || strings.Contains(c.Reason, "gone") {
		t.Errorf("%+v", c)
	}
	if c := got[1]; c.Function != "a/b/here" || c.Kind != alerting.Delivery || c.Value != 2 || !c.Since.Equal(at.Add(-2*time.Hour)) ||
		c.Reason != "a resolve to pagerduty was given up: refused: 400" {
		t.Errorf("%+v", c)
	}
}
