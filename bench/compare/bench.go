package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"time"
)

// bench is one run.
type bench struct {
	options
	progress io.Writer
	scratch  string
	upstream upstream
}

// result is what was measured of one system with one workload.
type result struct {
	system   system
	workload workload
	samples  []sample
	resident int64 // the most seen
	skipped  string
}

func (b *bench) measure(ctx context.Context) ([]*result, error) {
	var all []*result
	for _, w := range workloads {
		if !slices.Contains(b.workloads, w.name) {
			continue
		}
		results, err := b.compare(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		all = append(all, results...)
	}
	return all, nil
}

// compare starts every system with one workload, sees that all answer the same,
// and measures them in turns: what disturbs the machine disturbs them all.
func (b *bench) compare(ctx context.Context, w workload) ([]*result, error) {
	var results []*result
	live := map[string]*running{}
	defer func() {
		for _, r := range live {
			r.Stop()
		}
	}()
	var want any
	for _, s := range systems {
		if !slices.Contains(b.systems, s.name) {
			continue
		}
		res := &result{system: s, workload: w}
		results = append(results, res)
		r, err := s.start(ctx, b, w)
		if err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			res.skipped = err.Error()
			if !errors.Is(err, errCannot) {
				fmt.Fprintf(b.progress, "%-10s %-10s cannot be started: %v\n", w.name, s.name, err)
			}
			continue
		}
		live[s.name] = r
		got, err := b.ask(ctx, w, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		if want == nil {
			want = got
		}
		if !reflect.DeepEqual(got, want) {
			return nil, fmt.Errorf("%s answers otherwise than the others: %.300v", s.name, got)
		}
		if _, err := b.shoot(ctx, w, r.base+w.path, b.warmup); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for round := range b.rounds {
		for i := range results {
			res := results[(i+round)%len(results)] // nobody is always first
			r := live[res.system.name]
			if r == nil {
				continue
			}
			s, err := b.shoot(ctx, w, r.base+w.path, b.duration)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", res.system.name, err)
			}
			res.samples = append(res.samples, s)
			res.resident = max(res.resident, r.Usage().Sum())
			fmt.Fprintf(b.progress, "%-10s %-10s round %d: %8.0f/s  p50 %-9s p99 %-9s %4d MiB", w.name, res.system.name, round+1, s.rate, s.p50, s.p99, res.resident>>20)
			if s.failed > 0 {
				fmt.Fprintf(b.progress, "  %d FAILED", s.failed)
			}
			fmt.Fprintln(b.progress)
		}
	}
	return results, nil
}

// ask does one request and returns what was answered, to compare.
func (b *bench) ask(ctx context.Context, w workload, r *running) (any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("no answer"))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, w.method, r.base+w.path, bytes.NewReader(w.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, r.Output())
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answers %s: %s", resp.Status, data)
	}
	if w.stream {
		return string(data), nil
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("answers no JSON: %.200s", data)
	}
	return v, nil
}
