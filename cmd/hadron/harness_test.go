package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is the program as well, and a client: testscript puts it on the
// PATH as hadron and as neighbour.
//
// Stories mostly wait, each for a server of its own, so more of them run at once than
// there are processors; -parallel says another number. What measures latency or memory,
// loads modules that take seconds, or sets the environment, is not parallel, and go test runs it before all that is.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(storiesAtOnce)); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"hadron": main, "neighbour": neighbourMain, "bare": bareMain})
}

// How many stories run at once, and how many of them with a browser, which needs more
// of the processors than a server does. More make each slower than its deadlines allow.
const (
	storiesAtOnce  = 3
	browsersAtOnce = 1
)

// patient is the manifest of a function whose first call may find every processor taken.
var patient = json.RawMessage(`{"limits":{"timeout":"1m"}}`)

// server is the real binary, running.
type process struct {
	t     *testing.T
	url   string
	token string // sent with each request; empty with --dev
	cmd   *exec.Cmd
	done  chan struct{}

	mu     sync.Mutex
	stderr bytes.Buffer
}

var readyLine = regexp.MustCompile(`msg=ready.* url=(\S+)`)

// startServer runs "hadron serve" on a free port and waits until it is ready. It
// is killed at the end of the test unless it ended before.
func startServer(t *testing.T, dataDir string, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "hadron",
		append([]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", dataDir}, args...)...)
	cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, done: make(chan struct{})}
	ready := make(chan string, 1)
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			p.stderr.Write(append(lines.Bytes(), '\n'))
			p.mu.Unlock()
			if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
				ready <- m[1]
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", p.log())
		}
	})
	select {
	case p.url = <-ready:
	case <-p.done:
		t.Fatalf("the server ended before it was ready:\n%s", p.log())
	case <-time.After(leisure * time.Minute):
		t.Fatalf("the server was not ready in time:\n%s", p.log())
	}
	return p
}

// adopt takes the admin token of the data directory.
func (p *process) adopt(dir string) {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "admin-token"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.token = strings.TrimSpace(string(b))
}

// guarded is a server that wants tokens, with its admin's.
func guarded(t *testing.T) *process {
	t.Helper()
	dir := t.TempDir()
	p := startServer(t, dir)
	p.adopt(dir)
	return p
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// kill ends the server as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop ends the server as an operator does, and returns its exit code.
func (p *process) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		p.t.Fatal("the server did not end within a minute of SIGTERM")
	}
	return p.cmd.ProcessState.ExitCode()
}

// call sends one request and returns status and body; a body that is no string
// is sent as JSON.
func (p *process) call(method, path string, body any) (int, []byte) {
	p.t.Helper()
	resp := p.do(method, path, body, nil)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, data
}

func (p *process) do(method, path string, body any, header http.Header) *http.Response {
	p.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = bytes.NewReader([]byte(b))
	default:
		data, err := json.Marshal(b)
		if err != nil {
			p.t.Fatal(err)
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, reader)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if p.token != "" && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if reader != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp
}

// want sends a request, insists on the status, and decodes the answer into out.
func (p *process) want(status int, method, path string, body, out any) {
	p.t.Helper()
	got, data := p.call(method, path, body)
	if got != status {
		p.t.Fatalf("%s %s: status %d, want %d: %s", method, path, got, status, data)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			p.t.Fatalf("%s %s: %v in %s", method, path, err, data)
		}
	}
}

// query runs an instant PromQL query and returns the sum over its vector, and
// whether there was any element.
func (p *process) query(expr string, at time.Time) (float64, bool) {
	p.t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	q := url.Values{"query": {expr}}
	if !at.IsZero() {
		q.Set("time", strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64))
	}
	p.want(http.StatusOK, http.MethodGet, "/prometheus/api/v1/query?"+q.Encode(), nil, &answer)
	sum := 0.0
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			p.t.Fatalf("query %s: value %q", expr, text)
		}
		sum += v
	}
	return sum, len(answer.Data.Result) > 0
}

// eventually polls a condition until it holds; describe says what was seen last. Within
// is enough where little else runs; leisure times as long is waited.
func eventually(t *testing.T, what string, within time.Duration, holds func() (ok bool, describe string)) {
	t.Helper()
	within *= leisure
	deadline := time.Now().Add(within)
	last := ""
	for time.Now().Before(deadline) {
		ok, seen := holds()
		if ok {
			return
		}
		last = seen
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("not within %s: %s; last seen: %s", within, what, last)
}

func sprint(args ...any) string { return fmt.Sprint(args...) }

// toggle is a value that a test sets while others read it.
type toggle struct {
	mu sync.Mutex
	v  bool
}

func newSwitch(v bool) *toggle { return &toggle{v: v} }

func (s *toggle) on() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.v
}

func (s *toggle) set(v bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.v = v
}

// current is the server that callers talk to, over restarts.
type current struct {
	mu sync.Mutex
	p  *process
}

func newCurrent(p *process) *current { return &current{p: p} }

func (c *current) get() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.p
}

func (c *current) set(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.p = p
}
