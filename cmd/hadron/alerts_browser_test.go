package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// On the page Alerts a maintenance is planned and everything is silenced, which asks twice; an
// incident leads to its charts and its runbook, and is listed when it is over.
func TestAlertsPageHasMaintenanceAndThePast(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev", "--isolation=inprocess")
	const name = "pay/core/charge"
	const runbook = "https://runbooks.example/charge"
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions", wire.Register{
		Source: switchable, Manifest: json.RawMessage(`{"slo":{"window":"1h"},"runbook":"` + runbook + `"}`),
	}, nil)
	b := openTab(t, p)
	const dialog = "[role=dialog] "
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/alerts"), seeText("Nothing fires"), seeText("None in the last 90 days"))
	callers(t, func() string { return "/fn/" + name + "?name=nobody" }, func() *process { return p })

	b.do("plan a maintenance", pressText("button", "Plan maintenance"), typeIn(dialog+"input[name=scope]", "home/bff"), typeIn(dialog+"input[name=reason]", "the database moves"))
	const minutes = "2006-01-02T15:04"
	b.fillIn(dialog+"input[name=to]", time.Now().Add(-time.Hour).Format(minutes))
	b.do("see that it would be over", seeText("It would be over already"), becomes(`document.querySelector("[data-confirm=maintenance]").disabled`))
	b.fillIn(dialog+"input[name=from]", time.Now().Add(time.Hour).Format(minutes))
	b.fillIn(dialog+"input[name=to]", time.Now().Add(2*time.Hour).Format(minutes))
	b.do("read what will happen", chromedp.WaitVisible(chromedp.Search(`//p[contains(., "nobody is told of pages and tickets of home/bff")]`)))
	b.look("maintenance")
	b.do("plan it", press("[data-confirm=maintenance]"), closed(), see("[data-silence]"))
	if row := b.eval(`document.querySelector("[data-silence]").innerText`); !strings.Contains(row, "pending maintenance") || !strings.Contains(row, "home/bff") || !strings.Contains(row, "the database moves") || !strings.Contains(row, "from ") {
		t.Errorf("the maintenance: %s", row)
	}

	b.do("silence everything", pressText("button", "Silence…"), typeIn(dialog+"input[name=reason]", "a drill"), becomes(`document.querySelector("[data-confirm=silence]").disabled`),
		press(dialog+"input[name=everything]"), becomes(`!document.querySelector("[data-confirm=silence]").disabled`), press(`[aria-label="Close"]`), closed())

	const incident = `[data-incident="availability"]`
	b.do("see an incident", see(incident))
	if links := b.eval(`[...document.querySelectorAll('` + incident + ` a')].map(a => a.getAttribute("href")).join(" ")`); !strings.Contains(links, runbook) || !strings.Contains(links, "/f/"+name+"?range=") {
		t.Errorf("where the incident leads: %s", links)
	}
	b.look("incident")
	p.want(http.StatusNoContent, http.MethodDelete, "/api/v1/functions/"+name, nil, nil)
	b.do("see it over", see(`[data-past="availability"]`), gone(incident))
	if row := b.eval(`document.querySelector('[data-past="availability"]').innerText`); !strings.Contains(row, name) || !strings.Contains(row, "nobody took it") {
		t.Errorf("the incident that is over: %s", row)
	}
	shots(t, b.ctx, "past")
	var ended wire.List[wire.Incident]
	p.want(http.StatusOK, http.MethodGet, "/api/v1/incidents?state=ended&scope=pay", nil, &ended)
	if len(ended.Items) == 0 || ended.Items[0].ClosedAt == nil {
		t.Errorf("%+v", ended)
	}
	p.want(http.StatusOK, http.MethodGet, "/api/v1/incidents?state=ended&scope=home", nil, &ended)
	if len(ended.Items) != 0 {
		t.Errorf("of another team: %+v", ended)
	}
	if out := p.cli("alerts", "incidents", "--ended"); !strings.Contains(out, name) {
		t.Errorf("hadron alerts incidents --ended: %s", out)
	}
}

// fillIn gives a field a value that a keyboard types in the manner of the browser's language.
func (b *tab) fillIn(css, value string) {
	b.t.Helper()
	b.eval(fmt.Sprintf(`(() => {
		const field = document.querySelector(%q);
		Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, %q);
		field.dispatchEvent(new Event("input", {bubbles: true}));
	})()`, css, value))
}
