package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// memory is what processes hold, in bytes; a page that several share is counted by parts.
type memory struct {
	server  uint64
	workers uint64
	count   int // of workers
}

func (m memory) total() uint64 { return m.server + m.workers }

func (m memory) String() string {
	return fmt.Sprintf("%d MiB and its %d workers %d MiB", m.server>>20, m.count, m.workers>>20)
}

// allowed is what may be there afterwards, with so many functions registered.
func (m memory) allowed(functions int) uint64 {
	return m.total() + roomLeft + uint64(functions)*perFunction
}

const spares = 2 // blank workers, by default

// registered counts the functions that were deployed: attacks that were not refused,
// and a benign one for each.
func registered(results []result) (n int) {
	for _, r := range results {
		if !strings.HasPrefix(r.end, "refused") {
			n += 2
		}
	}
	return n
}

// memory is what the server and its workers hold once no worker is left but the
// neighbour's, and once it is as little as wanted. Zeros where this system does not tell.
func (p *process) memory(t *testing.T, enough func(memory) bool) (m memory) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return m
	}
	eventually(t, "the memory is given back", time.Minute, func() (bool, string) {
		m = memory{server: held(p.cmd.Process.Pid)}
		for _, pid := range children(t, p.cmd.Process.Pid) {
			m.workers += held(pid)
			m.count++
		}
		live := p.metric("hadron_workers")
		return live == 1 && m.count == 1+spares && (enough == nil || enough(m)), fmt.Sprintf("%s, %v of teams", m, live)
	})
	return m
}

// held is what a process holds, in bytes.
func held(pid int) uint64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0 // it has ended
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, _ := strconv.ParseUint(strings.Fields(rest)[0], 10, 64) // 0 would fail the test
			return kib << 10
		}
	}
	return 0
}

// metric is a series of the server's own without labels.
func (p *process) metric(name string) float64 {
	p.t.Helper()
	_, text := p.call(http.MethodGet, "/metrics", nil)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				p.t.Fatalf("metric %s: %v", name, err)
			}
			return v
		}
	}
	p.t.Fatalf("no metric %s", name)
	return 0
}
