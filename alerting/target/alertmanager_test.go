package target_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/alerting/target"
)

// A real Alertmanager takes an incident from its begin to its end, tells its receiver
// once of each, tells a page from a ticket, and hears again of what is open.
func TestRealAlertmanager(t *testing.T) {
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		if os.Getenv("HADRON_TEST_REQUIRE") != "" {
			t.Fatal("prometheus-alertmanager is not installed, and HADRON_TEST_REQUIRE asks for it")
		}
		t.Skip("prometheus-alertmanager is not installed: apt-get install prometheus-alertmanager")
	}
	var mu sync.Mutex
	var heard []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		if json.NewDecoder(r.Body).Decode(&n) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, a := range n.Alerts {
			heard = append(heard, a.Status+" "+a.Labels["class"]+" "+a.Labels["function"])
		}
	}))
	defer receiver.Close()
	wait := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			mu.Lock()
			got := strings.Join(heard, ", ")
			mu.Unlock()
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("heard %q, want %q", got, want)
			}
		}
	}
	address := startAlertmanager(t, program, receiver.URL)
	configs, err := load(t, "targets: [{name: am, type: alertmanager, url: "+address+"}]", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := target.NewSender(configs[0], target.Options{Installation: "test"})
	send := func(action alerting.Action, severity string) {
		t.Helper()
		e := event(action)
		e.Severity, e.Began = severity, time.Now().Add(-time.Minute).UTC().Format(time.RFC3339Nano)
		if err := s.Send(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	send(alerting.Trigger, "warning")
	wait("firing ticket greeting")
	send(alerting.Trigger, "warning") // told again: nothing new
	send(alerting.Trigger, "critical")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		mu.Lock()
		got := strings.Join(heard, ", ")
		mu.Unlock()
		if strings.Contains(got, "firing page greeting") && strings.Contains(got, "resolved ticket greeting") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("heard %q", got)
		}
	}
	mu.Lock()
	heard = nil
	mu.Unlock()
	send(alerting.Resolve, "critical")
	wait("resolved page greeting")

	// The watchdog fires while it is heard, and ends by itself when it is not.
	if err := s.Send(t.Context(), alerting.Event{
		Action: alerting.Trigger, Watchdog: true, Alert: "Watchdog", Summary: "well", Until: time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339Nano),
	}); err != nil {
		t.Fatal(err)
	}
	wait("resolved page greeting, firing  , resolved  ")
}

// startAlertmanager runs one on loopback that groups nothing for long.
func startAlertmanager(t *testing.T, program, receiver string) string {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`route:
  receiver: hook
  group_by: [team, project, function, slo, class]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs: [{url: %q, send_resolved: true}]
`, receiver)
	path := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program, "--config.file="+path, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+at, "--cluster.listen-address=", "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get("http://" + at + "/-/ready")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + at
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("Alertmanager does not answer: %v", err)
		}
	}
}
