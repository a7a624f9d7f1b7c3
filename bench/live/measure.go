package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"hadron/bench/process"
)

// benchCase is one server with its clients.
type benchCase struct {
	name      string
	naive     bool
	clients   int
	functions int
}

var cases = []benchCase{
	{"hub, 1,000 clients", false, 1000, 10_000},
	{"hub, 5,000 clients", false, 5000, 10_000},
	{"hub, 1,000 clients, a tenth of the functions", false, 1000, 1000},
	{"broadcast, 1,000 clients", true, 1000, 10_000},
}

type figure struct {
	benchCase
	p50, p99   time.Duration
	messages   int
	perClient  [16]float64 // bytes a second, by watcher; the last is slow ones
	mean       float64     // bytes a second of a client
	cpu        float64     // processors
	resident   int64
	conflated  float64
	dropped    float64
	ended      int
	clientsCPU float64 // processors that the clients themselves took
}

func measureAll(ctx context.Context, o options, progress io.Writer) ([]figure, error) {
	var out []figure
	for _, c := range cases {
		if !strings.Contains(c.name, o.only) {
			continue
		}
		fmt.Fprintln(progress, c.name)
		f, err := measure(ctx, o, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		out = append(out, f)
	}
	return out, nil
}

func measure(ctx context.Context, o options, c benchCase) (f figure, err error) {
	f.benchCase = c
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	dir, err := os.MkdirTemp("", "bench-live")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	port, err := process.FreePort(ctx)
	if err != nil {
		return f, err
	}
	kind := "hub"
	if c.naive {
		kind = "naive"
	}
	address := "127.0.0.1:" + strconv.Itoa(port)
	p, err := process.Start(dir, kind, nil, self, "-serve", kind, "-listen", address, "-functions", strconv.Itoa(c.functions), "-changing", fmt.Sprint(o.changing))
	if err != nil {
		return f, err
	}
	defer p.Stop()
	base := "http://" + address
	if err := p.Ready(ctx, base); err != nil {
		return f, fmt.Errorf("%w: %s", err, p.Output())
	}
	watching, leave := context.WithCancel(ctx)
	defer leave()
	a := &audience{}
	if err := a.gather(watching, base, c); err != nil {
		return f, fmt.Errorf("connect: %w: %s", err, p.Output())
	}
	select { // until first snapshots are through
	case <-ctx.Done():
		return f, context.Cause(ctx)
	case <-time.After(3 * step):
	}
	before, beforeClients, started := p.Usage(), ownCPU(), time.Now()
	a.counting.Store(true)
	select {
	case <-ctx.Done():
		return f, context.Cause(ctx)
	case <-time.After(o.duration):
	}
	a.counting.Store(false)
	after, took := p.Usage(), time.Since(started)
	f.cpu, f.resident = (after.CPU-before.CPU).Seconds()/took.Seconds(), after.Resident[0]
	f.clientsCPU = (ownCPU() - beforeClients).Seconds() / took.Seconds()
	if !c.naive {
		counted, err := metrics(ctx, base)
		if err != nil {
			return f, err
		}
		f.conflated, f.dropped = counted["hadron_live_conflated_total"], counted["hadron_live_slow_clients_total"]
	}
	leave()
	a.wg.Wait()
	f.p50, f.p99, f.messages = a.result()
	f.ended = a.ended
	total := 0.0
	for k, bytes := range a.bytes {
		total += float64(bytes)
		if a.count[k] > 0 {
			f.perClient[k] = float64(bytes) / took.Seconds() / float64(a.count[k])
		}
	}
	f.mean = total / took.Seconds() / float64(c.clients)
	return f, nil
}

// gather connects all clients, some at a time.
func (a *audience) gather(ctx context.Context, base string, c benchCase) error {
	next := make(chan int)
	failed := make(chan error, 1)
	var dialers sync.WaitGroup
	for range 4 * runtime.NumCPU() {
		dialers.Go(func() {
			for i := range next {
				if err := a.join(ctx, base, i, c.functions, c.naive); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range c.clients {
		next <- i
	}
	close(next)
	dialers.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// metrics reads the server's counters, those with labels added up.
func metrics(ctx context.Context, base string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out := map[string]float64{}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, found := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "{")
		if at := strings.LastIndexByte(value, ' '); at >= 0 {
			value = value[at+1:]
		}
		if v, err := strconv.ParseFloat(value, 64); found && err == nil {
			out[name] += v
		}
	}
	return out, nil
}
