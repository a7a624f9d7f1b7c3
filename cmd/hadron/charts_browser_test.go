package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"hadron/ui/client"
	"hadron/ui/wire"
)

// The first chart's slider over time, and the values that stand beside its title.
const firstChart = `[aria-label="Charts"] [role=slider]`

// hover puts the pointer over a share of the first chart's width, and does with its button what is said.
func (b *tab) hover(what string, kind input.DispatchMouseEventType, share float64, opts ...chromedp.MouseOption) {
	b.t.Helper()
	at := strings.Fields(b.eval(`(() => {
		const r = document.querySelector('` + firstChart + ` .u-over').getBoundingClientRect();
		return [r.left, r.top + r.height / 2, r.width].join(' ');
	})()`))
	var r [3]float64
	for i, text := range at {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			b.t.Fatal(err)
		}
		r[i] = v
	}
	b.do(what, chromedp.MouseEvent(kind, r[0]+r[2]*share, r[1], opts...))
}

// A part of a chart is drawn over and shown instead, which the address keeps and the
// back button undoes; the cursor of one chart is the cursor of all; and all of it is
// done by keyboard too.
func TestChartsShowAnyTime(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	const name = "pay/core/charge"
	for _, label := range []string{"one", "two"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions?alias=live", wire.Register{Source: strings.Replace(busy, "LABEL", label, 1)}, nil)
	}
	callers(t, func() string { return "/fn/" + name }, func() *process { return p })
	b := openTab(t, p)
	asked := func(what string) string {
		t.Helper()
		text := b.eval(`new URLSearchParams(location.search).get("range")`)
		var from, to int64
		if _, err := fmt.Sscanf(text, "%d-%d", &from, &to); err != nil || from >= to {
			t.Fatalf("%s: the address asks for %q", what, text)
		}
		return text
	}
	length := func(span string) int64 {
		var from, to int64
		_, _ = fmt.Sscanf(span, "%d-%d", &from, &to)
		return to - from
	}
	b.do("open", chromedp.EmulateViewport(1440, 1400), b.goTo("/f/"+name), becomes(`document.querySelector('`+firstChart+` canvas') !== null`),
		becomes(`document.querySelector('`+firstChart+`').ariaValueText.includes("/s")`))

	// One cursor for all charts, and the time in UTC beside the viewer's.
	b.hover("point at a moment", input.DispatchMouseEventTypeMouseMoved, 0.98)
	b.do("see it in every chart", see("[data-moment]"), becomes(`document.querySelectorAll("[data-moment]").length > 3`))
	if moments := b.eval(`new Set([...document.querySelectorAll("[data-moment]")].map(m => m.dataset.moment)).size`); moments != "1" {
		t.Errorf("charts point at %s moments", moments)
	}
	if text := b.eval(`document.querySelector("[data-moment]").innerText`); !strings.Contains(text, " UTC") {
		t.Errorf("the moment is %q", text)
	}

	// Drawing over a part shows it.
	draw := func(from, to float64) {
		t.Helper()
		b.do("wait for the time before", see(firstChart+`[aria-busy="false"]`), chromedp.Evaluate[chromedp.Void](drawn, chromedp.EvalAwaitPromise))
		b.hover("press", input.DispatchMouseEventTypeMousePressed, from, chromedp.ButtonLeft, chromedp.ClickCount(1))
		b.hover("draw", input.DispatchMouseEventTypeMouseMoved, (from+to)/2, chromedp.ButtonLeft)
		b.hover("draw on", input.DispatchMouseEventTypeMouseMoved, to, chromedp.ButtonLeft)
		b.hover("let go", input.DispatchMouseEventTypeMouseReleased, to, chromedp.ButtonLeft, chromedp.ClickCount(1))
	}
	draw(0.6, 0.999)
	b.do("see a part", see("[data-span]"))
	first := asked("drawn over")
	if n := length(first); n < 300 || n > 400 { // 0.4 of 15 minutes
		t.Errorf("the part is %d s long", n)
	}
	if past := b.eval(`document.querySelectorAll("[data-span]").length`); past != "1" {
		t.Errorf("%s times are shown", past)
	}
	draw(0.7, 0.999)
	b.do("see a part of it", becomes(`document.querySelector("[data-span]").dataset.span !== "`+first+`"`))
	second := asked("drawn over again")
	if length(second) >= length(first) {
		t.Errorf("%s is no part of %s", second, first)
	}
	// The newest moment, where the pointer still is, may have no value yet.
	b.do("see its values", chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 1, 1), becomes(`document.querySelector('`+firstChart+`').ariaValueText.includes("/s")`))
	shots(t, b.ctx, "zoomed")
	b.do("go back", chromedp.NavigateBack(), see(`[data-span="`+first+`"]`))
	b.do("go on", chromedp.NavigateForward(), see(`[data-span="`+second+`"]`))
	for range 2 { // the second click says that it is the second
		b.hover("press", input.DispatchMouseEventTypeMousePressed, 0.5, chromedp.ButtonLeft, chromedp.ClickCount(2))
		b.hover("let go", input.DispatchMouseEventTypeMouseReleased, 0.5, chromedp.ButtonLeft, chromedp.ClickCount(2))
	}
	b.do("be live again", gone("[data-span]"), see(`[aria-label="Time range"] [aria-pressed="true"]`))
	if search := b.eval(`location.search`); search != "" {
		t.Errorf("the address still asks for a time: %s", search)
	}

	// By keyboard: a part by Shift and the arrows, and the buttons.
	b.do("choose by keyboard", chromedp.Evaluate[chromedp.Void](`document.querySelector('`+firstChart+`').focus()`))
	key := func(keys ...string) {
		t.Helper()
		for _, k := range keys {
			k, shift := strings.CutPrefix(k, "shift+")
			script := fmt.Sprintf(`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: %q, shiftKey: %v, bubbles: true, cancelable: true}))`, k, shift)
			b.eval(script)
		}
	}
	key("End", "ArrowLeft", "shift+PageDown", "shift+PageDown")
	if text := b.eval(`document.activeElement.ariaValueText`); !strings.Contains(text, ":") || strings.HasPrefix(text, "now") {
		t.Errorf("a reader hears %q", text)
	}
	key("Enter")
	b.do("see the part", see("[data-span]"))
	if n := length(asked("by keyboard")); n != 100 { // twenty moments of five seconds
		t.Errorf("twenty moments are %d s", n)
	}
	key("-")
	b.do("see more of it", becomes(`(() => { const [a, b] = document.querySelector("[data-span]").dataset.span.split("-"); return b - a === 200 })()`))
	key("0")
	b.do("be live by keyboard", gone("[data-span]"))
	b.do("go earlier", press(`[aria-label="Earlier"]`), see("[data-span]"), press(`[aria-label="Further"]`),
		becomes(`(() => { const [a, b] = document.querySelector("[data-span]").dataset.span.split("-"); return b - a === 1800 })()`))
	b.do("choose both ends", pressText("button", "from…"),
		chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("input[type=datetime-local]").forEach((input, i) => {
			Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, ["2026-01-02T03:04:05", "2026-01-02T04:04:05"][i]);
			input.dispatchEvent(new Event("input", {bubbles: true}));
		})`), pressText("button", "Show"), becomes(`document.querySelector("[data-span]")?.dataset.span === String(new Date("2026-01-02T03:04:05") / 1000) + "-" + String(new Date("2026-01-02T04:04:05") / 1000)`), seeText("No data in this time"))
	b.do("press Live", pressText("button", "Live"), gone("[data-span]"))
}

const wordy = `
export default {
  fetch(request: Request): Response {
    const path = new URL(request.url).pathname;
    for (let i = 0; i < 300; i++) console.info("line", i, "of", path);
    return new Response("ok");
  },
};
`

// Where the page shows a part of the past, its log and its traces are of that part:
// older lines come when they are asked for, the filter is the server's, and one press
// is back at the log as it is written.
func TestLogsAndTracesOfAChosenTime(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	const name = "pay/core/charge"
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions", wire.Register{Source: wordy}, nil)
	api, err := client.New(p.url, "")
	if err != nil {
		t.Fatal(err)
	}
	lastOf := func(path string) time.Time {
		t.Helper()
		var last time.Time
		if err := api.Logs(t.Context(), name, client.LogFilter{Query: "of " + path, Limit: 1}, func(r wire.LogRecord) error { last = r.Time; return nil }); err != nil {
			t.Fatal(err)
		}
		return last
	}
	for range 3 {
		p.want(http.StatusOK, http.MethodGet, "/fn/"+name+"/early", nil, nil)
	}
	eventually(t, "the early lines are kept", 10*time.Second, func() (bool, string) { return !lastOf("/early").IsZero(), "none yet" })
	to := lastOf("/early").Unix() + 1
	eventually(t, "that time is over", 10*time.Second, func() (bool, string) { return time.Now().Unix() > to, "it is not" })
	p.want(http.StatusOK, http.MethodGet, "/fn/"+name+"/later", nil, nil)
	eventually(t, "a later time is logged of", 10*time.Second, func() (bool, string) { return !lastOf("/later").IsZero(), "none yet" })

	b := openTab(t, p)
	const lines = `[aria-label="Lines of the log"]`
	count := func(css string) string { return fmt.Sprintf("document.querySelectorAll(`%s`).length", css) }
	b.do("open a part of the past", chromedp.EmulateViewport(1440, 900), b.goTo(fmt.Sprintf("/f/%s?range=%d-%d", name, to-60, to)),
		see(fmt.Sprintf(`[data-searched="%d-%d"]`, to-60, to)), becomes(count(lines+` > [data-level]`)+` === 500`))
	if text := b.eval("document.querySelector(`" + lines + "`).textContent"); !strings.Contains(text, "line 299 of /early") || strings.Contains(text, "/later") {
		t.Errorf("the last lines of that time are not shown, or others are: %.300s", text)
	}
	b.do("see its traces", becomes(count("[data-trace]")+` === 3`))
	shots(t, b.ctx, "past")
	b.do("ask for older lines", pressText("button", "Older lines"), becomes(count(lines+` > [data-level]`)+` === 900`), gone(lines+" button"))
	b.do("filter them", typeIn(`[aria-label="Filter logs"]`, "/early 299"), becomes(count(lines+` > [data-level]`)+` === 3`))
	b.do("filter all of them out", typeIn(`[aria-label="Filter logs"]`, "9"), seeText("No line fits in this time"))
	b.do("be live again", chromedp.Click(chromedp.Search(`//section[@aria-labelledby="logs-title"]//button[contains(., "Live")]`)), see(`[role="log"]`), gone("[data-span]"),
		becomes(count("[data-trace]")+` > 3`))
}

// The dashboards of many functions are drawn with the marks that Grafana draws: what
// was deployed when, which a reader of the screen hears too.
func TestDashboardsMarkDeployments(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	const name = "pay/core/charge"
	for _, label := range []string{"one", "two"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions?alias=live", wire.Register{Source: strings.Replace(busy, "LABEL", label, 1)}, nil)
	}
	callers(t, func() string { return "/fn/" + name }, func() *process { return p })
	b := openTab(t, p)
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/dashboards/pay?range=15m"), becomes(`document.querySelector('`+firstChart+` canvas') !== null`))
	// From the newest moment back, until the deployment is told.
	b.do("find it by keyboard", becomes(`(() => {
		const chart = document.querySelector('`+firstChart+`');
		if (chart.ariaValueText.includes("core/charge@2 live")) return true;
		const end = chart.ariaValueText.startsWith("now") || chart.ariaValueNow === chart.ariaValueMin;
		chart.dispatchEvent(new KeyboardEvent("keydown", {key: end ? "End" : "ArrowLeft", bubbles: true, cancelable: true}));
		return false;
	})()`))
	shots(t, b.ctx, "dashboard-team")
}
