package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// A loop is an alert once it has failed for a quarter of an hour, and none when it went
// well since. Right after a start it cannot be told.
func TestLoopsThatFailForLong(t *testing.T) {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	long, of := at.Add(-time.Hour), func(failures, failed int, well time.Time) reconcile.Status {
		return reconcile.Status{Target: "pagerduty", Failures: failures, Result: reconcile.Result{Failed: failed}, LastSuccess: well, LastError: "secret of team x"}
	}
	for what, c := range map[string]struct {
		state   reconcile.Status
		started time.Time
		want    string // of its reason; "unknown", or nothing
	}{
		"well":                      {of(0, 0, at), long, ""},
		"at rest for long":          {of(0, 0, long), long, ""},
		"failed once":               {of(1, 0, at.Add(-time.Minute)), long, ""},
		"failed for long":           {of(40, 0, at.Add(-20*time.Minute)), long, "each pass over pagerduty failed since 2026-11-27T11:40:00Z"},
		"some failed for long":      {of(40, 3, at.Add(-20*time.Minute)), long, "each pass over pagerduty left 3 not as wanted since 2026-11-27T11:40:00Z"},
		"exactly a quarter of hour": {of(9, 0, at.Add(-failingFor)), long, "each pass over pagerduty failed since 2026-11-27T11:45:00Z"},
		"never well since a start":  {of(40, 0, time.Time{}), long, "each pass over pagerduty failed since 2026-11-27T11:00:00Z"},
		"failed since a new start":  {of(4, 0, time.Time{}), at.Add(-time.Minute), "unknown"},
		"not looked yet":            {of(0, 0, time.Time{}), at.Add(-time.Minute), "unknown"},
	} {
		got, said := failingLoops([]reconcile.Status{{Target: "rules", LastSuccess: at}, c.state}, c.started, at), ""
		for _, one := range got {
			if said += one.Reason; one.Unknown {
				said += "unknown"
			}
			if one.Kind != alerting.Reconciler || one.Function != "" {
				t.Errorf("%s: %+v", what, one)
			}
		}
		if said != c.want {
			t.Errorf("%s: %q, want %q", what, said, c.want)
		}
	}
}

// A question is an alert until it is answered; whoever has not looked yet may have asked.
func TestQuestionsThatWait(t *testing.T) {
	for _, c := range []struct {
		q    question
		want []alerting.Condition
	}{
		{question{"12 go", true}, []alerting.Condition{{Kind: alerting.Removals, Reason: "12 go", Value: 1}}},
		{question{"", true}, nil},
		{question{}, []alerting.Condition{{Kind: alerting.Removals, Unknown: true}}},
	} {
		if got := asking(c.q); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %+v", c.q, got)
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
