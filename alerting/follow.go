package alerting

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Inhibition: where several functions of one team fail or are slow for one cause, a host
// that they ask or the worker that they share, the team is told of the cause, once, and not
// of each function. Teams are looked at one by one, so that what one does never keeps another
// from being told.

// followers is how many functions of a team must have the cause.
const followers = 3

// shared is one cause for several functions of a team.
type shared struct {
	team, cause string
	follow      map[function.Name][]Objective // what of each function follows from it
	weight      map[function.Name]float64
	fails       bool // of a host: requests to it fail, for one of them at least; else it is slow
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
	groups := r.groups(failing, troubles)
	follows := map[Objective]string{}
	var causes []Condition
	for _, id := range slices.Sorted(keys(groups)) {
		g := groups[id]
		if len(g.follow) < followers {
			continue
		}
		c := r.causeOf(g)
		if c.Function == "" {
			continue // nobody can stand for it: each is told of, or silenced, by itself
		}
		causes = append(causes, c)
		for _, list := range g.follow {
			for _, o := range list {
				follows[o] = fmt.Sprintf("follows from %s of %s: %s", kinds[c.Kind].Alert, c.Function, c.Reason)
			}
		}
	}
	for o, why := range r.e.follows { // the cause is over, and only a long window burns still
		if follows[o] == "" && !isCondition(o.SLO) && len(failing[o.Function]) > 0 && r.calm(o, troubles[o.Function]) {
			follows[o] = why
		}
	}
	r.followed(follows)
	return causes, true
}

// groups are the functions that fail or are slow for one cause, by team and cause.
func (r *round) groups(failing map[function.Name][]Key, troubles map[function.Name]*trouble) map[string]*shared {
	groups := map[string]*shared{}
	for name, list := range failing {
		t := troubles[name]
		if t == nil {
			continue
		}
		failed, failures := t.cause()
		for _, k := range list {
			cause, weight := failed, failures
			if failed == "" { // its errors, if it has any, are its own
				promised, _ := r.specs[name].objective(k.SLO)
				cause, weight = t.slowed(promised)
			}
			if cause == "" {
				continue
			}
			id := name.Team() + "\x00" + cause
			g := groups[id]
			if g == nil {
				g = &shared{team: name.Team(), cause: cause, follow: map[function.Name][]Objective{}, weight: map[function.Name]float64{}}
				groups[id] = g
			}
			g.follow[name] = append(g.follow[name], k.Objective)
			g.weight[name] = max(g.weight[name], weight)
			g.fails = g.fails || failed != ""
			g.page = g.page || k.Class == slo.Page
		}
	}
	return groups
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

// causeOf is the condition that stands for a group: of the version that ends the worker, of
// the function that was told of before, or else of the one that fails most.
func (r *round) causeOf(g *shared) Condition {
	c := Condition{Kind: Dependency, Page: g.page, Value: float64(len(g.follow))}
	names := slices.Sorted(keys(g.follow))
	does := "is slow"
	if g.fails {
		does = "fails"
	}
	c.Reason = fmt.Sprintf("%s %s for %s", oneLine(g.cause, maxText), does, several(names))
	if g.cause == sharedWorker {
		c.Kind = Workers
		c.Reason = "calls are lost with the team's worker, of " + several(names)
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
	for _, name := range names {
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
