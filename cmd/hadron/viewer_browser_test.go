package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// Nobody is offered what the server would refuse them: a viewer looks at an incident, a
// function and its deployments without the buttons that a deployer has there.
func TestPagesOfferWhatTheViewerMayDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir, "--isolation=inprocess")
	p.adopt(dir)
	const name = "growth/signup/greeting"
	for _, message := range []string{"the first", "the second"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions?alias=live", wire.Register{
			Source: switchable, Message: message, Manifest: json.RawMessage(`{"access":"public","slo":{"window":"1h"},"description":"` + message + `"}`),
		}, nil)
	}
	tokens := map[string]string{}
	for _, role := range []string{"viewer", "deployer"} {
		var made wire.CreatedToken
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/tokens", wire.CreateToken{Name: role, Role: role, Scope: "growth"}, &made)
		tokens[role] = made.Secret
	}
	callers(t, func() string { return "/fn/" + name + "?name=nobody" }, func() *process { return p })

	b := openTab(t, p)
	const incident = `[data-incident="availability"]`
	buttons := func() string {
		return b.eval(`[...document.querySelectorAll("main button")].map(x => x.innerText).join(", ")`)
	}
	signIn := func(role string) {
		b.do("sign in as a "+role, chromedp.EmulateViewport(1440, 900), b.goTo("/alerts"), see("input[type=password]"), typeIn("input[type=password]", tokens[role]), pressText("button", "Sign in"),
			see(incident))
	}
	signIn("viewer")
	if text := b.eval(`document.querySelector("main").innerText`); !strings.Contains(text, "Whoever may deploy it can acknowledge and silence it.") {
		t.Errorf("why there is nothing to press: %s", text)
	}
	for _, word := range []string{"Acknowledge", "Silence", "Plan"} {
		if all := buttons(); strings.Contains(all, word) {
			t.Errorf("a viewer is offered %s: %s", word, all)
		}
	}
	b.look("viewer")
	b.do("look at the function", b.goTo("/f/"+name), see(incident), pressText("button", "Profile"), press(`[aria-label="Close"]`), closed())
	for _, word := range []string{"Roll back", "Try it", "Acknowledge", "Silence"} {
		if all := buttons(); strings.Contains(all, word) {
			t.Errorf("a viewer is offered %s: %s", word, all)
		}
	}
	b.do("look at the deployments", b.goTo("/deployments"), see("[data-deployment]"), see("[data-end]"))
	if all := buttons(); strings.Contains(all, "Roll back") {
		t.Errorf("a viewer is offered to roll back: %s", all)
	}
	b.do("sign out", pressText("button", "Sign out"), see("input[type=password]"))

	signIn("deployer")
	b.do("see what a deployer may silence", chromedp.Click(chromedp.Search(`//*[@data-incident="availability"]//button[contains(., "Silence")]`)),
		see("[data-confirm=silence]"))
	if text := b.eval(`document.querySelector("[role=dialog] select").innerText`); !strings.Contains(text, "all of growth/signup") || !strings.Contains(text, "all of growth\n") && !strings.HasSuffix(text, "all of growth") {
		t.Errorf("what may be silenced: %q", text)
	}
	b.do("and what not", press(`[aria-label="Close"]`), closed(), pressText("button", "Plan maintenance"), see("[data-confirm=maintenance]"),
		becomes(`document.querySelector("[role=dialog] input[name=scope]").value === "growth"`), gone("[role=dialog] input[name=everything]"),
		typeIn("[role=dialog] input[name=scope]", "x"), seeText("You may silence growth, not"), press(`[aria-label="Close"]`), closed())
	b.do("roll back from the deployments", b.goTo("/deployments"), see(`[aria-label="Roll back `+name+`…"]`))
}
