package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// tab is a page of one server.
type tab struct {
	t   *testing.T
	ctx context.Context
	p   *process
}

func openTab(t *testing.T, p *process) *tab {
	t.Helper()
	return &tab{t: t, ctx: browser(t), p: p}
}

// do runs steps, and tells what the page showed where one of them fails.
func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, leisure*45*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.eval(`document.body.innerText`))
	}
}

func (b *tab) goTo(path string) chromedp.Action[chromedp.Void] {
	return chromedp.Navigate(b.p.url + path)
}

func (b *tab) eval(script string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+script+")"))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return text
}

func see(css string) chromedp.Action[chromedp.Void]   { return chromedp.WaitVisible(chromedp.CSS(css)) }
func press(css string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(css)) }

// closed waits until a dialog is gone, and with it what lies over the page beneath and
// would take the next click.
func closed() chromedp.Action[chromedp.Void] {
	return chromedp.Steps(gone("[role=dialog]"), gone(".mantine-Overlay-root"))
}

// typeIn is chromedp.SendKeys, which reads what it knows of the page while that changes.
func typeIn(css, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(press(css), chromedp.KeyEvent(text))
}

func gone(css string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitNotPresent(chromedp.CSS(css))
}

// becomes waits for a script to be true of the page.
func becomes(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Poll[chromedp.Void](script, chromedp.WithPollingTimeout(0)) // as long as do lets it
}

func seeText(text string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(chromedp.Search(fmt.Sprintf(`//*[contains(text(), %q)]`, text)))
}

func pressText(tag, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.Search(fmt.Sprintf(`//%s[contains(., %q)]`, tag, text)))
}

// fill registers functions named many/p0/f000 and on, some at a time.
func (p *process) fill(n int) {
	p.t.Helper()
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				path := fmt.Sprintf("/api/v1/functions/many/p%d/f%03d/versions", i%3, i)
				p.call(http.MethodPost, path, wire.Register{Source: fmt.Sprintf("export default { fetch: () => new Response(%q) };", fmt.Sprint(i))})
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// More functions than a page of the protocol: the list asks for the pages in view,
// groups, filters and searches on the server, and all of it is in the address.
func TestOverviewOfManyFunctions(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev", "--isolation=inprocess")
	const many = 130
	p.fill(many)
	b := openTab(t, p)
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/?sort=name"), see(`[data-function="many/p0/f000"]`), see(fmt.Sprintf(`[aria-rowcount="%d"]`, many+1)))
	if made := b.eval(`document.querySelectorAll("[data-function]").length`); len(made) > 2 {
		t.Errorf("%s rows were made: only those in view should be", made)
	}
	b.eval(`document.querySelector("[role=rowgroup]").scrollTop = 1e6`)
	b.do("scroll to the end", see(`[data-function="many/p2/f128"]`))
	b.do("search", b.goTo("/?q=f12+p1"), see(`[data-function="many/p1/f121"]`), see(`[aria-rowcount="4"]`)) // f121, f124, f127
	b.do("search by keyboard only", chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent("f007"), see(`[data-function="many/p1/f007"]`), see(`[aria-rowcount="2"]`))
	if search := b.eval(`location.search`); search != "?q=f007" {
		t.Errorf("the search is not in the address: %s", search)
	}
	b.do("open a function by keyboard only", chromedp.KeyEvent("\r"), chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-function] a").focus()`), chromedp.KeyEvent("\r"), seeText("Watched by"))
	b.do("go back", chromedp.NavigateBack(), see(`[data-function="many/p1/f007"]`))
	b.do("group", b.goTo("/?group=project"), see(`[data-group="many/p0"]`), see(`[data-group="many/p2"]`))
	b.do("open a project", press(`[data-group="many/p1"] button`), see(`[data-function="many/p1/f001"]`), gone(`[data-function="many/p0/f000"]`))
	if search := b.eval(`location.search`); !strings.Contains(search, "open=many%2Fp1") {
		t.Errorf("what is open is not in the address: %s", search)
	}
	shots(t, b.ctx, "grouped")
	b.do("save the view", pressText("summary", "Views"), typeIn(`input[aria-label="Name of the view"]`, "p1 only"), pressText("button", "Save"),
		b.goTo("/"), pressText("summary", "Views"), pressText("a", "p1 only"), see(`[data-function="many/p1/f001"]`))
	b.do("show what fits nothing", b.goTo("/?state=failing"), seeText("No function fits"))
	b.do("show all again", pressText("button", "Show all"), see(`[data-function]`))
	b.do("stand at the wall", b.goTo("/wall"), see(`li[data-function]`), seeText("more that are no worse"))
	shots(t, b.ctx, "wall")
	b.do("look at the system", b.goTo("/system"), see(`[data-part="metric store"]`), seeText("limits.timeout"), seeText("No team sends metrics of its own"))
	shots(t, b.ctx, "system")
	b.do("read on among the deployments", b.goTo("/deployments"), see("[data-older]"), becomes(`document.querySelector("[data-end]").innerText.startsWith("The last 100 changes.")`),
		press("[data-older]"), gone("[data-older]"), becomes(fmt.Sprintf(`document.querySelector("[data-end]").innerText.startsWith("All %d changes that are kept.")`, many)))
	if rows := b.eval(`document.querySelectorAll("[data-deployment]").length`); rows != fmt.Sprint(many) {
		t.Errorf("%s changes are shown", rows)
	}
}

// The server goes away and comes back: the page says so at once, keeps the last
// values, and is live again by itself.
func TestTheServerIsLostAndRegained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir, "--dev")
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/pay/core/charge/versions", wire.Register{Source: switchable}, nil)
	b := openTab(t, p)
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/"), see(`[data-function="pay/core/charge"]`))
	b.eval(`window.opened = 1`)
	p.kill()
	b.do("lose it", see(`[data-stale="true"]`), seeText("Connection lost"))
	if text := b.eval(`document.body.innerText`); !strings.Contains(text, "charge") || !strings.Contains(text, "not live") || !strings.Contains(text, "last values") {
		t.Errorf("what was known is not kept, or not called old: %s", text)
	}
	shots(t, b.ctx, "lost")
	q := startServer(t, dir, "--dev", "--listen", strings.TrimPrefix(p.url, "http://"))
	q.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/home/bff/tv/versions", wire.Register{Source: switchable}, nil)
	b.do("regain it", see(`[data-stale="false"]`), see(`[data-function="home/bff/tv"]`))
	if opened := b.eval(`window.opened ?? 0`); opened != "1" {
		t.Error("the page was reloaded")
	}
}

const busy = `
function spin(ms: number): number {
  const until = Date.now() + ms;
  let n = 0;
  while (Date.now() < until) n++;
  return n;
}
export default {
  fetch(request: Request): Response {
    console.info("spun", spin(8) > 0, new URL(request.url).pathname);
    return new Response("LABEL");
  },
};
`

// One function from its page: it is called, its log is followed, filtered and held,
// it is profiled, read, and taken back to the version before.
func TestOneFunctionFromItsPage(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	const name = "pay/core/charge"
	path := "/api/v1/functions/" + name + "/versions?alias=live"
	p.want(http.StatusCreated, http.MethodPost, path, wire.Register{Source: strings.Replace(busy, "LABEL", "one", 1), Message: "the first"}, nil)
	b := openTab(t, p)
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/f/"+name), seeText("Watched by"))
	const dialog = "[role=dialog] "
	b.do("try it", pressText("button", "Try it"), chromedp.SetValue(chromedp.CSS(dialog+"input"), "/"), typeIn(dialog+"input", "tried"), pressText("button", "Send"),
		see(dialog+`[aria-label="Response"]`), seeText("It logged one line"))
	if text := b.eval(`document.querySelector("[role=dialog]").innerText`); !strings.Contains(text, "200") || !strings.Contains(text, "one") || !strings.Contains(text, "/tried") || !strings.Contains(text, "request ") {
		t.Errorf("the answer: %s", text)
	}
	shots(t, b.ctx, "try")
	b.do("close it", press(`[aria-label="Close"]`), closed())
	b.do("follow the log", chromedp.WaitVisible(chromedp.Search(`//*[@role="log"]//*[contains(text(), "/tried")]`)))
	b.do("hold the log", pressText("button", "Pause"))
	for range 3 {
		p.call(http.MethodGet, "/fn/"+name+"/later", nil)
	}
	b.do("see that more came", pressText("button", "3 new"), chromedp.WaitVisible(chromedp.Search(`//*[@role="log"]//*[contains(text(), "/later")]`)))
	b.do("filter the log", typeIn(`[aria-label="Filter logs"]`, "tried"),
		chromedp.WaitNotPresent(chromedp.Search(`//*[@role="log"]//*[contains(text(), "/later")]`)))

	b.do("look at a trace", press("[data-trace] button"), chromedp.WaitVisible(chromedp.Search(`//*[@role="dialog"]//button[contains(., "run")]`)), seeText("faas.invocation_id"))
	shots(t, b.ctx, "trace")
	b.do("close it", press(`[aria-label="Close"]`), closed())

	callers(t, func() string { return "/fn/" + name }, func() *process { return p })
	b.do("profile it", pressText("button", "Profile"), press(dialog+"[data-autofocus]"), chromedp.WaitVisible(chromedp.Search(`//*[@role="dialog"]//button[contains(text(), "spin")]`)))
	if text := b.eval(`document.querySelector("[role=dialog]").innerText`); !strings.Contains(text, "index.ts") || !strings.Contains(text, "by itself") {
		t.Errorf("the profile: %s", text)
	}
	shots(t, b.ctx, "flame")
	b.do("close it", press(`[aria-label="Close"]`), closed())

	p.want(http.StatusCreated, http.MethodPost, path, wire.Register{Source: strings.Replace(busy, "LABEL", "two", 1), Message: "the second"}, nil)
	b.do("see the deployment", chromedp.WaitVisible(chromedp.Search(`//tr[@data-live="true"]/td[.="@2"]`)))
	b.do("read the first", pressText("button", "History and changes"), press(`[aria-label="Show the source of @1"]`), chromedp.WaitVisible(chromedp.Search(`//*[@aria-label="Source of @1"]//*[contains(text(), "one")]`)), press(`[aria-label="Close"]`), closed())
	b.do("roll back", pressText("button", "Roll back…"), chromedp.WaitVisible(chromedp.Search(`//dd[contains(., "All new requests go to @1 instead of @2")]`)), pressText("button", "Roll back to @1"), chromedp.WaitVisible(chromedp.Search(`//p[contains(., "@1 is live.")]`)))
	var alias wire.Alias
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions/"+name+"/aliases/live", nil, &alias)
	if len(alias.Weights) != 1 || alias.Weights[0].Version != 1 {
		t.Errorf("live: %+v", alias)
	}
}

// An alert comes while the page is open; somebody takes it, with a note, and silences
// what it is about, and ends the silence.
func TestAnAlertIsAcknowledgedAndSilenced(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	const name = "pay/core/charge"
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions", wire.Register{
		Source: switchable, Manifest: json.RawMessage(`{"slo":{"window":"1h"}}`),
	}, nil)
	b := openTab(t, p)
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/alerts"), seeText("Nothing fires"))
	callers(t, func() string { return "/fn/" + name + "?name=nobody" }, func() *process { return p })
	const incident = `[data-incident="availability"]`
	b.do("see it come", see(incident+`[data-acknowledged="false"]`))
	b.do("take it", chromedp.Click(chromedp.Search(`//*[@data-incident="availability"]//button[contains(., "Acknowledge")]`)),
		typeIn("[role=dialog] textarea", "it is the card provider"), press("[data-confirm=acknowledge]"), see(incident+`[data-acknowledged="true"]`))
	if text := b.eval("document.querySelector(`" + incident + "`).innerText"); !strings.Contains(text, "has it") || !strings.Contains(text, "it is the card provider") {
		t.Errorf("who has it, and why: %s", text)
	}
	shots(t, b.ctx, "alerts")
	b.do("silence it", b.goTo("/f/"+name), chromedp.Click(chromedp.Search(`//*[@data-incident="availability"]//button[contains(., "Silence")]`)),
		typeIn("[role=dialog] input", "known, mended tomorrow"), press("[data-confirm=silence]"), closed())
	var silences wire.List[wire.Silence]
	p.want(http.StatusOK, http.MethodGet, "/api/v1/silences", nil, &silences)
	if len(silences.Items) != 1 || silences.Items[0].Scope != name || silences.Items[0].SLO != "availability" || silences.Items[0].Reason != "known, mended tomorrow" {
		t.Fatalf("%+v", silences.Items)
	}
	b.do("end the silence", b.goTo("/alerts"), see("[data-silence]"), chromedp.Click(chromedp.CSS("[data-silence] button")), press("[data-confirm=end]"), gone("[data-silence]"))
}

// Who signs in with a token of one team is refused another team's function, as if
// there were none.
func TestAnotherTeamsFunctionIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir)
	p.adopt(dir)
	for _, f := range []string{"growth/signup/greeting", "pay/core/charge"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+f+"/versions", wire.Register{Source: switchable}, nil)
	}
	var made wire.CreatedToken
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/tokens", wire.CreateToken{Name: "watcher", Role: "viewer", Scope: "growth"}, &made)
	b := openTab(t, p)
	b.do("sign in", chromedp.EmulateViewport(1440, 900), b.goTo("/"), see("input"), typeIn("input", made.Secret), pressText("button", "Sign in"),
		see(`[data-function="growth/signup/greeting"]`))
	b.do("look for it", b.goTo("/?q=charge"), seeText("No function fits"))
	b.do("go there", b.goTo("/f/pay/core/charge"), seeText("There is no function pay/core/charge"))
	if text := b.eval(`document.body.innerText`); strings.Contains(text, "greet") && strings.Contains(text, "index.ts") {
		t.Errorf("the page knows it: %s", text)
	}
}

// Every page passes axe-core with nothing serious, wide and narrow, light and dark,
// and is no wider than its window.
func TestEveryPageIsAccessible(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../../ui/web/node_modules/axe-core/axe.min.js")
	if err != nil {
		if os.Getenv("HADRON_TEST_REQUIRE") != "" {
			t.Fatal("axe-core is not installed, and HADRON_TEST_REQUIRE asks for it: npm ci in ui/web")
		}
		t.Skip("axe-core is not installed: npm ci in ui/web")
	}
	p := startServer(t, t.TempDir(), "--dev")
	for _, f := range []string{"growth/signup/greeting", "pay/core/charge", "home/bff/tv"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+f+"/versions", wire.Register{Source: switchable}, nil)
	}
	callers(t, func() string { return "/fn/growth/signup/greeting?name=nobody" }, func() *process { return p })
	b := openTab(t, p)
	for _, page := range []struct{ path, ready string }{
		{"/", `[data-function="growth/signup/greeting"][data-state="failing"]`},
		{"/?group=project&open=pay/core", `[data-function="pay/core/charge"]`},
		{"/wall", `li[data-function]`},
		{"/f/growth/signup/greeting", `[aria-label="Charts"] canvas`},
		{"/f/growth/signup/greeting?range=1764219000-1764219900", `[data-searched] p`},
		{"/dashboards", `[aria-label="Charts"] canvas`},
		{"/dashboards/growth/signup", `[aria-label="Charts"] canvas`},
		{"/alerts", "main table"},
		{"/deployments", "main table"},
		{"/teams", "main table"},
		{"/teams/growth", "main h2"},
		{"/teams/growth/signup", "main h2"},
		{"/audit", "main table"},
		{"/tokens", "main h1"},
		{"/system", `[data-part="metric store"]`},
		{"/nowhere", "main"},
	} {
		b.do("open "+page.path, chromedp.EmulateViewport(1440, 900), b.goTo(page.path), chromedp.WaitReady(chromedp.CSS(page.ready)))
		for _, width := range []int64{1440, 800, 390} {
			b.do("narrow "+page.path, chromedp.EmulateViewport(width, 900), chromedp.WaitReady(chromedp.CSS(page.ready)))
			if over := b.eval(`document.documentElement.scrollWidth - window.innerWidth`); over != "0" && !strings.HasPrefix(over, "-") {
				t.Errorf("%s at %d is wider than its window by %s px", page.path, width, over)
			}
			if width == 800 {
				continue // nothing else is of this width alone
			}
			// Colours are the same at each width, and what else axe looks at is in each scheme.
			rules := map[string]string{"light": `{rules: {"color-contrast": {enabled: false}}}`}
			if width > 1000 {
				rules = map[string]string{"light": "{}", "dark": `{runOnly: ["color-contrast"]}`}
			}
			for scheme, rules := range rules {
				if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
				}}); err != nil {
					t.Fatal(err)
				}
				b.do("turn "+scheme, chromedp.WaitReady(chromedp.CSS(`html[data-mantine-color-scheme="`+scheme+`"]`)))
				if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](drawn, chromedp.EvalAwaitPromise)); err != nil { // colours change a frame later
					t.Fatal(err)
				}
				for _, v := range b.axe(string(script), rules) {
					t.Errorf("%s at %d, %s: %s", page.path, width, scheme, v)
				}
			}
		}
	}
}

// axe lists what is serious on the page now, by the rules that its options choose.
func (b *tab) axe(script, options string) []string {
	b.t.Helper()
	run := `axe.run(document, {resultTypes: ["violations"], ...` + options + `}).then(r => JSON.stringify(r.violations
		.filter(v => v.impact === "serious" || v.impact === "critical")
		.map(v => v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | "))))`
	if b.eval(`typeof window.axe`) == "undefined" { // the page is new
		if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script+"; true")); err != nil {
			b.t.Fatalf("load axe: %v", err)
		}
	}
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("run axe: %v", err)
	}
	var found []string
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		b.t.Fatal(err)
	}
	return found
}
