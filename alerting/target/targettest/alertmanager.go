// Package targettest runs a real Alertmanager for tests, with a receiver behind it that
// remembers what it was told.
package targettest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

const program = "prometheus-alertmanager"

// Told is one alert of a notification, as the receiver got it.
type Told struct {
	Status      string // firing or resolved
	Labels      map[string]string
	Annotations map[string]string
}

// Alertmanager is one that runs, and the receiver behind it.
type Alertmanager struct {
	URL string // of its API, without a slash at the end

	mu    sync.Mutex
	heard []Told
}

// patience is how long it may take to start.
const patience = 30 * time.Second

// NewAlertmanager starts Debian's on loopback, with a route that groups nothing for long;
// it ends with the test. Where it is not installed the test is skipped, or fails if
// HADRON_TEST_REQUIRE is set.
func NewAlertmanager(tb testing.TB) *Alertmanager {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("HADRON_TEST_REQUIRE") != "" { //nolint:forbidigo // for tests, not the program
			tb.Fatal(program + " is not installed, and HADRON_TEST_REQUIRE asks for it")
		}
		tb.Skip(program + " is not installed: apt-get install " + program)
	}
	a := &Alertmanager{}
	receiver := httptest.NewServer(http.HandlerFunc(a.hear))
	tb.Cleanup(receiver.Close)
	at, err := freeAddress(tb.Context())
	if err == nil {
		err = a.run(tb, path, at, receiver.URL)
	}
	if err != nil {
		tb.Fatal(err)
	}
	a.URL = "http://" + at
	return a
}

func (a *Alertmanager) hear(_ http.ResponseWriter, r *http.Request) {
	var n struct{ Alerts []Told }
	if json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&n) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = append(a.heard, n.Alerts...)
}

// Heard is what the receiver was told until now, in order.
func (a *Alertmanager) Heard() []Told {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.heard)
}

// Forget drops what the receiver was told.
func (a *Alertmanager) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = nil
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (a *Alertmanager) run(tb testing.TB, path, at, receiver string) error {
	dir := tb.TempDir()
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `route:
  receiver: hook
  group_by: [team, project, function, slo, class]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs: [{url: %q, send_resolved: true}]
`, receiver), 0o600); err != nil {
		return fmt.Errorf("configure Alertmanager: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	cmd := exec.CommandContext(ctx, path, "--config.file="+config, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+at, "--cluster.listen-address=", "--log.level=error")
	cmd.Stderr = tb.Output()
	if err := cmd.Start(); err != nil {
		cancel()
		return fmt.Errorf("start Alertmanager: %w", err)
	}
	tb.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(patience); ; {
		ready, err := answers(tb.Context(), "http://"+at+"/-/ready")
		if ready {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the Alertmanager does not become ready: %w", err)
		}
		select {
		case <-tb.Context().Done():
			return context.Cause(tb.Context())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	if err := resp.Body.Close(); err != nil {
		return false, err
	}
	return resp.StatusCode == http.StatusOK, fmt.Errorf("status %d", resp.StatusCode)
}
