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
