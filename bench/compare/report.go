package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report writes the tables: one with all ratios, then one for each workload.
func report(o options, results []*result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %d processors, Linux; `wrk -t1 -c%d` on the same machine, %d rounds of %s in turns, medians. Memory is the resident set\n"+
		"of a server's processes under load, shared pages counted for each; the most that was seen.\n\n",
		time.Now().Format(time.DateOnly), processor(), runtime.NumCPU(), o.connections, o.rounds, o.duration)
	summary(&b, results)
	for _, w := range workloads {
		table(&b, w, slices.DeleteFunc(slices.Clone(results), func(r *result) bool { return r.workload.name != w.name }))
	}
	return b.String()
}

// summary is throughput against Hadron's in process.
func summary(b *strings.Builder, results []*result) {
	var measured []string
	for _, w := range workloads {
		if slices.ContainsFunc(results, func(r *result) bool { return r.workload.name == w.name }) {
			measured = append(measured, w.name)
		}
	}
	fmt.Fprintf(b, "Answers a second, where Hadron in process is 1:\n\n| | %s |\n|---|%s\n", strings.Join(measured, " | "), strings.Repeat("---:|", len(measured)))
	for _, s := range systems {
		var cells []string
		for _, name := range measured {
			mine, base := find(results, s.name, name), find(results, "hadron", name)
			cells = append(cells, ratio(mine, base))
		}
		if slices.ContainsFunc(results, func(r *result) bool { return r.system.name == s.name && len(r.samples) > 0 }) {
			fmt.Fprintf(b, "| %s | %s |\n", s.title, strings.Join(cells, " | "))
		}
	}
	fmt.Fprintln(b)
}

func table(b *strings.Builder, w workload, results []*result) {
	if len(results) == 0 {
		return
	}
	fmt.Fprintf(b, "### %s\n\n| | answers/s | × Hadron | × ceiling | p50 | p99 | MiB |\n|---|---:|---:|---:|---:|---:|---:|\n", w.title)
	base, ceiling := find(results, "hadron", w.name), find(results, "ceiling", w.name)
	for _, r := range results {
		if len(r.samples) == 0 {
			continue
		}
		note := ""
		if n := r.failed(); n > 0 {
			note = fmt.Sprintf(" (%d failed)", n)
		}
		fmt.Fprintf(b, "| %s%s | %.0f | %s | %s | %s | %s | %d |\n", r.system.title, note, r.rate(), ratio(r, base), ratio(r, ceiling),
			short(median(r.samples, func(s sample) time.Duration { return s.p50 })), short(median(r.samples, func(s sample) time.Duration { return s.p99 })), r.resident>>20)
	}
	fmt.Fprintln(b)
}

func find(results []*result, system, workload string) *result {
	for _, r := range results {
		if r.system.name == system && r.workload.name == workload && len(r.samples) > 0 {
			return r
		}
	}
	return nil
}

func (r *result) rate() float64 {
	return median(r.samples, func(s sample) float64 { return s.rate })
}

func (r *result) failed() int {
	n := 0
	for _, s := range r.samples {
		n += s.failed
	}
	return n
}

func ratio(r, base *result) string {
	if r == nil || base == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f", r.rate()/base.rate())
}

func median[T cmp.Ordered](samples []sample, of func(sample) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// short writes a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

func processor() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
