package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"hadron/bench/process"
)

const (
	hot  = 100 // functions that are called all the time, and are warm
	cold = 200 // functions that are called once
)

// measurement is one server with n functions.
type measurement struct {
	options
	progress  io.Writer
	scratch   string
	made      string // data directory of a server that was at rest
	n         int
	isolation string
}

// figures are what came of it.
type figures struct {
	n         int
	isolation string
	start     time.Duration // until it was ready
	idle      float64       // processors in use while nobody calls
	atRest    int64         // resident bytes before the first call
	settled   time.Duration // from the start until it did next to nothing; 0: it did not within the time given
	startCPU  time.Duration // that it took
	warm      loaded        // on the hot functions
	warmCPU   time.Duration // a call
	zipf      loaded
	zipfCPU   time.Duration
	known     loaded // the same calls again
	knownCPU  time.Duration
	busy      process.Usage // after all
	one       times         // calls of one warm function, one at a time
	first     times         // calls of functions that were never loaded, one at a time
}

func (m *measurement) run(ctx context.Context) (figures, error) {
	f := figures{n: m.n, isolation: m.isolation}
	dir, err := os.MkdirTemp(m.scratch, "data-*")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := copyTree(m.made, dir); err != nil {
		return f, err
	}
	began := time.Now()
	p, base, err := start(ctx, m.options, m.scratch, dir, m.isolation)
	if err != nil {
		return f, err
	}
	defer p.Stop()
	f.start = time.Since(began)
	m.say("ready after %s", f.start.Round(time.Millisecond))
	if f.settled, f.startCPU, err = rest(ctx, p, m.settle); err != nil {
		return f, err
	}
	before := p.Usage()
	if err := pause(ctx, 2*m.duration); err != nil {
		return f, err
	}
	after := p.Usage()
	f.idle, f.atRest = (after.CPU-before.CPU).Seconds()/(2*m.duration).Seconds(), after.Resident[0]
	m.say("at rest after %s and %s of CPU: %d MiB, %.3f processors", f.settled.Round(time.Second), f.startCPU.Round(time.Millisecond), f.atRest>>20, f.idle)
	return f, m.calls(ctx, p, newCaller(base), &f)
}

// start starts a server over a data directory and waits until it is ready. Its links
// are the same each time, since dashboards hold them.
func start(ctx context.Context, o options, scratch, dir, isolation string) (p *process.Process, base string, err error) {
	port, err := process.FreePort(ctx)
	if err != nil {
		return nil, "", err
	}
	var env []string
	if o.limit != "" {
		env = append(env, "GOMEMLIMIT="+o.limit)
	}
	base = fmt.Sprintf("http://127.0.0.1:%d", port)
	p, err = process.Start(scratch, "hadron", env, o.hadron, "serve", "--isolation", isolation, "--data-dir", dir,
		"--listen", base[len("http://"):], "--external-url", "http://hadron.example")
	if err != nil {
		return nil, "", err
	}
	if err := p.Ready(ctx, base); err != nil {
		p.Stop()
		return nil, "", err
	}
	return p, base, nil
}

// What a server does at rest: for three seconds in a row no more than a twentieth of a
// processor.
const (
	restStep  = time.Second
	restSteps = 3
	restCPU   = restStep / 20
)

// rest waits until the server is at rest, and returns how long it was not, 0 where it
// was not at rest within the time given, and what CPU it had taken since it began.
func rest(ctx context.Context, p *process.Process, longest time.Duration) (after, cpu time.Duration, err error) {
	began := time.Now()
	last, calm := p.Usage().CPU, 0
	for calm < restSteps {
		if time.Since(began) > longest {
			return 0, last, nil
		}
		if err := pause(ctx, restStep); err != nil {
			return 0, 0, err
		}
		now := p.Usage().CPU
		if calm++; now-last > restCPU {
			calm = 0
		}
		last = now
	}
	return time.Since(began) - restSteps*restStep, last, nil
}

// calls puts load on the server. The highest numbers are kept for first calls.
func (m *measurement) calls(ctx context.Context, p *process.Process, c *caller, f *figures) error {
	uniform := func(r *rand.Rand) int { return r.IntN(hot) }
	if _, err := c.load(ctx, m.duration/2, uniform); err != nil { // until they are warm
		return err
	}
	var err error
	if f.warm, f.warmCPU, err = m.costs(ctx, p, c, uniform); err != nil {
		return err
	}
	m.say("%d warm functions: %.0f calls/s, %s of CPU a call, %d failed", hot, f.warm.rate, f.warmCPU, f.warm.failed)
	for range 500 {
		took, err := c.call(ctx, nameOf(0))
		if err != nil {
			return err
		}
		f.one = append(f.one, took)
	}
	for i := range cold {
		at := m.n - 1 - i
		if at < hot {
			break
		}
		took, err := c.call(ctx, nameOf(at))
		if err != nil {
			return err
		}
		f.first = append(f.first, took)
	}
	m.say("one at a time: warm %s, first %s", f.one.quantile(0.5), f.first.quantile(0.5))
	if f.zipf, f.zipfCPU, err = m.costs(ctx, p, c, zipf(m.n)); err != nil {
		return err
	}
	if f.known, f.knownCPU, err = m.costs(ctx, p, c, zipf(m.n)); err != nil { // the callers' chance is the same each time
		return err
	}
	f.busy = p.Usage()
	m.say("zipf: %.0f calls/s over %d functions, %s of CPU a call, %d failed; again %.0f calls/s over %d, %s, %d failed; %d MiB",
		f.zipf.rate, f.zipf.functions, f.zipfCPU, f.zipf.failed, f.known.rate, f.known.functions, f.knownCPU, f.known.failed, f.busy.Sum()>>20)
	return nil
}

// costs is a load and what the server computed for each call of it.
func (m *measurement) costs(ctx context.Context, p *process.Process, c *caller, pick func(*rand.Rand) int) (loaded, time.Duration, error) {
	before := p.Usage()
	l, err := c.load(ctx, m.duration, pick)
	if err != nil {
		return l, 0, err
	}
	return l, (p.Usage().CPU - before.CPU) / time.Duration(l.calls), nil
}

func (m *measurement) say(format string, args ...any) {
	fmt.Fprintf(m.progress, "%6d functions, %-9s  %s\n", m.n, m.isolation, fmt.Sprintf(format, args...))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
