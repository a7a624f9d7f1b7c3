package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// troubled stands between a page and its server: what localStorage says becomes of requests.
const troubled = `(() => {
	const real = window.fetch;
	window.fetch = (path, init) => {
		const how = localStorage.getItem("trouble"), url = String(path);
		if (!how || !/^\/(api|prometheus)\//.test(url) || url.startsWith("/api/v1/session")) return real(path, init);
		if (how === "hang") return new Promise(() => {});
		const body = JSON.stringify({status: 503, code: "unavailable", title: "Unavailable", detail: "The database is away."});
		return Promise.resolve(new Response(body, {status: 503, headers: {"Content-Type": "application/problem+json"}}));
	};
})()`

// Each page says that it is on its way, what could not be read and how to try again, and,
// when it cannot be read again, how old is what it goes on showing.
func TestPagesSayWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev", "--isolation=inprocess")
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/growth/signup/greeting/versions", wire.Register{Source: switchable}, nil)
	b := openTab(t, p)
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: troubled}); err != nil {
		t.Fatal(err)
	}
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/"))
	for _, one := range []struct {
		path, what, ready string
		again             bool // it is read again while it is open
	}{
		{"/alerts", "incidents", "#past", true},
		{"/deployments", "", "main table", false},
		{"/teams", "teams", "main table", true},
		{"/teams/growth", "team", "main dl", true},
		{"/teams/growth/signup", "project", "main dl", true},
		{"/audit", "audit log", "main table", false},
		{"/tokens", "tokens", "main h1", false},
		{"/system", "system", `[data-part="metric store"]`, true},
	} {
		trouble := func(how string) { b.eval(`localStorage.setItem("trouble", "` + how + `")`) }
		if one.what != "" {
			trouble("hang")
			b.do(one.path+" on its way", b.goTo(one.path), see(`[role=status][aria-label="Loading the `+one.what+`"]`))
		}
		trouble("fail")
		b.do(one.path+" failing", b.goTo(one.path))
		if one.what != "" {
			b.do(one.path+" failing", chromedp.WaitVisible(chromedp.Search(`//*[@role="alert"][contains(., "The `+one.what+` could not be read") and contains(., "The database is away.")]`)))
		} else {
			b.do(one.path+" failing", chromedp.WaitVisible(chromedp.Search(`//*[@role="alert"][contains(., "could not be read") and contains(., "The database is away.")]`)))
		}
		shots(t, b.ctx, "failing"+strings.ReplaceAll(one.path, "/", "-"))
		b.do(one.path+" wide", chromedp.EmulateViewport(1440, 900))
		trouble("")
		b.do(one.path+" back", chromedp.Click(chromedp.Search(`//button[contains(., "Try again")]`)), chromedp.WaitReady(chromedp.CSS(one.ready)))
		if one.again {
			b.do(one.path+" whole", chromedp.WaitNotPresent(chromedp.Search(`//*[@role="alert"][contains(., "The `+one.what+` could")]`)))
			trouble("fail")
			b.do(one.path+" old", chromedp.WaitVisible(chromedp.Search(`//*[@role="status"][contains(., "The `+one.what+` could not be read again") and contains(., "What is shown was read")]`)), chromedp.WaitReady(chromedp.CSS(one.ready)))
			shots(t, b.ctx, "old"+strings.ReplaceAll(one.path, "/", "-"))
			trouble("")
		}
	}
}
