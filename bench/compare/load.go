package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// sample is what one measurement found.
type sample struct {
	rate     float64 // answers a second
	p50, p99 time.Duration
	failed   int // answers that were no 200, and broken connections
}

// shoot loads one address with wrk for a time.
func (b *bench) shoot(ctx context.Context, w workload, url string, d time.Duration) (sample, error) {
	args := []string{
		"-t1", "-c" + strconv.Itoa(b.connections), "-d" + strconv.Itoa(int(d.Round(time.Second).Seconds())) + "s",
		"--latency", "--timeout", "5s",
	}
	if w.body != nil {
		script, err := b.script(w)
		if err != nil {
			return sample{}, err
		}
		args = append(args, "-s", script)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, url)...).CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("run wrk: %w: %s", err, out)
	}
	return read(string(out))
}

// script is how wrk learns of a method and a body.
func (b *bench) script(w workload) (string, error) {
	body, lua := filepath.Join(b.scratch, w.name+".json"), filepath.Join(b.scratch, w.name+".lua")
	if err := os.WriteFile(body, w.body, 0o600); err != nil {
		return "", err
	}
	text := fmt.Sprintf("wrk.method = %q\nwrk.headers[\"content-type\"] = \"application/json\"\nwrk.body = io.open(%q):read(\"*a\")\n", w.method, body)
	return lua, os.WriteFile(lua, []byte(text), 0o600)
}

var (
	rateLine   = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	p50Line    = regexp.MustCompile(`\n\s+50%\s+([0-9.]+)(us|ms|s)`)
	p99Line    = regexp.MustCompile(`\n\s+99%\s+([0-9.]+)(us|ms|s)`)
	statusLine = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
	socketLine = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
)

// read understands what wrk prints.
func read(out string) (sample, error) {
	rate := rateLine.FindStringSubmatch(out)
	p50, p99 := p50Line.FindStringSubmatch(out), p99Line.FindStringSubmatch(out)
	if rate == nil || p50 == nil || p99 == nil {
		return sample{}, fmt.Errorf("wrk printed something else: %s", out)
	}
	var s sample
	var err error
	if s.rate, err = strconv.ParseFloat(rate[1], 64); err != nil {
		return s, err
	}
	if s.p50, err = time.ParseDuration(p50[1] + p50[2]); err != nil {
		return s, err
	}
	if s.p99, err = time.ParseDuration(p99[1] + p99[2]); err != nil {
		return s, err
	}
	for _, line := range []*regexp.Regexp{statusLine, socketLine} {
		for _, n := range line.FindStringSubmatch(out)[min(1, len(line.FindStringSubmatch(out))):] {
			count, err := strconv.Atoi(n)
			if err != nil {
				return s, err
			}
			s.failed += count
		}
	}
	return s, nil
}
