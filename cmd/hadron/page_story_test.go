package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/alerting/target/targettest"
	"hadron/ui/wire"
)

const (
	refundName = "pay/core/refund"
	refundPath = "/api/v1/functions/" + refundName
)

// Two functions fail, and a PagerDuty and a real Alertmanager are told. One page is taken at
// PagerDuty; the routing keys of both are rotated and the server is started anew; one
// function is mended and the other deleted. Both incidents end at both targets, each under
// the keys that began it, and nobody is paged twice.
func TestPagesEndUnderTheKeysThatBeganThem(t *testing.T) {
	t.Parallel()
	am := targettest.NewAlertmanager(t)
	o := newOperated(t)
	targets := filepath.Join(t.TempDir(), "targets.yaml")
	if err := os.WriteFile(targets, []byte("targets: [{name: am, type: alertmanager, url: "+am.URL+", watchdog: 10s}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	start := func() {
		o.start(t, "--alerting.targets", targets, "--pagerduty.webhooks", "--listen", address, "--external-url", "http://"+address)
	}
	start()
	for _, path := range []string{payPath, refundPath} {
		o.want(http.StatusCreated, http.MethodPost, path+"/versions", payment, nil)
	}
	serviceOf := func(path string) (s pagerdutytest.Service) {
		var op wire.Operability
		o.want(http.StatusOK, http.MethodGet, path+"/operability", nil, &op)
		if op.PagerDuty.State == wire.Ready {
			s, _ = o.pager.Service(op.PagerDuty.ServiceID)
		}
		return s
	}
	eventually(t, "PagerDuty is ready", 20*time.Second, func() (bool, string) {
		return serviceOf(payPath).ID != "" && serviceOf(refundPath).ID != "" && len(o.pager.Subscriptions()) == 1, sprint(o.pager.Services())
	})

	// Fire.
	mended := newSwitch(false)
	current := newCurrent(o.process)
	callers(t, func() string {
		if mended.on() {
			return "/fn/" + payName + "?cents=7"
		}
		return "/fn/" + payName + "?cents=x"
	}, current.get)
	callers(t, func() string { return "/fn/" + refundName + "?cents=x" }, current.get)
	incident := func(name string) wire.Incident {
		var list wire.List[wire.Incident]
		o.want(http.StatusOK, http.MethodGet, "/api/v1/incidents", nil, &list)
		for _, in := range list.Items {
			if in.Function == name && in.SLO == "availability" {
				return in
			}
		}
		return wire.Incident{}
	}
	atPager := func(key string) (in pagerdutytest.Incident) {
		for _, one := range o.pager.Incidents() {
			if one.DedupKey == key {
				in = one
			}
		}
		return in
	}
	atAM := func(key string) (heard []string) { // "firing page", in order
		for _, a := range am.Heard() {
			if a.Annotations["dedup_key"] == key && a.Labels["slo"] == "availability" {
				heard = append(heard, a.Status+" "+a.Labels["class"])
			}
		}
		return heard
	}
	keys := map[string]string{}  // dedup keys
	began := map[string]string{} // routing keys
	for name, path := range map[string]string{payName: payPath, refundName: refundPath} {
		eventually(t, "both are told of a page of "+name, 60*time.Second, func() (bool, string) {
			in := incident(name)
			keys[name] = in.DedupKey
			return in.Class == "page" && atPager(in.DedupKey).Status == pagerdutytest.Triggered && slices.Contains(atAM(in.DedupKey), "firing page"),
				fmt.Sprint(in, o.pager.Incidents(), am.Heard())
		})
		if began[name] = serviceOf(path).Integrations[0].Key; atPager(keys[name]).RoutingKey != began[name] {
			t.Errorf("%s was told of under %q", name, atPager(keys[name]).RoutingKey)
		}
	}

	// The dead man's switch goes the same way, and the System page knows that it is heard.
	eventually(t, "the watchdog is heard", 30*time.Second, func() (bool, string) {
		var s wire.System
		o.want(http.StatusOK, http.MethodGet, "/api/v1/system", nil, &s)
		fires := slices.ContainsFunc(am.Heard(), func(a targettest.Told) bool { return a.Labels["alertname"] == "Watchdog" && a.Status == "firing" })
		return fires && len(s.Watchdogs) == 1 && s.Watchdogs[0].HeardAt != nil && s.Watchdogs[0].State == wire.PartOK, fmt.Sprintf("%+v", s.Watchdogs)
	})

	// Acknowledge, at PagerDuty.
	if status, err := o.pager.Act(t.Context(), keys[payName], "incident.acknowledged", "Bea", ""); err != nil || status != http.StatusAccepted {
		t.Fatalf("%d, %v", status, err)
	}
	eventually(t, "Bea has it", 10*time.Second, func() (bool, string) {
		in := incident(payName)
		return in.AcknowledgedBy == "Bea" && in.Via == "pagerduty", fmt.Sprintf("%+v", in)
	})

	// Rotate: Hadron's integrations are taken from it, and their keys work a while longer.
	for _, path := range []string{payPath, refundPath} {
		o.pager.Edit(serviceOf(path).ID, func(s *pagerdutytest.Service) {
			old := s.Integrations[0]
			s.Integrations = []pagerdutytest.Integration{{ID: "POLD" + old.ID, Name: "until its incidents are over", Type: old.Type, Key: old.Key}}
		})
	}
	o.kill()
	start()
	current.set(o.process)
	for name, path := range map[string]string{payName: payPath, refundName: refundPath} {
		eventually(t, name+" has a new routing key", 20*time.Second, func() (bool, string) {
			all := serviceOf(path).Integrations
			return len(all) == 2 && all[1].Name == "Hadron" && all[1].Key != began[name], sprint(all)
		})
		if in := incident(name); in.DedupKey != keys[name] {
			t.Errorf("the incident of %s is another after the start: %+v", name, in)
		}
	}
	if in := incident(payName); in.AcknowledgedBy != "Bea" {
		t.Errorf("the restart forgot who has it: %+v", in)
	}

	// Delete one, mend the other.
	o.want(http.StatusNoContent, http.MethodDelete, refundPath, nil, nil)
	mended.set(true)
	for _, name := range []string{refundName, payName} {
		eventually(t, "the incident of "+name+" is over at both", 120*time.Second, func() (bool, string) {
			heard := atAM(keys[name])
			return atPager(keys[name]).Status == pagerdutytest.Resolved && len(heard) > 0 && strings.HasPrefix(heard[len(heard)-1], "resolved"),
				fmt.Sprint(incident(name), atPager(keys[name]), heard)
		})
	}
	var over wire.List[wire.Incident]
	o.want(http.StatusOK, http.MethodGet, payPath+"/incidents", nil, &over)
	if i := slices.IndexFunc(over.Items, func(in wire.Incident) bool { return in.DedupKey == keys[payName] }); i < 0 || over.Items[i].ClosedAt == nil || over.Items[i].AcknowledgedBy != "Bea" {
		t.Errorf("what is kept of it: %+v", over.Items)
	}

	pages, ends := map[string]int{}, map[string]string{}
	for _, e := range o.pages() {
		name := ""
		for of, key := range keys {
			if e.DedupKey == key {
				name = of
			}
		}
		if name == "" {
			continue // another objective's
		}
		if e.RoutingKey != began[name] || e.Dropped != "" {
			t.Errorf("%s of %s went out under %q, and it began under %q: %s", e.Action, name, e.RoutingKey, began[name], e.Dropped)
		}
		switch {
		case e.Action == "trigger" && e.Severity == "critical":
			pages[name]++
		case e.Action == "resolve":
			ends[name] += string(e.Raw)
		}
	}
	if pages[payName] != 1 || pages[refundName] != 1 {
		t.Errorf("paged %v times", pages)
	}
	if !strings.Contains(ends[refundName], "was deleted") || strings.Contains(ends[payName], "was deleted") || strings.Count(ends[payName], `"event_action":"resolve"`) != 1 {
		t.Errorf("how they ended: %v", ends)
	}
	// A new incident goes out under the new key.
	mended.set(false)
	eventually(t, "it fails again, under the new key", 60*time.Second, func() (bool, string) {
		in := atPager(keys[payName])
		return in.Status == pagerdutytest.Triggered && in.RoutingKey == serviceOf(payPath).Integrations[1].Key, sprint(o.pager.Incidents())
	})
}
