package alerting

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Guards of what counts as a common cause.
const (
	// followedShare is how much of a function's requests to the host must fail, and how
	// many of its errors or slow calls the cause must explain.
	followedShare = 0.5
	// followedFailures is how many failures to the host, or slow requests, say something.
	followedFailures = 5
	// stirred is how many errors or slow calls of the last minutes make a function fail anew
	// for reasons of its own, where the cause is gone and only its longer windows burn.
	stirred = 3
	// mostThresholds is how many thresholds of latency are looked at in an evaluation, those
	// of most functions first: each is a query.
	mostThresholds = 5
)

// The queries behind it: of the last five minutes, by function.
const (
	errorsByCode  = "sum by (team, project, function, code) (increase(%s[5m]))"
	fetchesByHost = "sum by (team, project, function, host, code) (increase(%s[5m]))"
	slowByHost    = "histogram_count(sum by (team, project, function, host) (increase(%[1]s[5m])))\n" +
		"* histogram_fraction(%[2]s, Inf, sum by (team, project, function, host) (increase(%[1]s[5m])))"
	badByObjective = "sum by (team, project, function, slo) (increase(%s[5m]))"
)

const (
	sharedWorker = "\x00worker"
	otherHosts   = "other" // hosts beyond those that are told apart
)

// trouble is how a function fails.
type trouble struct {
	errors, lost float64            // all of them, and those of calls lost with their worker
	bad          map[string]float64 // by objective; known where calls are too slow
	hosts        map[string]*asked
}

type asked struct {
	all, failed float64
	slow        map[time.Duration]float64 // that took longer than a threshold of the function's
}

// cause is what the function's errors come from: a host, or sharedWorker; empty where
// they are its own or cannot be told.
func (t *trouble) cause() (key string, weight float64) {
	if t.lost >= stirred-slo.CountSlack && t.lost >= followedShare*t.errors {
		return sharedWorker, t.lost
	}
	for host, a := range t.hosts {
		if host != otherHosts && a.failed >= followedFailures-slo.CountSlack && a.failed >= followedShare*a.all && a.failed >= followedShare*t.errors &&
			(a.failed > weight || a.failed == weight && host < key) {
			key, weight = host, a.failed
		}
	}
	return key, weight
}

// slowed is the host that a latency objective's slow calls come from: a request that took
// longer than the threshold made the call that waited for it slow, whatever else it did. It
// is empty where they are the function's own, or several hosts are slow at a time: then
// rather the machine is.
func (t *trouble) slowed(o function.Objective) (key string, weight float64) {
	if o.Threshold <= 0 {
		return "", 0
	}
	all := 0.0
	for host, a := range t.hosts {
		slow := a.slow[o.Threshold]
		all += slow
		if host != otherHosts && (slow > weight || slow == weight && host < key) {
			key, weight = host, slow
		}
	}
	if weight < followedFailures-slo.CountSlack || weight < followedShare*t.bad[o.Name] || weight <= followedShare*all {
		return "", 0
	}
	return key, weight
}

// calm reports whether hardly anything of the objective went wrong of late.
func (r *round) calm(o Objective, t *trouble) bool {
	if t == nil {
		return true
	}
	went := t.errors
	if promised, _ := r.specs[o.Function].objective(o.SLO); promised.Threshold > 0 {
		went = t.bad[o.SLO]
	}
	return went < stirred-slo.CountSlack
}

// troubles asks how those functions fail.
func (r *round) troubles(ctx context.Context, failing map[function.Name][]Key) (map[function.Name]*trouble, error) {
	out := map[function.Name]*trouble{}
	of := func(l metric.Labels) *trouble {
		name := named(l)
		if out[name] == nil {
			out[name] = &trouble{bad: map[string]float64{}, hosts: map[string]*asked{}}
		}
		return out[name]
	}
	host := func(l metric.Labels) *asked {
		t, host := of(l), l.Get(metric.Host)
		if t.hosts[host] == nil {
			t.hosts[host] = &asked{slow: map[time.Duration]float64{}}
		}
		return t.hosts[host]
	}
	names := func(of func(yield func(function.Name) bool)) string {
		bases := map[string]bool{}
		for name := range of {
			bases[name.Base()] = true
		}
		if matchers := narrowed(bases); matchers != "" {
			return "{" + matchers + "}"
		}
		return ""
	}
	ask := func(take func(metric.Point), format string, args ...any) error {
		points, err := r.askNow(ctx, fmt.Sprintf(format, args...))
		for _, p := range points {
			take(p)
		}
		return err
	}
	those := names(keys(failing))
	if err := ask(func(p metric.Point) {
		t := of(p.Labels)
		t.errors += p.V
		if p.Labels.Get(metric.CodeName) == string(invocation.WorkerLost) {
			t.lost += p.V
		}
	}, errorsByCode, metric.Errors+those); err != nil {
		return nil, err
	}
	if err := ask(func(p metric.Point) {
		a := host(p.Labels)
		a.all += p.V
		switch p.Labels.Get(metric.CodeName) {
		case "5xx", "error", "aborted": // of invocation.FetchCodes
			a.failed += p.V
		}
	}, fetchesByHost, metric.Fetches+those); err != nil {
		return nil, err
	}
	slow := r.thresholds(failing)
	if len(slow) == 0 {
		return out, nil
	}
	if err := ask(func(p metric.Point) { of(p.Labels).bad[p.Labels.Get(metric.SLO)] += p.V }, badByObjective, metric.BadEvents+those); err != nil {
		return nil, err
	}
	for _, s := range slow {
		if err := ask(func(p metric.Point) {
			if p.V > 0 { // no requests are no number
				host(p.Labels).slow[s.than] += p.V
			}
		}, slowByHost, metric.FetchTime+names(keys(s.of)), strconv.FormatFloat(s.than.Seconds(), 'f', -1, 64)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// slower is functions that are slower than they promise.
type slower struct {
	than time.Duration
	of   map[function.Name]bool
}

// thresholds are those of the latency objectives that fail, of most functions first.
func (r *round) thresholds(failing map[function.Name][]Key) []slower {
	by := map[time.Duration]map[function.Name]bool{}
	for name, list := range failing {
		for _, k := range list {
			o, _ := r.specs[name].objective(k.SLO)
			if o.Threshold <= 0 {
				continue
			}
			if by[o.Threshold] == nil {
				by[o.Threshold] = map[function.Name]bool{}
			}
			by[o.Threshold][name] = true
		}
	}
	out := make([]slower, 0, len(by))
	for d, of := range by {
		out = append(out, slower{d, of})
	}
	slices.SortFunc(out, func(a, b slower) int {
		return cmp.Or(cmp.Compare(len(b.of), len(a.of)), cmp.Compare(a.than, b.than))
	})
	return out[:min(len(out), mostThresholds)]
}
