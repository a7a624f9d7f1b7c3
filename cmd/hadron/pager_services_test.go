package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/ui/wire"
)

// The setting moves from a service per function to one per team while an incident is open:
// what is open ends where it began, and many services leave only when somebody agrees.
func TestPagerServicesMoveToTeams(t *testing.T) {
	o := newOperated(t)
	o.start(t)
	for i := range 12 {
		o.want(http.StatusCreated, http.MethodPost, fmt.Sprintf("/api/v1/functions/shop/core/f%02d/versions", i), payment, nil)
	}
	o.want(http.StatusCreated, http.MethodPost, payPath+"/versions", payment, nil)
	services := func() string { return o.cli("alerts", "pagerduty") }
	eventually(t, "each function has a service", 60*time.Second, func() (bool, string) {
		text := services()
		return strings.Contains(text, "13 services, one for each function: 13 ready\n") && strings.Contains(text, "2 business services") && strings.Contains(text, "PagerDuty allows 960"), text
	})
	o.want(http.StatusAccepted, http.MethodPost, payPath+"/alerts/test", nil, nil)
	eventually(t, "PagerDuty has the incident", 30*time.Second, func() (bool, string) { return o.open() == 1, fmt.Sprint(o.pager.Incidents()) })
	o.stop()

	o.start(t, "--pagerduty.services", "team")
	eventually(t, "each team has one, and the old ones are held", 60*time.Second, func() (bool, string) {
		text := services()
		return strings.Contains(text, "2 services, one for each team: 2 ready, 13 that nobody wants any more\n") && strings.Contains(text, "--confirm-deletes 13"), text
	})
	var system wire.System
	o.want(http.StatusOK, http.MethodGet, "/api/v1/system", nil, &system)
	for _, part := range system.Parts {
		if part.Name == "pagerduty" && (part.State != wire.PartDegraded || !strings.Contains(part.Detail, "--confirm-deletes 13")) {
			t.Errorf("%+v", part)
		}
	}
	asked := func() (list []pagerdutytest.Incident) {
		for _, in := range o.pager.Incidents() {
			if strings.HasPrefix(in.Summary, "Hadron asks before it removes so much: 13 services") {
				list = append(list, in)
			}
		}
		return list
	}
	eventually(t, "an operator is told", 30*time.Second, func() (bool, string) {
		list := asked()
		return len(list) == 1 && list[0].Status == pagerdutytest.Triggered, fmt.Sprint(o.pager.Incidents())
	})
	o.cli("alerts", "pagerduty", "apply", "--confirm-deletes", "13")
	disabled := func() (n int) {
		for _, s := range o.pager.Services() {
			if s.Status == "disabled" {
				n++
			}
		}
		return n
	}
	eventually(t, "the incident ended where it began, and the old services are disabled", 60*time.Second, func() (bool, string) {
		return o.open() == 0 && disabled() == 13, fmt.Sprintf("%d open, %d disabled; %s", o.open(), disabled(), services())
	})
	if list := asked(); len(list) != 1 || list[0].Triggers != 1 {
		t.Errorf("asked %+v", list)
	}
	for _, e := range o.pages() {
		if e.Dropped != "" {
			t.Errorf("an event led to nothing: %s (%s)", e.Action, e.Dropped)
		}
	}
	for _, in := range o.pager.Incidents() {
		if in.Status != pagerdutytest.Resolved {
			t.Errorf("open for ever: %+v", in)
		}
	}
	for _, v := range o.pager.Violations() {
		t.Errorf("not as PagerDuty describes it: %s", v)
	}
}
