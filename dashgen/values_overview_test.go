package dashgen_test

import (
	"strings"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/dashgen"
	"hadron/runtime/function"
)

// fiveMinutes is the window of recorded series.
const fiveMinutes = 5 * time.Minute

func (w *traffic) recorded(p which) float64 { return w.count(fiveMinutes, p) / fiveMinutes.Seconds() }

// words are the first columns of a table's row.
func words(name function.Name) string { return strings.ReplaceAll(string(name), "/", " ") }

// promised is how objectives do: budgets and burns by the words of their rows and bars.
type promised struct {
	budgets, least, burns map[string]float64
	spent, low            float64
}

func (w *traffic) promised(names []function.Name, bar func(function.Name) string) promised {
	out := promised{map[string]float64{}, map[string]float64{}, map[string]float64{}, 0, 0}
	for _, name := range names {
		m := function.DefaultManifest()
		if name == pay {
			m = w.careful
		}
		for _, o := range promises(m) {
			left := w.budget(of(name), o)
			out.budgets[words(name)+" "+o.name+" 30d"] = left
			if was, ok := out.least[words(name)]; !ok || left < was {
				out.least[words(name)] = left
			}
			if left <= 0 {
				out.spent++
			}
			if left < 0.25 {
				out.low++
			}
			for _, window := range []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour} {
				if burn := w.burn(of(name), o, window); burn > 0 {
					out.burns[bar(name)+" "+o.name] = max(out.burns[bar(name)+" "+o.name], burn)
				}
			}
		}
	}
	return out
}

// ofFolder says what every panel of an overview is to show, at the end of the test.
func (w *traffic) ofFolder(folder dashgen.Folder) expectations {
	var names []function.Name
	for _, name := range everyName {
		if folder == "" || strings.HasPrefix(string(name)+"/", string(folder)+"/") {
			names = append(names, name)
		}
	}
	within := which(func(c call) bool {
		return folder == "" || strings.HasPrefix(string(c.id.Name)+"/", string(folder)+"/")
	})
	part := func(name function.Name) string {
		switch strings.Count(string(folder), "/") + min(1, len(folder)) {
		case 0:
			return name.Team()
		case 1:
			return name.Project()
		}
		return name.Base()
	}
	bar := func(name function.Name) string { // what the folder does not say already
		return strings.TrimPrefix(strings.TrimPrefix(string(name), string(folder)), "/")
	}
	partOf := []string{metric.Team, metric.Project, metric.Function}[strings.Count(string(folder), "/")+min(1, len(folder))]
	each := func(value func(which) float64, word func(function.Name) string, positive bool) map[string]float64 {
		out := map[string]float64{}
		for _, name := range names {
			if v := value(of(name)); v > 0 || !positive {
				out[word(name)] += v
			}
		}
		return out
	}
	errors := func(p which) float64 { return w.recorded(p.and(failed)) }
	cpu := func(p which) float64 {
		sum := w.total(fiveMinutes, p, func(c call) time.Duration { return c.cpu }) / fiveMinutes.Seconds()
		for id, list := range w.log[len(w.log)-1].what.settled {
			for _, b := range list {
				if p(call{id: id}) {
					sum += b.CPU.Seconds()
				}
			}
		}
		return sum
	}
	now, before := w.promised(names, bar), ago(w, func() promised { return w.promised(names, bar) })
	recorded := func(values, earlier map[string]float64) want {
		return want{values: values, earlier: earlier, off: 0.01, least: 0.001}
	}
	alerts := map[string]float64{}
	paging, ticketed := map[string]bool{}, map[string]bool{}
	for _, labels := range w.alerts {
		name := function.Name(labels.Get(metric.Team) + "/" + labels.Get(metric.Project) + "/" + labels.Get(metric.Function))
		if !within(call{id: function.ID{Name: name}}) {
			continue
		}
		class := labels.Get(slo.ClassLabel)
		alerts[strings.Join([]string{words(name), class, labels.Get(metric.SLO), labels.Get(slo.WindowLabel)}, " ")] = 1
		if class == string(slo.Page) {
			paging[string(name)] = true
		} else {
			ticketed[string(name)] = true
		}
	}
	degraded := 0.0
	for name := range ticketed {
		if !paging[name] {
			degraded++
		}
	}
	worst := each(errors, words, true)
	ofWorst := func(values map[string]float64) map[string]float64 {
		out := map[string]float64{}
		for word := range worst {
			out[word] = values[word]
		}
		return out
	}
	deployed, fresh := map[string]float64{}, map[string]float64{}
	if within(call{id: function.ID{Name: banner}}) {
		word := banner.Project()
		if folder == "" {
			word = banner.Team()
		}
		deployed[word], fresh[words(banner)+" 8"] = 1, 1
	}
	quantile := func(q float64, word string) want {
		return bucket(map[string]float64{word: w.quantile(fiveMinutes, q, within, took)})
	}
	return expectations{
		"Failing":       func() []want { return []want{single("failing", float64(len(paging)))} },
		"Degraded":      func() []want { return []want{single("degraded", degraded)} },
		"Called":        func() []want { return []want{single("called", float64(len(each(w.recorded, words, true))))} },
		"Rate":          func() []want { return []want{single("rate", w.recorded(within))} },
		"Error ratio":   func() []want { return []want{single("error ratio", w.ratio(fiveMinutes, within, failed))} },
		"Budgets spent": func() []want { return []want{single("budgets spent", now.spent)} },

		"Worst functions": func() []want {
			return []want{
				exactly(worst), exactly(ofWorst(each(w.recorded, words, true))),
				exactly(ofWorst(each(func(p which) float64 { return w.ratio(fiveMinutes, p, failed) }, words, true))), recorded(ofWorst(now.least), before.least),
			}
		},
		"Firing alerts":       func() []want { return []want{exactly(alerts)} },
		"Error-budget league": func() []want { return []want{recorded(now.budgets, before.budgets)} },
		"Fastest burn":        func() []want { return []want{recorded(orNone(now.burns, "none {{slo}}"), before.burns)} },
		"Budgets over time":   func() []want { return []want{single("spent", now.spent), single("under a quarter", now.low)} },

		"Rate by " + partOf:   func() []want { return []want{exactly(each(w.recorded, part, false))} },
		"Errors by " + partOf: func() []want { return []want{exactly(orNone(each(errors, part, true), "none"))} },
		"Errors by code": func() []want {
			codes := map[string]float64{}
			w.each(fiveMinutes, within.and(failed), func(c call) { codes[string(c.code)] += 1 / fiveMinutes.Seconds() })
			return []want{exactly(orNone(codes, "none"))}
		},
		"Latency": func() []want { return []want{quantile(0.5, "p50"), quantile(0.95, "p95"), quantile(0.99, "p99")} },
		"Latency distribution": func() []want {
			return []want{{values: map[string]float64{allCalls: w.recorded(within)}, off: 1e-6, wrap: "histogram_count"}}
		},

		"Functions deployed lately": func() []want { return []want{exactly(orNone(deployed, "none"))} },
		"New versions":              func() []want { return []want{exactly(fresh)} },
		"Most CPU": func() []want {
			return []want{exactly(orNone(each(cpu, bar, true), "none"))}
		},
	}
}
