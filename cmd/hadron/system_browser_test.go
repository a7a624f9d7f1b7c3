package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A function whose metrics have more label values than its budget holds is named on the
// page System, with the metric and the label.
func TestSystemNamesFunctionsPastTheirBudget(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "# TYPE visits_total counter")
		for user := range 6 {
			_, _ = fmt.Fprintf(w, "visits_total{team=\"pay\",project=\"core\",function=\"charge\",user=\"u%d\"} %d\n", user, user)
		}
	}))
	defer target.Close()
	dir := t.TempDir()
	settings := filepath.Join(dir, "hadron.yaml")
	writeSettings(t, settings, fmt.Sprintf(`
metrics: {interval: 1s}
global: {scrape_interval: 1s, scrape_timeout: 1s}
ingest: {function_series: 2}
scrape_configs:
- job_name: shops
  static_configs: [{targets: [%q]}]
`, strings.TrimPrefix(target.URL, "http://")))
	p := startServer(t, filepath.Join(dir, "data"), "--dev", "--isolation=inprocess", "--config", settings)
	b := openTab(t, p)
	const row = `[data-spender="pay/core/charge"]`
	b.do("open", chromedp.EmulateViewport(1440, 900), b.goTo("/system"), see(row), becomes(`/visits_total.*mostly by user with about 4 values/s.test(document.querySelector('`+row+`').innerText)`))
	if text := b.eval("document.querySelector(`" + row + "`).innerText"); !strings.Contains(text, "loses samples") || !strings.Contains(text, "2 of 2 series") || !strings.Contains(text, "2 folded") {
		t.Errorf("the function past its budget: %s", text)
	}
	b.eval("document.querySelector(`" + row + "`).scrollIntoView()")
	b.look("spender")
}

// The page System says who hears the dead man's switch, and within a period what is wrong
// when it is no longer taken.
func TestSystemShowsTheDeadMansSwitch(t *testing.T) {
	t.Parallel()
	deaf := newSwitch(false)
	hears := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if deaf.on() {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer hears.Close()
	dir := t.TempDir()
	targets := filepath.Join(dir, "targets.yaml")
	writeSettings(t, targets, `targets: [{name: snitch, type: heartbeat, url: "`+hears.URL+`", watchdog: 10s}]`)
	p := startServer(t, filepath.Join(dir, "data"), "--dev", "--isolation=inprocess", "--alerting.targets", targets)
	b := openTab(t, p)
	const row = `[data-watchdog="snitch"]`
	words := func(script string) chromedp.Action[chromedp.Void] {
		return becomes(`(text => ` + script + `)(document.querySelector('` + row + `')?.innerText ?? "")`)
	}
	b.do("see that it is heard", chromedp.EmulateViewport(1440, 900), b.goTo("/system"), see(row+`[data-state=ok]`), words(`/✓ ok.*10\s.*ago.*none/s.test(text)`))
	deaf.set(true)
	b.do("see that it is refused", words(`text.includes("403")`))
	b.eval("document.querySelector(`" + row + "`).scrollIntoView()")
	b.look("watchdog")
	b.do("see that it is late", see(row+`[data-state=degraded]`), words(`text.includes("✕ late")`), see(`[data-part="watchdog"]`))
}
