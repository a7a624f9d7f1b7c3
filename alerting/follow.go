package alerting

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Inhibition: where several functions of one team fail for one cause, a host that they
// ask or the worker that they share, the team is told of the cause, once, and not of each
// function. Teams are looked at one by one, so that what one does never keeps another
// from being told.

// Guards of it.
const (
	// followers is how many functions of a team must fail for the cause.
	followers = 3
	// followedShare is how much of a function's requests to the host must fail, and how
	// many of its errors the cause must explain.
	followedShare = 0.5
	// followedFailures is how many failures to the host say something.
	followedFailures = 5
	// stirred is how many errors of the last minutes make a function fail anew for
	// reasons of its own, where the cause is gone and only its longer windows burn.
	stirred = 3
)

// The queries behind it: of the last five minutes, by function.
const (
	errorsByCode  = "sum by (team, project, function, code) (increase(%s[5m]))"
	fetchesByHost = "sum by (team, project, function, host, code) (increase(%s[5m]))"
)

// trouble is how a function fails.
type trouble struct {
	errors, lost float64 // all of them, and those of calls lost with their worker
	hosts        map[string]*asked
}

type asked struct{ all, failed float64 }

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

const (
	sharedWorker = "\x00worker"
	otherHosts   = "other" // hosts beyond those that are told apart
)

// shared is one cause for several functions of a team.
type shared struct {
	team, cause string
	functions   []function.Name
	weight      map[function.Name]float64
	page        bool // one of them would page
}

// follow finds what the trouble of functions follows from. What it returns are the causes,
// as conditions, and whether anything can be said of them; who follows is noted in e.follows.
func (r *round) follow(ctx context.Context) ([]Condition, bool) {
	if r.e.replaying || r.e.cfg.Unmeasured {
		return nil, false
	}
	failing := r.failing()
	if len(failing) == 0 {
		r.followed(map[Objective]string{})
		return nil, true
	}
	troubles, err := r.troubles(ctx, failing)
	if err != nil { // who followed goes on following
		r.e.metrics.failures.WithLabelValues("query").Inc()
		r.errs = append(r.errs, fmt.Errorf("look for a common cause: %w", err))
		return nil, false
	}
	groups := map[string]*shared{}
	for name, list := range failing {
		t := troubles[name]
		if t == nil {
			continue
		}
		key, weight := t.cause()
		if key == "" {
			continue
		}
		id := name.Team() + "\x00" + key
		g := groups[id]
		if g == nil {
			g = &shared{team: name.Team(), cause: key, weight: map[function.Name]float64{}}
			groups[id] = g
		}
		g.functions, g.weight[name] = append(g.functions, name), weight
		g.page = g.page || slices.ContainsFunc(list, func(k Key) bool { return k.Class == slo.Page })
	}
	follows := map[Objective]string{}
	var causes []Condition
	for _, id := range slices.Sorted(keys(groups)) {
		g := groups[id]
		if len(g.functions) < followers {
			continue
		}
		slices.Sort(g.functions)
		c := r.causeOf(g)
		if c.Function == "" {
			continue // nobody can stand for it: each is told of, or silenced, by itself
		}
		causes = append(causes, c)
		for _, name := range g.functions {
			for _, k := range failing[name] {
				follows[k.Objective] = fmt.Sprintf("follows from %s of %s: %s", kinds[c.Kind].Alert, c.Function, c.Reason)
			}
		}
	}
	for o, why := range r.e.follows { // the cause is over, and only a long window burns still
		if t := troubles[o.Function]; follows[o] == "" && !isCondition(o.SLO) && len(failing[o.Function]) > 0 && (t == nil || t.errors < stirred-slo.CountSlack) {
			follows[o] = why
		}
	}
	r.followed(follows)
	return causes, true
}

func (r *round) followed(follows map[Objective]string) {
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	r.e.follows = follows
}

// failing is the firing burn rate alerts, by function, of teams in which enough functions
// have one, and of those that followed something.
func (r *round) failing() map[function.Name][]Key {
	all := map[function.Name][]Key{}
	teams, before := map[string]int{}, map[string]bool{}
	for o, list := range r.firing() {
		if isCondition(o.SLO) {
			continue
		}
		if all[o.Function] == nil {
			teams[o.Function.Team()]++
		}
		all[o.Function] = append(all[o.Function], list...)
	}
	for o := range r.e.follows {
		before[o.Function.Team()] = true
	}
	for name := range all {
		if teams[name.Team()] < followers && !before[name.Team()] {
			delete(all, name)
		}
	}
	return all
}

// troubles asks how those functions fail.
func (r *round) troubles(ctx context.Context, failing map[function.Name][]Key) (map[function.Name]*trouble, error) {
	names := map[string]bool{}
	for name := range failing {
		names[name.Base()] = true
	}
	matchers := narrowed(names)
	if matchers != "" {
		matchers = "{" + matchers + "}"
	}
	out := map[function.Name]*trouble{}
	of := func(l metric.Labels) *trouble {
		name := named(l)
		if out[name] == nil {
			out[name] = &trouble{hosts: map[string]*asked{}}
		}
		return out[name]
	}
	points, err := r.askNow(ctx, fmt.Sprintf(errorsByCode, metric.Errors+matchers))
	if err != nil {
		return nil, err
	}
	for _, p := range points {
		t := of(p.Labels)
		t.errors += p.V
		if p.Labels.Get(metric.CodeName) == string(invocation.WorkerLost) {
			t.lost += p.V
		}
	}
	if points, err = r.askNow(ctx, fmt.Sprintf(fetchesByHost, metric.Fetches+matchers)); err != nil {
		return nil, err
	}
	for _, p := range points {
		t, host := of(p.Labels), p.Labels.Get(metric.Host)
		if t.hosts[host] == nil {
			t.hosts[host] = &asked{}
		}
		t.hosts[host].all += p.V
		switch p.Labels.Get(metric.CodeName) {
		case "5xx", "error", "aborted": // of invocation.FetchCodes
			t.hosts[host].failed += p.V
		}
	}
	return out, nil
}

// causeOf is the condition that stands for a group: of the version that ends the worker, of
// the function that was told of before, or else of the one that fails most.
func (r *round) causeOf(g *shared) Condition {
	c := Condition{Kind: Dependency, Page: g.page, Value: float64(len(g.functions))}
	c.Reason = fmt.Sprintf("%s fails for %s", oneLine(g.cause, maxText), several(g.functions))
	if g.cause == sharedWorker {
		c.Kind = Workers
		c.Reason = "calls are lost with the team's worker, of " + several(g.functions)
		for _, q := range r.standing() {
			if name := q.Version.Name; name.Team() == g.team && r.stands(name, slo.Quarantine, g.page) {
				c.Kind, c.Function = slo.Quarantine, name
				return c
			}
		}
	}
	firing := func(name function.Name) bool {
		return r.e.alerts[conditionKey(Objective{name, c.Kind}, slo.Ticket)].State == Firing
	}
	id := g.team + "\x00" + g.cause
	if lead, ok := r.e.leads[id]; ok && firing(lead) && r.stands(lead, c.Kind, g.page) {
		c.Function = lead // it stays, though it may be well again
		return c
	}
	for _, name := range g.functions {
		switch {
		case !r.stands(name, c.Kind, g.page):
		case c.Function == "", firing(name) && !firing(c.Function), firing(name) == firing(c.Function) && g.weight[name] > g.weight[c.Function]:
			c.Function = name
		}
	}
	if c.Function != "" {
		r.e.leads[id] = c.Function
	}
	return c
}

// stands reports whether a condition of the function would be told of: it has alerts, and
// no silence covers it.
func (r *round) stands(name function.Name, kind string, page bool) bool {
	s := r.specs[name]
	if s == nil || s.disabled {
		return false
	}
	class := slo.Ticket
	if page {
		class = slo.Page
	}
	return silenced(r.e.silences, Objective{name, kind}, class, r.now) == ""
}

// several names functions of one team.
func several(names []function.Name) string {
	const most = 5
	var parts []string
	for i, n := range names {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		_, rest, _ := strings.Cut(string(n), "/")
		parts = append(parts, oneLine(rest, maxWho))
	}
	return fmt.Sprintf("%d functions: %s", len(names), strings.Join(parts, ", "))
}

// together makes one ticket of many functions of a team that get no calls: what calls them
// is the same, most likely. The others follow the first.
func (r *round) together(list []Condition) []Condition {
	teams := map[string][]function.Name{}
	for _, c := range list {
		if s := r.specs[c.Function]; s != nil && !s.disabled {
			teams[c.Function.Team()] = append(teams[c.Function.Team()], c.Function)
		}
	}
	out := slices.Clone(list)
	for team, names := range teams {
		if len(names) < followers {
			continue
		}
		slices.Sort(names)
		lead := names[0]
		for _, name := range names {
			if in, ok := r.e.incidents[Objective{name, slo.Traffic}]; ok && in.Told != "" {
				lead = name
				break
			}
		}
		why := "no calls come to " + several(names)
		r.e.mu.Lock()
		for _, name := range names {
			if name != lead {
				r.e.follows[Objective{name, slo.Traffic}] = fmt.Sprintf("follows from %s of %s: %s", kinds[slo.Traffic].Alert, lead, why)
			}
		}
		r.e.mu.Unlock()
		for i := range out {
			if out[i].Function == lead {
				out[i].Reason += "; " + why + " of " + team
			}
		}
	}
	return out
}
