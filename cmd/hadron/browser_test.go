package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

var browsers = make(chan struct{}, browsersAtOnce)

// browser opens a page in Debian's chromium, which is the test's until it ends. Without
// one the test is skipped, but for CI, where HADRON_TEST_REQUIRE makes that a failure.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("HADRON_TEST_REQUIRE") != "" {
			t.Fatal("chromium is not installed, and HADRON_TEST_REQUIRE asks for it")
		}
		t.Skip("chromium is not installed: the browser tests need it")
	}
	browsers <- struct{}{}
	t.Cleanup(func() { <-browsers })
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	alloc, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return ctx
}

const switchable = `
function pickGreeting(name: string): string {
  if (name === "nobody") throw new RangeError("nobody to greet");
  return "hello " + name;
}
export default {
  fetch(request: Request): Response {
    console.info("greet", new URL(request.url).search);
    return Response.json({ text: pickGreeting(new URL(request.url).searchParams.get("name") ?? "you") });
  },
};
`

// A row turns from healthy to failing and back while nobody reloads the page.
func TestRowFollowsTheFunction(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	p := startServer(t, t.TempDir(), "--dev")
	functions := []string{"growth/signup/greeting", "pay/core/charge", "home/bff/tv"}
	for _, f := range functions {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+f+"/versions", wire.Register{Source: switchable}, nil)
	}

	// Each function is called in its turn; one of them is made to fail.
	failing, calls := newSwitch(false), 0
	callers(t, func() string {
		calls++
		f, query := functions[calls%len(functions)], "?name=ada"
		if f == "growth/signup/greeting" && failing.on() {
			query = "?name=nobody"
		}
		return "/fn/" + f + query
	}, func() *process { return p })

	run := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, leisure*time.Minute)
		defer cancel()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	const row = `[data-function="growth/signup/greeting"]`
	inState := func(state string) chromedp.Action[chromedp.Void] {
		return chromedp.WaitVisible(chromedp.CSS(row + `[data-state="` + state + `"]`))
	}
	run("open", chromedp.EmulateViewport(1440, 900), chromedp.Navigate(p.url+"/"), inState("healthy"))
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`window.opened = 1`)); err != nil {
		t.Fatal(err)
	}
	failing.set(true)
	run("turn failing", inState("failing"))
	shots(t, ctx, "overview")
	reason, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector(`"+row+"`).innerText"))
	if err != nil || !strings.Contains(reason, "error") {
		t.Errorf("the failing row gives no reason: %q, %v", reason, err)
	}
	run("open the function", chromedp.Click(chromedp.CSS(row+` a[href="/f/growth/signup/greeting"]`)),
		chromedp.WaitVisible(chromedp.Search(`//*[contains(text(), "index.ts:3")]`)))
	shots(t, ctx, "function")
	run("go back", chromedp.NavigateBack(), inState("failing"))
	failing.set(false)
	run("turn healthy again", inState("healthy"))
	if opened, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`window.opened ?? 0`)); err != nil || opened != 1 {
		t.Errorf("the page was reloaded in between: %v, %v", opened, err)
	}
}

// drawn resolves when the page has painted twice, its charts have had time to settle, and
// no colour is on its way to another.
const drawn = `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() =>
	Promise.allSettled(document.getAnimations().filter(a => a.effect.getComputedTiming().endTime !== Infinity).map(a => a.finished)).then(() => done(true)), 250))))`

// shots keeps screenshots where HADRON_SHOTS names a folder, for people to look at.
func shots(t *testing.T, ctx context.Context, page string) {
	t.Helper()
	dir := os.Getenv("HADRON_SHOTS")
	if dir == "" {
		return
	}
	media := func(scheme string) {
		t.Helper()
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, width := range []int64{1440, 390} {
		for _, scheme := range []string{"light", "dark"} {
			media(scheme)
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
				t.Fatal(err)
			}
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](drawn, chromedp.EvalAwaitPromise)); err != nil {
				t.Fatal(err)
			}
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", page, width, scheme))
			if err := os.WriteFile(file, png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	media("")
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900)); err != nil {
		t.Fatal(err)
	}
}
