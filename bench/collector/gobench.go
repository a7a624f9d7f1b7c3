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

// goBench runs benchmarks that stand beside the code, and returns the middle figure
// of each by its name without the processors.
func goBench(ctx context.Context, o options, pkg, pattern string, count int) (map[string]result, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchmem",
		"-benchtime", o.benchtime.String(), "-count", strconv.Itoa(count), pkg)
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
	f.appends, err = goBench(ctx, o, "./storage/tsdb", "^Benchmark(Raw)?Append$", 5)
	return err
}

func measureWrite(ctx context.Context, o options, f *figures) (err error) {
	f.writes, err = goBench(ctx, o, "./storage/tsdb/promapi", "^BenchmarkRemoteWrite$", 3)
	return err
}

func measureRecorder(ctx context.Context, o options, f *figures) (err error) {
	f.recorder, err = goBench(ctx, o, "./collector", "^BenchmarkRecorder$", 3)
	return err
}

func measureHealth(ctx context.Context, o options, f *figures) (err error) {
	f.health, err = goBench(ctx, o, "./collector", "^Benchmark(Health|Append)$", 1)
	return err
}
