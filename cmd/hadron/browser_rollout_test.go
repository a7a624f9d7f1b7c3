package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// A canary begins while the page is open: it shows its steps and its verdict without a
// reload, on both pages, and is aborted from there.
func TestACanaryIsSteeredFromThePage(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	p := quick(t, t.TempDir())
	p.register(shop(1, false, ""))
	current := newCurrent(p)
	for range 2 {
		callers(t, func() string { return "/fn/" + shopName }, current.get)
	}
	page := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, leisure*time.Minute)
		defer cancel()
		if err := chromedp.Do(ctx, steps...); err != nil {
			text, _ := chromedp.Run(t.Context(), chromedp.Evaluate[string](`document.body.innerText`))
			t.Fatalf("%s: %v\n%s", what, err, text)
		}
	}
	see := func(selector string) chromedp.Action[chromedp.Void] {
		return chromedp.WaitVisible(chromedp.CSS(selector))
	}
	page("open", chromedp.EmulateViewport(1440, 900), chromedp.Navigate(p.url+"/deployments"), see("td a[href='/f/"+shopName+"']"))
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`window.opened = 1`)); err != nil {
		t.Fatal(err)
	}
	r := p.register(shop(2, false, `{"strategy":"canary","steps":[20,50],"interval":"10m"}`))
	panel := fmt.Sprintf("[data-rollout='%d']", r.ID)
	page("see it come", see(panel+"[data-state='running']"), see(panel+" [data-verdict]"))
	shots(t, ctx, "deployments")
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("`+panel+`").innerText`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"@1 → @2", "live, canary", "under way", "20\u202f%", "50\u202f%", "all", "The step lasts", "canary @2", "baseline @1", "errors", "step 1 of 2", "Pause"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	page("pause", chromedp.Click(chromedp.CSS(panel+" [data-verb='pause']")), see("[data-confirm='pause']"),
		chromedp.Click(chromedp.CSS("[data-confirm='pause']")), see(panel+"[data-state='paused']"))
	p.want(http.StatusOK, http.MethodPut, "/api/v1/teams/shop/freeze", wire.PutFreeze{Reason: "peak season", Until: time.Now().Add(time.Hour)}, nil)
	page("go to the function", chromedp.Click(chromedp.CSS(panel+" h2 a")),
		see(panel+"[data-state='paused']"), chromedp.WaitVisible(chromedp.Search(`//b[contains(., "shop is frozen")]`)))
	shots(t, ctx, "rollout")
	page("abort", chromedp.Click(chromedp.CSS(panel+" [data-verb='abort']")), see("[data-confirm='abort']"))
	shots(t, ctx, "abort")
	page("confirm", chromedp.Click(chromedp.CSS("[data-confirm='abort']")), see(panel+"[data-state='aborted']"))
	if d := p.awaitState(r.ID, 30*time.Second, wire.RolloutAborted); p.alias("live") != 1 || !strings.Contains(d.Rollout.Reason, "aborted in the web app") {
		t.Errorf("live is @%d; %s", p.alias("live"), d.Rollout.Reason)
	}
	shots(t, ctx, "aborted")
	if opened, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`window.opened ?? 0`)); err != nil || opened != 1 {
		t.Errorf("the page was reloaded in between: %v, %v", opened, err)
	}
}

// A deployment divides the traffic and waits. It is promoted on the function's page, to its
// next step and then to all; each question says what will happen, and the rows of the
// versions and of the overview show who has the traffic.
func TestADeploymentIsPromotedOnThePage(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev", "--isolation=inprocess")
	p.register(shop(1, false, ""))
	r := p.register(shop(2, false, `{"strategy":"manual","steps":[20,50]}`))
	p.awaitState(r.ID, 30*time.Second, wire.RolloutPaused)
	b := openTab(t, p)
	panel := fmt.Sprintf("[data-rollout='%d']", r.ID)
	says := func(what, state, share string) chromedp.Action[chromedp.Void] {
		return chromedp.Steps(see(panel+"[data-state='"+state+"']"),
			becomes(fmt.Sprintf(`document.querySelector("[data-version='2'][data-live=true]")?.innerText.includes(%q)`, share)),
			becomes(fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, panel+" [aria-current=step]", what)))
	}
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/f/"+shopName), says("20\u202f%", "paused", "20\u202f%"))
	b.do("ask to promote", press(panel+" [data-verb='promote']"), see("[data-confirm='promote']"))
	if text := b.eval(`document.querySelector("[role=dialog]").innerText`); !strings.Contains(text, "@2 gets 50\u202f% of the traffic of live now") {
		t.Errorf("what will happen: %s", text)
	}
	b.look("promote")
	b.do("promote", press("[data-confirm='promote']"), closed(), says("50\u202f%", "paused", "50\u202f%"))
	var alias wire.Alias
	p.want(http.StatusOK, http.MethodGet, shopPath+"/aliases/live", nil, &alias)
	if w := alias.Weights; len(w) != 2 || w[0].Weight != w[1].Weight {
		t.Errorf("live is divided as %v", w)
	}
	b.do("ask to promote to all", press(panel+" [data-verb='finish']"), see("[data-confirm='finish']"))
	if text := b.eval(`document.querySelector("[role=dialog]").innerText`); !strings.Contains(text, "@2 gets all traffic of live now") {
		t.Errorf("what will happen: %s", text)
	}
	b.do("promote to all", press("[data-confirm='finish']"), closed(), gone(panel),
		becomes(`document.querySelector("[data-version='2'][data-live=true]")?.innerText.includes("100\u202f%") && !document.querySelector("[data-version='1'][data-live=true]")`))
	if d := p.awaitState(r.ID, 30*time.Second, wire.RolloutCompleted); p.alias("live") != 2 {
		t.Errorf("live is @%d; %s", p.alias("live"), d.Rollout.Reason)
	}
	const row = `[data-function="` + shopName + `"]`
	b.do("see it in the overview", b.goTo("/"), becomes(`document.querySelector('`+row+` [data-column=version]')?.innerText === "@2"`))
	b.do("see it among the deployments", b.goTo("/deployments"), becomes(fmt.Sprintf(`document.querySelector("[data-deployment='%d']")?.innerText.includes("completed")`, r.ID)))
}
