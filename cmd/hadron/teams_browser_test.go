package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// A team's quotas and names of secrets on its page; a function's history with what
// changed between two versions.
func TestTeamsAndHistoryInTheBrowser(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	p := startServer(t, t.TempDir(), "--dev")
	three := 3
	p.want(http.StatusOK, http.MethodPut, "/api/v1/teams/growth", wire.TeamSettings{
		Description: "Sign-up and home", Owners: []string{"ada", "bob"}, Contact: "#growth", Quota: &wire.Quota{Functions: &three},
	}, nil)
	for _, name := range []string{"greeting", "welcome", "invite"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/growth/signup/"+name+"/versions", wire.Register{
			Source: "export default {\n  fetch: () => new Response(\"one\"),\n};\n", Message: "first",
			Origin: &wire.Origin{Tool: "test", Commit: "0123456789abcdef0123", Dirty: true},
		}, nil)
	}
	p.want(http.StatusOK, http.MethodPut, "/api/v1/teams/growth/secrets/API_KEY", wire.PutSecret{Value: "hunter2-hunter2"}, nil)
	const greeting = "/api/v1/functions/growth/signup/greeting/versions?alias=live"
	p.want(http.StatusCreated, http.MethodPost, greeting, wire.Register{Source: "export default {\n  fetch: () => new Response(\"two\"),\n};\n", Message: "say two"}, nil)

	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, leisure*time.Minute)
		defer cancel()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	read := func(script string) string {
		t.Helper()
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const link = `//td//a[text()="growth"]`
	do("open the teams", chromedp.EmulateViewport(1440, 900), chromedp.Navigate(p.url+"/teams"), chromedp.WaitVisible(chromedp.Search(link)))
	teams := read(`document.querySelector("main").innerText`)
	shots(t, ctx, "teams")
	do("open a team", chromedp.Click(chromedp.Search(link)), chromedp.WaitVisible(chromedp.Search(`//code[text()="API_KEY"]`)))
	team, page := read(`document.querySelector("main").innerText`), read(`document.documentElement.outerHTML`)
	shots(t, ctx, "team")
	do("set a quota", pressText("button", "Settings and quotas"), typeIn("[role=dialog] input[name=functions]", "0"),
		chromedp.WaitVisible(chromedp.Search(`//li[.="Functions: 3 → 30"]`)), press("[data-confirm=settings]"), gone("[role=dialog]"), chromedp.WaitVisible(chromedp.Search(`//dd[contains(., "3 / 30")]`)))
	do("freeze it", pressText("button", "Freeze deployments"), typeIn("[role=dialog] input", "peak season"), chromedp.WaitVisible(chromedp.Search(`//p[contains(., "Rollbacks go on")]`)),
		press("[data-confirm=freeze]"), see("[data-frozen=true]"))
	if status, body := p.call(http.MethodPost, greeting, wire.Register{Source: "export default {\n  fetch: () => new Response(\"three\"),\n};\n"}); status != http.StatusLocked {
		t.Errorf("deployed in a freeze: %d %s", status, body)
	}
	do("lift the freeze", pressText("button", "Lift the freeze"), press("[data-confirm=lift]"), see("[data-frozen=false]"))
	var settings wire.Team
	p.want(http.StatusOK, http.MethodGet, "/api/v1/teams/growth", nil, &settings)
	if q := settings.Settings.Quota; q == nil || q.Functions == nil || *q.Functions != 30 || len(settings.Settings.Owners) != 2 {
		t.Errorf("the settings: %+v", settings.Settings)
	}
	do("open the history", chromedp.Navigate(p.url+"/f/growth/signup/greeting"),
		chromedp.Click(chromedp.Search(`//button[contains(text(),"History")]`)), chromedp.WaitVisible(chromedp.Search(`//span[contains(text(),"+  fetch")]`)))
	history := read(`document.querySelector("[role=dialog]").innerText`)
	shots(t, ctx, "history")
	for _, want := range []string{"ada, bob", "#growth", "3 / 3 full"} {
		if !strings.Contains(teams, want) {
			t.Errorf("the Teams page lacks %q: %s", want, teams)
		}
	}
	for _, want := range []string{"Sign-up and home", "signup", "version 1", "inherited"} {
		if !strings.Contains(team, want) {
			t.Errorf("the team's page lacks %q: %s", want, team)
		}
	}
	if strings.Contains(page, "hunter2") {
		t.Error("the page holds a secret")
	}
	for _, want := range []string{"say two", "0123456789", "and more", "@1 → @2", `-  fetch: () => new Response("one")`, `+  fetch: () => new Response("two")`} {
		if !strings.Contains(history, want) {
			t.Errorf("the history lacks %q: %s", want, history)
		}
	}
}
