package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// report writes the table.
func report(o options, rows []figures) string {
	var b strings.Builder
	limit := "without GOMEMLIMIT"
	if o.limit != "" {
		limit = "GOMEMLIMIT=" + o.limit
	}
	fmt.Fprintf(&b, "%s, %d processors, Linux, %s; callers on the same machine.\n\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), limit)
	line := func(name string, of func(figures) string) {
		var cells []string
		for _, f := range rows {
			cells = append(cells, of(f))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, strings.Join(cells, " | "))
	}
	line("functions registered", func(f figures) string { return fmt.Sprint(f.n) })
	fmt.Fprintf(&b, "|---|%s\n", strings.Repeat("---:|", len(rows)))
	line("isolation", func(f figures) string { return f.isolation })
	line("start until ready", func(f figures) string { return short(f.start) })
	line("… until it is at rest: time, CPU in all", func(f figures) string { return rested(f.settled) + ", " + short(f.startCPU) })
	line("server resident before the first call", func(f figures) string { return mib(f.atRest) })
	line("processors in use while nobody calls", func(f figures) string { return fmt.Sprintf("%.3f", f.idle) })
	line(fmt.Sprintf("%d warm functions: calls a second", hot), func(f figures) string { return fmt.Sprintf("%.0f", f.warm.rate) })
	line("… p50, p99", func(f figures) string {
		return short(f.warm.times.quantile(0.5)) + ", " + short(f.warm.times.quantile(0.99))
	})
	line("… CPU of a call", func(f figures) string { return short(f.warmCPU) })
	line("… as a multiple of that with the fewest functions", func(f figures) string { return multiple(rows, f, func(f figures) time.Duration { return f.warmCPU }) })
	line("Zipf load over all: calls a second", func(f figures) string { return fmt.Sprintf("%.0f", f.zipf.rate) })
	line("… functions called", func(f figures) string { return fmt.Sprint(f.zipf.functions) })
	line("… p50, p99", func(f figures) string {
		return short(f.zipf.times.quantile(0.5)) + ", " + short(f.zipf.times.quantile(0.99))
	})
	line("… CPU of a call", func(f figures) string { return short(f.zipfCPU) })
	line("the same calls again: calls a second", func(f figures) string { return fmt.Sprintf("%.0f", f.known.rate) })
	line("… functions called", func(f figures) string { return fmt.Sprint(f.known.functions) })
	line("… CPU of a call", func(f figures) string { return short(f.knownCPU) })
	line("… as a multiple of that with the fewest functions", func(f figures) string { return multiple(rows, f, func(f figures) time.Duration { return f.knownCPU }) })
	line("calls of all loads that failed", func(f figures) string { return fmt.Sprint(f.warm.failed + f.zipf.failed + f.known.failed) })
	line("one caller: a warm call, p50", func(f figures) string { return short(f.one.quantile(0.5)) })
	line("one caller: first call of a function never loaded, p50", func(f figures) string { return short(f.first.quantile(0.5)) })
	line("… p99", func(f figures) string { return short(f.first.quantile(0.99)) })
	line("resident after all, server", func(f figures) string { return mib(f.busy.Resident[0]) })
	line("… and its workers", workers)
	return b.String()
}

// multiple compares a row with the first one of the same isolation.
func multiple(rows []figures, f figures, of func(figures) time.Duration) string {
	for _, first := range rows {
		if first.isolation == f.isolation && of(first) > 0 {
			return fmt.Sprintf("%.2f", float64(of(f))/float64(of(first)))
		}
	}
	return "–"
}

// rested is when a server was at rest.
func rested(after time.Duration) string {
	if after == 0 {
		return "not within the time given"
	}
	return fmt.Sprintf("%.0f s", max(1, after.Seconds()))
}

// workers is how many there are, and what one takes.
func workers(f figures) string {
	n := len(f.busy.Resident) - 1
	if n == 0 {
		return "–"
	}
	return fmt.Sprintf("%d × %s", n, mib((f.busy.Sum()-f.busy.Resident[0])/int64(n)))
}

func mib(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }

func short(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}
