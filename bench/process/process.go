// Package process starts servers for benchmarks, watches what they use, and ends
// each by its own id.
package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a server that was started here.
type Process struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

// Start starts a program; what it prints goes to a file in dir.
func Start(dir, name string, env []string, command ...string) (*Process, error) {
	log, err := os.CreateTemp(dir, name+"-*.log")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...) //nolint:noctx // Stop ends it, in its own order
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	p := &Process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // how it ended is in its log
	}()
	return p, nil
}

// Stop asks the process to end, and kills it where it does not.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = p.log.Close()
}

// Output is the end of what the process printed.
func (p *Process) Output() string {
	data, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-2000):])
}

// Listens waits until the server takes connections.
func (p *Process) Listens(ctx context.Context, address string) error {
	return p.poll(ctx, func(ctx context.Context) bool {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// Ready waits until Hadron at base says that it is.
func (p *Process) Ready(ctx context.Context, base string) error {
	return p.poll(ctx, func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", http.NoBody)
		if err != nil {
			return false
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (p *Process) poll(ctx context.Context, there func(context.Context) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("it does not answer"))
	defer cancel()
	for !there(ctx) {
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %s", p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", context.Cause(ctx), p.Output())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Usage is what a process and those below it use.
type Usage struct {
	Resident []int64       // bytes of each process, the first one's own; pages that they share count for each
	CPU      time.Duration // of all that live
}

// Sum is the resident memory of all, in bytes.
func (u Usage) Sum() int64 {
	var sum int64
	for _, r := range u.Resident {
		sum += r
	}
	return sum
}

// Usage reads what the process and those below it use now.
func (p *Process) Usage() Usage {
	procs := map[int]proc{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		data, gone := os.ReadFile(path)
		if at, ok := parse(string(data)); err == nil && gone == nil && ok {
			procs[pid] = at
		}
	}
	var u Usage
	for pid, at := range procs {
		for up := pid; up > 1; up = procs[up].parent {
			if up == p.cmd.Process.Pid {
				u.Resident = append(u.Resident, at.pages*int64(os.Getpagesize()))
				u.CPU += time.Duration(at.ticks) * (time.Second / ticksPerSecond)
				break
			}
		}
		if last := len(u.Resident) - 1; pid == p.cmd.Process.Pid && last > 0 {
			u.Resident[0], u.Resident[last] = u.Resident[last], u.Resident[0]
		}
	}
	return u
}

// ticksPerSecond is what Linux tells CPU time to programs in.
const ticksPerSecond = 100

type proc struct {
	parent int
	pages  int64
	ticks  int64
}

// parse reads a line of /proc/<pid>/stat: the fields behind the name, which may hold
// anything.
func parse(stat string) (proc, bool) {
	at := strings.LastIndex(stat, ") ")
	if at < 0 {
		return proc{}, false
	}
	fields := strings.Fields(stat[at+2:])
	if len(fields) < 22 {
		return proc{}, false
	}
	var numbers [22]int64
	for _, i := range []int{1, 11, 12, 21} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return proc{}, false
		}
		numbers[i] = n
	}
	return proc{parent: int(numbers[1]), ticks: numbers[11] + numbers[12], pages: numbers[21]}, true
}

// FreePort asks the kernel for a port that nobody has.
func FreePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
