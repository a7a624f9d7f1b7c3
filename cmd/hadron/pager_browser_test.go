package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/ui/wire"
)

// An alert shows in the page and at the pager. Who takes it in the page has it at
// PagerDuty too, and who takes it there has it in the page, which nobody reloads.
func TestAnAlertIsTakenInThePageAndAtThePager(t *testing.T) {
	t.Parallel()
	o := newOperated(t)
	address := freeAddress(t)
	o.start(t, "--pagerduty.webhooks", "--listen", address, "--external-url", "http://"+address)
	o.want(http.StatusCreated, http.MethodPost, payPath+"/versions", payment, nil)
	eventually(t, "PagerDuty is ready", 10*time.Second, func() (bool, string) {
		return o.operability().PagerDuty.State == wire.Ready && len(o.pager.Subscriptions()) == 1, fmt.Sprint(o.pager.Subscriptions())
	})
	b := openTab(t, o.process)
	const incident = `[data-incident="availability"]`
	b.do("sign in", chromedp.EmulateViewport(1440, 900), b.goTo("/alerts"), see("input"), typeIn("input", o.token), pressText("button", "Sign in"), seeText("Nothing fires"))
	b.eval(`window.opened = 1`)
	current := newCurrent(o.process)
	callers(t, func() string { return "/fn/" + payName + "?cents=x" }, current.get)
	b.do("see it come", see(incident+`[data-acknowledged="false"]`),
		becomes(`document.querySelector('`+incident+`').innerText.includes("Told: pagerduty")`))

	status := func() string {
		for _, in := range o.pager.Incidents() {
			if in.Status != pagerdutytest.Resolved {
				return in.Status
			}
		}
		return ""
	}
	key := func() string {
		var list wire.List[wire.Incident]
		o.want(http.StatusOK, http.MethodGet, "/api/v1/incidents", nil, &list)
		for _, in := range list.Items {
			if in.SLO == "availability" {
				return in.DedupKey
			}
		}
		return ""
	}
	act := func(kind string) {
		t.Helper()
		if status, err := o.pager.Act(t.Context(), key(), kind, "Bea", ""); err != nil || status != http.StatusAccepted {
			t.Fatalf("%s: %d, %v", kind, status, err)
		}
	}
	eventually(t, "the pager rings", 10*time.Second, func() (bool, string) {
		return status() == pagerdutytest.Triggered, fmt.Sprint(o.pager.Incidents())
	})

	// There.
	act("incident.acknowledged")
	b.do("see who took it there", see(incident+`[data-acknowledged="true"]`),
		becomes(`/Bea has it.*at PagerDuty/s.test(document.querySelector('`+incident+`').innerText)`))
	shots(t, b.ctx, "taken")
	act("incident.unacknowledged")
	b.do("see it given back", see(incident+`[data-acknowledged="false"]`))

	// Here, from the function's own page.
	b.do("open the function from it", press(incident+` a[href="/f/`+payName+`"]`), see(`[aria-label="Open incidents"] `+incident))
	b.do("take it", chromedp.Click(chromedp.Search(`//*[@data-incident="availability"]//button[contains(., "Acknowledge")]`)),
		typeIn("[role=dialog] textarea", "mine"), press("[data-confirm=acknowledge]"), see(incident+`[data-acknowledged="true"]`))
	eventually(t, "PagerDuty knows that somebody has it", 10*time.Second, func() (bool, string) {
		return status() == pagerdutytest.Acknowledged, fmt.Sprint(o.pager.Incidents())
	})
	if opened := b.eval(`window.opened ?? 0`); opened != "1" {
		t.Error("the page was reloaded")
	}
}
