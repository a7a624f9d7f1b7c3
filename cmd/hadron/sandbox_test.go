package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// hostile is a function whose pages try what a page of the platform could do.
const hostile = `
const page = ` + "`" + `<!doctype html><title>still</title>
<form id="f" method="post" action="/api/v1/functions/own/core/victim/rollback"></form>
<script>
  document.title = "ran";
  const say = (what, did) => { document.body.append(what + "=" + did + ";"); };
  (async () => {
    say("origin", self.origin);
    try { say("storage", sessionStorage.getItem("hadron-token") ?? "nothing"); } catch (e) { say("storage", e.name); }
    try { say("cookie", document.cookie || "nothing"); } catch (e) { say("cookie", e.name); }
    try { say("api", (await fetch(document.querySelector("meta[name=api]").content)).status); } catch (e) { say("api", e.name); }
    try { await navigator.serviceWorker.register(location.pathname + "sw.js"); say("worker", "registered"); } catch (e) { say("worker", e.name); }
    say("done", 1);
  })();
  document.getElementById("f").submit();
</script><body><noscript>no script</noscript></body>` + "`" + `;
export default {
  fetch(request: Request): Response {
    const url = new URL(request.url);
    if (url.pathname.endsWith(".js")) return new Response("self.ran = 1;", { headers: { "content-type": "text/javascript", "service-worker-allowed": "/" } });
    const api = url.searchParams.get("api") ?? "/api/v1/functions";
    const html = page.replace("<!doctype html>", '<!doctype html><meta name="api" content="' + api + '">');
    return new Response(url.searchParams.has("quiet") ? html.replace(/document.getElementById.*submit..;/, "") : html, {
      headers: { "content-type": "text/html", "content-security-policy": "sandbox allow-scripts allow-same-origin", "set-cookie": "hadron_session=stolen; Path=/", "clear-site-data": '"storage"' },
    });
  },
};
`

// On the listener that serves Hadron's own pages too, a function's page runs no
// script, submits no form, and no script of a function runs in Hadron's pages.
func TestFunctionsPagesCannotActAsThePlatform(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	own := freeAddress(t)
	p := startServer(t, t.TempDir(), "--dev", "--functions-listen", own)
	for _, f := range []string{"own/core/evil", "own/core/victim"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+f+"/versions", wire.Register{Source: hostile}, nil)
	}
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/own/core/victim/versions?alias=live", wire.Register{Source: hostile + "// two"}, nil)
	in := func(js string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		out, err := chromedp.Run(ctx, chromedp.Evaluate[string](js, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%s: %v", js, err)
		}
		return out
	}
	open := func(url string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err := chromedp.Do(ctx, chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("body"))); err != nil {
			t.Fatalf("open %s: %v", url, err)
		}
	}

	// Somebody is signed in.
	open(p.url + "/")
	in(`sessionStorage.setItem("hadron-token", "hdn_secret"), localStorage.setItem("kept", "1"), "set"`)

	open(p.url + "/fn/own/core/evil/")
	if title := in(`document.title`); title != "still" {
		t.Errorf("the function's script ran on the shared listener: %s", title)
	}
	if origin := in(`self.origin`); origin != "null" {
		t.Errorf("the function's page has the origin %s", origin)
	}
	for what, js := range map[string]string{
		"sessionStorage": `(() => { try { return "read " + sessionStorage.getItem("hadron-token") } catch (e) { return e.name } })()`,
		"cookies":        `(() => { try { return "read " + document.cookie } catch (e) { return e.name } })()`,
	} {
		if got := in(js); got != "SecurityError" {
			t.Errorf("%s from the function's page: %s", what, got)
		}
	}
	for what, js := range map[string]string{
		"the API":          `fetch("/api/v1/functions").then(r => "read " + r.status, e => e.name)`,
		"the API by POST":  `fetch("/api/v1/functions/own/core/victim/rollback", {method: "POST", body: "{}"}).then(r => "read " + r.status, e => e.name)`,
		"metrics":          `fetch("/metrics").then(r => "read " + r.status, e => e.name)`,
		"a service worker": `(async () => { try { await navigator.serviceWorker.register("/fn/own/core/evil/sw.js"); return "registered" } catch (e) { return "TypeError" } })()`,
	} {
		if got := in(js); got != "TypeError" {
			t.Errorf("%s from the function's page: %s", what, got)
		}
	}
	resp := p.do(http.MethodGet, "/api/v1/live", nil, http.Header{
		"Origin": {"null"}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	})
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("the live stream for a sandboxed page: %d", resp.StatusCode)
	}
	var live wire.Alias
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions/own/core/victim/aliases/live", nil, &live)
	if len(live.Weights) != 1 || live.Weights[0].Version != 2 {
		t.Errorf("a function's page moved an alias: %+v", live)
	}

	// Nor do its answers run within Hadron's pages, whatever brings them there.
	open(p.url + "/")
	if kept := in(`localStorage.getItem("kept") + document.cookie`); kept != "1" {
		t.Errorf("the function changed the origin's storage or cookies: %s", kept)
	}
	for what, js := range map[string]string{
		"a script":         `new Promise(done => { const s = document.createElement("script"); s.src = "/fn/own/core/evil/x.js"; s.onload = () => done("ran"); s.onerror = () => done("no"); document.head.append(s) })`,
		"a worker":         `new Promise(done => { try { const w = new Worker("/fn/own/core/evil/x.js"); w.onerror = () => done("no"); setTimeout(() => done("ran"), 3000) } catch { done("no") } })`,
		"a service worker": `navigator.serviceWorker.register("/fn/own/core/evil/x.js").then(() => "ran", () => "no")`,
		"a frame":          `new Promise(done => { const f = document.createElement("iframe"); f.src = "/fn/own/core/evil/?quiet"; f.onload = () => { let d = null; try { d = f.contentDocument } catch {} done(d && d.title === "ran" ? "ran" : "no") }; document.body.append(f) })`,
	} {
		if got := in(js); got != "no" {
			t.Errorf("%s of a function in Hadron's page: %s", what, got)
		}
	}

	// On the functions' own listener a page is a page, of another origin.
	open("http://" + own + "/fn/own/core/evil/?quiet&api=" + p.url + "/api/v1/functions")
	var text string
	eventually(t, "the page's script has run", 20*time.Second, func() (bool, string) {
		text = in(`document.body.textContent`)
		return strings.Contains(text, "done=1"), text
	})
	for _, want := range []string{"origin=http://" + own, "storage=nothing", "api=TypeError"} {
		if !strings.Contains(text, want) {
			t.Errorf("on the functions' own listener: %s; want %s", text, want)
		}
	}
	if regexp.MustCompile(`hdn_|hadron_session`).MatchString(text) {
		t.Errorf("on the functions' own listener: %s", text)
	}
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
