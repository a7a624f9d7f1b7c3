package main

import (
	"net/http"
	"strings"
	"testing"
)

// In one process, too, who fills the memory is ended, and nobody else.
func TestInProcessMemory(t *testing.T) {
	if raced { // the server then does not end the call within a minute; runtime/engine tests its watchdog with it
		t.Skip("the race detector keeps the server's heap from filling as it does without")
	}
	p := startServer(t, t.TempDir(), "--dev", "--isolation=inprocess", "--inprocess.memory=384MiB")
	if !strings.Contains(p.log(), "memory_limit=watchdog") {
		t.Error("the ready line does not say that memory is watched")
	}
	for name, source := range map[string]string{
		"t/app/hoard":  `export default { fetch() { const all = []; for (;;) { const a = []; for (let i = 0; i < 1000; i++) a.push({i, s: "x" + i}); all.push(a); } } };`,
		"t/app/benign": benign,
	} {
		if code := p.deploy(name, source, map[string]any{"limits": map[string]any{"timeout": "1m"}}); code != "" {
			t.Fatalf("%s was refused: %s", name, code)
		}
	}
	if end, took := p.provoke("/fn/t/app/hoard", ""); end != "memory_limit" {
		t.Errorf("it ended %s after %s", end, took)
	}
	if last := p.answers("/fn/t/app/benign"); last != "" {
		t.Errorf("afterwards a benign function ended %s", last)
	}
	status, _ := p.call(http.MethodGet, "/healthz", nil)
	if status != http.StatusOK {
		t.Errorf("the server says %d", status)
	}
}
