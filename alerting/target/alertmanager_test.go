package target_test

import (
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/alerting/target"
	"hadron/alerting/target/targettest"
)

// A real Alertmanager takes an incident from its begin to its end, tells its receiver
// once of each, tells a page from a ticket, and hears again of what is open.
func TestRealAlertmanager(t *testing.T) {
	am := targettest.NewAlertmanager(t)
	heard := func() string {
		var out []string
		for _, a := range am.Heard() {
			out = append(out, a.Status+" "+a.Labels["class"]+" "+a.Labels["function"])
		}
		return strings.Join(out, ", ")
	}
	until := func(what string, holds func(heard string) bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !holds(heard()); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("heard %q, want %s", heard(), what)
			}
		}
	}
	wait := func(want string) {
		t.Helper()
		until(want, func(heard string) bool { return heard == want })
	}
	configs, err := load(t, "targets: [{name: am, type: alertmanager, url: "+am.URL+"}]", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := target.NewSender(configs[0], target.Options{Installation: "test"})
	send := func(action alerting.Action, severity string) {
		t.Helper()
		e := event(action)
		e.Severity, e.Began = severity, time.Now().Add(-time.Minute).UTC().Format(time.RFC3339Nano)
		if err := s.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	send(alerting.Trigger, "warning")
	wait("firing ticket greeting")
	send(alerting.Trigger, "warning") // told again: nothing new
	send(alerting.Trigger, "critical")
	until("a page in place of the ticket", func(heard string) bool {
		return strings.Contains(heard, "firing page greeting") && strings.Contains(heard, "resolved ticket greeting")
	})
	am.Forget()
	send(alerting.Resolve, "critical")
	wait("resolved page greeting")

	// The watchdog fires while it is heard, and ends by itself when it is not.
	if err := s.Send(t.Context(), alerting.Event{
		Action: alerting.Trigger, Watchdog: true, Alert: "Watchdog", Summary: "well", Until: time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339Nano),
	}); err != nil {
		t.Fatal(err)
	}
	wait("resolved page greeting, firing  , resolved  ")
}
