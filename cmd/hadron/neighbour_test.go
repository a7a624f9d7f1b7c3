package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// neighbour is a client of a function that is called at a steady pace, however long
// answers take. It is a process of its own, above all others where that is allowed,
// since real ones are on other machines: what it measures is how long the server
// takes, not how long this test keeps it from looking.
type neighbour struct {
	t     *testing.T
	stdin io.Closer
	done  chan struct{}

	mu    sync.Mutex
	calls []call
}

// call is one that a neighbour made.
type call struct {
	began time.Time
	took  time.Duration
	end   string
}

// span is a while.
type span struct{ from, to time.Time }

// load is what a neighbour saw over some spans.
type load struct {
	count    int
	p50, p99 time.Duration
	typical  time.Duration // the median of the windows' p99
	worst    time.Duration // window's p99
}

// times is how many times another's p99 this one is; 0 where nothing was seen.
func (l load) times(of load) float64 {
	if of.typical == 0 {
		return 0
	}
	return float64(l.typical) / float64(of.typical)
}

// window is what a p99 is taken of, besides all: one disturbance by the machine then
// counts once.
const window = 2 * time.Second

// startNeighbour starts a client that calls a URL, with so much time from one call to
// the next.
func startNeighbour(p *process, url string, pace time.Duration) *neighbour {
	cmd, stdin, out := p.beside(&syscall.SysProcAttr{Setpgid: true}, "neighbour", url, pace.String())
	n := &neighbour{t: p.t, stdin: stdin, done: make(chan struct{})}
	go func() {
		defer close(n.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n.take(lines.Text())
		}
		_ = cmd.Wait()
	}()
	p.t.Cleanup(n.stop)
	return n
}

// beside starts a process beside the server, which ends when its stdin is closed.
func (p *process) beside(attr *syscall.SysProcAttr, name string, args ...string) (cmd *exec.Cmd, stdin io.Closer, out io.Reader) {
	cmd = exec.CommandContext(context.WithoutCancel(p.t.Context()), name, args...)
	cmd.SysProcAttr, cmd.Stderr = attr, os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if out, err = cmd.StdoutPipe(); err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	return cmd, stdin, out
}

func (n *neighbour) take(line string) {
	parts := strings.SplitN(line, " ", 3)
	if len(parts) < 3 {
		return
	}
	began, _ := strconv.ParseInt(parts[0], 10, 64) // a call at no time is in no span
	took, _ := strconv.ParseInt(parts[1], 10, 64)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, call{time.UnixMicro(began), time.Duration(took) * time.Microsecond, parts[2]})
}

// stop ends the client, once its last call has ended.
func (n *neighbour) stop() {
	_ = n.stdin.Close() // the second time it is closed
	<-n.done
}

// seen sums up what happened in some spans.
func (n *neighbour) seen(spans []span) load {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all, p99s []time.Duration
	for _, s := range spans {
		for from := s.from; from.Before(s.to); from = from.Add(window) {
			var took []time.Duration
			for _, c := range n.calls {
				if !c.began.Before(from) && c.began.Before(from.Add(window)) && c.began.Before(s.to) {
					took = append(took, c.took)
				}
			}
			all = append(all, took...)
			if s.to.Sub(from) >= window && len(took) > 0 { // not what is left at the end
				p99s = append(p99s, quantile(took, 99))
			}
		}
	}
	l := load{count: len(all), p50: quantile(all, 50), p99: quantile(all, 99), typical: quantile(p99s, 50), worst: quantile(p99s, 100)}
	if len(p99s) == 0 {
		l.typical, l.worst = l.p99, l.p99
	}
	return l
}

func quantile(of []time.Duration, percent int) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

// failures are the calls that were lost.
func (n *neighbour) failures() (lost []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.calls {
		if c.end != "ok" && len(lost) < 20 {
			lost = append(lost, fmt.Sprintf("%s after %s", c.end, c.took))
		}
	}
	return lost
}

// startBare starts a server that does as little as a server can, and returns its URL.
// What a client of it sees is this machine's doing, not Hadron's.
func startBare(p *process) string {
	cmd, stdin, out := p.beside(nil, "bare")
	p.t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// bareMain is that server's process: it answers until its stdin ends.
func bareMain() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	fmt.Printf("http://%s/\n", l.Addr())
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"ok":true,"path":"/"}`)
		}))
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// neighbourMain is the client's process: it writes when a call began, how long it took
// in microseconds, and how it ended, until its stdin ends.
func neighbourMain() {
	const group = 1                        // PRIO_PGRP, which this package names on some systems only
	_ = syscall.Setpriority(group, 0, -10) // where it may
	pace, err := time.ParseDuration(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(over)
	}()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	var out sync.Mutex
	var calls sync.WaitGroup
	for tick := time.NewTicker(pace); ; {
		select {
		case <-over:
			calls.Wait()
			return
		case <-tick.C:
			calls.Go(func() {
				began := time.Now()
				end := "ok"
				if resp, err := client.Get(os.Args[1]); err != nil {
					end = err.Error()
				} else {
					if _, err := io.Copy(io.Discard, resp.Body); err != nil {
						end = "cut"
					} else if resp.StatusCode != http.StatusOK {
						end = resp.Status
					}
					_ = resp.Body.Close()
				}
				took := time.Since(began)
				out.Lock()
				defer out.Unlock()
				fmt.Println(began.UnixMicro(), took.Microseconds(), end)
			})
		}
	}
}
