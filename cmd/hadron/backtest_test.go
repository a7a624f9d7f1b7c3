package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hadron/ui/wire"
)

// Who deploys changed objectives is told how often they would have paged; who deploys
// the same is told nothing.
func TestReceiptTriesChangedObjectives(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	dir := t.TempDir()
	deploy := func(slo string) string {
		t.Helper()
		for name, text := range map[string]string{
			"hadron.yaml": "name: shop/web/home\nslo:\n" + slo,
			"index.ts":    `export default (r: Request) => { if (r.url.endsWith("/bad")) throw new Error("no"); return new Response("ok"); };`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), "hadron", "deploy", dir, "--server", p.url).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	const said = "they would have paged"
	if out := deploy("  availability: 99.9\n"); strings.Contains(out, said) {
		t.Errorf("of a new function:\n%s", out)
	}
	// Fails until its own alert fires, so that the same history pages when it is replayed.
	eventually(t, "a page fires", time.Minute, func() (bool, string) {
		p.call(http.MethodGet, "/fn/shop/web/home/bad", nil)
		var got wire.Backtest
		status, body := p.call(http.MethodPost, "/api/v1/functions/shop/web/home/backtest", "{}")
		if status == http.StatusOK {
			p.want(http.StatusOK, http.MethodPost, "/api/v1/functions/shop/web/home/backtest", "{}", &got)
		}
		return got.Pages == 1, string(body)
	})
	if out := deploy("  availability: 99.9\n"); strings.Contains(out, said) {
		t.Errorf("of the same objectives:\n%s", out)
	}
	if out := deploy("  availability: 99.5\n"); !strings.Contains(out, "changed; in the last 7 days "+said+" 1 time") {
		t.Errorf("of another one:\n%s", out)
	}
	out, err := exec.CommandContext(t.Context(), "hadron", "alerts", "backtest", "shop/web/home", "--server", p.url).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Would have paged 1 time") || !strings.Contains(string(out), "still fires") {
		t.Errorf("%v\n%s", err, out)
	}
}
