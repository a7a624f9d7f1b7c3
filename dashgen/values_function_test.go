package dashgen_test

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// moment is what a function's dashboard is to show and the list of what was sent does
// not tell.
type moment struct {
	state, firing, inFlight float64
	own                     bool // it counts something itself
}

const (
	shown    = 15 * time.Minute // the variable window
	forever  = 30 * 24 * time.Hour
	thirty   = float64(30 * 24 * time.Hour / time.Second)
	allCalls = "invocations"
)

// by tells the rate of calls apart; where there is none it says so, as panels do.
func (w *traffic) by(p which, word func(call) string) map[string]float64 {
	out := map[string]float64{}
	w.each(time.Minute, p, func(c call) { out[word(c)] += 1.0 / 60 })
	return orNone(out, "none")
}

func orNone(values map[string]float64, word string) map[string]float64 {
	if len(values) == 0 {
		return map[string]float64{word: 0}
	}
	return values
}

func atVersion(c call) string { return fmt.Sprintf("@%d", c.id.Version) }

// versions are those that were called in a window.
func (w *traffic) versions(window time.Duration, p which) (out []int) {
	w.each(window, p, func(c call) {
		if !slices.Contains(out, c.id.Version) {
			out = append(out, c.id.Version)
		}
	})
	return out
}

func (w *traffic) ofVersions(p which, value func(which, int) float64, word string) map[string]float64 {
	out := map[string]float64{}
	for _, v := range w.versions(time.Minute, p) {
		out[fmt.Sprintf(word, v)] = value(p.version(v), v)
	}
	return out
}

// promise is an objective in the test's own words.
type promise struct {
	name  string
	ratio float64
	bad   which
}

func promises(m function.Manifest) []promise {
	out := []promise{{"availability", m.SLO.Availability / 100, failed}}
	for _, l := range m.SLO.Latency {
		out = append(out, promise{l.Name(), l.Quantile, slower(time.Duration(l.Threshold))})
	}
	return out
}

func (w *traffic) burn(p which, o promise, window time.Duration) float64 {
	return w.ratio(window, p, o.bad) / (1 - o.ratio)
}

func (w *traffic) budget(p which, o promise) float64 { return 1 - w.burn(p, o, forever) }

// lasts is how long a budget does at the pace of the last hour, at most the window.
func (w *traffic) lasts(p which, o promise) float64 {
	return min(max(w.budget(p, o), 0)*thirty/w.burn(p, o, time.Hour), thirty)
}

// ofFunction says what every panel of the dashboard of pay is to show.
func (w *traffic) ofFunction(m function.Manifest, at moment) expectations {
	p := of(pay)
	isTimeout := which(func(c call) bool { return c.code == invocation.Timeout })
	errorRatio := func() float64 { return w.ratio(time.Minute, p, failed) }
	refused := func() (all float64) {
		for _, n := range w.refusals(pay) {
			all += n
		}
		return all
	}
	quantiles := func() (out []want) {
		for _, q := range []struct {
			q    float64
			word string
		}{{0.5, "p50"}, {0.95, "p95"}, {0.99, "p99"}} {
			out = append(out, bucket(map[string]float64{q.word: w.quantile(time.Minute, q.q, p, took)}))
		}
		return out
	}
	hits := func() map[string]float64 {
		out := map[string]float64{}
		count := func(h invocation.Hits) {
			for at := range h.All() {
				out[invocation.HitName(at)]++
			}
		}
		w.each(time.Second, p, func(c call) { count(c.hits) })
		for _, b := range w.background(pay) {
			count(b.Hits)
		}
		return orNone(out, "none")
	}
	lost := func() float64 {
		n := 0.0
		for _, b := range w.background(pay) {
			if b.Code.IsError() {
				n++
			}
		}
		return n
	}
	hosts := func(codes ...string) map[string]float64 {
		out := map[string]float64{}
		for host, all := range w.fetches(pay, codes...) {
			out[host] = float64(len(all))
		}
		return orNone(out, "nobody")
	}
	waits := func() map[string]float64 {
		out := map[string]float64{}
		for host, all := range w.fetches(pay, invocation.FetchCodes...) {
			out[host] = rank(all, 0.95)
		}
		return out
	}
	all := expectations{
		"State":         func() []want { return []want{single("state", at.state)} },
		"Firing alerts": func() []want { return []want{single("firing", at.firing)} },
		"Rate":          func() []want { return []want{single("rate", w.rate(p))} },
		"Error ratio":   func() []want { return []want{single("errors", errorRatio())} },
		"p95": func() []want {
			return []want{bucket(map[string]float64{"p95": w.quantile(time.Minute, 0.95, p, took)})}
		},

		"Rate by result": func() []want {
			return []want{
				single("ok", w.rate(p)-w.rate(p.and(failed))), single("error", w.rate(p.and(failed))), single("refused", refused()),
			}
		},
		"Rate by version": func() []want { return []want{exactly(w.by(p, atVersion))} },
		"Errors by code": func() []want {
			return []want{exactly(w.by(p.and(failed), func(c call) string { return string(c.code) }))}
		},
		"Error ratio over time":       func() []want { return []want{single("errors", errorRatio())} },
		"Refused before the function": func() []want { return []want{exactly(orNone(w.refusals(pay), "none"))} },
		"Failed background work":      func() []want { return []want{single("failures", lost())} },

		"Latency": quantiles,
		"Latency distribution": func() []want {
			return []want{{values: map[string]float64{allCalls: w.rate(p)}, off: 1e-6, wrap: "histogram_count"}}
		},

		"In flight against limit": func() []want {
			return []want{single("in flight", at.inFlight), single("limit", float64(m.Limits.Concurrency))}
		},
		"CPU": func() []want {
			return []want{exactly(w.ofVersions(p, func(_ which, v int) float64 { return w.cpu(p, pay, v) }, "@%d"))}
		},
		"Wait for a VM": func() []want {
			return []want{single("wait", w.total(time.Minute, p, func(c call) time.Duration { return c.queue })/w.count(time.Minute, p))}
		},
		"Time limit used": func() []want {
			return []want{bucket(map[string]float64{"p99 of the limit": w.quantile(time.Minute, 0.99, p, took) / time.Duration(m.Limits.Timeout).Seconds()})}
		},
		"Timeouts": func() []want { return []want{single("timeouts", w.ratio(time.Minute, p, isTimeout))} },
		"Ended for memory": func() []want {
			return []want{exactly(w.by(p.and(func(c call) bool {
				return c.code == invocation.MemoryLimit || c.code == invocation.WorkerLost
			}), func(c call) string { return string(c.code) }))}
		},
		"Limits hit":  func() []want { return []want{exactly(hits())} },
		"Cold starts": func() []want { return []want{single("cold starts", w.rate(p.and(isCold)))} },
		"Module start": func() []want {
			v := w.quantile(time.Hour, 0.99, p.and(isCold), initTime)
			if math.IsNaN(v) {
				v = 0
			}
			return []want{bucket(map[string]float64{"p99": v})}
		},

		"Versions side by side": func() []want { return w.versionRows(p) },
		"Error ratio by version": func() []want {
			return []want{exactly(w.ofVersions(p, func(p which, _ int) float64 { return w.ratio(time.Minute, p, failed) }, "@%d"))}
		},
		"p95 by version": func() []want {
			return []want{bucket(w.ofVersions(p, func(p which, _ int) float64 { return w.quantile(time.Minute, 0.95, p, took) }, "@%d"))}
		},

		"Requests by host":        func() []want { return []want{exactly(hosts(invocation.FetchCodes...))} },
		"Failed requests by host": func() []want { return []want{exactly(hosts("5xx", "error", "refused"))} },
		"Wait for a host (p95)":   func() []want { return []want{bucket(waits())} },
	}
	if at.own {
		all["orders_total"] = func() []want {
			return []want{exactly(map[string]float64{"currency=EUR": 2, "currency=USD": 0.5})}
		}
		all["queue_length"] = func() []want { return []want{single("", 17)} }
		all["basket_eur"] = func() []want {
			return []want{bucket(map[string]float64{"p50": 10}), bucket(map[string]float64{"p95": 80}), bucket(map[string]float64{"p99": 80})}
		}
	}
	for i, o := range promises(m) {
		if i < 2 {
			all["Budget left: "+o.name] = func() []want { return []want{about(map[string]float64{o.name: w.budget(p, o)})} }
		}
		all["Budget over time: "+o.name] = func() []want { return []want{about(map[string]float64{"left": w.budget(p, o)})} }
		all["Burn rate: "+o.name] = func() (out []want) {
			for _, window := range []string{"5m", "1h", "30m", "6h", "2h", "1d", "3d"} {
				d, err := function.ParseDuration(window)
				if err != nil {
					w.t.Fatal(err)
				}
				out = append(out, about(map[string]float64{window: w.burn(p, o, time.Duration(d))}))
			}
			return out
		}
		all["Budget lasts: "+o.name] = func() []want { return []want{about(map[string]float64{"lasts": w.lasts(p, o)})} }
	}
	return all
}

// versionRows are the columns of the table that compares versions.
func (w *traffic) versionRows(p which) []want {
	columns := make([]map[string]float64, 5)
	for i := range columns {
		columns[i] = map[string]float64{}
	}
	for _, v := range w.versions(shown, p) {
		this, row := p.version(v), fmt.Sprint(v)
		calls := w.count(shown, this)
		columns[0][row] = calls
		columns[1][row] = w.ratio(shown, this, failed)
		columns[2][row] = w.quantile(shown, 0.95, this, took)
		columns[3][row] = w.cpu(p, pay, v) * shown.Seconds() / calls
		columns[4][row] = w.count(shown, this.and(isCold))
	}
	return []want{exactly(columns[0]), exactly(columns[1]), bucket(columns[2]), exactly(columns[3]), exactly(columns[4])}
}
