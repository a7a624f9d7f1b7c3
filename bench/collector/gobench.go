package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// result is the figures of one Go benchmark by their units: ns/op, allocs/op, samples/s.
type result map[string]float64

// goBench runs benchmarks that stand beside the code for so long, or so many times (60x), and
// returns the middle figure of each by its name without the processors.
func goBench(ctx context.Context, pkg, pattern, benchtime string, count int) (map[string]result, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchmem",
		"-benchtime", benchtime, "-count", strconv.Itoa(count), pkg)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench %s %s: %w\n%s", pattern, pkg, err, out)
	}
	runs := map[string]map[string][]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if at := strings.LastIndexByte(name, '-'); at > 0 {
			name = name[:at]
		}
		if runs[name] == nil {
			runs[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				runs[name][fields[i+1]] = append(runs[name][fields[i+1]], v)
			}
		}
	}
	results := map[string]result{}
	for name, units := range runs {
		results[name] = result{}
		for unit, values := range units {
			results[name][unit] = middle(values)
		}
	}
	return results, nil
}

func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func measureAppend(ctx context.Context, o options, f *figures) (err error) {
	if f.appends, err = goBench(ctx, "./storage/tsdb", "^BenchmarkAppend$", o.benchtime.String(), 5); err != nil {
		return err
	}
	f.intakes, err = goBench(ctx, "./storage/tsdb/intake", "^BenchmarkAppend$", o.benchtime.String(), 3)
	return err
}

// The benchmarks below make what they measure with the clock stopped, which takes longer than
// what is measured, so a number of rounds bounds them and no time: two seconds of ticks over
// functions that rest would be millions of them.

func measureWrite(ctx context.Context, _ options, f *figures) (err error) {
	f.writes, err = goBench(ctx, "./storage/tsdb/promapi", "^BenchmarkRemoteWrite$", "4x", 3)
	return err
}

func measureRecorder(ctx context.Context, o options, f *figures) (err error) {
	f.recorder, err = goBench(ctx, "./collector", "^BenchmarkRecorder$", o.benchtime.String(), 3)
	return err
}

func measureHealth(ctx context.Context, _ options, f *figures) (err error) {
	f.health, err = goBench(ctx, "./collector", "^Benchmark(Health|Append)$", "40x", 3)
	return err
}
