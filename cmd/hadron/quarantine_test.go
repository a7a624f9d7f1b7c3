package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hadron/ui/wire"
)

const sleepy = `
export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).searchParams.has("wait")) {
      console.log("waiting");
      await new Promise(done => setTimeout(done, 20_000));
    }
    return new Response("awake");
  },
};
`

const sleepyName, sleepyPath = "kill/core/sleepy", "/api/v1/functions/kill/core/sleepy"

// quarantineSleepy registers a function and kills its worker until it is held back.
func quarantineSleepy(t *testing.T, p *process) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the test finds worker processes under /proc")
	}
	p.want(http.StatusCreated, http.MethodPost, sleepyPath+"/versions", map[string]any{
		"source": sleepy, "manifest": map[string]any{"limits": map[string]any{"timeout": "30s"}},
	}, nil)
	calls := 0
	eventually(t, "the version is quarantined", 2*time.Minute, func() (bool, string) {
		var op wire.Operability
		p.want(http.StatusOK, http.MethodGet, sleepyPath+"/operability", nil, &op)
		if len(op.Quarantined) > 0 {
			return true, ""
		}
		calls++
		answered := make(chan int, 1)
		go func() {
			status, _ := p.call(http.MethodGet, "/fn/"+sleepyName+"?wait", nil)
			answered <- status
		}()
		eventually(t, "the call runs", 20*time.Second, func() (bool, string) {
			_, lines := p.call(http.MethodGet, sleepyPath+"/logs?q=waiting", nil)
			n := bytes.Count(lines, []byte("\n"))
			return n >= calls, fmt.Sprint(n, " of ", calls)
		})
		for _, pid := range children(t, p.cmd.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		status := <-answered
		if status != http.StatusBadGateway {
			t.Errorf("a call whose worker was killed: status %d", status)
		}
		return false, fmt.Sprint(calls, " calls, the last one answered ", status)
	})
}

// A version whose worker dies whenever it runs is held back, says so everywhere, is
// held back still after a crash of the server, and comes back when it is released.
func TestQuarantineAndTheWayBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir, "--dev", "--isolation", "worker")
	const name, path = sleepyName, sleepyPath
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/other/core/calm/versions", wire.Register{Source: sleepy}, nil)
	operability := func() (op wire.Operability) {
		t.Helper()
		p.want(http.StatusOK, http.MethodGet, path+"/operability", nil, &op)
		return op
	}
	quarantineSleepy(t, p)
	q := operability().Quarantined[0]
	if q.Version != 1 || q.Deaths < 1 || q.Reason == "" || !q.Until.After(q.Since) {
		t.Errorf("quarantine %+v", q)
	}
	if status, body := p.call(http.MethodGet, "/fn/"+name, nil); status != http.StatusBadGateway || !strings.Contains(string(body), "worker_lost") || !strings.Contains(string(body), "quarantined until") {
		t.Errorf("a call of a quarantined version: %d %s", status, body)
	}
	if status, body := p.call(http.MethodGet, "/fn/other/core/calm", nil); status != http.StatusOK || string(body) != "awake" {
		t.Errorf("a call of another team: %d %s", status, body)
	}
	shows := func() {
		t.Helper()
		eventually(t, "health says it", 20*time.Second, func() (bool, string) {
			var h wire.Health
			p.want(http.StatusOK, http.MethodGet, path+"/health", nil, &h)
			return h.State == "failing" && strings.Contains(h.Reason, "is quarantined since"), h.State + ": " + h.Reason
		})
		eventually(t, "the series says it", 20*time.Second, func() (bool, string) {
			v, _ := p.query(`hadron_function_quarantined{team="kill",function="sleepy",version="1"}`, time.Time{})
			return v == 1, fmt.Sprint(v)
		})
		eventually(t, "the alert fires", 20*time.Second, func() (bool, string) {
			return alertState(p, name) == "firing", alertState(p, name)
		})
	}
	shows()

	p.kill()
	p = startServer(t, dir, "--dev", "--isolation", "worker")
	if again := operability().Quarantined; len(again) != 1 || !again[0].Since.Equal(q.Since.Truncate(time.Microsecond)) || again[0].Deaths != q.Deaths {
		t.Errorf("after a crash: %+v, was %+v", again, q)
	}
	shows()

	out, err := exec.CommandContext(t.Context(), "hadron", "release", name, "--server", p.url).CombinedOutput()
	if err != nil || !strings.Contains(string(out), name+"@1 runs again") {
		t.Errorf("hadron release: %v: %s", err, out)
	}
	if left := operability().Quarantined; len(left) != 0 {
		t.Errorf("released, and held back: %+v", left)
	}
	if status, body := p.call(http.MethodGet, "/fn/"+name, nil); status != http.StatusOK || string(body) != "awake" {
		t.Errorf("released: %d %s", status, body)
	}
	eventually(t, "the alert ends", 20*time.Second, func() (bool, string) {
		return alertState(p, name) == "resolved", alertState(p, name)
	})
	eventually(t, "the series ends", 20*time.Second, func() (bool, string) {
		v, there := p.query(`hadron_function_quarantined{function="sleepy"}`, time.Time{})
		return !there, fmt.Sprint(v)
	})
	var released wire.Released
	p.want(http.StatusOK, http.MethodPost, path+"/versions/1/release", nil, &released)
	if released.Released {
		t.Error("released twice")
	}
	if out := p.cli("audit", name); strings.Count(out, "released from quarantine") != 1 || !strings.Contains(out, "version:"+name+"@1") {
		t.Errorf("the audit of it: %s", out)
	}
}

// The function's page says so, and has the way back.
func TestReleaseInTheBrowser(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	p := startServer(t, t.TempDir(), "--dev", "--isolation", "worker")
	quarantineSleepy(t, p)
	ctx, cancel := context.WithTimeout(ctx, leisure*time.Minute)
	defer cancel()
	const row = `[data-quarantined="1"]`
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(p.url+"/"),
		chromedp.WaitVisible(chromedp.CSS(`[data-function="`+sleepyName+`"][data-state="failing"]`)),
		chromedp.WaitVisible(chromedp.Search(`//*[contains(text(), "is quarantined since")]`))); err != nil {
		t.Fatalf("the overview: %v", err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(p.url+"/f/"+sleepyName), chromedp.WaitVisible(chromedp.CSS(row))); err != nil {
		t.Fatalf("the function's page: %v", err)
	}
	shots(t, ctx, "quarantined")
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(row+" button")), chromedp.Click(chromedp.CSS("[data-confirm=release]")), chromedp.WaitNotPresent(chromedp.CSS(row))); err != nil {
		t.Fatalf("release: %v", err)
	}
	if status, body := p.call(http.MethodGet, "/fn/"+sleepyName, nil); status != http.StatusOK || string(body) != "awake" {
		t.Errorf("released: %d %s", status, body)
	}
}

func alertState(p *process, name string) string {
	var list wire.List[wire.Alert]
	p.want(http.StatusOK, http.MethodGet, "/api/v1/alerts", nil, &list)
	for _, a := range list.Items {
		if a.Name == "FunctionQuarantined" && a.Function == name {
			if a.Class != "ticket" || a.SLO != "quarantine" {
				return fmt.Sprintf("%+v", a)
			}
			return a.State
		}
	}
	return "none"
}

// children lists the processes that pid started and that live.
func children(t *testing.T, pid int) (out []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(lists) == 0 {
		t.Fatalf("find the workers of %d: %v", pid, err)
	}
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for text := range strings.FieldsSeq(string(data)) {
			if n, err := strconv.Atoi(text); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}
