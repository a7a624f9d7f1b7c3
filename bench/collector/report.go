package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// figures are what was measured; what was not is empty.
type figures struct {
	appends, intakes, writes, recorder, health map[string]result

	memory     float64 // bytes of a million series
	seriesRate float64 // series made in a second

	filled    int // series
	panels    []timed
	fleet     []timed
	replay    time.Duration
	replayCPU time.Duration
	walSize   int64
}

// report writes the tables.
func report(o options, f figures) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d processors, Linux.\n\n| | measured | aim |\n|---|---:|---:|\n", time.Now().Format(time.DateOnly), runtime.NumCPU())
	line := func(what, measured, aim string) { fmt.Fprintf(&b, "| %s | %s | %s |\n", what, measured, aim) }
	reportAppends(line, "samples appended a second to 10,000 known series, by reference", f.appends["Append"])
	for _, sender := range []struct{ name, what string }{
		{"operator", "the same by labels, through contract and budget, as the operator"},
		{"team's_token", "… with a team's token, which the series bear"},
		{"team_put_in", "… with a team's token, which is put in"},
	} {
		reportAppends(line, sender.what, f.intakes["Append/"+sender.name])
	}
	for _, version := range []string{"1.0", "2.0"} {
		if rate := f.writes["RemoteWrite/"+version]["samples/s"]; rate > 0 {
			line("samples a second by remote write "+version+", with budgets", thousands(rate), "1,000,000")
		}
	}
	if one, ok := f.recorder["Recorder/one"]; ok {
		line("recorder: one invocation counted", fmt.Sprintf("%.0f ns, %.0f allocations", one["ns/op"], one["allocs/op"]), "500 ns, 0")
		line("… of the CPU of a small call through the gateway, 85 µs", fmt.Sprintf("%.2g %%", one["ns/op"]/85_000*100), "2 %")
	}
	for _, share := range []string{"0%", "10%", "100%"} {
		name := "Health/10000_functions,_" + share + "_called"
		if tick := f.health[name]["cpu-ns/op"]; tick > 0 {
			line("live health of 10,000 functions, "+strings.TrimSuffix(share, "%")+" % called each second: of a processor", fmt.Sprintf("%.4f", tick/1e9), "0.1")
		}
	}
	if pass := f.health["Append"]["ns/op"]; pass > 0 {
		line("one pass over 10,000 called functions, without the store", duration(time.Duration(pass)), "")
	}
	if f.memory > 0 {
		line(fmt.Sprintf("heap of a million series (%s were made)", thousands(float64(o.series))), fmt.Sprintf("%.0f MiB", f.memory/(1<<20)), "")
		line("… series made a second", thousands(f.seriesRate), "")
	}
	if f.replay > 0 {
		line(fmt.Sprintf("start after kill -9: %s series, %s of samples, %d MiB of log", thousands(float64(f.filled)), o.raw, f.walSize>>20),
			duration(f.replay)+", CPU "+duration(f.replayCPU), "")
	}
	reportQueries(&b, o, f)
	return b.String()
}

// reportAppends compares a door with Prometheus's own appender, which was given the
// same series in the same way, in turns with it.
func reportAppends(line func(what, measured, aim string), what string, r result) {
	if r["ratio"] == 0 {
		return
	}
	line(what, thousands(r["samples/s"]), "")
	line("… ratio of processor time to Prometheus's own appender, given the same (1: no cost; "+thousands(r["raw-samples/s"])+" a second)", fmt.Sprintf("%.2f", r["ratio"]), "0.80")
}

func reportQueries(b *strings.Builder, o options, f figures) {
	if len(f.panels) == 0 {
		return
	}
	fmt.Fprintf(b, "\nQueries over %s functions (%s series) with %s of raw samples and %.0f days of rollups, a tenth of them called all the time; the middle of %d runs through the HTTP handler, answer encoded, one caller.\n\n",
		thousands(float64(o.functions)), thousands(float64(f.filled)), o.raw, o.rolled.Hours()/24, o.runs)
	fmt.Fprint(b, "| of one function's dashboard | all of the panel's queries | answer |\n|---|---:|---:|\n")
	var sum time.Duration
	for _, p := range f.panels {
		sum += p.took
		fmt.Fprintf(b, "| %s | %s | %s |\n", p.what, duration(p.took), kib(p.size))
	}
	fmt.Fprintf(b, "| **all %d panels, one after another** | **%s** | |\n\n", len(f.panels), duration(sum))
	fmt.Fprint(b, "| of all functions at once | one query | answer |\n|---|---:|---:|\n")
	for _, q := range f.fleet {
		fmt.Fprintf(b, "| %s | %s | %s |\n", q.what, duration(q.took), kib(q.size))
	}
}

func kib(bytes int) string { return fmt.Sprintf("%.1f KiB", float64(bytes)/1024) }

func duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", float64(d)/float64(time.Microsecond))
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

func thousands(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
