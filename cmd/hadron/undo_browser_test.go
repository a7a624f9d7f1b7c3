package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// What is live of a function is rolled back from the page Deployments, and the question
// says what will happen.
func TestRollBackFromDeployments(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev", "--isolation=inprocess")
	const name = "pay/core/charge"
	for _, text := range []string{"one", "two"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions?alias=live", wire.Register{Source: `export default () => new Response("` + text + `")`}, nil)
	}
	b := openTab(t, p)
	back := `[aria-label="Roll back ` + name + `…"]`
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/deployments"), see(back))
	if n := b.eval(`document.querySelectorAll('` + back + `').length`); n != "1" {
		t.Errorf("%s changes can be rolled back: only the one that is live says from what", n)
	}
	b.do("ask", press(back), chromedp.WaitVisible(chromedp.Search(`//dd[contains(., "All new requests go to @1 instead of @2")]`)))
	b.look("roll-back")
	b.do("roll back, by keyboard only", chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.Search(`//p[contains(., "@1 is live.")]`)), chromedp.KeyEvent("\r"), closed(),
		chromedp.WaitVisible(chromedp.Search(`//td[.="rolled back"]`)))
	var alias wire.Alias
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions/"+name+"/aliases/live", nil, &alias)
	if len(alias.Weights) != 1 || alias.Weights[0].Version != 1 {
		t.Errorf("live: %+v", alias)
	}
}

// A token is made, replaced with a name that is taken already, and revoked; each question
// says what will happen.
func TestTokensPage(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev", "--isolation=inprocess")
	var made wire.CreatedToken
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/tokens", wire.CreateToken{Name: "ci", Role: "deployer", Scope: "growth", Expires: "2d"}, &made)
	b := openTab(t, p)
	const dialog, row = "[role=dialog] ", `[data-token="ci"]`
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/tokens"), see(row), chromedp.WaitVisible(chromedp.Search(`//p[contains(., "1 soon to end")]`)))
	if text := b.eval("document.querySelector(`" + row + "`).innerText"); !strings.Contains(text, "never used") || !strings.Contains(text, "deployer") || !strings.Contains(text, "! ") {
		t.Errorf("the token: %s", text)
	}
	b.do("take its name", pressText("button", "New token"), typeIn(dialog+"input[name=name]", "ci"), typeIn(dialog+"input[name=scope]", "growth"),
		chromedp.WaitVisible(chromedp.Search(`//label[contains(., "Replace the deployer of this name")]`)), becomes(`document.querySelector("[data-confirm=token]").disabled`))
	b.look("new-token")
	b.do("replace it", press(dialog+"input[name=replace]"), press("[data-confirm=token]"), see("[data-secret]"), pressText("button", "Done"), closed(), gone(`[data-confirm=token]`))
	shots(t, b.ctx, "tokens")
	b.do("ask to revoke it", press(row+" button"), chromedp.WaitVisible(chromedp.Search(`//p[contains(., "viewer of growth") and contains(., "It was never used.")]`)))
	b.look("revoke")
	b.do("revoke it", press("[data-confirm=revoke]"), closed(), gone(row), seeText("There are no tokens yet"))
}
