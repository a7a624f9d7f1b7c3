package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// report writes the table.
func report(o options, figures []figure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d processors, Linux; the server has one of them (GOMAXPROCS=1), clients run beside it on the same machine. One tick a\n", time.Now().Format(time.DateOnly), runtime.NumCPU())
	fmt.Fprintf(&b, "second, in which %.0f %% of the functions change every number and their trend; %s a column.\n\n", 100*o.changing, o.duration)
	line := func(name string, of func(figure) string) {
		cells := make([]string, len(figures))
		for i, f := range figures {
			cells[i] = of(f)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", name, strings.Join(cells, " | "))
	}
	line("", func(f figure) string { return f.name })
	fmt.Fprintf(&b, "|---|%s\n", strings.Repeat("---:|", len(figures)))
	line("functions", func(f figure) string { return fmt.Sprint(f.functions) })
	line("delay from observation to client, p50", func(f figure) string { return short(f.p50) })
	line("… p99", func(f figure) string { return short(f.p99) })
	line("… of messages", func(f figure) string { return fmt.Sprint(f.messages) })
	line("server: processors in use", func(f figure) string { return fmt.Sprintf("%.2f", f.cpu) })
	line("server: resident", func(f figure) string { return fmt.Sprintf("%.0f MiB", float64(f.resident)/(1<<20)) })
	line("a client, mean of all", func(f figure) string { return rate(f.mean) })
	for k, w := range mix {
		line(fmt.Sprintf("… %s (%d %%)", w.name, w.share), func(f figure) string {
			if f.naive {
				return "–"
			}
			return rate(f.perClient[k])
		})
	}
	line("… slow ones (5 %)", func(f figure) string { return rate(f.perClient[len(f.perClient)-1]) })
	line("changes that slow clients skipped", func(f figure) string { return counted(f, f.conflated) })
	line("slow clients dropped", func(f figure) string { return counted(f, f.dropped) })
	line("clients: processors in use", func(f figure) string { return fmt.Sprintf("%.2f", f.clientsCPU) })
	return b.String()
}

func counted(f figure, n float64) string {
	if f.naive {
		return "–"
	}
	return fmt.Sprintf("%.0f", n)
}

func short(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

func rate(bytes float64) string {
	switch {
	case bytes < 1e3:
		return fmt.Sprintf("%.0f B/s", bytes)
	case bytes < 1e6:
		return fmt.Sprintf("%.1f kB/s", bytes/1e3)
	}
	return fmt.Sprintf("%.1f MB/s", bytes/1e6)
}
