package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/ui/wire"
)

// fakeScreen is a terminal of a size, and all that was drawn on it.
type fakeScreen struct {
	mu            sync.Mutex
	width, height int
	drawn         bytes.Buffer
	closed        bool
}

func (s *fakeScreen) Size() (int, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.width, s.height
}

func (s *fakeScreen) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *fakeScreen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drawn.Reset() // one write is the whole screen
	return s.drawn.Write(p)
}

// see waits until the screen shows a text.
func (s *fakeScreen) see(t *testing.T, text string) string {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		s.mu.Lock()
		shown := s.drawn.String()
		s.mu.Unlock()
		if strings.Contains(shown, text) {
			return shown
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the screen never showed %q: %s", text, s.drawn.String())
	return ""
}

// A person looks at the overview in a terminal: it follows the functions, sorts,
// filters, fits the terminal as it is resized, survives a restart and ends with q.
func TestTopOnATerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir, "--dev")
	for _, f := range []string{"growth/signup/greeting", "pay/core/charge"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+f+"/versions", wire.Register{Source: switchable}, nil)
	}
	tty := &fakeScreen{width: 160, height: 20}
	in, keys := io.Pipe()
	press := func(text string) {
		t.Helper()
		if _, err := io.WriteString(keys, text); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		std := stdio{In: in, Out: tty, Err: &errs, Terminal: true, Screen: func() (screen, error) { return tty, nil }}
		code <- run(ctx, std, []string{"top", "--server", p.url})
	}()
	tty.see(t, "growth/signup/greeting")
	tty.see(t, "by worst")
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/home/bff/tv/versions", wire.Register{Source: switchable}, nil)
	tty.see(t, "home/bff/tv") // nobody pressed anything
	press("s")
	tty.see(t, "by rate")
	press("/charge")
	if shown := tty.see(t, "filter: charge"); !strings.Contains(shown, "enter keeps it") {
		t.Errorf("%s", shown)
	}
	press("\r")
	if shown := tty.see(t, "filter charge"); strings.Contains(shown, "home/bff/tv") {
		t.Errorf("the filter lets through what does not fit: %s", shown)
	}
	tty.mu.Lock()
	tty.width, tty.height = 40, 6
	tty.mu.Unlock()
	shown := tty.see(t, "\x1b[6;1H") // the last line is where the terminal now ends
	for line := range strings.SplitSeq(shown, "\r\n") {
		if n := len([]rune(withoutColours(line))); n > 40 {
			t.Errorf("a line of %d letters: %q", n, line)
		}
	}
	tty.mu.Lock()
	tty.width, tty.height = 160, 20
	tty.mu.Unlock()
	press("/\x1b")
	tty.see(t, "home/bff/tv")
	press("q")
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d: %s", got, errs.String())
	}
	if tty.mu.Lock(); !tty.closed {
		t.Error("the terminal was not given back")
	}
	tty.mu.Unlock()
	_ = keys.Close()
}

// withoutColours is what a line shows.
func withoutColours(s string) string {
	var b strings.Builder
	escape := false
	for _, r := range s {
		switch {
		case escape:
			escape = (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		case r == '\x1b':
			escape = true
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func TestTopLines(t *testing.T) {
	t.Parallel()
	errs, p99, left := 0.121, 0.28, -3.0
	list := topList{
		Summary: wire.Summary{Functions: 2, States: wire.StateCounts{Failing: 1, Idle: 1}, Rate: 412, ErrorRatio: &errs, InFlight: 7},
		Items: []wire.Health{
			{
				Function: "growth/signup/greeting", State: "failing", Reason: "12 % errors\x1b[31m since 14:05", Rate: 412.4, ErrorRatio: &errs, P99: &p99, InFlight: 7, BudgetLeft: &left,
				Versions: []wire.VersionShare{{Version: 6, Share: 0.8}, {Version: 7, Share: 0.2}}, Trend: []float64{0, 1, 2, 4}, DeployedBy: "ada",
			},
			{Function: "ops/jobs/report", State: "idle", Versions: []wire.VersionShare{{Version: 4, Share: 1}}},
		},
	}
	text := strings.Join(topLines(list, plainStyle, 0), "\n")
	for _, want := range []string{"✕ 1 failing  – 1 idle  412 req/s  12.10 % errors  7 in flight", "✕ failing", "▁▂▄█", "280 ms", "3× over", "@6 80·@7 20", "12 % errors[31m since", "@4"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("a function's text steers the terminal")
	}
}
