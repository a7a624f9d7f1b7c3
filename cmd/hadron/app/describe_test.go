package app

import (
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/collector/trace"
	"hadron/runtime/function"
)

func TestPagesLeadToTheirTime(t *testing.T) {
	since := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	const page = "https://hadron.example/f/a/b/c"
	for at, want := range map[time.Time]string{
		since.Add(10 * time.Minute): page + "?range=1795777200-1795781401",
		since:                       page + "?range=1795777200-1795780801",
		since.Add(-time.Minute):     page + "?range=1795777200-1795780801", // clocks
	} {
		if got := pageAt(page, since, at); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}

// An alert leads to a call that shows what it is about, and to none where no call does.
func TestWhichCallsShowWhatAnAlertIsAbout(t *testing.T) {
	s := function.DefaultManifest().SLO
	latency := s.Objectives()[1]
	for name, want := range map[string]*trace.Filter{
		"availability":      {Errors: true, Limit: 1},
		latency.Name:        {Min: latency.Threshold, Limit: 1},
		slo.TimeoutsUp:      {Errors: true, Limit: 1},
		alerting.Dependency: {Errors: true, Limit: 1},
		slo.LabelBudget:     nil,
		slo.Traffic:         nil,
		alerting.Test:       nil,
		alerting.Delivery:   nil,
	} {
		got, ok := tracedFor(s, name)
		if ok != (want != nil) || ok && got != *want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}
