package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

// Other objectives are tried on what a function did: the page says how often each would
// have paged. Those that are kept become a version of the same module, which is live.
func TestObjectivesAreTriedInTheBrowser(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	p.want(http.StatusCreated, http.MethodPost, payPath+"/versions", payment, nil)
	current := newCurrent(p)
	callers(t, func() string { return "/fn/" + payName + "?cents=x" }, current.get)
	eventually(t, "it pages", 60*time.Second, func() (bool, string) {
		var alerts wire.List[wire.Alert]
		p.want(http.StatusOK, http.MethodGet, "/api/v1/alerts", nil, &alerts)
		for _, a := range alerts.Items {
			if a.SLO == "availability" && a.Class == "page" && a.State == "firing" {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%+v", alerts.Items)
	})

	b := openTab(t, p)
	const (
		outcome = `[role=dialog] [data-pages]`
		box     = `[role=dialog] input[name=availability]`
	)
	b.do("open the objectives", chromedp.EmulateViewport(1440, 900), b.goTo("/f/"+payName), pressText("button", "Try others"), see(box))
	b.do("see what its own would have done", pressText("button", "Preview"), see(outcome),
		becomes(`Number(document.querySelector('`+outcome+`').dataset.pages) >= 1`), see(`[role=dialog] [data-fired=page]`),
		becomes(`document.querySelector('[role=dialog] [data-objective=availability]').innerText.includes("of 1h")`))
	shots(t, b.ctx, "backtest")
	b.do("write nonsense", retype(box, "always"), becomes(`/99\.9/.test(document.querySelector('[role=dialog] [role=alert]').innerText)`))
	b.do("try others", retype(box, "50"), see(`[role=dialog] [data-old=true]`), pressText("button", "Preview"), see(`[role=dialog] [data-pages="0"]`))
	b.do("be told what saving is", pressText("button", "Save as a version"), seeText("hadron.yaml there stays as it is"), seeText("availability: 50"),
		typeIn("[role=dialog] input", "one in two is enough"))
	shots(t, b.ctx, "save-objectives")
	b.do("save", press("[data-confirm=objectives]"), see(`[role=dialog] [data-saved="2"]`), pressText("button", "Close"), gone("[role=dialog]"),
		becomes(`document.querySelector("main").innerText.includes("50\u202f% availability")`))

	var fn wire.Function
	p.want(http.StatusOK, http.MethodGet, payPath, nil, &fn)
	if fn.Live == nil || len(fn.Live.Weights) != 1 || fn.Live.Weights[0].Version != 2 || fn.Spec.SLO.Objectives[0].Ratio != 0.5 || fn.Spec.SLO.Window != "1h" {
		t.Errorf("%+v", fn)
	}
	var v wire.Version
	p.want(http.StatusOK, http.MethodGet, payPath+"/versions/2", nil, &v)
	_, before := p.call(http.MethodGet, payPath+"/versions/1/source", nil)
	_, after := p.call(http.MethodGet, payPath+"/versions/2/source", nil)
	if v.Message != "one in two is enough" || string(before) != string(after) || !strings.Contains(string(v.Manifest), "wiki.example.com") {
		t.Errorf("%+v\n%s", v, after)
	}
}

// retype writes in place of what a field holds.
func retype(css, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(press(css), becomes(`(document.querySelector('`+css+`').select(), true)`), chromedp.KeyEvent(text))
}
